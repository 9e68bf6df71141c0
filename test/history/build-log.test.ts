/** Lines of the log of one build. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildLog } from '../../lib/history/build-log.ts';
import { mixedRun, recordEvents } from '../rig/recorded-runs.ts';

test('a log says on which engine each attempt ran, and of platforms built apart which', () => {
  const log = new BuildLog(1_000, false);
  const line = (attempt: number, more: object) =>
    log
      .take({ type: 'node-started', build: 'a', attempt, argv: ['buildctl'], seq: 1, atMs: 1_000, ...more })
      .map((text) => text.replace(/^ *\+\S+ +/, ''));
  assert.deepEqual(line(1, {}), ['attempt 1']);
  assert.deepEqual(line(1, { engine: 'tcp://b1' }), ['attempt 1 on tcp://b1']);
  assert.deepEqual(line(2, { engine: 'b1', platforms: ['linux/amd64'] }), [
    '',
    'attempt 2 on b1 (linux/amd64)',
  ]);
  assert.deepEqual(line(1, { engine: 'b2', platforms: ['linux/arm64'], beside: true }), [
    'in parallel on b2 (linux/arm64)',
  ]);
});

test('the end of an export is one line, the last one', () => {
  const log = new BuildLog(1_000, false);
  const events = recordEvents(mixedRun()).filter((event) => 'build' in event && event.build === 'api');
  const lines = events.flatMap((event) => {
    const isEnd = event.type === 'vertex' && event.name === 'exporting to image' && event.state === 'done';
    // BuildKit reports the image first, and then the push.
    return isEnd ? [...log.take(event), ...log.take({ ...event, durationMs: 1_900 })] : log.take(event);
  });
  assert.deepEqual(
    lines.flatMap((line) => /exporting to image.*/.exec(line) ?? []),
    ['exporting to image', 'exporting to image done 1.9s'],
  );
});
