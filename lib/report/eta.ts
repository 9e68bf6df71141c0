/** Estimates the remaining time of a run from the durations of earlier builds. */
import type { NodeView, RunState } from './state.ts';
import { elapsedMs } from './state.ts';

/**
 * Estimated milliseconds until the end of a run: the longest chain of remaining builds, but at least the time that all
 * of them take with the available slots. Undefined if a duration is unknown. An undecided build is counted if one of
 * its dependencies is built in this run; otherwise it is assumed to be unchanged.
 *
 * In the order of the plan each build comes after its dependencies, so one pass is enough.
 */
export function estimateLeftMs(state: RunState, nowMs: number): number | undefined {
  const built = new Set<string>();
  const endsInMs = new Map<string, number>();
  let work = 0;
  let longest = 0;
  let toBuild = 0;
  for (const node of state.nodes.values()) {
    if (node.status === 'finished') {
      if (node.outcome?.kind === 'built') built.add(node.build);
      continue;
    }
    const isDecided = node.decision !== undefined;
    const builds = isDecided
      ? node.decision === 'build'
      : node.needs.some((need) => built.has(need)) || isBuilding(node);
    // There is no record of it, so it cannot be unchanged.
    if (!isDecided && node.usualMs === undefined) return undefined;
    const starts = node.needs.reduce((most, need) => Math.max(most, endsInMs.get(need) ?? 0), 0);
    let takes = 0;
    if (builds) {
      if (node.usualMs === undefined) return undefined;
      built.add(node.build);
      takes = Math.max(0, node.usualMs - elapsedMs(node, nowMs));
      toBuild += 1;
    }
    work += takes;
    endsInMs.set(node.build, starts + takes);
    longest = Math.max(longest, starts + takes);
  }
  return toBuild === 0 ? undefined : Math.max(longest, work / Math.max(1, state.concurrency));
}

function isBuilding({ status }: NodeView): boolean {
  return status === 'building' || status === 'exporting' || status === 'retrying';
}
