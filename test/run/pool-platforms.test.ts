/** Builds whose platforms no single engine of a pool has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { makeFakePool } from '../rig/fake-pool.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { LOST, only } from '../rig/pool-worlds.ts';
import type { Cleanup } from '../rig/temp.ts';

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
  const calls = only(baked, 'node-started').map(({ engine, platforms }) => [engine, platforms]);
  assert.deepEqual(calls.sort(), [
    ['tcp://a:1', ['linux/amd64']],
    ['tcp://b:1', ['linux/arm64']],
  ]);
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
  const baked = await pool.bake(world);
  assert.deepEqual(codesOf(baked), ['engine/platforms-apart of app']);
  assert.match(baked.outcome('app').problem?.hint ?? '', /^Push it/);
  await world.write({
    'builds.yaml': `builds:
  app: { context: ., platforms: [linux/amd64, linux/arm64], tags: ["r.test/app:1"], push: true }
  child: { context: child, contexts: { base: "build:app" }, platforms: [linux/amd64], outputs: [type=cacheonly] }
`,
    'child/Dockerfile': 'FROM base\n',
  });
  const needed = await pool.bake(world, { builds: ['child'] });
  assert.deepEqual(codesOf(needed), ['engine/platforms-apart of app']);
  assert.match(needed.outcome('app').problem?.hint ?? '', /name it, too, set `push: always`/);
});

/** `base` over two platforms, which nobody pushes, and `app`, which reads it. */
function makeTwoLevels(t: Cleanup): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `engine: { scratch: "${host}/ci/scratch" }
builds:
  base: { context: base, platforms: [linux/amd64, linux/arm64] }
  app: { context: app, contexts: { base: "build:base" }, platforms: [linux/amd64, linux/arm64], tags: ["${host}/app:1"], push: true }
`,
    'base/Dockerfile': 'FROM scratch\nCOPY Dockerfile /base\n',
    'app/Dockerfile': 'FROM base\nCOPY Dockerfile /app\n',
  }));
}

test('of an index that goes through a repository its images are not left there either', async (t) => {
  const world = await makeTwoLevels(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  let most = 0;
  const baked = await pool.bake(world, {
    onEvent: () => {
      most = Math.max(most, world.registry.store.manifestsOf('ci/scratch').length);
    },
  });
  assertOk(baked);
  assert.ok(most >= 3, String(most));
  assert.deepEqual(world.registry.store.manifestsOf('ci/scratch'), []);
});

test('nor is the one platform that was built where the other one failed', async (t) => {
  const world = await makeTwoLevels(t);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/arm64' });
  let most = 0;
  pool.of('b').fault({
    at: 'start',
    act: async () => {
      const { store } = world.registry;
      for (let turn = 0; turn < 1_000 && store.manifestsOf('ci/scratch').length === 0; turn++)
        await new Promise((resolve) => setTimeout(resolve, 1));
      most = store.manifestsOf('ci/scratch').length;
    },
  });
  pool.of('b').fault({
    at: 'step',
    act: { fail: 'error: failed to solve: process "/bin/sh" did not complete successfully: exit code: 1' },
  });
  const baked = await pool.bake(world);
  assert.equal(baked.outcome('base').kind, 'failed');
  assert.equal(most, 1);
  assert.deepEqual(world.registry.store.manifestsOf('ci/scratch'), []);
});
