/** The engine of a session: found and asked at most once, and only where somebody needs to know. */
import assert from 'node:assert/strict';
import { arch } from 'node:os';
import { test } from 'node:test';
import type { Engine, FindOptions } from '../../lib/engine/mod.ts';
import { type EventBody, fail, ok, type Plan, type PlanNode, problem } from '../../lib/model/mod.ts';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { SessionEngine, type SessionEngineOptions } from '../../lib/run/session-engine.ts';
import { goArchitecture } from '../../lib/system/mod.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { accessTo } from '../rig/fake-world.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const NONE = problem('engine/none-found', 'there is none');

interface Given extends Partial<SessionEngineOptions> {
  /** What finding the engine gives besides the fake one's address. */
  readonly found?: Partial<Engine>;
  readonly none?: true;
  readonly engineAddress?: string;
  readonly nodes?: readonly PlanNode[];
}

interface Opened {
  readonly fake: FakeEngine;
  readonly engine: SessionEngine;
  readonly events: readonly EventBody[];
  readonly finds: readonly FindOptions[];
  readonly calls: () => readonly string[];
}

async function open(given: Given = {}): Promise<Opened> {
  const { found, none, engineAddress, nodes = [], ...rest } = given;
  const fake = new FakeEngine('linux/riscv64');
  const events: EventBody[] = [];
  const finds: FindOptions[] = [];
  const access: EngineAccess = {
    ...accessTo(fake),
    find: async (options) => {
      finds.push(options);
      if (none === true) return fail([NONE]);
      const engine = await accessTo(fake).find(options);
      return engine.ok ? ok({ ...engine.value, ...found }) : engine;
    },
  };
  const set = {
    registries: new Map(),
    ...(engineAddress === undefined ? {} : { engine: { address: engineAddress, pool: [] } }),
  };
  const plan = { set, nodes: new Map(nodes.map((node) => [node.build.name, node])) } as unknown as Plan;
  const engine = new SessionEngine({
    access,
    plan,
    env: {},
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    waitMs: 30_000,
    sleep: async () => undefined,
    onBuild: () => undefined,
    ...rest,
  });
  const calls = () => fake.calls.map(({ argv }) => argv.slice(2).join(' '));
  return { fake, engine, events, finds, calls };
}

test('it is found once, and announced with its warnings', async () => {
  const warning = problem('engine/registries-untold', 'it does not know', { severity: 'warning' });
  const { engine, events, finds } = await open({
    found: { warnings: [warning], registryHint: 'tell it' },
    address: 'tcp://given:1',
    engineAddress: 'tcp://file:1',
    env: { X: 'y' },
  });
  const [one, other] = await Promise.all([engine.ready(), engine.ready()]);
  assert(one.ok && other.ok);
  assert.equal(one, other);
  assert.equal(one.value.registryHint, 'tell it');
  assert.equal(one.value.buildctl.program, '/fake/buildctl');
  assert.equal(one.value.buildctl.address, 'unix:///fake/buildkitd.sock');
  assert.deepEqual(one.value.buildctl.env, { X: 'y' });
  assert.deepEqual(
    events.map((event) => [event.type, event.type === 'warning' ? event.problem.code : '']),
    [
      ['engine-ready', ''],
      ['warning', 'engine/registries-untold'],
    ],
  );
  const [ready] = events;
  assert.deepEqual(ready, {
    type: 'engine-ready',
    address: 'unix:///fake/buildkitd.sock',
    source: 'the test',
    buildctl: '/fake/buildctl',
  });
  const [find, ...more] = finds;
  assert.deepEqual(more, []);
  assert.equal(find?.autoStart, true);
  assert.equal(find.flagAddress, 'tcp://given:1');
  assert.deepEqual(find.settings, { address: 'tcp://file:1', pool: [] });
  assert.deepEqual(find.env, { X: 'y' });
  assert.deepEqual(find.registries, new Map());
  find.notify?.({ text: 'starting' } as Parameters<NonNullable<FindOptions['notify']>>[0]);
  assert.deepEqual(events.at(-1), { type: 'engine-starting', text: 'starting' });
});

test('nothing is said of addresses and hints that are not given', async () => {
  const { engine, finds } = await open();
  const ready = await engine.ready();
  assert(ready.ok);
  assert(!('registryHint' in ready.value));
  assert.deepEqual(Object.keys(finds[0] ?? {}).sort(), [
    'autoStart',
    'env',
    'notify',
    'registries',
    'signal',
  ]);
});

test('an engine that is not there is a failure, asked for once', async () => {
  const { engine, finds, events } = await open({ none: true, address: 'tcp://away:1' });
  const ready = await engine.ready();
  assert.deepEqual(ready, fail([NONE]));
  assert.equal(await engine.storedImages(), undefined);
  assert.equal(await engine.platform(), 'unknown/tcp://away:1');
  assert.equal(finds.length, 1);
  assert.deepEqual(events, []);
});

test('how it keeps images is asked only where a result is not pushed, and not of the embedded engine', async () => {
  const stays = makeNode({ name: 'stays' });
  const goes = makeNode({ name: 'goes' }, { pushes: true });
  const containerd = { address: '', namespace: '' } as unknown as NonNullable<Engine['containerd']>;
  const rows: readonly (readonly [Given, 'containerd' | 'oci', number])[] = [
    [{ nodes: [goes, stays] }, 'oci', 1],
    [{ nodes: [goes] }, 'containerd', 0],
    [{ nodes: [] }, 'containerd', 0],
    [{ nodes: [stays], found: { containerd } }, 'containerd', 0],
    [{ nodes: [stays], found: { buildctl: '/not/there' } }, 'containerd', 0],
  ];
  for (const [given, worker, asked] of rows) {
    const { fake, engine, calls, events } = await open(given);
    fake.worker = 'oci';
    fake.version = 'v0.31.1';
    assert.equal(engine.worker, 'containerd');
    await engine.ready();
    assert.equal(engine.worker, worker);
    // The same answer has the version.
    const version = events.map((event) => (event.type === 'engine-ready' ? event.version : undefined));
    assert.deepEqual(version, [asked === 1 ? 'v0.31.1' : undefined]);
    assert.equal(calls().filter((call) => call.startsWith('debug workers')).length, asked);
  }
});

test('the images in its store are listed once', async () => {
  const { fake, engine, finds } = await open();
  fake.images.set('one', A);
  assert.deepEqual(await engine.storedImages(), { digests: new Map([['one', A]]) });
  fake.images.clear();
  assert.deepEqual(await engine.storedImages(), { digests: new Map([['one', A]]) });
  assert.equal(finds.length, 1);
});

test('an engine behind a local socket is of this architecture, another one is asked', async () => {
  const here = `linux/${goArchitecture(arch())}`;
  const rows: readonly (readonly [Given, string])[] = [
    [{}, here],
    [{ hostArchitecture: 's390x' }, 'linux/s390x'],
    [{ address: 'unix:///x.sock' }, here],
    [{ address: '' }, here],
    [{ env: { BUILDKIT_HOST: '' } }, here],
    [{ env: { BUILDKIT_HOST: 'unix:///x.sock' }, engineAddress: 'tcp://b:1' }, here],
    [{ address: 'unix:///x.sock', env: { BUILDKIT_HOST: 'tcp://a:1' }, engineAddress: 'tcp://b:1' }, here],
    [{ env: { BUILDKIT_HOST: 'tcp://a:1' } }, 'linux/riscv64'],
    [{ env: { BUILDKIT_HOST: '' }, engineAddress: 'tcp://b:1' }, 'linux/riscv64'],
    [{ address: 'tcp://c:1', hostArchitecture: 's390x' }, 'linux/riscv64'],
    [{ address: 'tcp://c:1', found: { buildctl: '/not/there' } }, 'unknown/tcp://c:1'],
  ];
  for (const [given, platform] of rows) {
    const { engine, finds, calls } = await open(given);
    assert.equal(await engine.platform(), platform);
    assert.equal(await engine.platform(), platform);
    const asked = platform === here || platform === 'linux/s390x' ? 0 : 1;
    assert.equal(finds.length, asked);
    assert(calls().length <= asked);
  }
});

test('whether it keeps images is asked once, and not of the embedded engine', async () => {
  const containerd = { address: '', namespace: '' } as unknown as NonNullable<Engine['containerd']>;
  const rows: readonly (readonly [Given, 'containerd' | 'oci', boolean, number])[] = [
    [{}, 'containerd', true, 1],
    [{}, 'oci', false, 1],
    [{ found: { containerd } }, 'oci', true, 0],
    [{ none: true }, 'containerd', false, 0],
    // It does not answer.
    [{ found: { buildctl: '/not/there' } }, 'containerd', false, 0],
  ];
  for (const [given, worker, keeps, asked] of rows) {
    const { fake, engine, finds, calls } = await open(given);
    fake.worker = worker;
    assert.deepEqual([await engine.keepsImages(), await engine.keepsImages()], [keeps, keeps]);
    assert.equal(calls().filter((call) => call.startsWith('debug workers')).length, asked);
    assert.equal(finds.length, 1);
  }
});

test('on another system than Linux a socket leads into a virtual machine, which is asked for its platform', async () => {
  for (const system of ['darwin', 'win32'] as const) {
    for (const address of ['unix:///home/me/.lima/buildkit/sock/buildkitd.sock', undefined]) {
      const { engine, calls } = await open({ system, ...(address === undefined ? {} : { address }) });
      assert.equal(await engine.platform(), 'linux/riscv64');
      assert.equal(calls().length, 1);
    }
    const none = await open({ system, none: true });
    assert.equal(await none.engine.platform(), 'unknown/');
  }
});
