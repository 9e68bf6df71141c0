/** What the local sources of a build are called, and copies of contexts for frontends that know no names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { stageContext } from '../../lib/buildctl/mod.ts';
import { NO_RULES } from '../../lib/dockerfile/mod.ts';
import { ContextHasher, type HashedContext, sourceName } from '../../lib/fingerprint/mod.ts';
import type { NodeInputs } from '../../lib/inputs/mod.ts';
import type { BuildKey, ContextRef, ContextSource } from '../../lib/model/mod.ts';
import { nameSources, offerFile, stageMain } from '../../lib/run/local-sources.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type Cleanup, makeTempDir, makeTree } from '../rig/temp.ts';

const FRESH = /^bake[0-9a-f]{32}$/;

const at = (ref: ContextRef): ContextSource => ({ ref, written: 'as written' });
const local = (dir: string) => at({ kind: 'local', path: dir });
const IMAGE = at({ kind: 'image', ref: 'alpine' });

/** The inputs of a build of which these contexts are known. */
function inputsOf(contexts: Readonly<Record<string, HashedContext>>, key = 'k'): NodeInputs {
  const known = Object.entries(contexts).map(([name, hashed]) => ({ name, hashed }));
  return {
    contexts: known,
    ...(key === '' ? {} : { key: key as BuildKey }),
  } as unknown as NodeInputs;
}

/** A context of one file that is older than the clock is exact. */
const fileOf = (content: string, root = '/'): HashedContext => ({
  root,
  files: [{ path: 'file', kind: 'symlink', mode: 0, content }],
  odd: [],
  fileCount: 0,
  bytes: 0,
  stats: undefined as unknown as HashedContext['stats'],
});

test('each context has a name for what it holds', () => {
  const node = makeNode({
    context: local('/main'),
    contexts: new Map([
      ['one', local('/one')],
      ['image', IMAGE],
    ]),
  });
  const [main, one] = [fileOf('main'), fileOf('one')];
  assert.deepEqual(nameSources(node, inputsOf({ context: main, one }), false), {
    main: { dir: '/main', name: sourceName(main) },
    named: new Map([['one', { dir: '/one', name: sourceName(one) }]]),
  });
});

test('a main context of which nothing is read has one name for all, a named one a fresh one', () => {
  const node = makeNode({ context: local('/main'), contexts: new Map([['one', local('/one')]]) });
  const names = [1, 2].map(() => nameSources(node, inputsOf({}), false));
  assert.deepEqual(
    names.map(({ main }) => main),
    [1, 2].map(() => ({ dir: '/main', name: 'bakeunread' })),
  );
  const [a, b] = names.map(({ named }) => named.get('one')?.name ?? '');
  assert.match(a ?? '', FRESH);
  assert.notEqual(a, b);
});

test('everything has a fresh name where the inputs are not known, or where all is to be sent', () => {
  const node = makeNode({ context: local('/main'), contexts: new Map([['one', local('/one')]]) });
  const hashed = fileOf('x');
  for (const [contexts, key, sendsAnew] of [
    [{ context: hashed, one: hashed }, '', false],
    [{ context: hashed, one: hashed }, 'k', true],
    [{}, '', false],
    [{}, 'k', true],
  ] as const) {
    const { main, named } = nameSources(node, inputsOf(contexts, key), sendsAnew);
    const names = [main?.name ?? '', named.get('one')?.name ?? ''];
    for (const name of names) assert.match(name, FRESH);
    assert.equal(new Set([...names, sourceName(hashed)]).size, 3);
  }
});

test('a context that is not local has no source, and its named ones have', async () => {
  const node = makeNode({ context: IMAGE, contexts: new Map([['one', local('/one')]]) });
  const hashed = fileOf('x');
  const named = new Map([['one', { dir: '/one', name: sourceName(hashed) }]]);
  assert.deepEqual(nameSources(node, inputsOf({ one: hashed }), false), { named });
  assert.deepEqual(await stageMain(node, inputsOf({ one: hashed }), '/nowhere', { named }), {
    ok: true,
    value: { named },
  });
});

test('what is known of a context that is called `context` is not said of the main one', () => {
  const node = makeNode({ context: local('/main'), contexts: new Map([['context', local('/one')]]) });
  const hashed = fileOf('x');
  const { main, named } = nameSources(node, inputsOf({ context: hashed }), false);
  assert.equal(named.get('context')?.name, sourceName(hashed));
  assert.match(main?.name ?? '', FRESH);
  assert.notEqual(main?.name, sourceName(hashed));
});

async function makeContext(t: Cleanup): Promise<string> {
  const root = await makeTree(t, { file: 'file\n', 'sub/file': 'sub\n', 'sub/unread': 'x\n', unread: 'x\n' });
  await symlink('sub/file', path.join(root, 'link'));
  return root;
}

/** What is known of some files of a directory. */
async function hashOf(root: string, paths: readonly string[]): Promise<HashedContext> {
  const hasher = new ContextHasher();
  const span = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };
  const reads = paths.map((source) => ({ source, include: [], exclude: [], span }));
  const hashed = await hasher.hash({ root, written: '.', reads, ignore: NO_RULES });
  await hasher.close();
  assert(hashed.ok);
  return hashed.value;
}

/** The files and links below a directory. */
async function listOf(dir: string): Promise<readonly string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}

test('a copy has the files that count, with their own times', async (t) => {
  const root = await makeContext(t);
  const hashed = await hashOf(root, ['file', 'sub/file', 'link']);
  const node = makeNode({ context: local(root) });
  const times = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const workDir = await makeTempDir(t);
    const staged = await stageMain(node, inputsOf({ other: fileOf('y'), context: hashed }), workDir, {
      named: new Map(),
    });
    const dir = path.join(workDir, 'context');
    assert.deepEqual(staged, { ok: true, value: { main: { dir }, named: new Map() } });
    assert.deepEqual(await listOf(dir), ['file', 'link', 'sub/file']);
    assert.equal(await readFile(path.join(dir, 'link'), 'utf8'), 'sub\n');
    assert((await lstat(path.join(dir, 'link'))).isSymbolicLink());
    const all = await Promise.all(
      ['file', 'link', 'sub/file'].map(async (name) => (await lstat(path.join(dir, name))).mtimeMs),
    );
    assert.equal(new Set(all).size, 1, 'each has a time of its own');
    for (const time of all) times.add(time);
  }
  assert.equal(times.size, 3, 'copies have the same time');
});

test('a copy has everything where it is not known what counts', async (t) => {
  const root = await makeContext(t);
  const hashed = await hashOf(root, ['file']);
  const plain = makeNode({ context: local(root) });
  const hidden = makeNode({ context: local(root), contexts: new Map([['context', local('/one')]]) });
  for (const [node, inputs] of [
    [plain, inputsOf({ context: hashed }, '')],
    [plain, inputsOf({})],
    [plain, inputsOf({ one: hashed })],
    [plain, inputsOf({}, '')],
    [hidden, inputsOf({ context: hashed })],
  ] as const) {
    const workDir = await makeTempDir(t);
    const named = new Map([['one', { dir: '/one' }]]);
    const staged = await stageMain(node, inputs, workDir, { named });
    assert.deepEqual(staged, { ok: true, value: { main: { dir: path.join(workDir, 'context') }, named } });
    assert.deepEqual(await listOf(path.join(workDir, 'context')), [
      'file',
      'link',
      'sub/file',
      'sub/unread',
      'unread',
    ]);
  }
});

test('a copy has directories with the modes that they have, and links as they are', async (t) => {
  const root = await makeTree(t, { 'sub/deep/file': 'x\n', 'sub/other/file': 'x\n' });
  await symlink('sub/deep', path.join(root, 'link'));
  await chmod(path.join(root, 'sub'), 0o711);
  await chmod(path.join(root, 'sub/deep'), 0o701);
  for (const paths of [['link', 'sub/deep/file', 'sub/other'], undefined]) {
    const to = path.join(await makeTempDir(t), 'a/b');
    await stageContext(root, to, paths);
    assert.equal((await stat(path.join(to, 'sub'))).mode & 0o777, 0o711);
    assert.equal((await stat(path.join(to, 'sub/deep'))).mode & 0o777, 0o701);
    assert.equal(await readlink(path.join(to, 'link')), 'sub/deep');
    assert.deepEqual((await listOf(to)).includes('sub/other/file'), paths === undefined);
  }
  const empty = path.join(await makeTempDir(t), 'a/b');
  await stageContext(root, empty, []);
  assert.deepEqual(await readdir(empty), []);
});

test('a context that cannot be copied is a problem of its build', async (t) => {
  const workDir = await makeTempDir(t);
  const gone = path.join(workDir, 'gone');
  const staged = await stageMain(makeNode({ name: 'app', context: local(gone) }), inputsOf({}), workDir, {
    named: new Map(),
  });
  assert(!staged.ok);
  assert.equal(staged.error.code, 'build/source-copy');
  assert.equal(staged.error.build, 'app');
  assert.match(staged.error.message, /as written cannot be copied \(.*ENOENT/);
  assert.doesNotMatch(staged.error.message, /\(Error: /);
  assert.notEqual(staged.error.hint, undefined);
  await assert.rejects(stat(gone));
});

const FOREIGN = {
  ...inputsOf({}, ''),
  untracked: [{ kind: 'frontend', text: 'x' }],
} as unknown as NodeInputs;

test('the file of a foreign frontend is offered with the context, or with nothing beside it', async (t) => {
  const root = await makeTree(t, {
    'repo/context/sub/recipe': 'inside\n',
    'repo/recipe': 'outside\n',
    'repo/recipe.dockerignore': 'x\n',
    'repo/private': 'nobody asked for it\n',
  });
  const context = path.join(root, 'repo/context');
  await symlink('../..', path.join(context, 'out'));
  const offer = async (file: string, isStaged = false, inputs = FOREIGN) => {
    const workDir = await makeTempDir(t);
    const node = makeNode({
      context: local(context),
      dockerfile: { kind: 'file', path: path.join(context, file), written: file },
    });
    const main = { dir: path.join(workDir, 'context') };
    const sources = { named: new Map(), ...(isStaged ? { main } : {}) };
    const offered = await offerFile({ node, inputs, workDir }, sources, isStaged);
    assert(offered.ok);
    return { main, ...offered.value.dockerfile };
  };
  const inside = await offer('sub/recipe');
  assert.deepEqual([inside.dir, inside.filename], [path.join(context, 'sub'), 'recipe']);
  assert.match(inside.name ?? '', FRESH);
  const staged = await offer('sub/recipe', true);
  assert.deepEqual([staged.dir, staged.name], [path.join(staged.main.dir, 'sub'), undefined]);
  // A link in the context leads out of it all the same.
  for (const [file, isStaged] of [
    ['../recipe', false],
    ['../recipe', true],
    ['out/repo/recipe', false],
  ] as const) {
    const { dir = '', filename, name } = await offer(file, isStaged);
    assert.deepEqual((await readdir(dir)).sort(), ['recipe', 'recipe.dockerignore'], file);
    assert.equal(await readFile(path.join(dir, filename ?? ''), 'utf8'), 'outside\n');
    assert.equal(name === undefined, isStaged);
  }
  assert.deepEqual(await readdir((await offer('../none')).dir ?? ''), []);
  const known = await offer('../recipe', false, { ...FOREIGN, untracked: [] });
  assert.equal(known.dir, undefined);
});

test('beside the file of a foreign frontend it gets no more than the engine would see of the directory', async (t) => {
  const root = await makeTree(t, {
    'repo/context/file': '',
    'repo/d/recipe': 'recipe\n',
    'repo/d/rules': 'x\n',
    secret: 'secret\n',
  });
  const [dir, workDir] = [path.join(root, 'repo/d'), path.join(root, 'work')];
  const ignore = path.join(dir, 'recipe.dockerignore');
  const offer = async (name = 'recipe') => {
    await rm(workDir, { recursive: true, force: true });
    const node = makeNode({
      context: local(path.join(root, 'repo/context')),
      dockerfile: { kind: 'file', path: path.join(dir, name), written: `../d/${name}` },
    });
    const offered = await offerFile({ node, inputs: FOREIGN, workDir }, { named: new Map() }, false);
    if (!offered.ok) return offered.error;
    const copies = offered.value.dockerfile?.dir ?? '';
    const names = (await readdir(copies)).sort();
    return Promise.all(names.map(async (one) => [one, await readFile(path.join(copies, one), 'utf8')]));
  };
  const alone = [['recipe', 'recipe\n']];
  for (const target of ['../../secret', path.join(root, 'secret'), 'nothing', 'recipe.dockerignore']) {
    await symlink(target, ignore);
    assert.deepEqual(await offer(), alone, target);
    await rm(ignore);
  }
  await mkdir(ignore);
  assert.deepEqual(await offer(), alone, 'a directory');
  await rm(ignore, { recursive: true });
  execFileSync('mkfifo', [ignore]);
  assert.deepEqual(await offer(), alone, 'a pipe, which nobody writes to');
  await rm(ignore);
  await symlink('rules', ignore);
  assert.deepEqual(await offer(), [...alone, ['recipe.dockerignore', 'x\n']]);
  // The file itself, too.
  await symlink('../../secret', path.join(dir, 'link'));
  assert.deepEqual(await offer('link'), []);
  await writeFile(path.join(dir, 'dockerfile'), 'FROM a\n');
  assert.deepEqual(await offer('Dockerfile'), [['dockerfile', 'FROM a\n']]);
  await rm(ignore);
  await writeFile(ignore, '');
  await truncate(ignore, 8 * 1024 * 1024 + 1);
  const refused = await offer();
  assert(!Array.isArray(refused));
  assert.equal(refused.code, 'build/source-copy');
  assert.match(`${refused.hint}`, /ignore file/);
});

test('a context that is a symlink is copied as what it leads to', async (t) => {
  const root = await makeTree(t, { 'real/file': 'text\n' });
  await symlink('real', path.join(root, 'link'));
  await stageContext(path.join(root, 'link'), path.join(root, 'copy'));
  assert.equal(await readFile(path.join(root, 'copy/file'), 'utf8'), 'text\n');
});
