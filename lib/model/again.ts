/** Which builds to run again after a run in which some failed. */
import type { Outcome, PlannedNode } from './event.ts';

/** With more names than this, a command is no longer readable. */
const MOST_NAMED = 10;

/** What is known about a build of the run. Without a role, it was requested. */
export interface EndedBuild {
  readonly build: string;
  readonly role?: PlannedNode['role'] | undefined;
  readonly outcome?: Outcome | undefined;
}

/**
 * The requested builds that did not finish: those that failed, and those that a failure blocked. Their dependencies are
 * built with them.
 *
 * @returns undefined: all of them, or too many to name, so the whole run is repeated (what was built is skipped); empty:
 *   nothing failed
 */
export function buildsToRunAgain(ended: readonly EndedBuild[]): readonly string[] | undefined {
  const failed = ended.filter(({ outcome }) => outcome?.kind === 'failed');
  if (failed.length === 0) return [];
  const asked = ended.filter(({ role }) => role !== 'needed');
  const open = asked.filter(({ outcome }) => isOpen(outcome));
  const causes = new Map(ended.map(({ build, outcome }) => [build, outcome?.blockedBy]));
  const covered = new Set<string>();
  for (const { build } of open) {
    for (let at: string | undefined = build; at !== undefined && !covered.has(at); at = causes.get(at))
      covered.add(at);
  }
  const others = failed.filter(({ build }) => !covered.has(build));
  const names = [...open, ...others].map(({ build }) => build);
  return open.length === asked.length || names.length > MOST_NAMED ? undefined : names;
}

function isOpen(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'failed' || outcome?.kind === 'blocked' || outcome?.kind === 'cancelled';
}
