import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareTimeline } from '../../cli/shared-timeline.ts';
import { buildTimeline } from '../../lib/timeline/mod.ts';
import { mixedRun } from '../rig/recorded-runs.ts';

test('all who ask for the timeline of a run get the same one, and it is read once', async () => {
  const shared = shareTimeline();
  assert.deepEqual(shared.readers(), [], 'nobody asked');
  const [first, second] = [await shared.open(), await shared.open()];
  const [reader, ...more] = shared.readers();
  assert(reader !== undefined && more.length === 0);
  const events = mixedRun();
  for (const event of events.slice(0, 5)) reader.onEvent(event);
  assert.deepEqual(first(), buildTimeline(events.slice(0, 5)));
  for (const event of events.slice(5)) reader.onEvent(event);
  assert.deepEqual(first(), buildTimeline(events));
  assert.equal(first(), second());
  assert.deepEqual(await reader.close(), []);
});
