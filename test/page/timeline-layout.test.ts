import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeModel } from '../../lib/page/app/model.ts';
import {
  formatTick,
  layoutBuilds,
  layoutSlots,
  makeTicks,
  sumPhases,
} from '../../lib/page/app/timeline-layout.ts';
import { makeTimeline } from '../rig/timelines.ts';

function modelOf(builds: number) {
  const { timeline } = makeTimeline({ builds, slots: 4 });
  const { rows } = makeModel({
    kind: 'run',
    timeline,
    previous: {},
    environment: [],
    rerun: '',
    logsCommand: '',
    logs: {},
  });
  return { timeline, rows };
}

test('in the lane of a slot nothing overlaps, and each build stands where its slot is', () => {
  const { timeline, rows } = modelOf(300);
  const { lanes, barsOfLane } = layoutSlots(timeline, rows);
  assert.equal(lanes.filter(({ kind }) => kind === 'slot').length, 4);
  for (const [at, lane] of lanes.entries()) {
    if (lane.kind !== 'slot') continue;
    const bars = barsOfLane[at] ?? [];
    for (const [place, bar] of bars.entries()) {
      assert.ok(bar.row.build.phases.some(({ slot }) => slot === at));
      const next = bars[place + 1];
      assert.ok(next === undefined || next.fromMs >= bar.toMs, `${bar.row.name} and ${next?.row.name}`);
    }
  }
});

test('a bar has all of its time, part after part', () => {
  const { timeline, rows } = modelOf(60);
  for (const layout of [layoutSlots(timeline, rows), layoutBuilds(timeline, rows)]) {
    for (const bar of layout.bars) {
      let at = bar.fromMs;
      for (const part of bar.parts) {
        assert.equal(part.fromMs, at, bar.row.name);
        at = part.toMs;
      }
      assert.equal(at, bar.toMs);
    }
    const inLayout = layout.bars
      .flatMap(({ parts }) => parts)
      .filter(({ fill }) => fill === 'exporting').length;
    const inRun = rows
      .flatMap(({ build }) => build.phases)
      .filter(({ phase }) => phase === 'exporting').length;
    assert.equal(inLayout, inRun);
  }
});

test('the queue is as long as there are builds that wait', () => {
  const { timeline, rows } = modelOf(60);
  const { queue } = layoutSlots(timeline, rows);
  const waiting = (atMs: number): number =>
    rows.filter(({ build }) =>
      build.phases.some(({ phase, fromMs, toMs }) => phase === 'queued' && fromMs <= atMs && atMs < toMs),
    ).length;
  assert.ok(Math.max(...queue.map(({ count }) => count)) > 1);
  for (const { atMs, count } of queue) assert.equal(count, waiting(atMs), `at ${atMs} ms`);
});

test('the axis has round times, as exact as they are close', () => {
  assert.deepEqual(makeTicks(0, 60_000, 6), [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  assert.deepEqual(makeTicks(950, 1300, 4), [1000, 1100, 1200, 1300]);
  assert.equal(formatTick(90_000, 30_000), '1m30');
  assert.equal(formatTick(1200, 100), '1.2s');
  assert.equal(formatTick(3_660_000, 60_000), '1h01m');
});

test('waits stand where they were: within bars, and those in the queue on lanes of their own with their build', () => {
  const { timeline, rows } = modelOf(6);
  const [row] = rows;
  assert.ok(row !== undefined);
  const build = {
    ...row.build,
    phases: [
      { phase: 'building', slot: 0, fromMs: 0, toMs: 100 },
      { phase: 'queued', fromMs: 100, toMs: 300 },
      { phase: 'building', slot: 1, fromMs: 300, toMs: 400 },
      { phase: 'checking', fromMs: 400, toMs: 410 },
    ] as const,
    steps: [],
    waits: [{ kind: 'retry', text: 'the registry is down', fromMs: 90, toMs: 305 }] as const,
  };
  const { lanes, bars } = layoutSlots(timeline, [{ ...row, build }]);
  const shown = bars.flatMap(({ lane, waits }) =>
    waits.map(({ fromMs, toMs }) => [lanes[lane]?.label, fromMs, toMs]),
  );
  assert.deepEqual(shown, [
    ['slot 1', 90, 100],
    ['waits', 100, 300],
    ['slot 2', 300, 305],
  ]);
  assert.deepEqual(lanes.at(-1)?.label, 'checks and pushes');
});

test('many checks at a time take few lanes', () => {
  const { timeline, rows } = modelOf(60);
  const all = rows.map((row) => ({
    ...row,
    build: { ...row.build, waits: [], phases: [{ phase: 'checking', fromMs: 0, toMs: 50 }] as const },
  }));
  const { lanes } = layoutSlots(timeline, all);
  assert.equal(lanes.filter(({ kind }) => kind === 'beside').length, 5);
});

test('equal phases of a build are one sum', () => {
  const spans = [
    { phase: 'checking', fromMs: 0, toMs: 10 },
    { phase: 'pushing', slot: 0, fromMs: 10, toMs: 1010 },
    { phase: 'pushing', fromMs: 1010, toMs: 1011 },
    { phase: 'checking', fromMs: 1011, toMs: 1013 },
  ] as const;
  assert.deepEqual(sumPhases(spans), [
    ['checking', 12],
    ['pushing', 1001],
  ]);
});
