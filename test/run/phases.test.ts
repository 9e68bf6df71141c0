/** What is done for a build and for how long: as events tell it, and as its outcome does. */
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { Phases } from '../../lib/run/phases.ts';
import { Semaphore } from '../../lib/run/scheduler.ts';
import { Turns } from '../../lib/run/turns.ts';
import { assertOk, type Baked } from '../rig/baking.ts';
import { makeSignal } from '../rig/fake-registry-faults.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { assertPhases, phasesText, readPhases } from '../rig/phase-check.ts';
import type { Cleanup } from '../rig/temp.ts';

function makePhases() {
  const told: string[] = [];
  const clock = { now: 0 };
  const phases = new Phases(
    (event) => {
      assert(event.type === 'node-phase');
      told.push(
        `${event.build} ${event.phase}${event.slot === undefined ? '' : `@${event.slot}`} ${clock.now}`,
      );
    },
    () => clock.now,
  );
  return { phases, told, clock };
}

test('time in the queue and time in which something is done are counted apart, each once', () => {
  const { phases, told, clock } = makePhases();
  phases.begin('a');
  clock.now = 10;
  phases.enter('a', 'queued');
  phases.enter('a', 'queued');
  clock.now = 1_010;
  phases.enter('a', 'building', 2);
  clock.now = 3_010;
  phases.enter('a', 'pushing', 2);
  clock.now = 3_310;
  phases.enter('a', 'pushing');
  clock.now = 4_010;
  assert.deepEqual(phases.finish('a'), { durationMs: 3_010, queuedMs: 1_000 });
  clock.now = 9_000;
  assert.deepEqual(phases.finish('a'), { durationMs: 3_010, queuedMs: 1_000 });
  assert.deepEqual(told, [
    'a checking 0',
    'a queued 10',
    'a building@2 1010',
    'a pushing@2 3010',
    'a pushing 3310',
  ]);
});

test('what has not begun has no phase and no time; what begins again goes on counting', () => {
  const { phases, told, clock } = makePhases();
  phases.enter('a', 'queued');
  clock.now = 5;
  assert.deepEqual(phases.finish('a'), { durationMs: 0 });
  phases.begin('a');
  clock.now = 7;
  phases.finish('a');
  // A call that is being stopped has nothing to say any more.
  phases.enter('a', 'building', 0);
  clock.now = 100;
  phases.begin('a');
  clock.now = 103;
  assert.deepEqual(phases.finish('a'), { durationMs: 5 });
  assert.deepEqual(told, ['a checking 5', 'a checking 100']);
});

test('who waits for what is there already is not queued', async () => {
  const { phases, told } = makePhases();
  phases.begin('a');
  assert.equal(await phases.waiting('a', Promise.resolve(7)), 7);
  await assert.rejects(phases.waiting('a', Promise.reject(new Error('no'))), /no/);
  assert.deepEqual(told, ['a checking 0']);
  const { promise, resolve } = makeSignal();
  const waiting = phases.waiting('a', promise);
  await nextTurn();
  resolve();
  await waiting;
  assert.deepEqual(told, ['a checking 0', 'a queued 0']);
});

test('the lowest free slot is given, and only who has to wait is told to', async () => {
  const semaphore = new Semaphore(2);
  const waited: string[] = [];
  const got: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) =>
    semaphore.with(
      0,
      async (_giveBack, slot) => {
        got.push(`${name}@${slot}`);
        await new Promise<void>((resolve) => ends.set(name, resolve));
      },
      () => waited.push(name),
    );
  const all = [start('a'), start('b'), start('c')];
  const end = async (name: string) => {
    ends.get(name)?.();
    await nextTurn();
  };
  await end('b');
  await end('a');
  await end('c');
  all.push(start('d'), start('e'));
  await nextTurn();
  await end('d');
  await end('e');
  await Promise.all(all);
  assert.deepEqual(got, ['a@0', 'b@1', 'c@1', 'd@0', 'e@1']);
  assert.deepEqual(waited, ['c']);
});

test('who has to wait for its turn beside others is told so', async () => {
  const turns = new Turns();
  const waited: string[] = [];
  const first = makeSignal();
  const all = [
    turns.beside(
      () => first.promise,
      () => waited.push('first'),
    ),
    turns.beside(
      async () => undefined,
      () => waited.push('beside'),
    ),
    turns.alone(
      async () => undefined,
      () => waited.push('alone'),
    ),
  ];
  await nextTurn();
  first.resolve();
  await Promise.all(all);
  assert.deepEqual(waited, ['alone']);
});

const NAMES = Array.from({ length: 12 }, (_, at) => `b${at + 10}`);

/** Equal builds that need nothing of one another. */
function makeEqualBuilds(t: Cleanup, names: readonly string[] = NAMES): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:\n${names
      .map((name) => `  ${name}: { context: ., tags: ["${host}/app/${name}:1"], push: true }\n`)
      .join('')}`,
    Dockerfile: 'FROM scratch\nCOPY file /\nRUN make it\n',
    file: 'x\n',
  }));
}

const HOLD_MS = 40;

test('with one slot each build says how long it took itself, and how long it waited', async (t) => {
  const world = await makeEqualBuilds(t);
  const queued = makeSignal();
  const waiting = new Set<string>();
  const heldMs: number[] = [];
  world.engine.fault({
    at: 'step',
    act: async () => {
      // Whoever is first is held until all others have nothing to do but to wait.
      await queued.promise;
      const from = performance.now();
      await delay(HOLD_MS);
      heldMs.push(performance.now() - from);
    },
  });
  const from = performance.now();
  const baked = await world.bake({
    jobs: 1,
    onEvent: (event) => {
      if (event.type === 'node-phase' && event.phase === 'queued') waiting.add(event.build);
      if (waiting.size === NAMES.length - 1) queued.resolve();
    },
  });
  const runMs = performance.now() - from;
  assertOk(baked);
  assertPhases(baked.events);
  const others = heldMs.slice(1);
  const overheadMs = runMs - others.reduce((sum, one) => sum + one, 0);
  const order = readPhases(baked.events).flatMap(({ phase, build }) => (phase === 'building' ? build : []));
  assert.deepEqual([...new Set(order)].length, NAMES.length);
  order.slice(1).forEach((name, at) => {
    const { durationMs, queuedMs = 0 } = baked.outcome(name);
    const own = others[at] ?? 0;
    const before = others.slice(0, at).reduce((sum, one) => sum + one, 0);
    assert(durationMs >= own - 1 && durationMs <= own + overheadMs + 1, `${name}: ${durationMs} of ${own}`);
    assert(queuedMs >= before - 1, `${name}: ${queuedMs} of ${before}`);
  });
  const [first = ''] = order;
  assert.equal(baked.outcome(first).queuedMs, undefined, 'it got its slot at once');
  for (const record of await world.records()) assert(record.durationMs < 2 * HOLD_MS + overheadMs);
});

test('phases come in their order, with a slot from building on', async (t) => {
  const world = await makeEqualBuilds(t, ['a', 'b', 'c']);
  const baked = await world.bake({ jobs: 2 });
  assertOk(baked);
  assertPhases(baked.events);
  const texts = ['a', 'b', 'c'].map((name) => phasesText(baked.events, name));
  const slots = new Set(texts.map((text) => /@(\d)/.exec(text)?.[1]));
  assert.deepEqual(slots, new Set(['0', '1']));
  for (const text of texts)
    assert.match(text, /^checking( queued)? building@(\d)( exporting@\2)? pushing@\2 tagging$/);
  assert.equal(texts.filter((text) => text.includes('queued')).length, 1);

  const again = await world.bake();
  for (const name of ['a', 'b', 'c']) {
    assert.equal(phasesText(again.events, name), 'checking');
    assert.equal(again.outcome(name).queuedMs, undefined);
  }
  assertPhases(again.events);
  world.registry.store.deleteManifest('app/a', '1');
  assert.equal(phasesText((await world.bake()).events, 'a'), 'checking tagging');
});

test('a slow push gives its slot back, and says so first', async (t) => {
  const world = await makeEqualBuilds(t, ['a', 'b']);
  const hold = world.registry.fault({
    method: 'PUT',
    path: /app\/[ab]\/manifests/,
    from: 'engine',
    nth: 1,
    act: { kind: 'hold' },
  });
  const baked = await world.bake({
    jobs: 1,
    slowPushMs: 1,
    onEvent: (event) => {
      if (event.type === 'node-finished') hold.release();
    },
  });
  assertOk(baked);
  assertPhases(baked.events);
  const [slow, quick] = ['a', 'b'].map((name) => phasesText(baked.events, name)).sort();
  assert.match(`${slow}`, /^checking building@0( exporting@0)? pushing@0 pushing tagging$/);
  assert.match(`${quick}`, /^checking queued building@0/);
});

test('what never ran has no time and no phase, and nothing begins after the run was stopped', async (t) => {
  const world = await makeEqualBuilds(t, ['a', 'b', 'c', 'd']);
  const all = (baked: Baked) => baked.summary.outcomes.map(({ kind }) => kind);
  const controller = new AbortController();
  world.engine.fault({ at: 'step', act: 'hang' });
  const waiting = new Set<string>();
  const baked = await world.bake({
    jobs: 1,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'node-started') waiting.add(event.build);
      if (event.type === 'node-phase' && event.phase === 'queued') waiting.add(event.build);
      if (waiting.size === 4) controller.abort('SIGINT');
    },
  });
  assert.deepEqual(all(baked), ['cancelled', 'cancelled', 'cancelled', 'cancelled']);
  assertPhases(baked.events);
  assert.deepEqual([baked.summary.buildctlCalls, world.engine.builds.length], [1, 1]);
  const built = readPhases(baked.events).filter(({ phase }) => phase === 'building');
  assert.equal(built.length, 1);

  const none = await world.bake({ signal: AbortSignal.abort('SIGINT') });
  assert.deepEqual(readPhases(none.events), []);
  for (const { durationMs, queuedMs } of none.summary.outcomes)
    assert.deepEqual([durationMs, queuedMs], [0, undefined]);
});

test('forty builds at a time make no warning of the process', async (t) => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const names = Array.from({ length: 40 }, (_, at) => `b${at + 10}`);
  const world = await makeEqualBuilds(t, names);
  const all = makeSignal();
  let running = 0;
  // Nobody goes on before all are under way.
  world.engine.fault({
    at: 'step',
    act: () => {
      if (++running === names.length) all.resolve();
      return all.promise;
    },
  });
  const baked = await world.bake({ jobs: 40, signal: new AbortController().signal });
  assertOk(baked);
  assertPhases(baked.events);
  assert.equal(new Set(readPhases(baked.events).flatMap(({ slot }) => slot ?? [])).size, 40);
  // Warnings come a turn later.
  await nextTurn();
  assert.deepEqual(warnings, []);
});

test('a signal from outside is told of once, with its name, and a failure that stops a run is not', async (t) => {
  const world = await makeEqualBuilds(t, ['a', 'b']);
  const told = (baked: Baked) =>
    baked.events.flatMap((event) => (event.type === 'interrupted' ? event.signal : []));
  const controller = new AbortController();
  world.engine.fault({ at: 'step', act: 'hang' });
  const stopped = await world.bake({
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type !== 'node-started') return;
      controller.abort('SIGTERM');
      controller.abort('SIGINT');
    },
  });
  assert.deepEqual(told(stopped), ['SIGTERM']);
  assert.deepEqual(told(await world.bake({ signal: AbortSignal.abort() })), ['AbortError']);
  const late = await world.bake({ signal: AbortSignal.abort('SIGINT') });
  assert.deepEqual(
    late.events.slice(0, 3).map(({ type }) => type),
    ['run-started', 'planned', 'interrupted'],
  );
  world.engine.mend();
  world.engine.fault({ when: '/a', at: 'start', act: { fail: 'error: failed to solve: broken' } });
  const failed = await world.bake({ failFast: true });
  assert.equal(failed.summary.ok, false);
  assert.deepEqual(told(failed), []);
  // After the last event there is none.
  const open = new AbortController();
  world.engine.mend();
  const done = await world.bake({
    signal: open.signal,
    onEvent: ({ type }) => {
      if (type === 'run-finished') open.abort('SIGINT');
    },
  });
  assert.deepEqual([told(done), done.events.at(-1)?.type], [[], 'run-finished']);
});

test('a registry that does not answer as it should is told of, with what comes next', async (t) => {
  const world = await makeEqualBuilds(t, ['a']);
  world.registry.fault({
    method: 'HEAD',
    path: /app\/a\/manifests\/1/,
    from: 'bake-ts',
    nth: 1,
    act: { kind: 'status', status: 503 },
  });
  const baked = await world.bake();
  assertOk(baked);
  const [told, ...more] = baked.events.filter((event) => event.type === 'registry-waiting');
  assert(told?.type === 'registry-waiting');
  const { registry, why, attempt, delayMs } = told;
  assert.deepEqual([registry, why, attempt, more.length], [world.registry.host, 'answered 503', 1, 0]);
  assert(delayMs > 0);
});
