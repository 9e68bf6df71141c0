/** A run that was killed while its tags moved together: the next one ends what it began, or says what stands where. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Digest } from '../../lib/model/mod.ts';
import { PublishIntents } from '../../lib/state/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText, SAME } from '../rig/failure-bench.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';
import type { FakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

async function intentFiles(world: FakeWorld): Promise<readonly string[]> {
  const dir = path.join(world.home, 'state/publishing');
  const names = await readdir(dir, { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).map((name) => path.join(dir, name));
}

const warningOf = ({ events }: Baked, code: string) =>
  events.flatMap((event) =>
    event.type === 'warning' && event.problem.code === code ? event.problem : [],
  )[0];

/**
 * Three images whose tags move together; the run that moved them was killed before the second tag: a is at its new image, b
 * and c are at their old ones.
 */
async function makeKilled(t: Cleanup) {
  const bench = await makeFakeBench(t, 'publish: together\n');
  const { world } = bench;
  const { store } = world.registry;
  assertOk(await world.bake());
  assert.deepEqual(await intentFiles(world), []);
  const old = store.tags();
  await world.write({ 'a/file': 'new a\n', 'b/file': 'new b\n', 'c/file': 'new c\n' });
  const held = world.registry.fault({
    from: 'bake-ts',
    method: 'PUT',
    path: '/app/b/manifests/dev',
    nth: 1,
    act: { kind: 'hold' },
  });
  const running = world.bake();
  await held.reached;
  const [file = assert.fail('nothing is written down'), ...more] = await intentFiles(world);
  assert.deepEqual(more, []);
  const intent = JSON.parse(await readFile(file, 'utf8')) as { owner: { startTicks: number } };
  // While it runs, another one leaves its tags to it.
  const other = await world.bake({ dryRun: true });
  assert.deepEqual(codesOf(other), []);
  held.release();
  assertOk(await running);
  assert.deepEqual(await intentFiles(world), []);
  const now = store.tags();
  const point = (build: string, tags: Readonly<Record<string, Digest>>) => {
    const manifest = store.manifest(`app/${build}`, tags[`app/${build}:dev`] ?? '');
    assert(manifest !== undefined);
    store.putManifest(`app/${build}`, 'dev', manifest);
  };
  point('b', old);
  point('c', old);
  await mkdir(path.dirname(file), { recursive: true });
  const put = () => writeFile(file, JSON.stringify({ ...intent, owner: { ...intent.owner, startTicks: 1 } }));
  await put();
  return { bench, world, store, old, now, point, put };
}

test('a run that was killed between two tags is ended by the next one', async (t) => {
  const { bench, world, store, now } = await makeKilled(t);
  // Files have changed back and forth since: what was begun is ended all the same.
  const dry = await world.bake({ dryRun: true });
  assert.deepEqual(codesOf(dry), ['warning run/publish-interrupted']);
  assert.notDeepEqual(store.tags(), now);
  const next = await world.bake();
  assertOk(next);
  assert.deepEqual(codesOf(next), ['warning run/publish-finished']);
  const told = warningOf(next, 'run/publish-finished');
  assert.match(told?.message ?? '', /^the run of 20.*: 2 tags were moved now to finish it$/);
  assert.match(told?.detail ?? '', /app\/b:dev → sha256:\w{12}\n.*app\/c:dev → sha256:\w{12}$/);
  assert.equal(kindsText(next), SAME);
  assert.deepEqual(store.tags(), now);
  assert.deepEqual(await intentFiles(world), []);
  await bench.assertSound();
  assert.deepEqual(codesOf(await world.bake()), []);
});

test('it is ended for builds that the next run does not hold, too', async (t) => {
  const { world, store, now } = await makeKilled(t);
  const next = await world.bake({ builds: ['c'] });
  assert.deepEqual(codesOf(next), ['warning run/publish-finished']);
  assert.deepEqual(store.tags(), now);
});

test('whoever pushes nothing moves no tags of an interrupted run either', async (t) => {
  const { world, store, now } = await makeKilled(t);
  const yaml = await readFile(path.join(world.dir, 'builds.yaml'), 'utf8');
  await world.write({ 'builds.yaml': yaml.replaceAll('push: true', 'push: false') });
  const quiet = await world.bake();
  assert.deepEqual(codesOf(quiet), ['warning run/publish-interrupted']);
  assert.notDeepEqual(store.tags(), now);
  await world.write({ 'builds.yaml': yaml });
  assert.deepEqual(codesOf(await world.bake()), ['warning run/publish-finished']);
});

test('where a tag was moved by somebody else, nothing is moved, and it is said once what stands where', async (t) => {
  const { world, store, old } = await makeKilled(t);
  const foreign = store.manifest('app/c', old['app/c:dev'] ?? '');
  assert(foreign !== undefined);
  const bytes = Buffer.from(`${foreign.bytes.toString()} `);
  const { digest } = store.putManifest('app/c', 'dev', { ...foreign, bytes });
  const before = store.tags();
  const next = await world.bake({ builds: ['a'] });
  assertOk(next);
  assert.deepEqual(codesOf(next), ['warning run/publish-interrupted']);
  const told = warningOf(next, 'run/publish-interrupted');
  assert.match(told?.message ?? '', /moved by somebody else since$/);
  const lines = (told?.detail ?? '').split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /app\/a:dev: moved \(sha256:\w{12}\)$/);
  assert.match(lines[1] ?? '', /app\/b:dev: sha256:\w{12}, not moved; should be sha256:\w{12}$/);
  assert.match(
    lines[2] ?? '',
    new RegExp(`app/c:dev: ${digest.slice(0, 19)}, moved by somebody else; should be`),
  );
  assert.deepEqual(store.tags(), before);
  assert.deepEqual(codesOf(await world.bake({ builds: ['a'] })), []);
});

test('what somebody else moves while the others are being moved stays as it is', async (t) => {
  const { world, store, old, now } = await makeKilled(t);
  const foreign = store.manifest('app/c', old['app/c:dev'] ?? '');
  assert(foreign !== undefined);
  const bytes = Buffer.from(`${foreign.bytes.toString()} `);
  let theirs: unknown;
  world.registry.fault({
    method: 'PUT',
    path: '/app/b/manifests/dev',
    nth: 1,
    act: {
      kind: 'call',
      run: () => {
        theirs = store.putManifest('app/c', 'dev', { ...foreign, bytes }).digest;
      },
    },
  });
  const next = await world.bake({ builds: ['a'] });
  assert.deepEqual(codesOf(next), ['warning run/publish-interrupted']);
  assert.match(warningOf(next, 'run/publish-interrupted')?.message ?? '', /moved by somebody else since$/);
  assert.equal(store.tags()['app/b:dev'], now['app/b:dev']);
  assert.equal(store.tags()['app/c:dev'], theirs);
  assert.deepEqual(await intentFiles(world), []);
});

test('where an image is gone, or a tag is immutable now, nothing is moved', async (t) => {
  for (const what of ['gone', 'immutable']) {
    const { world, store, now, put } = await makeKilled(t);
    const tags = store.tags();
    if (what === 'gone') store.deleteManifest('app/b', now['app/b:dev'] ?? '');
    else {
      const text = await readFile(path.join(world.dir, 'builds.yaml'), 'utf8');
      await world.write({ 'builds.yaml': `immutable: ["*/app/b:*"]\n${text}` });
    }
    const next = await world.bake({ builds: ['a'] });
    assertOk(next);
    assert.deepEqual(codesOf(next), ['warning run/publish-interrupted'], what);
    assert.match(
      warningOf(next, 'run/publish-interrupted')?.message ?? '',
      what === 'gone' ? /not every image is still there$/ : /some of them are immutable$/,
    );
    assert.deepEqual(store.tags(), tags);
    await put();
  }
});

test('where a registry does not answer, or takes no tag, it is tried again by the run after', async (t) => {
  const { world, store, now } = await makeKilled(t);
  const fault = world.registry.fault({
    from: 'bake-ts',
    method: 'HEAD',
    path: '/app/c/manifests/dev',
    act: { kind: 'status', status: 403 },
  });
  const first = await world.bake({ builds: ['a'] });
  assert.deepEqual(codesOf(first), ['warning run/publish-interrupted']);
  assert.match(warningOf(first, 'run/publish-interrupted')?.detail ?? '', /app\/c:dev: not known \(/);
  fault.remove();
  const refused = world.registry.fault({
    method: 'PUT',
    path: '/app/c/manifests/dev',
    act: { kind: 'status', status: 403 },
  });
  const second = await world.bake({ builds: ['a'] });
  assert.deepEqual(codesOf(second), ['warning run/publish-interrupted']);
  assert.match(
    warningOf(second, 'run/publish-interrupted')?.message ?? '',
    /not all of the others could be moved now/,
  );
  refused.remove();
  const third = await world.bake({ builds: ['a'] });
  assert.deepEqual(codesOf(third), ['warning run/publish-finished']);
  assert.deepEqual(store.tags(), now);
});

test('a run that was killed before the first tag, or after the last one, leaves nothing to do', async (t) => {
  for (const which of ['old', 'now'] as const) {
    const killed = await makeKilled(t);
    for (const build of ['a', 'b', 'c']) killed.point(build, killed[which]);
    const next = await killed.world.bake({ builds: ['a'] });
    assertOk(next);
    assert.deepEqual(codesOf(next), []);
    assert.deepEqual(await intentFiles(killed.world), []);
  }
});

test('names with a sensitive value in them are not written down', async (t) => {
  const bench = await makeFakeBench(
    t,
    'publish: together\nvars: { S: { default: swordfish, sensitive: true } }\n',
  );
  const { world } = bench;
  const yaml = await readFile(path.join(world.dir, 'builds.yaml'), 'utf8');
  await world.write({ 'builds.yaml': yaml.replaceAll(':dev"', ':dev-${{ vars.S }}"') });
  const held = world.registry.fault({
    from: 'bake-ts',
    method: 'PUT',
    path: '/app/b/manifests/dev-swordfish',
    nth: 1,
    act: { kind: 'hold' },
  });
  const running = world.bake();
  await held.reached;
  assert.deepEqual(await intentFiles(world), []);
  held.release();
  assertOk(await running);
});

test('where it cannot be written down, that is said, and the tags move', async (t) => {
  const { world } = await makeFakeBench(t, 'publish: together\n');
  await mkdir(path.join(world.home, 'state'), { recursive: true });
  await writeFile(path.join(world.home, 'state/publishing'), 'in the way');
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(codesOf(baked), ['warning state/not-written']);
  assert.equal(Object.keys(world.registry.store.tags()).filter((tag) => tag.endsWith(':dev')).length, 3);
});

test('what is written down and damaged is no intent', async (t) => {
  const dir = await makeTempDir(t, 'intents-');
  const intents = new PublishIntents(dir, '/project');
  const ref = { registry: 'r.example', repository: 'app', tag: 'dev' };
  const source = { registry: 'r.example', repository: 'app', digest: `sha256:${'a'.repeat(64)}` as const };
  const noted = await intents.write([{ build: 'x', ref, from: undefined, source }], undefined, '2024');
  assert('file' in noted);
  const text = await readFile(noted.file, 'utf8');
  const [one, ...more] = await intents.read();
  assert.deepEqual([one?.moves, more], [[{ build: 'x', ref, source }], []]);
  const other = new PublishIntents(dir, '/other');
  assert.deepEqual(await other.read(), []);
  for (const damaged of [
    '{',
    'null',
    '{}',
    text.replace('"tag":"dev"', '"tag":1'),
    text.replace('"registry":"r.example"', '"registry":"R E"'),
    text.replace(/sha256:a+/, 'sha256:1'),
    text.replace('"build":"x"', '"build":1'),
    text.replace('"startedAt":"2024"', '"startedAt":2024'),
  ]) {
    await writeFile(noted.file, damaged);
    assert.deepEqual(await intents.read(), [], damaged);
  }
  // Whose it was is not needed to go on.
  for (const owner of ['null', '1', '{}', '{"pid":"x"}', '[]']) {
    await writeFile(noted.file, text.replace('{', `{"owner":${owner},`));
    const [read] = await intents.read();
    assert.deepEqual([read?.owner, read?.moves.length], [undefined, 1], owner);
  }
  await writeFile(noted.file, text.replace('"moves":[', '"moves":[null,1,'));
  assert.equal((await intents.read()).length, 1);
  await writeFile(noted.file, text);
  assert.equal((await intents.read()).length, 1);
  await intents.remove(noted);
  assert.deepEqual(await intents.read(), []);
});
