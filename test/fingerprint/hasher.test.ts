/** Walking and hashing contexts: what is found, what is remembered between runs, and when memory is not believed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContextReads, compileRules, NO_RULES, type PathRead } from '../../lib/dockerfile/mod.ts';
import { readAll } from '../../lib/fingerprint/batch.ts';
import { ContextHasher, type ContextRequest, type HashedContext } from '../../lib/fingerprint/mod.ts';
import { RACY_MS, StatCache } from '../../lib/fingerprint/stat-cache.ts';
import { runShell } from '../rig/odd-names.ts';
import { seededRandom } from '../rig/random.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const SPAN = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };

function read(source: string, rest: Partial<PathRead> = {}): PathRead {
  return { source, include: [], exclude: [], span: SPAN, ...rest };
}

function request(
  root: string,
  reads: ContextReads = 'all',
  rest: Partial<ContextRequest> = {},
): ContextRequest {
  return { root, written: 'app', reads, ignore: NO_RULES, ...rest };
}

async function hash(
  asked: ContextRequest,
  options: { readonly stateDirectory?: string; readonly workers?: number } = { workers: 0 },
): Promise<HashedContext> {
  const hasher = new ContextHasher(options);
  try {
    const result = await hasher.hash(asked);
    assert.ok(result.ok, JSON.stringify(result));
    await hasher.save();
    return result.value;
  } finally {
    await hasher.close();
  }
}

async function pathsOf(
  root: string,
  reads: ContextReads,
  rest: Partial<ContextRequest> = {},
): Promise<string[]> {
  return (await hash(request(root, reads, rest))).files.map((part) => part.path);
}

const TREE = {
  'a.txt': 'a',
  'src/x.c': 'x',
  'src/y.h': 'y',
  'src/deep/z.c': 'z',
  'src/deep/z.o': 'o',
  'src/void/': '',
  'lib/real.txt': 'real',
  'up/link.txt': { symlink: '../lib/real.txt' },
  current: { symlink: 'src/deep' },
  rooted: { symlink: '/lib' },
  loop: { symlink: 'loop' },
  dangling: { symlink: 'nowhere' },
} as const;

test('every kind of file is recorded with what counts of it', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, {
    'run.sh': { content: '#!', mode: 0o4755 },
    link: { symlink: 'run.sh' },
    'void/': '',
  });
  await chmod(path.join(root, 'void'), 0o1777);
  const hashed = await hash(request(root));
  assert.deepEqual(hashed.files, [
    { path: 'link', kind: 'symlink', mode: 0o777, content: 'run.sh' },
    { path: 'run.sh', kind: 'file', mode: 0o4755, content: createHash('sha256').update('#!').digest('hex') },
    { path: 'void', kind: 'dir', mode: 0o1777, content: '' },
  ]);
  assert.equal(hashed.fileCount, 1);
  assert.equal(hashed.bytes, 2);
});

test('only what is read counts, with links on the way and where they lead', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, TREE);
  const table: readonly (readonly [reads: readonly PathRead[], paths: readonly string[]])[] = [
    [[read('a.txt')], ['a.txt']],
    [[read('not-there')], []],
    [[read('src/*.c')], ['src/x.c']],
    [[read('src')], ['src', 'src/deep', 'src/deep/z.c', 'src/deep/z.o', 'src/void', 'src/x.c', 'src/y.h']],
    [
      [read('src'), read('src/deep')],
      ['src', 'src/deep', 'src/deep/z.c', 'src/deep/z.o', 'src/void', 'src/x.c', 'src/y.h'],
    ],
    [[read('*/x.c')], ['current', 'dangling', 'loop', 'rooted', 'src/x.c']],
    [[read('current')], ['current', 'src/deep', 'src/deep/z.c', 'src/deep/z.o']],
    [[read('current/z.c')], ['current', 'src/deep/z.c']],
    [[read('rooted/real.txt')], ['lib/real.txt', 'rooted']],
    [[read('up/link.txt')], ['lib/real.txt', 'up/link.txt']],
    [[read('up')], ['up', 'up/link.txt']],
    [
      [read('loop'), read('dangling')],
      ['dangling', 'loop'],
    ],
    [
      [read('src', { exclude: ['**/*.o', 'deep/z.c'] })],
      ['src', 'src/deep', 'src/void', 'src/x.c', 'src/y.h'],
    ],
    [[read('.', { include: ['src/*/z.c'] })], ['src', 'src/deep', 'src/deep/z.c']],
    [
      [read('src', { exclude: ['*.h'] }), read('src/y.h')],
      ['src', 'src/deep', 'src/deep/z.c', 'src/deep/z.o', 'src/void', 'src/x.c', 'src/y.h'],
    ],
    [[read('../../a.txt')], ['a.txt']],
  ];
  for (const [reads, paths] of table) {
    assert.deepEqual(await pathsOf(root, reads), paths, JSON.stringify(reads.map((one) => one.source)));
  }
});

test('a directory that is left out comes along for what an exception brings back in it', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, TREE);
  const ignore = compileRules(['src', '!src/deep/z.c', 'loop', 'dangling']);
  assert.deepEqual(await pathsOf(root, [read('src')], { ignore }), ['src', 'src/deep', 'src/deep/z.c']);
  assert.deepEqual(await pathsOf(root, [read('src/x.c')], { ignore }), []);
});

test('a context that is not there, or is a file, is a problem', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, { file: '' });
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  const missing = await hasher.hash(request(path.join(root, 'nope')));
  assert.ok(!missing.ok);
  assert.equal(missing.error[0]?.code, 'context/missing');
  const file = await hasher.hash(request(path.join(root, 'file')));
  assert.ok(!file.ok);
  assert.equal(file.error[0]?.code, 'context/not-a-directory');
});

test('what cannot be read is a problem, unless it is left out', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, { good: '', 'sub/': '' });
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  const reads = [read('good'), read(`sub/${'x'.repeat(300)}`)];
  const result = await hasher.hash(request(root, reads));
  assert.ok(!result.ok);
  assert.equal(result.error[0]?.code, 'context/unreadable');
  assert.match(result.error[0]?.message ?? '', /sub\/xxx.* in the context app cannot be read/);
  assert.deepEqual(await pathsOf(root, reads, { ignore: compileRules(['sub']) }), ['good']);
});

test('what has no name in UTF-8 is no file, but known to be there, also where another build asks', {
  skip: process.platform !== 'linux' && 'names are Unicode here',
}, async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, { good: '', 'sub/': '' });
  await runShell(root, ': > "sub/$(printf \'b\\377\')"; : > "sub/$(printf \'a\\377\')"');
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  for (const reads of ['all', [read('sub')], 'all'] as const) {
    const result = await hasher.hash(request(root, reads));
    assert.ok(result.ok);
    assert.deepEqual(result.value.odd, ['sub/a\uFFFD', 'sub/b\uFFFD']);
    assert.ok(result.value.files.every((one) => !one.path.includes('\uFFFD')));
  }
});

test('a file without permission to read is a problem', {
  skip: process.geteuid?.() === 0 && 'root reads everything',
}, async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, { closed: { content: 'x', mode: 0o000 } });
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  const result = await hasher.hash(request(root));
  assert.ok(!result.ok);
  assert.match(
    result.error[0]?.message ?? '',
    /closed in the context app cannot be read \(permission denied\)/,
  );
});

/** After which another change of a file shows in its times: Deno tells ctime in seconds. */
const TICK_MS = 'Deno' in globalThis ? 1100 : 20;

/** Hashes by a clock that says that what was written lies long enough ago to be remembered; an edit after it shows. */
async function hashLater(asked: ContextRequest, stateDirectory: string): Promise<HashedContext> {
  const { now } = Date;
  Date.now = () => now() + RACY_MS + 5000;
  try {
    return await hash(asked, { stateDirectory, workers: 0 });
  } finally {
    Date.now = now;
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

test('hashes are remembered, and not believed once the stat signature of a file differs', async (t) => {
  const root = await makeTempDir(t);
  const stateDirectory = await makeTempDir(t);
  await writeTree(root, { a: 'aaaa', b: 'bbbb' });
  const options = { stateDirectory, workers: 0 };
  const first = await hashLater(request(root), stateDirectory);
  const [store] = await readdir(stateDirectory);
  assert.ok(store !== undefined);

  // A store that lies proves that it is used: swap the two hashes in it.
  const file = path.join(stateDirectory, store);
  const data = await readFile(file);
  const hashes = first.files.map((part) => Buffer.from(part.content, 'hex'));
  const [one, two] = hashes.map((sum) => data.indexOf(sum));
  assert.ok(one !== undefined && two !== undefined && one > 0 && two > 0);
  hashes[1]?.copy(data, one);
  hashes[0]?.copy(data, two);
  const head = 'bake-ts stat cache 1\n'.length;
  createHash('sha256')
    .update(data.subarray(head + 32))
    .digest()
    .copy(data, head);
  await writeFile(file, data);
  const lied = await hash(request(root), options);
  assert.deepEqual(
    lied.files.map((part) => part.content),
    first.files.map((part) => part.content).reverse(),
  );

  // The same size and mtime again: ctime differs.
  const { atime, mtime } = await lstat(path.join(root, 'a'));
  await writeFile(path.join(root, 'a'), 'AAAA');
  await utimes(path.join(root, 'a'), atime, mtime);
  const edited = await hash(request(root), options);
  assert.equal(edited.files[0]?.content, createHash('sha256').update('AAAA').digest('hex'));
});

test('a file written just before it was read is never remembered', async (t) => {
  const root = await makeTempDir(t);
  const stateDirectory = await makeTempDir(t);
  await writeTree(root, { a: 'aaaa' });
  await hash(request(root), { stateDirectory, workers: 0 });
  assert.deepEqual(await readdir(stateDirectory), []);

  const cache = StatCache.open(undefined, root);
  const result = readAll([path.join(root, 'a')]);
  assert.ok(result.hashes !== undefined);
  const mtimeMs = Number((result.signatures[2] ?? 0n) / 1_000_000n);
  cache.remember('a', result.signatures, result.hashes, 0, mtimeMs + RACY_MS - 1);
  assert.equal(cache.find('a', result.signatures, 0), undefined);
  cache.remember('a', result.signatures, result.hashes, 0, Date.now() + 2 * RACY_MS);
  assert.notEqual(cache.find('a', result.signatures, 0), undefined);
});

test('what is remembered gives what reading gives, whatever was edited', async (t) => {
  const seed = Number(process.env['BAKE_TS_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const root = await makeTempDir(t);
  const stateDirectory = await makeTempDir(t);
  const directories = ['.', 'a', 'a-b', 'a.b', 'a/c', 'a/c/d', 'ä', 'e'];
  const names = ['x', 'y', 'a', 'c', 'c-', 'ö', 'z.txt', '0'];
  for (const directory of directories) await mkdir(path.join(root, directory), { recursive: true });
  for (const directory of directories) {
    for (const name of names) {
      // Where a directory has that name, it stays.
      await writeFile(path.join(root, directory, name), name).catch(() => undefined);
    }
  }
  const edits: readonly ((file: string) => Promise<unknown>)[] = [
    (file) => writeFile(file, `${random.below(10)}`),
    async (file) => {
      const { atime, mtime } = await lstat(file);
      await writeFile(file, `${random.below(10)}`);
      await utimes(file, atime, mtime);
    },
    (file) => chmod(file, random.pick([0o644, 0o755, 0o600])),
    (file) => rename(file, path.join(root, random.pick(directories), random.pick(names))),
    (file) => rm(file, { recursive: true }),
    (file) => rm(file, { recursive: true }).then(() => mkdir(file)),
    (file) => rm(file).then(() => symlink(random.pick(names), file)),
  ];
  const readings: readonly ContextReads[] = ['all', [read('a'), read('*/x')], [read('e'), read('a/c')]];
  const ignores = [NO_RULES, compileRules(['a', '!a/c/d']), compileRules(['**/x', 'e'])];
  for (let round = 0; round < 40; round += 1) {
    // The first round remembers all of it.
    const reads = round === 0 ? 'all' : random.pick(readings);
    const asked = request(root, reads, { ignore: round === 0 ? NO_RULES : random.pick(ignores) });
    const remembered = await (round === 0
      ? hashLater(asked, stateDirectory)
      : hash(asked, { stateDirectory, workers: 0 }));
    const plain = await hash(asked);
    assert.deepEqual(remembered.files, plain.files, `seed ${seed}, round ${round}`);
    assert.deepEqual([remembered.fileCount, remembered.bytes], [plain.fileCount, plain.bytes]);
    for (let count = 0; count < 3; count += 1) {
      // Some edits cannot be: of a file that is not there, of a directory as if it were a file.
      await random
        .pick(edits)(path.join(root, random.pick(directories.slice(1)), random.pick(names)))
        .catch(() => undefined);
    }
  }
});

test('a damaged store is as good as none', async (t) => {
  const root = await makeTempDir(t);
  const stateDirectory = await makeTempDir(t);
  await writeTree(root, { a: 'aaaa' });
  const options = { stateDirectory, workers: 0 };
  const first = await hashLater(request(root), stateDirectory);
  const [store = ''] = await readdir(stateDirectory);
  const file = path.join(stateDirectory, store);
  const data = await readFile(file);
  for (const damaged of [
    Buffer.alloc(0),
    data.subarray(0, 30),
    data.subarray(0, -1),
    Buffer.from(data).fill(1, 60, 70),
  ]) {
    await writeFile(file, damaged);
    assert.deepEqual((await hash(request(root), options)).files, first.files);
  }
});

test('threads find what one thread finds', async (t) => {
  const root = await makeTempDir(t);
  for (let dir = 0; dir < 40; dir += 1) {
    await mkdir(path.join(root, `d${dir}`));
    await Promise.all(
      Array.from({ length: 100 }, (_, file) =>
        writeFile(path.join(root, `d${dir}/f${file}`), `${dir} ${file}`),
      ),
    );
  }
  const alone = await hash(request(root), { workers: 0 });
  const together = await hash(request(root), { workers: 2 });
  assert.equal(alone.fileCount, 4000);
  assert.deepEqual(together.files, alone.files);
});

test('a file is looked at once in a run, and anew by recheck', async (t) => {
  const root = await makeTempDir(t);
  await writeTree(root, { a: 'aaaa', 'd/b': 'bbbb', 'd/c': 'cccc' });
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  const all = request(root);
  const before = await hasher.hash(all);
  assert.ok(before.ok);
  const same = await hasher.recheck(all, before.value);
  assert.deepEqual(same, { ok: true, value: [] });
  // Deno tells times of change in milliseconds.
  await delay(5);
  await writeFile(path.join(root, 'a'), 'AAAA');
  await rm(path.join(root, 'd/b'));
  await symlink('a', path.join(root, 'd/new'));
  await chmod(path.join(root, 'd/c'), 0o600);
  const again = await hasher.hash(request(root, [read('a')]));
  assert.ok(again.ok);
  assert.equal(again.value.files[0]?.content, before.value.files[0]?.content);
  assert.equal(await hasher.hash(request(root)).then((result) => result.ok && result.value), before.value);
  const changed = await hasher.recheck(all, before.value);
  assert.deepEqual(changed, { ok: true, value: ['a', 'd', 'd/b', 'd/c', 'd/new'] });
});

test('an edit that was taken back during the build is still an edit', async (t) => {
  const edits: Readonly<
    Record<string, readonly [(at: (name: string) => string) => Promise<void>, string[]]>
  > = {
    'a file written and written back': [
      async (at) => {
        await writeFile(at('d/b'), 'other');
        await writeFile(at('d/b'), 'bbbb');
      },
      ['d/b'],
    ],
    'a file that came and went': [
      async (at) => {
        await writeFile(at('d/.b.swp'), '');
        await rm(at('d/.b.swp'));
      },
      ['d'],
    ],
    'a file that came and went at the top': [
      async (at) => {
        await writeFile(at('4913'), '');
        await rm(at('4913'));
      },
      ['.'],
    ],
    'a link that led elsewhere for a while': [
      async (at) => {
        for (const target of ['../a', 'b']) {
          await rm(at('d/link'));
          await symlink(target, at('d/link'));
        }
      },
      ['d', 'd/link'],
    ],
    'a mode changed and changed back': [
      async (at) => {
        await chmod(at('e'), 0o700);
        await chmod(at('e'), 0o755);
      },
      ['e'],
    ],
    'nothing but what is left out': [(at) => writeFile(at('e/ignored/new'), 'n'), []],
  };
  for (const [what, [edit, expected]] of Object.entries(edits)) {
    const root = await makeTempDir(t);
    const tree = { a: 'a', 'd/b': 'bbbb', 'd/link': { symlink: 'b' }, 'e/c': 'c', 'e/ignored/i': '' };
    await writeTree(root, tree);
    const hasher = new ContextHasher({ workers: 0 });
    t.after(() => hasher.close());
    const all = request(root, 'all', { ignore: compileRules(['e/ignored']) });
    const one = request(root, [read('e/c')]);
    const [before, other] = [await hasher.hash(all), await hasher.hash(one)];
    assert.ok(before.ok && other.ok);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    await edit((name) => path.join(root, name));
    assert.deepEqual(await hasher.recheck(all, before.value), { ok: true, value: expected }, what);
    assert.deepEqual(await hasher.recheck(one, other.value), { ok: true, value: [] }, what);
  }
});

test('an aborted signal ends it with a problem', async (t) => {
  const aborted = new AbortController();
  aborted.abort();
  const root = await makeTempDir(t);
  await writeTree(root, { a: 'aaaa' });
  const hasher = new ContextHasher({ workers: 0 });
  t.after(() => hasher.close());
  const result = await hasher.hash(request(root, 'all', { signal: aborted.signal }));
  assert.ok(!result.ok);
  assert.equal(result.error[0]?.code, 'run/cancelled');
  // What was not checked does not count as gone.
  const after = await hasher.hash(request(root, [read('a')]));
  assert.equal(after.ok && after.value.fileCount, 1);
});
