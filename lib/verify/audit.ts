/**
 * Audits: some up-to-date builds are built again as scratch builds and compared with the recorded results. Equal keys
 * should mean equal images; an audit tests that.
 */
import { createHash, randomInt } from 'node:crypto';
import { touchedSince } from '../inputs/mod.ts';
import {
  type AuditResult,
  type Outcome,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  problemToJson,
  repositoriesOf,
} from '../model/mod.ts';
import {
  type Audit,
  type Audited,
  type DoneRun,
  mayUseLayersOnly,
  type NodeContext,
  type NodeResult,
  wantedTags,
} from '../run/mod.ts';
import {
  type BlobStore,
  comparePlatforms,
  describeDifferences,
  engineStore,
  layoutStore,
  platformsOf,
  registryStore,
  worstOf,
} from './image-source.ts';
import { buildScratch, linkScratch } from './scratch.ts';

/** How many of the up-to-date builds to audit: a number, or a percentage (at least one build). */
export type AuditSize =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number };

/** What to audit. */
export interface AuditRequest {
  readonly size: AuditSize;
  /** Chooses the builds; the same seed chooses the same ones. Undefined: random. */
  readonly seed?: number;
}

/** Most differences that are shown; the rest is counted. */
const SHOWN = 20;
/** Seeds are short enough to type. */
const SEEDS = 1_000_000;

/** Reads `5%` or `3`; undefined for anything else, also for 0 and more than 100 %. */
export function parseAuditSize(text: string): AuditSize | undefined {
  const percent = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
  if (percent !== undefined) {
    const value = Number(percent);
    return value > 0 && value <= 100 ? { kind: 'percent', percent: value } : undefined;
  }
  return /^[1-9]\d{0,5}$/.test(text) ? { kind: 'count', count: Number(text) } : undefined;
}

/** Chooses builds, in the order of `names`. With the same seed, each build has the same rank, whatever other builds there are. */
export function drawSample(names: readonly string[], size: AuditSize, seed: number): readonly string[] {
  const wanted = size.kind === 'count' ? size.count : Math.ceil((names.length * size.percent) / 100);
  const lots = names.map((name) => ({
    name,
    lot: createHash('sha256').update(`${seed} ${name}`).digest('hex'),
  }));
  const drawn = new Set(
    lots
      .sort((one, other) => (one.lot < other.lot ? -1 : 1))
      .slice(0, wanted)
      .map(({ name }) => name),
  );
  return names.filter((name) => drawn.has(name));
}

/** Creates the audit of a run. Audited builds push nothing and move no tags. */
export function createAudit(request: AuditRequest): Audit {
  return (run) => auditRun(run, request);
}

async function auditRun(run: DoneRun, request: AuditRequest): Promise<Audited> {
  const { context, plan, results, outcomes: done } = run;
  const seed = request.seed ?? randomInt(SEEDS);
  const candidates = [...plan.nodes.keys()].filter((name) => {
    const kind = done.get(name)?.kind;
    return (kind === 'unchanged' || kind === 'retagged') && results.get(name)?.image !== undefined;
  });
  const names = drawSample(candidates, request.size, seed);
  const outcomes = new Map<string, Outcome>();
  const engine = names.length === 0 ? undefined : await context.building.calling.engine();
  const problems = engine === undefined || engine.ok ? [] : engine.error;
  if (problems.length === 0) {
    await Promise.all(
      names.map(async (name) => {
        const [node, result, outcome] = [plan.nodes.get(name), results.get(name), done.get(name)];
        if (node === undefined || result === undefined || outcome === undefined) return;
        const finding = await auditNode(context, plan, node, result);
        const judged = await judge(context, node, outcome, finding);
        outcomes.set(name, judged);
        context.emit({ type: 'node-finished', build: name, outcome: judged });
      }),
    );
  }
  return {
    summary: { seed, candidates: candidates.length, builds: names },
    outcomes,
    problems,
  };
}

const CHANGED = 'its files changed during the run';

type Finding = AuditResult & { readonly problem?: Problem };

/** Makes a scratch build of one node and compares it. */
async function auditNode(
  context: NodeContext,
  plan: Plan,
  node: PlanNode,
  { image: remembered, inputs }: NodeResult,
): Promise<Finding> {
  if (remembered === undefined || inputs?.key === undefined) return notCompared(CHANGED);
  const { registry, calling, layersOnly } = context.building;
  // Linked as in the original build, so its steps come from the cache: an audit checks the key, not the results of repeated steps.
  const linking = mayUseLayersOnly(node.build, inputs) ? { layersOnly } : {};
  const links = await linkScratch({ resultOf: context.resultOf, registry, ...linking }, plan, node);
  if (!links.ok) return notCompared(links.error);
  const made = await buildScratch(calling, { node, inputs, build: node.build, links: links.value });
  if (made.kind === 'cancelled') return notCompared('the run was cancelled');
  if (made.kind === 'failed') return { ...notCompared(made.problem.message), problem: made.problem };
  const { digest, steps } = made.built;
  if (digest === undefined) return notCompared('the build made no image');
  if ((await touchedSince(context.keying, node, inputs)).length > 0) return notCompared(CHANGED);
  const cached = steps.cached === steps.total;
  try {
    const second = layoutStore(made.dir);
    const first = await storeOf(context, node);
    const platforms = await comparePlatforms(
      { store: first, platforms: new Map(remembered.platforms.map((one) => [one.platform, one.digest])) },
      { store: second, platforms: await platformsOf(second, digest) },
    );
    const verdict = worstOf(platforms);
    const compared = verdict === 'same-bytes' ? 'digests' : 'files';
    const differences = describeDifferences(platforms, ['the remembered image', 'the new one']);
    // Without rules, every difference counts.
    const result = verdict === 'same-but-noise' ? 'different' : verdict;
    return { result, compared, cached, ...(differences.length === 0 ? {} : { differences }) };
  } catch (error) {
    return notCompared(error instanceof Error ? error.message : String(error));
  }
}

async function storeOf({ building }: NodeContext, node: PlanNode): Promise<BlobStore> {
  const [repository] = node.pushes ? repositoriesOf(wantedTags(node)) : [];
  if (repository !== undefined) return registryStore(building.registry, repository);
  const engine = await building.calling.engine();
  if (!engine.ok) throw new Error('there is no engine');
  return engineStore(engine.value.buildctl);
}

function notCompared(why: string): Finding {
  return { result: 'not-compared', compared: 'nothing', cached: false, why };
}

/** The outcome after an audit. A difference fails the build and deletes its record, so that the next run builds it. */
async function judge(
  context: NodeContext,
  node: PlanNode,
  outcome: Outcome,
  { problem: cause, ...audit }: Finding,
): Promise<Outcome> {
  const build = node.build.name;
  const { reason } = outcome;
  if (audit.result === 'not-compared') {
    context.emit({
      type: 'warning',
      build,
      problem: problemToJson(
        problem('run/audit-unsure', `\`${build}\` could not be audited: ${audit.why ?? 'unknown'}`, {
          severity: 'warning',
          build,
          hint: 'The audit proves nothing for or against this build.',
          ...(cause?.detail === undefined ? {} : { detail: cause.detail }),
        }),
      ),
    });
    return { ...outcome, audit };
  }
  if (audit.result !== 'different') {
    const words = audit.result === 'same-bytes' ? 'the same bytes' : 'the same files, different times';
    return {
      ...outcome,
      audit,
      ...(reason === undefined ? {} : { reason: { ...reason, text: `${reason.text}; audited: ${words}` } }),
    };
  }
  if (outcome.key !== undefined) await context.memory.drop(outcome.key);
  await context.memory.doubtResult(build);
  return { ...outcome, kind: 'failed', audit, problem: problemToJson(auditFailed(build, audit)) };
}

function auditFailed(build: string, audit: AuditResult): Problem {
  const differences = audit.differences ?? [];
  const more = differences.length - SHOWN;
  return problem('run/audit-failed', `\`${build}\` was up to date, but building it gives another image`, {
    build,
    detail: [...differences.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
    hint: audit.cached
      ? 'Please report this with the output of `bake-ts explain`: every step came from the cache of the engine, so the key misses an input. Its record is deleted; the next run builds it.'
      : 'Check whether a step makes different files each time (a date, a random name, a download); files were compared, not digests. Its record is deleted: the next run builds it.',
  });
}
