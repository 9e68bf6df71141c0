/** From the builds of a plan to jobs: which builds get their own jobs, on which runners, and which jobs wait for which. */
import type { Plan, PlanNode } from '../model/mod.ts';
import type { PipelineJob, PipelineLimits, Runner } from './pipeline-model.ts';

/** Platforms of a build that one runner builds. */
interface Part {
  /** Empty: all of them. */
  readonly platforms: readonly string[];
  /** Absent: any runner. */
  readonly where?: string;
}

/** A build with jobs of its own, and the units it waits for. */
export interface Unit {
  readonly build: string;
  readonly level: number;
  readonly needs: readonly Unit[];
  /** Never empty. If there are several, each is a job, and one more job joins them. */
  readonly parts: readonly Part[];
}

/**
 * The builds with their own jobs: pushed builds, and builds that no other build of the plan depends on. A build that is
 * not pushed stays in the engine of its machine, so each job that needs it builds it itself.
 */
export function findUnits({ nodes }: Plan, runners: readonly Runner[]): readonly Unit[] {
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
    units.set(name, { build: name, level, needs: [...needs], parts: partsOf(node, runners) });
  }
  return [...units.values()];
}

function hasUnit({ pushes, neededBy }: PlanNode): boolean {
  return pushes || neededBy.length === 0;
}

/** The platforms of a build grouped by runner; platforms without a named runner stay together. */
function partsOf({ build, pushes }: PlanNode, runners: readonly Runner[]): readonly Part[] {
  const byWhere = new Map<string | undefined, string[]>();
  for (const platform of build.platforms) {
    const where = runners.find((one) => one.platform === platform)?.where;
    byWhere.set(where, [...(byWhere.get(where) ?? []), platform]);
  }
  const parts = [...byWhere].map(
    ([where, platforms]): Part => ({ platforms, ...(where === undefined ? {} : { where }) }),
  );
  const isWhole = parts.every(({ where }) => where === undefined) || (parts.length > 1 && !pushes);
  return isWhole ? [{ platforms: [] }] : parts;
}

/** Creates unique job ids, also for systems that ignore case. */
function createIds(labels: boolean): (wanted: string) => string {
  // The template for GitLab has its own job of this name for merge requests.
  const taken = new Set(['merge-request']);
  return (wanted) => {
    const plain = labels
      ? wanted.toLowerCase().replace(/[^a-z0-9-]+/g, '-')
      : wanted.replace(/[^A-Za-z0-9_-]/g, '-');
    let id = '';
    for (let count = 1; id === '' || taken.has(id.toLowerCase()); count++) {
      const suffix = count === 1 ? '' : `-${count}`;
      const room = labels ? LABEL_LENGTH - suffix.length : plain.length;
      id = `${labels ? plain.slice(0, room).replace(/-+$/, '') : plain}${suffix}`;
    }
    taken.add(id.toLowerCase());
    return id;
  };
}

/** From RFC 1123, for names in Kubernetes. */
const LABEL_LENGTH = 63;

/** A job for each part of each build, and one for each build whose parts are joined. */
export function jobsByBuild(units: readonly Unit[], labels: boolean): readonly (readonly PipelineJob[])[] {
  const idOf = createIds(labels);
  const doneBy = new Map<Unit, string>();
  const levels: PipelineJob[][] = [];
  for (const unit of units) {
    const { build, parts } = unit;
    const takes = unit.needs.map((one) => doneBy.get(one) ?? '');
    const isSplit = parts.length > 1;
    const jobs = parts.map(({ platforms, where }): PipelineJob => {
      const id = idOf(`build-${build}${isSplit ? `-${platforms.join('-')}` : ''}`);
      const job = {
        id,
        group: id,
        builds: [build],
        needs: takes,
        takes,
        ...(where === undefined ? {} : { where }),
      };
      return isSplit ? { ...job, kind: 'platform', platforms } : { ...job, kind: 'build', platforms: [] };
    });
    const ids = jobs.map(({ id }) => id);
    if (isSplit) jobs.push(merging(idOf(`merge-${build}`), [build], ids));
    doneBy.set(unit, jobs.at(-1)?.id ?? '');
    levels[unit.level] = [...(levels[unit.level] ?? []), ...jobs];
  }
  return levels.map((jobs) => [...jobs.filter((one) => !isMerge(one)), ...jobs.filter(isMerge)]);
}

function merging(id: string, builds: readonly string[], parts: readonly string[]): PipelineJob {
  return { id, group: id, kind: 'merge', builds, platforms: [], needs: parts, takes: parts };
}

function isMerge({ kind }: PipelineJob): boolean {
  return kind === 'merge';
}

/** Why a job per build exceeds the limits, as text; undefined: it does not. */
export function whyTooMany(
  levels: readonly (readonly PipelineJob[])[],
  limits: PipelineLimits,
): string | undefined {
  const jobs = levels.flat();
  if (jobs.length > limits.jobs)
    return `${jobs.length} jobs are more than the limit of ${limits.jobs} jobs in a pipeline`;
  const wide = jobs.find(({ needs }) => needs.length > limits.needs);
  if (wide === undefined) return undefined;
  return `${wide.id} would wait for ${wide.needs.length} jobs, more than the limit of ${limits.needs}`;
}

/** The common properties of jobs in a level that differ only in their builds. */
interface Group {
  readonly id: string;
  readonly kind: 'build' | 'platform';
  readonly part: Part;
  readonly units: Unit[];
}

/** The units of each level, grouped by the work and the runner. */
function groupsByLevel(units: readonly Unit[]): readonly (readonly Group[])[] {
  const levels: Map<string, Group>[] = [];
  for (const unit of units) {
    const level = levels[unit.level] ?? new Map<string, Group>();
    levels[unit.level] = level;
    for (const part of unit.parts) {
      const isSplit = unit.parts.length > 1;
      const slug = part.platforms.map((one) => `-${one.replaceAll('/', '-')}`).join('');
      const id = `level-${unit.level}${slug === '' || isSplit ? slug : `-only${slug}`}`;
      const group = level.get(id) ?? { id, kind: isSplit ? 'platform' : 'build', part, units: [] };
      level.set(id, group);
      group.units.push(unit);
    }
  }
  return levels.map((level) => [...level.values()]);
}

/** Jobs by level, and the most builds in one job. */
export interface SharedJobs {
  readonly perJob: number;
  readonly levels: readonly (readonly PipelineJob[])[];
}

/**
 * Jobs level by level, with the fewest builds per job that fit the limits. With `isGraph` each job waits only for the
 * jobs whose images it uses, and merges wait only for their own parts.
 */
export function jobsByLevel(units: readonly Unit[], limits: PipelineLimits, isGraph: boolean): SharedJobs {
  const groups = groupsByLevel(units);
  const largest = Math.max(...groups.flat().map((group) => group.units.length));
  for (let perJob = 1; ; perJob++) {
    const levels = layOut(groups, perJob, isGraph);
    const all = levels.reduce((sum, { length }) => sum + length, 0);
    // Each level needs at least one job, so a chain with more levels than allowed jobs stays over the limit.
    if (
      perJob >= largest ||
      (all <= limits.jobs && levels.every(({ length }) => length <= limits.jobsOfLevel))
    )
      return { perJob, levels };
  }
}

function layOut(
  levels: readonly (readonly Group[])[],
  perJob: number,
  isGraph: boolean,
): readonly (readonly PipelineJob[])[] {
  const doneBy = new Map<Unit, string>();
  let before: readonly string[] = [];
  return levels.map((groups, at) => {
    const partsOf = new Map<Unit, string[]>();
    const jobs = groups.flatMap(({ id: group, kind, part: { platforms, where }, units: all }) =>
      spread(all, perJob).map((some, job): PipelineJob => {
        const id = `${group}-${job}`;
        const takes = [...new Set(some.flatMap(({ needs }) => needs.map((one) => doneBy.get(one) ?? '')))];
        for (const unit of some) partsOf.set(unit, [...(partsOf.get(unit) ?? []), id]);
        const builds = some.map(({ build }) => build);
        const made = { id, group, kind, builds, needs: isGraph ? takes : before, takes };
        return {
          ...made,
          platforms: kind === 'platform' ? platforms : [],
          ...(where === undefined ? {} : { where }),
        };
      }),
    );
    const merges = new Map<string, { id: string; builds: string[]; parts: Set<string> }>();
    for (const [unit, ids] of partsOf) {
      const [first = '', ...others] = ids;
      const key = isGraph ? ids.join(' ') : '';
      const id = `merge-${at}${isGraph ? `-${merges.size}` : ''}`;
      const merge = merges.get(key) ?? { id, builds: [], parts: new Set() };
      doneBy.set(unit, others.length === 0 ? first : merge.id);
      if (others.length === 0) continue;
      merges.set(key, merge);
      merge.builds.push(unit.build);
      for (const part of ids) merge.parts.add(part);
    }
    const done = [
      ...jobs,
      ...[...merges.values()].map(({ id, builds, parts }) => merging(id, builds, [...parts])),
    ];
    before = done.filter(({ kind }) => kind !== 'platform').map(({ id }) => id);
    return done;
  });
}

/** Neighbours in a plan are similar, so distributing them makes jobs of similar length. */
function spread(units: readonly Unit[], perJob: number): readonly (readonly Unit[])[] {
  const count = Math.ceil(units.length / perJob);
  const jobs = Array.from({ length: count }, (): Unit[] => []);
  for (const [place, unit] of units.entries()) jobs[place % count]?.push(unit);
  return jobs;
}

/** The jobs of a level by group, in order. */
export function groupJobs(
  jobs: readonly PipelineJob[],
): ReadonlyMap<string, readonly [PipelineJob, ...PipelineJob[]]> {
  const groups = new Map<string, [PipelineJob, ...PipelineJob[]]>();
  for (const job of jobs) {
    const group = groups.get(job.group);
    if (group === undefined) groups.set(job.group, [job]);
    else group.push(job);
  }
  return groups;
}
