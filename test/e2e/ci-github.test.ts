/** What `bake-ts ci github` prints, run job by job as runners do, each with a clone and a home of its own. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { makeOrigin, makePrograms, type Origin, TEST_PACKAGE } from '../rig/ci-job.ts';
import { DENO_CACHE, runBakeTs, runCommand } from '../rig/command.ts';
import {
  type GithubEvent,
  type GithubJob,
  type GithubOptions,
  hasFailed,
  parseWorkflow,
  runWorkflow,
  type Workflow,
} from '../rig/github-runner.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 500_000 };
const NAMES = ['base', 'api-3.12', 'site'];

/** `tools` is not pushed; `base` copies of it; `api` is based on `base`, `site` copies of that. */
const shop = (host: string): Readonly<Record<string, string>> => ({
  'builds.yaml': `record: registry
templates:
  image: { tags: ["${host}/shop/\${{ build.name }}:dev"], push: true, reproducible: true }
builds:
  tools: { context: tools }
  base: { extends: image, context: base, contexts: { tools: "build:tools" } }
  api: { extends: image, context: api, contexts: { base: "build:base" }, matrix: { v: ["3.12"] }, args: { V: "\${{ matrix.v }}" } }
  site: { extends: image, context: site, contexts: { base: "build:base" } }
`,
  'tools/Dockerfile': 'FROM scratch\nCOPY file /tool\n',
  'tools/file': 'tool\n',
  'base/Dockerfile': 'FROM scratch\nCOPY --from=tools tool /tool\nCOPY file /base\n',
  'base/file': 'base\n',
  'api/Dockerfile': 'FROM base\nARG V\nLABEL v=$V\nCOPY file /api\n',
  'api/file': 'api\n',
  'site/Dockerfile': 'FROM scratch\nCOPY --from=base base /site\nCOPY file /file\n',
  'site/file': 'site\n',
});

interface Place {
  readonly registry: TestRegistry;
  readonly origin: Origin;
  readonly github: GithubOptions;
  readonly workflow: (...args: readonly string[]) => Promise<Workflow>;
  readonly push: () => Promise<GithubEvent>;
}

async function makePlace(t: TestContext, scripts: Readonly<Record<string, string>> = {}): Promise<Place> {
  const registry = await startTestRegistry(t);
  const origin = await makeOrigin(t, shop(registry.host));
  const programs = await makePrograms(t, scripts);
  const env = {
    PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    BUILDKIT_HOST: realEngine.address,
    BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
    ...DENO_CACHE,
  };
  const clone = await makeTempDir(t, 'print-');
  return {
    registry,
    origin,
    github: { origin, programs, env, action: 'acme/bake-ts@v1.0.0' },
    workflow: async (...args) => {
      const cloned = await runCommand(['git', 'clone', '--quiet', origin.dir, `${clone}/shop`]);
      assert.equal(cloned.exitCode, 0, cloned.stderr);
      const printed = await runBakeTs(['ci', 'github', `--package=${TEST_PACKAGE}`, ...args], {
        cwd: `${clone}/shop`,
      });
      assert.equal(printed.exitCode, 0, printed.stderr);
      return parseWorkflow(printed.stdout);
    },
    push: async () => ({ name: 'push', ref: 'refs/heads/main', sha: await origin.git('rev-parse', 'HEAD') }),
  };
}

function assertDone(jobs: readonly GithubJob[]): void {
  for (const job of jobs)
    assert(
      !hasFailed(job),
      `${job.id}\n${job.steps.map(({ name, output }) => `${name}\n${output}`).join('\n')}`,
    );
}

/** The jobs that ran, with the last line of the table for each build. */
function ran(jobs: readonly GithubJob[]): readonly string[] {
  return jobs.flatMap(({ id, skipped }) => (skipped ? [] : id));
}

/** What the runs of a job say of a build: `built`, `unchanged`, … */
function resultIn(job: GithubJob | undefined, build: string): string | undefined {
  const output = job?.steps.map((step) => step.output).join('\n') ?? '';
  const row = output
    .split('\n')
    .find((line) =>
      new RegExp(`^${build.replaceAll('.', '\\.')} +(built|unchanged|retagged|failed)`).test(line),
    );
  return row?.split(/ +/)[1];
}

function digests({ registry }: Place): Promise<readonly (string | undefined)[]> {
  return Promise.all(NAMES.map((name) => digestOf(`${registry.host}/shop/${name}:dev`)));
}

for (const split of ['level', 'build']) {
  test(
    `by ${split}: parents are built once, a second pipeline builds nothing, one run would give the same`,
    options,
    async (t) => {
      const place = await makePlace(t);
      const workflow = await place.workflow('--split', split);
      const event = await place.push();
      const first = await runWorkflow(t, workflow, event, place.github);
      assertDone(first);
      assert.deepEqual(
        ran(first),
        split === 'level'
          ? ['level-0', 'level-1', 'level-1']
          : ['build-base', 'build-api-3-12', 'build-site'],
      );
      const [base, ...children] = first.filter(({ skipped }) => !skipped);
      assert.deepEqual([resultIn(base, 'tools'), resultIn(base, 'base')], ['built', 'built']);
      assert.deepEqual(
        children.map((job) => [resultIn(job, 'tools'), resultIn(job, 'base')]),
        children.map(() => ['unchanged', 'unchanged']),
      );
      const made = await digests(place);

      const second = await runWorkflow(t, workflow, event, place.github);
      assertDone(second);
      for (const job of second)
        for (const name of [...NAMES, 'tools']) assert.notEqual(resultIn(job, name), 'built');
      assert.deepEqual(await digests(place), made);

      if (split === 'build') return;
      // Into another registry, by one machine that knows nothing, what comes out is the same.
      const other = await startTestRegistry(t);
      const dir = await makeTempDir(t, 'whole-');
      const { git } = await makeOrigin(t, shop(other.host));
      await git('worktree', 'add', '--quiet', '--detach', `${dir}/tree`);
      const home = await makeTempDir(t, 'whole-home-');
      const whole = await runBakeTs(['run'], {
        cwd: `${dir}/tree`,
        env: { ...place.github.env, HOME: home, BAKE_TS_HOME: home, DOCKER_CONFIG: home },
      });
      assert.equal(whole.exitCode, 0, whole.stderr);
      assert.deepEqual(
        await Promise.all(NAMES.map((name) => digestOf(`${other.host}/shop/${name}:dev`))),
        made,
      );
    },
  );
}

test(
  'a pull request builds what it changes, pushes nothing and writes no record; with nothing to do it does nothing',
  options,
  async (t) => {
    const place = await makePlace(t);
    const workflow = await place.workflow();
    assertDone(await runWorkflow(t, workflow, await place.push(), place.github));
    const before = await digests(place);
    for (const headRepository of ['acme/shop', 'stranger/shop']) {
      const sha = await place.origin.commit({ 'api/file': `changed by ${headRepository}\n` }, 'topic');
      await place.origin.git('checkout', '--quiet', 'main');
      const writes = (await place.registry.writes()).length;
      const event: GithubEvent = {
        name: 'pull_request',
        ref: 'refs/pull/1/merge',
        sha,
        baseRef: 'main',
        headRepository,
      };
      const jobs = await runWorkflow(t, workflow, event, place.github);
      assertDone(jobs);
      assert.deepEqual(ran(jobs), ['pull-request']);
      const [job] = jobs;
      assert.deepEqual([resultIn(job, 'api-3.12')], ['built']);
      assert.equal(resultIn(job, 'site'), undefined);
      assert.deepEqual((await place.registry.writes()).slice(writes), []);
      assert.deepEqual(await digests(place), before);
    }
    const sha = await place.origin.commit({ 'README.md': 'nothing of a build\n' }, 'topic');
    const idle = await runWorkflow(
      t,
      workflow,
      {
        name: 'pull_request',
        ref: 'refs/pull/1/merge',
        sha,
        baseRef: 'main',
        headRepository: 'stranger/shop',
      },
      place.github,
    );
    assertDone(idle);
    for (const name of [...NAMES, 'tools']) assert.equal(resultIn(idle[0], name), undefined);
  },
);

test('a build that fails stops what needs it, and nothing of that is pushed', options, async (t) => {
  const place = await makePlace(t);
  await place.origin.commit({
    'base/Dockerfile': 'FROM scratch\nCOPY --from=tools tool /tool\nCOPY none /\n',
  });
  const jobs = await runWorkflow(t, await place.workflow(), await place.push(), place.github);
  assert.deepEqual(
    jobs.filter(hasFailed).map(({ id }) => id),
    ['level-0'],
  );
  assert.deepEqual(ran(jobs), ['level-0']);
});

test(
  'each night builds.lock moves, all is built with it, and a pull request is opened',
  options,
  async (t) => {
    const place = await makePlace(t, {
      gh: '#!/bin/sh\necho "gh $*" >> "$(dirname "$0")/gh.log"\ncase "$1 $2" in "pr list") echo 0 ;; esac\n',
    });
    const { host } = place.registry;
    // The base image is one of this registry.
    assertDone(await runWorkflow(t, await place.workflow(), await place.push(), place.github));
    await place.origin.commit({
      'builds.yaml': `record: registry\nbuilds:\n  app: { context: app, push: true, tags: ["${host}/shop/app:dev"] }\n`,
      'app/Dockerfile': `FROM ${host}/shop/base:dev\n`,
    });
    const night: GithubEvent = { ...(await place.push()), name: 'schedule' };
    const clone = await makeTempDir(t, 'reprint-');
    await runCommand(['git', 'clone', '--quiet', place.origin.dir, clone]);
    const workflow = parseWorkflow(
      (await runBakeTs(['ci', 'github', `--package=${TEST_PACKAGE}`], { cwd: clone })).stdout,
    );
    const writes = (await place.registry.writes()).length;
    const first = await runWorkflow(t, workflow, night, place.github);
    assertDone(first);
    assert.deepEqual(ran(first), ['update-lock']);
    assert.equal(
      resultIn(
        first.find(({ skipped }) => !skipped),
        'app',
      ),
      'built',
    );
    assert.deepEqual((await place.registry.writes()).slice(writes), []);
    await place.origin.git('fetch', '--quiet', 'origin');
    const lock = await place.origin.git('show', 'origin/bake-ts/update-lock:builds.lock');
    assert.match(lock, new RegExp((await digestOf(`${host}/shop/base:dev`)) ?? 'none'));
    const log = await readFile(path.join(place.github.programs, 'gh.log'), 'utf8');
    assert.match(log, /gh auth setup-git\n(?:.*\n)*gh pr create --head bake-ts\/update-lock --base main/);

    // Merged, and nothing moved since: there is nothing to propose.
    await place.origin.git('checkout', '--quiet', '-B', 'main', 'origin/bake-ts/update-lock');
    await place.origin.git('push', '--quiet', 'origin', 'main');
    const again = await runWorkflow(
      t,
      workflow,
      { ...night, sha: await place.origin.git('rev-parse', 'HEAD') },
      place.github,
    );
    assertDone(again);
    assert.deepEqual(
      again.flatMap(({ steps }) => steps.map(({ name }) => name)).includes('Build with it'),
      false,
    );
  },
);
