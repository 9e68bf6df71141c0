/** The store of remembered hashes by itself: what is kept, what is believed, and what a file of it looks like. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { HASH_BYTES, SIGNATURE_FIELDS } from '../../lib/fingerprint/batch.ts';
import { isRacy, RACY_MS, StatCache, toHex } from '../../lib/fingerprint/stat-cache.ts';
import { makeTempDir } from '../rig/temp.ts';

const MS = 1_000_000n;
const READ_AT = 1_700_000_000_000;
/** Long before it was read. */
const OLD = BigInt(READ_AT - 100 * RACY_MS) * MS;

/** Signatures of some files, each told from the others by its inode. */
function signatures(inodes: readonly number[], times: Partial<{ mtime: bigint; ctime: bigint }> = {}) {
  return new BigInt64Array(
    inodes.flatMap((inode) => [0o100644n, 5n, times.mtime ?? OLD, times.ctime ?? OLD, BigInt(inode)]),
  );
}

/** Hashes that are the number itself, repeated. */
function hashes(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(numbers.flatMap((one) => Array.from({ length: HASH_BYTES }, () => one % 251)));
}

const hexOf = (number: number): string => (number % 251).toString(16).padStart(2, '0').repeat(HASH_BYTES);

/** A cache that knows paths by their number as inode and hash. */
function remembering(cache: StatCache, paths: readonly string[], first = 1): StatCache {
  const numbers = paths.map((_, at) => first + at);
  const [signed, hashed] = [signatures(numbers), hashes(numbers)];
  for (const [at, name] of paths.entries()) cache.remember(name, signed, hashed, at, READ_AT);
  return cache;
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `f${at}`);

async function storeOf(directory: string): Promise<string> {
  const [name, more] = await readdir(directory);
  assert.ok(name !== undefined && more === undefined);
  return path.join(directory, name);
}

test('a hash is found in any order of asking, and only by its own path', () => {
  const cache = remembering(StatCache.open(undefined, '/r'), ['a', 'b', 'c']);
  const asked = signatures([1, 2, 3]);
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 1, 0, 2, 2],
  ]) {
    for (const at of order) assert.equal(cache.find('abc'[at] ?? '', asked, at), hexOf(at + 1), `${order}`);
  }
  assert.equal(cache.find('d', asked, 0), undefined);
  assert.equal(cache.find('a', asked, 1), undefined, 'another file by its inode');
  assert.equal(cache.size, 3);
  assert.equal(StatCache.open(undefined, '/r').find('a', asked, 0), undefined);
});

test('every field of a signature counts, in both of its halves', () => {
  const cache = remembering(StatCache.open(undefined, '/r'), ['other', 'a']);
  assert.equal(cache.find('a', signatures([2]), 0), hexOf(2));
  for (let field = 0; field < SIGNATURE_FIELDS; field++) {
    for (const difference of [1n, 1n << 32n]) {
      const asked = signatures([2]);
      asked[field] = (asked[field] ?? 0n) + difference;
      assert.equal(cache.find('a', asked, 0), undefined, `${field} ${difference}`);
    }
  }
  const elsewhere = signatures([7, 2]);
  assert.equal(cache.find('a', elsewhere, 1), hexOf(2), 'another table than the one asked about last');
});

test('a file that changed shortly before it was read is not kept, and forgotten where it was known', async (t) => {
  const directory = await makeTempDir(t);
  const cache = remembering(StatCache.open(directory, '/r'), ['a', 'b']);
  const limit = BigInt(READ_AT - RACY_MS) * MS;
  for (const times of [{ mtime: limit + 1n }, { ctime: limit + 1n }]) {
    const asked = signatures([1], times);
    assert.ok(isRacy(asked, 0, READ_AT));
    cache.remember('new', asked, hashes([9]), 0, READ_AT);
    assert.equal(cache.find('new', asked, 0), undefined);
  }
  const still = signatures([8, 1], { mtime: limit, ctime: limit });
  assert.ok(!isRacy(still, 1, READ_AT));
  assert.ok(isRacy(signatures([8, 1], { mtime: limit + 1n }), 1, READ_AT));
  cache.remember('still', still, hashes([8, 1]), 1, READ_AT);
  assert.equal(cache.find('still', still, 1), hexOf(1));

  assert.equal(cache.find('b', signatures([2]), 0), hexOf(2));
  await cache.save();
  cache.remember('a', signatures([1], { mtime: limit + 1n }), hashes([1]), 0, READ_AT);
  assert.equal(cache.find('a', signatures([1]), 0), undefined);
  await cache.save();
  const reopened = StatCache.open(directory, '/r');
  assert.equal(reopened.find('a', signatures([1]), 0), undefined, 'the forgetting is written too');
  assert.equal(reopened.find('b', signatures([2]), 0), hexOf(2));
});

test('a path that was forgotten can be remembered again', () => {
  const cache = remembering(StatCache.open(undefined, '/r'), ['a', 'b']);
  assert.equal(cache.find('b', signatures([2]), 0), hexOf(2));
  cache.remember('a', signatures([1], { mtime: BigInt(READ_AT) * MS }), hashes([1]), 0, READ_AT);
  remembering(cache, ['a'], 5);
  assert.equal(cache.find('a', signatures([5]), 0), hexOf(5));
  assert.equal(cache.find('b', signatures([2]), 0), hexOf(2));
});

test('what is remembered anew takes the place of what was known', () => {
  const cache = remembering(StatCache.open(undefined, '/r'), ['a', 'b', 'c']);
  assert.equal(cache.find('b', signatures([2]), 0), hexOf(2));
  remembering(cache, ['b'], 77);
  assert.equal(cache.find('b', signatures([2]), 0), undefined);
  assert.equal(cache.find('b', signatures([77]), 0), hexOf(77));
  assert.equal(cache.find('c', signatures([3]), 0), hexOf(3));
  assert.equal(cache.size, 3);
});

test('a store grows past its first room and keeps all, each with its own hash', async (t) => {
  const directory = await makeTempDir(t);
  const paths = names(2500);
  const cache = remembering(StatCache.open(directory, '/r'), paths);
  const numbers = paths.map((_, at) => at + 1);
  const asked = signatures(numbers);
  const check = (one: StatCache): void => {
    for (const [at, name] of paths.entries()) assert.equal(one.find(name, asked, at), hexOf(at + 1), name);
  };
  check(cache);
  await cache.save();
  const reopened = StatCache.open(directory, '/r');
  assert.equal(reopened.size, 2500);
  check(reopened);
  remembering(reopened, ['one more'], 3);
  assert.equal(reopened.find('one more', signatures([3]), 0), hexOf(3));
  check(reopened);
});

test('the file is magic, checksum, count, signatures, hashes, ages and paths in the order of a walk', async (t) => {
  const directory = await makeTempDir(t);
  const paths = ['b', 'a/z', 'a-b', 'a', 'a/b/c', 'a/b', 'ab'];
  await remembering(StatCache.open(directory, '/root'), paths).save();
  const store = await storeOf(directory);
  const digest = createHash('sha256').update('/root').digest('hex');
  assert.equal(path.basename(store), `${digest.slice(0, 32)}.stat`);

  const order = ['a', 'a/b', 'a/b/c', 'a/z', 'a-b', 'ab', 'b'];
  const numbers = order.map((name) => paths.indexOf(name) + 1);
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, 7, true);
  const body = Buffer.concat([
    count,
    new Uint8Array(signatures(numbers).buffer),
    hashes(numbers),
    new Uint8Array(7).fill(1),
    Buffer.from(order.join('\0')),
  ]);
  const expected = Buffer.concat([
    Buffer.from('bake-ts stat cache 1\n'),
    createHash('sha256').update(body).digest(),
    body,
  ]);
  assert.deepEqual(await readFile(store), expected);
});

test('each root has a store of its own', async (t) => {
  const directory = await makeTempDir(t);
  await remembering(StatCache.open(directory, '/one'), ['a']).save();
  assert.equal(StatCache.open(directory, '/other').find('a', signatures([1]), 0), undefined);
  assert.equal(StatCache.open(directory, '/one').find('a', signatures([1]), 0), hexOf(1));
});

test('nothing new is nothing to write: a store without changes stays as it is', async (t) => {
  const directory = await makeTempDir(t);
  const cache = StatCache.open(directory, '/r');
  await cache.save();
  assert.deepEqual(await readdir(directory), []);
  await remembering(cache, ['a']).save();
  const store = await storeOf(directory);
  await writeFile(store, 'mark');
  await cache.save();
  assert.equal(await readFile(store, 'utf8'), 'mark', 'written once');
  await StatCache.open(undefined, '/r').save();
});

test('an entry that nobody asks for stays for thirty saves, one that is asked for stays', async (t) => {
  const directory = await makeTempDir(t);
  await remembering(StatCache.open(directory, '/r'), ['asked', 'idle']).save();
  const age = async (saves: number): Promise<void> => {
    for (let time = 0; time < saves; time++) {
      const cache = StatCache.open(directory, '/r');
      assert.equal(cache.find('asked', signatures([1]), 0), hexOf(1));
      // Something must be new for a store to be written.
      await remembering(cache, ['new'], 3).save();
    }
  };
  await age(29);
  assert.equal(StatCache.open(directory, '/r').size, 3);
  await age(1);
  const cache = StatCache.open(directory, '/r');
  assert.equal(cache.size, 2);
  assert.equal(cache.find('idle', signatures([2]), 0), undefined);
});

test('what is remembered anew is young again, and growing leaves the rest as old as it is', async (t) => {
  const directory = await makeTempDir(t);
  await remembering(StatCache.open(directory, '/r'), ['again', 'idle']).save();
  const open = (): StatCache => StatCache.open(directory, '/r');
  for (let time = 0; time < 28; time++) await remembering(open(), ['new'], 3).save();
  await remembering(remembering(open(), ['again']), names(1100), 10).save();
  await remembering(open(), ['new'], 3).save();
  const last = open();
  assert.equal(last.find('idle', signatures([2]), 0), undefined);
  assert.equal(last.find('again', signatures([1]), 0), hexOf(1));
});

test('an empty store, and one with a path that is empty text, can be read back', async (t) => {
  const directory = await makeTempDir(t);
  const cache = remembering(StatCache.open(directory, '/r'), ['a']);
  cache.remember('a', signatures([1], { mtime: BigInt(READ_AT) * MS }), hashes([1]), 0, READ_AT);
  await cache.save();
  assert.equal((await readFile(await storeOf(directory))).length, 'bake-ts stat cache 1\n'.length + 32 + 4);
  assert.equal(StatCache.open(directory, '/r').size, 0);
});

test('a damaged store is an empty one, wherever it is damaged', async (t) => {
  const directory = await makeTempDir(t);
  await remembering(StatCache.open(directory, '/r'), ['a', 'b']).save();
  const store = await storeOf(directory);
  const data = await readFile(store);
  const head = 'bake-ts stat cache 1\n'.length;
  /** With a checksum that is right. */
  const summed = (body: Uint8Array): Buffer =>
    Buffer.concat([data.subarray(0, head), createHash('sha256').update(body).digest(), body]);
  const body = data.subarray(head + HASH_BYTES);
  const counted = (count: number): Buffer => {
    const other = Buffer.from(body);
    other.writeUInt32LE(count, 0);
    return summed(other);
  };
  assert.deepEqual(summed(body), data);
  const damaged: readonly (readonly [string, Buffer])[] = [
    ['empty', Buffer.alloc(0)],
    ['without a count', data.subarray(0, head + HASH_BYTES + 3)],
    ['of another version', Buffer.concat([Buffer.from('bake-ts stat cache 2\n'), data.subarray(head)])],
    ['another checksum', Buffer.concat([data.subarray(0, head), Buffer.alloc(HASH_BYTES), body])],
    ['one path fewer', counted(1)],
    ['one path more', counted(3)],
    ['far more', counted(2 ** 31)],
    ['cut in the middle', summed(body.subarray(0, 60))],
    ['a path too many', summed(Buffer.concat([body, Buffer.from('\0c')]))],
  ];
  for (const [what, bytes] of damaged) {
    await writeFile(store, bytes);
    const cache = StatCache.open(directory, '/r');
    assert.equal(cache.size, 0, what);
    await remembering(cache, ['a', 'b']).save();
    assert.deepEqual(await readFile(store), data, `${what}: written anew`);
  }
});

test('a store that cannot be written leaves no draft and is no error; a later save tries again', async (t) => {
  const directory = path.join(await makeTempDir(t), 'made', 'on', 'demand');
  const cache = remembering(StatCache.open(directory, '/r'), ['a']);
  const name = `${createHash('sha256').update('/r').digest('hex').slice(0, 32)}.stat`;
  await mkdir(path.join(directory, name, 'in-the-way'), { recursive: true });
  await cache.save();
  assert.deepEqual(await readdir(directory), [name]);
  const free = path.join(await makeTempDir(t), 'made', 'on', 'demand');
  const other = remembering(StatCache.open(free, '/r'), ['a']);
  await other.save();
  assert.equal(StatCache.open(free, '/r').size, 1);
});

test('a hash of many is cut out of them, also of a view into larger memory', () => {
  const all = hashes([1, 2, 3]);
  assert.equal(toHex(all, 1), hexOf(2));
  assert.equal(toHex(all.subarray(HASH_BYTES), 1), hexOf(3));
});

test('a store that is there and cannot be read as one is said to be strange; a missing one is not', async (t) => {
  const directory = await makeTempDir(t);
  const strange: string[] = [];
  const open = () => StatCache.open(directory, '/root', (file) => strange.push(file));
  await remembering(open(), names(3)).save();
  assert.equal(open().size, 3);
  assert.deepEqual(strange, []);
  const [name = '', ...others] = await readdir(directory);
  assert.deepEqual(others, []);
  const file = path.join(directory, name);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const whole = await readFile(file);
  for (let length = 0; length < whole.length; length += 7) {
    await writeFile(file, whole.subarray(0, length));
    assert.equal(open().size, 0);
  }
  assert.equal(strange.length, Math.ceil(whole.length / 7));
  await rm(file);
  await mkdir(file);
  assert.equal(open().size, 0);
  assert.equal(strange.at(-1), file);
});
