/** Rows of failures with a fake engine and a fake registry. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertOk } from './baking.ts';
import { type Bench, rowTree, stateBlocker } from './failure-bench.ts';
import { FakeEngine } from './fake-engine.ts';
import { type FakeWorld, makeFakeWorld, putBase } from './fake-world.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** Makes a bench of fakes. The registry is a lax one: that nothing is named before it is there is up to us. */
export async function makeFakeBench(
  t: Cleanup,
  set?: string,
): Promise<Bench & { readonly world: FakeWorld }> {
  const world = await makeFakeWorld(t, (host) => rowTree(host, set), { lax: true });
  const { registry, engine } = world;
  putBase(registry, 'base', '1', 'one');
  const state = stateBlocker(world.home);
  return {
    world,
    write: world.write,
    bake: (options) => world.bake(options),
    tagOf: async (build) => registry.store.tags()[`app/${build}:dev`],
    records: () => world.records(),
    moveBase: () => putBase(registry, 'base', '1', 'two'),
    async inject(fault) {
      if (fault.on === 'registry') registry.fault(fault.rule);
      else if (fault.on === 'engine') engine.fault(fault.fault);
      else await state.block(fault.path);
    },
    async mend() {
      registry.mend();
      engine.mend();
      await state.clear();
    },
    async assertSound() {
      assert.deepEqual(registry.store.brokenTags(), []);
      assert.deepEqual(registry.earlyTags, []);
      for (const { build, digest } of await world.records()) {
        const manifest = registry.store.manifest(`app/${build}`, digest);
        assert(manifest !== undefined, `${build} is recorded and was not pushed`);
        assert.deepEqual(registry.store.missingBelow(`app/${build}`, manifest), []);
      }
      assert.equal(engine.running, 0);
      for (let turns = 0; registry.openSockets('bake-ts') > 0 && turns < 1_000; turns++) await nextTurn();
      assert.equal(registry.openSockets('bake-ts'), 0, 'connections are left open');
    },
    async assertTrue() {
      const tags = registry.store.tags();
      const fresh = await world.bake({
        force: true,
        engine: new FakeEngine(),
        home: await makeTempDir(t, 'world-fresh-'),
      });
      assertOk(fresh);
      assert.deepEqual(registry.store.tags(), tags);
    },
  };
}
