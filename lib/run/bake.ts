/**
 * A run: from a plan to results. Builds run as soon as their dependencies are done; everything that happens is reported as an
 * event.
 */
import { randomBytes } from 'node:crypto';
import type { NodeInputs } from '../inputs/mod.ts';
import { warnOfUnlocked } from '../lock/mod.ts';
import {
  type AuditSummary,
  createHider,
  fail,
  formatImageRef,
  type Hider,
  hideUsersIn,
  type Outcome,
  type Plan,
  type Problem,
  problemToJson,
  type Result,
  type RunSummary,
} from '../model/mod.ts';
import { defaultJobs } from '../system/mod.ts';
import { orDenied } from '../util/permission.ts';
import type { NodeContext, NodeRun } from './context.ts';
import { DownRegistries } from './down-registries.ts';
import { EarlyStarts } from './early.ts';
import { type Emit, KEPT_WORDS, tellInterruption, withEmitter } from './emitter.ts';
import { ENGINES, type EngineAccess } from './engine-access.ts';
import { findInactiveCaches } from './inactive-caches.ts';
import { finishInterrupted } from './interrupted.ts';
import { runNode } from './node.ts';
import { poolJobs, poolOf } from './open-engine.ts';
import { findNotPermitted } from './permissions.ts';
import { checkPlan } from './preflight.ts';
import { findProxies } from './proxies.ts';
import { immutableProblem, wantedTags } from './publish.ts';
import { immutableTags } from './publisher.ts';
import { noRecordKey, readRecordKeys } from './record-keys.ts';
import { type NodeEnd, runGraph } from './scheduler.ts';
import { findMissingSecrets } from './secrets.ts';
import { type Counts, needsOf, type Session, withSession } from './session.ts';
import type { BakeOptions, SessionOptions } from './session-options.ts';
import { readUsualDurations } from './usual.ts';

/**
 * Runs a plan.
 *
 * @returns the outcome of every build. Also resolves if builds failed or the run was cancelled. Rejects for invalid options
 *   (`TypeError`), with an error that `onEvent` throws (the run is then stopped), and for a bug of bake-ts.
 */
export function bake(options: BakeOptions): Promise<RunSummary> {
  return bakeWith(ENGINES, options);
}

/** Runs a plan with the given engines; see {@link bake}. */
export async function bakeWith(
  engines: EngineAccess,
  options: BakeOptions & Pick<SessionOptions, 'sleep' | 'slowPushMs' | 'stallNoticeMs'>,
): Promise<RunSummary> {
  checkJobs(options.jobs);
  const startedAt = performance.now();
  const keys = readRecordKeys(options.env);
  const proxies = await findProxies(options);
  const hidden = [...(keys.ok ? keys.value : []), ...proxies.sensitive];
  const hider = createHider(options.plan.set.variables, hidden);
  return withEmitter(options, hider, async (emit, signal) => {
    const run: Run = { options, emit, outcomes: new Map(), problems: [] };
    announceRun(options, emit, await readUsualDurations(options.plan, options.env));
    const nothingMore = tellInterruption(options.signal, emit);
    const counted = await orDenied(
      () =>
        withSession({ ...options, engines, proxies, emit, signal }, async (session) => {
          await runPlan(run, session);
          return session.counts;
        }),
      (denied): Result<Counts, Problem> => fail(denied),
    ).finally(nothingMore);
    if (!counted.ok) run.problems.push(counted.error);
    const { buildctlCalls, registryRequests } = counted.ok ? counted.value : NOTHING_DONE;
    const summary = summarize(run, hider, {
      durationMs: Math.round(performance.now() - startedAt),
      buildctlCalls,
      registryRequests,
    });
    emit({ type: 'run-finished', summary });
    return summary;
  });
}

const NOTHING_DONE: Counts = { buildctlCalls: 0, registryRequests: { reads: 0, writes: 0 } };

/** @throws TypeError for an invalid number of concurrent builds */
export function checkJobs(jobs: number | undefined): void {
  if (jobs === undefined || (Number.isSafeInteger(jobs) && jobs > 0)) return;
  const shown = typeof jobs === 'string' ? JSON.stringify(jobs) : String(jobs);
  throw new TypeError(`jobs must be a whole number from 1 on, and not ${shown}`);
}

const RUN_ID_BYTES = 3;

/** A run in progress. */
interface Run {
  readonly options: BakeOptions;
  readonly emit: Emit;
  readonly outcomes: Map<string, Outcome>;
  /** Problems of the whole run; any of them fails it. */
  readonly problems: Problem[];
  audit?: AuditSummary;
}

/**
 * Emits the first events of a command that processes a plan.
 *
 * @param usual build → its last known duration (milliseconds)
 */
export function announceRun(
  options: Pick<
    BakeOptions,
    'plan' | 'env' | 'address' | 'jobs' | 'version' | 'runtime' | 'command' | 'dryRun' | 'changed'
  >,
  emit: Emit,
  usual: ReadonlyMap<string, number> = new Map(),
): void {
  const { plan } = options;
  emit({
    type: 'run-started',
    runId: randomBytes(RUN_ID_BYTES).toString('hex'),
    version: options.version ?? '',
    runtime: options.runtime ?? '',
    files: plan.set.files,
    concurrency: concurrencyOf(options),
    root: plan.set.root,
    ...(options.command === undefined ? {} : { command: options.command }),
    ...(options.dryRun === true ? { dryRun: true } : {}),
    ...(options.changed === undefined ? {} : { changed: options.changed }),
  });
  emit({
    type: 'planned',
    nodes: [...plan.nodes.values()].map((node) => {
      const usualMs = usual.get(node.build.name);
      return {
        build: node.build.name,
        role: node.role,
        level: node.level,
        needs: [...new Set(node.edges.map((edge) => edge.to))],
        tags: node.build.tags.map((tag) => tag.text),
        pushes: node.pushes,
        ...(usualMs === undefined ? {} : { usualMs }),
      };
    }),
  });
}

/** How many builds may run at a time. */
function concurrencyOf({ plan, jobs, env, address = undefined }: Parameters<typeof announceRun>[0]): number {
  if (plan.set.grants.untrusted) return 1;
  const entries = poolOf({ plan, env, address });
  return entries === undefined ? (jobs ?? defaultJobs()) : poolJobs(entries, jobs);
}

async function runPlan(run: Run, session: Session): Promise<void> {
  const { options, emit, problems } = run;
  const { lock, records, recordKeys } = session;
  if (!records.ok) problems.push(records.error);
  if (!recordKeys.ok) problems.push(recordKeys.error);
  if (records.ok && recordKeys.ok && records.value?.onlySigned === true && recordKeys.value.length === 0)
    emit({ type: 'warning', problem: problemToJson(noRecordKey()) });
  if (!lock.ok) problems.push(...lock.error);
  const unlocked = lock.ok && lock.value !== undefined ? warnOfUnlocked(options.plan, lock.value) : undefined;
  if (unlocked !== undefined) emit({ type: 'warning', problem: problemToJson(unlocked) });
  for (const one of await finishInterrupted(session, options))
    emit({ type: 'warning', problem: problemToJson(one) });
  const missing = findNotPermitted(options.plan, options.env, lock.ok ? lock.value : undefined);
  problems.push(...(missing === undefined ? await checkBefore(run, session) : [missing]));
  if (problems.length > 0) return;
  session.askAhead();
  const pass = await session.startPass(options.dryRun === true);
  await runAll(options, session, pass, run.outcomes);
  if (options.dryRun !== true) {
    await auditRun(run, pass);
    problems.push(...(await publishWaiting(run, pass)));
    for (const one of await session.memory.save()) emit({ type: 'warning', problem: problemToJson(one) });
  }
}

function summarize(
  { options, outcomes, problems, audit }: Run,
  hider: Hider,
  counts: Pick<RunSummary, 'durationMs' | 'buildctlCalls' | 'registryRequests'>,
): RunSummary {
  const all = [...options.plan.nodes.keys()].flatMap((name) => outcomes.get(name) ?? []);
  return hider.hide(
    hideUsersIn<RunSummary>({
      ok: problems.length === 0 && all.every(isGood),
      cancelled: options.signal?.aborted === true,
      outcomes: all,
      problems: problems.map(problemToJson),
      ...counts,
      ...(audit === undefined ? {} : { audit }),
    }),
    KEPT_WORDS,
  );
}

function isGood(outcome: Outcome): boolean {
  return outcome.kind === 'built' || outcome.kind === 'retagged' || outcome.kind === 'unchanged';
}

/** Finds problems before anything is built; warnings are reported at once. */
async function checkBefore({ options, emit }: Run, session: Session): Promise<readonly Problem[]> {
  const { plan, dockerfiles, env } = options;
  const found = [...(await checkPlan(plan, dockerfiles)), ...findInactiveCaches(plan, env)];
  for (const one of found) {
    if (one.severity !== 'warning') continue;
    emit({
      type: 'warning',
      problem: problemToJson(one),
      ...(one.build === undefined ? {} : { build: one.build }),
    });
  }
  const errors = found.filter((one) => one.severity === 'error');
  if (errors.length > 0) return errors;
  return options.dryRun === true ? [] : checkDecisions(options, session);
}

/**
 * Finds problems that depend on which builds will run: existing immutable tags must not change, and secrets must exist. If the
 * plan has such tags or lacks secrets, all decisions are made once without running anything. Whether a build runs that depends on
 * a changed parent image is not known yet; its secrets are checked later.
 */
async function checkDecisions(options: BakeOptions, session: Session): Promise<readonly Problem[]> {
  const { plan, env } = options;
  const [existing, lacking] = await Promise.all([findImmutable(options, session), findLacking(plan, env)]);
  if (existing.length === 0 && lacking.size === 0) return [];
  const pass = await session.startPass(true, () => undefined);
  const running = new Set<string>();
  await runAll({ ...options, failFast: false }, session, pass, new Map(), (build) => running.add(build));
  return [
    ...existing.flatMap(({ node, ref, presence }) => {
      const digest = presence.kind === 'present' ? presence.digest : undefined;
      const result = pass.results.get(node.build.name);
      // A failed or cancelled build changes no tag, and the run itself will report why.
      if (result === undefined || !isGood(result.outcome)) return [];
      if (digest !== undefined && result.image?.digest === digest) return [];
      return [{ ...immutableProblem(formatImageRef(ref), digest), build: node.build.name }];
    }),
    ...[...lacking].flatMap(([build, problems]) => (running.has(build) ? problems : [])),
  ];
}

/** Missing secrets, by the builds that need them if they run. */
async function findLacking(
  plan: Plan,
  env: BakeOptions['env'],
): Promise<ReadonlyMap<string, readonly Problem[]>> {
  const all = [...plan.nodes.values()].map(
    async ({ build }) => [build.name, await findMissingSecrets(build, env)] as const,
  );
  return new Map((await Promise.all(all)).filter(([, problems]) => problems.length > 0));
}

/** Wanted immutable tags that exist or may exist. */
async function findImmutable({ plan }: BakeOptions, session: Session) {
  const isImmutable = immutableTags(plan.set.immutable ?? []);
  const guarded = [...plan.nodes.values()].flatMap((node) =>
    node.pushes ? wantedTags(node).flatMap((ref) => (isImmutable(ref) ? [{ node, ref }] : [])) : [],
  );
  const states = await Promise.all(
    guarded.map(async ({ node, ref }) => ({ node, ref, presence: await session.registry.head(ref) })),
  );
  return states.filter(({ presence }) => presence.kind !== 'absent');
}

/** @param onBuild called with the builds that certainly run */
async function runAll(
  { plan, failFast, onReads }: BakeOptions,
  session: Session,
  pass: NodeRun,
  outcomes: Map<string, Outcome>,
  onBuild?: (build: string) => void,
): Promise<void> {
  const { context, results } = pass;
  const { phases } = context;
  const starts = context.dryRun ? undefined : new EarlyStarts(pass, plan, () => session.engine.keepsImages());
  const down = context.dryRun ? undefined : new DownRegistries(session.registry, plan, context.emit);
  const onSlowPush = new Map<string, () => void>();
  const inputsOf = new Map<string, NodeInputs>();
  const own: NodeContext = {
    ...context,
    earlyOf: (build) => starts?.of(build),
    building: {
      ...context.building,
      calling: {
        ...context.building.calling,
        onSlowPush: (build, inputs) => {
          inputsOf.set(build, inputs);
          onSlowPush.get(build)?.();
        },
        onPushed: async (build) => starts?.endKeep(build),
      },
    },
  };
  const endOf = (name: string, outcome: Outcome): NodeEnd => {
    outcomes.set(name, outcome);
    const { kind } = outcome;
    if (kind === 'failed' && failFast === true) session.stop('fail-fast');
    return kind === 'failed' || kind === 'cancelled' ? kind : 'done';
  };
  await runGraph({
    needs: needsOf(plan),
    run: async (name, slow) => {
      const node = plan.nodes.get(name);
      if (node === undefined) return 'failed';
      if (down !== undefined && !context.signal.aborted) phases.begin(name);
      const why = await down?.whyNotPushed(node);
      if (why !== undefined && !context.signal.aborted) {
        const problem = problemToJson(why);
        const outcome: Outcome = { build: name, kind: 'failed', tags: [], ...phases.finish(name), problem };
        context.emit({ type: 'node-finished', build: name, outcome });
        return endOf(name, outcome);
      }
      onSlowPush.set(name, slow);
      const result = await runNode(own, node, (inputs, { decision }, depends) => {
        onReads?.(name, new Map(inputs.contexts.map((one) => [one.name, one.request.reads])));
        if (decision.kind === 'build' && !depends) onBuild?.(name);
      });
      results.set(name, result);
      return endOf(name, result.outcome);
    },
    early: async (name, isRunning) => {
      const node = plan.nodes.get(name);
      if (starts === undefined || node === undefined) return 'no';
      const inputs = isRunning ? inputsOf.get(name) : undefined;
      const { end, outcome } = await (inputs === undefined ? starts.start(node) : starts.keep(node, inputs));
      // If the build was blocked meanwhile, its outcome has been reported already.
      if (outcome !== undefined && !outcomes.has(name)) {
        context.emit({ type: 'node-finished', build: name, outcome });
        endOf(name, outcome);
      }
      return end;
    },
    block: (name, by) => {
      starts?.stop(name);
      const cancelled = outcomes.get(by)?.kind === 'cancelled';
      const outcome: Outcome = cancelled
        ? { build: name, kind: 'cancelled', tags: [], ...phases.finish(name) }
        : { build: name, kind: 'blocked', blockedBy: by, tags: [], ...phases.finish(name) };
      outcomes.set(name, outcome);
      context.emit({ type: 'node-finished', build: name, outcome });
    },
  });
  await starts?.close();
  // A node that was up to date and then rebuilt for a reader is reported as built.
  for (const [name, result] of results) outcomes.set(name, result.outcome);
}

async function auditRun(run: Run, pass: NodeRun): Promise<void> {
  const { audit, plan } = run.options;
  if (audit === undefined || pass.context.signal.aborted) return;
  const { summary, outcomes, problems } = await audit({ ...pass, plan, outcomes: run.outcomes });
  for (const [name, outcome] of outcomes) run.outcomes.set(name, outcome);
  run.problems.push(...problems);
  run.audit = summary;
}

/** With `publish: together`, tags move only now, and only if every build succeeded. */
async function publishWaiting(
  { options, emit, outcomes }: Run,
  { context }: NodeRun,
): Promise<readonly Problem[]> {
  const { publisher, signal } = context;
  if (![...outcomes.values()].every(isGood) || signal.aborted) {
    for (const build of publisher.dropWaiting()) {
      const outcome = outcomes.get(build);
      if (outcome?.kind === 'retagged') outcomes.set(build, { ...outcome, kind: 'unchanged' });
    }
    return [];
  }
  const published = await publisher.publishWaiting([...options.plan.nodes.keys()]);
  if (!published.ok) {
    for (const one of published.error)
      if (one.severity === 'warning') emit({ type: 'warning', problem: problemToJson(one) });
    return published.error.filter((one) => one.severity === 'error');
  }
  for (const [build, tags] of published.value) {
    const outcome = outcomes.get(build);
    if (outcome !== undefined) outcomes.set(build, { ...outcome, tags });
  }
  return [];
}
