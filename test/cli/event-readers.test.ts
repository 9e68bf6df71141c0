import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventReader, joinReaders } from '../../cli/event-readers.ts';
import { mixedRun } from '../rig/recorded-runs.ts';

function countingReader(name: string, onEvent: () => void = () => undefined) {
  const seen = { events: 0, closed: 0 };
  const reader: EventReader = {
    name,
    onEvent: () => {
      seen.events++;
      onEvent();
    },
    close: async () => {
      seen.closed++;
      return [];
    },
  };
  return { reader, seen };
}

test('a reader that throws gets no more events, the others get all, and the reason is a warning', async () => {
  const broken = countingReader('the broken one', () => {
    throw new Error('no room');
  });
  const good = countingReader('the good one');
  const joined = joinReaders([broken.reader, good.reader]);
  const events = mixedRun();
  for (const event of events) joined.onEvent(event);
  const [found, ...rest] = await joined.close();
  assert.deepEqual([broken.seen.events, good.seen.events], [1, events.length]);
  assert.deepEqual([broken.seen.closed, good.seen.closed], [0, 1]);
  assert.deepEqual([found?.code, found?.severity, rest], ['run/reader-failed', 'warning', []]);
  assert.match(found?.message ?? '', /the broken one .*no room/);
  assert.deepEqual(await joined.close(), []);
});

test('a reader that cannot be closed is a warning', async () => {
  const { reader } = countingReader('the page');
  const joined = joinReaders([{ ...reader, close: () => Promise.reject(new Error('disk full')) }]);
  assert.deepEqual(
    (await joined.close()).map(({ code }) => code),
    ['run/reader-failed'],
  );
});
