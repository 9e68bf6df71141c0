/** Walking a context by itself: what is met, in which order, and what is not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import {
  type ContextReads,
  compileRules,
  type IgnoreRules,
  NO_RULES,
  type PathRead,
} from '../../lib/dockerfile/mod.ts';
import { walkContext } from '../../lib/fingerprint/walk.ts';
import { runShell } from '../rig/odd-names.ts';
import { makeTempDir, makeTree } from '../rig/temp.ts';

const span = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };
const read = (source: string, rest: Partial<PathRead> = {}): PathRead => ({
  source,
  include: [],
  exclude: [],
  span,
  ...rest,
});

/** What a walk finds: kinds by path in the order met, and what was asked of each. */
function walk(root: string, reads: ContextReads, ignore: IgnoreRules = NO_RULES) {
  const met: string[] = [];
  const found = walkContext(root, reads, ignore, (whole, directory, name) => {
    assert.equal(whole, whole === '.' ? name : directory + name);
    assert.ok(!name.includes('/'));
    met.push(whole);
    return met.length - 1;
  });
  assert.deepEqual(
    found.rows.map((row) => met[row]),
    found.paths,
    'each row is the one that was given for its path',
  );
  const { paths, kinds, links, failures, odd } = found;
  return { paths, kinds, links: Object.fromEntries(links), failures, odd, met };
}

test('a walk meets entries by name, what is in a directory right after it, and the root only where all of it is read', async (t) => {
  const root = await makeTree(t, {
    b: '',
    'a/z': '',
    'a/b/c': '',
    'a-b': '',
    'A/x': '',
    link: { symlink: 'b' },
  });
  const all = walk(root, 'all');
  assert.deepEqual(all.paths, ['A', 'A/x', 'a', 'a/b', 'a/b/c', 'a/z', 'a-b', 'b', 'link']);
  assert.deepEqual(all.kinds, ['dir', 'file', 'dir', 'dir', 'file', 'file', 'file', 'file', 'symlink']);
  assert.deepEqual(all.links, { link: 'b' });
  assert.deepEqual(all.failures, []);
  assert.deepEqual(all.met, ['.', ...all.paths]);
  // A source may be named twice; the root is looked at once.
  assert.deepEqual(walk(root, [read('.'), read('/'), read('a')]).met, all.met);
  const one = walk(root, [read('a')]);
  assert.deepEqual(one.met, ['a', 'a/b', 'a/b/c', 'a/z']);
  assert.deepEqual(one.kinds, ['dir', 'dir', 'file', 'file']);
  const filtered = [read('.', { include: ['b'] }), read('.', { include: ['link'] })];
  assert.deepEqual(walk(root, filtered).met, ['.', 'b', 'link']);
});

test('names are in the order of their UTF-16, as the runtimes compare texts, not of their bytes', async (t) => {
  const root = await makeTree(t, { '\uFF5E': '', '\u{1F4BE}': '', z: '' });
  assert.deepEqual(walk(root, 'all').paths, ['z', '\u{1F4BE}', '\uFF5E']);
});

test('a directory without anything that counts counts where it is named, and else not', async (t) => {
  const root = await makeTree(t, { 'empty/': '', 'd/a': '' });
  assert.deepEqual(walk(root, [read('empty')]).paths, ['empty']);
  assert.deepEqual(walk(root, [read('d', { include: ['none'] })]).paths, []);
  assert.deepEqual(walk(root, [read('d')], compileRules(['d', '!d/none'])).paths, []);
});

test('trees that overlap give each path once, whatever their filters', async (t) => {
  const root = await makeTree(t, { 'd/a.c': '', 'd/b.h': '', 'd/e/c.c': '', 'f/a.c': '' });
  const paths = (...reads: readonly PathRead[]) => [...walk(root, reads).paths].sort();
  const withoutH = read('d', { exclude: ['*.h'] });
  const onlyC = read('d', { include: ['**/*.c'] });
  assert.deepEqual(paths(withoutH, onlyC), ['d', 'd/a.c', 'd/e', 'd/e/c.c']);
  assert.deepEqual(paths(onlyC, withoutH, read('d/b.h')), ['d', 'd/a.c', 'd/b.h', 'd/e', 'd/e/c.c']);
  assert.deepEqual(paths(withoutH, read('d')), ['d', 'd/a.c', 'd/b.h', 'd/e', 'd/e/c.c']);
  assert.deepEqual(paths(withoutH, read('.')), ['d', 'd/a.c', 'd/b.h', 'd/e', 'd/e/c.c', 'f', 'f/a.c']);
  assert.deepEqual(paths(read('d/e'), onlyC), ['d', 'd/a.c', 'd/e', 'd/e/c.c']);
  assert.deepEqual(paths(read('d/e', { exclude: ['x'] }), read('d')), [
    'd',
    'd/a.c',
    'd/b.h',
    'd/e',
    'd/e/c.c',
  ]);
  assert.deepEqual(paths(read('d/a.c'), read('f/a.c', { include: ['a.c'] })), ['d/a.c', 'f/a.c']);
});

test('an exclusion with an exception is walked for what the exception brings back', async (t) => {
  const root = await makeTree(t, { 'd/x/keep': '', 'd/x/go': '', 'd/y/go': '', 'd/z': '' });
  const paths = (exclude: readonly string[]) => [...walk(root, [read('d', { exclude })]).paths].sort();
  assert.deepEqual(paths(['x', 'y']), ['d', 'd/z']);
  assert.deepEqual(paths(['x', 'y', '!x/keep']), ['d', 'd/x', 'd/x/keep', 'd/z']);
  assert.deepEqual(walk(root, [read('d', { include: ['x'], exclude: ['x/go'] })]).paths, [
    'd',
    'd/x',
    'd/x/keep',
  ]);
});

test('ignored paths are left out with what is below them, but for exceptions', async (t) => {
  const root = await makeTree(t, {
    'd/a': '',
    'd/e/f': '',
    'd/e/g': '',
    'i/a': '',
    link: { symlink: 'd' },
    'l/to': { symlink: '../d/a' },
  });
  const paths = (reads: ContextReads, ...rules: readonly string[]) =>
    [...walk(root, reads, compileRules(rules)).paths].sort();
  assert.deepEqual(paths('all', 'd', 'link', 'l'), ['i', 'i/a']);
  assert.deepEqual(paths('all', 'd', '!d/e/f', 'i', 'l', 'link'), ['d', 'd/e', 'd/e/f']);
  assert.deepEqual(paths([read('d')], 'd', '!d/e/f'), ['d', 'd/e', 'd/e/f']);
  assert.deepEqual(walk(root, [read('d')], compileRules(['d', '!d/e/f'])).kinds, ['dir', 'file', 'dir']);
  assert.deepEqual(paths([read('d/e')], 'd', '!d/e/f'), ['d/e', 'd/e/f']);
  assert.deepEqual(paths([read('d/a'), read('i')], 'd/a', 'i'), []);
  // A link that is left out still leads where it leads.
  const through = paths([read('link')], 'link');
  assert.deepEqual(through, ['d', 'd/a', 'd/e', 'd/e/f', 'd/e/g']);
  assert.deepEqual(paths([read('l/to')], 'l'), ['d/a']);
});

test('sources are followed through links, up and down, as far as the context goes', async (t) => {
  const root = await makeTree(t, {
    'a/b/file': '',
    'a/b/rel': { symlink: '../../c/./d//file' },
    'a/b/abs': { symlink: '/c/d' },
    'a/b/one': { symlink: '../x' },
    'a/x': '',
    'a/past': { symlink: 'x/../b/file' },
    'a/up': { symlink: '../../../c' },
    'a/slash': { symlink: 'b/' },
    'c/d/file': '',
    self: { symlink: 'self' },
    'a[1]/x': '',
    bracket: { symlink: 'a[1]' },
    star: { symlink: 'a*' },
  });
  const paths = (source: string) => [...walk(root, [read(source)]).paths].sort();
  assert.deepEqual(paths('a/b/rel'), ['a/b/rel', 'c/d/file']);
  assert.deepEqual(paths('a/b/abs/file'), ['a/b/abs', 'c/d/file']);
  assert.deepEqual(paths('a/up/d'), ['a/up', 'c/d', 'c/d/file']);
  assert.deepEqual(paths('a/slash/file'), ['a/b/file', 'a/slash']);
  assert.deepEqual(paths('a/b/../up'), ['a/up', 'c', 'c/d', 'c/d/file']);
  assert.deepEqual(paths('a/b/one'), ['a/b/one', 'a/x']);
  assert.deepEqual(paths('a/b/file/below'), []);
  assert.deepEqual(paths('a/past'), ['a/past'], 'a file is no way to what lies beside it');
  assert.deepEqual(paths('self/x'), ['self']);
  assert.deepEqual(paths('bracket'), ['a[1]', 'a[1]/x', 'bracket'], 'the text of a link is no pattern');
  assert.deepEqual(paths('star'), ['star']);
  assert.deepEqual(paths('./a//slash/./'), ['a/b', 'a/b/abs', 'a/b/file', 'a/b/one', 'a/b/rel', 'a/slash']);
});

test('255 links are followed, as buildkit does, and not one more', async (t) => {
  const links = Object.fromEntries(
    Array.from({ length: 256 }, (_, at) => [`l${at}`, { symlink: `l${at + 1}` }]),
  );
  const root = await makeTree(t, { ...links, l256: '' });
  assert.ok(walk(root, [read('l1')]).paths.includes('l256'));
  assert.ok(!walk(root, [read('l0')]).paths.includes('l256'));
});

test('a part is a pattern, or the name as it is written, escaped or not', async (t) => {
  const root = await makeTree(t, {
    'd/a1': '',
    'd/a2': '',
    'd/a?': '',
    'd/[x]': '',
    'd/\\e': '',
    'd/e': '',
    top1: '',
  });
  const paths = (source: string) => [...walk(root, [read(source)]).paths].sort();
  assert.deepEqual(paths('d/a?'), ['d/a1', 'd/a2', 'd/a?']);
  assert.deepEqual(paths('d/a\\?'), ['d/a?']);
  assert.deepEqual(paths('d/[x]'), ['d/[x]']);
  assert.deepEqual(paths('d/\\e'), ['d/\\e', 'd/e']);
  assert.deepEqual(paths('top*'), ['top1']);
  assert.deepEqual(paths('d/none*'), []);
  assert.deepEqual(paths('d/e/*'), []);
  assert.deepEqual(walk(root, [read('gone/*')]).failures, []);
});

test('what is neither file, directory nor link is special', {
  skip: process.platform === 'win32',
}, async (t) => {
  const root = await makeTempDir(t);
  execFileSync('mkfifo', [path.join(root, 'pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(root, 'socket'), resolve));
  t.after(() => void server.close());
  assert.deepEqual(walk(root, 'all').kinds, ['special', 'special']);
  assert.deepEqual(walk(root, [read('pipe')]).kinds, ['special']);
});

test('a name that is too long cannot be there or not there', async (t) => {
  const root = await makeTempDir(t);
  const long = 'x'.repeat(300);
  assert.deepEqual(walk(root, [read(long)]).failures, [{ path: long, code: 'ENAMETOOLONG' }]);
  assert.deepEqual(walk(root, [read(long)], compileRules(['x*'])).failures, [], 'unless it is left out');
});

/** Directories so deep that the path to them is too long for the system; they cannot be removed by paths either. */
function makeDeep(remove: (dir: string) => void): { readonly root: string; readonly deepest: string } {
  const root = mkdtempSync(path.join(tmpdir(), 'bake-ts-deep-'));
  remove(root);
  const before = process.cwd();
  const name = 'n'.repeat(250);
  const parts: string[] = [];
  process.chdir(root);
  while (root.length + parts.length * 251 < 4200) {
    mkdirSync(name);
    process.chdir(name);
    parts.push(name);
  }
  writeFileSync('file', '');
  process.chdir(before);
  return { root, deepest: parts.join('/') };
}

test('a directory that cannot be listed is a failure where it counts, and no matter where it is left out', {
  skip: process.platform !== 'linux',
}, (t) => {
  const { root } = makeDeep((dir) => t.after(() => void execFileSync('rm', ['-rf', dir])));
  const { failures } = walk(root, 'all');
  assert.deepEqual([failures.length, failures[0]?.code], [1, 'ENAMETOOLONG']);
  assert.ok((failures[0]?.path.length ?? 0) > 3000);
  assert.deepEqual(walk(root, 'all', compileRules(['n*', '!**/file'])).failures.length, 0);
  const filtered = walk(root, [read('.', { include: ['**/file'] })]);
  assert.equal(filtered.failures.length, 1, 'also where only something in it is read');
});

const noOddNames = {
  skip: process.platform !== 'linux' && 'names are Unicode here',
};

test(
  'a name that is not UTF-8 is no path, and known to be there; one with the sign for that is a path',
  noOddNames,
  async (t) => {
    const root = await makeTree(t, { 'd/x': '', '\uFFFD': '', 'd/\uFFFD-odd': '', 'twice\uFFFD': '' });
    await runShell(
      root,
      'for n in bad d/bad twice; do : > "$n$(printf \'\\377\')"; done; mkdir "$(printf \'e\\376\')"',
    );
    const { odd, paths, failures } = walk(root, 'all');
    assert.deepEqual([...odd].sort(), ['bad\uFFFD', 'd/bad\uFFFD', 'e\uFFFD', 'twice\uFFFD']);
    assert.deepEqual(paths, ['d', 'd/x', 'd/\uFFFD-odd', '\uFFFD']);
    assert.deepEqual(failures, []);
  },
);

test('what is surely left out is not missed, and what is not read neither', noOddNames, async (t) => {
  const root = await makeTree(t, { 'd/x': '', 'e/x': '' });
  await runShell(
    root,
    ': > "$(printf \'d/a\\377\')"; : > "$(printf \'d/a\\376\')"; mkdir "$(printf \'d/b\\377\')"',
  );
  const oddBut = (...patterns: readonly string[]) =>
    [...walk(root, 'all', compileRules(patterns)).odd].sort();
  const all = ['d/a\uFFFD', 'd/b\uFFFD'];
  assert.deepEqual(oddBut(), all);
  assert.deepEqual(oddBut('d'), []);
  assert.deepEqual(oddBut('d/a*'), ['d/b\uFFFD']);
  assert.deepEqual(oddBut('d/a?', 'd/b?'), all, 'a character may be several');
  assert.deepEqual(oddBut('d/[a]*'), all);
  assert.deepEqual(oddBut('d/a\uFFFD'), all, 'the rule may mean the character');
  assert.deepEqual(oddBut('**', '!d/*/keep'), all, 'something in it may be taken back');
  assert.deepEqual([...walk(root, [read('e')]).odd], []);
  assert.deepEqual([...walk(root, [read('d/x*')]).odd].sort(), all);
});

test(
  'the text of a link that is not UTF-8 is known to be there, one with the sign for that is a text',
  noOddNames,
  async (t) => {
    const root = await makeTree(t, { sign: { symlink: '\uFFFD' }, 'd/x': '' });
    await runShell(root, 'ln -s "$(printf \'x\\377\')" link; ln -s "$(printf \'x\\377\')" d/link');
    const all = walk(root, 'all');
    assert.deepEqual([[...all.odd].sort(), all.failures], [['d/link', 'link'], []]);
    assert.equal(all.links['sign'], '\uFFFD');
    assert.deepEqual([...walk(root, 'all', compileRules(['link'])).odd], ['d/link']);
    assert.deepEqual([...walk(root, [read('link')]).odd], ['link']);
  },
);
