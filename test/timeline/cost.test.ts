import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EventBody } from '../../lib/model/mod.ts';
import { buildTimeline, type RunTimeline } from '../../lib/timeline/mod.ts';
import { type SimulatedBuild, simulateRun } from '../rig/simulated-run.ts';

function build(name: string, needs: readonly string[], slotMs: number, rest: Partial<SimulatedBuild> = {}) {
  return { build: name, needs, checkMs: 0, afterMs: 0, slotMs, ...rest };
}

function costsOf({ builds }: RunTimeline): Readonly<Record<string, number>> {
  return Object.fromEntries(builds.map(({ build: name, costMs }) => [name, costMs]));
}

type Phase = Extract<EventBody, { readonly type: 'node-phase' }>['phase'];

function phase(name: string, of: Phase, slot?: number): EventBody {
  return { type: 'node-phase', build: name, phase: of, ...(slot === undefined ? {} : { slot }) };
}

function finished(name: string): EventBody {
  return {
    type: 'node-finished',
    build: name,
    outcome: { build: name, kind: 'built', tags: [], durationMs: 1 },
  };
}

/** Acyclic: each build needs some of those before it. */
const plans: fc.Arbitrary<readonly SimulatedBuild[]> = fc
  .array(
    fc.record({
      checkMs: fc.integer({ min: 0, max: 3 }),
      slotMs: fc.integer({ min: 0, max: 12 }),
      afterMs: fc.integer({ min: 0, max: 4 }),
      picks: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((list) =>
    list.map(({ picks, ...times }, at) => ({
      build: `b${at}`,
      needs: at === 0 ? [] : [...new Set(picks.map((pick) => `b${pick % at}`))],
      ...times,
    })),
  );

test('in a chain each build costs its own time', () => {
  const chain = [
    build('a', [], 20),
    build('b', ['a'], 30, { checkMs: 4 }),
    build('c', ['b'], 5, { afterMs: 7 }),
  ];
  assert.deepEqual(costsOf(buildTimeline(simulateRun(chain, 4).events)), { a: 20, b: 34, c: 12 });
});

test('a build beside a longer one costs nothing, and the longer one what it is longer', () => {
  const pair = [build('short', [], 20), build('long', [], 50), build('top', ['short', 'long'], 10)];
  assert.deepEqual(costsOf(buildTimeline(simulateRun(pair, 2).events)), { short: 0, long: 30, top: 10 });
});

test('with one slot every build costs its time in it', () => {
  const three = [build('a', [], 10), build('b', [], 20), build('c', [], 30)];
  assert.deepEqual(costsOf(buildTimeline(simulateRun(three, 1).events)), { a: 10, b: 20, c: 30 });
});

test('a build that is queued while slots are free waits for something else, which counts', () => {
  const times: readonly (readonly [number, EventBody])[] = [
    [0, { type: 'run-started', runId: 'R', version: '1', runtime: 'node', files: [], concurrency: 2 }],
    ...['a', 'b', 'c'].map((name) => [0, phase(name, 'queued')] as const),
    [50, phase('a', 'building', 0)],
    [60, phase('b', 'building', 1)],
    [80, finished('a')],
    [80, phase('c', 'building', 0)],
    [90, finished('b')],
    [100, finished('c')],
  ];
  const events = times.map(([ms, body], at) => ({ ...body, seq: at + 1, atMs: 1_000 + ms }));
  // All had to wait till 50 or 60. From then on: without `b`, `c` has its slot at 60; without `a` or `c`, `b` is the last.
  assert.deepEqual(costsOf(buildTimeline(events)), { a: 10, b: 20, c: 10 });
});

test('the cost of a build is what a run without its time is shorter, as far as others keep their order', () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 4 }), (plan, slots) => {
      const whole = simulateRun(plan, slots);
      const costs = costsOf(buildTimeline(whole.events));
      // The order of the list decides who gets a slot in the simulation; a replay keeps the order that there was.
      const asked = buildTimeline(whole.events).builds.map(({ build: name, phases }) => ({
        name,
        atMs: phases.find(({ slot }) => slot !== undefined)?.fromMs ?? Number.POSITIVE_INFINITY,
      }));
      const order = asked.sort((a, b) => a.atMs - b.atMs).map(({ name }) => name);
      const sorted = [...plan].sort((a, b) => order.indexOf(a.build) - order.indexOf(b.build));
      for (const { build: name, checkMs, slotMs, afterMs } of plan) {
        const shorter = whole.durationMs - simulateRun(sorted, slots, name).durationMs;
        const expected = Math.min(checkMs + slotMs + afterMs, Math.max(0, shorter));
        assert.equal(costs[name], expected, `${name} of ${JSON.stringify(plan)} in ${slots} slots`);
      }
    }),
    { numRuns: 300 },
  );
});

test('the critical path leads from the start to the end, each build to the next by a need or by its slot', () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 4 }), (plan, slots) => {
      const run = simulateRun(plan, slots);
      const { builds, criticalPath } = buildTimeline(run.events);
      const spansOf = (name: string | undefined) => builds.find((one) => one.build === name)?.phases ?? [];
      const last = criticalPath.at(-1);
      assert.equal(spansOf(last?.build).at(-1)?.toMs, run.durationMs);
      criticalPath.forEach(({ build: name, waitedFor }, at) => {
        const before = criticalPath[at - 1];
        assert.equal(waitedFor === undefined, before === undefined);
        if (before === undefined) return;
        const spans = spansOf(name);
        const earlier = spansOf(before.build);
        if (waitedFor === 'build') {
          assert(plan.find((one) => one.build === name)?.needs.includes(before.build));
          assert.equal(spans[0]?.fromMs, earlier.at(-1)?.toMs);
        } else {
          const got = spans.find(({ slot }) => slot !== undefined);
          const had = earlier.findLast(({ slot }) => slot !== undefined);
          assert.deepEqual([had?.slot, had?.toMs], [got?.slot, got?.fromMs]);
        }
      });
      // Nothing stands still on it: it begins with the run.
      assert.equal(spansOf(criticalPath[0]?.build)[0]?.fromMs, 0);
      assert.deepEqual(
        builds.filter(({ critical }) => critical).map(({ build: name }) => name),
        plan.map(({ build: name }) => name).filter((name) => criticalPath.some((one) => one.build === name)),
      );
    }),
    { numRuns: 300 },
  );
});

test('a thousand builds take a moment', () => {
  const plan = Array.from({ length: 1000 }, (_, at) =>
    build(`b${at}`, at < 10 ? [] : [`b${at % 10}`, `b${Math.floor(at / 2)}`], 1 + ((at * 7919) % 23), {
      checkMs: 1,
    }),
  );
  const { events } = simulateRun(plan, 8);
  const tries = [1, 2, 3].map(() => {
    const from = performance.now();
    assert.equal(buildTimeline(events).builds.length, 1000);
    return performance.now() - from;
  });
  // 65 ms on two processors; ten times that where they do much else.
  assert(Math.min(...tries) < 3000, `it took ${tries.join(', ')} ms`);
});
