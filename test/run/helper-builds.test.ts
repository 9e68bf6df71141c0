/** Whole runs of builds that are not pushed and have no tags: only other builds read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { assertOk, type Baked } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { accessTo, type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** Where the engine is looked for, its store looked into, and buildctl called. */
interface Asked {
  readonly access: EngineAccess;
  /** What was asked since the last time. */
  readonly take: () => string;
}

function countAsks(world: FakeWorld, canList = true): Asked {
  const access = accessTo(world.engine);
  let found = 0;
  let listed = 0;
  return {
    access: {
      ...access,
      find: (options) => {
        found += 1;
        return access.find(options);
      },
      listImages: async (...given) => {
        listed += 1;
        return canList ? access.listImages(...given) : undefined;
      },
    },
    take: () => {
      const text = `found ${found}, listed ${listed}, called ${world.engine.calls.length}`;
      [found, listed] = [0, 0];
      world.engine.forgetCalls();
      return text;
    },
  };
}

const NOTHING = 'found 0, listed 0, called 0';

/** `helper`, on it `middle`, and on that `app`, which alone is pushed. */
const makeChain = (t: Cleanup, record = 'local') =>
  makeFakeWorld(t, (host) => ({
    'builds.yaml': `record: ${record}
builds:
  helper: { context: helper }
  middle: { context: middle, contexts: { helper: "build:helper" } }
  app: { context: app, contexts: { middle: "build:middle" }, tags: ["${host}/app:1"], push: true }
`,
    'helper/Dockerfile': 'FROM scratch\nCOPY file /helper\n',
    'helper/file': 'helper\n',
    'middle/Dockerfile': 'FROM helper\nCOPY file /middle\n',
    'middle/file': 'middle\n',
    'app/Dockerfile': 'FROM middle\nCOPY file /app\n',
    'app/file': 'app\n',
  }));

const UNCHANGED = 'helper unchanged, middle unchanged, app unchanged';

function reasonsOf(baked: Baked): readonly (string | undefined)[] {
  return ['helper', 'middle', 'app'].map((name) => baked.outcome(name).reason?.code);
}

test('where nothing changed, no engine is asked about builds that only others read', async (t) => {
  for (const builds of [[], ['app']]) {
    const world = await makeChain(t);
    const { access, take } = countAsks(world);
    assertOk(await world.bake({ access, builds }));
    assert.notEqual(take(), NOTHING);
    const again = await world.bake({ access, builds });
    assertOk(again);
    assert.equal(kindsText(again), UNCHANGED);
    assert.deepEqual(reasonsOf(again), ['not-needed', 'not-needed', 'inputs-same']);
    assert.equal(take(), NOTHING);
  }
});

test('a store that lost them, or that nobody can look into, matters only where a reader is built', async (t) => {
  for (const canList of [true, false]) {
    const world = await makeChain(t);
    const { access, take } = countAsks(world, canList);
    assertOk(await world.bake({ access }));
    world.engine.loseImages();
    take();
    assert.equal(kindsText(await world.bake({ access })), UNCHANGED);
    assert.equal(take(), NOTHING);
    await world.write({ 'app/file': 'other\n' });
    const built = await world.bake({ access });
    assertOk(built);
    assert.equal(kindsText(built), 'helper built, middle built, app built');
    assert.deepEqual(reasonsOf(built), ['parent-lost', 'parent-lost', 'changed']);
  }
});

test('on a machine that knows only what a registry remembers, no engine is asked either', async (t) => {
  const world = await makeChain(t, 'registry');
  assertOk(await world.bake());
  const { access, take } = countAsks(world);
  take();
  assert.equal(kindsText(await world.bake({ access, home: await makeTempDir(t, 'other-home-') })), UNCHANGED);
  assert.equal(take(), NOTHING);
});

test('a changed one is built, and so is what reads it', async (t) => {
  const world = await makeChain(t);
  assertOk(await world.bake());
  await world.write({ 'helper/file': 'other\n' });
  assert.equal(kindsText(await world.bake()), 'helper built, middle built, app built');
});

test('where only files are read, a result that is the same builds no reader', async (t) => {
  const world = await makeChain(t);
  await world.write({ 'middle/Dockerfile': 'FROM scratch\nCOPY --from=helper /helper /middle\n' });
  assertOk(await world.bake());
  await world.write({ 'helper/Dockerfile': 'FROM scratch\nCOPY file /helper\nLABEL a=b\n' });
  assert.equal(kindsText(await world.bake()), 'helper built, middle unchanged, app unchanged');
});

test('what has a tag is looked for in the store, also where others read it', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': `builds:
  helper: { context: helper, tags: ["local/helper:1"] }
  app: { context: app, contexts: { helper: "build:helper" }, tags: ["local/app:1"] }
`,
    'helper/Dockerfile': 'FROM scratch\nCOPY file /helper\n',
    'helper/file': 'helper\n',
    'app/Dockerfile': 'FROM helper\n',
  }));
  assertOk(await world.bake());
  for (const name of [...world.engine.images.keys()])
    if (name.includes('local/helper')) world.engine.images.delete(name);
  const baked = await world.bake();
  assert.equal(baked.outcome('helper').reason?.code, 'image-gone');
});

test('what is needed for its place in the order alone, or named and not read, asks nobody again', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:
  first: { context: first }
  named: { context: first }
  app: { context: app, needs: [first], contexts: { named: "build:named" }, tags: ["${host}/app:1"], push: true }
`,
    'first/Dockerfile': 'FROM scratch\nCOPY file /first\n',
    'first/file': 'first\n',
    'app/Dockerfile':
      'FROM scratch AS other\nCOPY --from=named /first /first\nFROM scratch\nCOPY file /app\n',
    'app/file': 'app\n',
  }));
  const { access, take } = countAsks(world);
  const baked = await world.bake({ access, builds: ['app'] });
  assertOk(baked);
  assert.equal(kindsText(baked), 'first built, app built');
  take();
  world.engine.loseImages();
  assert.equal(kindsText(await world.bake({ access, builds: ['app'] })), 'first unchanged, app unchanged');
  assert.equal(take(), NOTHING);
});
