/** What hashing a context says of its special files, of what is wrong, and of being asked more than once. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { type ContextReads, compileRules, NO_RULES, type PathRead } from '../../lib/dockerfile/mod.ts';
import { ContextHasher, type ContextRequest } from '../../lib/fingerprint/mod.ts';
import { makeTempDir, makeTree } from '../rig/temp.ts';

const span = { source: { path: 'builds.yaml', text: '' }, start: 0, end: 0 };
const read = (source: string, rest: Partial<PathRead> = {}): PathRead => ({
  source,
  include: [],
  exclude: [],
  span,
  ...rest,
});
const request = (
  root: string,
  reads: ContextReads = 'all',
  rest: Partial<ContextRequest> = {},
): ContextRequest => ({
  root,
  written: 'app',
  reads,
  ignore: NO_RULES,
  ...rest,
});

function hasherOf(t: TestContext, workers = 0): ContextHasher {
  const hasher = new ContextHasher({ workers });
  t.after(() => hasher.close());
  return hasher;
}

async function hashed(hasher: ContextHasher, asked: ContextRequest) {
  const result = await hasher.hash(asked);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

async function problemsOf(hasher: ContextHasher, asked: ContextRequest) {
  const result = await hasher.hash(asked);
  assert.ok(!result.ok);
  return result.error;
}

test('a socket is an empty file, as BuildKit makes it; pipes and devices are what they are', {
  skip: process.platform === 'win32',
}, async (t) => {
  const root = await makeTempDir(t);
  execFileSync('mkfifo', ['-m', '640', path.join(root, 'pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(root, 'socket'), resolve));
  t.after(() => void server.close());
  await chmod(path.join(root, 'socket'), 0o711);
  const { files, fileCount, bytes } = await hashed(hasherOf(t), request(root));
  assert.deepEqual(files, [
    { path: 'pipe', kind: 'other', mode: 0o640, content: '1' },
    { path: 'socket', kind: 'file', mode: 0o711, content: createHash('sha256').digest('hex') },
  ]);
  assert.deepEqual([fileCount, bytes], [0, 0]);
});

test('a context of which nothing is read is empty, without a look at it', async (t) => {
  const root = await makeTree(t, { a: 'a' });
  const empty = await hashed(hasherOf(t), request(root, []));
  assert.deepEqual([empty.root, empty.files, empty.fileCount, empty.bytes], [root, [], 0, 0]);
  assert.equal(empty.stats.size, 0);
});

test('problems have the place of the context, its name, and what to do', async (t) => {
  const root = await makeTree(t, { file: '' });
  const hasher = hasherOf(t);
  for (const [at, code, message, hint] of [
    [
      'gone',
      'context/missing',
      'the context app does not exist',
      /Create .*gone or correct the path; BuildKit/,
    ],
    ['file', 'context/not-a-directory', 'the context app is not a directory', /Name the directory/],
    ['file/below', 'context/missing', 'the context app does not exist', /^Create .* or correct the path/],
    ['x'.repeat(300), 'context/unreadable', '. in the context app cannot be read (ENAMETOOLONG)', /readable/],
  ] as const) {
    const [found, more] = await problemsOf(hasher, request(path.join(root, at), 'all', { span }));
    assert.equal(more, undefined);
    assert.deepEqual([found?.code, found?.message, found?.span], [code, message, span]);
    assert.match(found?.hint ?? '', hint);
    const [bare] = await problemsOf(hasher, request(path.join(root, at)));
    assert.ok(bare !== undefined && !('span' in bare));
  }
});

test('ten paths that cannot be read are named, the rest is counted', async (t) => {
  const root = await makeTempDir(t);
  const long = 'x'.repeat(300);
  for (const count of [1, 10, 11, 13]) {
    const reads = Array.from({ length: count }, (_, at) => read(`bad${10 + at}${long}`));
    const found = await problemsOf(hasherOf(t), request(root, reads, { span }));
    assert.equal(found.length, Math.min(count, 11));
    assert.equal(found[0]?.message, `bad10${long} in the context app cannot be read (ENAMETOOLONG)`);
    assert.match(found[0]?.hint ?? '', /\.dockerignore/);
    assert.ok(found.every((one) => one.code === 'context/unreadable' && one.span === span));
    if (count > 10)
      assert.equal(found[10]?.message, `${count - 10} more paths in the context app cannot be read`);
    const [bare] = await problemsOf(hasherOf(t), request(root, reads));
    assert.ok(bare !== undefined && !('span' in bare));
  }
});

test('a file that fails while it is read is named, among others that do not', {
  skip: process.platform !== 'linux' || 'Deno' in globalThis,
}, async (t) => {
  // The memory of a process can be opened by itself, and reading its first page fails.
  const found = await problemsOf(
    hasherOf(t),
    request('/proc/self', [read('comm'), read('mem'), read('limits')]),
  );
  assert.deepEqual(
    found.map(({ code, message }) => [code, message]),
    [['context/unreadable', 'mem in the context app cannot be read (EIO)']],
  );
});

test('a file that does not stay still is said to be written to', async (t) => {
  const root = await makeTree(t, { moving: 'x'.repeat(200) });
  const file = path.join(root, 'moving');
  const prototype = Object.getPrototypeOf(createHash('sha256')) as { update: (data: Uint8Array) => unknown };
  const { update } = prototype;
  prototype.update = function (this: unknown, data: Uint8Array) {
    if (data.length > 100) appendFileSync(file, 'z');
    return Reflect.apply(update, this, [data]);
  };
  t.after(() => {
    prototype.update = update;
  });
  const found = await problemsOf(hasherOf(t), request(root));
  assert.deepEqual(
    found.map(({ message }) => message),
    ['moving in the context app cannot be read (it is being written to)'],
  );
});

test('the same question is asked once, another one of the same files looks at none of them again', async (t) => {
  const root = await makeTree(t, { 'd/a.c': 'a', 'd/b.h': 'b', e: 'e' });
  const hasher = hasherOf(t);
  const first = await hashed(hasher, request(root, [read('d')]));
  assert.equal(await hashed(hasher, request(root, [read('d')])), first);
  await writeFile(path.join(root, 'd/a.c'), 'edited');
  const other = await hashed(hasher, request(root, [read('d'), read('e')]));
  assert.deepEqual(
    other.files.map(({ content }) => content),
    [...first.files, { content: createHash('sha256').update('e').digest('hex') }].map(
      ({ content }) => content,
    ),
  );
  assert.equal(other.stats, first.stats);
});

test('questions differ in root, sources, inclusions, exclusions and rules, and in the sense of a rule', async (t) => {
  const root = await makeTree(t, { 'd/a': '', 'd/b': '', 'e/a': '' });
  const other = await makeTree(t, { z: '' });
  const hasher = hasherOf(t);
  const paths = async (asked: ContextRequest) =>
    (await hashed(hasher, asked)).files.map((part) => part.path).join(' ');
  assert.equal(await paths(request(root)), 'd d/a d/b e e/a');
  assert.equal(await paths(request(other)), 'z');
  assert.equal(await paths(request(root, [read('d')])), 'd d/a d/b');
  assert.equal(await paths(request(root, [read('e')])), 'e e/a');
  assert.equal(await paths(request(root, [read('d', { exclude: ['a'] })])), 'd d/b');
  assert.equal(await paths(request(root, [read('d', { include: ['a'] })])), 'd d/a');
  assert.equal(await paths(request(root, 'all', { ignore: compileRules(['d']) })), 'e e/a');
  assert.equal(await paths(request(root, 'all', { ignore: compileRules(['d', 'e']) })), '');
  assert.equal(await paths(request(root, 'all', { ignore: compileRules(['d', '!e']) })), 'e e/a');
  assert.equal(await paths(request(root, 'all', { ignore: compileRules(['d', '!d/a']) })), 'd d/a e e/a');
  assert.equal(await paths(request(root, 'all', { ignore: compileRules(['d', '!d/b']) })), 'd d/b e e/a');
});

test('a problem is no answer: the next to ask gets one of its own, and what was mended is seen', async (t) => {
  const root = await makeTempDir(t);
  const context = path.join(root, 'app');
  const hasher = hasherOf(t);
  const both = await Promise.all([
    problemsOf(hasher, request(context)),
    hasher.hash(request(path.join(root, 'other'), 'all', { written: 'other' })),
  ]);
  assert.equal(both[0][0]?.code, 'context/missing');
  await mkdir(context);
  await writeFile(path.join(context, 'a'), 'a');
  assert.equal((await hashed(hasher, request(context))).fileCount, 1);
});

test('a recheck names what changed in order, and says what is wrong where it cannot look', async (t) => {
  const root = await makeTree(t, { b: 'b', 'd/x': 'x', z: 'z' });
  const hasher = hasherOf(t);
  const all = request(root);
  const before = await hashed(hasher, all);
  await symlink('b', path.join(root, 'a'));
  await rm(path.join(root, 'z'));
  await mkdir(path.join(root, 'z'));
  const changed = await hasher.recheck(all, before);
  assert.deepEqual(changed, { ok: true, value: ['.', 'a', 'z'] });
  await rm(root, { recursive: true });
  const gone = await hasher.recheck(all, before);
  assert.ok(!gone.ok);
  assert.equal(gone.error[0]?.code, 'context/missing');
});

test('an aborted reading says so, in the looking and in the reading', async (t) => {
  const root = await makeTree(
    t,
    Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`f${at}`, `${at}`])),
  );
  const signal = AbortSignal.abort();
  const [found] = await problemsOf(hasherOf(t), request(root, 'all', { signal }));
  assert.equal(found?.code, 'run/cancelled');
  // Two turns of the loop are the two batches of looking; the third is the first of reading.
  for (const turns of [1, 3]) {
    const later = new AbortController();
    const hasher = hasherOf(t);
    const result = hasher.hash(request(root, 'all', { signal: later.signal }));
    const wait = (left: number): void =>
      void setImmediate(() => (left === 0 ? later.abort() : wait(left - 1)));
    wait(turns);
    const answer = await result;
    assert.ok(!answer.ok, `${turns}`);
    assert.equal(answer.error[0]?.code, 'run/cancelled');
    const after = await hashed(hasher, request(root));
    assert.equal(after.fileCount, 600, 'what was not looked at is not taken for gone');
  }
});

test('many files, and much to read, are read by threads with the same result', async (t) => {
  const root = await makeTree(
    t,
    Object.fromEntries(Array.from({ length: 1100 }, (_, at) => [`d${at % 3}/f${at}`, `${at}`])),
  );
  const alone = await hashed(hasherOf(t, 0), request(root));
  const together = await hashed(hasherOf(t, 1), request(root));
  assert.equal(alone.fileCount, 1100);
  assert.deepEqual(together.files, alone.files);
  for (const { path: file, kind, content } of alone.files) {
    if (kind !== 'file') continue;
    assert.equal(content, createHash('sha256').update(file.replace(/.*f/, '')).digest('hex'), file);
  }
  assert.deepEqual(await readdir(root), ['d0', 'd1', 'd2']);
});
