/** How long a run still takes, from how long its builds took the last time. */
import type { NodeView, RunState } from './state.ts';
import { elapsedMs } from './state.ts';

/**
 * Milliseconds until the end of a run, as far as the past tells: the longest chain of what is still to be built, and no
 * less than what all of it takes in the slots there are. Undefined where the time of one of them is not known. What is not
 * decided yet counts where something that it needs is built in this run; otherwise it is taken to be unchanged.
 *
 * The order of the plan is one in which each build stands after what it needs, so one pass does it.
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
    // Nothing is remembered of it, so it cannot be unchanged.
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
