/** Runs on several engines: who builds what, what a build reads of others, and engines that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BakeEvent, problem } from '../../lib/model/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { makeFakePool } from '../rig/fake-pool.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const THREE = { a: 'linux/amd64', b: 'linux/amd64', c: 'linux/amd64' };
const NAMES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const LOST = {
  fail: 'error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF',
};

/** Builds that stand alone, each pushed. */
function makeNine(t: Cleanup, more = ''): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `${more}builds:\n${NAMES.map((name) => `  ${name}: { context: ${name}, tags: ["${host}/${name}:1"], push: true }\n`).join('')}`,
    ...Object.fromEntries(
      NAMES.flatMap((name) => [
        [`${name}/Dockerfile`, 'FROM scratch\nCOPY file file\n'],
        [`${name}/file`, name],
      ]),
    ),
  }));
}

/** `base` and `tool`, which nobody pushes, and `app`, which reads both. */
function makeFamily(t: Cleanup, more = ''): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `${more.replaceAll('HOST', host)}builds:
  base: { context: base }
  tool: { context: tool }
  app: { context: app, contexts: { base: "build:base", tool: "build:tool" }, tags: ["${host}/app:1"], push: true }
groups: { default: [app] }
`,
    'base/Dockerfile': 'FROM scratch\nCOPY file base\n',
    'base/file': 'base',
    'tool/Dockerfile': 'FROM scratch\nCOPY file tool\n',
    'tool/file': 'tool',
    'app/Dockerfile': 'FROM base\nCOPY --from=tool tool tool\nCOPY file app\n',
    'app/file': 'app',
  }));
}

/** Build → engines that its calls ran on, in order. */
function ranOn({ events }: Baked): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const event of events) {
    if (event.type !== 'node-started') continue;
    found[event.build] = [...(found[event.build] ?? []), event.engine ?? 'none'];
  }
  return found;
}

function only<T extends BakeEvent['type']>(
  { events }: Baked,
  type: T,
): readonly Extract<BakeEvent, { type: T }>[] {
  return events.filter((event): event is Extract<BakeEvent, { type: T }> => event.type === type);
}

test('builds go to all engines, and after a change each to the one that has its cache', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  const first = await pool.bake(world);
  assertOk(first);
  const before = ranOn(first);
  assert.deepEqual(Object.keys(before).sort(), [...NAMES].sort());
  assert.deepEqual(new Set(Object.values(before).flat()), new Set(['tcp://a:1', 'tcp://b:1', 'tcp://c:1']));
  await world.write(Object.fromEntries(NAMES.map((name) => [`${name}/file`, `${name} changed`])));
  const second = await pool.bake(world);
  assertOk(second);
  assert.deepEqual(ranOn(second), before);
  const third = await pool.bake(world);
  assertOk(third);
  assert.deepEqual(ranOn(third), {});
  assert.deepEqual(new Set(Object.values(third.kinds)), new Set(['unchanged']));
});

test('one that does not answer gets no builds, and that is said', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  pool.of('b').isDown = true;
  const baked = await pool.bake(world);
  assertOk(baked);
  assert.deepEqual(new Set(Object.values(ranOn(baked)).flat()), new Set(['tcp://a:1', 'tcp://c:1']));
  assert.deepEqual(
    only(baked, 'engine-aside').map(({ address, why }) => [address, why]),
    [['tcp://b:1', 'there is no buildkitd at tcp://b:1']],
  );
});

for (const point of ['start', 'step', 'exported', 'pushed'] as const) {
  test(`an engine that is lost (${point}) costs its builds another engine, and nothing else`, async (t) => {
    const world = await makeNine(t);
    const pool = makeFakePool(THREE);
    pool.of('b').fault({ at: point, act: LOST });
    const baked = await pool.bake(world);
    assertOk(baked);
    for (const engines of Object.values(ranOn(baked))) {
      assert.notEqual(engines.at(-1), 'tcp://b:1');
      assert.ok(engines.length <= 2, engines.join());
    }
    assert.equal(only(baked, 'engine-aside').length, 1);
    assert.deepEqual(codesOf(baked), []);
    for (const name of NAMES) assert.ok(world.registry.store.manifest(name, '1') !== undefined, name);
  });
}

test('a full disk of one engine is that of one engine', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  pool
    .of('c')
    .fault({ at: 'step', act: { fail: 'error: failed to solve: write /x: no space left on device' } });
  const baked = await pool.bake(world);
  assertOk(baked);
  assert.match(only(baked, 'engine-aside')[0]?.why ?? '', /the disk of the engine is full/);
});

test('no engine left: the error lists what happened to each', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  for (const name of ['a', 'b', 'c']) {
    const engine = pool.of(name);
    engine.fault({
      at: 'step',
      act: () => {
        engine.isDown = true;
        throw new Error('read: connection reset by peer: buildkitd');
      },
    });
  }
  const baked = await pool.bake(world, { builds: ['one'], engineWaitMs: 50 });
  const { problem } = baked.outcome('one');
  assert.equal(problem?.code, 'engine/none-left');
  for (const name of ['a', 'b', 'c']) assert.match(problem?.detail ?? '', new RegExp(`tcp://${name}:1: `));
  const waits = baked.events.flatMap(({ type }) => (/^engine-wait/.test(type) ? [type] : []));
  assert.deepEqual(waits, ['engine-waiting', 'engine-waited']);
});

test('none answers at all: said before anything is built, with what is wrong with each', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  for (const name of ['a', 'b', 'c']) pool.of(name).isDown = true;
  const baked = await pool.bake(world, { builds: ['one'], engineWaitMs: 50 });
  const { problem } = baked.outcome('one');
  assert.equal(problem?.code, 'engine/none-left');
  assert.match(problem?.detail ?? '', /tcp:\/\/a:1: there is no buildkitd.*\n.*b:1.*\n.*c:1/);
});

test('the last engine comes back while it is waited for', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  pool.of('b').isDown = true;
  const engine = pool.of('a');
  engine.fault({ at: 'step', times: 1, act: LOST });
  const baked = await pool.bake(world, { builds: ['one'], engineWaitMs: 10_000 });
  assertOk(baked);
  assert.deepEqual(ranOn(baked), { one: ['tcp://a:1', 'tcp://a:1'] });
  assert.ok(baked.events.some((event) => event.type === 'engine-returned' && event.address === 'tcp://a:1'));
});

test('a build that takes its engine down with it does not take all of them', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({
    a: 'linux/amd64',
    b: 'linux/amd64',
    c: 'linux/amd64',
    d: 'linux/amd64',
    e: 'linux/amd64',
    f: 'linux/amd64',
  });
  for (const engine of pool.engines.values()) engine.fault({ at: 'step', when: 'one', act: LOST });
  const baked = await pool.bake(world, { builds: ['one'] });
  const { problem } = baked.outcome('one');
  assert.equal(problem?.code, 'engine/lost');
  assert.match(problem?.message ?? '', /on 4 engines one after the other/);
  assert.equal(ranOn(baked)['one']?.length, 4);
});

test('parents that nobody pushes are sent along', async (t) => {
  const world = await makeFamily(t);
  const pool = makeFakePool(THREE);
  const baked = await pool.bake(world);
  assertOk(baked);
  assert.deepEqual(baked.kinds, { base: 'built', tool: 'built', app: 'built' });
  const argv = [...pool.engines.values()]
    .flatMap(({ builds }) => builds)
    .find((one) => one.some((word) => word.includes('build-arg:') || word.startsWith('context:base')));
  assert.ok(argv?.includes('--oci-layout'), argv?.join(' '));
  assert.deepEqual((await pool.bake(world)).kinds, {
    base: 'unchanged',
    tool: 'unchanged',
    app: 'unchanged',
  });
});

test('or go through a repository, which is empty afterwards', async (t) => {
  const world = await makeFamily(t, 'engine: { scratch: "HOST/ci/scratch" }\n');
  const pool = makeFakePool(THREE);
  const put: string[] = [];
  const baked = await pool.bake(world, {
    onEvent: (event) => {
      if (event.type !== 'node-finished' || event.outcome.digest === undefined) return;
      if (world.registry.store.manifest('ci/scratch', event.outcome.digest) !== undefined)
        put.push(event.build);
    },
  });
  assertOk(baked);
  assert.deepEqual(put.sort(), ['base', 'tool']);
  for (const build of ['base', 'tool']) {
    const { digest = '' } = baked.outcome(build);
    assert.equal(world.registry.store.manifest('ci/scratch', digest), undefined);
  }
  assert.ok(![...pool.engines.values()].some(({ builds }) => builds.flat().includes('--oci-layout')));
  await world.write({ 'app/file': 'changed' });
  const again = await pool.bake(world);
  assertOk(again);
  assert.deepEqual(again.kinds, { base: 'built', tool: 'built', app: 'built' });
});

test('a result that another run deleted from there is built again', async (t) => {
  const world = await makeFamily(t, 'engine: { scratch: "HOST/ci/scratch" }\n');
  const pool = makeFakePool(THREE);
  const digests: string[] = [];
  let isDeleted = false;
  const baked = await pool.bake(world, {
    jobs: 1,
    onEvent: (event) => {
      if (event.type === 'node-finished') digests.push(event.outcome.digest ?? '');
      if (event.type !== 'node-decided' || event.build !== 'app' || isDeleted) return;
      isDeleted = true;
      for (const digest of digests) world.registry.store.deleteManifest('ci/scratch', digest);
    },
  });
  assertOk(baked);
});

test('engines of several platforms, and a build that names none', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  const baked = await pool.bake(world, { builds: ['one'] });
  assert.deepEqual(codesOf(baked), ['engine/several-platforms of one']);
});

test('platforms and labels say who may build', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64', c: 'linux/amd64' });
  await world.write({
    'builds.yaml': `engine: { pool: ["tcp://a:1", "tcp://b:1", { address: "tcp://c:1", labels: [big] }] }
builds:
  arm: { context: one, platforms: [linux/arm64], outputs: [type=cacheonly] }
  big: { context: two, platforms: [linux/amd64], engine: { labels: [big] }, outputs: [type=cacheonly] }
  none: { context: two, platforms: [linux/s390x], outputs: [type=cacheonly] }
`,
  });
  const baked = await pool.bake(world, { env: { BUILDKIT_HOST: '' } });
  assert.deepEqual(codesOf(baked), ['engine/no-member of none']);
  assert.deepEqual(ranOn(baked), { arm: ['tcp://b:1'], big: ['tcp://c:1'] });
});

/** One build over two platforms, with annotations of every level. */
function makeTwoPlatforms(t: Cleanup, more = 'push: true'): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:
  app: { context: ., platforms: [linux/amd64, linux/arm64], tags: ["${host}/app:1", "${host}/other/app:1"], ${more} }
`,
    Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n',
  }));
}

/** Digests and platforms of the manifests of the image, in order. How an index is written the fake does as it likes. */
function childrenIn({ registry }: FakeWorld): unknown {
  const { bytes } = registry.store.manifest('app', '1') ?? {};
  const { manifests } = JSON.parse(String(bytes));
  return manifests.map(({ digest, platform }: { digest: string; platform: { architecture: string } }) => [
    digest,
    platform.architecture,
  ]);
}

test('platforms that no single engine has are built apart and joined in their order', async (t) => {
  const world = await makeTwoPlatforms(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  const whole = await world.bake({ env: { BUILDKIT_HOST: '' } });
  assertOk(whole);
  const before = childrenIn(world);
  world.registry.store.clear();
  const baked = await pool.bake(world, { force: true });
  assertOk(baked);
  assert.deepEqual(childrenIn(world), before);
  const { digest } = baked.outcome('app');
  assert.deepEqual([...(ranOn(baked)['app'] ?? [])].sort(), ['tcp://a:1', 'tcp://b:1']);
  for (const repository of ['app', 'other/app'])
    assert.equal(world.registry.store.manifest(repository, '1')?.digest, digest);
  assert.deepEqual((await pool.bake(world)).kinds, { app: 'unchanged' });
});

test('where one platform fails nothing is joined, and no tag moves', async (t) => {
  const world = await makeTwoPlatforms(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  pool.of('b').fault({
    at: 'step',
    act: { fail: 'error: failed to solve: process "/bin/sh" did not complete successfully: exit code: 1' },
  });
  const baked = await pool.bake(world);
  assert.equal(baked.outcome('app').kind, 'failed');
  assert.equal(world.registry.store.manifest('app', '1'), undefined);
});

test('a platform whose engine is lost goes to another one that has it', async (t) => {
  const world = await makeTwoPlatforms(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64', c: 'linux/arm64' });
  for (const name of ['b', 'c']) pool.of(name).fault({ at: 'step', times: name === 'b' ? 1 : 0, act: LOST });
  const baked = await pool.bake(world);
  assertOk(baked);
  assert.deepEqual(codesOf(baked), []);
});

test('platforms apart need a repository to be joined in', async (t) => {
  const world = await makeTwoPlatforms(t, 'push: false');
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  assert.deepEqual(codesOf(await pool.bake(world)), ['engine/platforms-apart of app']);
});

const PODS = 'engine: { pool: [{ kubernetes: { selector: app=buildkitd } }] }\n';
const IN_PODS = { env: { BUILDKIT_HOST: '' }, engineWaitMs: 60_000 };

test('a pod that is lost: the pods are listed again, the one in its place builds, and the lost one is gone', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ old: 'linux/amd64', new: 'linux/amd64' });
  pool.pods.add('old');
  pool.of('old').fault({
    at: 'step',
    act: () => {
      pool.of('old').isDown = true;
      pool.pods.delete('old');
      pool.pods.add('new');
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, IN_PODS);
  assertOk(baked);
  for (const engines of Object.values(ranOn(baked))) assert.equal(engines.at(-1), 'ci/new');
  assert.deepEqual(
    only(baked, 'engine-ready').map(({ address, source }) => [address, source]),
    [
      ['ci/old', 'a pool of 1'],
      ['ci/new', 'a pool of 1'],
    ],
  );
  assert.ok(
    only(baked, 'engine-aside').some(
      ({ address, why }) => address === 'ci/old' && why === 'its pod is gone, or not ready any more',
    ),
  );
});

test('a pod of a StatefulSet comes back by its name, as one that has not been asked', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ zero: 'linux/amd64' });
  pool.pods.add('zero');
  pool.of('zero').fault({
    at: 'step',
    times: 1,
    act: () => {
      pool.pods.delete('zero');
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, {
    ...IN_PODS,
    builds: ['one'],
    onEvent: ({ type, ...rest }) => {
      if (type === 'engine-aside' && /gone/.test(String((rest as { why?: string }).why)))
        pool.pods.add('zero');
    },
  });
  assertOk(baked);
  assert.deepEqual(ranOn(baked), { one: ['ci/zero', 'ci/zero'] });
  assert.deepEqual(
    only(baked, 'engine-returned').map(({ address }) => address),
    ['ci/zero'],
  );
});

test('where kubectl does not answer no pod is taken for gone', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  for (const name of ['a', 'b']) pool.pods.add(name);
  pool.of('b').fault({
    at: 'step',
    times: 1,
    act: () => {
      pool.kubectlFails = problem('engine/kubectl', 'the cluster cannot be reached', { temporary: true });
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, IN_PODS);
  assertOk(baked);
  assert.deepEqual(
    only(baked, 'engine-aside').map(({ address }) => address),
    ['ci/b'],
  );
  assert.equal(only(baked, 'engine-ready').length, 2);
});

test('pods that are not coming back: the error says what happened to each', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ a: 'linux/amd64' });
  pool.pods.add('a');
  pool.of('a').fault({
    at: 'step',
    act: () => {
      pool.of('a').isDown = true;
      pool.pods.clear();
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, { ...IN_PODS, builds: ['one'], engineWaitMs: 50 });
  const { problem: found } = baked.outcome('one');
  assert.equal(found?.code, 'engine/none-left');
  assert.match(found?.detail ?? '', /ci\/a: /);
});

test('builds that wait for an engine that few have keep no others from running', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  const names = ['big1', 'big2', 'big3'];
  await world.write({
    'builds.yaml': `engine: { pool: [{ address: "tcp://a:1", jobs: 1 }, { address: "tcp://b:1", jobs: 1, labels: [big] }] }
builds:
${names.map((name) => `  ${name}: { context: one, args: { N: ${name} }, engine: { labels: [big] }, outputs: [type=cacheonly] }\n`).join('')}  small: { context: two, outputs: [type=cacheonly] }
`,
  });
  let isSmallDone = false;
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  pool.of('b').fault({ at: 'start', act: () => promise });
  const baked = await pool.bake(world, {
    env: { BUILDKIT_HOST: '' },
    jobs: 2,
    onEvent: (event) => {
      if (event.type !== 'node-finished' || event.build !== 'small') return;
      isSmallDone = true;
      resolve();
    },
  });
  assertOk(baked);
  assert.ok(isSmallDone);
});
