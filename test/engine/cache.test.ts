import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { listCache, pruneCache } from '../../lib/engine/mod.ts';
import { makeFakeBuildctl } from '../rig/fake-buildctl.ts';

const RECORD = { id: 'a1', size: 7, recordType: 'regular', createdAt: '2026-01-01T00:00:00Z', inUse: false };

test('a cache without records is an empty list, as Go prints one', async (t) => {
  const buildctl = await makeFakeBuildctl(t);
  await buildctl.setRules([{ when: ['du'], stdout: 'null\n' }]);
  const env = { PATH: process.env['PATH'] };
  const listed = await listCache({ buildctl: buildctl.path, address: 'unix:///x' }, { env });
  assert.deepEqual(listed, { ok: true, value: [] });
});

test('records that are named are all that is let go of, in calls that a system takes', async (t) => {
  const buildctl = await makeFakeBuildctl(t);
  await buildctl.setRules([{ when: ['prune'], stdout: `${JSON.stringify(RECORD)}\n` }]);
  const engine = { buildctl: buildctl.path, address: 'unix:///x' };
  const options = { env: { PATH: process.env['PATH'] } };
  assert.deepEqual(await pruneCache(engine, { only: [] }, options), { ok: true, value: [] });
  assert.deepEqual(await buildctl.calls(), []);
  const only = Array.from({ length: 501 }, (_, at) => `id${at}`);
  const pruned = await pruneCache(engine, { only, keepMs: 1 }, options);
  assert(pruned.ok);
  assert.deepEqual(
    pruned.value.map(({ id, sizeBytes, parents }) => [id, sizeBytes, parents]),
    [
      ['a1', 7, []],
      ['a1', 7, []],
    ],
  );
  const calls = await buildctl.calls();
  const filters = calls.map(({ argv }) => argv.filter((word) => word.startsWith('id==')));
  assert.deepEqual(
    filters.map(({ length }) => length),
    [500, 1],
  );
  assert.deepEqual(
    filters.flat(),
    only.map((id) => `id==${id}`),
  );
  for (const { argv } of calls) assert.ok(argv.includes('--keep-duration') && argv.includes('1ms'));
});

test('a limit that is none is refused before buildctl is called', async (t) => {
  const buildctl = await makeFakeBuildctl(t);
  const engine = { buildctl: buildctl.path, address: 'unix:///x' };
  const wrong = [
    { keepBytes: Number.NaN },
    { keepBytes: -1 },
    { keepBytes: 1e300 },
    { keepMs: Number.POSITIVE_INFINITY },
    { only: ['a,b'] },
    { only: [''] },
  ];
  for (const limits of wrong)
    await assert.rejects(pruneCache(engine, limits, { env: {} }), TypeError, JSON.stringify(limits));
  assert.deepEqual(await buildctl.calls(), []);
});

test('an engine whose disk is full is told from one that does not answer', async (t) => {
  const buildctl = await makeFakeBuildctl(t);
  const full =
    'error: failed to call diskusage: ResourceExhausted: write /s/metadata_v2.db: no space left on device\n';
  await buildctl.setRules([
    { when: ['du'], exitCode: 1, stderr: full },
    { when: ['prune'], exitCode: 1, stderr: 'error: rpc error: code = Unavailable desc = EOF\n' },
  ]);
  const engine = { buildctl: buildctl.path, address: 'unix:///x' };
  const options = { env: { PATH: process.env['PATH'] } };
  const listed = await listCache(engine, options);
  assert(!listed.ok);
  assert.deepEqual([listed.error[0]?.code, listed.error[0]?.detail], ['engine/disk-full', full.trim()]);
  const pruned = await pruneCache(engine, {}, options);
  assert.equal(pruned.ok ? '' : pruned.error[0]?.code, 'engine/unreachable');
});
