import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { test } from 'node:test';
import { followEvents, type KeptRun, RunRecorder } from '../../lib/history/mod.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { mixedRun } from '../rig/recorded-runs.ts';
import { filesIn, makeKeptPlace } from './kept.ts';

/** Reads until it is over; `onEvent` may bring about what comes next. */
async function follow(
  run: KeptRun,
  onEvent: (event: BakeEvent, count: number) => void | Promise<void> = () => undefined,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for await (const event of followEvents(run, signal)) await onEvent(event, ++count);
  return count;
}

test('events come as they are written, and the end of the run is the end', { timeout: 20_000 }, async (t) => {
  const place = await makeKeptPlace(t);
  const events = mixedRun();
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  const half = events.slice(0, 20);
  for (const event of half) recorder.onEvent(event);
  recorder.flush();
  const [run] = await place.list();
  assert(run !== undefined);
  const seen: BakeEvent[] = [];
  await follow(run, (event, count) => {
    seen.push(event);
    // One at a time: each is written after the one before was seen.
    const next = events[count];
    if (count >= half.length && next !== undefined) {
      recorder.onEvent(next);
      if (count % 2 === 0) recorder.flush();
    }
  });
  assert.deepEqual(seen, events);
  await recorder.close();
  assert.equal(await follow(run), events.length, 'a run that has ended is read to its end');
});

test('half a line waits for its other half', { timeout: 20_000 }, async (t) => {
  const place = await makeKeptPlace(t);
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  const [first, second, ...others] = mixedRun();
  assert(first !== undefined);
  recorder.onEvent(first);
  recorder.flush();
  const [run] = await place.list();
  assert(run !== undefined);
  const text = `${JSON.stringify({ ...second, text: 'ä' })}\n${JSON.stringify(others.at(-1))}\n`;
  const bytes = new TextEncoder().encode(text);
  const inside = text.indexOf('ä') + 1;
  await appendFile(filesIn(run).events, bytes.subarray(0, inside));
  let rest = Promise.resolve();
  const types: string[] = [];
  await follow(run, (event) => {
    if (types.push(event.type) === 1) rest = appendFile(filesIn(run).events, bytes.subarray(inside));
  });
  await rest;
  assert.deepEqual(types, ['run-started', 'planned', 'run-finished']);
  await recorder.close();
});

test('a run that was killed is followed to what is there, and a signal ends it at once', {
  timeout: 20_000,
}, async (t) => {
  const place = await makeKeptPlace(t);
  await place.keep(mixedRun().slice(0, -1));
  const [run] = await place.list();
  assert(run !== undefined);
  const stopper = new AbortController();
  const all = mixedRun().length - 1;
  const count = await follow(run, (_, seen) => (seen === all ? stopper.abort() : undefined), stopper.signal);
  assert.equal(count, all);
  if (process.platform !== 'linux') return;
  const { summary } = filesIn(run);
  await writeFile(summary, (await readFile(summary, 'utf8')).replace(/"startTicks":\d+/, '"startTicks":1'));
  assert.equal(await follow(run), all);
  assert.equal(await follow({ ...run, dir: '/nowhere' }), 0);
});
