/** Many differences in few lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileChange, foldChanges } from '../../lib/compare/mod.ts';

const changesOf = (...paths: readonly string[]): readonly FileChange[] =>
  [...paths].sort().map((path) => ({ path, change: 'added', what: [] }));
const fold = (most: number, ...paths: readonly string[]) =>
  foldChanges(changesOf(...paths), most).map(({ path, changes }) => `${path} ${changes.length}`);
const many = (dir: string, count: number) => Array.from({ length: count }, (_, at) => `${dir}/f${at}`);

test('where there is room, each difference stands alone', () => {
  assert.deepEqual(fold(3), []);
  assert.deepEqual(fold(1, 'a/b/c'), ['a/b/c 1']);
  assert.deepEqual(fold(3, 'a/x', 'a/b/c', 'z'), ['a/b/c 1', 'a/x 1', 'z 1']);
});

test('else they are shown by directory, as deep as there is room for', () => {
  assert.deepEqual(fold(1, ...many('usr/lib/py', 200)), ['usr/lib/py/** 200']);
  assert.deepEqual(fold(3, ...many('usr/lib/a', 20), ...many('usr/lib/b', 30), 'etc/motd'), [
    'etc/motd 1',
    'usr/lib/a/** 20',
    'usr/lib/b/** 30',
  ]);
  assert.deepEqual(fold(2, ...many('usr/lib/a', 20), ...many('usr/lib/b', 30), 'etc/motd'), [
    'etc/motd 1',
    'usr/lib/** 50',
  ]);
  // The largest one is cut first; files right in a directory are shown together.
  assert.deepEqual(fold(4, ...many('a', 9), ...many('a/b', 20), ...many('a/c', 3), 'z'), [
    'a/b/** 20',
    'a/c/** 3',
    'a/* 9',
    'z 1',
  ]);
  assert.deepEqual(fold(2, ...many('', 3).map((path) => path.slice(1)), ...many('d', 4)), ['d/** 4', '* 3']);
});

test('a directory that differs in itself is with what it holds, and names that begin alike are not', () => {
  assert.deepEqual(fold(1, 'a/b', 'a/b/c', 'a/b/d'), ['a/b/** 3']);
  assert.deepEqual(fold(2, 'a', 'a-b', 'a/c', 'a/d'), ['a/** 3', 'a-b 1']);
  assert.deepEqual(fold(3, 'a', 'a/c', 'a/d'), ['a 1', 'a/c 1', 'a/d 1']);
  assert.deepEqual(fold(1, 'ab/x', 'abc/x'), ['** 2']);
});

test('whatever the paths are, all of them are shown once, in no more groups than there is room for', () => {
  const dirs = ['', 'a/', 'a/b/', 'a/b/c/', 'ab/', 'd/'];
  for (let seed = 1; seed < 200; seed += 1) {
    const paths = dirs.flatMap((dir, at) =>
      Array.from({ length: (seed >> at) % 7 }, (_, n) => `${dir}f${n}`),
    );
    if (seed % 3 === 0) paths.push('a', 'a/b');
    for (const most of [1, 2, 5, 8]) {
      const folded = foldChanges(changesOf(...paths), most);
      assert(folded.length <= most);
      const shown = folded.flatMap(({ changes }) => changes.map(({ path }) => path)).sort();
      assert.deepEqual(shown, [...paths].sort());
      if (paths.length <= most) assert.equal(folded.length, paths.length, `${paths}`);
      for (const { path, changes } of folded) {
        const dir = path.replace(/\/?\*+$/, '');
        for (const one of changes)
          assert(one.path === dir || dir === '' || one.path.startsWith(`${dir}/`), `${one.path} in ${path}`);
      }
    }
  }
});
