/** What is made of buildctl's progress stream. The lines have the shapes that buildkit 0.34 writes. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { ProgressReader } from '../../lib/buildctl/mod.ts';
import type { EventBody } from '../../lib/model/mod.ts';

const T0 = '2026-11-23T20:00:00.000Z';
const T1 = '2026-11-23T20:00:01.500Z';

function start(): { reader: ProgressReader; events: EventBody[]; say: (status: object) => void } {
  const events: EventBody[] = [];
  const reader = new ProgressReader('a', (event) => events.push(event));
  return { reader, events, say: (status) => reader.line(JSON.stringify(status)) };
}

function vertex(digest: string, name: string, rest: object = {}): object {
  return { vertexes: [{ digest, name, ...rest }] };
}

function log(digest: string, data: string | Uint8Array, stream = 1): object {
  return { logs: [{ vertex: digest, stream, data: Buffer.from(data).toString('base64'), timestamp: T0 }] };
}

test('a step is pending, runs and is done; each state is reported once', () => {
  const { events, say } = start();
  say(vertex('d1', '[2/3] RUN make'));
  say(vertex('d1', '[2/3] RUN make', { started: T0 }));
  say(vertex('d1', '[2/3] RUN make', { started: T0 }));
  say(vertex('d1', '[2/3] RUN make', { started: T0, completed: T1 }));
  assert.deepEqual(
    events.map((event) => event.type === 'vertex' && [event.state, event.durationMs]),
    [
      ['pending', undefined],
      ['running', undefined],
      ['done', 1500],
    ],
  );
});

test('a step that starts again after it was done runs again', () => {
  const { events, say } = start();
  say(vertex('d1', 'exporting to image', { started: T0, completed: T1 }));
  say(vertex('d1', 'exporting to image', { started: T1 }));
  say(vertex('d1', 'exporting to image', { started: T1, completed: T1 }));
  assert.deepEqual(
    events.map((event) => event.type === 'vertex' && event.state),
    ['done', 'running', 'done'],
  );
});

test('steps and cached steps are counted without FROM and what is internal', () => {
  const { reader, say } = start();
  say(vertex('i', '[internal] load build context', { started: T0, completed: T0, cached: true }));
  say(vertex('f', '[build 1/4] FROM docker.io/library/x', { started: T0, completed: T0 }));
  say(vertex('1', '[build 2/4] COPY . .', { started: T0, completed: T0, cached: true }));
  say(vertex('2', '[linux/arm64 build 3/4] RUN make', { started: T0, completed: T0, cached: true }));
  say(vertex('3', '[4/4] RUN true', { started: T0, completed: T1 }));
  say(vertex('e', 'exporting to image', { started: T0, completed: T1 }));
  assert.deepEqual(reader.summary().steps, { total: 3, cached: 2 });
});

test('a step that BuildKit tells of under two digests, since builds share it, counts once', () => {
  const { reader, say } = start();
  say(vertex('d1', '[1/2] COPY f /', { started: T0, completed: T1 }));
  say(vertex('d2', '[1/2] COPY f /', { cached: true, started: T1, completed: T1 }));
  say(vertex('d3', '[2/2] RUN make', { started: T1, completed: T1 }));
  assert.deepEqual(reader.summary().steps, { total: 2, cached: 1 });
});

test('the first error that is not a mere cancellation is the cause, with the tail of its log', () => {
  const { reader, events, say } = start();
  say(vertex('x', '[a 2/2] RUN sleep', { started: T0, completed: T1, error: 'process: context canceled' }));
  say(log('y', Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join('')));
  say(log('y', 'no line break'));
  say(vertex('y', '[b 2/2] RUN false', { started: T0, completed: T1, error: 'exit code: 1' }));
  say(vertex('z', '[c 2/2] RUN false', { started: T0, completed: T1, error: 'exit code: 2' }));
  reader.line('Dockerfile:4');
  reader.line('error: failed to solve: it');
  const summary = reader.summary();
  assert.equal(summary.failedStep?.name, '[b 2/2] RUN false');
  assert.equal(summary.failedLog.length, 41);
  assert.deepEqual(summary.failedLog.slice(-2), ['line 99', 'no line break']);
  assert.deepEqual(summary.text, ['Dockerfile:4', 'error: failed to solve: it']);
  assert.equal(events.filter((event) => event.type === 'vertex' && event.state === 'failed').length, 3);
});

test('a character that is cut between two messages stays whole, for each stream of its own', () => {
  const { events, say } = start();
  const bytes = Buffer.from('äöü€\n');
  say(log('v', bytes.subarray(0, 3)));
  say(log('v', Buffer.from('é\n').subarray(0, 1), 2));
  say(log('v', bytes.subarray(3, 7)));
  say(log('v', Buffer.from('é\n').subarray(1), 2));
  say(log('v', bytes.subarray(7)));
  const text = (stream: string) =>
    events.flatMap((event) => (event.type === 'log' && event.stream === stream ? [event.text] : [])).join('');
  assert.equal(text('stdout'), 'äöü€\n');
  assert.equal(text('stderr'), 'é\n');
});

test('transfers carry their bytes, and what has none is not reported', () => {
  const { events, say } = start();
  const status = (rest: object) => say({ statuses: [{ vertex: 'v', timestamp: T0, current: 0, ...rest }] });
  status({ id: 'transferring context:', current: 4096 });
  status({ id: 'sha256:abc', current: 10, total: 100 });
  status({ id: 'sha256:abc', current: 100, total: 100, completed: T1 });
  status({ id: 'pushing layers', completed: T1 });
  status({ id: 'resolve docker.io/library/x' });
  assert.deepEqual(
    events.map((event) => event.type === 'transfer' && [event.id, event.current, event.total, event.done]),
    [
      ['transferring context:', 4096, undefined, false],
      ['sha256:abc', 10, 100, false],
      ['sha256:abc', 100, 100, true],
      ['pushing layers', 0, undefined, true],
    ],
  );
});

test('warnings become problems with their place', () => {
  const { events, say } = start();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  say({
    warnings: [
      {
        vertex: 'v',
        level: 1,
        short: base64('StageNameCasing: names are small'),
        detail: [base64('one'), base64('two')],
        url: 'https://docs.docker.com/x/',
        sourceInfo: { filename: 'Dockerfile', data: '', definition: null, language: 'Dockerfile' },
        range: [{ start: { line: 3 }, end: { line: 4 } }],
      },
    ],
  });
  const [event] = events;
  assert(event?.type === 'warning');
  assert.equal(event.problem.code, 'build/dockerfile-check');
  assert.equal(event.problem.message, 'StageNameCasing: names are small');
  assert.equal(event.problem.detail, 'one\ntwo');
  assert.equal(event.problem.place?.line, 3);
  assert.match(event.problem.hint ?? '', /docs\.docker\.com/);
});

test('lines that are not JSON, or broken JSON, are text, of which the end is kept', () => {
  const { reader, events } = start();
  reader.line('{"vertexes": [');
  for (let index = 0; index < 500; index++) reader.line(`text ${index}`);
  assert.deepEqual(events, []);
  const { text } = reader.summary();
  assert.equal(text.length, 200);
  assert.equal(text.at(-1), 'text 499');
});

test('JSON that is not a status does no harm', () => {
  const { reader } = start();
  for (const line of ['{}', '{"vertexes":null}', '{"other":1}']) reader.line(line);
  assert.deepEqual(reader.summary().steps, { total: 0, cached: 0 });
});

test('messages of another shape are text, and end nothing', () => {
  const { reader, events, say } = start();
  const odd: readonly object[] = [
    { vertexes: [null] },
    { vertexes: 5 },
    { statuses: [{ id: 5, vertex: 'd' }] },
    { logs: [{ vertex: 'd', stream: 1 }] },
    { logs: [{ vertex: 'd', stream: 1, data: 5 }] },
    { warnings: [{}] },
  ];
  for (const one of odd) say(one);
  assert.deepEqual(events, []);
  assert.deepEqual(
    reader.summary().text,
    odd.map((one) => JSON.stringify(one)),
  );
});

test('however much a step or buildctl writes into one line, only the end or the start of it is kept', () => {
  const { reader, say } = start();
  const mebibyte = 'x'.repeat(1024 * 1024);
  say(vertex('d', '[1/1] RUN yes', { started: T0 }));
  for (let time = 0; time < 20; time++) say(log('d', mebibyte));
  say(log('d', `end\n${mebibyte}`));
  reader.line(`error: ${mebibyte}`);
  say(vertex('d', '[1/1] RUN yes', { started: T0, completed: T1, error: 'exit code: 1' }));
  const { failedLog, text } = reader.summary();
  assert.equal(failedLog.length, 2);
  assert.match(failedLog[0] ?? '', /x{1000}end$/);
  for (const line of [...failedLog, ...text]) assert.ok(line.length <= 16_384, String(line.length));
  assert.match(text[0] ?? '', /^error: x/);
});

test('that the push begins is said once, and not before', () => {
  let pushes = 0;
  const reader = new ProgressReader('a', () => undefined, undefined, {
    onPush: () => {
      pushes += 1;
    },
  });
  const say = (id: string) =>
    reader.line(JSON.stringify({ statuses: [{ id, vertex: 'd1', current: 0, started: T0 }] }));
  for (const id of ['exporting layers', 'naming to r/a:1', 'transferring context:']) say(id);
  assert.equal(pushes, 0);
  for (const id of ['pushing layers', 'pushing manifest for r/a', 'pushing layers']) say(id);
  assert.equal(pushes, 1);
});
