/** Which ignore file of a context counts, and where its symlinks lead as the engine sees them. */
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ignoreFilesOf, readIgnore } from '../../lib/inputs/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const nodeOf = (dir: string) =>
  makeNode({ dockerfile: { kind: 'file', path: path.join(dir, 'docker/Dockerfile'), written: '' } });

/** The patterns that count, or the codes of what is wrong. */
async function patternsOf(dir: string, isMain = true): Promise<readonly string[]> {
  const ignore = await readIgnore(nodeOf(dir), dir, isMain);
  return ignore.ok
    ? ignore.rules.rules.map(({ pattern }) => pattern)
    : ignore.problems.map(({ code }) => code);
}

test('the ignore file of the Dockerfile goes before that of the context, for the main context only', async (t) => {
  const dir = await makeTempDir(t, 'ignore-');
  assert.deepEqual(await patternsOf(dir), []);
  await writeTree(dir, { '.dockerignore': 'general\n' });
  assert.deepEqual(await patternsOf(dir), ['general']);
  await writeTree(dir, { 'docker/Dockerfile.dockerignore': 'own\n' });
  assert.deepEqual(await patternsOf(dir), ['own']);
  assert.deepEqual(await patternsOf(dir, false), ['general']);
  // One that is empty counts too.
  await writeTree(dir, { 'docker/Dockerfile.dockerignore': '' });
  assert.deepEqual(await patternsOf(dir), []);
});

test('a Dockerfile in builds.yaml has no ignore file of its own', () => {
  const inline = makeNode({ dockerfile: { kind: 'inline', text: 'FROM scratch\n' } });
  assert.deepEqual(ignoreFilesOf(inline, '/c', true), ['/c/.dockerignore']);
  assert.deepEqual(ignoreFilesOf(nodeOf('/c'), '/c', true), [
    '/c/docker/Dockerfile.dockerignore',
    '/c/.dockerignore',
  ]);
  assert.deepEqual(ignoreFilesOf(nodeOf('/c'), '/c', false), ['/c/.dockerignore']);
});

test('a signature stands for the file that was read, and is empty where there is none', async (t) => {
  const dir = await makeTempDir(t, 'ignore-');
  const signatureOf = async () => {
    const ignore = await readIgnore(nodeOf(dir), dir, true);
    return ignore.ok ? ignore.signature : undefined;
  };
  assert.equal(await signatureOf(), '');
  await writeTree(dir, { '.dockerignore': 'a\n' });
  const first = await signatureOf();
  assert.match(first ?? '', /^\d+ 2 \d+ \d+$/);
  assert.equal(await signatureOf(), first);
  await writeTree(dir, { '.dockerignore': 'abc\n' });
  assert.notEqual(await signatureOf(), first);
});

test('a directory in the place of an ignore file is none, and a file above it is no fault', async (t) => {
  const dir = await makeTempDir(t, 'ignore-');
  await mkdir(path.join(dir, 'docker/Dockerfile.dockerignore'), { recursive: true });
  await writeTree(dir, { '.dockerignore': 'general\n', file: '' });
  assert.deepEqual(await patternsOf(dir), ['general']);
  assert.deepEqual(await patternsOf(path.join(dir, 'file')), []);
});

test('what is wrong with an ignore file is reported, and no other one takes its place', async (t) => {
  const dir = await makeTempDir(t, 'ignore-');
  await writeTree(dir, { 'docker/Dockerfile.dockerignore': '[\n', '.dockerignore': 'general\n' });
  assert.deepEqual(await patternsOf(dir), ['dockerfile/ignore-pattern']);
  const long = path.join(dir, 'x'.repeat(300));
  const ignore = await readIgnore(nodeOf(dir), long, false);
  assert(!ignore.ok);
  assert.deepEqual(
    ignore.problems.map(({ code, message }) => [code, message]),
    [['context/unreadable', `\`${long}/.dockerignore\` cannot be read (ENAMETOOLONG)`]],
  );
});

test('symlinks are followed within the context, which is their root', async (t) => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ['a file beside it', 'rules', ['inside']],
    ['written with dots', './sub/.././rules', ['inside']],
    ['with doubled slashes', 'sub//..//rules', ['inside']],
    ['from the root', '/rules', ['inside']],
    ['from the root, deeper', '/sub/deep', ['deep']],
    ['above the root, which stays there', '../../rules', ['inside']],
    ['through a linked directory', 'linked/deep', ['deep']],
    ['back from a linked directory to what is above its target', 'linked/../rules', ['inside']],
    ['a root in the middle of a way', 'sub/absolute', ['inside']],
    ['a relative link below a directory', 'sub/relative', ['deep']],
    ['nowhere', 'missing', []],
    ['round and round', '.dockerignore', []],
  ];
  for (const [name, target, expected] of rows) {
    const dir = await makeTempDir(t, 'ignore-');
    await writeTree(dir, { rules: 'inside\n', 'sub/deep': 'deep\n' });
    await symlink('sub', path.join(dir, 'linked'));
    await symlink('/rules', path.join(dir, 'sub/absolute'));
    await symlink('deep', path.join(dir, 'sub/relative'));
    await symlink(target, path.join(dir, '.dockerignore'));
    assert.deepEqual(await patternsOf(dir), expected, name);
  }
});

test('a chain of links may be as long as the engine follows one', async (t) => {
  for (const [links, expected] of [
    [255, ['inside']],
    [256, []],
  ] as const) {
    const dir = await makeTempDir(t, 'ignore-');
    await writeTree(dir, { rules: 'inside\n' });
    for (let at = 1; at < links; at++)
      await symlink(at === 1 ? 'rules' : `link${at - 1}`, path.join(dir, `link${at}`));
    await symlink(`link${links - 1}`, path.join(dir, '.dockerignore'));
    assert.deepEqual(await patternsOf(dir), expected);
  }
});

test('a link out of the context leads to nothing', async (t) => {
  const outside = await makeTempDir(t, 'ignore-outside-');
  const dir = await makeTempDir(t, 'ignore-');
  await writeTree(outside, { rules: 'outside\n' });
  await symlink(path.join(outside, 'rules'), path.join(dir, '.dockerignore'));
  assert.deepEqual(await patternsOf(dir), []);
});
