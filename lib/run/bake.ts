/**
 * A run: from a plan to results. Builds run as soon as what they need is done; everything that happens is an event.
 */
import path from 'node:path';
import {
  type AuditSummary,
  createHider,
  formatImageRef,
  type Outcome,
  type Plan,
  type PlanNode,
  type Problem,
  problemToJson,
  type RunSummary,
} from '../model/mod.ts';
import { defaultJobs } from '../system/mod.ts';
import { auditRun } from './audit.ts';
import type { NodeResult, RunContext } from './context.ts';
import { createEmitter, type Emit, KEPT_WORDS } from './emitter.ts';
import { warnOfUnlocked } from './lock.ts';
import { readLock } from './lock-file.ts';
import { recordRef } from './memory.ts';
import { runNode } from './node.ts';
import { checkPlan } from './preflight.ts';
import { immutableProblem, wantedTags } from './publish.ts';
import { immutableTags } from './publisher.ts';
import { runGraph } from './scheduler.ts';
import { type BakeOptions, needsOf, Session } from './session.ts';

/**
 * Runs a plan.
 *
 * @returns what became of every build. Resolves also where builds failed or the run was cancelled; rejects only for a
 * bug of ours.
 */
export async function bake(options: BakeOptions): Promise<RunSummary> {
  const startedAt = Date.now();
  const { plan } = options;
  const hider = createHider(plan.set.variables);
  const emit = createEmitter(options.onEvent, Date.now, hider);
  const records = recordRef(plan.set);
  const lock = await readLock(plan.set);
  const session = await Session.open(options, emit, {
    records: records.ok ? records.value : undefined,
    lock: lock.ok ? lock.value : undefined,
  });
  emit({
    type: 'run-started',
    runId: path.basename(session.workDir).slice('bake-ts-'.length),
    version: options.version ?? '',
    runtime: options.runtime ?? '',
    files: plan.set.files,
    concurrency: options.jobs ?? defaultJobs(),
  });
  emit({ type: 'planned', nodes: [...plan.nodes.values()].map(announce) });
  const outcomes = new Map<string, Outcome>();
  let audit: AuditSummary | undefined;
  const problems: Problem[] = [...(records.ok ? [] : [records.error]), ...(lock.ok ? [] : lock.error)];
  try {
    const unlocked = lock.ok && lock.value !== undefined ? warnOfUnlocked(plan, lock.value) : undefined;
    if (unlocked !== undefined) emit({ type: 'warning', problem: problemToJson(unlocked) });
    problems.push(...(await checkBefore(options, session, emit)));
    if (problems.length === 0) {
      session.askAhead();
      const { context, results } = session.createContext(options.dryRun === true, emit);
      await runAll(options, session, context, results, outcomes);
      if (options.dryRun !== true) {
        if (options.audit !== undefined && !context.signal.aborted) {
          const audited = await auditRun(context, plan, outcomes, options.audit);
          for (const [name, outcome] of audited.outcomes) outcomes.set(name, outcome);
          problems.push(...audited.problems);
          audit = audited.summary;
        }
        problems.push(...(await settleTags(context, plan, outcomes, emit)));
        for (const one of await session.memory.save()) emit({ type: 'warning', problem: problemToJson(one) });
      }
      await session.hasher.save();
      await session.refreshEngine();
    }
  } finally {
    await session.close();
  }
  const all = [...plan.nodes.keys()].flatMap((name) => outcomes.get(name) ?? []);
  const summary = hider.hide<RunSummary>(
    {
      ok: problems.length === 0 && all.every(isGood),
      cancelled: options.signal?.aborted === true,
      outcomes: all,
      problems: problems.map(problemToJson),
      durationMs: Date.now() - startedAt,
      buildctlCalls: session.counts.buildctlCalls,
      registryRequests: session.counts.registryRequests,
      ...(audit === undefined ? {} : { audit }),
    },
    KEPT_WORDS,
  );
  emit({ type: 'run-finished', summary });
  return summary;
}

function announce(node: PlanNode) {
  return {
    build: node.build.name,
    role: node.role,
    level: node.level,
    needs: [...new Set(node.edges.map((edge) => edge.to))],
    tags: node.build.tags.map((tag) => tag.text),
    pushes: node.pushes,
  };
}

function isGood(outcome: Outcome): boolean {
  return outcome.kind === 'built' || outcome.kind === 'retagged' || outcome.kind === 'unchanged';
}

/** Everything that can be refused before anything is built; warnings are told at once. */
async function checkBefore(options: BakeOptions, session: Session, emit: Emit): Promise<readonly Problem[]> {
  const found = await checkPlan(options.plan, options.dockerfiles, options.env);
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
  return options.dryRun === true ? [] : checkImmutable(options, session);
}

/**
 * Immutable tags that exist may only stay what they are. Which builds would change theirs is found out by deciding
 * about everything once without running anything.
 */
async function checkImmutable(options: BakeOptions, session: Session): Promise<readonly Problem[]> {
  const { plan } = options;
  const isImmutable = immutableTags(plan.set.immutable ?? []);
  const guarded = [...plan.nodes.values()].flatMap((node) =>
    node.pushes ? wantedTags(node).flatMap((ref) => (isImmutable(ref) ? [{ node, ref }] : [])) : [],
  );
  const states = await Promise.all(
    guarded.map(async ({ node, ref }) => ({ node, ref, presence: await session.registry.head(ref) })),
  );
  const taken = states.filter(({ presence }) => presence.kind !== 'absent');
  if (taken.length === 0) return [];
  const { context, results } = session.createContext(true, () => undefined);
  await runAll(options, session, context, results, new Map());
  return taken.flatMap(({ node, ref, presence }) => {
    const digest = presence.kind === 'present' ? presence.digest : undefined;
    const image = results.get(node.build.name)?.image;
    if (digest !== undefined && image?.digest === digest) return [];
    return [{ ...immutableProblem(formatImageRef(ref), digest), build: node.build.name }];
  });
}

async function runAll(
  options: BakeOptions,
  session: Session,
  context: RunContext,
  results: Map<string, NodeResult>,
  outcomes: Map<string, Outcome>,
): Promise<void> {
  const { plan } = options;
  await runGraph({
    needs: needsOf(plan),
    run: async (name) => {
      const node = plan.nodes.get(name);
      if (node === undefined) return 'failed';
      const result = await runNode(context, node);
      results.set(name, result);
      outcomes.set(name, result.outcome);
      const { kind } = result.outcome;
      if (kind === 'failed' && options.failFast === true) session.stop('fail-fast');
      return kind === 'failed' || kind === 'cancelled' ? kind : 'done';
    },
    block: (name, by) => {
      const cancelled = outcomes.get(by)?.kind === 'cancelled';
      const outcome: Outcome = cancelled
        ? { build: name, kind: 'cancelled', tags: [], durationMs: 0 }
        : { build: name, kind: 'blocked', blockedBy: by, tags: [], durationMs: 0 };
      outcomes.set(name, outcome);
      context.emit({ type: 'node-finished', build: name, outcome });
    },
  });
  // A node that was left alone and then built after all is told as built.
  for (const [name, result] of results) outcomes.set(name, result.outcome);
}

/** With `publish: together`, tags move only now, and only if every build succeeded. */
async function settleTags(
  context: RunContext,
  plan: Plan,
  outcomes: Map<string, Outcome>,
  emit: Emit,
): Promise<readonly Problem[]> {
  if (![...outcomes.values()].every(isGood) || context.signal.aborted) {
    for (const build of context.publisher.abandon()) {
      const outcome = outcomes.get(build);
      if (outcome?.kind === 'retagged') outcomes.set(build, { ...outcome, kind: 'unchanged' });
    }
    return [];
  }
  const settled = await context.publisher.settle([...plan.nodes.keys()]);
  if (!settled.ok) {
    for (const one of settled.error)
      if (one.severity === 'warning') emit({ type: 'warning', problem: problemToJson(one) });
    return settled.error.filter((one) => one.severity === 'error');
  }
  for (const [build, tags] of settled.value) {
    const outcome = outcomes.get(build);
    if (outcome !== undefined) outcomes.set(build, { ...outcome, tags });
  }
  return [];
}
