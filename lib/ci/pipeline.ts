/** A plan as the jobs of a CI system: pure, and the same for all systems. Other modules print it. */
import type { ImageRef, Plan } from '../model/mod.ts';
import { isLoopback } from '../util/loopback.ts';
import { findUnits, jobsByBuild, jobsByLevel, type Unit, whyTooMany } from './pipeline-jobs.ts';
import type { Pipeline, PipelineJob, PipelineNote, PipelineOptions, Runner } from './pipeline-model.ts';

/** Splits the builds of a plan into jobs. */
export function planPipeline(plan: Plan, { split, limits, runners = [] }: PipelineOptions): Pipeline {
  const nodes = [...plan.nodes.values()];
  const registries = [
    ...new Set(nodes.filter(({ pushes }) => pushes).flatMap(({ build }) => hostsOf(build.tags))),
  ].sort();
  const notes: PipelineNote[] = [];
  if (plan.set.record === undefined || plan.set.record === 'local') notes.push(NO_RECORD);
  if (plan.set.publish === 'together') {
    const builds = nodes.filter(({ role }) => role === 'asked').map(({ build }) => build.name);
    notes.push(TOGETHER, ...(runners.length > 0 ? [TOGETHER_RUNNERS] : []));
    return { split: 'level', levels: [[oneJob(builds)]], registries, notes };
  }
  const units = findUnits(plan, runners);
  notes.push(...shareNotes(plan, units), ...runnerNotes(plan, units, runners));
  if (split !== 'level') {
    const byBuild = jobsByBuild(units, limits.labels === true);
    const tooMany = whyTooMany(byBuild, limits);
    if (tooMany === undefined) return { split, levels: byBuild, registries, notes };
    if (split === 'build')
      notes.push({
        text: `Jobs are by level and not by build: ${tooMany}.`,
        hint: 'Print several pipelines, each for some of the builds.',
      });
  }
  const isGraph = split === 'graph';
  const { perJob, levels } = jobsByLevel(units, limits, isGraph);
  if (perJob > 1)
    notes.push({
      text: `Up to ${perJob} builds share a job, since a pipeline may have ${limits.jobs} jobs${limits.jobsOfLevel < limits.jobs ? `, ${limits.jobsOfLevel} of them in one level` : ''}.`,
      hint: 'This works as it is: a job builds its images in parallel.',
    });
  return { split: isGraph ? 'graph' : 'level', levels, registries, notes };
}

function oneJob(builds: readonly string[]): PipelineJob {
  return { id: 'images', group: 'images', kind: 'build', builds, platforms: [], needs: [], takes: [] };
}

const NO_RECORD: PipelineNote = {
  text: 'builds.yaml has no `record:`, so a new runner knows nothing of earlier pipelines and builds everything.',
  hint: 'Add `record: registry` at the top of builds.yaml to skip unchanged builds.',
};

const TOGETHER: PipelineNote = {
  text: 'There is one job, since `publish: together` moves all tags at the end of one run.',
  hint: 'Set `publish: each` for several jobs.',
};

const TOGETHER_RUNNERS: PipelineNote = {
  text: 'Runners for platforms are ignored, since there is one job.',
  hint: 'Use a pool of engines in builds.yaml: it builds each platform on an engine that has it, in one run.',
};

/** Notes on builds that several jobs build, each for itself. */
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
      hint: 'Add `tags:` and `push: true` to build it once.',
    },
  ];
}

/** Notes on named runners without builds, and on builds that are not split over named runners. */
function runnerNotes(
  { nodes }: Plan,
  units: readonly Unit[],
  runners: readonly Runner[],
): readonly PipelineNote[] {
  const notes: PipelineNote[] = [];
  const unused = runners.filter(
    ({ platform }) => !units.some(({ parts }) => parts.some(({ platforms }) => platforms.includes(platform))),
  );
  if (unused.length > 0)
    notes.push({
      text: `Nothing is built on the runners for ${unused.map(({ platform }) => platform).join(', ')}.`,
      hint: 'Set platforms with `platforms:` or --platform.',
    });
  const whole = units.flatMap(({ build, parts: [part, ...others] }) => {
    const { platforms = [] } = nodes.get(build)?.build ?? {};
    const isSplit = others.length > 0 || part?.where !== undefined;
    return !isSplit && runners.some(({ platform }) => platforms.includes(platform)) ? build : [];
  });
  if (whole.length > 0)
    notes.push({
      text: `Not pushed, and so built for all platforms in one job: ${whole.join(', ')}.`,
      hint: 'Add `tags:` and `push: true`: platforms are joined in a registry.',
    });
  return notes;
}

function hostsOf(tags: readonly { readonly ref?: ImageRef }[]): readonly string[] {
  return tags.flatMap(({ ref }) =>
    ref === undefined || isLoopback(ref.registry.replace(/:\d+$/, '')) ? [] : [ref.registry],
  );
}
