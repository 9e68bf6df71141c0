/** Engines in pods, by a real kubectl and a real API server: what is listed, what kubectl says, who may do it, and a run. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { kubernetesObjects } from '../../lib/engine/mod.ts';
import { runBakeTs, runCommand } from '../rig/command.ts';
import { type KubeApi, kubernetesSkip, READY, startKubeApi } from '../rig/kube-api.ts';
import { repoPath } from '../rig/paths.ts';
import { startPool, type TestPool } from '../rig/pool.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeTempDir, type TreeEntry } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace } from './support.ts';

const ALL = { selector: 'app=buildkitd', namespace: 'ci', container: 'buildkitd', context: 'builder' };
const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'];

test('pods of a cluster: access, faults, a run, and pods that change', {
  skip: kubernetesSkip,
  timeout: 600_000,
}, async (t) => {
  const [kube, pool] = await Promise.all([startKubeApi(t), startPool(t, { engines: 3, plain: true })]);
  await seeObjects(t, kube);
  await seeAccess(t, kube, pool);
  await seeWords(t, kube);
  await seePods(t, kube, pool);
  await seeRun(t, kube, pool);
  const { etcd, apiServer } = await kube.memory();
  const inMb = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;
  t.diagnostic(`API server ${kube.version}: ${inMb(apiServer)}, etcd ${inMb(etcd)}`);
});

/** `engine status` where the pool is such pods: exit code, problems, and the members by their names. */
async function statusOf(t: TestContext, kube: KubeApi, pods: object) {
  const cwd = await makeTempDir(t);
  await writeFile(
    path.join(cwd, 'builds.yaml'),
    `${JSON.stringify({ engine: { pool: [{ kubernetes: pods }] }, builds: { a: {} } })}\n`,
  );
  const env = {
    ...{ KUBECONFIG: kube.kubeconfig, BAKE_TS_HOME: path.join(cwd, 'home'), BUILDKIT_HOST: undefined },
    BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
  };
  const { exitCode, stdout } = await runBakeTs(['engine', 'status', '--json'], { cwd, env });
  const said = JSON.parse(stdout) as {
    readonly pool?: readonly { readonly id: string; readonly problems?: readonly Said[] }[];
    readonly problems?: readonly Said[];
  };
  const members = Object.fromEntries(
    (said.pool ?? []).map(({ id, problems }) => [id, problems?.map(inWords).join() ?? 'answers']),
  );
  return { exitCode, members, problems: (said.problems ?? []).map(inWords).join('\n'), stdout };
}

interface Said {
  readonly code: string;
  readonly message: string;
}

function inWords({ code, message }: Said): string {
  return `${code} ${message}`;
}

/** What `engine service kubernetes` prints is what this API server takes, without a word. */
async function seeObjects(t: TestContext, { kubeconfig }: KubeApi): Promise<void> {
  const dir = await makeTempDir(t);
  for (const rootless of [false, true]) {
    const file = path.join(dir, `objects-${rootless}.yaml`);
    await writeFile(file, kubernetesObjects({ rootless }));
    const argv = ['--context=admin', '--namespace=ci', 'create', '--dry-run=server', '-f', file];
    const { exitCode, stderr } = await runCommand(['kubectl', ...argv], { env: { KUBECONFIG: kubeconfig } });
    assert.deepEqual([exitCode, stderr], [0, '']);
  }
}

/** Nothing, then each right of docs/scale.md, one after the other. */
async function seeAccess(t: TestContext, kube: KubeApi, { engines }: TestPool): Promise<void> {
  const [first] = engines;
  // As the StatefulSet makes it.
  const [, set] = parseAllDocuments(kubernetesObjects()).map((one) => one.toJS());
  const { template, volumeClaimTemplates } = set.spec;
  const claims = volumeClaimTemplates.map(({ metadata: { name } }: { metadata: { name: string } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-buildkitd-0` },
  }));
  const spec = { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] };
  const { labels } = template.metadata;
  await kube.addPod('buildkitd-0', { engine: first?.socket ?? '', labels, spec });
  const denied = await statusOf(t, kube, ALL);
  assert.equal(denied.exitCode, 5, denied.stdout);
  assert.match(
    denied.problems,
    /engine\/kubectl .*: the cluster does not permit it: this user cannot list resource "pods" in API group "" in the namespace "ci"$/,
  );

  const page = await readFile(repoPath('docs/scale.md'), 'utf8');
  const text = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page)?.[1] ?? '';
  const [role, binding] = text.split('---\n').map((one) => parse(one));
  const rights = role.rules as readonly { readonly resources: readonly string[] }[];
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/ci';
  const some = rights.filter(({ resources }) => !resources.includes('pods/exec'));
  assert.equal(some.length, rights.length - 1);
  await kube.api('POST', `${roles}/roles`, { ...role, rules: some });
  await kube.api('POST', `${roles}/rolebindings`, binding);
  const half = await statusOf(t, kube, ALL);
  assert.match(
    half.members['ci/buildkitd-0'] ?? '',
    /^engine\/kubectl .*: the cluster does not permit it: this user cannot create resource "pods\/exec" in API group "" in the namespace "ci"$/,
  );

  await kube.api('PATCH', `${roles}/roles/${role.metadata.name}`, { rules: role.rules });
  const whole = await statusOf(t, kube, ALL);
  assert.deepEqual([whole.exitCode, whole.members], [0, { 'ci/buildkitd-0': 'answers' }], whole.stdout);
}

/** What kubectl really says, and what we make of it. */
async function seeWords(t: TestContext, kube: KubeApi): Promise<void> {
  const rows: readonly [string, object, RegExp][] = [
    ['another user', { context: 'stranger' }, /engine\/kubectl .*this user cannot list resource "pods"/],
    ['a context that is not there', { context: 'nope' }, /engine\/kubectl .*has no context “nope”$/],
    [
      'an unknown token',
      { context: 'unknown' },
      /engine\/kubectl .*the cluster does not accept the credentials of this user$/,
    ],
    [
      'an old token',
      { context: 'expired' },
      /engine\/kubectl .*the cluster does not accept the credentials of this user$/,
    ],
    [
      'no server',
      { context: 'away' },
      /engine\/kubectl .*the cluster cannot be reached: 127\.0\.0\.1:\d+ was refused/,
    ],
    [
      'another authority',
      { context: 'foreign' },
      /engine\/kubectl .*the cluster cannot be reached: .*x509: certificate signed by unknown authority/,
    ],
    [
      'a selector that is none',
      { selector: 'app in' },
      /engine\/kubectl .*the cluster rejects the selector: /,
    ],
    ['no such pods', { selector: 'app=other' }, /^engine\/no-pods there are no pods with app=other/],
    [
      'no such namespace',
      { namespace: 'nope', context: 'admin' },
      /^engine\/no-pods there are no pods with .* in namespace nope/,
    ],
    ['no such container', { container: 'nope' }, /^engine\/no-pods pods .* have no container nope$/],
  ];
  for (const [what, change, expected] of rows) {
    const { exitCode, problems, stdout } = await statusOf(t, kube, { ...ALL, ...change });
    assert.equal(exitCode, 5, `${what}: ${stdout}`);
    assert.match(problems, expected, what);
  }
  await kube.stop();
  const { problems } = await statusOf(t, kube, ALL);
  assert.match(problems, /^engine\/kubectl .*the cluster cannot be reached: /);
  await kube.start();
}

/** Ready or not, about to end, without the container, without a buildkitd in it. */
async function seePods(t: TestContext, kube: KubeApi, { engines }: TestPool): Promise<void> {
  const [, second] = engines;
  await kube.addPod('buildkitd-1', { engine: second?.socket ?? '' });
  await kube.addPod('starting', { status: { phase: 'Pending' } });
  await kube.addPod('unready', {
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] },
  });
  await kube.addPod('other', { spec: { containers: [{ name: 'web', image: 'nginx' }] } });
  await kube.addPod('ending');
  await kube.deletePod('ending');
  const { exitCode, members, stdout } = await statusOf(t, kube, ALL);
  const both = { 'ci/buildkitd-0': 'answers', 'ci/buildkitd-1': 'answers' };
  assert.deepEqual([exitCode, members], [0, both], stdout);

  await kube.addPod('empty');
  const more = await statusOf(t, kube, ALL);
  assert.equal(more.exitCode, 5);
  assert.match(
    more.members['ci/empty'] ?? '',
    /^engine\/kubectl .*: kubectl exec cannot enter the pod: container not found \("buildkitd"\)/,
  );
  for (const name of ['starting', 'unready', 'other', 'ending', 'empty']) await kube.deletePod(name, true);

  const notReady = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
  for (const name of ['buildkitd-0', 'buildkitd-1']) await kube.setStatus(name, notReady);
  const none = await statusOf(t, kube, ALL);
  assert.match(none.problems, /^engine\/no-pods none of the 2 pods with .* is ready$/);
  for (const name of ['buildkitd-0', 'buildkitd-1']) await kube.setStatus(name, READY);
}

function treeOf(registry: string): Record<string, TreeEntry> {
  const builds = NAMES.map(
    (name) =>
      `  ${name}: { context: ${name}, contexts: { base: "build:base" }, tags: ["${registry}/${name}:1"], push: true }\n`,
  );
  return {
    'builds.yaml': `engine: { pool: [{ kubernetes: ${JSON.stringify(ALL)}, jobs: 2 }] }
registries: { "${registry}": { http: true } }
builds:
  base: { context: base }
${builds.join('')}`,
    'base/Dockerfile': 'FROM scratch\nCOPY file /base\n',
    'base/file': 'base',
    ...Object.fromEntries(
      NAMES.flatMap((name) => [
        [`${name}/Dockerfile`, 'FROM base\nCOPY file /file\n'],
        [`${name}/file`, name],
      ]),
    ),
  };
}

function enginesOf({ events }: Baked): ReadonlySet<string | undefined> {
  return new Set(events.flatMap((event) => (event.type === 'node-started' ? [event.engine] : [])));
}

/** A run over both; then one in which both are lost at its beginning, and another pod comes. */
async function seeRun(t: TestContext, kube: KubeApi, { engines, registry }: TestPool): Promise<void> {
  const [first, second, third] = engines;
  assert(first !== undefined && second !== undefined && third !== undefined);
  const env = { BUILDKIT_HOST: '', KUBECONFIG: kube.kubeconfig };
  const work = await makeWorkspace(t, treeOf(registry.host), env);
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual(enginesOf(baked), new Set(['ci/buildkitd-0', 'ci/buildkitd-1']));

  await work.write(Object.fromEntries(NAMES.map((name) => [`${name}/file`, `${name} changed`])));
  let isChanged: Promise<void> | undefined;
  const change = async () => {
    for (const one of [first, second]) one.kill();
    for (const name of ['buildkitd-0', 'buildkitd-1']) await kube.deletePod(name, true);
    await kube.addPod('buildkitd-2', { engine: third.socket });
  };
  const changed = await work.bake({
    engineWaitMs: 60_000,
    onEvent: ({ type }) => {
      if (type === 'node-started') isChanged ??= change();
    },
  });
  await isChanged;
  assertOk(changed);
  const said = changed.events.flatMap((event) =>
    event.type === 'engine-ready' || event.type === 'engine-aside' ? [`${event.type} ${event.address}`] : [],
  );
  for (const line of [
    'engine-aside ci/buildkitd-0',
    'engine-aside ci/buildkitd-1',
    'engine-ready ci/buildkitd-2',
  ])
    assert.ok(said.includes(line), said.join('\n'));
  assert.ok(enginesOf(changed).has('ci/buildkitd-2'));
}
