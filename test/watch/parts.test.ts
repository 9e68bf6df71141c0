/** The parts of watching by themselves: what a path touches, when a burst is over, what differs between two plans. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBuilds } from '../../lib/config/mod.ts';
import { compileRules } from '../../lib/dockerfile/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { Bursts } from '../../lib/watch/burst.ts';
import { Directories } from '../../lib/watch/directories.ts';
import { findInterest, Interest, NO_INTEREST, WatchedTree } from '../../lib/watch/interest.ts';
import { changedBuilds, partOf, withDependents } from '../../lib/watch/part-plan.ts';
import { makeTree, type TreeEntry, writeTree } from '../rig/temp.ts';

const TREE: Readonly<Record<string, TreeEntry>> = {
  'builds.yaml': `builds:
  base: { context: base }
  api: { context: ., dockerfile: api/Dockerfile, contexts: { base: "build:base" }, secrets: ["id=key,src=key.txt"] }
  web: { context: web, needs: [base] }
`,
  'base/Dockerfile': 'FROM alpine:3\nCOPY . /\n',
  'base/.dockerignore': 'skipped\n',
  'base/skipped/deep/a': '',
  'api/Dockerfile': 'FROM base\nCOPY api/src /src\n',
  'api/src/a': '',
  'node_modules/one/two/a': '',
  'web/Dockerfile': 'FROM scratch\nCOPY link/a /\n',
  'web/link': { symlink: 'real' },
  'web/real/a': '',
  'web/other/a': '',
  'key.txt': '',
};

async function planOf(cwd: string) {
  const read = await readBuilds({ cwd, env: {} });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns: ['*'] }, cwd);
  assert(prepared.ok, JSON.stringify(prepared));
  return prepared.value;
}

async function makeInterest(t: TestContext) {
  const cwd = await makeTree(t, TREE);
  const at = (file: string) => path.join(cwd, file);
  const prepared = await planOf(cwd);
  const interest = await findInterest({
    ...prepared,
    definition: new Set([at('builds.yaml')]),
    lock: at('builds.lock'),
    learned: new Map(),
  });
  return { cwd, at, interest, plan: prepared.plan };
}

const namesOf = (interest: Interest, file: string, isDirectory = false) => [
  ...(interest.touch(file, isDirectory)?.builds ?? []),
];

test('a path touches what reads it, is read from it, or is found by it', async (t) => {
  const { at, interest } = await makeInterest(t);
  assert.deepEqual(namesOf(interest, at('base/any')), ['base']);
  assert.equal(interest.touch(at('base/skipped/deep/a'), false), undefined);
  assert.deepEqual(namesOf(interest, at('api/src/deep/b')), ['api']);
  assert.deepEqual(namesOf(interest, at('key.txt')), ['api']);
  assert.equal(interest.touch(at('api/other'), false), undefined);
  assert.equal(interest.touch(at('node_modules/one/two/a'), false), undefined);
  assert.equal(interest.touch(at('builds.yaml'), false)?.definition, true);
  assert.equal(interest.touch(at('builds.lock'), false)?.lock, true);
  const dockerfile = interest.touch(at('api/Dockerfile'), false);
  assert.deepEqual([[...(dockerfile?.builds ?? [])], dockerfile?.reshapes], [['api'], true]);
  // The directory of a context, with the one that another context is in.
  assert.deepEqual(namesOf(interest, at('base'), true), ['base']);
});

for (const trees of [false, true]) {
  const how = trees ? 'as trees' : 'each by itself';
  // Node's own watching of trees on Linux is what the other way is there for.
  const skip = trees && process.platform === 'linux' && process.versions['deno'] === undefined;
  test(`directories are watched ${how}, without what nobody reads`, { skip }, async (t) => {
    const { at, interest } = await makeInterest(t);
    const seen = new Set<string>();
    const directories = new Directories({
      repository: at('.').replace(/\/$/, ''),
      trees,
      onChange: (file) => seen.add(file ?? ''),
      onFault: (directory, code) => assert.fail(`${directory}: ${code}`),
    });
    t.after(() => directories.close());
    directories.follow(interest);
    // builds.yaml and key.txt; base (2), api (1) and src (1), web (2) and real (1): other and skipped are nobody's.
    assert.equal(directories.files, 9);
    await writeTree(at('.'), {
      'node_modules/one/two/b': '',
      'base/skipped/deep/b': '',
      'web/real/b': '',
      'api/src/new/deep/b': '',
    });
    const wanted = [at('web/real/b'), at('api/src/new')];
    for (let turn = 0; turn < 500 && !wanted.every((file) => seen.has(file)); turn += 1) await sleep(10);
    for (const file of wanted) assert(seen.has(file), `${file} of ${[...seen]}`);
    if (trees) return;
    assert(![...seen].some((file) => /node_modules|skipped/.test(file)), `${[...seen]}`);
  });
}

test('a burst is over when nothing happens, or when it goes on', async (t) => {
  const { at, interest } = await makeInterest(t);
  let overs = 0;
  const bursts = new Bursts({ quietMs: 40, mostMs: 120 }, () => {
    overs += 1;
  });
  t.after(() => bursts.close());
  assert.equal(bursts.note(interest, at('web/unread'), false, 0), false);
  assert.equal(bursts.take(), undefined);
  assert.equal(bursts.note(interest, at('base/a'), false, 0), true);
  assert.equal(bursts.note(interest, at('base/a'), false, 0), true);
  for (let turn = 0; turn < 500 && overs === 0; turn += 1) await sleep(5);
  const first = bursts.take();
  assert.deepEqual([first?.paths, [...(first?.builds ?? [])]], [[at('base/a')], ['base']]);
  assert.equal(bursts.isOver, false);
  const startedAt = Date.now();
  while (overs === 1 && Date.now() - startedAt < 5_000) {
    bursts.note(interest, at('base/a'), false, Date.now());
    await sleep(5);
  }
  assert.equal(bursts.isOver, true);
});

test('in one burst a path counts as all that it was, by all that was known to be read', (t) => {
  const seenBy = (rules: Readonly<Record<string, readonly string[]>>) => {
    const tree = new WatchedTree('/shop');
    for (const [build, patterns] of Object.entries(rules)) tree.add(build, 'all', compileRules(patterns));
    return new Interest({ ...NO_INTEREST, trees: [tree] });
  };
  const interest = seenBy({ all: [], few: ['*', '!src/keep'] });
  const bursts = new Bursts({ quietMs: 10_000, mostMs: 10_000 }, () => undefined);
  t.after(() => bursts.close());
  const take = () => [...(bursts.take()?.builds ?? [])];
  bursts.note(interest, '/shop/src', false, 0);
  bursts.note(interest, '/shop/src', true, 0);
  assert.deepEqual(take(), ['all', 'few']);
  bursts.note(interest, '/shop/src', true, 0);
  bursts.note(interest, '/shop/src', false, 0);
  assert.deepEqual(take(), ['all', 'few']);
  bursts.note(interest, '/shop/src', false, 0);
  bursts.note(seenBy({ other: [] }), '/shop/src', false, 0);
  assert.deepEqual(take(), ['all', 'other']);
});

test('of too much that happens nobody asks what it was', async (t) => {
  const { at, interest } = await makeInterest(t);
  const bursts = new Bursts({ quietMs: 10_000, mostMs: 10_000 }, () => undefined);
  t.after(() => bursts.close());
  for (let turn = 0; turn < 4_001; turn += 1) bursts.note(interest, at('web/unread'), false, 0);
  assert.equal(bursts.take()?.everything, true);
});

test('parts of a plan keep what they need, which writes nothing', async (t) => {
  const { plan } = await makeInterest(t);
  assert.deepEqual([...withDependents(plan, ['base'])].sort(), ['api', 'base', 'web']);
  const part = partOf(plan, new Set(['api']));
  assert.deepEqual(
    [...part.nodes.values()].map(({ build, role, neededBy }) => [build.name, role, neededBy]),
    [
      ['base', 'needed', ['api']],
      ['api', 'asked', []],
    ],
  );
  assert.equal(partOf(plan, new Set(plan.nodes.keys())), plan);
});

test('builds that are other ones than before are found, and nothing where only places moved', async (t) => {
  const { cwd, plan } = await makeInterest(t);
  const before = String(TREE['builds.yaml']);
  const after = async (text: string) => {
    await writeTree(cwd, { 'builds.yaml': text });
    return [...changedBuilds(plan, (await planOf(cwd)).plan)];
  };
  assert.deepEqual(await after(`# a comment\n\n${before}`), []);
  assert.deepEqual(await after(before.replace('context: web,', 'context: web, args: { A: "1" },')), ['web']);
  assert.deepEqual(await after(`${before}  more: { context: web }\n`), ['more']);
  assert.deepEqual(await after(`publish: together\n${before}`), ['base', 'api', 'web']);
});
