/** Two runs at once on one memory, one registry and one engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk, codesOf } from '../rig/baking.ts';
import { assertEvents, kindsText, rowTree, SAME } from '../rig/failure-bench.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { makeSignal } from '../rig/fake-registry-faults.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** A second checkout of the rows' repository. */
async function makeCheckout(t: Cleanup, host: string, files: Readonly<Record<string, string>>) {
  const dir = await makeTempDir(t, 'world-checkout-');
  await writeTree(dir, { ...rowTree(host), ...files });
  return dir;
}

test('two runs of the same at once both succeed, and leave nothing to do', async (t) => {
  const bench = await makeFakeBench(t);
  const runs = await Promise.all([bench.bake(), bench.bake(), bench.bake({ force: true })]);
  for (const baked of runs) {
    assertOk(baked);
    assertEvents(baked);
  }
  await bench.assertSound();
  const after = await bench.bake();
  assert.equal(kindsText(after), SAME);
  await bench.assertTrue();
});

test('two checkouts with other files and one memory: the last tag stays, and who has lost it puts it back', async (t) => {
  const bench = await makeFakeBench(t);
  const { world } = bench;
  const other = await makeCheckout(t, world.registry.host, { 'c/file': 'other\n' });
  // The tag of the first one waits at the registry until the second one is done.
  const held = world.registry.fault({
    method: 'PUT',
    from: 'bake-ts',
    path: '/app/c/manifests/dev',
    nth: 1,
    act: { kind: 'hold' },
  });
  const first = world.bake();
  await held.reached;
  assertOk(await world.bake({ dir: other }));
  held.release();
  assertOk(await first);
  await bench.assertSound();
  assert.equal(kindsText(await world.bake()), SAME);
  const back = await world.bake({ dir: other });
  assert.equal(kindsText(back), 'a unchanged, b unchanged, c retagged');
  assert.equal(back.summary.buildctlCalls, 0);
});

test('a run whose files another one edits in the meantime remembers nothing that is not so', async (t) => {
  const bench = await makeFakeBench(t);
  const { world } = bench;
  const reached = makeSignal();
  const released = makeSignal();
  world.engine.fault({
    when: '/c\n',
    at: 'start',
    times: 1,
    act: () => {
      reached.resolve();
      return released.promise;
    },
  });
  const first = world.bake();
  await reached.promise;
  await world.write({ 'c/file': 'edited\n' });
  assertOk(await world.bake());
  released.resolve();
  assert.deepEqual(codesOf(await first), ['warning run/changed-while-building of c']);
  await bench.assertSound();
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), SAME);
  await bench.assertTrue();
});

test('two checkouts whose files look the same to the engine do not get each other’s', async (t) => {
  const bench = await makeFakeBench(t);
  const { world } = bench;
  const other = await makeCheckout(t, world.registry.host, { 'c/file': 'C\n' });
  const { utimes } = await import('node:fs/promises');
  const time = new Date(1_700_000_000_000);
  for (const dir of [world.dir, other]) await utimes(`${dir}/c/file`, time, time);
  const [here, there] = await Promise.all([
    world.bake({ builds: ['c'] }),
    world.bake({ dir: other, builds: ['c'] }),
  ]);
  assertOk(here);
  assertOk(there);
  // An engine that was never sent anything makes the same of each of them.
  for (const [dir, baked] of [
    [world.dir, here],
    [other, there],
  ] as const) {
    const home = await makeTempDir(t, 'world-fresh-');
    const fresh = await world.bake({ dir, home, engine: new FakeEngine(), builds: ['c'] });
    assert.equal(fresh.outcome('c').digest, baked.outcome('c').digest);
  }
});

test('two machines that share records at once may lose some, which costs builds and nothing else', async (t) => {
  const bench = await makeFakeBench(t, 'record: registry\n');
  const { world } = bench;
  const home = await makeTempDir(t, 'world-machine-');
  const dir = await makeCheckout(t, world.registry.host, {
    'builds.yaml': rowTree(world.registry.host, 'record: registry\n')['builds.yaml'] ?? '',
    'c/file': 'other\n',
  });
  // The first one has read what is shared, and writes when the second one has written.
  const held = world.registry.fault({
    method: 'PUT',
    from: 'bake-ts',
    path: '/app/c/manifests/bake-records',
    nth: 1,
    act: { kind: 'hold' },
  });
  const first = world.bake();
  await held.reached;
  assertOk(await world.bake({ dir, home }));
  held.release();
  assertOk(await first);
  const third = await world.bake({ dir, home: await makeTempDir(t, 'world-third-') });
  assertOk(third);
  assert.equal(kindsText(third), 'a unchanged, b unchanged, c built');
  await bench.assertSound();
  // Who still knows what was lost says so again.
  assertOk(await world.bake({ dir, home }));
  const fourth = await world.bake({ dir, home: await makeTempDir(t, 'world-fourth-') });
  assert.equal(kindsText(fourth), SAME);
});

test('of two runs at once one is cancelled, and the other one comes to its end', async (t) => {
  const bench = await makeFakeBench(t);
  const { world } = bench;
  const controller = new AbortController();
  world.engine.fault({ when: '/c\n', at: 'step', times: 1, act: () => controller.abort() });
  const [cancelled, other] = await Promise.all([
    world.bake({ signal: controller.signal }),
    world.bake({ builds: ['a', 'b'] }),
  ]);
  assert.equal(cancelled.summary.cancelled, true);
  assert.equal(cancelled.outcome('c').kind, 'cancelled');
  assertEvents(cancelled);
  assertOk(other);
  await bench.assertSound();
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), SAME);
  await bench.assertTrue();
});

test('two runs that move tags together at once leave every tag at a whole image, and the next run puts it right', async (t) => {
  const bench = await makeFakeBench(t, 'publish: together\n');
  const { world } = bench;
  assertOk(await world.bake());
  const dir = await makeCheckout(t, world.registry.host, {
    'builds.yaml': rowTree(world.registry.host, 'publish: together\n')['builds.yaml'] ?? '',
    'a/file': 'other\n',
    'c/file': 'other\n',
  });
  await world.write({ 'b/file': 'B\n' });
  // The first one fails at its last tag, once the second one has moved its own.
  const held = world.registry.fault({
    method: 'PUT',
    from: 'bake-ts',
    path: '/app/b/manifests/dev',
    nth: 1,
    act: { kind: 'hold' },
  });
  const first = world.bake();
  await held.reached;
  const second = await world.bake({ dir });
  assertOk(second);
  held.release();
  assertOk(await first);
  await bench.assertSound();
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), SAME);
  await bench.assertTrue();
});

test('of two runs that would put an immutable tag the first one has it, and the other one is refused', async (t) => {
  const set = 'immutable: ["dev"]\n';
  const bench = await makeFakeBench(t, set);
  const { world } = bench;
  const dir = await makeCheckout(t, world.registry.host, {
    'builds.yaml': rowTree(world.registry.host, set)['builds.yaml'] ?? '',
    'c/file': 'other\n',
  });
  const reached = makeSignal();
  const released = makeSignal();
  world.engine.fault({
    when: '/c\n',
    at: 'start',
    times: 1,
    act: () => {
      reached.resolve();
      return released.promise;
    },
  });
  const slow = world.bake({ builds: ['c'] });
  await reached.promise;
  const quick = await world.bake({ dir, builds: ['c'] });
  assertOk(quick);
  released.resolve();
  assert.deepEqual(codesOf(await slow), ['run/immutable-tag of c']);
  assert.equal(await bench.tagOf('c'), quick.outcome('c').digest);
});
