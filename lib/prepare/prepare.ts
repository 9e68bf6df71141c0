/** From a set of builds and a selection to a plan: selection, Dockerfiles, edges. No engine, no network. */
import { type BuildSet, fail, ok, type Plan, type Problem, type Result } from '../model/mod.ts';
import { findLeftOut, planBuilds, type Selection, selectBuilds } from '../plan/mod.ts';
import { deniedProblem } from '../util/permission.ts';
import { DockerfileLibrary } from './dockerfiles.ts';
import { GrantCheck, mergeNeeds } from './grants.ts';
import { mergeAlike, mergeMissingContexts, mistakesOf } from './mistakes.ts';

/** A plan, and what was read to make it. */
export interface PreparedPlan {
  readonly plan: Plan;
  readonly dockerfiles: DockerfileLibrary;
  /** Warnings, and Dockerfiles that could not be read: harmless for showing a plan, fatal for running it. */
  readonly missing: readonly Problem[];
}

/**
 * Plans a selection.
 *
 * @param cwd absolute; paths in messages are relative to it
 * @returns the plan, or every problem of the selection (`plan/unknown-build`, …), of the graph (`plan/cycle`, …) and of
 *   missing grants (`config/needs-grant`); files without a grant are not opened
 */
export function preparePlan(set: BuildSet, selection: Selection, cwd: string): Result<PreparedPlan> {
  try {
    return prepare(set, selection, cwd);
  } catch (error) {
    const denied = deniedProblem(error);
    if (denied === undefined) throw error;
    return fail([denied]);
  }
}

function prepare(set: BuildSet, selection: Selection, cwd: string): Result<PreparedPlan> {
  const selected = selectBuilds(set, selection);
  if (!selected.ok) {
    const named = selection.patterns.flatMap((name) =>
      set.groups.has(name) ? [] : (set.builds.get(name) ?? []),
    );
    return fail([...selected.error, ...mergeAlike(named.flatMap(mistakesOf))]);
  }
  const dockerfiles = new DockerfileLibrary(cwd);
  const check = new GrantCheck(set.grants, cwd, (file) => dockerfiles.isLink(file));
  /** Build → why it must not be read. */
  const unreadable = new Map<string, readonly Problem[]>();
  const wrong: Problem[] = [];
  const planned = planBuilds({
    set,
    selected: selected.value,
    readsOf: (build) => {
      if (build.mistakes?.some(isError) === true) {
        wrong.push(...mistakesOf(build));
        return undefined;
      }
      const problems = check.problemsOfReading(build);
      if (problems.length === 0) return dockerfiles.readsOf(build);
      unreadable.set(build.name, problems);
      return undefined;
    },
    ...(selection.dependents === undefined ? {} : { dependents: selection.dependents }),
  });
  if (!planned.ok)
    return fail([...mergeAlike(wrong), ...mergeNeeds([...unreadable.values()].flat()), ...planned.error]);
  const nodes = [...planned.value.nodes.values()];
  const mistakes = mergeAlike(nodes.flatMap(({ build }) => mistakesOf(build)));
  const remarks = findLeftOut(set, selection, selected.value);
  if (mistakes.some(isError)) return fail([...mistakes, ...remarks]);
  // The planner also requests builds that are then not built; those need no grant.
  const unread = nodes.flatMap(({ build }) => unreadable.get(build.name) ?? []);
  if (unread.length > 0) return fail(mergeNeeds(unread));
  const missing = mergeMissingContexts(nodes.flatMap(({ build }) => dockerfiles.problemsOf(build.name)));
  return ok({ plan: planned.value, dockerfiles, missing: [...remarks, ...mistakes, ...missing] });
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

/** A plan with none of the builds of a set. */
export function prepareNothing(set: BuildSet, cwd: string): PreparedPlan {
  return { plan: { set, nodes: new Map() }, dockerfiles: new DockerfileLibrary(cwd), missing: [] };
}
