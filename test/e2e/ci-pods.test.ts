/** What `bake-ts ci argo` and `bake-ts ci tekton` print, run job by job, each in a pod with a disk of its own. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { type GraphJob, runArgo } from '../rig/argo-runner.ts';
import { makeOrigin, makePrograms, type Origin, TEST_PACKAGE } from '../rig/ci-job.ts';
import { DENO_CACHE, runBakeTs } from '../rig/command.ts';
import type { PodOptions } from '../rig/pod.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { runTekton } from '../rig/tekton-runner.ts';
import { makeTempDir, makeTree, type TreeEntry } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 500_000 };
const NAMES = ['base', 'api-3.12', 'site', 'other'];
const SYSTEMS = { argo: runArgo, tekton: runTekton } as const;
type System = keyof typeof SYSTEMS;

/** `tools` is not pushed; `base` copies of it; `api` is based on `base`, `site` copies of that; `other` is on its own. */
const shop = (host: string): Readonly<Record<string, string>> => ({
  'builds.yaml': `record: registry
templates:
  image: { tags: ["${host}/shop/\${{ build.name }}:dev"], push: true, reproducible: true }
builds:
  tools: { context: tools }
  base: { extends: image, context: base, contexts: { tools: "build:tools" } }
  api: { extends: image, context: api, contexts: { base: "build:base" }, matrix: { v: ["3.12"] }, args: { V: "\${{ matrix.v }}" } }
  site: { extends: image, context: site, contexts: { base: "build:base", api: "build:api-3.12" } }
  other: { extends: image, context: tools }
`,
  'tools/Dockerfile': 'FROM scratch\nCOPY file /tool\n',
  'tools/file': 'tool\n',
  'base/Dockerfile': 'FROM scratch\nCOPY --from=tools tool /tool\nCOPY file /base\n',
  'base/file': 'base\n',
  'api/Dockerfile': 'FROM base\nARG V\nLABEL v=$V\nCOPY file /api\n',
  'api/file': 'api\n',
  'site/Dockerfile': 'FROM scratch\nCOPY --from=base base /site\nCOPY --from=api api /api\nCOPY file /file\n',
  'site/file': 'site\n',
});

interface Place {
  readonly registry: TestRegistry;
  readonly origin: Origin;
  readonly pods: PodOptions;
  readonly print: (system: System, ...args: readonly string[]) => Promise<string>;
  /** Runs what is printed for the newest commit. */
  readonly run: (system: System, text: string) => Promise<readonly GraphJob[]>;
  readonly digests: () => Promise<readonly (string | undefined)[]>;
}

async function makePlace(
  t: TestContext,
  tree: (host: string) => Readonly<Record<string, TreeEntry>> = shop,
): Promise<Place> {
  const registry = await startTestRegistry(t);
  const origin = await makeOrigin(t, tree(registry.host));
  const pods: PodOptions = {
    origin,
    programs: await makePrograms(t),
    env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...DENO_CACHE },
    files: { '/usr/bin/buildctl': path.join(realEngine.binDir, 'buildctl') },
  };
  const place = await checkOut(t, origin);
  return {
    registry,
    origin,
    pods,
    print: async (system, ...args) => {
      const printed = await runBakeTs(['ci', system, `--package=${TEST_PACKAGE}`, ...args], { cwd: place });
      assert.equal(printed.exitCode, 0, printed.stderr);
      return printed.stdout;
    },
    run: async (system, text) =>
      SYSTEMS[system](
        t,
        text,
        {
          repository: origin.dir,
          revision: await origin.git('rev-parse', 'HEAD'),
          'buildkit-host': realEngine.address,
        },
        pods,
      ),
    digests: () => digestsAt(registry),
  };
}

async function checkOut(t: TestContext, { git }: Origin): Promise<string> {
  const dir = await makeTempDir(t, 'print-');
  await git('worktree', 'add', '--quiet', '--detach', `${dir}/shop`);
  return `${dir}/shop`;
}

function digestsAt({ host }: TestRegistry): Promise<readonly (string | undefined)[]> {
  return Promise.all(NAMES.map((name) => digestOf(`${host}/shop/${name}:dev`)));
}

/** Results by job, of those that ran. */
function results(jobs: readonly GraphJob[]): Readonly<Record<string, string>> {
  return Object.fromEntries(jobs.filter(({ id }) => id !== 'failed').map(({ id, result }) => [id, result]));
}

function assertDone(jobs: readonly GraphJob[]): void {
  for (const { id, result, output } of jobs)
    assert.equal(result, id === 'failed' ? 'skipped' : 'succeeded', `${id}\n${output}`);
}

/** What the run of a job says of a build: `built`, `unchanged`, … */
function resultIn(jobs: readonly GraphJob[], id: string, build: string): string | undefined {
  const { output } = jobs.find((job) => job.id === id) ?? assert.fail(`no job ${id}`);
  const pattern = new RegExp(`^${build.replaceAll('.', '\\.')} +(built|unchanged|retagged|failed)`, 'm');
  return pattern.exec(output)?.[1];
}

for (const system of Object.keys(SYSTEMS) as System[]) {
  test(
    `${system}: parents are built once, a second pipeline builds nothing, one run gives the same`,
    options,
    async (t) => {
      const place = await makePlace(t);
      const text = await place.print(system);
      const first = await place.run(system, text);
      assertDone(first);
      for (const [job, build] of [
        ['build-base', 'tools'],
        ['build-base', 'base'],
        ['build-api-3-12', 'api-3.12'],
        ['build-site', 'site'],
        ['build-other', 'other'],
      ] as const)
        assert.equal(resultIn(first, job, build), 'built', `${job} ${build}`);
      for (const [job, build] of [
        ['build-api-3-12', 'base'],
        ['build-site', 'base'],
        ['build-site', 'api-3.12'],
      ] as const)
        assert.equal(resultIn(first, job, build), 'unchanged', `${job} ${build}`);
      const made = await place.digests();
      const second = await place.run(system, text);
      assertDone(second);
      for (const { id } of second.filter((one) => one.result !== 'skipped'))
        for (const name of [...NAMES, 'tools']) assert.notEqual(resultIn(second, id, name), 'built');
      assert.deepEqual(await place.digests(), made);

      // Into another registry, by one machine that knows nothing, what comes out is the same.
      const other = await startTestRegistry(t);
      const home = await makeTempDir(t, 'whole-home-');
      const env = {
        BUILDKIT_HOST: realEngine.address,
        BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
        HOME: home,
        BAKE_TS_HOME: home,
        DOCKER_CONFIG: home,
      };
      const cwd = await checkOut(t, await makeOrigin(t, shop(other.host)));
      const whole = await runBakeTs(['run'], { cwd, env });
      assert.equal(whole.exitCode, 0, whole.stderr);
      assert.deepEqual(await digestsAt(other), made);
    },
  );

  test(
    `${system}: a job that fails stops what needs it, at any distance, and nothing else`,
    options,
    async (t) => {
      const place = await makePlace(t);
      await place.origin.commit({ 'base/Dockerfile': 'FROM scratch\nCOPY none /\n' });
      const jobs = await place.run(system, await place.print(system));
      assert.deepEqual(results(jobs), {
        'build-base': 'failed',
        'build-other': 'succeeded',
        'build-api-3-12': 'skipped',
        'build-site': 'skipped',
      });
      const [base, api, site, other] = await place.digests();
      assert.deepEqual([base, api, site], [undefined, undefined, undefined]);
      assert.notEqual(other, undefined);
      // The pipeline has failed, too.
      if (system === 'tekton') assert.equal(jobs.find(({ id }) => id === 'failed')?.result, 'failed');
    },
  );

  test(
    `${system}: what no record can prove is handed on by digest, and not built again`,
    options,
    async (t) => {
      const place = await makePlace(t, (host) => {
        const tree = shop(host);
        return {
          ...tree,
          'builds.yaml':
            tree['builds.yaml']?.replace('context: base,', 'context: base, no-cache: true,') ?? '',
        };
      });
      const jobs = await place.run(system, await place.print(system));
      assertDone(jobs);
      assert.equal(resultIn(jobs, 'build-base', 'base'), 'built');
      for (const id of ['build-api-3-12', 'build-site'])
        assert.equal(resultIn(jobs, id, 'base'), 'unchanged');
    },
  );

  test(
    `${system}: secrets that are there sign in to the engine and to registries, and are variables`,
    options,
    async (t) => {
      const place = await makePlace(t, (host) => ({
        'builds.yaml': `vars: { PIN: { sensitive: true, default: none } }
builds:
  app: { context: app, args: { PIN: "\${{ vars.PIN }}" }, tags: ["${host}/shop/other:dev"], push: true }
`,
        'app/Dockerfile': 'FROM scratch\nARG PIN\nCOPY $PIN /\n',
        'app/file': 'app\n',
      }));
      const log = path.join(await makeTempDir(t), 'log');
      // Stands in for a buildctl with TLS, which the engine of the tests has not.
      const buildctl = await makeTree(t, {
        buildctl: {
          mode: 0o755,
          content: `#!/bin/sh
[ "$1" = --tlsdir ] || exit 9
cat "$2/ca.pem" "$2/cert.pem" "$2/key.pem" "$DOCKER_CONFIG/config.json" >> ${log}
shift 2
exec ${path.join(realEngine.binDir, 'buildctl')} "$@"
`,
        },
      });
      const pods: PodOptions = {
        ...place.pods,
        files: { '/usr/bin/buildctl': path.join(buildctl, 'buildctl') },
        secrets: {
          'bake-ts-engine': { 'ca.pem': 'CA\n', 'cert.pem': 'CERT\n', 'key.pem': 'KEY\n' },
          'bake-ts-registries': { '.dockerconfigjson': '{"auths":{}}\n' },
          'bake-ts-environment': { PIN: 'file' },
        },
      };
      const given = {
        repository: place.origin.dir,
        revision: await place.origin.git('rev-parse', 'HEAD'),
        'buildkit-host': realEngine.address,
      };
      const text = await place.print(system);
      assertDone(await SYSTEMS[system](t, text, given, pods));
      assert.match(await readFile(log, 'utf8'), /^CA\nCERT\nKEY\n\{"auths":\{\}\}\n/);
      const [job] = await SYSTEMS[system](t, text, given, place.pods);
      assert.equal(job?.result, 'failed');
    },
  );

  test(`${system}: a branch in place of a commit is refused before anything is built`, options, async (t) => {
    const place = await makePlace(t);
    const text = await place.print(system, 'other');
    const given = { repository: place.origin.dir, revision: 'main' };
    const [job] = await SYSTEMS[system](t, text, given, place.pods);
    assert.equal(job?.result, 'failed');
    assert.match(job?.output ?? '', /revision is 'main', but must be a full commit id/);
  });
}
