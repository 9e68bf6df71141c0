/** The table of stat signatures, and the two jobs that fill it, by themselves. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, futimesSync, openSync, readFileSync, writeSync } from 'node:fs';
import { lstat, mkdir, readdir, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  codeOf,
  expandPaths,
  PathList,
  readAll,
  runBatch,
  SIGNATURE_FIELDS,
  statAll,
} from '../../lib/fingerprint/batch.ts';
import { StatTable } from '../../lib/fingerprint/stat-table.ts';
import { makeTree } from '../rig/temp.ts';

/** One signature of five numbers that tell which file it is of. */
const signature = (number: number): readonly bigint[] =>
  Array.from({ length: SIGNATURE_FIELDS }, (_, field) => BigInt(number * 10 + field));

function looksOf(paths: readonly string[], first = 1): StatTable {
  const stats = new StatTable();
  for (const one of paths) stats.add(one);
  stats.fill(0, new BigInt64Array(paths.flatMap((_, at) => signature(first + at))));
  return stats;
}

test('a row is found by its path in any order of asking, also one added after the first search', () => {
  const stats = looksOf(['a', 'b', 'c', 'd']);
  for (const order of [
    ['a', 'b', 'c', 'd'],
    ['d', 'a', 'c', 'b'],
    ['b', 'b', 'a', 'a', 'd'],
  ]) {
    for (const one of order) assert.equal(stats.row(one), 'abcd'.indexOf(one), order.join());
  }
  assert.equal(stats.row('e'), undefined);
  assert.equal(stats.add('e'), 4);
  assert.equal(stats.row('e'), 4);
  assert.equal(stats.size, 5);
  assert.equal(stats.add('f'), 5);
  assert.equal(stats.row('a'), 0);
  assert.equal(stats.row('f'), 5);
  assert.equal(stats.path(4), 'e');
  assert.equal(stats.path(6), '');
  assert.equal(new StatTable().row('a'), undefined);
});

test('a row that is not filled in yet counts as gone', () => {
  const stats = looksOf(['a']);
  assert.equal(stats.mode(stats.add('b')), 0);
  assert.equal(stats.hash(1), undefined);
  stats.setHash(1, 'h');
  assert.equal(stats.hash(1), 'h');
});

test('mode, size and time are read out of their fields, also where they need more than 32 bits', () => {
  const stats = new StatTable();
  stats.add('other');
  stats.add('a');
  const size = 5 * 2 ** 32 + 7;
  stats.fill(1, new BigInt64Array([0o100644n, BigInt(size), 1_700_000_000_123_999_999n, 2n, 3n]));
  assert.equal(stats.mode(1), 0o100644);
  assert.equal(stats.sizeBytes(1), size);
  assert.deepEqual([stats.mode(0), stats.sizeBytes(0)], [0, 0]);
  const fields = new BigInt64Array(stats.signature(1).buffer);
  assert.deepEqual([...fields], [0o100644n, BigInt(size), 1_700_000_000_123_999_999n, 2n, 3n]);
});

test('a table grows past its first room and keeps what was in it', () => {
  const paths = Array.from({ length: 2600 }, (_, at) => `f${at}`);
  const stats = new StatTable();
  for (const one of paths.slice(0, 1000)) stats.add(one);
  stats.fill(0, new BigInt64Array(paths.slice(0, 1000).flatMap((_, at) => signature(at))));
  for (const one of paths.slice(1000)) stats.add(one);
  stats.fill(1000, new BigInt64Array(paths.slice(1000).flatMap((_, at) => signature(1000 + at))));
  for (const [at] of paths.entries()) {
    assert.equal(stats.mode(at), at * 10);
    assert.equal(stats.sizeBytes(at), at * 10 + 1);
  }
  assert.deepEqual([...stats.signatures.slice(2599 * 5, 2600 * 5)], signature(2599));
});

test('what a file looked like while it was read takes the place of what it looked like before', () => {
  const stats = looksOf(['a', 'b', 'c']);
  const read = new BigInt64Array([...signature(7), ...signature(8)]);
  stats.update(1, read, 1, 'hash');
  assert.equal(stats.mode(1), 80);
  assert.equal(stats.hash(1), 'hash');
  assert.deepEqual([stats.mode(0), stats.mode(2)], [10, 30]);
});

test('a path has the same signature in two tables where every field is the same, or where neither has it', () => {
  const one = looksOf(['x', 'a', 'b']);
  assert.ok(one.isSame('a', looksOf(['a', 'b'], 2)));
  assert.ok(!one.isSame('a', looksOf(['b', 'a'], 2)));
  assert.ok(one.isSame('gone', looksOf(['a'])));
  assert.ok(!one.isSame('a', looksOf(['b'])));
  assert.ok(!looksOf(['b']).isSame('a', one));
  for (let field = 0; field < SIGNATURE_FIELDS; field++) {
    for (const difference of [1n, 1n << 32n]) {
      const changed = new BigInt64Array(signature(1));
      changed[field] = (changed[field] ?? 0n) + difference;
      const other = new StatTable();
      other.add('x');
      other.fill(0, changed);
      assert.ok(!one.isSame('x', other), `${field} ${difference}`);
    }
  }
});

test('paths travel as one text in which those of one directory share its name', () => {
  const list = new PathList();
  for (const [directory, name] of [
    ['', 'a'],
    ['d/', 'b'],
    ['d/', 'c'],
    ['d/e/', 'f'],
    ['', 'g'],
    ['', 'h'],
  ] as const)
    list.add(directory, name);
  assert.equal(list.count, 6);
  assert.equal(list.text, ['a', 'd/', 'b', 'c', 'd/e/', 'f', '/', 'g', 'h'].join('\0'));
  assert.deepEqual(expandPaths('/r', list.text), ['/r/a', '/r/d/b', '/r/d/c', '/r/d/e/f', '/r/g', '/r/h']);
  assert.deepEqual(expandPaths('/r', ''), []);
  assert.deepEqual([new PathList().count, new PathList().text], [0, '']);
});

test('looking gives the signature of the entry itself; what is gone has the mode 0; errors have their place', async (t) => {
  const root = await makeTree(t, { 'd/a': 'aaaa', b: { content: 'b', mode: 0o600 } });
  await symlink('b', path.join(root, 'link'));
  // Whole milliseconds of time of change, because Deno tells no more.
  await utimes(path.join(root, 'b'), 1_700_000_000, 1_700_000_000.5);
  const files = ['d', 'gone', 'b', 'b/below', 'link'].map((name) => path.join(root, name));
  const before = Date.now();
  const { signatures, failures, startedAt } = statAll(files);
  assert.ok(startedAt >= before && startedAt <= Date.now());
  const modes = files.map((_, at) => Number(signatures[at * SIGNATURE_FIELDS]));
  const stats = await Promise.all(['d', 'b', 'link'].map((name) => lstat(path.join(root, name))));
  assert.deepEqual(modes, [stats[0]?.mode, 0, stats[1]?.mode, 0, stats[2]?.mode]);
  const row = [...signatures.slice(2 * SIGNATURE_FIELDS, 3 * SIGNATURE_FIELDS)];
  assert.deepEqual([row[1], row[2], row[4]], [1n, 1_700_000_000_500_000_000n, BigInt(stats[1]?.ino ?? 0)]);
  assert.ok((row[3] ?? 0n) > 1_700_000_000_500_000_000n);
  assert.ok(failures.every(({ index, code }) => index === 3 && code === 'ENOTDIR'));
});

test('reading gives the hash of the content whatever its size, and takes what is gone for gone', async (t) => {
  const contents = [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20)].map((size) =>
    Buffer.alloc(size, String(size)),
  );
  const tree = Object.fromEntries(contents.map((content, at) => [`f${at}`, { content }]));
  const root = await makeTree(t, { ...tree, 'dir/x': '' });
  const names = [...Object.keys(tree), 'gone', 'f1/below'];
  const { signatures, hashes, failures, startedAt } = readAll(names.map((name) => path.join(root, name)));
  assert.ok(hashes !== undefined);
  for (const [at, content] of contents.entries()) {
    const sum = Buffer.from(hashes.subarray(at * 32, (at + 1) * 32)).toString('hex');
    assert.equal(sum, createHash('sha256').update(content).digest('hex'), `f${at}`);
    assert.equal(signatures[at * SIGNATURE_FIELDS + 1], BigInt(content.length));
  }
  assert.deepEqual(failures, []);
  assert.equal(signatures[contents.length * SIGNATURE_FIELDS], 0n);
  assert.ok(startedAt <= Date.now());
});

test('what is there and cannot be read is a failure with its place', async (t) => {
  const root = await makeTree(t, { a: 'a', 'dir/x': '' });
  const { failures } = readAll(['a', 'dir', 'a'].map((name) => path.join(root, name)));
  assert.deepEqual(failures, [{ index: 1, code: 'EISDIR' }]);
});

test('a file that moves while it is read is read again, three times, and then is busy', async (t) => {
  const root = await makeTree(t, { still: 'still', moving: 'x'.repeat(3 << 20), once: 'y'.repeat(3 << 20) });
  const moving = path.join(root, 'moving');
  // Everything here happens on this thread: the file grows whenever a piece of it was hashed.
  const prototype = Object.getPrototypeOf(createHash('sha256')) as { update: (data: Uint8Array) => unknown };
  const { update } = prototype;
  let grown = 0;
  let limit = Number.POSITIVE_INFINITY;
  prototype.update = function (this: unknown, data: Uint8Array) {
    if (data.length > 100 && grown < limit) {
      grown += 1;
      appendFileSync(moving, 'z');
    }
    return Reflect.apply(update, this, [data]);
  };
  t.after(() => {
    prototype.update = update;
  });
  const busy = readAll([path.join(root, 'still'), moving]);
  assert.deepEqual(busy.failures, [{ index: 1, code: 'EBUSY' }]);
  assert.equal(busy.signatures[SIGNATURE_FIELDS], 0n, 'no signature of what nobody knows');

  // One change only: the second reading is of a file that stays still.
  limit = grown + 1;
  const calm = readAll([moving]);
  prototype.update = update;
  assert.deepEqual(calm.failures, []);
  assert.equal(calm.signatures[1], BigInt((await lstat(moving)).size));
  assert.deepEqual(calm.hashes, readAll([moving]).hashes);
});

test('reading leaves no file open, whatever became of it', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const root = await makeTree(t, { a: 'a', 'dir/x': '' });
  const before = (await readdir('/proc/self/fd')).length;
  readAll(Array.from({ length: 100 }, (_, at) => path.join(root, ['a', 'dir', 'gone'][at % 3] ?? '')));
  assert.ok((await readdir('/proc/self/fd')).length < before + 20);
});

test('a batch does the job it names below its root', async (t) => {
  const root = await makeTree(t, { a: 'aaaa' });
  await mkdir(path.join(root, 'empty'));
  const stats = runBatch({ job: 'stat', root, paths: 'a\0gone' });
  assert.equal(stats.hashes, undefined);
  assert.equal(stats.signatures.length, 2 * SIGNATURE_FIELDS);
  assert.equal(stats.signatures[1], 4n);
  const read = runBatch({ job: 'read', root, paths: 'a' });
  assert.deepEqual(Buffer.from(read.hashes ?? []), createHash('sha256').update('aaaa').digest());
});

test('the code of an error is its code, else its name', () => {
  assert.equal(codeOf(Object.assign(new Error('x'), { code: 'EACCES' })), 'EACCES');
  assert.equal(codeOf(Object.assign(new TypeError('x'), { code: 5 })), 'TypeError');
  assert.equal(codeOf(new RangeError('x')), 'RangeError');
  assert.equal(codeOf({ code: 'EACCES' }), 'unknown');
});

test('a name that is too long is a failure with its place, for the stat and for the reading', () => {
  const files = ['/', `/${'x'.repeat(300)}`];
  assert.deepEqual(statAll(files).failures, [{ index: 1, code: 'ENAMETOOLONG' }]);
  assert.deepEqual(readAll(files.slice(1)).failures, [{ index: 0, code: 'ENAMETOOLONG' }]);
});

test('a file that was written in place while it was read is read again, though its size and time are the same', {
  skip: 'Deno' in globalThis && 'Deno says ctime in whole seconds',
}, async (t) => {
  const root = await makeTree(t, { a: 'x'.repeat(3 << 20) });
  const file = path.join(root, 'a');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  const prototype = Object.getPrototypeOf(createHash('sha256')) as { update: (data: Uint8Array) => unknown };
  const { update } = prototype;
  let isDone = false;
  prototype.update = function (this: unknown, data: Uint8Array) {
    if (data.length > 100 && !isDone) {
      isDone = true;
      const descriptor = openSync(file, 'r+');
      writeSync(descriptor, 'edited', 0);
      futimesSync(descriptor, 1_700_000_000, 1_700_000_000);
      closeSync(descriptor);
    }
    return Reflect.apply(update, this, [data]);
  };
  t.after(() => {
    prototype.update = update;
  });
  const { hashes } = readAll([file]);
  prototype.update = update;
  assert.deepEqual(Buffer.from(hashes ?? []), createHash('sha256').update(readFileSync(file)).digest());
});

test('what Deno says of a file is taken where it says all, else node:fs is asked', {
  skip: 'Deno' in globalThis && 'the real one is tested by everything else',
}, async (t) => {
  const root = await makeTree(t, { a: 'aaaa' });
  const file = path.join(root, 'a');
  const whole = { mode: 0o100600, size: 7, mtime: new Date(5), ctime: new Date(6000), ino: 9 };
  const answers: Readonly<Record<string, object | undefined>> = {
    [`${root}/whole`]: whole,
    [`${root}/../${path.basename(root)}/a`]: { ...whole, mode: null },
    [`${root}//a`]: { ...whole, mtime: null },
    [`${root}///a`]: { ...whole, ctime: null },
    [`${root}////a`]: { ...whole, ino: null },
  };
  const deno = {
    lstatSync(name: string) {
      const answer = answers[name];
      if (answer === undefined) throw new Error('NotCapable');
      return answer;
    },
  };
  Object.assign(globalThis, { Deno: deno });
  const at = new URL('../../lib/fingerprint/batch', import.meta.url).href;
  const url = `${at}${path.extname(import.meta.url)}?deno`;
  const other = (await import(url).finally(() => {
    Reflect.deleteProperty(globalThis, 'Deno');
  })) as { readonly statAll: typeof statAll };
  const { signatures, failures } = other.statAll([...Object.keys(answers), file, `${root}/gone`]);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    [...signatures.slice(0, SIGNATURE_FIELDS)],
    [0o100600n, 7n, 5_000_000n, 6_000_000_000n, 9n],
  );
  const own = [...statAll([file]).signatures];
  for (let at = 1; at <= 5; at++)
    assert.deepEqual([...signatures.slice(at * SIGNATURE_FIELDS, (at + 1) * SIGNATURE_FIELDS)], own, `${at}`);
  assert.equal(signatures[6 * SIGNATURE_FIELDS], 0n);
});
