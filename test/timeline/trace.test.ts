import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBody } from '../../lib/model/mod.ts';
import { buildTimeline, formatTrace } from '../../lib/timeline/mod.ts';
import { failingRun, mixedRun, RUN_STARTED_MS } from '../rig/recorded-runs.ts';
import { type SimulatedBuild, simulateRun } from '../rig/simulated-run.ts';

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly s?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * Reads a trace as its viewers do: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Slices of
 * a track must lie within one another or apart.
 */
function read(text: string) {
  const trace = JSON.parse(text) as { readonly displayTimeUnit: string; readonly traceEvents: TraceEvent[] };
  assert.equal(trace.displayTimeUnit, 'ms');
  const names = new Map<number | undefined, string>();
  const open = new Map<number | undefined, number[]>();
  for (const event of trace.traceEvents) {
    assert.equal(event.pid, 1);
    assert.equal(typeof event.name, 'string');
    if (event.ph === 'M') {
      if (event.name === 'thread_name') names.set(event.tid, String(event.args?.['name']));
      continue;
    }
    assert(Number.isInteger(event.ts) && (event.ts ?? -1) >= 0, JSON.stringify(event));
    if (event.ph === 'i') assert(event.s === 'p');
    if (event.ph === 'C') for (const value of Object.values(event.args ?? {})) assert(Number(value) >= 0);
    if (event.ph !== 'X') continue;
    assert(Number.isInteger(event.dur) && (event.dur ?? -1) >= 0, JSON.stringify(event));
    const from = event.ts ?? 0;
    const to = from + (event.dur ?? 0);
    const ends = open.get(event.tid) ?? [];
    while (ends.length > 0 && (ends.at(-1) ?? 0) <= from && (ends.at(-1) ?? 0) < to) ends.pop();
    assert(ends.length === 0 || to <= (ends.at(-1) ?? 0), `${event.name} reaches over its parent`);
    ends.push(to);
    open.set(event.tid, ends);
  }
  const on = (track: string) =>
    trace.traceEvents.filter(({ ph, tid }) => ph === 'X' && names.get(tid) === track).map(({ name }) => name);
  return { events: trace.traceEvents, tracks: [...names.values()], on };
}

const phase = (
  build: string,
  name: Extract<EventBody, { readonly type: 'node-phase' }>['phase'],
  slot?: number,
): EventBody => ({ type: 'node-phase', build, phase: name, ...(slot === undefined ? {} : { slot }) });

const step = (digest: string, name: string, state: 'running' | 'done'): EventBody => ({
  ...{ type: 'vertex', build: 'a', digest, name, state },
});

function at(...timed: readonly (readonly [number, EventBody])[]) {
  return timed.map(([ms, body], seq) => ({ ...body, seq, atMs: RUN_STARTED_MS + ms }));
}

test('a track for each slot: builds, their steps in them, steps that run beside others below; pushes apart', () => {
  const { tracks, on, events } = read(
    formatTrace(
      buildTimeline(
        at(
          [0, phase('a', 'checking')],
          [10, phase('a', 'building', 1)],
          [10, { type: 'node-started', build: 'a', attempt: 1, argv: [] }],
          [12, step('s1', '[1/2] RUN "x" \u001b[31m', 'running')],
          [14, step('s2', '[2/2] COPY', 'running')],
          [20, step('s2', '[2/2] COPY', 'done')],
          [30, step('s1', '[1/2] RUN "x" \u001b[31m', 'done')],
          [31, step('s3', 'exporting to image', 'running')],
          [32, phase('a', 'pushing')],
          [40, phase('b', 'building', 1)],
          [60, step('s3', 'exporting to image', 'done')],
          [
            70,
            {
              type: 'node-finished',
              build: 'a',
              outcome: { build: 'a', kind: 'built', tags: [], durationMs: 1 },
            },
          ],
          [80, { type: 'interrupted', signal: 'SIGINT' }],
        ),
      ),
    ),
  );
  assert.deepEqual(on('slot 2'), ['a', '[1/2] RUN "x" \u001b[31m', 'exporting to image', 'b']);
  assert.deepEqual(on('slot 2, in parallel (1)'), ['[2/2] COPY']);
  assert.deepEqual([...on('pushes'), ...on('pushes (2)')], ['pushing a', 'pushing a']);
  assert.deepEqual(on('checks'), ['a']);
  assert.deepEqual(tracks.toSorted(), ['checks', 'pushes', 'run', 'slot 2', 'slot 2, in parallel (1)']);
  const cut = events.find(({ name }) => name === 'exporting to image');
  assert.deepEqual([cut?.ts, cut?.dur], [31_000, 9_000]);
  assert(events.some(({ ph, name, ts }) => ph === 'i' && name === 'stopped by SIGINT' && ts === 80_000));
});

test('the counter says how many builds run and how many wait', () => {
  const build = (name: string): SimulatedBuild => ({
    build: name,
    needs: [],
    checkMs: 0,
    slotMs: 10,
    afterMs: 0,
  });
  const { events } = read(formatTrace(buildTimeline(simulateRun([build('a'), build('b')], 1).events)));
  const counted = events
    .filter(({ ph }) => ph === 'C')
    .map(({ ts, args }) => [ts, ...Object.values(args ?? {})]);
  assert.deepEqual(counted, [
    [0, 1, 1],
    [10_000, 1, 0],
    [20_000, 0, 0],
  ]);
});

test('recorded runs: nothing overlaps, control characters are escaped', () => {
  for (const events of [mixedRun(), failingRun(), []]) {
    const text = formatTrace(buildTimeline(events));
    read(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  }
});
