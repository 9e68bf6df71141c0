/**
 * A run in the Trace Event Format, for https://ui.perfetto.dev and chrome://tracing. One process, with a track for each
 * slot with its builds and their steps below; separate tracks for pushes, checks of inputs, and waits; and a counter of
 * running builds. Times are microseconds since the run started.
 */
import { escapeControls } from '../util/control-characters.ts';
import { formatEngines } from './engines.ts';
import { type SlotSpan, slotSpans } from './slots.ts';
import type { BuildTimeline, PhaseSpan, RunTimeline, Span, StepSpan } from './timeline.ts';

/** The used parts of an event of the format. */
interface TraceEvent {
  readonly ph: 'M' | 'X' | 'C' | 'i';
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly s?: 'p' | 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

const PID = 1;

/** A slice for the first track of a group that is free at that time. */
interface Placed extends Span {
  readonly group: (typeof GROUPS)[number];
  readonly name: string;
  readonly cat: string;
  readonly args?: TraceEvent['args'];
}

/** Groups of tracks in display order; tracks of slots come after the first one. */
const GROUPS = ['run', 'without a slot', 'pushes', 'checks', 'waits'] as const;

/** The whole document, with a final line break. */
export function formatTrace(run: RunTimeline): string {
  const tracks = new Tracks();
  const events: TraceEvent[] = [];
  const placed: Placed[] = [
    { group: 'run', name: run.command?.join(' ') ?? 'run', cat: 'run', args: runArgs(run), ...span(run) },
    ...run.waits.map(
      (wait): Placed => ({ group: 'waits', name: wait.text, cat: wait.kind, ...timeOf(wait) }),
    ),
  ];
  for (const build of run.builds) {
    events.push(...drawInSlots(build, tracks));
    placed.push(...besideSlots(build));
  }
  placed.sort((a, b) => a.fromMs - b.fromMs);
  for (const one of placed) events.push(slice(one, tracks.take(one.group, one)));
  events.push(...notesOf(run), ...countersOf(run));
  // Slices must come before their children.
  events.sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0) || (b.dur ?? 0) - (a.dur ?? 0));
  const lines = [...tracks.names(), ...events].map((event) => escapeControls(JSON.stringify(event)));
  const other = { version: `bake-ts ${run.version}`, runtime: run.runtime, run: run.runId };
  return `{"displayTimeUnit":"ms","otherData":${escapeControls(JSON.stringify(other))},"traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function span({ durationMs }: RunTimeline): Span {
  return { fromMs: 0, toMs: durationMs };
}

function timeOf({ fromMs, toMs }: Span): Span {
  return { fromMs, toMs };
}

function slice({ name, cat, args, fromMs, toMs }: Omit<Placed, 'group'>, tid: number): TraceEvent {
  const ts = Math.round(fromMs * 1000);
  const dur = Math.round(toMs * 1000) - ts;
  return { ph: 'X', name, cat, pid: PID, tid, ts, dur, ...(args === undefined ? {} : { args }) };
}

function runArgs({ startedAtMs, summary, concurrency, engine }: RunTimeline): TraceEvent['args'] {
  return {
    started: new Date(startedAtMs).toISOString(),
    slots: concurrency,
    ...(engine === undefined ? {} : { engine: engine.address }),
    ...(summary === undefined ? {} : { ok: summary.ok, buildctlCalls: summary.buildctlCalls }),
  };
}

/** The slot span in which a step started. */
function holdOf(step: StepSpan, holds: readonly SlotSpan[]): SlotSpan | undefined {
  return holds.find(({ fromMs, toMs }) => fromMs <= step.fromMs && step.fromMs < toMs);
}

/** A build in its slots, and the steps that started there; parallel steps get tracks below. */
function drawInSlots(build: BuildTimeline, tracks: Tracks): readonly TraceEvent[] {
  const holds = slotSpans(build.phases);
  return holds.flatMap((hold) => {
    const lanes: number[] = [];
    const steps = build.steps.filter((step) => holdOf(step, holds) === hold);
    const cat = build.outcome?.kind ?? 'unfinished';
    const whole = slice(
      { name: build.build, cat, args: buildArgs(build), ...hold },
      tracks.slot(hold.slot, 0),
    );
    const drawn = steps.map((step) => {
      // After the slot was returned only the push continues, which is drawn separately.
      const toMs = Math.min(step.toMs, hold.toMs);
      const free = lanes.findIndex((untilMs) => untilMs <= step.fromMs);
      const lane = free === -1 ? lanes.length : free;
      lanes[lane] = toMs;
      return slice({ ...stepSlice(build, step), toMs }, tracks.slot(hold.slot, lane));
    });
    return [whole, ...drawn];
  });
}

function stepSlice({ build }: BuildTimeline, { name, state, attempt, error, ...time }: StepSpan) {
  const args = { build, state, attempt, ...(error === undefined ? {} : { error }) };
  return { name, cat: state, args, ...timeOf(time) };
}

function buildArgs({ outcome, decision, engines, critical, costMs }: BuildTimeline): TraceEvent['args'] {
  return {
    ...(outcome === undefined ? {} : { result: outcome.kind }),
    ...(decision === undefined ? {} : { why: decision.reason.text }),
    ...(engines === undefined ? {} : { engine: formatEngines(engines) }),
    ...(outcome?.digest === undefined ? {} : { digest: outcome.digest }),
    ...(outcome?.sizeBytes === undefined ? {} : { sizeBytes: outcome.sizeBytes }),
    ...(outcome?.problem === undefined ? {} : { problem: outcome.problem.message }),
    critical,
    costMs,
  };
}

/** Everything outside of the tracks of slots. */
function besideSlots(build: BuildTimeline): readonly Placed[] {
  const holds = slotSpans(build.phases);
  const phases = build.phases.flatMap((phase): readonly Placed[] => {
    const group = groupOf(phase);
    if (group === undefined) return [];
    const name = group === 'pushes' ? `${phase.phase} ${build.build}` : build.build;
    return [{ group, name, cat: phase.phase, args: buildArgs(build), ...timeOf(phase) }];
  });
  const whole: readonly Placed[] =
    phases.length > 0 || holds.length > 0 || build.time === undefined
      ? []
      : [{ group: 'without a slot', name: build.build, cat: 'build', args: buildArgs(build), ...build.time }];
  const steps = build.steps
    .filter((step) => holdOf(step, holds) === undefined)
    .map((step): Placed => ({ group: 'without a slot', ...stepSlice(build, step) }));
  const waits = build.waits.map(
    (wait): Placed => ({
      group: 'waits',
      name: `${build.build}: ${wait.text}`,
      cat: wait.kind,
      ...timeOf(wait),
    }),
  );
  return [...whole, ...phases, ...steps, ...waits];
}

function groupOf({ phase, slot }: PhaseSpan): Placed['group'] | undefined {
  if (phase === 'checking') return 'checks';
  if (phase === 'pushing' || phase === 'tagging') return 'pushes';
  return slot === undefined && phase !== 'queued' ? 'without a slot' : undefined;
}

/** Instant events. */
function notesOf({
  warnings,
  interruptedBy,
  interruptedAtMs = 0,
  builds,
}: RunTimeline): readonly TraceEvent[] {
  const at = (ms: number, name: string, args?: TraceEvent['args']): TraceEvent => ({
    ...{ ph: 'i', s: 'p', name, pid: PID, tid: 0, ts: Math.round(ms * 1000), cat: 'note' },
    ...(args === undefined ? {} : { args }),
  });
  return [
    ...builds.flatMap(({ build, outcome, time }) =>
      outcome?.kind === 'failed'
        ? [at(time?.toMs ?? 0, `${build} failed`, { problem: outcome.problem?.message ?? '' })]
        : [],
    ),
    ...warnings.map(({ atMs, build, problem: { code, message } }) =>
      at(atMs, `warning: ${code}`, { message, ...(build === undefined ? {} : { build }) }),
    ),
    ...(interruptedBy === undefined ? [] : [at(interruptedAtMs, `stopped by ${interruptedBy}`)]),
  ];
}

/** Numbers of running and waiting builds at each change. */
function countersOf({ builds }: RunTimeline): readonly TraceEvent[] {
  const changes = new Map<number, { running: number; waiting: number }>();
  const change = (atMs: number, key: 'running' | 'waiting', by: number) => {
    const known = changes.get(atMs) ?? { running: 0, waiting: 0 };
    known[key] += by;
    changes.set(atMs, known);
  };
  const count = ({ fromMs, toMs }: Span, key: 'running' | 'waiting') => {
    change(fromMs, key, 1);
    change(toMs, key, -1);
  };
  for (const build of builds) {
    for (const hold of slotSpans(build.phases)) count(hold, 'running');
    for (const phase of build.phases)
      if (phase.phase === 'queued' && phase.slot === undefined) count(phase, 'waiting');
  }
  let [running, waiting] = [0, 0];
  return [...changes]
    .sort(([a], [b]) => a - b)
    .map(([atMs, by]) => {
      running += by.running;
      waiting += by.waiting;
      return {
        ...{ ph: 'C' as const, name: 'builds', pid: PID, ts: Math.round(atMs * 1000) },
        args: { running, 'waiting for a slot': waiting },
      };
    });
}

/** Tracks are threads of the format: numbered, named, and sorted. */
class Tracks {
  readonly #tracks = new Map<string, { readonly tid: number; readonly sort: number; untilMs: number }>();

  /** The track of a slot (numbered from 1 for people), or one below it for parallel steps. */
  slot(slot: number, lane: number): number {
    const label = `slot ${slot + 1}`;
    const name = lane === 0 ? label : `${label}, in parallel (${lane})`;
    return this.#track(name, 1_000 + slot * 100 + Math.min(lane, 99)).tid;
  }

  /** The first track of a group that is free at that time. */
  take(group: Placed['group'], { fromMs, toMs }: Span): number {
    const order = GROUPS.indexOf(group) * 1_000_000;
    for (let lane = 1; ; lane++) {
      const track = this.#track(lane === 1 ? group : `${group} (${lane})`, order + lane);
      if (track.untilMs > fromMs) continue;
      track.untilMs = toMs;
      return track.tid;
    }
  }

  names(): readonly TraceEvent[] {
    const named = [...this.#tracks].flatMap(([name, { tid, sort }]): TraceEvent[] => [
      { ph: 'M', name: 'thread_name', pid: PID, tid, args: { name } },
      { ph: 'M', name: 'thread_sort_index', pid: PID, tid, args: { sort_index: sort } },
    ]);
    return [{ ph: 'M', name: 'process_name', pid: PID, args: { name: 'bake-ts' } }, ...named];
  }

  #track(name: string, sort: number) {
    const known = this.#tracks.get(name);
    if (known !== undefined) return known;
    const made = { tid: this.#tracks.size + 1, sort, untilMs: 0 };
    this.#tracks.set(name, made);
    return made;
  }
}
