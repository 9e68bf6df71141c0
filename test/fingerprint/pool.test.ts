/** Batches on this thread and on others: the same results in the same order, whoever does them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { PathList, SIGNATURE_FIELDS } from '../../lib/fingerprint/batch.ts';
import { BatchPool } from '../../lib/fingerprint/pool.ts';
import { makeTree } from '../rig/temp.ts';

function listOf(...names: readonly string[]): PathList {
  const list = new PathList();
  for (const name of names) list.add('', name);
  return list;
}

function poolOf(t: TestContext, workers?: number): BatchPool {
  const pool = new BatchPool(workers);
  t.after(() => pool.close());
  return pool;
}

/** Files whose size says which they are. */
async function makeFiles(t: TestContext, count: number) {
  const names = Array.from({ length: count }, (_, at) => `f${at}`);
  const root = await makeTree(t, Object.fromEntries(names.map((name, at) => [name, 'x'.repeat(at)])));
  return { root, names };
}

for (const [what, workers, parallel] of [
  ['this thread alone', 0, true],
  ['this thread, though there are others', 1, false],
  ['others too', 2, true],
] as const) {
  test(`results come in the order of the batches: ${what}`, async (t) => {
    const { root, names } = await makeFiles(t, 40);
    const pool = poolOf(t, workers);
    for (let pass = 0; pass < 2; pass++) {
      const queue = pool.open(root, parallel);
      for (const name of names) queue.add(pass === 0 ? 'stat' : 'read', listOf(name));
      const results = await queue.drain(undefined);
      assert.ok(results !== undefined);
      assert.deepEqual(
        results.map(({ signatures }) => Number(signatures[1])),
        names.map((_, at) => at),
      );
      const sums = results.map(({ hashes }) =>
        hashes === undefined ? undefined : Buffer.from(hashes).toString('hex'),
      );
      const expected = names.map((_, at) => createHash('sha256').update('x'.repeat(at)).digest('hex'));
      assert.deepEqual(sums, pass === 0 ? names.map(() => undefined) : expected);
    }
  });
}

test('a batch that is offered is done by a thread, and cannot be taken back then', async (t) => {
  const { root } = await makeFiles(t, 3);
  const pool = poolOf(t, 1);
  const offers = [0, 1, 2].map((at) => pool.offer({ job: 'stat', root, paths: listOf(`f${at}`).text }, true));
  assert.equal(new Set(offers.map((one) => one?.id)).size, 3);
  for (const [at, offered] of offers.entries()) {
    assert.ok(offered !== undefined);
    const keep = setInterval(() => {}, 1000);
    const result = await offered.answer;
    clearInterval(keep);
    assert.equal(result?.signatures[1], BigInt(at));
    assert.equal(result.signatures.length, SIGNATURE_FIELDS);
    assert.equal(pool.reclaim(offered.id), false);
  }
});

test('a batch that no thread has begun can be taken back once, and is then not done by one', async (t) => {
  const { root } = await makeFiles(t, 2);
  const pool = poolOf(t, 1);
  const paths = listOf('f1').text;
  // The thread is not up yet when its messages are sent.
  const [taken, left] = [
    pool.offer({ job: 'stat', root, paths }, true),
    pool.offer({ job: 'stat', root, paths }, true),
  ];
  assert.ok(taken !== undefined && left !== undefined);
  assert.equal(pool.reclaim(taken.id), true);
  assert.equal(pool.reclaim(taken.id), false);
  let wasAnswered = false;
  taken.answer.then(() => {
    wasAnswered = true;
  });
  const keep = setInterval(() => {}, 1000);
  await left.answer;
  clearInterval(keep);
  assert.ok(!wasAnswered, 'the later one is answered, this one never');
});

test('nothing is offered where it shall stay on this thread, or where there is no other', async (t) => {
  const request = { job: 'stat', root: '/', paths: '' } as const;
  assert.equal(poolOf(t, 1).offer(request, false), undefined);
  assert.ok(poolOf(t).open('/', false) !== undefined);
});

test('a queue that is cancelled gives nothing, before it begins and when the signal comes meanwhile', async (t) => {
  const { root, names } = await makeFiles(t, 20);
  const pool = poolOf(t, 0);
  const begun = new AbortController();
  const queue = pool.open(root, false);
  for (const name of names) queue.add('stat', listOf(name));
  const results = queue.drain(begun.signal);
  setImmediate(() => begun.abort());
  assert.equal(await results, undefined);
  assert.equal(await pool.open(root, false).drain(AbortSignal.abort()), undefined);
  const single = pool.open(root, false);
  single.add('stat', listOf('f1'));
  assert.equal(await single.drain(AbortSignal.abort()), undefined);
});

test('a long batch goes to a thread of its own, and a signal does not wait for it', async (t) => {
  const { root } = await makeFiles(t, 3);
  const pool = poolOf(t, 0);
  const queue = pool.open(root, false);
  queue.add('stat', listOf('f1'), true);
  assert.equal((await queue.drain(undefined))?.[0]?.signatures[1], 1n);
  await truncate(`${root}/f2`, 64 * 2 ** 30);
  const long = pool.open(root, false);
  long.add('read', listOf('f2'), true);
  const stopper = new AbortController();
  const results = long.drain(stopper.signal);
  setTimeout(() => stopper.abort(), 10);
  // This thread is free all the time: reading takes a minute.
  const startedAt = performance.now();
  assert.equal(await results, undefined);
  assert.ok(performance.now() - startedAt < 5_000);
});

test('a thread of a pool that was closed does nothing any more', async (t) => {
  const { root } = await makeFiles(t, 2);
  const [closed, other] = [poolOf(t, 1), poolOf(t, 1)];
  const request = { job: 'stat', root, paths: 'f1' } as const;
  let wasAnswered = false;
  closed.offer(request, true)?.answer.then(() => {
    wasAnswered = true;
  });
  await closed.close();
  const keep = setInterval(() => {}, 1000);
  for (let time = 0; time < 3; time++) assert.ok((await other.offer(request, true)?.answer) !== undefined);
  clearInterval(keep);
  assert.ok(!wasAnswered);
});

test('a pool that was closed can begin anew', async (t) => {
  const { root } = await makeFiles(t, 2);
  const pool = poolOf(t, 1);
  await pool.close();
  pool.start();
  const keep = setInterval(() => {}, 1000);
  for (let time = 0; time < 2; time++) {
    const offered = pool.offer({ job: 'stat', root, paths: 'f1' }, true);
    assert.equal((await offered?.answer)?.signatures[1], 1n);
    await pool.close();
  }
  clearInterval(keep);
});

test('where a thread breaks, everything is done by this one', async (t) => {
  const { root } = await makeFiles(t, 3);
  const pool = poolOf(t, 2);
  const keep = setInterval(() => {}, 1000);
  // No request is like this; it makes the thread that gets it fail.
  const broken = pool.offer({ job: 'stat', root, paths: undefined as unknown as string }, true);
  const other = pool.offer({ job: 'stat', root, paths: undefined as unknown as string }, true);
  assert.deepEqual(await Promise.all([broken?.answer, other?.answer]), [undefined, undefined]);
  clearInterval(keep);
  assert.equal(pool.offer({ job: 'stat', root, paths: 'f1' }, true), undefined);
  const queue = pool.open(root, true);
  for (const name of ['f1', 'f2']) queue.add('stat', listOf(name));
  const results = await queue.drain(undefined);
  assert.deepEqual(
    results?.map(({ signatures }) => signatures[1]),
    [1n, 2n],
  );
});
