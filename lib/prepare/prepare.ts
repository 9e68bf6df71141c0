/** From a set of builds and what the user typed to a plan: selection, Dockerfiles, edges. No engine, no network. */
import { type BuildSet, fail, ok, type Plan, type Problem, type Result } from '../model/mod.ts';
import { planBuilds, type Selection, selectBuilds } from '../plan/mod.ts';
import { DockerfileLibrary } from './dockerfiles.ts';

/** A plan with what was read to make it. */
export interface PreparedPlan {
  readonly plan: Plan;
  readonly dockerfiles: DockerfileLibrary;
  /** Dockerfiles that could not be read: harmless for looking at a plan, fatal for running it. */
  readonly missing: readonly Problem[];
}

/**
 * Plans a selection.
 *
 * @param cwd absolute; paths in messages are relative to it
 * @returns the plan, or every problem of the selection (`plan/unknown-build`, …) or of the graph (`plan/cycle`, …)
 */
export function preparePlan(set: BuildSet, selection: Selection, cwd: string): Result<PreparedPlan> {
  const selected = selectBuilds(set, selection);
  if (!selected.ok) return selected;
  const dockerfiles = new DockerfileLibrary(cwd);
  const planned = planBuilds({
    set,
    selected: selected.value,
    readsOf: (build) => dockerfiles.readsOf(build),
    ...(selection.dependents === undefined ? {} : { dependents: selection.dependents }),
  });
  if (!planned.ok) return fail(planned.error);
  const missing = [...planned.value.nodes.keys()].flatMap((name) => dockerfiles.problemsOf(name));
  return ok({ plan: planned.value, dockerfiles, missing });
}
