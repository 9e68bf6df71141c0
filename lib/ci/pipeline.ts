/** A plan as the jobs of a CI system: pure, and the same for all systems. How they are written down is elsewhere. */
import type { ImageRef, Plan, PlanNode } from '../model/mod.ts';
import { isLoopback } from '../util/loopback.ts';

/** How builds are spread over jobs: one for each build, or jobs level by level, where a level waits for all of the one before. */
export type Split = 'level' | 'build';

/** What a CI system takes. */
export interface PipelineLimits {
  /** Jobs of one level at most. */
  readonly jobsOfLevel: number;
  /** Jobs of a pipeline at most. */
  readonly jobs: number;
  /** Jobs that one may wait for at most. */
  readonly needs: number;
}

/** One job: some builds of the plan, which `run` is given by name. */
export interface PipelineJob {
  /** Fit for an id in any system: letters, digits, `_` and `-`; no two jobs have one. */
  readonly id: string;
  /** In the order of the plan; never empty. */
  readonly builds: readonly string[];
  /** Ids of the jobs that it waits for. */
  readonly needs: readonly string[];
}

/** A plan as jobs. */
export interface Pipeline {
  readonly split: Split;
  /** Jobs by level; those of one do not wait for one another. */
  readonly levels: readonly (readonly PipelineJob[])[];
  /** Hosts that are pushed to and sign in; loopback needs none. */
  readonly registries: readonly string[];
  /** What whoever reads the pipeline should know, in sentences. */
  readonly notes: readonly PipelineNote[];
}

/** Something that is otherwise than one might expect. */
export interface PipelineNote {
  readonly text: string;
  /** What can be done about it. */
  readonly hint: string;
}

/** Spreads the builds of a plan over jobs. */
export function planPipeline(plan: Plan, split: Split, limits: PipelineLimits): Pipeline {
  const registries = [
    ...new Set(
      [...plan.nodes.values()].filter(({ pushes }) => pushes).flatMap(({ build }) => hostsOf(build.tags)),
    ),
  ].sort();
  const notes: PipelineNote[] = [];
  if (plan.set.record === undefined || plan.set.record === 'local') notes.push(NO_RECORD);
  if (plan.set.publish === 'together') {
    const asked = [...plan.nodes.values()]
      .filter(({ role }) => role === 'asked')
      .map(({ build }) => build.name);
    return {
      split: 'level',
      levels: [[{ id: 'images', builds: asked, needs: [] }]],
      registries,
      notes: [...notes, TOGETHER],
    };
  }
  const units = findUnits(plan);
  notes.push(...shareNotes(plan, units));
  const byBuild = split === 'build' ? jobsByBuild(units) : undefined;
  if (byBuild !== undefined) {
    const tooMany = whyTooMany(byBuild, limits);
    if (tooMany === undefined) return { split, levels: byBuild, registries, notes };
    notes.push({
      text: `There are jobs by level and not by build: ${tooMany}.`,
      hint: 'Print it for some of the builds, one pipeline each.',
    });
  }
  const perJob = buildsPerJob(units, limits);
  if (perJob > 1)
    notes.push({
      text: `Up to ${perJob} builds share a job, since a pipeline may have ${limits.jobs} jobs, ${limits.jobsOfLevel} of them in one level.`,
      hint: 'Nothing has to be done; a job builds its images at the same time.',
    });
  return { split: 'level', levels: jobsByLevel(units, perJob), registries, notes };
}

const NO_RECORD: PipelineNote = {
  text: 'builds.yaml has no `record:`, so a new runner knows nothing of earlier pipelines and builds everything.',
  hint: 'Add `record: registry` at the top of builds.yaml; what has not changed is skipped then.',
};

const TOGETHER: PipelineNote = {
  text: 'There is one job, since `publish: together` moves all tags at the end of one run.',
  hint: 'Jobs of their own take `publish: each`.',
};

/** A build with a job of its own, and the units it waits for. */
interface Unit {
  readonly build: string;
  readonly level: number;
  readonly needs: readonly Unit[];
}

/**
 * What gets jobs of its own: what is pushed, and what nobody else of the plan needs. A build that stays in the engine of the
 * machine that made it is of no use to other jobs, so each of them builds it for itself.
 */
function findUnits({ nodes }: Plan): readonly Unit[] {
  const units = new Map<string, Unit>();
  const below = new Map<string, ReadonlySet<Unit>>();
  for (const [name, node] of nodes) {
    const needs = new Set<Unit>();
    for (const { to } of node.edges) {
      const unit = units.get(to);
      if (unit !== undefined) needs.add(unit);
      else for (const one of below.get(to) ?? []) needs.add(one);
    }
    below.set(name, needs);
    if (!hasUnit(node)) continue;
    const level = Math.max(-1, ...[...needs].map((one) => one.level)) + 1;
    units.set(name, { build: name, level, needs: [...needs] });
  }
  return [...units.values()];
}

function hasUnit({ pushes, neededBy }: PlanNode): boolean {
  return pushes || neededBy.length === 0;
}

/** Builds that several jobs make, each for itself. */
function shareNotes(plan: Plan, units: readonly Unit[]): readonly PipelineNote[] {
  const own = new Set(units.map(({ build }) => build));
  const users = new Map<string, Set<string>>();
  for (const { build } of units) {
    const queue = [build];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      for (const { to } of plan.nodes.get(name)?.edges ?? []) {
        if (own.has(to)) continue;
        const known = users.get(to) ?? new Set();
        if (known.has(build)) continue;
        users.set(to, known.add(build));
        queue.push(to);
      }
    }
  }
  const shared = [...users].filter(([, jobs]) => jobs.size > 1).map(([name]) => name);
  if (shared.length === 0) return [];
  return [
    {
      text: `Not pushed, and so built in each job that needs it: ${shared.join(', ')}.`,
      hint: 'With `tags:` and `push: true` it is built once.',
    },
  ];
}

function jobsByBuild(units: readonly Unit[]): readonly (readonly PipelineJob[])[] {
  const ids = new Map<Unit, string>();
  const taken = new Set<string>();
  for (const unit of units) {
    const plain = `build-${unit.build.replace(/[^A-Za-z0-9_-]/g, '-')}`;
    let id = plain;
    for (let count = 2; taken.has(id.toLowerCase()); count++) id = `${plain}-${count}`;
    taken.add(id.toLowerCase());
    ids.set(unit, id);
  }
  return groupByLevel(units).map((level) =>
    level.map((unit) => ({
      id: ids.get(unit) ?? '',
      builds: [unit.build],
      needs: unit.needs.map((one) => ids.get(one) ?? ''),
    })),
  );
}

/** Why jobs by build are no pipeline, in words; undefined: they are one. */
function whyTooMany(levels: readonly (readonly PipelineJob[])[], limits: PipelineLimits): string | undefined {
  const jobs = levels.flat();
  if (jobs.length > limits.jobs)
    return `${jobs.length} jobs are more than the ${limits.jobs} that a pipeline may have`;
  const wide = jobs.find(({ needs }) => needs.length > limits.needs);
  if (wide === undefined) return undefined;
  return `${wide.id} would wait for ${wide.needs.length} jobs, and may wait for ${limits.needs}`;
}

/** The least number of builds that share a job, so that all of them fit. */
function buildsPerJob(units: readonly Unit[], limits: PipelineLimits): number {
  const sizes = groupByLevel(units).map((level) => level.length);
  for (let most = 1; ; most++) {
    const jobs = sizes.map((size) => Math.ceil(size / most));
    const all = jobs.reduce((sum, one) => sum + one, 0);
    // A level takes one job at least, so a chain of more levels than jobs is as it is.
    if (most > units.length || (all <= limits.jobs && jobs.every((one) => one <= limits.jobsOfLevel)))
      return most;
  }
}

function jobsByLevel(units: readonly Unit[], perJob: number): readonly (readonly PipelineJob[])[] {
  const levels = groupByLevel(units).map((level, at) => {
    const builds = level.map(({ build }) => build);
    const count = Math.ceil(builds.length / perJob);
    return Array.from({ length: count }, (_, job) => ({
      id: `level-${at}-${job}`,
      // Neighbours in the plan are alike, so spreading them makes jobs of about one length.
      builds: builds.filter((_build, place) => place % count === job),
    }));
  });
  return levels.map((level, at) => {
    const needs = (levels[at - 1] ?? []).map(({ id }) => id);
    return level.map((job) => ({ ...job, needs }));
  });
}

function groupByLevel(units: readonly Unit[]): readonly (readonly Unit[])[] {
  const levels: Unit[][] = [];
  for (const unit of units) {
    const level = levels[unit.level] ?? [];
    level.push(unit);
    levels[unit.level] = level;
  }
  return levels;
}

function hostsOf(tags: readonly { readonly ref?: ImageRef }[]): readonly string[] {
  return tags.flatMap(({ ref }) =>
    ref === undefined || isLoopback(ref.registry.replace(/:\d+$/, '')) ? [] : [ref.registry],
  );
}
