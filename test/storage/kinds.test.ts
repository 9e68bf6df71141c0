import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheRecord } from '../../lib/engine/mod.ts';
import { sumKinds } from '../../lib/storage/kinds.ts';

function record(kind: string, sizeBytes: number, more: Partial<CacheRecord> = {}): CacheRecord {
  const fixed = { id: 'x', description: '', createdAt: '', inUse: false, shared: false, parents: [] };
  return { ...fixed, kind, sizeBytes, ...more };
}

test('the kinds of BuildKit are summed, with what pruning lets go of', () => {
  const kinds = sumKinds([
    record('internal', 1),
    record('regular', 10, { inUse: true }),
    record('regular', 100, { shared: true }),
    record('regular', 1_000),
    record('regular', 2_000, { description: 'http url https://example.com' }),
    record('source.git.checkout', 4_000),
    record('exec.cachemount', 8_000),
    record('frontend', 16_000),
    record('of a later version', 32_000),
  ]);
  const none = { inUseBytes: 0, sharedBytes: 0 };
  assert.deepEqual(kinds, [
    {
      kind: 'layers',
      records: 3,
      sizeBytes: 1_110,
      inUseBytes: 10,
      sharedBytes: 100,
      reclaimableBytes: 1_000,
    },
    { kind: 'cache-mounts', records: 1, sizeBytes: 8_000, ...none, reclaimableBytes: 8_000 },
    { kind: 'fetched-sources', records: 2, sizeBytes: 6_000, ...none, reclaimableBytes: 6_000 },
    { kind: 'frontends', records: 1, sizeBytes: 16_000, ...none, reclaimableBytes: 0 },
    { kind: 'internal', records: 1, sizeBytes: 1, ...none, reclaimableBytes: 0 },
    { kind: 'other', records: 1, sizeBytes: 32_000, ...none, reclaimableBytes: 32_000 },
  ]);
});
