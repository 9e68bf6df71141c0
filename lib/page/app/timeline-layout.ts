/** Layout of a run's timeline: lanes from top to bottom, bars from left to right. Pure. */
import type { RunTimeline, Span, WaitSpan } from '../../timeline/timeline.ts';
import type { Row } from './model.ts';

/** What a part of a bar shows. */
export type Fill =
  | 'checking'
  | 'queued'
  | 'step'
  | 'step-2'
  | 'cached'
  | 'failed'
  | 'exporting'
  | 'pushing'
  | 'tagging';

/** A part of a bar: one step or one phase. */
export interface Part extends Span {
  readonly fill: Fill;
  /** What is done. */
  readonly text: string;
}

/** An uninterrupted activity of a build in one lane. */
export interface Bar extends Span {
  readonly row: Row;
  readonly lane: number;
  readonly parts: readonly Part[];
  readonly waits: readonly WaitSpan[];
}

/** A row of the picture. */
export interface Lane {
  readonly label: string;
  /** The build of the lane, if lanes are builds. */
  readonly row?: Row;
  /** `wait`: waits of builds without a slot. */
  readonly kind: 'slot' | 'beside' | 'wait' | 'build';
  readonly y: number;
  readonly height: number;
}

/** Number of builds waiting for a slot from a time on. */
export interface QueuePoint {
  readonly atMs: number;
  readonly count: number;
}

/** The whole layout. */
export interface Layout {
  readonly lanes: readonly Lane[];
  /** In the order of their times. */
  readonly bars: readonly Bar[];
  readonly barsOfLane: readonly (readonly Bar[])[];
  /** The longest bar of each build on the critical path, by time. */
  readonly critical: readonly Bar[];
  readonly queue: readonly QueuePoint[];
  readonly height: number;
}

const SLOT_PX = 36;
const BESIDE_PX = 7;
const WAIT_PX = 20;
const BUILD_PX = 24;
const GAP_PX = 5;
const GROUP_GAP_PX = 12;
/** Most lanes for activity outside of slots (checks, slow pushes); further bars overlap. */
const MOST_BESIDE = 5;
/** Height of those lanes' two-line name. */
const BESIDE_NAME_PX = 30;
/** The same for waits without a slot. */
const MOST_WAITS = 4;

/** A lane for each slot, and some for activity without a slot. */
export function layoutSlots(timeline: RunTimeline, rows: readonly Row[]): Layout {
  const slots = Math.max(1, ...rows.flatMap(({ build }) => build.phases.map(({ slot }) => (slot ?? -1) + 1)));
  const inSlots: Bar[] = [];
  const beside: Omit<Bar, 'lane'>[] = [];
  const taken = takenSlots(rows);
  for (const row of rows) {
    let run: Part[] = [];
    let lane: number | undefined;
    const flush = (): void => {
      const span = spanOf(run);
      if (span !== undefined) {
        const bar = { ...span, row, parts: run, waits: clip(row.build.waits, span) };
        if (lane === undefined) beside.push(bar);
        else inSlots.push({ ...bar, lane });
      }
      run = [];
    };
    for (const phase of row.build.phases) {
      // While the engine is away a build keeps its slot.
      if (phase.phase === 'queued' && phase.slot === undefined) {
        flush();
        lane = undefined;
        continue;
      }
      const own = phase.slot ?? (phase.phase === 'checking' ? undefined : lane);
      // If its slot was given away meanwhile, it no longer belongs in that lane.
      const next =
        own === undefined || phase.slot !== undefined
          ? own
          : isFree(taken, own, row, phase)
            ? own
            : undefined;
      if (next !== lane) flush();
      lane = next;
      run.push(...partsOf(row, phase));
    }
    flush();
  }
  beside.sort((a, b) => a.fromMs - b.fromMs);
  const packed = pack(beside, MOST_BESIDE);
  const besideLanes = Math.max(0, ...packed.map(({ lane }) => lane + 1));
  const lanes: Lane[] = [];
  let y = 0;
  for (let at = 0; at < slots; at += 1, y += SLOT_PX + GAP_PX) {
    lanes.push({ label: `slot ${at + 1}`, kind: 'slot', y, height: SLOT_PX });
  }
  const waiting = pack(waitsBetween(rows), MOST_WAITS);
  const waitLanes = Math.max(0, ...waiting.map(({ lane }) => lane + 1));
  y += waitLanes === 0 ? 0 : GROUP_GAP_PX;
  for (let at = 0; at < waitLanes; at += 1, y += WAIT_PX + 2) {
    lanes.push({ label: at === 0 ? 'waits' : '', kind: 'wait', y, height: WAIT_PX });
  }
  y += besideLanes === 0 ? 0 : GROUP_GAP_PX;
  const besideEnd = y + BESIDE_NAME_PX;
  for (let at = 0; at < besideLanes; at += 1, y += BESIDE_PX + 2) {
    lanes.push({ label: at === 0 ? 'checks and pushes' : '', kind: 'beside', y, height: BESIDE_PX });
  }
  const moved = [
    ...waiting.map((bar) => ({ ...bar, lane: bar.lane + slots })),
    ...packed.map((bar) => ({ ...bar, lane: bar.lane + slots + waitLanes })),
  ];
  const height = besideLanes === 0 ? y : Math.max(y, besideEnd);
  return finish(lanes, [...inSlots, ...moved], timeline, rows, height);
}

/** Waits of queued builds, which have no lane: before another attempt, or for the engine. */
function waitsBetween(rows: readonly Row[]): readonly Omit<Bar, 'lane'>[] {
  const bars = rows.flatMap((row) =>
    row.build.waits.flatMap((wait) => {
      const queued = row.build.phases.filter(({ phase }) => phase === 'queued');
      return queued.flatMap((phase) => {
        const [one] = clip([wait], phase);
        if (one === undefined) return [];
        const { fromMs, toMs, text } = one;
        return [
          { fromMs, toMs, row, parts: [{ fill: 'queued' as const, text, fromMs, toMs }], waits: [one] },
        ];
      });
    }),
  );
  return bars.sort((a, b) => a.fromMs - b.fromMs);
}

/** A lane for each build, by start. */
export function layoutBuilds(timeline: RunTimeline, rows: readonly Row[]): Layout {
  const startOf = (row: Row): number => row.build.phases[0]?.fromMs ?? Number.POSITIVE_INFINITY;
  const sorted = [...rows].sort((a, b) => {
    const [one, other] = [startOf(a), startOf(b)];
    return one === other ? a.at - b.at : one - other;
  });
  const lanes = sorted.map((row, at): Lane => {
    return { label: row.name, row, kind: 'build', y: at * (BUILD_PX + 2), height: BUILD_PX };
  });
  const bars = sorted.flatMap((row, lane): readonly Bar[] => {
    const parts = row.build.phases.flatMap((phase) => partsOf(row, phase));
    const span = spanOf(parts);
    return span === undefined ? [] : [{ ...span, row, lane, parts, waits: row.build.waits }];
  });
  return finish(lanes, bars, timeline, rows, lanes.length * (BUILD_PX + 2));
}

function finish(
  lanes: readonly Lane[],
  bars: readonly Bar[],
  timeline: RunTimeline,
  rows: readonly Row[],
  height: number,
): Layout {
  const sorted = [...bars].sort((a, b) => a.fromMs - b.fromMs || a.lane - b.lane);
  const barsOfLane = lanes.map((): Bar[] => []);
  for (const bar of sorted) barsOfLane[bar.lane]?.push(bar);
  const critical = new Map<Row, Bar>();
  for (const bar of sorted) {
    const known = critical.get(bar.row);
    const isLonger = known === undefined || bar.toMs - bar.fromMs > known.toMs - known.fromMs;
    if (bar.row.build.critical && isLonger) critical.set(bar.row, bar);
  }
  return {
    lanes,
    bars: sorted,
    barsOfLane,
    critical: [...critical.values()].sort((a, b) => a.fromMs - b.fromMs),
    queue: countQueue(rows, timeline.durationMs),
    height,
  };
}

/** For each slot the times when builds have it, from their `building` phases. */
function takenSlots(rows: readonly Row[]): ReadonlyMap<number, readonly (Span & { readonly row: Row })[]> {
  const taken = new Map<number, (Span & { row: Row })[]>();
  for (const row of rows) {
    for (const { slot, fromMs, toMs } of row.build.phases) {
      if (slot === undefined) continue;
      const own = taken.get(slot) ?? [];
      own.push({ row, fromMs, toMs });
      taken.set(slot, own);
    }
  }
  return taken;
}

function isFree(taken: ReturnType<typeof takenSlots>, slot: number, row: Row, span: Span): boolean {
  return !(taken.get(slot) ?? []).some(
    (other) => other.row !== row && other.fromMs < span.toMs && other.toMs > span.fromMs,
  );
}

/** Puts each bar into the first free lane. */
function pack(bars: readonly Omit<Bar, 'lane'>[], most: number): readonly Bar[] {
  const ends: number[] = [];
  return bars.map((bar) => {
    let lane = ends.findIndex((end) => end <= bar.fromMs);
    if (lane === -1) lane = ends.length < most ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = Math.max(ends[lane] ?? 0, bar.toMs);
    return { ...bar, lane };
  });
}

/** A phase as parts: `building` consists of its steps, at each moment the one that started last. */
function partsOf(row: Row, phase: Row['build']['phases'][number]): readonly Part[] {
  const { fromMs, toMs } = phase;
  if (phase.phase !== 'building') return [{ fill: phase.phase, text: phase.phase, fromMs, toMs }];
  const steps = row.build.steps
    .map((step, at) => ({ step, at }))
    .filter(({ step }) => step.toMs > fromMs && step.fromMs < toMs);
  if (steps.length === 0) return [{ fill: 'step', text: 'building', fromMs, toMs }];
  const cuts = new Set([fromMs, toMs]);
  for (const { step } of steps) {
    cuts.add(Math.max(fromMs, step.fromMs));
    cuts.add(Math.min(toMs, step.toMs));
  }
  const times = [...cuts].sort((a, b) => a - b);
  const parts: Part[] = [];
  let last: number | undefined;
  for (const [at, start] of times.slice(0, -1).entries()) {
    const end = times[at + 1] ?? start;
    const here = steps.filter(({ step }) => step.fromMs <= start && step.toMs >= end);
    const shown = here.reduce<(typeof here)[number] | undefined>(
      (latest, one) => (latest === undefined || one.step.fromMs >= latest.step.fromMs ? one : latest),
      undefined,
    );
    const before = parts.at(-1);
    if (before !== undefined && last === shown?.at && before.toMs === start) {
      parts[parts.length - 1] = { ...before, toMs: end };
    } else if (shown === undefined) {
      parts.push({ fill: 'step', text: 'building', fromMs: start, toMs: end });
    } else {
      const { state, name } = shown.step;
      const fill = state === 'failed' || state === 'cached' ? state : shown.at % 2 === 0 ? 'step' : 'step-2';
      parts.push({ fill, text: name, fromMs: start, toMs: end });
    }
    last = shown?.at;
  }
  return parts;
}

function spanOf(parts: readonly Part[]): Span | undefined {
  const [first, last] = [parts[0], parts.at(-1)];
  return first === undefined || last === undefined ? undefined : { fromMs: first.fromMs, toMs: last.toMs };
}

/** The parts of waits within a span. */
function clip(waits: readonly WaitSpan[], span: Span): readonly WaitSpan[] {
  return waits.flatMap((wait) => {
    const [fromMs, toMs] = [Math.max(wait.fromMs, span.fromMs), Math.min(wait.toMs, span.toMs)];
    return toMs > fromMs ? [{ ...wait, fromMs, toMs }] : [];
  });
}

function countQueue(rows: readonly Row[], durationMs: number): readonly QueuePoint[] {
  const changes = rows.flatMap(({ build }) =>
    build.phases.flatMap(({ phase, slot, fromMs, toMs }) =>
      phase === 'queued' && slot === undefined ? [[fromMs, 1] as const, [toMs, -1] as const] : [],
    ),
  );
  changes.sort(([a], [b]) => a - b);
  const points: { atMs: number; count: number }[] = [{ atMs: 0, count: 0 }];
  for (const [atMs, change] of changes) {
    const last = points.at(-1);
    const count = (last?.count ?? 0) + change;
    if (last !== undefined && last.atMs === atMs) last.count = count;
    else points.push({ atMs, count });
  }
  points.push({ atMs: durationMs, count: 0 });
  return points;
}

/** Total duration of each phase, by first start. */
export function sumPhases(phases: Row['build']['phases']): readonly (readonly [phase: string, ms: number])[] {
  const took = new Map<string, number>();
  for (const { phase, fromMs, toMs } of phases) took.set(phase, (took.get(phase) ?? 0) + toMs - fromMs);
  return [...took];
}

/** Round times for an axis: about `wanted` of them between two times. */
export function makeTicks(fromMs: number, toMs: number, wanted: number): readonly number[] {
  const rough = (toMs - fromMs) / Math.max(1, wanted);
  const steps = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
    600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
  ];
  const step = steps.find((one) => one >= rough) ?? 86_400_000;
  const ticks: number[] = [];
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) ticks.push(at);
  return ticks;
}

/** A time on the axis, as precise as the distance of ticks requires. */
export function formatTick(ms: number, stepMs: number): string {
  const seconds = ms / 1000;
  if (stepMs < 1000 && seconds < 60) return `${seconds.toFixed(stepMs < 10 ? 3 : stepMs < 100 ? 2 : 1)}s`;
  if (seconds < 60) return `${Math.round(seconds)}s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rest = stepMs < 1000 ? `.${Math.round((ms % 1000) / 100)}` : '';
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}${rest}`;
  return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
}
