/** The one rule of patterns over paths, as docs/verify.md states it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPathPattern } from '../../lib/util/path-pattern.ts';

const matches = (pattern: string, path: string): boolean => {
  const read = readPathPattern(pattern);
  assert(read !== undefined, pattern);
  return read.matches(path);
};

test('a pattern matches whole paths with a slash in it, and names at any depth without one', () => {
  const rows: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['*.pyc', ['a.pyc', 'usr/lib/x/a.pyc', '.pyc'], ['a.py', 'a.pyc.txt', 'a.pycx']],
    ['__pycache__', ['__pycache__', 'a/__pycache__', 'a/__pycache__/b/c'], ['a/x__pycache__', 'pycache']],
    ['__pycache__/', ['a/__pycache__', 'a/__pycache__/b'], ['__pycache__x']],
    ['/etc/motd', ['etc/motd', 'etc/motd/below'], ['a/etc/motd', 'etc/motd2', 'etc']],
    ['etc/motd', ['etc/motd'], ['a/etc/motd']],
    ['/motd', ['motd'], ['etc/motd']],
    ['/var/cache/**', ['var/cache/a', 'var/cache/a/b'], ['var/cache', 'var/cached/a', 'x/var/cache/a']],
    ['/var/cache/*', ['var/cache/a', 'var/cache/a/b'], ['var/cache']],
    ['/var/*/x', ['var/a/x', 'var/a/x/y'], ['var/a/b/x', 'var/x']],
    ['/var/**/x', ['var/x', 'var/a/x', 'var/a/b/x'], ['var/ax', 'xvar/x']],
    ['**/x', ['x', 'a/x', 'a/b/x/y'], ['ax']],
    ['a**b', ['ab', 'axb', 'q/axxb'], ['a/b']],
    ['/**', ['a', 'a/b'], []],
    ['lib?.so', ['liba.so', 'x/libb.so'], ['lib.so', 'lib/.so']],
    ['[a-c]x', ['ax', 'd/cx'], ['dx', '-x']],
    ['[!a-c]x', ['dx', '/dx'.slice(1)], ['ax', 'x']],
    ['/a[^b]c', ['axc'], ['abc', 'a/c']],
    ['[]^\\]x', [']x', '^x', '\\x'], ['ax']],
    ['\\*', ['*', 'a/*'], ['a']],
    ['\\[x]', ['[x]'], ['x']],
    ['a+(b).{c}$', ['a+(b).{c}$'], ['aab.c']],
    ['é?', ['é😀'], ['é']],
    ['a\nb', ['x/a\nb'], ['a']],
    ['**/a/**/b/**/c*d*e*f', ['x/a/y/b/c1d2e3f', 'a/b/cdef/g'], ['x/a/c1d2e3f']],
  ];
  for (const [pattern, yes, no] of rows) {
    for (const path of yes) assert(matches(pattern, path), `${pattern} matches ${path}`);
    for (const path of no) assert(!matches(pattern, path), `${pattern} does not match ${path}`);
  }
  assert.equal(readPathPattern('/etc//')?.text, '/etc//');
});

test('what is no such pattern is refused', () => {
  for (const text of ['', '/', '//', '!*.pyc', 'a//b', './a', 'a/../b', '..', '[a', 'a\\', '[z-a]'])
    assert.equal(readPathPattern(text), undefined, text);
});
