/** Runs on several engines: who builds what, what a build reads of others, and engines that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMembers } from '../../lib/engine/mod.ts';
import type { PoolAccess } from '../../lib/run/mod.ts';
import { assertOk, codesOf } from '../rig/baking.ts';
import { makeFakePool } from '../rig/fake-pool.ts';
import type { FakeWorld } from '../rig/fake-world.ts';
import { LOST, makeFamily, makeNine, NAMES, only, ranOn } from '../rig/pool-worlds.ts';
import type { Cleanup } from '../rig/temp.ts';

const THREE = { a: 'linux/amd64', b: 'linux/amd64', c: 'linux/amd64' };

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

/** Builds that stand alone, each with a step that runs. */
async function makeRunning(t: Cleanup): Promise<FakeWorld> {
  const world = await makeNine(t);
  await world.write(
    Object.fromEntries(
      NAMES.map((name) => [`${name}/Dockerfile`, `FROM scratch\nCOPY file file\nRUN make ${name}\n`]),
    ),
  );
  return world;
}

test('a step that finds the disk full goes to another engine, and the second one says that it is the engine', async (t) => {
  const world = await makeRunning(t);
  const pool = makeFakePool(THREE);
  pool.of('c').isFull = true;
  const baked = await pool.bake(world);
  assertOk(baked);
  assert.deepEqual(codesOf(baked), []);
  const tried = Object.values(ranOn(baked)).filter((engines) => engines.includes('tcp://c:1'));
  assert.ok(tried.length > 1, String(tried.length));
  for (const engines of tried) assert.equal(engines.length, 2);
  assert.deepEqual(
    only(baked, 'engine-aside').map(({ address }) => address),
    ['tcp://c:1'],
  );
});

test('a step that fills a disk of its own costs no other build an engine', async (t) => {
  const world = await makeRunning(t);
  const pool = makeFakePool(THREE);
  for (const engine of pool.engines.values()) engine.isFull = true;
  const baked = await pool.bake(world, { builds: ['one'] });
  assert.deepEqual(codesOf(baked), ['build/step-failed of one']);
  assert.deepEqual(only(baked, 'engine-aside'), []);
  assert.ok(new Set(ranOn(baked)['one']).size === 3);
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

test('an address that is none is an error, whatever the others do', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  const list: PoolAccess['list'] = (entries, options) => listMembers(entries, options);
  const { pool: fake } = pool.access;
  assert(fake !== undefined);
  const access = { ...pool.access, pool: { ...fake, list } };
  const baked = await pool.bake(world, {
    builds: ['one'],
    access,
    env: { BUILDKIT_HOST: 'tcp://a:1 http://b:1' },
  });
  assert.deepEqual(codesOf(baked), ['engine/bad-address of one']);
  assert.match(
    baked.outcome('one').problem?.message ?? '',
    /"http:\/\/b:1" \(from --addr .* or BUILDKIT_HOST\)/,
  );
  // Where nothing is left to be asked, it is said why, and not that nobody answers.
  const tls = 'engine: { tls: { ca: none.pem } }\n';
  await world.write({
    'builds.yaml': `${tls}builds: { one: { context: one, outputs: [type=cacheonly] } }\n`,
  });
  const unsure = await pool.bake(world, { builds: ['one'], access });
  assert.deepEqual(codesOf(unsure), ['engine/tls-files of one']);
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

test('nor is it begun again without end where its only engine comes back each time', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  pool.of('b').isDown = true;
  pool.of('a').fault({ at: 'step', times: 20, act: LOST });
  const baked = await pool.bake(world, { builds: ['one'], engineWaitMs: 10_000 });
  assert.deepEqual(codesOf(baked), ['engine/lost of one']);
  assert.match(baked.outcome('one').problem?.message ?? '', /, 4 times$/);
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

test('a build that names no platform does not go to an engine that is kept for another one', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  await world.write({
    'builds.yaml': `engine: { pool: [{ address: "tcp://a:1", platforms: [linux/arm64] }, "tcp://b:1"] }
builds:
${NAMES.map((name) => `  ${name}: { context: ${name}, outputs: [type=cacheonly] }`).join('\n')}
  arm: { context: one, platforms: [linux/arm64], outputs: [type=cacheonly] }
`,
  });
  const baked = await pool.bake(world, { env: { BUILDKIT_HOST: '' } });
  assertOk(baked);
  const { arm, ...plain } = ranOn(baked);
  assert.deepEqual(arm, ['tcp://a:1']);
  assert.deepEqual([...new Set(Object.values(plain).flat())], ['tcp://b:1']);
});

test('an engine of a pool that cannot use a registry: the hint says what its configuration lacks', async (t) => {
  const world = await makeNine(
    t,
    'registries: { registry.example.com: { mirrors: [mirror.example.com] }, inside.example.com: { http: true } }\n',
  );
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  const refusal = {
    fail: 'error: failed to do request: Head "https://inside.example.com/v2/a/manifests/1": http: server gave HTTP response to HTTPS client',
  };
  for (const engine of pool.engines.values()) engine.fault({ at: 'step', when: 'one', act: refusal });
  const baked = await pool.bake(world, { builds: ['one'] });
  const { problem } = baked.outcome('one');
  assert.equal(problem?.code, 'registry/http');
  assert.match(
    problem.hint ?? '',
    /buildkitd\.toml:\n\[registry\."registry\.example\.com"\][\s\S]*inside\.example\.com/,
  );
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
  // Nobody waits for an engine that there is not.
  assert.deepEqual([only(baked, 'engine-waiting'), only(baked, 'engine-waited')], [[], []]);
});

test('that a pool keeps no images is said in words of a pool', async (t) => {
  const world = await makeNine(t);
  const pool = makeFakePool(THREE);
  await world.write({ 'builds.yaml': 'builds: { one: { context: one } }\n' });
  assertOk(await pool.bake(world));
  const again = await pool.bake(world);
  assertOk(again);
  const said = only(again, 'warning').find(({ problem }) => problem.code === 'run/keeps-no-images');
  assert.match(said?.problem.message ?? '', /^engines of a pool keep no images/);
  assert.doesNotMatch(said?.problem.hint ?? '', /containerd/);
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
