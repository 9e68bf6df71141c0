import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import {
  type BuildTimeline,
  buildTimeline,
  createTimeline,
  type RunTimeline,
} from '../../lib/timeline/mod.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, unchangedRun } from '../rig/recorded-runs.ts';

/** Events at given times, in milliseconds since the run started; of a run with the builds `a` and `b`, which needs `a`. */
function at(...timed: readonly (readonly [number, EventBody])[]): readonly BakeEvent[] {
  const nodes = [
    { build: 'a', role: 'needed', level: 0, needs: [], tags: [], pushes: true },
    { build: 'b', role: 'asked', level: 1, needs: ['a'], tags: ['x/b:1'], pushes: true, usualMs: 900 },
  ] as const;
  const start: readonly (readonly [number, EventBody])[] = [
    [
      0,
      {
        type: 'run-started',
        runId: 'R',
        version: '1.2.3',
        runtime: 'node 24',
        files: ['builds.yaml'],
        concurrency: 2,
      },
    ],
    [0, { type: 'planned', nodes }],
  ];
  return [...start, ...timed].map(([ms, body], seq) => ({
    ...body,
    seq: seq + 1,
    atMs: RUN_STARTED_MS + ms,
  }));
}

type Vertex = Extract<EventBody, { readonly type: 'vertex' }>;

function vertex(state: Vertex['state'], rest: Partial<Vertex> = {}): EventBody {
  return { type: 'vertex', build: 'a', digest: 'sha256:1', name: '[1/2] RUN make', state, ...rest };
}

const started = (attempt = 1): EventBody => ({ type: 'node-started', build: 'a', attempt, argv: [] });

function phase(
  name: Extract<EventBody, { readonly type: 'node-phase' }>['phase'],
  build = 'a',
  slot?: number,
) {
  return { type: 'node-phase', build, phase: name, ...(slot === undefined ? {} : { slot }) } as const;
}

const finished = (build = 'a'): EventBody => ({
  type: 'node-finished',
  build,
  outcome: { build, kind: 'built', tags: [], durationMs: 1 },
});

function first({ builds }: RunTimeline): BuildTimeline {
  const [build] = builds;
  assert(build !== undefined);
  return build;
}

const stepsOf = (events: readonly BakeEvent[]) =>
  first(buildTimeline(events)).steps.map(({ fromMs, toMs, state, attempt }) => [
    fromMs,
    toMs,
    state,
    attempt,
  ]);

test('phases follow one another until the build ends', () => {
  const { phases } = first(
    buildTimeline(
      at(
        [10, phase('checking')],
        [20, phase('queued')],
        [50, phase('building', 'a', 1)],
        [80, phase('exporting')],
        [90, phase('pushing')],
        [95, phase('tagging')],
        [99, finished()],
        [200, phase('checking', 'b')],
      ),
    ),
  );
  assert.deepEqual(phases, [
    { fromMs: 10, toMs: 20, phase: 'checking' },
    { fromMs: 20, toMs: 50, phase: 'queued' },
    { fromMs: 50, toMs: 80, phase: 'building', slot: 1 },
    { fromMs: 80, toMs: 90, phase: 'exporting', slot: 1 },
    { fromMs: 90, toMs: 95, phase: 'pushing', slot: 1 },
    { fromMs: 95, toMs: 99, phase: 'tagging' },
  ]);
});

test('a push that another build gets the slot of goes on without one', () => {
  const { builds } = buildTimeline(
    at(
      [0, phase('building', 'a', 0)],
      [10, phase('pushing')],
      [30, phase('building', 'b', 0)],
      [40, finished('b')],
      [60, finished()],
    ),
  );
  assert.deepEqual(builds[0]?.phases, [
    { fromMs: 0, toMs: 10, phase: 'building', slot: 0 },
    { fromMs: 10, toMs: 30, phase: 'pushing', slot: 0 },
    { fromMs: 30, toMs: 60, phase: 'pushing' },
  ]);
  assert.deepEqual(builds[1]?.phases, [{ fromMs: 30, toMs: 40, phase: 'building', slot: 0 }]);
});

test('a step that runs several times is as many spans, each as long as BuildKit says', () => {
  assert.deepEqual(
    stepsOf(
      at(
        [0, started()],
        [10, vertex('pending')],
        [12, vertex('running')],
        [30, vertex('done', { durationMs: 19 })],
        [50, vertex('running')],
        [90, vertex('done', { durationMs: 42 })],
        [100, finished()],
      ),
    ),
    [
      [11, 30, 'done', 1],
      [48, 90, 'done', 1],
    ],
  );
});

test('a step that was only said to be over counts from the call on that it belongs to', () => {
  assert.deepEqual(stepsOf(at([100, started()], [150, vertex('done', { durationMs: 400 })])), [
    [100, 150, 'done', 1],
  ]);
  assert.deepEqual(stepsOf(at([100, started()], [150, vertex('cached')])), [[150, 150, 'cached', 1]]);
});

test('the last word on the same time of a step counts', () => {
  const events = at(
    [0, started()],
    [10, vertex('running')],
    [30, vertex('done', { durationMs: 20 })],
    [31, vertex('failed', { durationMs: 20, error: 'exit code: 2' })],
    [32, vertex('failed', { durationMs: 20, error: 'exit code: 2' })],
  );
  assert.deepEqual(stepsOf(events), [[10, 30, 'failed', 1]]);
  assert.equal(first(buildTimeline(events)).steps[0]?.error, 'exit code: 2');
});

test('a step that another one stopped is unfinished, not failed', () => {
  const error = 'process "make" did not complete successfully: context canceled';
  assert.deepEqual(stepsOf(at([0, started()], [5, vertex('running')], [9, vertex('failed', { error })])), [
    [5, 9, 'unfinished', 1],
  ]);
});

test('each call of buildctl has steps of its own; what it leaves open ends with it', () => {
  assert.deepEqual(
    stepsOf(
      at(
        [0, { type: 'early-started', build: 'a', waitsFor: [], reason: { code: 'changed', text: '' } }],
        [1, started()],
        [2, vertex('running')],
        [10, { type: 'early-finished', build: 'a', steps: { total: 1, cached: 0 } }],
        [20, started()],
        [22, vertex('running')],
        [30, { type: 'retry', build: 'a', attempt: 1, delayMs: 10, why: 'engine lost' }],
        [40, started(2)],
        [42, vertex('running')],
        [50, finished()],
      ),
    ),
    [
      [2, 10, 'unfinished', 0],
      [22, 30, 'unfinished', 1],
      [42, 50, 'unfinished', 2],
    ],
  );
});

test('waits: a retry until the next call, a stall until it moves, the engine and registries for the run', () => {
  const run = buildTimeline(
    at(
      [0, started()],
      [40, { type: 'stalled', build: 'a', quietMs: 30, waitsFor: 'a push', engineAnswers: true }],
      [70, { type: 'stalled', build: 'a', quietMs: 60, waitsFor: 'the engine', engineAnswers: false }],
      [80, { type: 'resumed', build: 'a', quietMs: 70 }],
      [90, { type: 'retry', build: 'a', attempt: 1, delayMs: 100, why: 'it answered 503' }],
      [95, { type: 'engine-waiting', address: 'tcp://e', why: 'gone', waitMs: 1000 }],
      [120, { type: 'engine-waited', address: 'tcp://e', waitedMs: 25, back: true }],
      [130, started(2)],
      [140, { type: 'registry-waiting', registry: 'r.example', why: '503', attempt: 1, delayMs: 500 }],
      [150, { type: 'stalled', build: 'a', quietMs: 200, waitsFor: 'RUN make', engineAnswers: true }],
      [160, finished()],
    ),
  );
  assert.deepEqual(first(run).waits, [
    { kind: 'stalled', text: 'the engine', fromMs: 10, toMs: 80 },
    { kind: 'retry', text: 'it answered 503', fromMs: 90, toMs: 130 },
    { kind: 'stalled', text: 'RUN make', fromMs: 130, toMs: 160 },
  ]);
  assert.deepEqual(run.waits, [
    { kind: 'engine', text: 'the engine tcp://e: gone', fromMs: 95, toMs: 120 },
    { kind: 'registry', text: 'the registry r.example: 503', fromMs: 140, toMs: 160 },
  ]);
});

test('builds that wait for an engine that is away keep their slots, and neither build nor queue for one', () => {
  const away = (build: string, slot?: number): EventBody => ({
    ...phase('queued', build, slot),
    waitsFor: 'engine',
  });
  const run = buildTimeline(
    at(
      // It is started: nothing that should not have taken time.
      [0, away('a')],
      [5, phase('building', 'a', 0)],
      [5, started()],
      [10, vertex('running')],
      [20, phase('queued', 'b')],
      [30, { type: 'engine-waiting', address: 'tcp://e', why: 'gone', waitMs: 1000 }],
      [30, away('a', 0)],
      [50, { type: 'engine-waited', address: 'tcp://e', waitedMs: 20, back: true }],
      [51, phase('checking')],
      [51, { type: 'retry', build: 'a', attempt: 1, delayMs: 0, why: 'gone' }],
      [52, phase('building', 'a', 0)],
      [52, started(2)],
      [60, finished()],
      [60, phase('building', 'b', 0)],
      [70, finished('b')],
    ),
  );
  const [a, b] = run.builds;
  const wait = { kind: 'engine', text: 'the engine tcp://e: gone', fromMs: 30, toMs: 50 } as const;
  assert.deepEqual(run.waits, [wait]);
  assert.deepEqual(a?.waits, [wait, { kind: 'retry', text: 'gone', fromMs: 51, toMs: 51 }]);
  assert.deepEqual(b?.waits, []);
  assert.deepEqual(
    a?.phases.map((one) => [one.phase, one.fromMs, one.toMs, one.slot]),
    [
      ['queued', 0, 5, undefined],
      ['building', 5, 30, 0],
      ['queued', 30, 51, 0],
      ['checking', 51, 52, undefined],
      ['building', 52, 60, 0],
    ],
  );
  // The engine took the step with it.
  assert.deepEqual(
    a?.steps.map(({ toMs, state }) => [toMs, state]),
    [[30, 'unfinished']],
  );
});

test('a run takes as long as its summary says, and nothing in it lasts longer', () => {
  const of = (durationMs: number) =>
    buildTimeline(
      at(
        [0, phase('building', 'a', 0)],
        [100, finished()],
        [
          101,
          {
            type: 'run-finished',
            summary: {
              ...{ ok: true, cancelled: false, outcomes: [], problems: [], durationMs },
              ...{ buildctlCalls: 1, registryRequests: { reads: 0, writes: 0 } },
            },
          },
        ],
      ),
    );
  assert.equal(of(180).durationMs, 180);
  assert.equal(first(of(180)).time?.toMs, 100);
  const short = of(99);
  assert.deepEqual([short.durationMs, first(short).time?.toMs, first(short).phases[0]?.toMs], [99, 99, 99]);
});

test('a run that was killed is as it was then, and says so', () => {
  const run = buildTimeline(
    at([0, phase('building', 'a', 0)], [1, started()], [5, vertex('running')], [9, vertex('pending')]),
  );
  assert.deepEqual([run.finished, run.durationMs, run.summary], [false, 9, undefined]);
  const [a, b] = run.builds;
  assert.deepEqual([a?.outcome, a?.phases.at(-1)?.toMs, a?.steps[0]?.state], [undefined, 9, 'unfinished']);
  assert.deepEqual([b?.needs, b?.tags, b?.usualMs, b?.phases], [['a'], ['x/b:1'], 900, []]);
});

test('recorded runs: what ended how, with which figures', () => {
  const mixed = buildTimeline(mixedRun());
  assert.deepEqual(
    mixed.builds.map(({ build, outcome, decision }) => [build, outcome?.kind, decision?.kind]),
    [
      ['base', 'built', 'build'],
      ['api', 'built', 'build'],
      ['worker-python3.13', 'retagged', 'retag'],
      ['web', 'unchanged', 'unchanged'],
    ],
  );
  assert.deepEqual(mixed.builds[3]?.inputs, { files: 40, bytes: 81_200, untracked: [] });
  assert.equal(mixed.engine?.source, 'the embedded engine');
  assert.deepEqual(
    mixed.warnings.map(({ build, problem }) => [build, problem.code]),
    [['api', 'build/dockerfile-check']],
  );
  assert.equal(mixed.summary?.buildctlCalls, 3);
  assert(!('outcomes' in (mixed.summary ?? {})));
  assert.equal(buildTimeline(unchangedRun()).finished, true);
  const failed = buildTimeline(failingRun());
  assert.equal(failed.interruptedBy, 'SIGINT');
  assert.equal(failed.builds[1]?.outcome?.blockedBy, 'base');
});

test('an empty stream, unknown events and builds that no plan has are no reason to stop', () => {
  assert.deepEqual(buildTimeline([]).builds, []);
  const odd = { type: 'of-a-later-version', seq: 3, atMs: RUN_STARTED_MS + 4 } as unknown as BakeEvent;
  const run = buildTimeline([odd, ...at([5, { ...phase('checking'), build: 'other' }])]);
  assert.deepEqual(
    run.builds.map(({ build }) => build),
    ['a', 'b', 'other'],
  );
});

const bodies: fc.Arbitrary<EventBody> = fc.oneof(
  fc
    .record({
      build: fc.constantFrom('a', 'b'),
      digest: fc.constantFrom('sha256:1', 'sha256:2'),
      name: fc.constant('[1/2] RUN make'),
      state: fc.constantFrom('pending', 'running', 'done', 'cached', 'failed'),
      durationMs: fc.integer({ min: 0, max: 60 }),
    })
    .map((rest): EventBody => ({ type: 'vertex', ...rest })),
  fc
    .record({
      build: fc.constantFrom('a', 'b'),
      name: fc.constantFrom('checking', 'queued', 'building', 'exporting', 'pushing', 'tagging'),
      slot: fc.constantFrom(0, 1),
    })
    .map(({ name, build, slot }): EventBody => phase(name, build, name === 'building' ? slot : undefined)),
  fc
    .constantFrom('a', 'b')
    .chain(
      (build): fc.Arbitrary<EventBody> =>
        fc.constantFrom<EventBody>(
          finished(build),
          { type: 'node-started', build, attempt: 2, argv: [] },
          { type: 'retry', build, attempt: 1, delayMs: 20, why: '503' },
          { type: 'stalled', build, quietMs: 30, waitsFor: 'a push', engineAnswers: true },
          { type: 'resumed', build, quietMs: 30 },
          { type: 'early-started', build, waitsFor: [], reason: { code: 'changed', text: '' } },
          { type: 'early-finished', build, steps: { total: 0, cached: 0 } },
          { type: 'engine-waiting', address: 'tcp://e', why: 'gone', waitMs: 10 },
          { type: 'engine-waited', address: 'tcp://e', waitedMs: 10, back: false },
          { type: 'registry-waiting', registry: 'r', why: '503', attempt: 1, delayMs: 40 },
        ),
    ),
);

/** Any events at all, at times that may also go back. */
const streams = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 30 }), bodies), { maxLength: 40 })
  .map((steps) => {
    let nowMs = 0;
    const timed = steps.map(([afterMs, body]) => {
      nowMs += afterMs;
      return [nowMs, body] as const;
    });
    return at(...timed);
  });

test('whatever is sent, spans lie within the run, none is turned round, and those of one kind do not overlap', () => {
  fc.assert(
    fc.property(streams, (events) => {
      const run = buildTimeline(events);
      for (const { phases, steps, waits, costMs } of run.builds) {
        for (const { fromMs, toMs } of [...phases, ...steps, ...waits, ...run.waits])
          assert(0 <= fromMs && fromMs <= toMs && toMs <= run.durationMs, `${fromMs} to ${toMs}`);
        const digests = new Set(steps.map(({ digest }) => digest));
        const rows = [phases, ...[...digests].map((digest) => steps.filter((one) => one.digest === digest))];
        for (const row of rows)
          row.forEach((span, place) => {
            const next = row[place + 1];
            assert(next === undefined || span.toMs <= next.fromMs, JSON.stringify(row));
          });
        assert(costMs >= 0 && costMs <= run.durationMs);
      }
      for (const slot of [0, 1]) {
        const held = run.builds.flatMap(({ phases }) => phases.filter((one) => one.slot === slot));
        held.sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
        held.forEach((span, place) => {
          const next = held[place + 1];
          assert(next === undefined || span.toMs <= next.fromMs, `two in slot ${slot}`);
        });
      }
    }),
    { numRuns: 500 },
  );
});

test('what is asked for while a run goes on changes nothing in what comes of it', () => {
  fc.assert(
    fc.property(streams, (events) => {
      const maker = createTimeline();
      events.forEach((event, place) => {
        maker.take(event);
        assert.deepEqual(maker.timeline(), buildTimeline(events.slice(0, place + 1)));
      });
    }),
    { numRuns: 50 },
  );
});
