/** From files in memory to what `bake-ts plan` would say of them: the code of the command line, on a disk that is not there. */
import { readBuilds } from '../../config/mod.ts';
import { type Plan, type Problem, type ProblemJson, problemToJson } from '../../model/mod.ts';
import { describePlan, type PlanDocument } from '../../plan/mod.ts';
import { findUnnamed, preparePlan } from '../../prepare/mod.ts';
import type { RunTimeline } from '../../timeline/timeline.ts';
import { mountFiles } from './browser/fs.ts';

/** Files by their path, relative to the repository. */
export type Files = ReadonlyMap<string, string>;

/** What planning came to. */
export interface Planned {
  readonly problems: readonly ProblemJson[];
  /** Why the page could not go on: it lacks something that the command line has. */
  readonly stopped?: string;
  /** Absent: problems are in the way. */
  readonly made?: { readonly document: PlanDocument; readonly timeline: RunTimeline };
}

const ROOT = '/repository';

/** Plans a selection (empty: as `bake-ts plan` without names). Never rejects. */
export async function planFiles(files: Files, patterns: readonly string[]): Promise<Planned> {
  mountFiles(new Map([...files].map(([file, text]) => [`${ROOT}/${file}`, text])));
  try {
    const read = await readBuilds({ cwd: ROOT, env: {}, vars: new Map(), overrides: [] });
    if (!read.ok) return { problems: read.error.map(problemToJson) };
    const { set, warnings } = read.value;
    const prepared = preparePlan(set, { patterns }, ROOT);
    if (!prepared.ok) return { problems: toJson([...warnings, ...prepared.error]) };
    const { plan, missing } = prepared.value;
    return {
      problems: toJson([...warnings, ...missing, ...findUnnamed(plan)]),
      made: { document: describePlan(plan), timeline: timelineOf(plan, [...files.keys()]) },
    };
  } catch (thrown) {
    // Such as a digest that the page lacks: said, so that nobody waits for a plan.
    return { problems: [], stopped: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function toJson(problems: readonly Problem[]): readonly ProblemJson[] {
  return problems.map(problemToJson);
}

/** A run that has not begun, which the graph of the report page takes. */
function timelineOf(plan: Plan, files: readonly string[]): RunTimeline {
  return {
    runId: '',
    version: '',
    runtime: '',
    files,
    concurrency: 1,
    dryRun: true,
    startedAtMs: 0,
    durationMs: 0,
    finished: false,
    builds: [...plan.nodes.values()].map(({ build, role, level, edges, pushes }) => ({
      build: build.name,
      role,
      level,
      needs: [...new Set(edges.map(({ to }) => to))],
      tags: build.tags.map(({ text }) => text),
      pushes,
      phases: [],
      steps: [],
      waits: [],
      critical: false,
      costMs: 0,
    })),
    criticalPath: [],
    waits: [],
    warnings: [],
  };
}
