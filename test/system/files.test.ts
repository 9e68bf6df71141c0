/** Files that are written whole, and what the processors are called. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defaultJobs,
  describeFileFault,
  fileFaultCode,
  goArchitecture,
  holdPipe,
  writeFileWhole,
  writeNamedFile,
} from '../../lib/system/mod.ts';
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

test('a file that a user named is replaced whole, through links, and written in place where it is no file', async (t) => {
  const dir = await makeTempDir(t);
  const file = path.join(dir, 'file');
  await assert.rejects(writeNamedFile(path.join(dir, 'none/file'), 'x'), { code: 'ENOENT' });
  await writeNamedFile(file, 'one');
  await chmod(file, 0o640);
  await symlink('file', path.join(dir, 'link'));
  const reader = await open(file);
  t.after(() => reader.close());
  await writeNamedFile(path.join(dir, 'link'), 'two');
  assert.equal(await reader.readFile('utf8'), 'one', 'it was replaced, and not written over');
  assert.equal(await readFile(file, 'utf8'), 'two');
  assert.equal((await stat(file)).mode & 0o777, 0o640);
  assert.ok((await lstat(path.join(dir, 'link'))).isSymbolicLink());
  await assert.rejects(writeNamedFile(dir, 'x'), { code: 'EISDIR' });
  assert.deepEqual((await readdir(dir)).sort(), ['file', 'link']);
});

test('a file in /dev/shm is no device: it is replaced like any other', {
  skip: !existsSync('/dev/shm') && 'there is none here',
}, async (t) => {
  const dir = await mkdtemp('/dev/shm/bake-ts-');
  t.after(() => rm(dir, { recursive: true }));
  const file = path.join(dir, 'file');
  await writeNamedFile(file, 'one');
  await writeNamedFile(file, 'two');
  assert.equal(await readFile(file, 'utf8'), 'two');
});

test('a pipe is written to the end where somebody reads it, however late, and never waited for where nobody does', async (t) => {
  const dir = await makeTempDir(t);
  const pipe = path.join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(writeNamedFile(pipe, 'x'), { code: 'ENXIO' });
  await assert.rejects(holdPipe(pipe), { code: 'ENXIO' });
  assert.equal(await holdPipe(path.join(dir, 'none')), undefined);
  // More than a pipe takes in; read only when it is full.
  const text = Array.from({ length: 30_000 }, (_, at) => `${at}\n`).join('');
  const script = 'exec <"$1"; echo open; read -r _ <&3; exec cat';
  const reader = spawn('sh', ['-c', script, 'sh', pipe], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  t.after(() => reader.kill());
  const release = await retry(() => holdPipe(pipe));
  const chunks: Uint8Array[] = [];
  reader.stdout?.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  const closed = new Promise((resolve) => reader.on('close', resolve));
  const written = writeNamedFile(pipe, text);
  await Promise.race([written.then(() => assert.fail('it cannot have room')), sleep(50)]);
  (reader.stdio[3] as Writable).end('go\n');
  await written;
  await release?.();
  await closed;
  assert.equal(Buffer.concat(chunks).toString(), `open\n${text}`);
});

/** Until the other side is there. */
async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    try {
      return await work();
    } catch {
      await sleep(5);
    }
  }
  return work();
}

test('why a file cannot be written is a code, with what is free where the disk is full', async (t) => {
  const dir = await makeTempDir(t);
  const fault = (code: string) => Object.assign(new Error('words'), { code });
  assert.equal(await describeFileFault(fault('EACCES'), dir), 'EACCES');
  assert.match(
    await describeFileFault(fault('ENOSPC'), path.join(dir, 'not/there')),
    /^ENOSPC: \d+ bytes free/,
  );
  assert.equal(await describeFileFault(new Error('words'), dir), 'words');
  assert.deepEqual([fault('EDQUOT'), fault('ERR_OTHER'), new Error('x'), 'x'].map(fileFaultCode), [
    'EDQUOT',
    undefined,
    undefined,
    undefined,
  ]);
});
