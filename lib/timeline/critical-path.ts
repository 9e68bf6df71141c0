/** Finds the chain of builds that the end of a run waited for. */
import type { BuildPart } from './build-maker.ts';
import { slotSpans } from './slots.ts';
import type { CriticalBuild } from './timeline.ts';

/** A build that had a slot, and when. */
interface Hold {
  readonly build: BuildPart;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Goes back from the build that ended last. Before each build comes the one it waited for: the previous holder of its
 * slot if it had to queue for that, else the dependency that was done last.
 */
export function findCriticalPath(builds: readonly BuildPart[]): readonly CriticalBuild[] {
  const byName = new Map(builds.map((one) => [one.build, one]));
  const holds = holdsOf(builds);
  const path: CriticalBuild[] = [];
  let at = lastOf(builds);
  const seen = new Set<string>();
  while (at !== undefined && !seen.has(at.build)) {
    seen.add(at.build);
    const holder = holderBefore(at, holds);
    const before = holder ?? neededBefore(at, byName);
    const link = before === undefined || seen.has(before.build) ? undefined : holder ? 'slot' : 'build';
    path.push({ build: at.build, ...(link === undefined ? {} : { waitedFor: link }) });
    at = before;
  }
  return path.reverse();
}

function lastOf(builds: readonly BuildPart[]): BuildPart | undefined {
  let last: BuildPart | undefined;
  for (const one of builds)
    if (one.time !== undefined && (last?.time === undefined || one.time.toMs > last.time.toMs)) last = one;
  return last;
}

function holdsOf(builds: readonly BuildPart[]): ReadonlyMap<number, readonly Hold[]> {
  const holds = new Map<number, Hold[]>();
  for (const build of builds) {
    for (const { slot, fromMs, toMs } of slotSpans(build.phases)) {
      const known = holds.get(slot);
      if (known === undefined) holds.set(slot, [{ build, fromMs, toMs }]);
      else known.push({ build, fromMs, toMs });
    }
  }
  for (const list of holds.values()) list.sort((a, b) => a.fromMs - b.fromMs);
  return holds;
}

/** The previous holder of its slot, if the build had to wait for it. */
function holderBefore(
  { phases, turnFrom }: BuildPart,
  holds: ReadonlyMap<number, readonly Hold[]>,
): BuildPart | undefined {
  const turn = phases.slice(turnFrom);
  const first = turn.findIndex(({ slot }) => slot !== undefined);
  const queued = turn.slice(0, Math.max(first, 0)).findLast(({ phase }) => phase === 'queued');
  const got = turn[first];
  if (queued === undefined || got?.slot === undefined || queued.toMs <= queued.fromMs) return undefined;
  const before = (holds.get(got.slot) ?? []).findLast(({ fromMs }) => fromMs < got.fromMs);
  // It did not wait for a slot that was already free.
  return before === undefined || before.toMs <= queued.fromMs ? undefined : before.build;
}

function neededBefore(
  { needs, time = { fromMs: 0, toMs: 0 } }: BuildPart,
  byName: ReadonlyMap<string, BuildPart>,
): BuildPart | undefined {
  const needed = needs.flatMap((name) => byName.get(name) ?? []);
  return lastOf(needed.filter((one) => one.time !== undefined && one.time.toMs <= time.fromMs));
}
