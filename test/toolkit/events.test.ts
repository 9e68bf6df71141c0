/** Work whose events are iterated over: nothing is missed, nothing hangs, and whoever leaves stops it. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { BakeEvent, EventSink } from '../../lib/model/mod.ts';
import { type Running, startWork } from '../../lib/toolkit/events.ts';
import type { Cleanup } from '../rig/temp.ts';

function event(seq: number): BakeEvent {
  return { type: 'interrupted', signal: 'SIGTERM', seq, atMs: 0 };
}

type Start = (sink: EventSink, signal: AbortSignal) => Promise<string>;

function work(start: Start, rest: { signal?: AbortSignal; onEvent?: EventSink } = {}): Running<string> {
  return startWork({
    ...rest,
    start,
    failureOf: (result) => (result === 'failed' ? new Error('not done') : undefined),
  });
}

const three: Start = async (sink) => {
  for (const seq of [1, 2, 3]) {
    sink(event(seq));
    if (seq === 2) await delay(1);
  }
  return 'done';
};

/** Promises that were rejected and that nobody looked at. */
function watchUnhandled(t: Cleanup): readonly unknown[] {
  const seen: unknown[] = [];
  const note = (error: unknown) => seen.push(error);
  process.on('unhandledRejection', note);
  t.after(() => void process.off('unhandledRejection', note));
  return seen;
}

test('iteration gets every event, the promise the result, and the callback both', async () => {
  const told: number[] = [];
  const working = work(three, { onEvent: ({ seq }) => void told.push(seq) });
  const seen: number[] = [];
  for await (const { seq } of working) seen.push(seq);
  assert.deepEqual([seen, told, await working], [[1, 2, 3], [1, 2, 3], 'done']);
  for await (const one of working) assert.fail(`nothing comes after the end: ${one.type}`);
});

test('several iterations get all events each, and one that begins later those from then on', async () => {
  const working = work(three);
  const collect = async (): Promise<readonly number[]> => {
    const seen: number[] = [];
    for await (const { seq } of working) seen.push(seq);
    return seen;
  };
  const both = [collect(), collect()];
  const late = Promise.resolve().then(() => Promise.resolve().then(collect));
  assert.deepEqual(await Promise.all(both), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
  assert.deepEqual(await late, [3]);
});

test('leaving the loop stops the work, and goes on only when it has ended', async () => {
  let ended = false;
  const working = work(async (sink, signal) => {
    sink(event(1));
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await delay(5);
    ended = true;
    return 'stopped';
  });
  for await (const _ of working) break;
  assert.equal(ended, true);
  assert.equal(await working, 'stopped');
});

test('an error in the loop stops the work, and is the one that comes out', async (t) => {
  const unhandled = watchUnhandled(t);
  const working = work(async (sink, signal) => {
    sink(event(1));
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new Error('of the work');
  });
  await assert.rejects(
    async () => {
      for await (const _ of working) throw new Error('of the loop');
    },
    { message: 'of the loop' },
  );
  await delay(1);
  assert.deepEqual(unhandled, []);
});

test('what the work throws comes out of the loop, once, and of the promise', async (t) => {
  const unhandled = watchUnhandled(t);
  const working = work(async (sink) => {
    sink(event(1));
    throw new Error('of the work');
  });
  const iterator = working[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value?.seq, 1);
  await assert.rejects(iterator.next(), { message: 'of the work' });
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  await assert.rejects(working, { message: 'of the work' });
  await delay(1);
  assert.deepEqual(unhandled, []);
});

test('work that failed is an error at the end of the loop', async () => {
  const working = work(async () => 'failed');
  await assert.rejects(
    async () => {
      for await (const _ of working) assert.fail();
    },
    { message: 'not done' },
  );
  assert.equal(await working, 'failed');
});

test('the caller’s signal reaches the work, with its reason, also one that was aborted before', async () => {
  for (const isEarly of [true, false]) {
    const controller = new AbortController();
    if (isEarly) controller.abort('SIGTERM');
    const working = work(
      async (_, signal) => {
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return String(signal.reason);
      },
      { signal: controller.signal },
    );
    if (!isEarly) setTimeout(() => controller.abort('SIGTERM'), 1);
    assert.equal(await working, 'SIGTERM');
  }
});

test('many events that nobody asked for yet are kept in order', async () => {
  const most = 5000;
  const working = work(async (sink) => {
    for (let seq = 1; seq <= most; seq++) sink(event(seq));
    return 'done';
  });
  let last = 0;
  for await (const { seq } of working) assert.equal(seq, ++last);
  assert.equal(last, most);
});
