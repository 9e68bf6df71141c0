import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../lib/util/duration.ts';

test('durations as people write them, in milliseconds', () => {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['90', 90_000],
    ['90s', 90_000],
    [' 20m ', 1_200_000],
    ['1h30m', 5_400_000],
    ['2h5s', 7_205_000],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
    ['1d2h', 93_600_000],
    ['2h1d', undefined],
    ['25d', undefined],
    ['2147483', 2_147_483_000],
    // Timers cannot wait for longer, and would end at once.
    ['2147484', undefined],
    ['1000h', undefined],
    ['', undefined],
    ['1.5h', undefined],
    ['5m1h', undefined],
    ['-5', undefined],
    ['20 m', undefined],
    ['20min', undefined],
  ];
  for (const [text, ms] of rows) assert.equal(parseDuration(text), ms, text);
});

test('where no timer waits for it, a duration may be as long as its reader says', () => {
  const most = 366 * 86_400_000;
  assert.equal(parseDuration('90d', most), 90 * 86_400_000);
  assert.equal(parseDuration('366d', most), most);
  assert.equal(parseDuration('367d', most), undefined);
  assert.equal(parseDuration(`${'9'.repeat(400)}d`, most), undefined);
});
