/** Names of local sources: the same only for what is the same in every way that the engine could confuse. */
import assert from 'node:assert/strict';
import { chmod, rename, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { NO_RULES } from '../../lib/dockerfile/mod.ts';
import { ContextHasher, freshSourceName, type HashedContext, sourceName } from '../../lib/fingerprint/mod.ts';
import { makeTree } from '../rig/temp.ts';

const OLD = new Date(1_700_000_000_000);
/** Until times of change differ; Deno gives them in seconds. */
const settle = () => delay('Deno' in globalThis ? 1_100 : 30);

/** The name of a directory's files as they are now; a new hasher each time, as in a new run. */
async function nameOf(root: string): Promise<string> {
  const hasher = new ContextHasher();
  const hashed = await hasher.hash({ root, written: '.', reads: 'all', ignore: NO_RULES });
  await hasher.close();
  assert(hashed.ok);
  return sourceName(hashed.value);
}

async function makeContext(t: TestContext): Promise<string> {
  const root = await makeTree(t, { 'sub/file': 'one\n', other: 'other\n' });
  await utimes(path.join(root, 'sub/file'), OLD, OLD);
  await settle();
  return root;
}

test('nothing touched, the same name, in lowercase letters and digits', async (t) => {
  const root = await makeContext(t);
  const name = await nameOf(root);
  assert.match(name, /^bake[0-9a-f]{32}$/);
  assert.equal(await nameOf(root), name);
});

const EDITS: Readonly<Record<string, (root: string) => Promise<unknown>>> = {
  'other bytes, the size and the time kept': async (root) => {
    await writeFile(path.join(root, 'sub/file'), 'two\n');
    await utimes(path.join(root, 'sub/file'), OLD, OLD);
  },
  // What was sent in between may have been the other bytes.
  'edited and edited back, the time kept': async (root) => {
    const file = path.join(root, 'sub/file');
    await writeFile(file, 'two\n');
    await writeFile(file, 'one\n');
    await utimes(file, OLD, OLD);
  },
  'another file with the same bytes and time in its place': async (root) => {
    const file = path.join(root, 'sub/file');
    await writeFile(`${file}.new`, 'one\n');
    await utimes(`${file}.new`, OLD, OLD);
    await rename(`${file}.new`, file);
  },
  'another mode': (root) => chmod(path.join(root, 'other'), 0o600),
  'another mode of a directory': (root) => chmod(path.join(root, 'sub'), 0o700),
  'another time': (root) => utimes(path.join(root, 'other'), OLD, OLD),
  'another name': (root) => rename(path.join(root, 'other'), path.join(root, 'othes')),
};

for (const [what, edit] of Object.entries(EDITS)) {
  test(`another name: ${what}`, async (t) => {
    const root = await makeContext(t);
    const before = await nameOf(root);
    await edit(root);
    await settle();
    const after = await nameOf(root);
    assert.equal(await nameOf(root), after);
    assert.notEqual(after, before);
  });
}

test('a fresh name each time while a file may still change without another time', async (t) => {
  const root = await makeContext(t);
  await writeFile(path.join(root, 'other'), 'OTHER\n');
  const names = [await nameOf(root), await nameOf(root)];
  assert.notEqual(names[0], names[1]);
  await settle();
  assert.equal(await nameOf(root), await nameOf(root));
});

test('another mode of a directory that does not count, above a file that does', async (t) => {
  const root = await makeContext(t);
  const only = async () => {
    const hasher = new ContextHasher();
    const span = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };
    const reads = [{ source: 'sub/file', include: [], exclude: [], span }];
    const hashed = await hasher.hash({ root, written: '.', reads, ignore: NO_RULES });
    await hasher.close();
    assert(hashed.ok);
    assert.deepEqual(
      hashed.value.files.map((file) => file.path),
      ['sub/file'],
    );
    return sourceName(hashed.value);
  };
  const before = await only();
  await chmod(path.join(root, 'sub'), 0o711);
  assert.notEqual(await only(), before);
});

/** A context of which all is said here. */
const told = (
  files: HashedContext['files'],
  { root = '/', changedMs = 0, createdAtMs = 0 } = {},
): Pick<HashedContext, 'root' | 'files' | 'stats'> => ({
  root,
  files,
  stats: {
    row: () => 0,
    changedMs: () => changedMs,
    createdAtMs,
    signature: () => 'signature',
  } as unknown as HashedContext['stats'],
});

test('where one part of a file ends and the next one begins counts', () => {
  const link = (file: string, content: string) =>
    sourceName(told([{ path: file, kind: 'symlink', mode: 0, content }]));
  assert.equal(link('a', 'b'), link('a', 'b'));
  assert.notEqual(link('a', 'bsymlink0c'), link('asymlink0b', 'c'));
});

test('a clock that has just moved on is far enough', () => {
  const clockMs = 'Deno' in globalThis ? 1_000 : 20;
  const name = (createdAtMs: number) =>
    sourceName(told([{ path: 'a', kind: 'file', mode: 0, content: '' }], { changedMs: 5, createdAtMs }));
  assert.equal(name(5 + clockMs), name(5 + clockMs));
  assert.notEqual(name(4 + clockMs), name(4 + clockMs));
});

test('a directory that is gone meanwhile is no failure', async (t) => {
  const root = await makeTree(t, {});
  const files = [{ path: 'gone/away/link', kind: 'symlink', mode: 0, content: 'x' }] as const;
  assert.equal(sourceName(told(files, { root })), sourceName(told(files, { root })));
});

test('a fresh name is another one each time', () => {
  assert.match(freshSourceName(), /^bake[0-9a-f]{32}$/);
  assert.notEqual(freshSourceName(), freshSourceName());
});
