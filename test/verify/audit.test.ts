import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSample, parseAuditSize } from '../../lib/verify/mod.ts';

test('an audit draws as many as requested, and the same ones for the same seed', () => {
  const names = Array.from({ length: 40 }, (_, at) => `build-${at}`);
  const draw = (text: string, seed: number, from = names) => {
    const size = parseAuditSize(text);
    assert(size !== undefined, text);
    return drawSample(from, size, seed);
  };
  assert.equal(draw('5%', 1).length, 2);
  assert.equal(draw('1%', 1).length, 1, 'at least one');
  assert.equal(draw('100%', 1).length, 40);
  assert.equal(draw('3', 1).length, 3);
  assert.equal(draw('99', 1).length, 40);
  assert.deepEqual(draw('5%', 1, []), []);
  assert.deepEqual(draw('10', 7), draw('10', 7));
  const drawn = new Set(Array.from({ length: 200 }, (_, seed) => draw('1', seed)[0]));
  assert(drawn.size > 30, `${drawn.size} of 40 builds were ever drawn`);
  const some = draw('10', 7);
  assert.deepEqual(
    draw(
      '10',
      7,
      names.filter((name) => some.includes(name) || name.endsWith('9')),
    ),
    some,
  );
  assert.deepEqual(parseAuditSize('0.25%'), { kind: 'percent', percent: 0.25 });
  assert.deepEqual(parseAuditSize('100%'), { kind: 'percent', percent: 100 });
  assert.deepEqual(parseAuditSize('12'), { kind: 'count', count: 12 });
  for (const wrong of ['1.x%', '0', '0%', 'x5%', '5%x', '5x', '100.1%', '5 %', '', '%', '1.5', '-1'])
    assert.equal(parseAuditSize(wrong), undefined, wrong);
});
