/** Files that are written whole, and what the processors are called. */
import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { defaultJobs, goArchitecture, writeFileWhole } from '../../lib/system/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

test('a file is made with the directories above it and its mode, and replaced', async (t) => {
  const file = path.join(await makeTempDir(t), 'a/b/file');
  await writeFileWhole(file, 'one', { mode: 0o600, isDurable: true });
  assert.equal(await readFile(file, 'utf8'), 'one');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await writeFileWhole(file, Uint8Array.of(1, 2), { mode: 0o640 });
  assert.deepEqual([...(await readFile(file))], [1, 2]);
  assert.equal((await stat(file)).mode & 0o777, 0o640);
  assert.deepEqual(await readdir(path.dirname(file)), ['file']);
});

test('who has the old file open goes on reading it', async (t) => {
  const file = path.join(await makeTempDir(t), 'file');
  await writeFile(file, 'old');
  const reader = await open(file);
  t.after(() => reader.close());
  await writeFileWhole(file, 'new');
  assert.equal(await reader.readFile('utf8'), 'old');
  assert.equal(await readFile(file, 'utf8'), 'new');
});

test('many writers at once leave the whole text of one of them', async (t) => {
  const dir = await makeTempDir(t);
  const file = path.join(dir, 'file');
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(100_000));
  await Promise.all(texts.map((text) => writeFileWhole(file, text)));
  assert(texts.includes(await readFile(file, 'utf8')));
  assert.deepEqual(await readdir(dir), ['file']);
});

test('what cannot be put in place leaves nothing behind', async (t) => {
  const dir = await makeTempDir(t);
  await mkdir(path.join(dir, 'folder/inside'), { recursive: true });
  await assert.rejects(writeFileWhole(path.join(dir, 'folder'), 'x'));
  assert.deepEqual(await readdir(dir), ['folder']);
});

test('processors have Go’s names, whatever the runtime calls them', () => {
  const names = ['x64', 'ia32', 'arm', 'arm64', 'ppc64', 'mipsel', 'riscv64', 's390x', 'loong64'];
  assert.deepEqual(names.map(goArchitecture), [
    'amd64',
    '386',
    'arm',
    'arm64',
    'ppc64le',
    'mipsle',
    'riscv64',
    's390x',
    'loong64',
  ]);
});

test('at least two builds run at a time, and an even number', () => {
  assert(defaultJobs() >= 2);
  assert.equal(defaultJobs() % 2, 0);
});
