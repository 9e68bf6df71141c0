/** An engine that goes away in the middle of a run: it is waited for once, and what was lost is built again once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ok } from '../../lib/model/mod.ts';
import { EngineReturn } from '../../lib/run/engine-return.ts';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { assertOk, type Baked } from '../rig/baking.ts';
import { kindsText, lifeOf } from '../rig/failure-bench.ts';
import { CONNECTION_LOST } from '../rig/fake-engine.ts';
import { accessTo, type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const NAMES = ['a', 'b', 'c', 'd'];

/** Builds that have nothing to do with one another. */
function makeFour(t: Cleanup): Promise<FakeWorld> {
  const builds = NAMES.map((name) => `  ${name}: { context: ${name} }\n`).join('');
  return makeFakeWorld(t, () => ({
    'builds.yaml': `builds:\n${builds}`,
    ...Object.fromEntries(
      NAMES.flatMap((name) => [[`${name}/Dockerfile`, `FROM scratch\nCOPY f /${name}\n`]]),
    ),
    ...Object.fromEntries(NAMES.flatMap((name) => [[`${name}/f`, `${name}\n`]])),
  }));
}

const waitsOf = ({ events }: Baked) =>
  events.flatMap((event) =>
    event.type === 'engine-waiting' || event.type === 'engine-waited' ? [event] : [],
  );

/** From the first step of any build on, the engine is away for so many questions; 0: for good. */
function goAway(world: FakeWorld, questions: number): () => number {
  let asked = 0;
  world.engine.fault({
    at: 'step',
    times: 1,
    act: () => {
      world.engine.isDown = true;
      throw Object.assign(new Error(CONNECTION_LOST), { lines: [CONNECTION_LOST] });
    },
  });
  const run = world.engine.run;
  Object.assign(world.engine, {
    run: async (call: Parameters<typeof run>[0]) => {
      if (world.engine.isDown && call.argv.includes('workers') && ++asked === questions)
        world.engine.isDown = false;
      return run(call);
    },
  });
  return () => asked;
}

test('an engine that comes back is waited for once, and what it lost is built again', async (t) => {
  const world = await makeFour(t);
  goAway(world, 3);
  const baked = await world.bake({ jobs: 1 });
  assertOk(baked);
  assert.deepEqual(NAMES.map((name) => lifeOf(baked, name)).sort(), ['KDSF', 'KDSF', 'KDSF', 'KDSRSF']);
  const [waiting, waited, ...more] = waitsOf(baked);
  assert.deepEqual(more, []);
  assert.equal(waiting?.type === 'engine-waiting' && waiting.waitMs, 30_000);
  assert.equal(waiting?.address, world.engine.address);
  assert.equal(waited?.type === 'engine-waited' && waited.back, true);
});

test('a build waits in its slot, and says that it is the engine it waits for', async (t) => {
  const world = await makeFour(t);
  goAway(world, 3);
  const { run } = world.engine;
  Object.assign(world.engine, {
    run: async (call: Parameters<typeof run>[0]) => {
      if (world.engine.isDown) for (let turn = 0; turn < 5; turn++) await nextTurn();
      return run(call);
    },
  });
  const baked = await world.bake({ jobs: 1 });
  assertOk(baked);
  const [waiting, waited] = waitsOf(baked);
  // The other builds have no slot; how far they are by then differs between the runtimes.
  const during = baked.events.flatMap((event) =>
    event.type === 'node-phase' &&
    event.slot !== undefined &&
    event.seq > (waiting?.seq ?? 0) &&
    event.seq < (waited?.seq ?? 0)
      ? [`${event.phase} ${event.slot} ${event.waitsFor}`]
      : [],
  );
  assert.deepEqual(during, ['queued 0 engine']);
});

test('builds that had not started wait as well, and are tried once only', async (t) => {
  const world = await makeFour(t);
  goAway(world, 4);
  const baked = await world.bake({ jobs: 4 });
  assertOk(baked);
  const ends = waitsOf(baked).filter(({ type }) => type === 'engine-waited');
  assert(ends.length > 0 && ends.every((end) => end.type === 'engine-waited' && end.back));
  // A build whose call broke with the others' may learn of it when they go on already, and finds the engine back.
  assert(ends.length <= NAMES.length);
  assert.deepEqual(
    NAMES.filter((name) => !['KDSF', 'KDSRSF'].includes(lifeOf(baked, name))),
    [],
  );
});

test('where it does not come back, every build fails with that, after one wait for all', async (t) => {
  const world = await makeFour(t);
  const asked = goAway(world, 0);
  const baked = await world.bake({ jobs: 1, engineWaitMs: 2_000 });
  assert.equal(kindsText(baked), 'a failed, b failed, c failed, d failed');
  assert.equal(waitsOf(baked).length, 2);
  const [, waited] = waitsOf(baked);
  assert.equal(waited?.type === 'engine-waited' && waited.back, false);
  // A question when it was noticed, four while it was waited for, and one for each build after that.
  assert.equal(asked(), 1 + 4 + 3);
  const problems = NAMES.map((name) => baked.outcome(name).problem);
  assert.deepEqual(problems.map((one) => one?.code).sort(), [
    'engine/lost',
    ...['b', 'c', 'd'].map(() => 'engine/unreachable'),
  ]);
  for (const one of problems) assert.match(one?.message ?? '', /, and no engine answered within 2 s$/);
});

test('an engine that goes away each time fails the build the second time', async (t) => {
  const world = await makeFour(t);
  world.engine.fault({ when: '/a\n', at: 'step', act: { fail: CONNECTION_LOST } });
  const baked = await world.bake({ builds: ['a'] });
  assert.equal(lifeOf(baked, 'a'), 'KDSRSF');
  assert.match(baked.outcome('a').problem?.message ?? '', /broke during the build, again$/);
  // It answered at once, and is said to have been away all the same, each time.
  assert.deepEqual(
    waitsOf(baked).map(({ type }) => type),
    ['engine-waiting', 'engine-waited', 'engine-waiting', 'engine-waited'],
  );
});

test('the embedded engine is started again; another one never is', async (t) => {
  for (const [kind, starts] of [
    ['embedded', true],
    ['environment', false],
  ] as const) {
    const world = await makeFour(t);
    goAway(world, 0);
    let finds = 0;
    const access: EngineAccess = {
      ...accessTo(world.engine),
      run: (call) => world.engine.run(call),
      find: async (options) => {
        finds++;
        if (finds === 3) world.engine.isDown = false;
        const found = await accessTo(world.engine).find(options);
        return found.ok ? ok({ ...found.value, kind }) : found;
      },
    };
    const baked = await world.bake({ builds: ['a'], access, engineWaitMs: 2_000 });
    assert.equal(baked.summary.ok, starts, kind);
    assert.equal(finds, starts ? 3 : 1);
  }
});

test('a run that is stopped while the engine is waited for is cancelled', async (t) => {
  const world = await makeFour(t);
  goAway(world, 0);
  const stopper = new AbortController();
  const baked = await world.bake({
    jobs: 1,
    signal: stopper.signal,
    onEvent: (event) => {
      if (event.type === 'engine-waiting') stopper.abort();
    },
  });
  assert.equal(kindsText(baked), 'a cancelled, b cancelled, c cancelled, d cancelled');
});

test('who asks while it is asked gets the same answer, and asks anew afterwards', async () => {
  let asked = 0;
  const ask = async () => ++asked > 1;
  const engine = new EngineReturn({
    ask,
    askOrStart: ask,
    address: () => 'unix:///x',
    waitMs: 0,
    sleep: async () => undefined,
    emit: () => undefined,
    signal: new AbortController().signal,
  });
  assert.deepEqual(await Promise.all([engine.answers(), engine.answers()]), [false, false]);
  assert.equal(await engine.answers(), true);
  assert.equal(asked, 2);
  // One more time is asked, even where nothing is left to wait.
  assert.equal(await engine.wait('gone'), true);
});
