/** When all slots of a run were in use. */
import type { BuildPart } from './build-maker.ts';
import { slotSpans } from './slots.ts';
import type { Span } from './timeline.ts';

/** Returns for how long within a span (milliseconds) all slots were in use. */
export type BusyTime = (span: Span) => number;

/** Scans the slots of all builds once; each query takes logarithmic time. */
export function busyTime(builds: readonly BuildPart[], slots: number): BusyTime {
  const changes = builds
    .flatMap(({ phases }) => slotSpans(phases))
    .flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs, by: 1 },
      { atMs: toMs, by: -1 },
    ]);
  changes.sort((a, b) => a.atMs - b.atMs);
  /** Times of changes, and how long all slots were in use until then. */
  const times: number[] = [];
  const busy: number[] = [];
  let taken = 0;
  let sum = 0;
  let lastMs = 0;
  for (const { atMs, by } of changes) {
    if (taken >= slots) sum += atMs - lastMs;
    lastMs = atMs;
    taken += by;
    times.push(atMs);
    busy.push(sum);
  }
  const until = (ms: number): number => {
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    const before = busy[low - 1] ?? 0;
    const next = busy[low] ?? before;
    // Between two changes the slots are either all in use or not.
    return next > before ? before + ms - (times[low - 1] ?? 0) : before;
  };
  return ({ fromMs, toMs }) => until(toMs) - until(fromMs);
}
