import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { formatLock as format, LOCK_NAME, parseLock, readLock } from '../../lib/lock/mod.ts';
import { formatPlace, type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import { runCommand } from '../rig/command.ts';
import { makeTempDir } from '../rig/temp.ts';

const ONE = `sha256:${'1'.repeat(64)}` as const;
const TWO = `sha256:${'2'.repeat(64)}` as const;

function refOf(text: string): ImageRef {
  const ref = parseImageRef(text);
  assert(ref !== undefined);
  return ref;
}

function formatLock(images: ReadonlyMap<string, typeof ONE | typeof TWO>): string {
  return format([...images].map(([written, digest]) => ({ written, digest })));
}

/** Image → digest of a text that is read without a problem. */
async function imagesOf(text: string): Promise<readonly (readonly [string, string])[]> {
  const parsed = await parseLock({ path: LOCK_NAME, text });
  assert(parsed.ok);
  return parsed.value.images.map(({ written, digest }) => [written, digest]);
}

/** `place: message` of each problem. */
async function problemsOf(text: string): Promise<readonly string[]> {
  const parsed = await parseLock({ path: LOCK_NAME, text });
  assert(!parsed.ok, 'it was accepted');
  assert(parsed.error.every((one) => one.code === 'config/bad-lock' && one.hint !== undefined));
  return parsed.error.map((one) => `${one.span === undefined ? '?' : formatPlace(one.span)}: ${one.message}`);
}

function lockOf(...lines: readonly string[]): string {
  return `{\n  "version": 1,\n  "images": {\n${lines.map((line) => `    ${line}`).join(',\n')}\n  }\n}\n`;
}

test('what is written is read again, sorted, one image a line', async () => {
  const images = new Map([
    ['node:22', TWO],
    ['alpine', ONE],
  ]);
  const text = formatLock(images);
  assert.equal(text, lockOf(`"alpine": "${ONE}"`, `"node:22": "${TWO}"`));
  assert.deepEqual([...(await imagesOf(text))].sort(), [...images].sort());
  assert.deepEqual(await imagesOf(formatLock(new Map())), []);
  assert.equal(formatLock(new Map()), '{\n  "version": 1,\n  "images": {}\n}\n');
});

test('an image is found however it is written, and a tag is part of it', async () => {
  const parsed = await parseLock({ path: LOCK_NAME, text: lockOf(`"alpine": "${ONE}"`) });
  assert(parsed.ok);
  for (const same of ['alpine', 'alpine:latest', 'docker.io/library/alpine', 'library/alpine:latest'])
    assert.equal(parsed.value.digestOf(refOf(same)), ONE, same);
  for (const other of ['alpine:3', 'example.com/alpine', 'alpin'])
    assert.equal(parsed.value.digestOf(refOf(other)), undefined);
});

test('every fault is reported with its place', async () => {
  assert.deepEqual(await problemsOf(lockOf('"alpine": "latest"', `"UPPER": "${ONE}"`, `"a": "${ONE}"`)), [
    'builds.lock:4:5: `alpine` is not locked to a digest (`sha256:` and 64 hexadecimal digits)',
    'builds.lock:5:5: `UPPER` is not a valid image reference',
  ]);
  assert.deepEqual(await problemsOf(lockOf(`"a": "${ONE}"`, `"a": "${TWO}"`)), [
    'builds.lock:5:5: `a` is locked to two digests',
  ]);
  assert.deepEqual(await problemsOf(lockOf(`"a": "${ONE}"`, `"docker.io/library/a:latest": "${TWO}"`)), [
    'builds.lock:5:5: `docker.io/library/a:latest` is locked to two digests (also as `a`)',
  ]);
  assert.deepEqual(await problemsOf('{ "version": 2, "images": {} }'), [
    'builds.lock:1:3: builds.lock has an unknown version',
  ]);
  assert.deepEqual(await problemsOf('{ "images": {} }'), ['builds.lock:1:1: builds.lock has no `version`']);
  assert.deepEqual(await problemsOf('{ "version": 1 }'), ['builds.lock:1:1: builds.lock has no `images`']);
});

test('text that cannot be read is reported where it stops making sense', async () => {
  for (const [text, place] of [
    ['', '1:1: builds.lock is not a map'],
    ['[]', '1:1: builds.lock is not a map'],
    [
      '{ "version": 1, "images": { "a" "b" } }',
      '1:33: builds.lock cannot be read: Missing , or : between flow map items',
    ],
    ['{\n  "version": 1,\n}', '1:1: builds.lock has no `images`'],
    ['{ "version": 1, "images": [] }', '1:17: builds.lock has no `images`'],
    ['{ "version": 1, "images": null }', '1:17: builds.lock has no `images`'],
    [
      '{ "version": 1, "images": {} } {',
      '1:32: builds.lock cannot be read: Unexpected flow-map-start at node end',
    ],
    ['{ "version": 1, "images": {}', '1:29: builds.lock cannot be read: Flow map must end with a }'],
    [
      '{ "version": 1, "images": { "a": *x, "b": { "c": 1 } } }',
      '1:29: `a` is not locked to a digest (`sha256:` and 64 hexadecimal digits)',
    ],
  ] as const) {
    assert.equal((await problemsOf(text))[0], `builds.lock:${place}`, text);
  }
});

test('git merges what two branches added, and a conflict is reported as one', async (t) => {
  const dir = await makeTempDir(t, 'lock-merge-');
  const file = path.join(dir, LOCK_NAME);
  const git = async (...args: readonly string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main'];
    return runCommand(['git', ...identity, ...args], { cwd: dir });
  };
  const images = new Map(['b:1', 'd:1', 'f:1', 'h:1'].map((name) => [name, ONE] as const));
  const commit = async (branch: string, change: readonly (readonly [string, typeof ONE | typeof TWO])[]) => {
    await git('checkout', '-q', 'main');
    await git('checkout', '-q', '-b', branch);
    await writeFile(file, formatLock(new Map([...images, ...change])));
    await git('commit', '-qam', branch);
  };
  await git('init', '-q');
  await writeFile(file, formatLock(images));
  await git('add', '.');
  await git('commit', '-qm', 'start');
  await commit('one', [['c:1', TWO]]);
  await commit('two', [['g:1', TWO]]);
  const merged = await git('merge', '-q', 'one');
  assert.equal(merged.exitCode, 0, merged.stdout);
  assert.equal(
    await readFile(file, 'utf8'),
    formatLock(new Map([...images, ['c:1', TWO], ['g:1', TWO]] as const)),
  );
  await commit('three', [['d:1', TWO]]);
  await commit('four', [['d:1', `sha256:${'3'.repeat(64)}` as typeof ONE]]);
  assert.notEqual((await git('merge', '-q', 'three')).exitCode, 0);
  assert.deepEqual(await problemsOf(await readFile(file, 'utf8')), [
    'builds.lock:5:1: builds.lock contains a merge conflict',
  ]);
});

test('a file that was edited by hand is read as well: other order, other blanks, doubled lines that agree', async () => {
  const edited = `{"images": {\t"b": "${TWO}", "a": "${ONE}",\n"a": "${ONE}" }, "version": 1}`;
  assert.deepEqual(await imagesOf(edited), [
    ['b', TWO],
    ['a', ONE],
  ]);
  // What JSON.parse alone would not see.
  assert.deepEqual(
    await problemsOf(
      formatLock(new Map([['a', ONE]])).replace(`"a": "${ONE}"`, `"a": "${TWO}", "a": "${ONE}"`),
    ),
    ['builds.lock:4:85: `a` is locked to two digests'],
  );
});

test('marks of a merge are whole lines, and what is wrong is shown as far as it goes, with what helps', async () => {
  const problemOf = async (text: string) => {
    const parsed = await parseLock({ path: LOCK_NAME, text });
    assert(!parsed.ok, text);
    const [first] = parsed.error;
    assert(first?.span !== undefined, text);
    return { ...first, shown: text.slice(first.span.start, first.span.end) };
  };
  for (const mark of ['<<<<<<< HEAD', '=======', '>>>>>>> other branch']) {
    const conflict = await problemOf(`{\n${mark}\n  "version": 1\n`);
    assert.deepEqual([conflict.shown, /merge conflict/.test(conflict.message)], [mark, true]);
    assert.match(conflict.hint ?? '', /^Keep the lines of both sides/);
    for (const other of [`${mark.slice(0, 6)}`, `${mark.slice(0, 7)}x`, ` ${mark}`, `${mark.slice(0, 7)}=`])
      assert.doesNotMatch((await problemOf(`{\n${other}\n`)).message, /conflict/, other);
  }
  const wrong = await problemOf(lockOf('"alpine": "latest"'));
  assert.equal(wrong.shown, '"alpine": "latest"');
  assert.equal(wrong.hint, 'Correct the line, or delete the file and run `bake-ts lock`.');
  const twice = await problemOf(lockOf(`"a": "${ONE}"`, `"a": "${TWO}"`));
  assert.equal(twice.hint, 'Keep one of the lines and delete the other.');
  const newer = await problemOf('{ "version": 2, "images": {} }');
  assert.equal(newer.shown, '"version": 2');
  assert.match(newer.hint ?? '', /^Use a bake-ts that reads this version \(this one reads 1\)\./);
  assert.equal((await problemOf('[]')).shown, '[');
  assert.equal((await problemOf('')).shown, '');
  assert.equal((await problemOf('{ "images": {} }')).shown, '{');
  assert.equal(
    (await problemOf('{ "version": 1, "images": { [a]: 1 } }')).message,
    '`` is not a valid image reference',
  );
  assert.equal((await problemOf('{ "version": 1, "images": { ? a } }')).shown, 'a');
});

test('a lock file is named as builds.yaml was: beside it, and by its own name for one from standard input', async (t) => {
  const root = await makeTempDir(t, 'lock-place-');
  await writeFile(path.join(root, 'builds.yaml'), 'builds:\n  a: { context: . }\n');
  const built = await readBuilds({ cwd: root, env: {} });
  assert(built.ok);
  const { set } = built.value;
  assert.deepEqual(await readLock(set), { ok: true, value: undefined });
  await writeFile(path.join(root, LOCK_NAME), '[]');
  for (const [files, shown] of [
    [['sub/builds.yaml', 'other/more.yaml'], path.join('sub', LOCK_NAME)],
    [['builds.yaml'], LOCK_NAME],
    [['-'], LOCK_NAME],
    [[], LOCK_NAME],
  ] as const) {
    const read = await readLock({ ...set, files });
    assert(!read.ok);
    assert.deepEqual(
      read.error.map(({ span }) => span?.source.path),
      [shown],
    );
  }
});
