/** Problems that several builds share. */
import type { Outcome, ProblemJson } from '../model/mod.ts';
import { failureIdentity, isOfRegistry } from '../report/mod.ts';

/** A problem, and the builds that have it; without builds it is a problem of the run. */
export interface Folded {
  readonly problem: ProblemJson;
  readonly builds: readonly string[];
}

/** Most builds that are named. */
const MOST_BUILDS = 5;

/** Each problem once, with its builds. Rows of a matrix have the same problem with different logs, and one is enough. */
export function foldProblems(found: readonly ProblemJson[]): readonly Folded[] {
  const folded = new Map<string, { readonly problem: ProblemJson; readonly builds: Set<string> }>();
  for (const problem of found) {
    const { code, message, place, build } = problem;
    // An outage of a registry is one problem, although each message names the image of its build.
    const key =
      build !== undefined && isOfRegistry(code)
        ? failureIdentity(build, problem)
        : JSON.stringify([code, message, place?.file, place?.line]);
    const first = folded.get(key) ?? { problem, builds: new Set<string>() };
    folded.set(key, first);
    if (build !== undefined) first.builds.add(build);
  }
  return [...folded.values()].map(({ problem, builds }) => ({ problem, builds: [...builds] }));
}

/** Each failure once, with its builds; the one that prevents most builds comes first. */
export function foldFailures(
  problems: readonly ProblemJson[],
  outcomes: readonly Outcome[],
): readonly Folded[] {
  const failures = outcomes.flatMap(({ build, problem }) =>
    problem === undefined ? [] : [{ ...problem, build: problem.build ?? build }],
  );
  const blocked = countBlocked(outcomes);
  // A problem of the run prevents all builds.
  const weigh = ({ builds }: Folded): number =>
    builds.length === 0
      ? Number.MAX_SAFE_INTEGER
      : builds.reduce((sum, build) => sum + 1 + (blocked.get(build) ?? 0), 0);
  return foldProblems([...problems, ...failures])
    .map((one) => ({ one, weight: weigh(one) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ one }) => one);
}

/** How many builds each failure prevents, directly and indirectly. */
function countBlocked(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const causes = new Map(outcomes.map(({ build, blockedBy }) => [build, blockedBy]));
  const counts = new Map<string, number>();
  for (const { blockedBy } of outcomes) {
    let cause = blockedBy;
    for (let turn = causes.size; turn > 0 && cause !== undefined; turn--) {
      const next = causes.get(cause);
      if (next === undefined) break;
      cause = next;
    }
    if (cause !== undefined) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  }
  return counts;
}

/** `a, b, c, d, e and 3 more`. */
export function nameBuilds(builds: readonly string[]): string {
  const more = builds.length - MOST_BUILDS;
  return `${builds.slice(0, MOST_BUILDS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
