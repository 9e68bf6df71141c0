/** Pipelines in which platforms are built on runners of their own, and joined. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { TEST_PACKAGE } from '../rig/ci-job.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { assertGolden } from '../rig/golden.ts';
import { type PipelineSystem, printPipeline } from '../rig/printed-pipeline.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const SYSTEMS: readonly PipelineSystem[] = ['github', 'gitlab', 'argo', 'tekton'];

/** `base` and `api` are for two platforms, `edge` is for one of them, `plain` for that of its engine. */
const GRAPH = { base: [], edge: ['base'], api: ['base'], plain: ['api'] };
const BOTH = 'platforms: [linux/amd64, linux/arm64]';
const MORE = { base: BOTH, api: BOTH, edge: 'platforms: [linux/arm64]' };

function runnersFor(system: PipelineSystem): readonly string[] {
  if (system === 'github') return ['--runner=linux/arm64=self-hosted,arm'];
  if (system === 'gitlab') return ['--runner=linux/arm64=arm'];
  return [
    system === 'argo'
      ? '--runner=linux/arm64/v8=kubernetes.io/arch=arm64,disk=ssd'
      : '--runner=linux/arm64=tcp://arm:1234',
  ];
}

test('what is printed where a platform has a runner', async (t) => {
  for (const system of SYSTEMS) {
    const { text } = await printPipeline(t, system, GRAPH, { args: runnersFor(system), more: MORE });
    assertGolden(text, `ci/golden/${system}-runners.yml`);
  }
});

// biome-ignore lint/suspicious/noExplicitAny: documents of somebody else's form.
type Any = any;

/** What each job waits for, where it runs, and the line with which it calls bake-ts. */
function jobsOf(system: PipelineSystem, printed: readonly Any[]): readonly Any[] {
  const [first, second] = printed;
  if (system === 'github')
    return Object.entries<Any>(first.jobs)
      .filter(([id]) => /^(?:build|merge)-/.test(id))
      .map(([id, job]) => ({
        id,
        needs: job.needs ?? [],
        where: job['runs-on'],
        words: job.steps.map(({ run = '' }: Any) => /bake-ts (?:run|merge) .*/.exec(run)?.[0] ?? '').join(''),
        parts: job.steps.flatMap((step: Any) => step.with?.name ?? step.with?.pattern ?? []),
      }));
  if (system === 'gitlab')
    return Object.entries<Any>(first)
      .filter(([id]) => /^(?:build|merge)-(?!request$)/.test(id))
      .map(([id, job]) => ({
        id,
        needs: job.needs,
        where: job.tags,
        words: `${job.extends} ${job.variables.OPTIONS ?? ''}`,
      }));
  const tasks = system === 'argo' ? first.spec.templates[0].dag.tasks : second.spec.tasks;
  return tasks.map((task: Any) => {
    const given = task.params ?? task.arguments.parameters;
    const parameter = (name: string) => given.find((one: Any) => one.name === name)?.value;
    const where = system === 'argo' ? parameter('pod') : parameter('buildkit-host');
    return {
      id: task.name,
      needs: task.dependencies ?? task.runAfter ?? [],
      where,
      words: `${parameter('command') ?? 'run'} ${parameter('options') ?? ''}`,
    };
  });
}

test('each platform of a build is a job, one more joins them, and what builds on it waits for that one', async (t) => {
  for (const system of SYSTEMS) {
    const split = system === 'github' || system === 'gitlab' ? ['--split=build'] : [];
    const args = [...split, ...runnersFor(system)];
    const { documents } = await printPipeline(t, system, GRAPH, { args, more: MORE });
    const jobs = jobsOf(system, documents);
    assert.deepEqual(
      Object.fromEntries(jobs.map(({ id, needs }) => [id, needs])),
      {
        'build-base-linux-amd64': [],
        'build-base-linux-arm64': [],
        'merge-base': ['build-base-linux-amd64', 'build-base-linux-arm64'],
        'build-edge': ['merge-base'],
        'build-api-linux-amd64': ['merge-base'],
        'build-api-linux-arm64': ['merge-base'],
        'merge-api': ['build-api-linux-amd64', 'build-api-linux-arm64'],
        'build-plain': ['merge-api'],
      },
      system,
    );
    const native = jobs.filter(({ where }) => /arm/.test(JSON.stringify(where ?? '')));
    assert.deepEqual(
      native.map(({ id }) => id).sort(),
      ['build-api-linux-arm64', 'build-base-linux-arm64', 'build-edge'],
      system,
    );
    for (const { id, words } of jobs) {
      const platform = /-linux-(\w+)$/.exec(id)?.[1];
      assert.equal(
        words.includes(`--platform linux/${platform} --by-digest`),
        platform !== undefined,
        `${system} ${id}`,
      );
      assert.equal(words.includes('merge'), id.startsWith('merge-'), `${system} ${id}`);
    }
  }
});

test('what was made for one platform is handed to the job that joins it, and to no other', async (t) => {
  const args = runnersFor('github');
  const { parsed } = await printPipeline(t, 'github', GRAPH, { args, more: MORE });
  const artifacts = Object.entries(parsed.jobs).flatMap(([id, { steps = [] }]) =>
    steps.flatMap(({ uses = '', with: given = {} }) =>
      /artifact/.test(uses)
        ? [
            [
              id,
              /upload|download/.exec(uses)?.[0],
              String(given['name'] ?? given['pattern']).replace(/level.*|merge.*/, ''),
            ],
          ]
        : [],
    ),
  );
  assert.deepEqual(artifacts, [
    ['level-0-linux-amd64', 'upload', 'platform-'],
    ['level-0-linux-arm64', 'upload', 'platform-'],
    ['merge-0', 'download', 'platform-*'],
    ['merge-0', 'upload', 'bake-ts-'],
    ['level-1-only-linux-arm64', 'download', 'bake-ts-*'],
    ['level-1-only-linux-arm64', 'upload', 'bake-ts-'],
    ['level-1-linux-amd64', 'download', 'bake-ts-*'],
    ['level-1-linux-amd64', 'upload', 'platform-'],
    ['level-1-linux-arm64', 'download', 'bake-ts-*'],
    ['level-1-linux-arm64', 'upload', 'platform-'],
    ['merge-1', 'download', 'platform-*'],
    ['merge-1', 'upload', 'bake-ts-'],
    ['level-2', 'download', 'bake-ts-*'],
    ['level-2', 'upload', 'bake-ts-'],
  ]);
});

test('platforms that one runner has are one job, and so are those that none was named for', async (t) => {
  const more = { a: 'platforms: [linux/386, linux/arm64, linux/amd64, linux/arm/v7]' };
  const args = ['--split=build', '--runner=linux/arm64=arm', '--runner=linux/arm/v7=arm'];
  const { parsed } = await printPipeline(t, 'gitlab', { a: [] }, { args, more });
  const options = Object.entries(
    parsed as unknown as Record<string, { variables?: { OPTIONS?: string } }>,
  ).flatMap(([id, { variables }]) => (variables?.OPTIONS === undefined ? [] : [[id, variables.OPTIONS]]));
  assert.deepEqual(options, [
    ['build-a-linux-386-linux-amd64', '--platform linux/386 --platform linux/amd64 --by-digest'],
    ['build-a-linux-arm64-linux-arm-v7', '--platform linux/arm64 --platform linux/arm/v7 --by-digest'],
  ]);
});

test('without --runner, and where nothing is for its platform, a pipeline is as it always was', async (t) => {
  const { text } = await printPipeline(t, 'github', GRAPH, { more: MORE });
  assert.doesNotMatch(text, /merge-0|by-digest|platform-\*/);
  const unused = await printPipeline(t, 'github', { a: [] }, { args: ['--runner=linux/arm64=arm'] });
  assert.match(unused.err.replace(/\s+/g, ' '), /Nothing is built on the runners for linux\/arm64/);
  assert.doesNotMatch(unused.text, /merge-0|by-digest/);
  const whole = await printPipeline(
    t,
    'github',
    { '!a': [] },
    { args: ['--runner=linux/arm64=arm'], more: { a: BOTH } },
  );
  assert.match(whole.err.replace(/\s+/g, ' '), /Not pushed, and so built for all platforms in one job: a/);
  assert.doesNotMatch(whole.text, /merge-0|by-digest/);
});

test('where all tags move together there is one job, and what runners were named for is said', async (t) => {
  const head = `publish: together\nrecord: registry
templates: { image: { tags: ["ghcr.io/acme/\${{ build.name }}:1"], push: true } }
builds:
`;
  for (const system of SYSTEMS) {
    const { text, err } = await printPipeline(t, system, GRAPH, {
      args: runnersFor(system),
      more: MORE,
      head,
    });
    assert.doesNotMatch(text, /by-digest/);
    assert.match(err.replace(/\s+/g, ' '), /Runners for platforms are ignored, since there is one job/);
  }
});

test('a build called "request" is joined beside the job of merge requests', async (t) => {
  const args = ['--split=build', ...runnersFor('gitlab')];
  const { parsed } = await printPipeline(t, 'gitlab', { request: [] }, { args, more: { request: BOTH } });
  assert.equal(parsed['merge-request']?.extends, '.bake-ts');
  assert.equal(parsed['merge-request-2']?.extends, '.merge');
});

test('more builds than a system takes share jobs by platform, and all are joined', async (t) => {
  const graph = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`b${at}`, []]));
  const more = Object.fromEntries(Object.keys(graph).map((name) => [name, BOTH]));
  for (const system of ['github', 'argo'] as const) {
    const args = runnersFor(system);
    const { documents } = await printPipeline(t, system, graph, { args, more });
    if (system === 'github') {
      const { jobs } = documents[0];
      const rows = (id: string): readonly string[] => jobs[id].strategy.matrix.builds;
      for (const id of ['level-0-linux-amd64', 'level-0-linux-arm64'])
        assert.equal(new Set(rows(id).flatMap((row) => row.split(' '))).size, 300);
      assert(rows('level-0-linux-amd64').length + rows('level-0-linux-arm64').length + 1 <= 256);
      continue;
    }
    const { tasks } = documents[0].spec.templates[0].dag;
    assert(tasks.length <= 500, `${tasks.length}`);
    const buildsOf = (task: Any): readonly string[] => task.arguments.parameters[0].value.split(' ');
    const merges = tasks.filter(({ name }: Any) => name.startsWith('merge-'));
    assert.equal(merges.flatMap(buildsOf).length, 300);
    // One that fails keeps no more builds from being joined than those that it has.
    for (const merge of merges)
      for (const id of merge.dependencies)
        assert.deepEqual(buildsOf(tasks.find(({ name }: Any) => name === id)), buildsOf(merge));
  }
});

test('what is no platform, no label and no address is refused', async (t) => {
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'builds.yaml': 'builds: { app: { dockerfile-inline: FROM scratch } }\n' });
  const print = async (system: PipelineSystem, ...args: readonly string[]) => {
    const io = createFakeIo(['ci', system, `--package=${TEST_PACKAGE}`, ...args], { cwd: dir });
    const code = await runCli(io);
    return { code, err: io.err(), out: io.out() };
  };
  for (const system of SYSTEMS) {
    const bad = ['arm', 'linux/arm64', 'linux/arm64=', '=arm', 'linux/arm64=a\nb', 'linux/arm64=a,,b'];
    const own =
      system === 'github' || system === 'gitlab'
        ? ['linux/arm64=$X']
        : ['linux/arm64=arm', 'linux/arm64=a={{b}}'];
    for (const one of [...bad, ...own]) {
      const { code, err, out } = await print(system, `--runner=${one}`);
      assert.deepEqual([code, out], [2, ''], `${system} ${one}`);
      assert.match(err, /cli\/bad-value/);
    }
    const label = system === 'github' || system === 'gitlab' ? 'arm' : 'a=b';
    const twice = await print(system, `--runner=linux/arm64=${label}`, `--runner=linux/arm64/v8=${label}`);
    assert.equal(twice.code, 2);
    assert.match(twice.err, /cli\/conflict/);
  }
});
