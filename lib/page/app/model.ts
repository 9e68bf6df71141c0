/** The page's data for the views: one row per build, with everything that can be computed once. */
import type { Reason } from '../../model/event.ts';
import type { BuildTimeline } from '../../timeline/timeline.ts';
import type { PageData, PreviousBuild } from '../page-data.ts';

/** Result of a build, for colours, marks and filters. */
export type Result =
  | 'failed'
  | 'blocked'
  | 'cancelled'
  | 'running'
  | 'waiting'
  | 'built'
  | 'rebased'
  | 'retagged'
  | 'unchanged'
  | 'planned';

/** By importance: what needs action comes first. */
export const RESULTS: readonly Result[] = [
  'failed',
  'blocked',
  'cancelled',
  'running',
  'waiting',
  'built',
  'rebased',
  'retagged',
  'unchanged',
  'planned',
];

/** A mark beside the colour, for people who cannot distinguish colours. */
export const MARKS: Readonly<Record<Result, string>> = {
  failed: '✗',
  blocked: '⊘',
  cancelled: '◌',
  running: '▶',
  waiting: '…',
  built: '✓',
  rebased: '⇄',
  retagged: '#',
  unchanged: '=',
  planned: '○',
};

/** One build, with values derived from its timeline. */
export interface Row {
  /** Its index in the plan. */
  readonly at: number;
  readonly name: string;
  readonly build: BuildTimeline;
  readonly result: Result;
  /** Milliseconds of activity; absent if there was none. */
  readonly tookMs?: number;
  readonly queuedMs?: number;
  readonly cachedShare?: number;
  /** Numbered steps, and how many were cached; for a failed build those that BuildKit reached. */
  readonly steps?: { readonly total: number; readonly cached: number };
  readonly sizeBytes?: number;
  /** Compared with the last run. */
  readonly sizeDelta?: number;
  readonly layers?: number;
  readonly usualMs?: number;
  readonly needs: readonly number[];
  readonly neededBy: readonly number[];
  /** Searchable text in lower case. */
  readonly words: string;
}

/** All data of the views. */
export interface Model {
  readonly data: PageData;
  readonly rows: readonly Row[];
  readonly byName: ReadonlyMap<string, Row>;
  readonly counts: ReadonlyMap<Result, number>;
}

/** Computes the model, once. */
export function makeModel(data: PageData): Model {
  const { builds } = data.timeline;
  const places = new Map(builds.map(({ build }, at) => [build, at]));
  const needs = builds.map((one) => one.needs.flatMap((name) => places.get(name) ?? []));
  const neededBy = builds.map((): number[] => []);
  for (const [at, own] of needs.entries()) for (const parent of own) neededBy[parent]?.push(at);
  const rows = builds.map((build, at) => makeRow(at, build, data, needs[at] ?? [], neededBy[at] ?? []));
  const counts = new Map<Result, number>();
  for (const { result } of rows) counts.set(result, (counts.get(result) ?? 0) + 1);
  return { data, rows, byName: new Map(rows.map((row) => [row.name, row])), counts };
}

function makeRow(
  at: number,
  build: BuildTimeline,
  data: PageData,
  needs: readonly number[],
  neededBy: readonly number[],
): Row {
  const { outcome } = build;
  const previous: PreviousBuild | undefined = Object.hasOwn(data.previous, build.build)
    ? data.previous[build.build]
    : undefined;
  const last = outcome?.lastSizeBytes ?? previous?.sizeBytes;
  const steps = outcome?.steps ?? countSteps(build);
  const layers = outcome?.layers?.[0]?.sizes.length;
  const usualMs = build.usualMs ?? previous?.durationMs;
  return {
    at,
    name: build.build,
    build,
    result: data.kind === 'plan' ? 'planned' : resultOf(build, data.timeline.finished),
    ...timesOf(build),
    ...(steps === undefined || steps.total === 0 ? {} : { steps, cachedShare: steps.cached / steps.total }),
    ...(outcome?.sizeBytes === undefined ? {} : { sizeBytes: outcome.sizeBytes }),
    ...(outcome?.sizeBytes === undefined || last === undefined
      ? {}
      : { sizeDelta: outcome.sizeBytes - last }),
    ...(layers === undefined ? {} : { layers }),
    ...(usualMs === undefined ? {} : { usualMs }),
    needs,
    neededBy,
    words: [
      build.build,
      reasonOf(build)?.text ?? '',
      outcome?.problem?.code ?? '',
      ...new Set(build.engines?.flat()),
    ]
      .join(' ')
      .toLowerCase(),
  };
}

/**
 * Counts the numbered steps of a build without a result. BuildKit starts some several times, and another attempt finds
 * in the cache what the first one ran, so a step counts as cached only if it never ran.
 */
function countSteps({ steps }: BuildTimeline): { readonly total: number; readonly cached: number } {
  const states = new Map<string, boolean>();
  for (const { name, state } of steps) {
    if (/^\[([^\]]* )?\d+\/\d+\]/.test(name))
      states.set(name, state === 'cached' && states.get(name) !== false);
  }
  return { total: states.size, cached: [...states.values()].filter(Boolean).length };
}

function timesOf({ outcome, phases }: BuildTimeline): { tookMs?: number; queuedMs?: number } {
  if (outcome !== undefined) {
    if (outcome.kind === 'blocked' || (outcome.kind === 'cancelled' && phases.length === 0)) return {};
    return {
      tookMs: outcome.durationMs,
      ...(outcome.queuedMs === undefined ? {} : { queuedMs: outcome.queuedMs }),
    };
  }
  if (phases.length === 0) return {};
  const sum = (queued: boolean): number =>
    phases.reduce(
      (total, { phase, fromMs, toMs }) => ((phase === 'queued') === queued ? total + toMs - fromMs : total),
      0,
    );
  return { tookMs: sum(false), queuedMs: sum(true) };
}

function resultOf({ outcome, decision, phases }: BuildTimeline, finished: boolean): Result {
  if (outcome === undefined) {
    if (finished) return 'cancelled';
    return phases.length === 0 || phases.at(-1)?.phase === 'queued' ? 'waiting' : 'running';
  }
  if (outcome.kind === 'built' && decision?.kind === 'rebase') return 'rebased';
  return outcome.kind;
}

/** Why it was built or skipped. */
export function reasonOf({ outcome, decision }: BuildTimeline): Reason | undefined {
  return outcome?.reason ?? decision?.reason;
}

/** All dependencies or all dependents of a build, without itself. */
export function closureOf(rows: readonly Row[], at: number, side: 'needs' | 'neededBy'): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [...(rows[at]?.[side] ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(rows[next]?.[side] ?? []));
  }
  return seen;
}
