/** Which changed paths count for what a build reads, by names alone, and the advice for what is not known. */
import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { compileRules, NO_RULES, type PathRead } from '../../lib/dockerfile/mod.ts';
import { REMEDIES } from '../../lib/inspect/remedies.ts';
import { isLinked, isRead, locateOnDisk, relativeTo } from '../../lib/inspect/touches.ts';
import type { FilePart } from '../../lib/model/mod.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const span = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };

function makeRead(source: string, more: Partial<PathRead> = {}): PathRead {
  return { source, include: [], exclude: [], span, ...more };
}

/** Whether one instruction may see a change. */
function sees(source: string, changed: string, more: Partial<PathRead> = {}): boolean {
  return isRead([makeRead(source, more)], NO_RULES, changed);
}

function makeLink(file: string, content: string): FilePart {
  return { path: file, kind: 'symlink', mode: 0o777, content };
}

test('a path leads through its directories and links, and to itself where nothing is', async (t) => {
  const dir = await locateOnDisk(await makeTempDir(t, 'touches-'));
  const { real } = dir;
  await writeTree(real, { 'a/b/': '' });
  await symlink('a', path.join(real, 'link'));
  const found = await locateOnDisk(path.join(real, 'link/b'));
  assert.equal(found.real, path.join(real, 'a/b'));
  for (const at of ['link', 'a', 'a/b']) assert(found.way.has(path.join(real, at)), at);
  assert(!found.way.has(path.join(real, 'b')));
  const gone = await locateOnDisk(path.join(real, 'link/gone/deeper'));
  assert.equal(gone.real, path.join(real, 'a/gone/deeper'));
  assert(gone.way.has(path.join(real, 'a/gone')));
  const root = await locateOnDisk(path.parse(real).root);
  assert.deepEqual([root.real, [...root.way]], [path.parse(real).root, []]);
});

test('only what lies below a directory is relative to it', () => {
  const location = { real: path.resolve('/a/b'), way: new Set<string>() };
  for (const outside of ['/a', '/', '/a/b', '/a/bc', '/a/c/d'])
    assert.equal(relativeTo(location, path.resolve(outside)), undefined, outside);
  assert.equal(relativeTo(location, path.resolve('/a/b/c/d')), 'c/d');
  assert.equal(relativeTo(location, path.resolve('/a/b/..c')), '..c');
});

test('a source counts with what is below it and on the way to it', () => {
  for (const changed of ['a', 'a/b', 'a/b/c']) assert(sees('a/b', changed), changed);
  for (const changed of ['b', 'a/bc', 'ab', 'a/c']) assert(!sees('a/b', changed), changed);
  for (const all of ['.', '/', './']) assert(sees(all, 'any/file'), all);
  assert(!isRead([makeRead('.')], compileRules(['*.md']), 'a.md'), 'it is ignored');
  assert(!isRead('all', compileRules(['*.md']), 'a.md'), 'it is ignored');
  assert(isRead('all', NO_RULES, 'a.md'));
  assert(!isRead([], NO_RULES, 'a.md'));
});

test('wildcards are those of COPY; names that only look like rules are names', () => {
  for (const [source, changed] of [
    ['*', 'f'],
    ['a?c', 'abc'],
    ['[ab]', 'b'],
    ['a\\*', 'a*'],
    ['*/x', 'd/x/deep'],
  ] as const)
    assert(sees(source, changed), `${source} ${changed}`);
  for (const [source, changed] of [
    ['a?c', 'ac'],
    ['[ab]', 'c'],
    ['a\\*', 'ab'],
    ['*/x', 'd/y'],
    ['*!', 'a'],
    ['!a', 'b'],
  ] as const)
    assert(!sees(source, changed), `${source} ${changed}`);
  assert(sees('!a', '!a'));
  // As a pattern this would be an exception, so that nothing is known of it.
  assert(sees('!*', 'b'));
});

test('--exclude and --parents are heeded below the source', () => {
  for (const source of ['.', 'd', 'd/e']) {
    const at = (name: string) => (source === '.' ? name : `${source}/${name}`);
    const exclude = ['*.md', 'x/y'];
    for (const name of ['a.md', 'x/y', 'x/y/z'])
      assert(!sees(source, at(name), { exclude }), `${source} ${name}`);
    for (const name of ['a.ts', 'x/z', 'xy'])
      assert(sees(source, at(name), { exclude }), `${source} ${name}`);
    const include = ['*.ts', 'x/y'];
    for (const name of ['a.ts', 'x/y']) assert(sees(source, at(name), { include }), `${source} ${name}`);
    for (const name of ['a.md', 'xy', 'y']) assert(!sees(source, at(name), { include }), `${source} ${name}`);
  }
  const both = { include: ['a', 'b'], exclude: ['ab'] };
  assert(sees('.', 'a', both));
  assert(!sees('.', 'ab', both));
  // The source itself, in place of which something else may stand now.
  assert(sees('d', 'd', { include: ['*.ts'], exclude: ['**'] }));
  assert(sees('d/e', 'd', { include: ['*.ts'], exclude: ['**'] }));
  // How deep `**` goes is not known.
  assert(sees('d/**/f', 'd/e/f', { exclude: ['f'] }));
  assert(sees('d/**/f', 'd/e/f', { include: ['none'] }));
});

test('links lead to files at, below and above their target, from their directory or the root of the context', () => {
  const linked = (text: string, changed: string) => isLinked([makeLink('d/l', text)], changed);
  for (const [text, changed] of [
    ['x', 'd/x'],
    ['x/', 'd/x/f'],
    ['x/y', 'd/x'],
    ['../x', 'x/f'],
    ['/x', 'x/f'],
    ['..', 'any'],
    ['/', 'any'],
  ] as const)
    assert(linked(text, changed), `${text} ${changed}`);
  for (const [text, changed] of [
    ['x', 'x'],
    ['x', 'd/xy'],
    ['x/', 'x'],
    ['/x', 'd/x'],
    ['../x', 'd/x'],
  ] as const)
    assert(!linked(text, changed), `${text} ${changed}`);
  const file: FilePart = { path: 'd/f', kind: 'file', mode: 0o644, content: 'x' };
  assert(isLinked([file], 'd/f'));
  assert(isLinked([makeLink('d/l', 'nowhere')], 'd/l'), 'the link itself');
  assert(!isLinked([file], 'd/x'), 'what a file holds is no way');
  assert(!isLinked([], 'd/f'));
});

test('for everything that may not be known there is advice of its own, a sentence', () => {
  const advice = Object.values(REMEDIES);
  for (const [kind, text] of Object.entries(REMEDIES)) assert.match(text, /^[A-Z].+\.$/, kind);
  assert.equal(new Set(advice).size, advice.length);
  assert.match(REMEDIES.epoch, /`source-date-epoch: 0`/);
});
