/** Pipelines of all four systems in which each platform is built by a job of its own and joined: run job by job. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { runArgo } from '../rig/argo-runner.ts';
import { makeOrigin, makePrograms, type Origin, TEST_PACKAGE } from '../rig/ci-job.ts';
import { DENO_CACHE, runBakeTs } from '../rig/command.ts';
import { parseWorkflow, runWorkflow } from '../rig/github-runner.ts';
import { runGitlab } from '../rig/gitlab-runner.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { runTekton } from '../rig/tekton-runner.ts';
import { makeTempDir } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 500_000 };
const NAMES = ['base', 'api', 'edge', 'plain'];

/** `base` and `api` are for two platforms, `edge` is for one of them, `plain` for that of its engine; there is nothing to run. */
const shop = (host: string): Readonly<Record<string, string>> => ({
  'builds.yaml': `record: registry
templates:
  image: { tags: ["${host}/shop/\${{ build.name }}:dev"], push: true, reproducible: true }
  both: { extends: image, platforms: [linux/amd64, linux/arm64], contexts: { base: "build:base" } }
builds:
  base: { extends: both, context: base, contexts: { base: ~ } }
  api: { extends: both, context: api }
  edge: { extends: both, context: api, platforms: [linux/arm64], args: { V: edge } }
  plain: { extends: image, context: api, contexts: { base: "build:base" }, args: { V: plain } }
`,
  'base/Dockerfile': 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /arch\n',
  'base/amd64': 'amd64\n',
  'base/arm64': 'arm64\n',
  'api/Dockerfile': 'FROM base\nARG V=api\nLABEL v=$V\nCOPY file /api\n',
  'api/file': 'api\n',
});

interface Ran {
  readonly id: string;
  readonly output: string;
  readonly ok: boolean;
}

type RunSystem = (t: TestContext, text: string, place: Place) => Promise<readonly Ran[]>;

interface Place {
  readonly origin: Origin;
  readonly programs: string;
  readonly env: Readonly<Record<string, string>>;
  readonly sha: string;
}

const pods =
  (run: typeof runArgo): RunSystem =>
  async (t, text, { origin, programs, env: { PATH = '' }, sha }) => {
    const given = { repository: origin.dir, revision: sha, 'buildkit-host': realEngine.address };
    const files = { '/usr/bin/buildctl': path.join(realEngine.binDir, 'buildctl') };
    const jobs = await run(t, text, given, { origin, programs, env: { PATH, ...DENO_CACHE }, files });
    return jobs
      .filter(({ id }) => id !== 'failed')
      .map(({ id, output, result }) => ({ id, output, ok: result === 'succeeded' }));
  };

const SYSTEMS: Readonly<Record<string, { readonly where: string; readonly run: RunSystem }>> = {
  github: {
    where: 'ubuntu-24.04-arm',
    run: async (t, text, place) => {
      const event = { name: 'push', ref: 'refs/heads/main', sha: place.sha } as const;
      const jobs = await runWorkflow(t, parseWorkflow(text), event, place);
      return jobs
        .filter(({ skipped }) => !skipped)
        .map(({ id, steps }) => ({
          id,
          output: steps.map(({ output }) => output).join('\n'),
          ok: steps.every(({ exitCode }) => exitCode === 0),
        }));
    },
  },
  gitlab: {
    where: 'arm',
    run: async (t, text, place) => {
      const { stages, ...jobs } = parse(text) as { stages: string[] } & Record<string, { stage?: string }>;
      const names = stages.flatMap((stage) =>
        Object.keys(jobs).filter((name) => /^(?:level|merge)-\d/.test(name) && jobs[name]?.stage === stage),
      );
      const env = { ...place.env, CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main' };
      const done = await runGitlab(t, text, names, { ...place, env });
      return done.map(({ name, output, exitCode }) => ({ id: name, output, ok: exitCode === 0 }));
    },
  },
  argo: { where: 'kubernetes.io/arch=arm64', run: pods(runArgo) },
  tekton: { where: realEngine.address, run: pods(runTekton) },
};

for (const [system, { where, run }] of Object.entries(SYSTEMS)) {
  test(
    `${system}: platforms are joined to what one run makes, and a second pipeline builds nothing`,
    options,
    async (t) => {
      const registry = await startTestRegistry(t);
      const origin = await makeOrigin(t, shop(registry.host));
      const place: Place = {
        origin,
        programs: await makePrograms(t),
        env: {
          PATH: `${path.dirname(process.execPath)}:${realEngine.binDir}:${process.env['PATH'] ?? ''}`,
          BUILDKIT_HOST: realEngine.address,
          BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
          ...DENO_CACHE,
        },
        sha: await origin.git('rev-parse', 'HEAD'),
      };
      const cwd = await checkOut(t, origin);
      const args = ['ci', system, `--package=${TEST_PACKAGE}`, `--runner=linux/arm64=${where}`];
      const printed = await runBakeTs(args, { cwd });
      assert.equal(printed.exitCode, 0, printed.stderr);
      const digests = (host: string) =>
        Promise.all(NAMES.map((name) => digestOf(`${host}/shop/${name}:dev`)));

      const first = await run(t, printed.stdout, place);
      for (const { id, ok, output } of first) assert(ok, `${id}\n${output}`);
      assert.equal(first.length, 8, first.map(({ id }) => id).join(' '));
      // A parent is read as it was joined.
      for (const { id, output } of first)
        if (!/base|level-0/.test(id)) assert.doesNotMatch(output, /^base +built/m);
      const made = await digests(registry.host);
      assert(made.every((one) => one !== undefined));

      const second = await run(t, printed.stdout, place);
      for (const { id, ok, output } of second) {
        assert(ok, `${id}\n${output}`);
        assert.doesNotMatch(output, /^(?:base|api|edge|plain) +built/m, id);
      }
      assert.deepEqual(await digests(registry.host), made);

      const other = await startTestRegistry(t);
      const home = await makeTempDir(t, 'whole-home-');
      const whole = await runBakeTs(['run'], {
        cwd: await checkOut(t, await makeOrigin(t, shop(other.host))),
        env: { ...place.env, HOME: home, BAKE_TS_HOME: home, DOCKER_CONFIG: home },
      });
      assert.equal(whole.exitCode, 0, whole.stderr);
      assert.deepEqual(await digests(other.host), made);
    },
  );
}

async function checkOut(t: TestContext, { git }: Origin): Promise<string> {
  const dir = await makeTempDir(t, 'print-');
  await git('worktree', 'add', '--quiet', '--detach', `${dir}/shop`);
  return `${dir}/shop`;
}
