/** A build in which nothing moves: it is said, and ended where that was asked for; and one that takes too long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBody } from '../../lib/model/mod.ts';
import { CallWatch, type WatchOptions } from '../../lib/run/call-watch.ts';
import { codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import { makeBuild } from '../rig/sets.ts';
import type { Cleanup } from '../rig/temp.ts';

const DOCKERFILE = 'FROM scratch\nCOPY file /\nRUN ["/missing"]\n';

function makeOne(t: Cleanup, more = '') {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:\n  a: { context: ., push: true, tags: ["${host}/a:1"]${more} }\n`,
    Dockerfile: DOCKERFILE.replace(/RUN.*\n/, ''),
    file: 'a\n',
  }));
}

interface Watched {
  readonly watch: CallWatch;
  readonly events: EventBody[];
  /** Resolves with the next event that `isIt` is true of. */
  readonly next: (isIt: (event: EventBody) => boolean, act: () => void) => Promise<void>;
}

/** A watch over a call in which nothing happens but what the test says. */
function watchOver(t: Cleanup, options: Partial<WatchOptions> = {}): Watched {
  const events: EventBody[] = [];
  let listener: ((event: EventBody) => void) | undefined;
  const watch = new CallWatch({
    build: makeBuild('a'),
    emit: (event) => {
      events.push(event);
      listener?.(event);
    },
    noticeMs: 20,
    answers: async () => true,
    signal: new AbortController().signal,
    ...options,
  });
  t.after(() => watch.close());
  const next: Watched['next'] = (isIt, act) =>
    new Promise((resolve) => {
      listener = (event) => {
        if (!isIt(event)) return;
        listener = undefined;
        act();
        resolve();
      };
    });
  return { watch, events, next };
}

const step = (digest: string, state: 'running' | 'done', name = '[2/2] RUN make'): EventBody => ({
  type: 'vertex',
  build: 'a',
  digest,
  name,
  state,
});
const push = (done: boolean): EventBody => ({
  type: 'transfer',
  build: 'a',
  vertex: 'e',
  id: 'pushing layers',
  current: 0,
  done,
});
const STARTED: EventBody = { type: 'node-started', build: 'a', attempt: 1, argv: [] };

test('what does not move is told again and again, with what is waited for, and when it moves', async (t) => {
  let answers = true;
  const { watch, events, next } = watchOver(t, { answers: async () => answers });
  watch.see(STARTED);
  watch.see(step('s', 'running'));
  let told = 0;
  await next(
    (event) => event.type === 'stalled' && ++told === 3,
    // It moves while the third one is told.
    () => watch.see(step('s', 'done')),
  );
  assert.deepEqual(
    events.map(({ type }) => type),
    ['stalled', 'stalled', 'stalled', 'resumed'],
  );
  const quiet = events.map((event) => ('quietMs' in event ? event.quietMs : 0));
  assert.ok((quiet[0] ?? 0) >= 19 && (quiet[1] ?? 0) >= 39 && (quiet[2] ?? 0) >= 79, quiet.join());
  // Then it starts anew.
  answers = false;
  watch.see(push(false));
  await next(
    (event) => event.type === 'stalled',
    () => undefined,
  );
  watch.see(push(true));
  answers = true;
  await next(
    (event) => event.type === 'stalled',
    () => watch.close(),
  );
  watch.sign();
  assert.deepEqual(
    events.flatMap((event) =>
      event.type === 'stalled'
        ? [[event.waitsFor.replace(/\(for [^)]*\)/, '(for T)'), event.engineAnswers]]
        : [],
    ),
    [
      ['[2/2] RUN make (for T)', true],
      ['[2/2] RUN make (for T)', true],
      ['[2/2] RUN make (for T)', true],
      ['the engine, which does not answer (the push of its image)', false],
      ['buildctl', true],
    ],
  );
});

test('a call is ended once, with what it waited for, and says nothing more', async (t) => {
  for (const [options, code, message] of [
    [{ stallTimeoutMs: 60 }, 'build/stalled', /^no progress for 60ms: it waited for \[2\/2\] RUN make \(for/],
    [
      { build: makeBuild('a', { timeoutMs: 60 }) },
      'build/timeout',
      /^not done within 60ms: it waited for \[2\/2\]/,
    ],
  ] as const) {
    const { watch, events } = watchOver(t, options);
    watch.see(STARTED);
    watch.see(step('s', 'running'));
    await new Promise((resolve) => watch.signal.addEventListener('abort', resolve));
    assert.equal(watch.failure?.code, code);
    assert.match(watch.failure?.message ?? '', message);
    const count = events.length;
    // buildctl says that it was cancelled.
    watch.see(step('s', 'done'));
    assert.equal(events.length, count);
  }
});

test('a watch ends with the signal of the run, and then there is no failure', async (t) => {
  const stopper = new AbortController();
  const { watch } = watchOver(t, { signal: stopper.signal, stallTimeoutMs: 60_000 });
  stopper.abort('stopped');
  assert.deepEqual([watch.signal.aborted, watch.failure], [true, undefined]);
  assert.ok(watchOver(t, { signal: AbortSignal.abort() }).watch.signal.aborted);
});

test('who moves while the engine is asked is not stalled', async (t) => {
  let answer = (_: boolean): void => undefined;
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { watch, events } = watchOver(t, {
    answers: () => {
      asked();
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  });
  watch.see(STARTED);
  await isAsked;
  watch.sign();
  answer(true);
  await Promise.resolve();
  await Promise.resolve();
  watch.close();
  assert.deepEqual(events, []);
});

test('a build that does not move for as long as is allowed is ended, and not tried again', async (t) => {
  for (const at of ['start', 'pushed'] as const) {
    const world = await makeOne(t);
    world.engine.fault({ at, act: 'hang' });
    const baked = await world.bake({ stallTimeoutMs: 1_000 });
    assert.deepEqual(codesOf(baked), ['build/stalled of a']);
    assert.match(baked.outcome('a').problem?.message ?? '', /^no progress for 1\.0s: it waited for /);
    assert.equal(world.engine.builds.length, 1);
    assert.equal(world.engine.running, 0);
  }
});

test('a build that takes longer than its timeout fails with what it waited for', async (t) => {
  const world = await makeOne(t, ', timeout: 1s');
  world.engine.fault({ at: 'sent', act: 'hang' });
  const startedAt = performance.now();
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['build/timeout of a']);
  assert.match(baked.outcome('a').problem?.message ?? '', /^not done within 1\.0s: it waited for buildctl$/);
  assert.ok(performance.now() - startedAt < 20_000);
  assert.equal(baked.summary.cancelled, false);
  // No part of the key: what was built with one limit is there with another.
  world.engine.mend();
  assert.equal(kindsText(await world.bake()), 'a built');
  await world.write({ 'builds.yaml': (await builds(world)).replace('1s', '20m') });
  assert.equal(kindsText(await world.bake()), 'a unchanged');
});

test('the command for a secret counts, and is named', async (t) => {
  const world = await makeOne(t, ', timeout: 1, secrets: [{ id: key, command: [sleep, "600"] }]');
  const baked = await world.bake({ env: { PATH: '/usr/bin:/bin' }, stallNoticeMs: 50 });
  assert.equal(baked.outcome('a').problem?.code, 'build/timeout');
  assert.match(baked.outcome('a').problem?.message ?? '', /waited for the command for the secret `key`$/);
  const [stalled] = baked.events.flatMap((event) => (event.type === 'stalled' ? [event] : []));
  assert.equal(stalled?.waitsFor, 'the command for the secret `key`');
  assert.equal(world.engine.builds.length, 0);
});

async function builds(world: { readonly dir: string }): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return readFile(`${world.dir}/builds.yaml`, 'utf8');
}

test('who is told that nothing moves is told when that will end the call, by whichever limit is first', async (t) => {
  const told = async (timeoutMs?: number, stallTimeoutMs?: number) => {
    const build = { ...makeBuild('a'), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const limits = stallTimeoutMs === undefined ? {} : { stallTimeoutMs };
    const { events, next, watch } = watchOver(t, { build, ...limits });
    await next(
      (event) => event.type === 'stalled',
      () => watch.close(),
    );
    const [stalled] = events;
    assert(stalled?.type === 'stalled');
    return stalled;
  };
  const free = await told();
  assert('endsInMs' in free === false);
  for (const limits of [
    [60_000, undefined],
    [undefined, 60_000],
    [60_000, 600_000],
    [600_000, 60_000],
  ] as const) {
    const { endsInMs = 0, quietMs } = await told(...limits);
    assert(endsInMs <= 60_000 - quietMs + 2 && endsInMs > 0, `${limits}: ${endsInMs} after ${quietMs}`);
  }
});
