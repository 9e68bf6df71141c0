/** Which builds are to be run once more after a run in which some failed. */
import type { Outcome, PlannedNode } from './event.ts';

/** More names than these are no command to read. */
const MOST_NAMED = 10;

/** What is known of a build of the run; without a role it was asked for. */
export interface EndedBuild {
  readonly build: string;
  readonly role?: PlannedNode['role'] | undefined;
  readonly outcome?: Outcome | undefined;
}

/**
 * The builds that were asked for and have not come to their end: failed ones, and those that a failure kept from running. What they
 * need comes with them. Undefined: all of them, or too many to name, so that the run is begun anew as it was (what was built is
 * unchanged then). Empty: nothing failed.
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
