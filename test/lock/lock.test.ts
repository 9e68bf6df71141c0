/** What is locked, checked, compared and moved, against a registry within this process. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  checkLock,
  compareLock,
  type LockedRef,
  type LockOptions,
  lockImages,
  parseLock,
  updateLock,
  warnOfUnlocked,
} from '../../lib/lock/mod.ts';
import type { Digest, Problem, Result } from '../../lib/model/mod.ts';
import { envOf, type FakeWorld, makeFakeWorld, prepareIn, putBase } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const NOWHERE = `sha256:${'0'.repeat(64)}` as const;

/** Three images, of which two are pinned nowhere; `c` is based on `b` and only waits for `d`. */
function treeOf(host: string): Readonly<Record<string, string>> {
  return {
    'builds.yaml': `builds:
  b: { context: b }
  a: { context: a, contexts: { b: "build:b" } }
  c: { context: c, contexts: { a: "build:a" }, needs: [d] }
  d: { context: d }
  e: { context: e, needs: [b] }
`,
    'a/Dockerfile': `FROM b\nCOPY --from=${host}/tools /x /x\n`,
    'b/Dockerfile': `FROM ${host}/lib/tools:latest\nCOPY --from=${host}/base:1 /x /x\n`,
    'c/Dockerfile': `FROM a\nCOPY --from=${host}/base@${NOWHERE} /x /x\n`,
    'd/Dockerfile': `FROM ${host}/tools\n`,
    'e/Dockerfile': `FROM scratch\n`,
  };
}

interface Locking extends FakeWorld {
  readonly digests: Readonly<Record<'base' | 'tools' | 'lib', Digest>>;
  readonly options: () => Promise<LockOptions>;
  readonly lock: (...patterns: readonly string[]) => ReturnType<typeof lockImages>;
  readonly check: (...patterns: readonly string[]) => ReturnType<typeof checkLock>;
  readonly update: (...patterns: readonly string[]) => ReturnType<typeof updateLock>;
  /** Image, without the host → the digest that the file has for it. */
  readonly file: () => Promise<Readonly<Record<string, string>>>;
  /** Without the host. */
  readonly names: (images: readonly LockedRef[]) => readonly string[];
}

async function makeLocking(t: Cleanup, tree = treeOf): Promise<Locking> {
  const world = await makeFakeWorld(t, tree);
  const { registry } = world;
  const digests = {
    base: putBase(registry, 'base', '1', 'base'),
    tools: putBase(registry, 'tools', 'latest', 'tools'),
    lib: putBase(registry, 'lib/tools', 'latest', 'lib'),
  };
  const options = async () => ({ whole: (await prepareIn(world)).plan, env: envOf(world) });
  const planOf = async (patterns: readonly string[]) =>
    (await prepareIn(world, patterns.length === 0 ? ['*'] : patterns)).plan;
  const bare = (text: string) => text.replace(`${registry.host}/`, '');
  return {
    ...world,
    digests,
    options,
    lock: async (...patterns) => lockImages(await options(), await planOf(patterns)),
    check: async (...patterns) => checkLock(await options(), await planOf(patterns)),
    update: async (...patterns) => updateLock(await options(), patterns),
    file: async () => {
      const { images } = JSON.parse(await readFile(path.join(world.dir, 'builds.lock'), 'utf8')) as {
        readonly images: Readonly<Record<string, string>>;
      };
      return Object.fromEntries(Object.entries(images).map(([name, digest]) => [bare(name), digest]));
    },
    names: (images) => images.map(({ written }) => bare(written)),
  };
}

function answerOf<T>(result: Result<T>): T {
  assert(result.ok, JSON.stringify(result));
  return result.value;
}

function problemsOf(result: Result<unknown>): readonly Problem[] {
  assert(!result.ok, 'it succeeded');
  return result.error;
}

const codesOf = (result: Result<unknown>) => problemsOf(result).map(({ code }) => code);

test('every image without a digest is locked to what its tag stands for, and a second time changes nothing', async (t) => {
  const { lock, check, file, names, digests, registry } = await makeLocking(t);
  const first = answerOf(await lock());
  assert.deepEqual(names(first.added), ['base:1', 'lib/tools:latest', 'tools']);
  assert.deepEqual([first.dropped, first.kept], [[], 0]);
  const { base, tools, lib } = digests;
  assert.deepEqual(await file(), { 'base:1': base, 'lib/tools:latest': lib, tools });
  assert.deepEqual(
    first.added.map(({ digest }) => digest),
    [base, lib, tools],
  );
  registry.forget();
  assert.deepEqual(answerOf(await lock()), { added: [], dropped: [], kept: 3 });
  assert.deepEqual(answerOf(await check()), { added: [], dropped: [], kept: 3 });
  assert.deepEqual(registry.lines(), []);
  // The server hears a little later that they are closed.
  for (let time = 0; registry.openSockets('bake-ts') > 0 && time < 500; time++) await delay(2);
  assert.equal(registry.openSockets('bake-ts'), 0);
});

test('a file that says what it should is not written again, however it is written', async (t) => {
  const { lock, update, write, dir } = await makeLocking(t);
  answerOf(await lock());
  const file = path.join(dir, 'builds.lock');
  const edited = (await readFile(file, 'utf8')).replaceAll('\n', '\n\n');
  await write({ 'builds.lock': edited });
  answerOf(await lock());
  answerOf(await update());
  assert.equal(await readFile(file, 'utf8'), edited);
});

test('what a mirror has counts as what the tag stands for, as it does in a build', async (t) => {
  const { lock, options, registry } = await makeLocking(t, (host) => ({
    'builds.yaml': `registries: { docker.io: { mirrors: ["${host}"] } }\nbuilds:\n  a: { context: . }\n`,
    Dockerfile: 'FROM alpine\n',
  }));
  const digest = putBase(registry, 'library/alpine', 'latest', 'alpine');
  assert.deepEqual(
    answerOf(await lock()).added.map((one) => [one.written, one.digest]),
    [['alpine', digest]],
  );
  assert.deepEqual(answerOf(await compareLock(await options())), [
    { image: 'alpine', locked: digest, now: digest, state: 'same' },
  ]);
});

test('images of the selected builds are added; what no build of the set uses goes', async (t) => {
  const { lock, file, names, write, registry, check } = await makeLocking(t);
  assert.deepEqual(names(answerOf(await lock('d')).added), ['tools']);
  assert.deepEqual(answerOf(await lock('d')), { added: [], dropped: [], kept: 1 });
  const more = answerOf(await lock('b'));
  assert.deepEqual([names(more.added), more.dropped, more.kept], [['base:1', 'lib/tools:latest'], [], 1]);
  await write({ 'b/Dockerfile': `FROM ${registry.host}/base:1\n` });
  const [stale] = problemsOf(await check('d'));
  assert.equal(stale?.code, 'run/lock-stale');
  assert.equal(stale.message, 'builds.lock is not up to date with the builds');
  assert.equal(stale.detail, `- ${registry.host}/lib/tools:latest (no build uses it)`);
  assert.equal(stale.hint, 'Run `bake-ts lock` and commit the file.');
  const less = answerOf(await lock('d'));
  assert.deepEqual([less.added, names(less.dropped), less.kept], [[], ['lib/tools:latest'], 2]);
  assert.deepEqual(Object.keys(await file()), ['base:1', 'tools']);
  answerOf(await check());
});

test('what is locked stays as it is though its tag moves', async (t) => {
  const { lock, file, registry, digests } = await makeLocking(t);
  answerOf(await lock('d'));
  putBase(registry, 'tools', 'latest', 'newer');
  answerOf(await lock());
  assert.equal((await file())['tools'], digests.tools);
});

test('a set without images gets an empty file, which a check misses before', async (t) => {
  const { lock, check, file } = await makeLocking(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: . }\n',
    Dockerfile: 'FROM scratch\n',
  }));
  const [missing] = problemsOf(await check());
  assert.deepEqual([missing?.code, missing?.message], ['run/lock-stale', 'there is no builds.lock']);
  assert(missing !== undefined && !('detail' in missing));
  assert.deepEqual(answerOf(await lock()), { added: [], dropped: [], kept: 0 });
  assert.deepEqual(await file(), {});
  answerOf(await check());
});

test('a check names what is missing, in order, and asks no registry', async (t) => {
  const { check, lock, registry } = await makeLocking(t);
  const lines = (...names: readonly string[]) => names.map((name) => `+ ${registry.host}/${name}`).join('\n');
  const [none] = problemsOf(await check());
  assert.equal(none?.message, 'there is no builds.lock');
  assert.equal(none.detail, lines('base:1', 'lib/tools:latest', 'tools'));
  assert.deepEqual(registry.lines(), []);
  answerOf(await lock('d'));
  answerOf(await check('d'));
  const [some] = problemsOf(await check('b'));
  assert.equal(some?.message, 'builds.lock is not up to date with the builds');
  assert.equal(some.detail, lines('base:1', 'lib/tools:latest'));
});

test('an image that is not in its registry, or whose registry does not say, is a problem, and nothing is written', async (t) => {
  const { lock, registry, dir } = await makeLocking(t);
  registry.store.deleteManifest('tools', 'latest');
  registry.store.clear('tools');
  registry.fault({ path: '/base/', act: { kind: 'status', status: 403 } });
  const problems = problemsOf(await lock());
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['registry/denied', 'registry/not-found'],
  );
  assert.equal(problems[1]?.message, `${registry.host}/tools is not in its registry`);
  assert.equal(problems[1].hint, 'Check the name and the tag.');
  await assert.rejects(readFile(path.join(dir, 'builds.lock')), /ENOENT/);
});

test('a lock file that is wrong or cannot be read stops everything; without one there is nothing to compare', async (t) => {
  const { lock, check, update, options, write, dir } = await makeLocking(t);
  assert.deepEqual(codesOf(await compareLock(await options())), ['run/no-lock']);
  const [none] = problemsOf(await update());
  assert.deepEqual(
    [none?.code, none?.message, none?.hint],
    ['run/no-lock', 'there is no builds.lock beside builds.yaml', 'Run bake-ts lock to create it'],
  );
  const all = async () => [
    codesOf(await lock()),
    codesOf(await check()),
    codesOf(await update()),
    codesOf(await compareLock(await options())),
  ];
  const bad = Array.from({ length: 4 }, () => ['config/bad-lock']);
  await write({ 'builds.lock': '[]' });
  assert.deepEqual(await all(), bad);
  await rm(path.join(dir, 'builds.lock'));
  await mkdir(path.join(dir, 'builds.lock'));
  assert.deepEqual(await all(), bad);
  const [unread] = problemsOf(await check());
  assert.equal(unread?.message, `\`${path.join(dir, 'builds.lock')}\` cannot be read (EISDIR)`);
});

test('a file that cannot be written is a problem of a lock and of an update', async (t) => {
  const { lock, update, dir, registry } = await makeLocking(t);
  answerOf(await lock('d'));
  // A directory is in its place by the time that the file is to be written.
  const block = { kind: 'call', run: () => blockFile(path.join(dir, 'builds.lock')) } as const;
  registry.fault({ path: '/base/', act: block });
  const [unwritten] = problemsOf(await lock('b'));
  assert.equal(unwritten?.code, 'run/lock-unwritten');
  assert.match(unwritten.message, /builds\.lock` cannot be written \((?:EISDIR|ENOTEMPTY|EEXIST)\)$/);
  assert.equal(unwritten.hint, 'Make the directory of builds.yaml writable.');
  registry.mend();
  await rm(path.join(dir, 'builds.lock'), { recursive: true });
  answerOf(await lock('d'));
  putBase(registry, 'tools', 'latest', 'newer');
  registry.fault({ path: '/tools/', act: block });
  assert.deepEqual(codesOf(await update()), ['run/lock-unwritten']);
});

async function blockFile(file: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await mkdir(path.join(file, 'full'), { recursive: true });
}

test('a comparison says of each image whether its tag still stands for what is locked', async (t) => {
  const { lock, options, registry, digests } = await makeLocking(t);
  answerOf(await lock());
  const same = answerOf(await compareLock(await options()));
  const image = (name: string) => `${registry.host}/${name}`;
  assert.deepEqual(same, [
    { image: image('base:1'), locked: digests.base, now: digests.base, state: 'same' },
    { image: image('lib/tools:latest'), locked: digests.lib, now: digests.lib, state: 'same' },
    { image: image('tools'), locked: digests.tools, now: digests.tools, state: 'same' },
  ]);
  const now = putBase(registry, 'base', '1', 'newer');
  registry.store.clear('tools');
  registry.fault({ path: '/lib/tools/', act: { kind: 'status', status: 403 } });
  const [base, lib, tools] = answerOf(await compareLock(await options()));
  assert.deepEqual(base, { image: image('base:1'), locked: digests.base, now, state: 'moved' });
  assert.deepEqual([lib?.state, lib?.now, lib?.locked], ['unknown', undefined, digests.lib]);
  assert.equal(lib?.problem?.code, 'registry/denied');
  assert.deepEqual([tools?.state, tools?.now, tools?.locked], ['gone', undefined, digests.tools]);
  assert.equal(tools?.problem?.code, 'registry/not-found');
  assert.match(tools.problem.message, /\/tools is not in its registry$/);
});

test('an update moves what moved, and says which builds read it and which are based on those', async (t) => {
  const { lock, update, file, registry, digests } = await makeLocking(t);
  answerOf(await lock());
  assert.deepEqual(answerOf(await update()), []);
  const before = await file();
  const to = putBase(registry, 'base', '1', 'newer');
  assert.deepEqual(answerOf(await update()), [
    // e only waits for b.
    { image: `${registry.host}/base:1`, from: digests.base, to, builds: ['b'], above: ['a', 'c'] },
  ]);
  assert.deepEqual(await file(), { ...before, 'base:1': to });
  const tools = putBase(registry, 'tools', 'latest', 'newer');
  const [moved] = answerOf(await update());
  assert.deepEqual([moved?.builds, moved?.above], [['d', 'a'].sort(), ['c']]);
  assert.equal((await file())['tools'], tools);
});

test('patterns of an update are compared with names as written, and short ones with the last part', async (t) => {
  const { lock, update, file, registry } = await makeLocking(t);
  answerOf(await lock());
  const start = await readFileOf(file);
  const moveAll = () => {
    for (const [repository, tag] of [
      ['base', '1'],
      ['tools', 'latest'],
      ['lib/tools', 'latest'],
    ] as const)
      putBase(registry, repository, tag, `newer ${repository}`);
  };
  moveAll();
  const moved = async (...patterns: readonly string[]) => {
    const updated = answerOf(await update(...patterns));
    const names = updated.map(({ image }) => image.replace(`${registry.host}/`, ''));
    return names;
  };
  const { host } = registry;
  assert.deepEqual(await moved('base'), ['base:1']);
  assert.notDeepEqual(await readFileOf(file), start);
  // With a `/` it is the whole name that counts, tag included.
  assert.deepEqual(await moved('**/tools'), ['tools']);
  assert.deepEqual(await moved('tools', 'base:*'), ['lib/tools:latest']);
  putBase(registry, 'lib/tools', 'latest', 'newest');
  assert.deepEqual(await moved(`${host}/lib/*`), ['lib/tools:latest']);
  assert.deepEqual(await moved(), []);
  const problems = problemsOf(await update('basse:1', 'nothing-like-it', `${host}/tool`, 'b', 'lib/tools'));
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['basse:1', 'nothing-like-it', `${host}/tool`, 'b', 'lib/tools'].map(
      (name) => `builds.lock has no image \`${name}\``,
    ),
  );
  assert(problems.every(({ code }) => code === 'run/not-in-lock'));
  assert.equal(problems[2]?.hint, `Did you mean \`${host}/tools\`?`);
  assert.match(problems[1]?.hint ?? '', /^Name images as in the Dockerfile/);
});

async function readFileOf(file: Locking['file']): Promise<string> {
  return JSON.stringify(await file());
}

test('an update asks for what it is to move only, and with a problem it moves nothing', async (t) => {
  const { lock, update, file, registry } = await makeLocking(t);
  answerOf(await lock());
  const before = await file();
  putBase(registry, 'base', '1', 'newer');
  registry.store.clear('tools');
  registry.forget();
  assert.deepEqual(codesOf(await update('base', 'tools')), ['registry/not-found']);
  assert.deepEqual(await file(), before);
  registry.forget();
  assert.deepEqual(codesOf(await update('base', 'nowhere')), ['run/not-in-lock']);
  assert.deepEqual(registry.lines(), []);
  assert.equal(answerOf(await update('base')).length, 1);
  assert(registry.requests.every(({ path: asked }) => asked === '/v2/' || asked.startsWith('/v2/base/')));
});

test('an image that is locked with a digest in its name is compared by its tag', async (t) => {
  const { write, options, registry, digests } = await makeLocking(t);
  const image = `${registry.host}/base:1@${NOWHERE}`;
  await write({ 'builds.lock': JSON.stringify({ version: 1, images: { [image]: NOWHERE } }) });
  assert.deepEqual(answerOf(await compareLock(await options())), [
    { image, locked: NOWHERE, now: digests.base, state: 'moved' },
  ]);
});

test('an image that no build uses moves for nobody', async (t) => {
  const { write, update, registry, digests } = await makeLocking(t);
  putBase(registry, 'old', '1', 'old');
  const image = `${registry.host}/base:2`;
  putBase(registry, 'base', '2', 'base');
  await write({ 'builds.lock': JSON.stringify({ version: 1, images: { [image]: NOWHERE } }) });
  assert.deepEqual(answerOf(await update()), [
    { image, from: NOWHERE, to: digests.base, builds: [], above: [] },
  ]);
});

test('a run is warned of images that its lock does not hold', async (t) => {
  const { options, registry } = await makeLocking(t);
  const { whole } = await options();
  const { host } = registry;
  const locked = async (...names: readonly string[]) => {
    const images = Object.fromEntries(names.map((name) => [name, NOWHERE]));
    return answerOf(await parseLock({ path: 'builds.lock', text: JSON.stringify({ version: 1, images }) }));
  };
  const two = warnOfUnlocked(whole, await locked(`${host}/tools`));
  assert.deepEqual([two?.code, two?.severity], ['run/not-locked', 'warning']);
  assert.equal(
    two?.message,
    `builds.lock lacks \`${host}/base:1\`, \`${host}/lib/tools:latest\`; they are resolved in every run`,
  );
  assert.equal(two.hint, 'Run bake-ts lock to add the missing images');
  const one = warnOfUnlocked(whole, await locked(`${host}/tools`, `${host}/lib/tools`));
  assert.equal(one?.message, `builds.lock lacks \`${host}/base:1\`; it is resolved in every run`);
  assert.equal(
    warnOfUnlocked(whole, await locked(`${host}/tools`, `${host}/lib/tools`, `${host}/base:1`)),
    undefined,
  );
});

test('who stops gets no answer as one', async (t) => {
  const { options } = await makeLocking(t);
  const given = { ...(await options()), signal: AbortSignal.abort() };
  assert.notEqual((await lockImages(given, given.whole)).ok, true);
});
