/** Whole runs, from builds.yaml to tags and records, with an engine and a registry within this process. */
import assert from 'node:assert/strict';
import { rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type BuildRecord, fail, problem } from '../../lib/model/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText, lifeOf, rowTree, SAME } from '../rig/failure-bench.ts';
import type { FakeRegistry } from '../rig/fake-registry.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { readLayerEntries } from '../rig/fake-tar.ts';
import { accessTo, type FakeWorld, makeFakeWorld, putBase } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const ALL_BUILT = 'a built, b built, c built';

async function makeThree(t: Cleanup, set?: string): Promise<FakeWorld> {
  const world = await makeFakeWorld(t, (host) => rowTree(host, set), { lax: true });
  putBase(world.registry, 'base', '1', 'one');
  return world;
}

/** What a tag's image holds: path → text. */
function filesOf({ store }: FakeRegistry, repository: string, tag: string): Readonly<Record<string, string>> {
  const manifest = store.manifest(repository, tag);
  assert(manifest !== undefined, `${repository}:${tag} does not exist`);
  const { layers } = JSON.parse(manifest.bytes.toString()) as {
    readonly layers: readonly { readonly digest: string }[];
  };
  return Object.fromEntries(
    layers.flatMap(({ digest }) =>
      readLayerEntries(store.blob(repository, digest) ?? Buffer.alloc(0)).flatMap(
        ({ path: file, content }) => (content === undefined ? [] : [[file, content.toString()]]),
      ),
    ),
  );
}

const reasonOf = (baked: Baked, build: string) => baked.outcome(build).reason;

test('what changed is built with what needs it, and the rest is left as it is', async (t) => {
  const world = await makeThree(t);
  const first = await world.bake();
  assertOk(first);
  assert.equal(kindsText(first), ALL_BUILT);
  assert.deepEqual(filesOf(world.registry, 'app/b', 'dev'), { a: 'a\n', b: 'b\n' });
  assert.equal(lifeOf(first, 'a'), 'KDSTF');
  world.registry.forget();
  const second = await world.bake();
  assert.equal(kindsText(second), SAME);
  assert.deepEqual(world.registry.writes(), []);
  assert.equal(second.summary.buildctlCalls, 0);
  // One look-up for each tag, and one for the base.
  assert.equal(second.summary.registryRequests.reads, 4);
  await world.write({ 'a/file': 'A\n' });
  const third = await world.bake();
  assertOk(third);
  assert.equal(kindsText(third), 'a built, b built, c unchanged');
  assert.deepEqual(reasonOf(third, 'a')?.items, ['context: file changed']);
  assert.deepEqual(filesOf(world.registry, 'app/b', 'dev'), { a: 'A\n', b: 'b\n' });
  await world.write({ 'a/file': 'a\n' });
  const back = await world.bake();
  assert.equal(kindsText(back), 'a retagged, b retagged, c unchanged');
  assert.equal(back.summary.buildctlCalls, 0);
});

test('results that are not pushed are found in the engine, and built again where it lost them', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: a }\n  b: { context: b, contexts: { a: "build:a" } }\n',
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
  }));
  assert.equal(kindsText(await world.bake()), 'a built, b built');
  assert.equal(kindsText(await world.bake()), 'a unchanged, b unchanged');
  await world.write({ 'b/file': 'B\n' });
  assert.equal(kindsText(await world.bake()), 'a unchanged, b built');
  // Another project's names are others.
  const other = await makeTempDir(t, 'world-other-');
  await writeTree(other, {
    'builds.yaml': 'builds:\n  a: { context: a }\n',
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'other\n',
  });
  assert.equal(kindsText(await world.bake({ dir: other })), 'a built');
  assert.equal(kindsText(await world.bake()), 'a unchanged, b unchanged');
  world.engine.loseImages();
  assert.equal(kindsText(await world.bake()), 'a built, b built');
});

test('a parent that the engine lost is built while the build that reads it waits', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: a }\n  b: { context: b, contexts: { a: "build:a" } }\n',
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
  }));
  assertOk(await world.bake({ builds: ['b'] }));
  await world.write({ 'b/file': 'B\n' });
  world.engine.loseImages();
  const baked = await world.bake({ builds: ['b'] });
  assertOk(baked);
  assert.equal(kindsText(baked), 'a built, b built');
  assert.equal(reasonOf(baked, 'a')?.code, 'parent-lost');
  assert.equal(lifeOf(baked, 'b'), 'KDSRSF');
});

test('the size of /dev/shm is part of the key: RUN sees it', async (t) => {
  const set = (size: string) => (host: string) => ({
    'builds.yaml': `builds:\n  a: { context: ., shm-size: ${size}, push: true, tags: ["${host}/app/a:dev"] }\n`,
    Dockerfile: 'FROM scratch\nRUN df /dev/shm\n',
  });
  const world = await makeFakeWorld(t, set('64m'));
  assertOk(await world.bake());
  const before = world.registry.store.tags();
  await world.write(set('128m')(world.registry.host));
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a built');
  assert.notDeepEqual(world.registry.store.tags(), before);
});

test('files that are touched while they are built are not remembered, and built again', async (t) => {
  for (const during of [['new a\n'], ['new a\n', 'a\n']]) {
    const world = await makeThree(t);
    world.engine.fault({
      when: '/a\n',
      at: 'start',
      times: 1,
      act: async () => {
        // The second time, what was there before is put back: the edit may have been sent all the same.
        for (const text of during) await world.write({ 'a/file': text });
      },
    });
    const baked = await world.bake();
    assertOk(baked);
    assert.deepEqual(codesOf(baked), ['warning run/changed-while-building of a']);
    assert.deepEqual(
      (await world.records()).map(({ build }) => build),
      ['b', 'c'],
    );
    const again = await world.bake();
    assert.equal(again.outcome('a').kind, 'built');
    assert.deepEqual(filesOf(world.registry, 'app/a', 'dev'), { a: during.at(-1) });
    assert.equal(kindsText(await world.bake()), SAME);
  }
});

test('a registry that fails is asked four times, an engine that fails for a while three times', async (t) => {
  const world = await makeThree(t);
  world.registry.fault({ method: 'PUT', path: '/app/c/manifests/dev', act: { kind: 'status', status: 503 } });
  world.engine.fault({
    when: '/a\n',
    at: 'start',
    act: { fail: 'error: failed to solve: dial unix /run/containerd.sock: connect: connection refused' },
  });
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['engine/lost of a', 'registry/unavailable of c']);
  const puts = world.registry.writes().filter((line) => line === 'PUT /v2/app/c/manifests/dev 503');
  assert.equal(puts.length, 4);
  assert.equal(world.engine.builds.length, 3 + 1);
  assert.deepEqual(
    baked.events.flatMap((event) => (event.type === 'retry' ? [[event.attempt, event.delayMs]] : [])),
    [
      [1, 1_000],
      [2, 4_000],
    ],
  );
});

test('tags that move together move in the order of the plan, whoever was done first', async (t) => {
  const world = await makeThree(t, 'publish: together\n');
  const done = new Promise<void>((resolve) => {
    world.engine.fault({ when: '/c\n', at: 'end', act: () => resolve() });
  });
  world.engine.fault({ when: '/a\n', at: 'start', act: () => done });
  const baked = await world.bake();
  assertOk(baked);
  const puts = world.registry.requests.filter(
    ({ method, from, path: asked }) => method === 'PUT' && from === 'bake-ts' && asked.endsWith('/dev'),
  );
  assert.deepEqual(
    puts.map(({ path: asked }) => asked),
    ['/v2/app/a/manifests/dev', '/v2/app/b/manifests/dev', '/v2/app/c/manifests/dev'],
  );
  const types = baked.events.map(({ type }) => type);
  assert(types.indexOf('tag') > types.lastIndexOf('node-finished'));
});

test('without an engine nothing is built, and what is in place needs none', async (t) => {
  const world = await makeThree(t);
  const none = problem('engine/none-found', 'there is no engine in this test');
  const access = { ...accessTo(world.engine), find: async () => fail([none]) };
  const first = await world.bake({ access });
  assert.deepEqual(codesOf(first), ['engine/none-found of a', 'engine/none-found of c']);
  assert.equal(kindsText(first), 'a failed, b blocked, c failed');
  assert.equal(first.summary.buildctlCalls, 0);
  assert.deepEqual(await world.records(), []);
  assertOk(await world.bake());
  const unused = { ...access, find: () => assert.fail('nobody needs an engine') };
  assert.equal(kindsText(await world.bake({ access: unused })), SAME);
});

test('a dry run says what would be done and does none of it', async (t) => {
  const world = await makeThree(t);
  assertOk(await world.bake());
  const tags = world.registry.store.tags();
  const records = await world.records();
  world.registry.forget();
  world.engine.forgetCalls();
  await world.write({ 'a/file': 'A\n' });
  const dry = await world.bake({ dryRun: true });
  assert.equal(kindsText(dry), 'a built, b built, c unchanged');
  assert.deepEqual(world.engine.calls, []);
  assert.deepEqual(world.registry.writes(), []);
  assert.deepEqual(world.registry.store.tags(), tags);
  assert.deepEqual(await world.records(), records);
  assert.equal(kindsText(await world.bake()), 'a built, b built, c unchanged');
});

test('an immutable tag is not put where the registry does not say what it is', async (t) => {
  const world = await makeThree(t, 'immutable: ["dev"]\n');
  assertOk(await world.bake());
  await world.write({ 'c/file': 'C\n' });
  world.registry.fault({
    method: 'HEAD',
    path: '/app/c/manifests/dev',
    act: { kind: 'status', status: 403 },
  });
  world.registry.forget();
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['run/immutable-tag']);
  assert.deepEqual(world.registry.writes(), []);
  assert.equal(baked.summary.buildctlCalls, 0);
});

test('a run that is cancelled while immutable tags are looked up, or built on, blames none of them', async (t) => {
  const world = await makeThree(t, 'immutable: ["dev"]\n');
  for (const path of ['/app/c/manifests/dev', '/base/manifests/1']) {
    const controller = new AbortController();
    const run = () => controller.abort();
    world.registry.fault({ method: 'HEAD', path, act: { kind: 'call', run } });
    const baked = await world.bake({ signal: controller.signal });
    assert.deepEqual(codesOf(baked), []);
    assert.equal(kindsText(baked), 'a cancelled, b cancelled, c cancelled');
    world.registry.mend();
    assertOk(await world.bake());
  }
});

test('what fails while immutable tags are checked is said for what it is', async (t) => {
  const world = await makeThree(t, 'immutable: ["dev"]\n');
  assertOk(await world.bake());
  await world.write({ 'c/.dockerignore': '[\n' });
  for (const failFast of [false, true]) {
    const baked = await world.bake({ failFast });
    assert.deepEqual(codesOf(baked), ['dockerfile/ignore-pattern of c']);
    assert.equal(baked.outcome('c').kind, 'failed');
  }
});

test('an immutable tag is not put either where that is not known any more once it is built', async (t) => {
  const world = await makeThree(t, 'immutable: ["dev"]\n');
  const path = '/app/c/manifests/dev';
  world.registry.fault({ method: 'HEAD', path, nth: 2, act: { kind: 'status', status: 403 } });
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['run/immutable-tag of c']);
  assert.deepEqual(Object.keys(world.registry.store.tags()), ['app/a:dev', 'app/b:dev', 'base:1']);
  assertOk(await world.bake());
});

test('two checkouts share results, and each compares with what itself was built from', async (t) => {
  const world = await makeThree(t);
  assertOk(await world.bake());
  const other = await makeTempDir(t, 'world-checkout-');
  await writeTree(other, rowTree(world.registry.host));
  const there = await world.bake({ dir: other });
  assert.equal(kindsText(there), SAME);
  await writeTree(other, { 'c/file': 'other\n', 'c/Dockerfile': 'FROM scratch\nCOPY file /\nLABEL x=y\n' });
  assertOk(await world.bake({ dir: other }));
  await world.write({ 'c/file': 'here\n' });
  assert.deepEqual(reasonOf(await world.bake(), 'c')?.items, ['context: file changed']);
});

/** The records that lie in the registry, by build. */
function sharedRecords({ store }: FakeRegistry): ReadonlyMap<string, BuildRecord> {
  const manifest = store.manifest('app/a', 'bake-records');
  assert(manifest !== undefined, 'there are no records');
  const { config } = JSON.parse(manifest.bytes.toString()) as {
    readonly config: { readonly digest: string };
  };
  const bytes = store.blob('app/a', config.digest) ?? Buffer.alloc(0);
  const { records } = JSON.parse(gunzipSync(bytes).toString()) as {
    readonly records: readonly BuildRecord[];
  };
  return new Map(records.map((record) => [record.build, record]));
}

test('of two memories of the same build the newer one counts', async (t) => {
  // Attestations make another index of the same images each time.
  const tree = (host: string) => ({
    'builds.yaml': `record: registry
builds:
  a: { context: ., attest: ["type=provenance"], push: true, tags: ["${host}/app/a:dev"] }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  });
  const world = await makeFakeWorld(t, tree);
  const { registry } = world;
  const elsewhere = await makeTempDir(t, 'world-elsewhere-');
  // Here it is built first, and cannot be told to others.
  const shut = registry.fault({ method: 'PUT', path: 'bake-records', act: { kind: 'status', status: 403 } });
  const here = await world.bake();
  assert.deepEqual(codesOf(here), ['warning run/records-not-shared']);
  shut.remove();
  const there = await world.bake({ home: elsewhere });
  assertOk(there);
  const older = here.outcome('a').digest;
  const newer = there.outcome('a').digest;
  assert.notEqual(older, newer);
  assert.equal(sharedRecords(registry).get('a')?.digest, newer);
  registry.forget();
  const again = await world.bake();
  assert.equal(kindsText(again), 'a unchanged');
  assert.deepEqual(registry.writes(), []);
  // The other way round: what is built later takes the place of what the registry has.
  const later = await world.bake({ force: true });
  assertOk(later);
  assert.equal(sharedRecords(registry).get('a')?.digest, later.outcome('a').digest);
});

test('a damaged blob does not get under its digest in another registry', async (t) => {
  const second = await startFakeRegistry(t, { lax: true });
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  a: { context: ., push: true, tags: ["${host}/app/a:dev", "${second.host}/app/a:dev"] }
`,
      Dockerfile: 'FROM scratch\nCOPY file /\n',
      file: 'a\n',
    }),
    { lax: true },
  );
  assertOk(await world.bake());
  assert.deepEqual(second.store.tags(), world.registry.store.tags());
  const manifest = second.store.manifest('app/a', 'dev');
  assert(manifest !== undefined);
  const { layers } = JSON.parse(manifest.bytes.toString()) as {
    readonly layers: readonly { readonly digest: `sha256:${string}` }[];
  };
  const [layer] = layers;
  assert(layer !== undefined);
  // The second registry loses all of it, and the first one's disk flips a bit.
  second.store.deleteManifest('app/a', manifest.digest);
  for (const digest of [layer.digest]) second.store.deleteBlob('app/a', digest);
  const bytes = Buffer.from(world.registry.store.blob('app/a', layer.digest) ?? []);
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
  world.registry.store.putBlob('app/a', bytes, layer.digest);
  const baked = await world.bake();
  assert.deepEqual(codesOf(baked), ['registry/bad-digest of a']);
  assert.deepEqual(second.store.wrongBlobs(), []);
  assert.deepEqual(second.store.tags(), {});
});

test('files that an engine would mistake for others are built apart from them', async (t) => {
  const world = await makeThree(t);
  const same = new Date(1_700_000_000_000);
  const touch = (dir: string) => utimes(path.join(world.dir, dir, 'file'), same, same);
  await Promise.all(['a', 'b', 'c'].map(touch));
  const baked = await world.bake();
  assertOk(baked);
  assert.deepEqual(filesOf(world.registry, 'app/b', 'dev'), { a: 'a\n', b: 'b\n' });
  assert.deepEqual(filesOf(world.registry, 'app/c', 'dev'), { file: 'c\n' });
});

test('a build that pushes and tells no digest has failed', async (t) => {
  const world = await makeThree(t);
  world.engine.fault({
    when: '/a\n',
    at: 'end',
    act: ({ argv }) => rm(argv[argv.indexOf('--metadata-file') + 1] ?? ''),
  });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a failed, b blocked, c built');
  assert.deepEqual(codesOf(baked), ['build/failed of a']);
  const { problem } = baked.outcome('a');
  assert.match(problem?.message ?? '', /did not report what it pushed/);
  assert.equal(problem?.build, 'a');
});
