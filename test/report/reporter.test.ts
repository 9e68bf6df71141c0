import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { paintLive } from '../../lib/report/live.ts';
import {
  applyEvent,
  createReporter,
  createRunState,
  type ProgressMode,
  type Writer,
  widthOf,
} from '../../lib/report/mod.ts';
import { createPalette } from '../../lib/report/palette.ts';
import { elapsedMs } from '../../lib/report/state.ts';
import { formatBytes, formatDuration } from '../../lib/report/units.ts';
import { assertGolden } from '../rig/golden.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, recordEvents, unchangedRun } from '../rig/recorded-runs.ts';
import { makeTerminalWriter } from '../rig/terminal.ts';

function collector(columns?: number): Writer & { readonly text: () => string } {
  let text = '';
  return {
    columns,
    write: (more) => {
      text += more;
    },
    text: () => text,
  };
}

function replay(events: readonly BakeEvent[], mode: ProgressMode, columns?: number) {
  const out = collector();
  const err = collector(columns);
  const sources = new Map([['images/base/Dockerfile', 'FROM busybox\nRUN make install\nCMD ["app"]\n']]);
  const reporter = createReporter({
    mode,
    out,
    err,
    color: false,
    now: () => RUN_STARTED_MS,
    sourceOf: (file) => sources.get(file),
  });
  for (const event of events) reporter.onEvent(event);
  reporter.close();
  return { out: out.text(), err: err.text() };
}

for (const [name, events] of [
  ['mixed', mixedRun()],
  ['unchanged', unchangedRun()],
  ['failing', failingRun()],
] as const) {
  test(`a ${name} run in plain lines, with its table and its end`, () => {
    const { out, err } = replay(events, 'plain');
    assertGolden(err, `report/golden/plain-${name}.txt`);
    assert.equal(out, '');
  });

  test(`the table of a ${name} run fits 80 columns`, () => {
    const { err } = replay(events, 'plain', 80);
    const end = err.slice(err.indexOf('BUILD '));
    assertGolden(end, `report/golden/end-${name}-80.txt`);
    assert.deepEqual(
      end.split('\n').filter((line) => widthOf(line) > 80),
      [],
    );
  });
}

test('of an unchanged run every build says why it is unchanged', () => {
  const { err } = replay(unchangedRun(), 'plain');
  const end = err.slice(err.indexOf('BUILD '));
  for (const build of ['base', 'api', 'worker-python3.13', 'web']) {
    assert.match(
      end,
      new RegExp(`^${build.replace('.', '\\.')} +unchanged .*\\n? *└? ?.*the inputs are the same`, 'm'),
    );
  }
  assert.match(end, /0 buildctl calls · 5 registry requests\n$/);
});

test('a dry run says what it would do, not that it did it', () => {
  const dry = JSON.parse(
    JSON.stringify(mixedRun(), (key, value: unknown) =>
      key === 'outcome' || /^[0-9]+$/.test(key) ? markDry(value) : value,
    ),
  ) as readonly BakeEvent[];
  const { err } = replay(dry, 'plain');
  assert.match(err, /^\S+ +\| would build$/m);
  assert.match(err, /^dry run done in .*[0-9] would build/m);
  assert.doesNotMatch(err, /\bbuilt:|[0-9] built/);
});

function markDry(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'kind' in value ? { ...value, dryRun: true } : value;
}

test('json is one event a line on stdout, and nothing on stderr', () => {
  const events = mixedRun();
  const { out, err } = replay(events, 'json');
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    events,
  );
  assert.equal(err, '');
});

test('quiet says nothing of a run that goes well, and all of what failed', () => {
  assert.deepEqual(replay(mixedRun(), 'quiet'), { out: '', err: '' });
  const { err } = replay(failingRun(), 'quiet');
  assert.match(err, /^✗ base failed\nerror\[build\/step-failed\]/);
  assert.match(err, /2 │ RUN make install\n.*main\.c:3: error: expected ;/s);
});

test('output of two steps at once is kept apart, and a line cut in two is whole again', () => {
  const { err } = replay(mixedRun(), 'plain');
  assert.ok(err.includes('base              |   adding group app\n'));
  assert.match(err, /\[build 4\/4\]\napi +\| +compiling 41 files\napi +\| \[stage-1 2\/3\]\n/);
  assert.ok(err.includes('|   done\n'), 'escape sequences of the build are gone');
});

test('after a run on a terminal only the permanent lines and the end are left, and the cursor is back', async (t) => {
  const screen = makeTerminalWriter(t, 100, 60);
  const reporter = createReporter({
    mode: 'tty',
    out: screen,
    err: screen,
    color: false,
    now: () => RUN_STARTED_MS,
  });
  t.after(() => reporter.close());
  for (const event of mixedRun()) reporter.onEvent(event);
  const shown = (await screen.lines()).join('\n');
  assertGolden(`${shown}\n`, 'report/golden/terminal-mixed.txt');
  assert.ok(screen.isCursorShown());
});

test('the live view draws at its own pace, not once for each event', async (t) => {
  const screen = makeTerminalWriter(t, 100, 30);
  const reporter = createReporter({
    mode: 'tty',
    out: screen,
    err: screen,
    color: false,
    now: Date.now,
    frameMs: 20,
  });
  t.after(() => reporter.close());
  const events = mixedRun().slice(0, -1);
  for (const event of events) reporter.onEvent(event);
  assert.equal(screen.writes(), 0);
  await new Promise((resolve) => setTimeout(resolve, 70));
  assert.ok(screen.writes() >= 1 && screen.writes() <= 5, `${screen.writes()} writes`);
  assert.ok(!screen.isCursorShown());
  reporter.close();
  assert.ok(screen.isCursorShown());
  assert.ok(!(await screen.lines()).some((line) => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(line)), 'nothing that moved is left');
});

function paintAt(events: readonly BakeEvent[], columns: number, rows: number): readonly string[] {
  const state = createRunState();
  for (const event of events) applyEvent(state, event);
  const now = (events.at(-1)?.atMs ?? 0) + 1500;
  return paintLive(state, { columns, rows }, now, createPalette(false));
}

test('the live view shows what runs, its step, its counts and the last line it printed', () => {
  const events = mixedRun();
  const until = (text: string): readonly BakeEvent[] => {
    const at = events.findIndex((event) => event.type === 'log' && event.text.includes(text));
    return events.slice(0, at + 1);
  };
  const frames = [
    until('adding user'),
    until('fetch tini'),
    until('done'),
    events.slice(0, -5),
    events.slice(0, 3),
  ];
  const text = frames.map((frame) => paintAt(frame, 80, 24).join('\n')).join('\n---\n');
  assertGolden(`${text}\n`, 'report/golden/live-frames.txt');
});

test('the live view shows in its line what does not move, and what the engine is waited for, as long as that lasts', () => {
  const events = mixedRun();
  const after = (type: BakeEvent['type']): readonly BakeEvent[] =>
    events.slice(0, events.findIndex((event) => event.type === type) + 1);
  const shown = (type: BakeEvent['type']): string => paintAt(after(type), 120, 24).join('\n');
  assert.match(shown('stalled'), /base +no progress for 3\d\.\ds, waiting for \[2\/4\] RUN adduser/);
  assert.doesNotMatch(shown('resumed'), /no progress/);
  assert.match(
    shown('engine-waiting'),
    /waiting for the engine unix:.* for 1\.5s, giving up in 28\.5s: buildkitd cannot/,
  );
  assert.match(
    shown('registry-waiting'),
    /registry localhost:5000 answers 503 Service Unavailable; retrying, 1\.5s so far/,
  );
  assert.match(
    shown('retry'),
    /api +trying again in 0\.5s \(attempt 3\): registry localhost:5000 answered 503/,
  );
  assert.doesNotMatch(shown('engine-waited'), /waiting for the engine/);
});

test('the end says when the engine was lost, for how long, and what was restarted', () => {
  const [started] = mixedRun();
  assert.ok(started?.type === 'run-started');
  type PhaseEvent = Extract<EventBody, { readonly type: 'node-phase' }>;
  const phase = (build: string, rest: Partial<PhaseEvent>): EventBody => ({
    ...{ type: 'node-phase', build, phase: 'building' },
    ...rest,
  });
  const away = { phase: 'queued', waitsFor: 'engine' } as const;
  const events = recordEvents([
    started,
    phase('a', { slot: 0 }),
    phase('b', { slot: 1 }),
    phase('c', { phase: 'queued' }),
    { type: 'engine-waiting', address: 'unix:///x', why: 'it is gone', waitMs: 30_000 },
    phase('a', { ...away, slot: 0 }),
    phase('b', { ...away, slot: 1 }),
    { type: 'engine-waited', address: 'unix:///x', waitedMs: 2_000, back: true },
    { type: 'retry', build: 'a', attempt: 1, delayMs: 0, why: 'it is gone' },
    { type: 'retry', build: 'c', attempt: 1, delayMs: 0, why: 'something else' },
    {
      type: 'node-finished',
      build: 'b',
      outcome: { build: 'b', kind: 'cancelled', tags: [], durationMs: 1 },
    },
    {
      type: 'run-finished',
      summary: {
        ...{ ok: true, cancelled: false, outcomes: [], problems: [], durationMs: 60_000 },
        ...{ buildctlCalls: 1, registryRequests: { reads: 0, writes: 0 } },
      },
    },
  ]);
  for (const mode of ['plain', 'grouped', 'tty'] as const)
    assert.match(
      replay(events, mode, 200).err,
      /^the engine was lost at \d\.\ds, back after 2\.0s, 1 build was restarted: a$/m,
    );
});

function manyRunning(count: number): readonly BakeEvent[] {
  const names = Array.from({ length: count }, (_, at) => `a-build-with-a-rather-long-name-${at}`);
  const started = mixedRun()[0];
  assert.ok(started?.type === 'run-started');
  return recordEvents([
    started,
    {
      type: 'planned',
      nodes: names.map((build) => ({ build, role: 'asked', level: 0, needs: [], tags: [], pushes: false })),
    },
    ...names.slice(0, count / 2).flatMap((build): EventBody[] => [
      { type: 'node-started', build, attempt: 1, argv: [] },
      {
        type: 'vertex',
        build,
        digest: 'sha256:1',
        name: `[2/4] RUN ${'日本語 '.repeat(20)}`,
        state: 'running',
      },
      { type: 'log', build, vertex: 'sha256:1', stream: 'stdout', text: `${'wide '.repeat(60)}\n` },
    ]),
  ]);
}

test('the live view never has more lines or columns than the terminal', () => {
  for (const count of [2, 10, 40, 200]) {
    const events = manyRunning(count);
    for (const rows of [1, 2, 5, 24, 60]) {
      for (const columns of [20, 40, 80, 200]) {
        const lines = paintAt(events, columns, rows);
        assert.ok(lines.length <= Math.max(1, rows - 1), `${lines.length} lines in ${rows} rows`);
        const wide = lines.filter((line) => widthOf(line) > columns);
        assert.deepEqual(wide, [], `${columns} columns`);
      }
    }
  }
});

test('of 200 builds those that do not fit are counted', () => {
  const lines = paintAt(manyRunning(200), 80, 24);
  assert.equal(lines.length, 23);
  assert.match(lines.at(-3) ?? '', /… and 80 more running/);
  assert.match(lines.at(-2) ?? '', /· 100 builds wait$/);
  assert.match(lines.at(-1) ?? '', /0\/200 · 100 running · 100 waiting/);
});

test('a frame of 200 builds is painted in a few milliseconds', () => {
  const state = createRunState();
  for (const event of manyRunning(400)) applyEvent(state, event);
  const palette = createPalette(true);
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    paintLive(state, { columns: 120, rows: 50 }, RUN_STARTED_MS, palette);
    return performance.now() - start;
  });
  // The best of them, with room for a slow machine: the test is about what is quadratic, not about what is busy.
  assert.ok(Math.min(...times) < 20, `${times}`);
});

test('steps are counted by their last state, and a second attempt counts anew', () => {
  const step = (digest: string, state: 'running' | 'done' | 'cached' | 'pending'): EventBody => ({
    type: 'vertex',
    build: 'a',
    digest,
    name: `[stage 2/3] RUN ${digest}`,
    state,
  });
  const state = createRunState();
  const take = (...bodies: EventBody[]): void => {
    for (const event of recordEvents(bodies)) applyEvent(state, event);
  };
  take(
    step('1', 'pending'),
    step('2', 'pending'),
    step('1', 'running'),
    step('1', 'done'),
    step('1', 'running'),
  );
  take(step('1', 'done'), step('2', 'done'), step('2', 'cached'));
  assert.deepEqual(state.nodes.get('a')?.steps, { total: 2, done: 2, cached: 1 });
  // One that builds share comes under two digests.
  take({ ...step('1', 'done'), digest: '3' } as EventBody);
  assert.deepEqual(state.nodes.get('a')?.steps, { total: 2, done: 2, cached: 1 });
  take({ type: 'node-started', build: 'a', attempt: 2, argv: [] }, step('1', 'cached'));
  assert.deepEqual(state.nodes.get('a')?.steps, { total: 1, done: 1, cached: 1 });
});

test('events of a later version change nothing', () => {
  const later = { type: 'node-teleported', build: 'x', seq: 1, atMs: 0 } as unknown as BakeEvent;
  const state = createRunState();
  applyEvent(state, later);
  assert.equal(state.phase, 'starting');
  const { err } = replay([later], 'plain');
  assert.equal(err, '');
});

test('durations and sizes are short and exact enough', () => {
  const durations = [0, 22, 94, 95, 1249, 59_940, 59_960, 245_000, 3_599_600, 7_380_000].map(formatDuration);
  assert.deepEqual(durations, [
    '0.0s',
    '22ms',
    '94ms',
    '0.1s',
    '1.2s',
    '59.9s',
    '1m00s',
    '4m05s',
    '1h00m',
    '2h03m',
  ]);
  const sizes = [0, 999, 1000, 12_340, 999_499, 999_500, 48_012_345, 1.2e9, 5e15].map(formatBytes);
  assert.deepEqual(sizes, [
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 kB',
    '999 kB',
    '1.0 MB',
    '48.0 MB',
    '1.2 GB',
    '5000 TB',
  ]);
});

test('100,000 lines of output cost next to nothing, in every mode', () => {
  const line = (at: number): EventBody => ({
    type: 'log',
    build: `build-${at % 200}`,
    vertex: 'sha256:1',
    stream: 'stdout',
    text: `compiling file ${at} of many\n`,
  });
  const started = mixedRun()[0];
  assert.ok(started?.type === 'run-started');
  const nodes = Array.from({ length: 200 }, (_, at) => `build-${at}`).map(
    (build) => ({ build, role: 'asked', level: 0, needs: [], tags: [], pushes: false }) as const,
  );
  const events = recordEvents([
    started,
    { type: 'planned', nodes },
    ...nodes.map(({ build }): EventBody => ({ type: 'node-phase', build, phase: 'building' })),
    ...Array.from({ length: 100_000 }, (_, at) => line(at)),
  ]);
  for (const mode of ['tty', 'plain', 'grouped'] as const) {
    const start = performance.now();
    replay(events, mode, 80);
    const tookMs = performance.now() - start;
    // On a quiet machine 60 to 250 ms; what is quadratic takes minutes.
    assert.ok(tookMs < 5_000, `${mode}: ${tookMs}`);
  }
});

test('what a build is queued for is said: its next attempt, the engine, a slot, or its turn', () => {
  const started = mixedRun()[0];
  assert.ok(started?.type === 'run-started');
  const shown = (concurrency: number, ...more: readonly EventBody[]): string => {
    const bodies: readonly EventBody[] = [
      { ...started, concurrency },
      {
        type: 'planned',
        nodes: ['a', 'b'].map((build) => ({
          build,
          role: 'asked',
          level: 0,
          needs: [],
          tags: [],
          pushes: false,
        })),
      },
      { type: 'node-phase', build: 'b', phase: 'building', slot: 0 },
      ...more,
      { type: 'node-phase', build: 'a', phase: 'queued' },
    ];
    return paintAt(recordEvents(bodies, 0), 100, 24).find((line) => line.includes(' a  ')) ?? '';
  };
  const away: EventBody = { type: 'engine-waiting', address: 'unix:///x', why: 'it is gone', waitMs: 30_000 };
  const retry: EventBody = {
    type: 'retry',
    build: 'a',
    attempt: 1,
    delayMs: 4_000,
    why: 'a registry answered 503',
  };
  assert.equal(shown(1), '· a  waiting for a slot');
  assert.equal(shown(2), '· a  waiting for its turn');
  assert.equal(shown(2, away), '· a  waiting for the engine');
  assert.match(shown(2, retry), /a {2}trying again in 2\.5s \(attempt 2\): a registry answered 503/);
});

test('the time of a build that runs is the one that its outcome will say: without its waits', () => {
  const phase = (name: 'checking' | 'queued' | 'building'): EventBody => ({
    type: 'node-phase',
    build: 'a',
    phase: name,
  });
  const state = createRunState();
  const events = recordEvents(
    [phase('checking'), phase('queued'), phase('building'), phase('queued'), phase('building')],
    1_000,
  );
  for (const event of events) applyEvent(state, event);
  const node = state.nodes.get('a');
  assert.ok(node !== undefined);
  assert.equal(elapsedMs(node, (events.at(-1)?.atMs ?? 0) + 500), 2_500);
});
