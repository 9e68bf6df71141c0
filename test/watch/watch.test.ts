/** `watchBuilds`: what starts a round, what it runs, and what never does. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFakeWorld } from '../rig/fake-world.ts';
import type { TreeEntry } from '../rig/temp.ts';
import { codesOf, startWatching } from '../rig/watching.ts';

const SHOP = (host: string): Readonly<Record<string, TreeEntry>> => ({
  'builds.yaml': `
templates: { image: { tags: ["${host}/\${{ build.name }}:1"], push: true } }
builds:
  base: { extends: image, context: base }
  api: { extends: image, context: api, contexts: { base: "build:base" } }
  web: { extends: image, context: web }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY files /files\n',
  'base/files/a': 'a',
  'api/Dockerfile': 'FROM base\nCOPY src /src\n',
  'api/src/main': 'one',
  'api/notes.md': 'one',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'web/.dockerignore': 'tmp\n*.log\n',
  'web/index.html': 'one',
  'web/tmp/x': '',
});

async function start(t: TestContext, tree: typeof SHOP = SHOP, isGood = true) {
  const world = await makeFakeWorld(t, tree);
  const watching = await startWatching(t, world);
  const [first, ...others] = await watching.settle();
  assert.equal(others.length, 0);
  assert.equal(first?.summary.ok, isGood, JSON.stringify(first?.summary));
  const write = (file: string, text: string) => writeFile(path.join(world.dir, file), text);
  /** After everything that was done before: a change that surely starts a round. */
  const nextRound = async () => {
    const rounds = await watching.settle();
    assert.equal(rounds.length, 1, JSON.stringify(rounds.map(({ kinds }) => kinds)));
    return rounds[0]?.kinds;
  };
  return { world, ...watching, write, nextRound };
}

test('a file that changes starts the builds that read it, with what they need and what needs them', async (t) => {
  const { world, write, nextRound, events, rounds } = await start(t);
  await write('web/index.html', 'two');
  assert.deepEqual(await nextRound(), { web: 'built' });
  await write('api/src/main', 'two');
  assert.deepEqual(await nextRound(), { base: 'unchanged', api: 'built' });
  await write('base/files/a', 'b');
  assert.deepEqual(await nextRound(), { base: 'built', api: 'built' });
  const changed = events.flatMap((one) =>
    one.type === 'changed' ? [[one.paths.length, ...one.builds]] : [],
  );
  assert.deepEqual(changed, [
    [1, 'web'],
    [1, 'api'],
    [1, 'base', 'api'],
  ]);
  const causes = rounds.flatMap((round) =>
    round.events.flatMap((one) => (one.type === 'run-started' ? [one.changed] : [])),
  );
  const one = (file: string) => ({ files: [path.join(world.dir, file)], total: 1 });
  assert.deepEqual(causes, [undefined, one('web/index.html'), one('api/src/main'), one('base/files/a')]);
});

test('what is ignored, or not read, starts nothing', async (t) => {
  const { write, nextRound, rounds } = await start(t);
  await write('web/tmp/x', 'changed');
  await write('web/some.log', 'changed');
  await write('api/notes.md', 'changed');
  await write('other', 'changed');
  await sleep(400);
  assert.equal(rounds.length, 1);
  await write('web/.dockerignore', 'tmp\n');
  assert.deepEqual(await nextRound(), { web: 'built' });
  await write('web/some.log', 'again');
  assert.deepEqual(await nextRound(), { web: 'built' });
});

test('a burst is one round', async (t) => {
  const { write, world, nextRound } = await start(t);
  for (let turn = 0; turn < 5; turn += 1) {
    await write('api/src/draft', `${turn}`);
    await rename(path.join(world.dir, 'api/src/draft'), path.join(world.dir, 'api/src/main'));
    await write('web/index.html', `${turn} again`);
  }
  assert.deepEqual(await nextRound(), { base: 'unchanged', api: 'built', web: 'built' });
});

test('directories that come, move and go count, and so does what happens in them', async (t) => {
  const { write, world, nextRound } = await start(t);
  const at = (file: string) => path.join(world.dir, file);
  await mkdir(at('web/new/deep'), { recursive: true });
  await write('web/new/deep/one', '1');
  assert.deepEqual(await nextRound(), { web: 'built' });
  await write('web/new/deep/one', '2');
  assert.deepEqual(await nextRound(), { web: 'built' });
  await rename(at('web/new'), at('web/moved'));
  assert.deepEqual(await nextRound(), { web: 'built' });
  await write('web/moved/deep/one', '3');
  assert.deepEqual(await nextRound(), { web: 'built' });
  await rm(at('web/moved'), { recursive: true });
  // As it was at first.
  assert.deepEqual(await nextRound(), { web: 'retagged' });
  await rm(at('api/src'), { recursive: true });
  await mkdir(at('api/src'));
  await write('api/src/main', 'anew');
  assert.deepEqual(await nextRound(), { base: 'unchanged', api: 'built' });
  await write('api/src/main', 'anew again');
  assert.deepEqual(await nextRound(), { base: 'unchanged', api: 'built' });
});

test('where a link leads counts, and where it leads next', async (t) => {
  const tree = () => ({
    'builds.yaml': 'builds: { docs: { context: docs } }\n',
    'docs/Dockerfile': 'FROM scratch\nCOPY current/a /\n',
    'docs/v1/a': '1',
    'docs/v2/a': '2',
    'docs/current': { symlink: 'v1' },
  });
  // The fake engine follows no links.
  const { write, world, nextRound, rounds } = await start(t, tree, false);
  await write('docs/v2/a', 'not read');
  await sleep(300);
  assert.equal(rounds.length, 1);
  await write('docs/v1/a', '1b');
  assert.deepEqual(await nextRound(), { docs: 'failed' });
  await rm(path.join(world.dir, 'docs/current'));
  await symlink('v2', path.join(world.dir, 'docs/current'));
  assert.deepEqual(await nextRound(), { docs: 'failed' });
  await write('docs/v2/a', 'read');
  assert.deepEqual(await nextRound(), { docs: 'failed' });
});

test('a broken builds.yaml is shown, the old plan stays, and mended it counts', async (t) => {
  const { write, world, settle, nextRound, events } = await start(t, () => ({
    'builds.yaml': 'builds: { web: { context: web } }\n',
    'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'web/index.html': '',
    'new/Dockerfile': 'FROM scratch\nCOPY Dockerfile /\n',
  }));
  await write('builds.yaml', 'builds: { web: { contxt: web } }\n');
  assert.equal((await settle()).length, 0);
  assert.deepEqual(codesOf(events), ['config/unknown-key']);
  await write('web/index.html', 'edited');
  assert.deepEqual(await nextRound(), { web: 'built' });
  assert.equal(codesOf(events).length, 1);
  await write('builds.yaml', 'builds: { web: { context: web }, new: { context: new } }\n');
  assert.deepEqual(await nextRound(), { new: 'built' });
  await write('builds.yaml', '# only a comment\nbuilds: { web: { context: web }, new: { context: new } }\n');
  assert.equal((await settle()).length, 0);
  await rename(path.join(world.dir, 'new/Dockerfile'), path.join(world.dir, 'new/Dockerfile.off'));
  assert.equal((await settle()).length, 0);
  assert.equal(codesOf(events).at(-1), 'dockerfile/missing');
  await rename(path.join(world.dir, 'new/Dockerfile.off'), path.join(world.dir, 'new/Dockerfile'));
  assert.deepEqual(await nextRound(), { new: 'unchanged' });
});

test('a change of what is being built stops that and builds it as it is now', async (t) => {
  const { write, world, settle, until, rounds } = await start(t);
  let isThere = false;
  const note = () => {
    isThere = true;
  };
  world.engine.fault({ when: 'api', at: 'step', times: 1, act: note });
  world.engine.fault({ when: 'api', at: 'step', times: 1, act: 'hang' });
  await write('api/src/main', 'two');
  await until('it builds', () => isThere);
  await write('api/src/main', 'three');
  await settle();
  const [, stopped, last, ...more] = rounds;
  assert.equal(more.length, 0);
  assert.equal(stopped?.isSuperseded, true);
  assert.equal(stopped?.kinds['api'], 'cancelled');
  assert.equal(last?.kinds['api'], 'built');
  const [begun] = last?.events ?? [];
  const main = { files: [path.join(world.dir, 'api/src/main')], total: 1 };
  assert.deepEqual(begun?.type === 'run-started' && begun.changed, main);
  const plain = await world.bake({ builds: ['*'] });
  assert.deepEqual(plain.kinds, { base: 'unchanged', api: 'unchanged', web: 'unchanged' });
});

test('what is built and did not change goes on; what changed meanwhile comes next', async (t) => {
  const { write, world, settle, until, rounds } = await start(t);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isThere = false;
  const hold = () => {
    isThere = true;
    return held;
  };
  world.engine.fault({ when: 'web', at: 'step', times: 1, act: hold });
  await write('web/index.html', 'two');
  await until('it builds', () => isThere);
  await write('api/src/main', 'two');
  await sleep(300);
  release();
  await settle();
  assert.deepEqual(
    rounds.slice(1).map(({ kinds }) => kinds),
    [{ web: 'built' }, { base: 'unchanged', api: 'built' }],
  );
});

test('what failed is part of the rounds that follow', async (t) => {
  const { write, world, settle, nextRound, stop } = await start(t);
  world.engine.fault({ when: 'base', at: 'step', times: 1, act: { fail: 'error: no luck' } });
  await write('base/files/a', 'b');
  const [failed] = await settle();
  assert.deepEqual(failed?.kinds, { base: 'failed', api: 'blocked' });
  await write('web/index.html', 'two');
  assert.deepEqual(await nextRound(), { base: 'built', api: 'built', web: 'built' });
  assert.deepEqual(await stop(), { ok: true, value: { ok: true, rounds: 3 } });
});

test('what a run writes starts no other one', async (t) => {
  const { write, world, nextRound, rounds, events } = await start(t, () => ({
    'builds.yaml': `builds: { all: { context: ., outputs: ["type=local,dest=out", "type=tar,dest=image.tar"] } }\n`,
    Dockerfile: 'FROM scratch\nCOPY . /\n',
    a: '1',
  }));
  await sleep(500);
  assert.equal(rounds.length, 1, JSON.stringify(events));
  await write('a', '2');
  assert.deepEqual(await nextRound(), { all: 'built' });
  await sleep(500);
  assert.equal(rounds.length, 2);
  await write('out/by-hand', '');
  await nextRound();
  assert(world.engine.builds.length >= 3);
});

test('base images may add to what is read', async (t) => {
  const { write, nextRound } = await start(t, () => ({
    'builds.yaml': `builds:
  base: { context: base }
  app: { context: app, contexts: { base: "build:base" } }
`,
    'base/Dockerfile': 'FROM scratch\nENV DIR=src\nONBUILD COPY extra /extra\n',
    'app/Dockerfile': 'FROM base\nCOPY $DIR /src\n',
    'app/src/a': '',
    'app/extra/a': '',
    'app/other': '',
  }));
  await write('app/extra/a', 'changed');
  assert.equal((await nextRound())?.['app'], 'built');
  await write('app/src/a', 'changed');
  assert.equal((await nextRound())?.['app'], 'built');
});
