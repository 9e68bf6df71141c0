import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from '../../lib/util/size.ts';

test('sizes as Docker reads them, in bytes', () => {
  const gib = 1024 ** 3;
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['1048576', 1_048_576],
    ['64m', 64 * 1024 ** 2],
    ['10GB', 10 * gib],
    ['10gib', 10 * gib],
    ['10 G', 10 * gib],
    ['1.5g', 1.5 * gib],
    ['.5k', 512],
    ['2t', 2 * 1024 ** 4],
    ['1p', 1024 ** 5],
    ['1.0 MiB', 1024 ** 2],
    ['100b', 100],
    ['-1', -1],
    ['-1g', undefined],
    ['', undefined],
    ['g', undefined],
    ['10  g', undefined],
    ['10 giga', undefined],
    ['10ib', undefined],
    ['10%', undefined],
    ['10g of it', undefined],
    ['9'.repeat(100), undefined],
  ];
  for (const [text, bytes] of rows) assert.equal(parseSize(text), bytes, text);
});
