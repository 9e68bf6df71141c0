/** Which engines are named, which members that makes, and what each says of itself. */
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { askMember, listMembers, type MemberAddress, nativePlatforms } from '../../lib/engine/mod.ts';
import { tooOld } from '../../lib/engine/pool.ts';
import {
  type EngineSettings,
  type KubernetesPods,
  namedEngine,
  namedPool,
  type PoolEntry,
} from '../../lib/model/mod.ts';
import type { ProgramCall, ProgramEnd } from '../../lib/system/mod.ts';
import { makeAuthority } from '../rig/certificates.ts';
import { freePort } from '../rig/port.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const plainEntry = (address: string): PoolEntry => ({ address, platforms: [], labels: [] });
const BIG: PoolEntry = { address: 'tcp://big:1', platforms: ['linux/arm64'], jobs: 8, labels: ['big'] };

test('a flag wins over the environment, which wins over builds.yaml; one address is one engine, more are a pool', () => {
  const settings: EngineSettings = { pool: [BIG, plainEntry('tcp://b:1')] };
  const single: EngineSettings = { address: 'tcp://file:1', pool: [] };
  const of = (flagAddresses: readonly string[] | string | undefined, host: string, file?: EngineSettings) => {
    const names = { flagAddresses, env: { BUILDKIT_HOST: host }, settings: file };
    const pool = namedPool(names)?.map(({ address, labels }) => [address, ...labels].join(' '));
    return { one: namedEngine(names)?.address, kind: namedEngine(names)?.kind, pool };
  };
  const none = { one: undefined, kind: undefined, pool: undefined };
  assert.deepEqual(of(undefined, ''), none);
  assert.deepEqual(of([], '', single), { one: 'tcp://file:1', kind: 'file', pool: undefined });
  assert.deepEqual(of('', '', settings), { ...none, pool: ['tcp://big:1 big', 'tcp://b:1'] });
  assert.deepEqual(of([], 'tcp://env:1', settings), {
    one: 'tcp://env:1',
    kind: 'environment',
    pool: undefined,
  });
  assert.deepEqual(of('tcp://x:1', 'tcp://env:1', settings), {
    one: 'tcp://x:1',
    kind: 'flag',
    pool: undefined,
  });
  assert.deepEqual(of(['tcp://x:1', 'tcp://x:1'], ''), { one: 'tcp://x:1', kind: 'flag', pool: undefined });
  // What builds.yaml says of an address that is named otherwise, too, counts.
  assert.deepEqual(of(['tcp://x:1', 'tcp://big:1'], 'tcp://env:1', settings), {
    ...none,
    pool: ['tcp://x:1', 'tcp://big:1 big'],
  });
  assert.deepEqual(of(undefined, ' tcp://a:1\t unix:///run/my sock \n', single), {
    ...none,
    pool: ['tcp://a:1', 'unix:///run/my sock'],
  });
});

test('of the platforms that an engine has, those of its own architecture are built there unless others are named', () => {
  const amd64 = [
    'linux/amd64',
    'linux/amd64/v2',
    'linux/amd64/v3',
    'linux/arm64',
    'linux/riscv64',
    'linux/386',
    'linux/arm/v7',
  ];
  assert.deepEqual(nativePlatforms(amd64), ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/386']);
  assert.deepEqual(nativePlatforms(['linux/arm64', 'linux/amd64', 'linux/arm', 'linux/arm/v6']), [
    'linux/arm64',
    'linux/arm/v7',
    'linux/arm/v6',
  ]);
  assert.deepEqual(nativePlatforms(['linux/riscv64', 'linux/amd64']), ['linux/riscv64']);
  assert.deepEqual(nativePlatforms(['windows/amd64', 'linux/amd64']), ['windows/amd64']);
  assert.deepEqual(nativePlatforms([]), []);
});

test('members have what is named, four jobs where nothing is, and TLS at ports', async (t) => {
  const authority = await makeAuthority(t);
  const tls = { ca: authority.caFile };
  const entries = [plainEntry('tcp://a:1'), BIG, plainEntry('ssh://me@host'), plainEntry('tcp://a:1')];
  const { members, problems } = await listMembers(entries, { env: {}, settings: { pool: [], tls } });
  assert.deepEqual(problems, []);
  assert.deepEqual(members, [
    { id: 'tcp://a:1', address: 'tcp://a:1', platforms: [], jobs: 4, labels: [], tls },
    { id: 'tcp://big:1', address: 'tcp://big:1', platforms: ['linux/arm64'], jobs: 8, labels: ['big'], tls },
    { id: 'ssh://me@host', address: 'ssh://me@host', platforms: [], jobs: 4, labels: [] },
  ]);
});

test('with files for TLS that cannot be used, nobody at a port is a member, and that is said once', async () => {
  const settings = { pool: [], tls: { ca: '/nowhere/ca.pem' } };
  const entries = [
    plainEntry('tcp://a:1'),
    plainEntry('nothing'),
    plainEntry('unix:///b'),
    plainEntry('tcp://c:1'),
  ];
  const { members, problems } = await listMembers(entries, { env: {}, settings });
  assert.deepEqual(
    members.map(({ id }) => id),
    ['unix:///b'],
  );
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['engine/bad-address', 'engine/tls-files'],
  );
});

/** A pod as `kubectl get pods -o json` has it, of which most is left out. */
function pod(
  name: string,
  more: { ready?: boolean; phase?: string; ending?: boolean; namespace?: string } = {},
) {
  const { ready = true, phase = 'Running', ending = false, namespace = 'ci' } = more;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{
        name,
        namespace,
        uid: '6f2c',
        labels: { app: 'buildkitd' },
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      ...(ending ? { deletionTimestamp: '2026-01-01T01:00:00Z', deletionGracePeriodSeconds: 30 } : {}),
    },
    spec: {
      containers: [
        { name: 'buildkitd', image: 'moby/buildkit' },
        { name: 'proxy', image: 'p' },
      ],
    },
    status: {
      phase,
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Ready', status: ready ? 'True' : 'False' },
      ],
    },
  };
}

const podList = (...items: readonly object[]) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items, metadata: { resourceVersion: '' } });

/** A kubectl on PATH, and what it answers in place of the cluster. */
async function kubectlSaying(t: Cleanup, answers: (argv: readonly string[]) => Partial<ProgramEnd>) {
  const bin = await makeTempDir(t, 'kubectl-');
  const kubectl = path.join(bin, 'kubectl');
  await writeFile(kubectl, '#!/bin/sh\nexit 9\n');
  await chmod(kubectl, 0o755);
  const calls: ProgramCall[] = [];
  const run = async (call: ProgramCall): Promise<ProgramEnd> => {
    calls.push(call);
    return { ended: 'by-itself', exitCode: 0, stdout: Buffer.from(''), stderr: '', ...answers(call.argv) };
  };
  return { options: { env: { PATH: bin }, run }, calls, kubectl };
}

const entryOf = (kubernetes: KubernetesPods): PoolEntry => ({ kubernetes, platforms: [], labels: ['k'] });

test('ready pods are members, by the address that buildctl knows pods by', async (t) => {
  const list = podList(
    pod('buildkitd-1'),
    pod('buildkitd-0'),
    pod('buildkitd-2', { ready: false }),
    pod('buildkitd-3', { ending: true }),
    pod('buildkitd-4', { phase: 'Pending' }),
  );
  const { options, calls, kubectl } = await kubectlSaying(t, () => ({ stdout: Buffer.from(list) }));
  const pods = {
    selector: 'app=buildkitd,tier in (a, b)',
    namespace: 'ci',
    container: 'buildkitd',
    context: 'my ctx',
  };
  const { members, problems } = await listMembers([entryOf(pods), entryOf({ selector: 'x' })], options);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    members.map(({ id, address, labels }) => ({ id, address, labels })),
    [
      {
        id: 'my ctx/ci/buildkitd-0',
        address: 'kube-pod://buildkitd-0?context=my+ctx&namespace=ci&container=buildkitd',
        labels: ['k'],
      },
      {
        id: 'my ctx/ci/buildkitd-1',
        address: 'kube-pod://buildkitd-1?context=my+ctx&namespace=ci&container=buildkitd',
        labels: ['k'],
      },
      // The same names, as the current context has them.
      { id: 'ci/buildkitd-0', address: 'kube-pod://buildkitd-0?namespace=ci', labels: ['k'] },
      { id: 'ci/buildkitd-1', address: 'kube-pod://buildkitd-1?namespace=ci', labels: ['k'] },
    ],
  );
  assert.deepEqual(
    calls.map(({ program, argv }) => [program, ...argv]),
    [
      [
        ...[kubectl, '--context=my ctx', '--namespace=ci', 'get', 'pods'],
        ...['--selector=app=buildkitd,tier in (a, b)', '--output=json', '--request-timeout=15s'],
      ],
      [kubectl, 'get', 'pods', '--selector=x', '--output=json', '--request-timeout=15s'],
    ],
  );
  assert(calls.every(({ timeoutMs }) => timeoutMs === 20_000));
  const one = await listMembers([entryOf(pods), entryOf({ ...pods, selector: 'app' })], options);
  assert.deepEqual(
    one.members.map(({ id }) => id),
    ['ci/buildkitd-0', 'ci/buildkitd-1'],
    'two selectors that find one pod, and one cluster',
  );
});

test('what keeps pods from being members is said, with what to do', async (t) => {
  const words = (stderr: string): Partial<ProgramEnd> => ({ exitCode: 1, stderr });
  const cases: readonly (readonly [string, Partial<ProgramEnd>, RegExp])[] = [
    [
      'none',
      { stdout: Buffer.from(podList()) },
      /^engine\/no-pods there are no pods with app=b in namespace ci$/,
    ],
    [
      'none ready',
      { stdout: Buffer.from(podList(pod('a', { ready: false }), pod('b', { phase: 'Pending' }))) },
      /^engine\/no-pods none of the 2 pods with app=b in namespace ci is ready$/,
    ],
    [
      'RBAC',
      words(
        'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:ci:default" cannot list resource "pods" in API group "" in the namespace "ci"\n',
      ),
      /^engine\/kubectl .*: the cluster does not permit it: this user cannot list resource "pods" in API group "" in the namespace "ci"$/,
    ],
    [
      'context',
      words('error: context "nope" does not exist\n'),
      /kubectl's configuration has no context “nope”$/,
    ],
    [
      'user',
      words('error: You must be logged in to the server (Unauthorized)\n'),
      /does not accept the credentials of this user$/,
    ],
    [
      'selector',
      words(
        'Error from server (BadRequest): Unable to find "/v1, Resource=pods": unable to parse requirement: found \'=\'\n',
      ),
      /rejects the selector: found '='$/,
    ],
    [
      'cluster',
      words(
        'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n',
      ),
      /the cluster cannot be reached: 127\.0\.0\.1:6443 was refused/,
    ],
    [
      'gone',
      words('Error from server (NotFound): pods "x" not found\n'),
      /does not find it: pods "x" not found$/,
    ],
    ['something else', words('panic: x\n'), /^engine\/kubectl .*: kubectl does not list them$/],
    ['no JSON', { stdout: Buffer.from('hello') }, /kubectl does not list them$/],
    ['cancelled', { ended: 'cancelled' }, /^run\/cancelled /],
  ];
  const span = { source: { path: 'builds.yaml', text: 'x' }, start: 0, end: 1 };
  for (const [what, answer, expected] of cases) {
    const { options } = await kubectlSaying(t, () => answer);
    const entry = { ...entryOf({ selector: 'app=b', namespace: 'ci' }), span };
    const { members, problems } = await listMembers([entry], options);
    assert.deepEqual([members.length, problems.length], [0, 1], what);
    const [found] = problems;
    assert.match(`${found?.code} ${found?.message}`, expected, what);
    assert(found?.hint !== undefined && found.span === span, what);
  }
  const lacking = await kubectlSaying(t, () => ({ stdout: Buffer.from(podList(pod('a'))) }));
  const { problems } = await listMembers([entryOf({ selector: 's', container: 'nope' })], lacking.options);
  assert.deepEqual(
    [problems[0]?.message, problems[0]?.hint],
    ['pods with s have no container nope', 'their containers: buildkitd, proxy'],
  );
  const none = await listMembers([entryOf({ selector: 's' })], {
    env: { PATH: await makeTempDir(t, 'empty-') },
  });
  assert.equal(none.problems[0]?.message, 'pods with s: kubectl is not on PATH');
});

/** A buildctl that prints this, or fails. */
async function buildctlSaying(t: Cleanup, script: string): Promise<string> {
  const file = path.join(await makeTempDir(t, 'buildctl-'), 'buildctl');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

const member = (address: string, platforms: readonly string[] = []): MemberAddress => ({
  ...{ id: address, address, platforms, jobs: 4, labels: [] },
});

const WORKER = (version: string) =>
  JSON.stringify([
    {
      labels: { 'org.mobyproject.buildkit.worker.executor': 'oci' },
      platforms: [
        { os: 'linux', architecture: 'arm64' },
        { os: 'linux', architecture: 'amd64' },
      ],
      buildkitVersion: { version },
    },
  ]);

test('a member says its version, worker and platforms; emulated ones count where they are named', async (t) => {
  const buildctl = await buildctlSaying(t, `echo '${WORKER('v0.34.2')}'`);
  const asked = await askMember(member('unix:///b'), { buildctl, env: {} });
  assert(asked.ok);
  const { latencyMs, worker, ...state } = asked.value;
  assert.deepEqual(state, { version: 'v0.34.2', platforms: ['linux/arm64'] });
  assert.equal(worker.executor, 'oci');
  assert(latencyMs >= 0);
  const named = await askMember(member('unix:///b', ['linux/amd64']), { buildctl, env: {} });
  assert.deepEqual(named.ok && named.value.platforms, ['linux/amd64']);
});

test('a member that is too old, that hangs, or that nobody finds is a problem', async (t) => {
  const problemOf = async (script: string, address = 'ssh://b', timeoutMs = 60_000) => {
    const buildctl = await buildctlSaying(t, script);
    const asked = await askMember(member(address), { buildctl, env: {}, timeoutMs });
    assert(!asked.ok);
    return `${asked.error[0]?.code} ${asked.error[0]?.message}`;
  };
  assert.equal(
    await problemOf(`echo '${WORKER('v0.12.5')}'`),
    'engine/too-old ssh://b runs BuildKit v0.12.5, and bake-ts needs 0.13.0 or newer',
  );
  assert.match(
    await problemOf('exec sleep 60', 'ssh://b', 50),
    /^engine\/unreachable buildkitd at ssh:\/\/b /,
  );
  const port = await freePort();
  assert.equal(
    await problemOf('exit 1', `tcp://127.0.0.1:${port}`),
    `engine/unreachable there is no buildkitd at tcp://127.0.0.1:${port}: nothing listens on its port`,
  );
  assert.equal(
    await problemOf(
      `printf '%s' 'error: … has exited with exit status 1: stderr=Error from server (Forbidden): pods \\"b-0\\" is forbidden: User \\"me\\" cannot create resource \\"pods/exec\\" in API group \\"\\" in the namespace \\"ci\\"\\n"' >&2; exit 1`,
      'kube-pod://b-0?namespace=ci',
    ),
    'engine/kubectl kube-pod://b-0?namespace=ci: the cluster does not permit it: this user cannot create resource "pods/exec" in API group "" in the namespace "ci"',
  );
});

test('only a version of a release says how old it is', () => {
  for (const [version, isOld] of [
    ['v0.12.9', true],
    ['0.9.3', true],
    ['v0.13.0', false],
    ['v0.13.0-rc1', false],
    ['v1.0.0', false],
    ['v0.0.0+unknown', false],
    ['8f3a1c2', false],
  ] as const)
    assert.equal(tooOld('x', version) !== undefined, isOld, version);
});
