/** Computes what each build costs its run, by replaying the plan as if the build took no time. */
import type { BuildPart } from './build-maker.ts';
import { type BusyTime, busyTime } from './busy.ts';
import { TimeHeap } from './time-heap.ts';
import type { PhaseSpan } from './timeline.ts';

/** A build's own times in milliseconds, without waits for other builds. */
interface OwnTimes {
  /** Before it requests a slot. */
  readonly beforeMs: number;
  /** In a slot. */
  readonly slotMs: number;
  /** After it has returned the slot. */
  readonly afterMs: number;
  /** When it got its slot. */
  readonly slotFromMs: number;
}

/**
 * Limit for visits of builds in all replays. With 1,000 builds this took 20 to 70 ms of processor time with warm code,
 * and 110 to 210 ms for a first timeline including compilation (Node 24, two busy processors); more builds take no
 * longer. Up to 316 builds, all are replayed.
 */
const MOST_VISITS = 100_000;

/**
 * How much shorter the run would have been without each build, in milliseconds.
 *
 * In a replay a build starts when its dependencies are done and takes its measured times. Waiting builds get slots in
 * the original order. The longest builds are replayed first. If a plan is too large to replay all, each of the others
 * costs its own time if it is on the critical path, and nothing otherwise.
 */
export function replayCosts(
  builds: readonly BuildPart[],
  slots: number,
  critical: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const busy = busyTime(builds, slots);
  const times = builds.map((build) => ownTimes(build, busy));
  const own = times.map(({ beforeMs, slotMs, afterMs }) => beforeMs + slotMs + afterMs);
  const replay = new Replay(builds, times, slots);
  const wholeMs = replay.run(-1);
  const byLength = builds.map((_, at) => at).sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0));
  const costs = new Map<string, number>();
  const replays = Math.floor(MOST_VISITS / Math.max(1, builds.length));
  byLength.forEach((at, rank) => {
    const { build = '' } = builds[at] ?? {};
    const ownMs = own[at] ?? 0;
    if (ownMs <= 0) costs.set(build, 0);
    else if (rank >= replays) costs.set(build, critical.has(build) ? ownMs : 0);
    // Without a build others may run in another order, which makes the run even shorter or longer; that is not its cost.
    else costs.set(build, Math.min(ownMs, Math.max(0, wholeMs - replay.run(at))));
  });
  return costs;
}

/** A build's own times. Queueing while slots are free is a wait for something else (such as the engine's start) and counts as its own. */
function ownTimes({ phases, turnFrom, time }: BuildPart, busy: BusyTime): OwnTimes {
  const turn = phases.slice(turnFrom);
  const waitedMs = (span: PhaseSpan) => (span.phase === 'queued' && span.slot === undefined ? busy(span) : 0);
  const lengthOf = (spans: typeof turn) =>
    spans.reduce((sum, span) => sum + span.toMs - span.fromMs - waitedMs(span), 0);
  const queuedMs = turn.reduce((sum, span) => sum + waitedMs(span), 0);
  const inSlot = turn.filter(({ slot }) => slot !== undefined);
  const slotMs = lengthOf(inSlot);
  const slotFromMs = inSlot[0]?.fromMs;
  if (time === undefined) return { beforeMs: 0, slotMs: 0, afterMs: 0, slotFromMs: 0 };
  const wholeMs = Math.max(0, time.toMs - time.fromMs - queuedMs);
  if (slotFromMs === undefined) return { beforeMs: wholeMs, slotMs: 0, afterMs: 0, slotFromMs: time.toMs };
  const before = turn.filter(({ slot, toMs }) => slot === undefined && toMs <= slotFromMs);
  const beforeMs = Math.min(lengthOf(before), Math.max(0, wholeMs - slotMs));
  return { beforeMs, slotMs, afterMs: Math.max(0, wholeMs - slotMs - beforeMs), slotFromMs };
}

class Replay {
  readonly #before: Float64Array;
  readonly #inSlot: Float64Array;
  readonly #after: Float64Array;
  /** Rank in the order in which builds got their slots. */
  readonly #rank: Float64Array;
  readonly #needs: Int32Array;
  readonly #readers: readonly Int32Array[];
  readonly #slots: number;
  readonly #open: Int32Array;
  /** Next events: a build requests its slot (index), returns it (index + count), or is done (index + twice the count). */
  readonly #events: TimeHeap;
  readonly #waiting: TimeHeap;

  constructor(builds: readonly BuildPart[], times: readonly OwnTimes[], slots: number) {
    const count = builds.length;
    const places = new Map(builds.map(({ build }, at) => [build, at]));
    const readers = builds.map((): number[] => []);
    this.#needs = new Int32Array(count);
    builds.forEach(({ needs }, at) => {
      const known = new Set(needs.flatMap((name) => places.get(name) ?? []));
      this.#needs[at] = known.size;
      for (const need of known) readers[need]?.push(at);
    });
    this.#readers = readers.map((some) => Int32Array.from(some));
    this.#before = Float64Array.from(times, ({ beforeMs }) => beforeMs);
    this.#inSlot = Float64Array.from(times, ({ slotMs }) => slotMs);
    this.#after = Float64Array.from(times, ({ afterMs }) => afterMs);
    const order = times.map((_, at) => at);
    order.sort((a, b) => (times[a]?.slotFromMs ?? 0) - (times[b]?.slotFromMs ?? 0));
    this.#rank = new Float64Array(count);
    order.forEach((at, rank) => {
      this.#rank[at] = rank;
    });
    this.#slots = Math.max(1, slots);
    this.#open = new Int32Array(count);
    this.#events = new TimeHeap(count + 1);
    this.#waiting = new TimeHeap(count + 1);
  }

  /** Duration of the run if one build takes no time; -1: with all builds. */
  run(without: number): number {
    const count = this.#open.length;
    const [events, waiting] = [this.#events, this.#waiting];
    this.#open.set(this.#needs);
    let free = this.#slots;
    let nowMs = 0;
    const begin = (at: number) => {
      if (at === without) events.push(nowMs, at + 2 * count);
      else if (this.#inSlot[at] === 0)
        events.push(nowMs + (this.#before[at] ?? 0) + (this.#after[at] ?? 0), at + 2 * count);
      else events.push(nowMs + (this.#before[at] ?? 0), at);
    };
    const takeSlot = (at: number) => {
      free--;
      events.push(nowMs + (this.#inSlot[at] ?? 0), at + count);
    };
    for (let at = 0; at < count; at++) if (this.#needs[at] === 0) begin(at);
    while (events.size > 0) {
      nowMs = events.firstKey;
      const event = events.pop();
      const at = event % count;
      if (event < count) {
        waiting.push(this.#rank[at] ?? 0, at);
      } else if (event < 2 * count) {
        free++;
        events.push(nowMs + (this.#after[at] ?? 0), at + 2 * count);
      } else {
        for (const reader of this.#readers[at] ?? []) {
          const open = (this.#open[reader] ?? 0) - 1;
          this.#open[reader] = open;
          if (open === 0) begin(reader);
        }
      }
      // Processes all events of a moment first, so that slots go by rank and not by arrival.
      while (free > 0 && waiting.size > 0 && (events.size === 0 || events.firstKey > nowMs))
        takeSlot(waiting.pop());
    }
    return nowMs;
  }
}
