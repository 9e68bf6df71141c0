import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlowEngines } from '../../lib/run/slow-engines.ts';

test('an engine that takes three times as long as the others is noticed, once', () => {
  const slow = new SlowEngines();
  for (let at = 0; at < 3; at++) assert.equal(slow.note('a', 10_000, 10_000), undefined);
  assert.equal(slow.note('b', 35_000, 10_000), undefined);
  assert.equal(slow.note('b', 35_000, 10_000), undefined);
  assert.match(slow.note('b', 35_000, 10_000)?.message ?? '', /builds on b take 3\.5 times as long/);
  assert.equal(slow.note('b', 35_000, 10_000), undefined);
});

test('not where all are slow, where a single build is, or where nothing is known', () => {
  const slow = new SlowEngines();
  for (let at = 0; at < 5; at++) {
    assert.equal(slow.note('a', 50_000, 10_000), undefined);
    assert.equal(slow.note('b', 52_000, 10_000), undefined);
    assert.equal(slow.note('c', at === 0 ? 500_000 : 50_000, 10_000), undefined);
    assert.equal(slow.note('d', 900_000, undefined), undefined);
    assert.equal(slow.note('e', 900, 10), undefined);
  }
});
