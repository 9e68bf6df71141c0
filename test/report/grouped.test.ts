/** Lines of one build that stand together, and times on lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { createReporter, type ReporterOptions } from '../../lib/report/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { endOf, eventsUntil, FAILED_DOCKERFILE, membersOf } from '../rig/many-builds.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, recordEvents } from '../rig/recorded-runs.ts';

function write(events: readonly BakeEvent[], changes: Partial<ReporterOptions> = {}): string {
  let text = '';
  const err = { write: (more: string) => (text += more), columns: 100 };
  const reporter = createReporter({
    mode: 'grouped',
    out: err,
    err,
    color: false,
    now: () => RUN_STARTED_MS,
    sourceOf: () => FAILED_DOCKERFILE,
    ...changes,
  });
  for (const event of events) reporter.onEvent(event);
  reporter.close();
  return text;
}

for (const [name, events] of [
  ['mixed', mixedRun()],
  ['failing', failingRun()],
] as const) {
  test(`a ${name} run in groups`, () => {
    assertGolden(write(events), `report/golden/grouped-${name}.txt`);
  });
}

const until = (members: ReturnType<typeof membersOf>): readonly EventBody[] => [
  ...eventsUntil(members),
  ...endOf(members),
];

test('no line of one build stands among those of another, and none is lost', () => {
  const members = membersOf(40);
  // Events of all builds one after the other, each from its own place in its story.
  const bodies = until(members);
  const own = members.map(({ build }) => bodies.filter((body) => 'build' in body && body.build === build));
  const mixed: EventBody[] = bodies.slice(0, 2);
  for (let at = 0; own.some((queue) => at < queue.length); at += 1)
    mixed.push(...own.flatMap((queue) => queue[at] ?? []));
  const end = bodies.at(-1);
  assert.ok(end !== undefined);
  const text = write(recordEvents([...mixed, end]), { timestamps: false });
  const lines = text.slice(0, text.indexOf('\nBUILD ')).split('\n');
  let current = '';
  for (const line of lines.filter((one) => /^[✓=✗]|added \d+ packages/.test(one))) {
    const title = /^[✓=✗] (\S+)/.exec(line)?.[1];
    if (title !== undefined) current = title;
    else assert.equal(line, `    added ${100 + members.findIndex((one) => one.build === current)} packages`);
  }
  const logged = bodies.filter((body) => body.type === 'log').length;
  assert.equal(text.match(/added \d+ packages/g)?.length, logged);
});

test('a frame stands around the lines of a build, as it is; a build without lines gets none', () => {
  const frame = {
    open: (build: string, title: string) => `::group::${build} ${title}`,
    close: (build: string) => (build === 'base' ? '::endgroup::' : ''),
  };
  const text = write(mixedRun(), { frame, timestamps: true });
  assert.match(
    text,
    /^::group::base ✓ base built: 1f1f1f1f1f1f {2}2\.1 MB .*\n {2}2026-01-02T03:04:05\.700Z build: not built before\n/m,
  );
  assert.match(text, /pushed localhost:5000\/base:dev\n::endgroup::\n/);
  assert.doesNotMatch(text, /::group::web/);
  assert.match(text, /^2026-01-02T\S+Z = web unchanged: /m);
  assert.equal(text.match(/::endgroup::/g)?.length, 1);
});

test('a build cannot forge the frame of another one', () => {
  const forged: readonly EventBody[] = [
    { type: 'node-started', build: 'a', attempt: 1, argv: [] },
    {
      type: 'log',
      build: 'a',
      vertex: 'v',
      stream: 'stdout',
      text: '::endgroup::\n\u001b[0Ksection_end:1:a\r\n',
    },
    { type: 'node-finished', build: 'a', outcome: { build: 'a', kind: 'built', tags: [], durationMs: 1 } },
  ];
  const frame = { open: () => 'OPEN', close: () => 'CLOSE' };
  const text = write(recordEvents(forged), { frame });
  assert.doesNotMatch(text, /^::/m);
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
});

test('what does not go on is said at once, and not in the group', () => {
  const events = mixedRun();
  const at = events.findIndex((event) => event.type === 'stalled');
  const text = write(events.slice(0, at + 1));
  assert.match(
    text,
    /\nbase +\| no progress for 30\.0s, waiting for \[2\/4\] RUN adduser .*set --stall-timeout to limit this\n$/,
  );
});

test('after a while of silence a line says what still runs, and since when', async (t) => {
  let text = '';
  let nowMs = RUN_STARTED_MS;
  const err = { write: (more: string) => (text += more) };
  const reporter = createReporter({
    mode: 'grouped',
    out: err,
    err,
    color: false,
    now: () => nowMs,
    lifeSignMs: 20,
  });
  t.after(() => reporter.close());
  for (const event of recordEvents(eventsUntil(membersOf(40)), 0)) reporter.onEvent(event);
  const before = text;
  nowMs += 19;
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(text, before);
  nowMs += 75_000;
  for (let turn = 0; turn < 500 && text === before; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(
    text.slice(before.length),
    'still running after 1m15s: base-python (building step 3/4: RUN npm ci --omit=dev, 1m15s), service-001 (building step 3/4: RUN npm ci --omit=dev, 1m15s), service-019 (pushing, 1m15s) and service-028 (checking, 1m15s); 8 builds wait\n',
  );
});

test('with timestamps each line starts with the time of its event', () => {
  const events = mixedRun();
  const text = write(events, { mode: 'plain', timestamps: true });
  const lines = text.slice(0, text.indexOf('\nBUILD ')).trimEnd().split('\n');
  assert.equal(lines[0], '2026-01-02T03:04:05.000Z bake-ts 0.1.0 on node 20.19.0, 4 builds at a time');
  assert.ok(lines.every((line) => /^2026-01-02T03:04:\d\d\.\d00Z \S/.test(line)));
});

test('a signal is said once, whether it or its event comes first', () => {
  for (const mode of ['plain', 'grouped'] as const) {
    let text = '';
    const err = { write: (more: string) => (text += more) };
    const reporter = createReporter({ mode, out: err, err, color: false, now: () => 0 });
    const [event] = recordEvents([{ type: 'interrupted', signal: 'SIGTERM' }]);
    reporter.interrupt('SIGTERM');
    if (event !== undefined) reporter.onEvent(event);
    reporter.close();
    assert.equal(text, 'SIGTERM: stopping; send it again to stop at once\n');
  }
});

test('where nothing else is shown, whoever watches is told that the run is being stopped', () => {
  for (const [mode, isTTY, wanted] of [
    ['json', true, 'stopping; press Ctrl-C again to stop at once\n'],
    ['quiet', true, 'stopping; press Ctrl-C again to stop at once\n'],
    ['json', false, ''],
  ] as const) {
    let text = '';
    const err = { isTTY, write: (more: string) => (text += more) };
    createReporter({ mode, out: { write: () => {} }, err, color: false, now: () => 0 }).interrupt('SIGINT');
    assert.equal(text, wanted);
  }
});
