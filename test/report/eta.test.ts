import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBody } from '../../lib/model/mod.ts';
import { estimateLeftMs } from '../../lib/report/eta.ts';
import { applyEvent, createRunState } from '../../lib/report/mod.ts';
import { RUN_STARTED_MS, recordEvents } from '../rig/recorded-runs.ts';

/** `build: usualMs, needs…` */
function leftAfter(
  builds: Readonly<Record<string, readonly [number | undefined, ...string[]]>>,
  events: readonly EventBody[],
  concurrency = 4,
): number | undefined {
  const state = createRunState();
  const bodies: readonly EventBody[] = [
    { type: 'run-started', runId: '1', version: '0', runtime: 'node 24', files: [], concurrency },
    {
      type: 'planned',
      nodes: Object.entries(builds).map(([build, [usualMs, ...needs]]) => ({
        build,
        role: 'asked',
        level: 0,
        needs,
        tags: [],
        pushes: false,
        ...(usualMs === undefined ? {} : { usualMs }),
      })),
    },
    ...events,
  ];
  for (const event of recordEvents(bodies, 0)) applyEvent(state, event);
  return estimateLeftMs(state, RUN_STARTED_MS + 10_000);
}

const building = (build: string): readonly EventBody[] => [
  { type: 'node-phase', build, phase: 'checking' },
  { type: 'node-decided', build, decision: 'build', reason: { code: 'changed', text: '' } },
  { type: 'node-phase', build, phase: 'building', slot: 0 },
];
const unchanged = (build: string): EventBody => ({
  type: 'node-decided',
  build,
  decision: 'unchanged',
  reason: { code: 'inputs-same', text: '' },
});

test('what is left is the longest chain of what is still to be built', () => {
  const builds = { base: [30_000], api: [60_000, 'base'], web: [20_000, 'base'], other: [5_000] } as const;
  assert.equal(leftAfter(builds, [...building('base'), unchanged('other')]), 20_000 + 60_000);
});

test('it is no less than what all of it takes in the slots there are', () => {
  const builds = { a: [30_000], b: [30_000], c: [30_000] } as const;
  const events = [...building('a'), ...building('b'), ...building('c')];
  assert.equal(leftAfter(builds, events, 3), 20_000);
  assert.equal(leftAfter(builds, events, 1), 60_000);
});

test('nothing is said where the time of something is not known, or nothing is built', () => {
  assert.equal(leftAfter({ a: [undefined] }, building('a')), undefined);
  assert.equal(leftAfter({ a: [1_000], b: [undefined, 'a'] }, building('a')), undefined);
  assert.equal(leftAfter({ a: [1_000] }, []), undefined);
  assert.equal(leftAfter({ a: [1_000], b: [1_000, 'a'] }, [unchanged('a'), unchanged('b')]), undefined);
});

test('what waits on something unchanged is taken to be unchanged, and takes part once it is decided', () => {
  const builds = { a: [100_000], b: [100_000, 'a'], c: [30_000] } as const;
  assert.equal(leftAfter(builds, [unchanged('a'), ...building('c')]), 20_000);
  assert.equal(leftAfter(builds, [unchanged('a'), ...building('b'), ...building('c')]), 90_000);
});

test('a wait for a slot is no time of a build, and one that takes longer than it did counts as nothing', () => {
  const queued: EventBody = { type: 'node-phase', build: 'a', phase: 'queued' };
  assert.equal(leftAfter({ a: [30_000] }, [...building('a').slice(0, 2), queued]), 30_000);
  assert.equal(leftAfter({ a: [3_000] }, building('a')), 0);
});
