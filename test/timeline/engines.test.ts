/** Which engines of a pool a build ran on: as the timeline has it, and what is made of that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { makeModel } from '../../lib/page/app/model.ts';
import { formatEngines } from '../../lib/timeline/engines.ts';
import { buildTimeline, formatTrace, traceSpans } from '../../lib/timeline/mod.ts';

const on = (build: string, attempt: number, engine?: string, beside = false): EventBody => ({
  type: 'node-started',
  build,
  attempt,
  argv: [],
  ...(engine === undefined ? {} : { engine }),
  ...(beside ? { beside: true } : {}),
});

/** A run whose builds begin and end as said. */
function runOf(...bodies: readonly EventBody[]) {
  const events = bodies.map((body, at): BakeEvent => ({ ...body, seq: at + 1, atMs: 1_000 + at }));
  return buildTimeline(events);
}

const POOL = runOf(
  { type: 'node-phase', build: 'moved', phase: 'building', slot: 0 },
  on('moved', 1, 'b1'),
  on('moved', 2, 'b1'),
  on('moved', 3, 'b2'),
  { type: 'node-phase', build: 'apart', phase: 'building', slot: 1 },
  on('apart', 1, 'amd'),
  on('apart', 1, 'arm', true),
  { type: 'node-phase', build: 'alone', phase: 'building', slot: 2 },
  on('alone', 1),
);

test('a timeline has the engines of each attempt, and those of platforms that were built apart together', () => {
  const engines = Object.fromEntries(POOL.builds.map(({ build, engines: of }) => [build, of]));
  assert.deepEqual(engines, {
    moved: [['b1'], ['b1'], ['b2']],
    apart: [['amd', 'arm']],
    alone: undefined,
  });
  assert.equal(formatEngines(engines['moved'] ?? []), 'b1, then b2');
  assert.equal(formatEngines(engines['apart'] ?? []), 'amd and arm');
});

test('traces name them, and the filter of the report page finds builds by them', () => {
  const { traceEvents } = JSON.parse(formatTrace(POOL));
  const shown = traceEvents.flatMap(({ name, args }: { name: string; args?: { engine?: string } }) =>
    args?.engine === undefined ? [] : [`${name} ${args.engine}`],
  );
  assert.deepEqual(shown, ['moved b1, then b2', 'apart amd and arm']);
  const attributes = traceSpans(POOL).map((span) => span.attributes['bake.engine']);
  assert.deepEqual(attributes, [undefined, ['b1', 'b2'], ['amd', 'arm'], undefined]);
  const { rows } = makeModel({
    ...{ kind: 'run', timeline: POOL, previous: {}, environment: [] },
    ...{ rerun: '', logsCommand: '', logs: {} },
  });
  assert.deepEqual(
    rows.map(({ words }) => words.split(' ').filter((word) => /^(b\d|a..)$/.test(word))),
    [['b1', 'b2'], ['amd', 'arm'], []],
  );
});
