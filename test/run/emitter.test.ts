/** The envelope of events, and what sensitive values are taken out of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BakeEvent,
  createHider,
  type EventBody,
  type ProblemJson,
  type Variable,
} from '../../lib/model/mod.ts';
import { createEmitter } from '../../lib/run/emitter.ts';

const hiderOf = (...values: readonly string[]) =>
  createHider(
    new Map(
      values.map((value): [string, Variable] => [value, { value, sensitive: true } as unknown as Variable]),
    ),
  );

const throwIt = ({ error }: { readonly error: unknown }) => {
  throw error;
};

/** What comes out of one event where some values are sensitive. */
function emitted(event: EventBody, ...sensitive: readonly string[]): BakeEvent {
  const events: BakeEvent[] = [];
  createEmitter(
    (one) => events.push(one),
    () => 7,
    hiderOf(...sensitive),
    throwIt,
  )(event);
  return events[0] ?? assert.fail();
}

test('events are numbered from 1 and have the time of the clock; nobody has to listen', () => {
  const events: BakeEvent[] = [];
  let now = 100;
  const emit = createEmitter(
    (one) => events.push(one),
    () => now++,
    hiderOf(),
    throwIt,
  );
  emit({ type: 'interrupted', signal: 'SIGINT' });
  emit({ type: 'engine-starting', text: 'x' });
  assert.deepEqual(events, [
    { type: 'interrupted', signal: 'SIGINT', seq: 1, atMs: 100 },
    { type: 'engine-starting', text: 'x', seq: 2, atMs: 101 },
  ]);
  createEmitter(undefined, () => 0, hiderOf(), throwIt)({ type: 'interrupted', signal: 'SIGINT' });
});

const DIGEST = `sha256:${'abcd'.repeat(16)}` as const;

test('what programs go by stays as it is, whatever is sensitive', () => {
  const outcome = {
    build: 'some-build',
    kind: 'blocked',
    reason: { code: 'first-build', text: '' },
    digest: DIGEST,
    key: 'the-key',
    blockedBy: 'other-build',
    tags: [{ ref: 'r/x:1', digest: DIGEST, action: 'retagged' }],
    durationMs: 1,
    audit: { result: 'same-files', compared: 'files', cached: false },
    problem: { code: 'build/failed', message: '', severity: 'error', build: 'some-build' },
  } as const;
  const node = {
    build: 'some-build',
    role: 'needed',
    level: 0,
    needs: ['other-build'],
    tags: [],
    pushes: true,
  } as const;
  const place = { build: 'some-build', vertex: DIGEST };
  const summary = {
    ok: true,
    cancelled: false,
    outcomes: [outcome],
    problems: [],
    durationMs: 0,
    buildctlCalls: 0,
    registryRequests: { reads: 0, writes: 0 },
    audit: { seed: 1, candidates: 1, builds: ['some-build'] },
  } as const;
  const started = { runId: 'the-run', version: '', runtime: '', files: [], concurrency: 1 };
  const events: readonly EventBody[] = [
    { type: 'run-started', ...started },
    { type: 'planned', nodes: [node] },
    {
      type: 'node-decided',
      build: 'some-build',
      decision: 'unchanged',
      reason: { code: 'forced', text: '' },
    },
    { type: 'vertex', build: 'some-build', digest: DIGEST, name: '', state: 'running' },
    { type: 'log', ...place, stream: 'stdout', text: '' },
    { type: 'transfer', ...place, id: '', current: 0, done: true },
    { type: 'node-finished', build: 'some-build', outcome },
    { type: 'run-finished', summary },
  ];
  const sensitive = [
    ...events.map(({ type }) => type),
    ...['the-run', 'some-build', 'other-build', 'the-key', 'abcd', 'needed', 'running', 'stdout'],
    ...['unchanged', 'blocked', 'forced', 'first-build', 'retagged', 'same-files', 'files'],
    ...['build/failed', 'error'],
  ];
  for (const event of events)
    for (const one of sensitive) assert.deepEqual(emitted(event, one), { ...event, seq: 1, atMs: 7 }, one);
});

test('a sensitive value is in no text', () => {
  const event: EventBody = {
    type: 'log',
    build: 'a',
    vertex: DIGEST,
    stream: 'stderr',
    text: 'uses hunter2!',
  };
  const hidden = emitted(event, 'hunter2');
  assert.deepEqual(hidden, { ...event, text: 'uses (hidden)!', seq: 1, atMs: 7 });
  const tag = { ref: 'r/x:hunter2', digest: DIGEST, action: 'pushed' } as const;
  assert.doesNotMatch(JSON.stringify(emitted({ type: 'tag', build: 'a', tag }, 'hunter2')), /hunter2/);
});

test('the command line of buildctl is shown without what names alone make secret', () => {
  const argv = ['buildctl', '--opt', 'build-arg:NPM_TOKEN=tell-nobody', '--opt', 'build-arg:MODE=fast'];
  const event = emitted({ type: 'node-started', build: 'a', attempt: 1, argv });
  assert(event.type === 'node-started');
  assert.deepEqual(event.argv, [
    ...['buildctl', '--opt', 'build-arg:NPM_TOKEN=(hidden)', '--opt', 'build-arg:MODE=fast'],
  ]);
});

test('after a fault of its receiver there are no more events', () => {
  const faults: unknown[] = [];
  let count = 0;
  const emit = createEmitter(
    () => {
      count++;
      throw new Error('of the receiver');
    },
    () => 0,
    hiderOf(),
    ({ error }) => faults.push(error),
  );
  for (let time = 0; time < 3; time++) emit({ type: 'interrupted', signal: 'SIGINT' });
  assert.deepEqual([count, faults.length], [1, 1]);
});

test('of a command line nothing is told that is sensitive, or whose name sounds as if it were', () => {
  const command = [
    'run',
    'api',
    '--set',
    'api.args.TOKEN=abcd',
    '--set=api.args.NPM_TOKEN=a=b',
    '--var',
    'VERSION=1.2',
    '--addr=tcp://10.0.0.1:1234',
    'https://me:pw@host/x',
    'name=the-value',
  ];
  const told = emitted(
    { type: 'run-started', runId: 'r', version: '', runtime: '', files: [], concurrency: 1, command },
    'the-value',
  );
  assert(told.type === 'run-started');
  assert.deepEqual(told.command, [
    'run',
    'api',
    '--set',
    'api.args.TOKEN=(hidden)',
    '--set=api.args.NPM_TOKEN=(hidden)',
    '--var',
    'VERSION=1.2',
    '--addr=tcp://10.0.0.1:1234',
    'https://host/x',
    'name=(hidden)',
  ]);
});

test('short values of sensitive variables are hidden by name in the command line of a run', () => {
  const variables = new Map([['PIN', { name: 'PIN', value: '1', sensitive: true } as unknown as Variable]]);
  const events: BakeEvent[] = [];
  createEmitter(
    (one) => events.push(one),
    () => 7,
    createHider(variables),
    throwIt,
  )({
    type: 'run-started',
    runId: 'r',
    version: '',
    runtime: '',
    files: [],
    concurrency: 1,
    command: ['run', '--var', 'PIN=1', '--var=PIN=1'],
  });
  const [told] = events;
  assert(told?.type === 'run-started');
  assert.deepEqual(told.command, ['run', '--var', 'PIN=(hidden)', '--var=PIN=(hidden)']);
});

test('no text of an event has a user in an address, whoever wrote it', () => {
  const url = 'https://me:hunter22@host/x.git';
  const reason = { code: 'untracked', text: `see ${url}`, items: [url] } as const;
  const found = { code: 'build/step', severity: 'error', message: url, hint: url } as unknown as ProblemJson;
  const outcome = { build: 'a', kind: 'failed', reason, problem: found, tags: [], durationMs: 1 } as const;
  const events: readonly EventBody[] = [
    { type: 'node-keyed', build: 'a', files: 0, bytes: 0, untracked: [url] },
    { type: 'node-decided', build: 'a', decision: 'build', reason },
    { type: 'warning', problem: found },
    { type: 'vertex', build: 'a', digest: 'd', name: `load git source ${url}`, state: 'running' },
    { type: 'node-finished', build: 'a', outcome },
  ];
  for (const event of events) {
    const told = JSON.stringify(emitted(event));
    assert(!told.includes('hunter22') && told.includes('https://host/x.git'), told);
  }
});
