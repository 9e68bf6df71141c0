/** Whole runs over images of many kinds: several registries and platforms, attestations, copied files, layouts, audits. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { assertEvents, kindsText, rowTree, SAME } from '../rig/failure-bench.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';

const reasonOf = (baked: Baked, build: string) => baked.outcome(build).reason;

test('a build for two registries of which one is away is tagged in neither, and heals', async (t) => {
  const second = await startFakeRegistry(t, { lax: true });
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  a: { context: ., push: true, tags: ["${host}/app/a:dev", "${second.host}/copy/a:dev"] }
`,
      Dockerfile: 'FROM scratch\nCOPY file /\n',
      file: 'a\n',
    }),
    { lax: true },
  );
  second.fault({ from: 'engine', act: { kind: 'cut' } });
  const failed = await world.bake();
  assert.deepEqual(codesOf(failed), ['registry/unreachable of a']);
  assert.deepEqual({ ...world.registry.store.tags(), ...second.store.tags() }, {});
  assert.deepEqual(await world.records(), []);
  second.mend();
  const healed = await world.bake();
  assertOk(healed);
  assert.deepEqual(
    healed.outcome('a').tags.map(({ ref, action }) => [ref.slice(ref.indexOf('/')), action]),
    [
      ['/app/a:dev', 'pushed'],
      ['/copy/a:dev', 'pushed'],
    ],
  );
  // A registry that lost everything gets it back from the other one, bytes and all, without a build.
  second.store.clear();
  const back = await world.bake();
  assertOk(back);
  assert.equal(kindsText(back), 'a retagged');
  assert.equal(back.summary.buildctlCalls, 0);
  for (const { store, earlyTags } of [world.registry, second]) {
    assert.deepEqual(store.brokenTags(), []);
    assert.deepEqual(earlyTags, []);
  }
});

test('an index is whole wherever it has a tag: in both repositories, and after a copy', async (t) => {
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  a:
    context: .
    platforms: [linux/amd64, linux/arm64]
    push: true
    tags: ["${host}/app/a:dev", "${host}/app/a:two", "${host}/more/a:dev"]
`,
      Dockerfile: 'FROM scratch\nCOPY file /\nRUN make\n',
      file: 'a\n',
    }),
    { lax: true },
  );
  const { registry } = world;
  const first = await world.bake();
  assertOk(first);
  const [record] = await world.records();
  assert.deepEqual(
    record?.platforms.map(({ platform }) => platform),
    ['linux/amd64', 'linux/arm64'],
  );
  assert(record.platforms.every(({ layers }) => layers !== undefined));
  assert.equal(new Set(Object.values(registry.store.tags())).size, 1);
  registry.store.clear('more/a');
  const again = await world.bake();
  assertOk(again);
  assert.equal(kindsText(again), 'a retagged');
  assert.deepEqual(reasonOf(again, 'a')?.code, 'tags-missing');
  assert.deepEqual(registry.store.brokenTags(), []);
  assert.deepEqual(registry.earlyTags, []);
  registry.store.clear();
  const anew = await world.bake();
  assert.equal(kindsText(anew), 'a built');
  assert.equal(reasonOf(anew, 'a')?.code, 'image-gone');
});

test('a tag that somebody moved is put back', async (t) => {
  const bench = await makeFakeBench(t);
  const { store } = bench.world.registry;
  assertOk(await bench.bake());
  const wanted = await bench.tagOf('c');
  const other = store.manifest('base', '1');
  assert(other !== undefined);
  store.putManifest('app/c', 'dev', other);
  const baked = await bench.bake();
  assert.equal(kindsText(baked), 'a unchanged, b unchanged, c retagged');
  assert.equal(reasonOf(baked, 'c')?.code, 'tags-moved');
  assert.equal(await bench.tagOf('c'), wanted);
});

test('another index of the same images is left where another machine put it', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `builds:
  a: { context: ., attest: ["type=provenance"], push: true, tags: ["${host}/app/a:dev"] }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  }));
  assertOk(await world.bake());
  const first = world.registry.store.tags();
  assertOk(await world.bake({ force: true, home: `${world.home}-other` }));
  assert.notDeepEqual(world.registry.store.tags(), first);
  world.registry.forget();
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a unchanged');
  assert.deepEqual(world.registry.writes(), []);
  // The same attestations of other images are not.
  const plain = world.registry.store.manifest('app/a', Object.values(first)[0] ?? '');
  assert(plain !== undefined);
  const json = plain.bytes.toString().replace('linux', 'darwin');
  world.registry.store.putManifest('app/a', 'dev', { ...plain, bytes: Buffer.from(json) });
  assert.equal(kindsText(await world.bake()), 'a retagged');
});

test('a build that copies files of another one is built again only where these changed', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `
templates:
  image: { tags: ["${host}/app/\${{ build.name }}:dev"], push: true }
builds:
  tools: { extends: image, context: tools }
  app: { extends: image, context: app, contexts: { tools: "build:tools" } }
`,
    'tools/Dockerfile': 'FROM scratch\nCOPY used /bin/\nCOPY unused /bin/\n',
    'tools/used': 'used\n',
    'tools/unused': 'unused\n',
    'app/Dockerfile': 'FROM scratch\nCOPY --from=tools /bin/used /bin/used\nCOPY file /\n',
    'app/file': 'app\n',
  }));
  assertOk(await world.bake());
  await world.write({ 'tools/unused': 'changed\n' });
  const first = await world.bake();
  assertOk(first);
  assert.equal(kindsText(first), 'tools built, app unchanged');
  assert.equal(kindsText(await world.bake()), 'tools unchanged, app unchanged');
  await world.write({ 'tools/used': 'changed\n' });
  const second = await world.bake();
  assert.equal(kindsText(second), 'tools built, app built');
  const digest = second.outcome('app').digest;
  const forced = await world.bake({ force: true });
  assert.equal(forced.outcome('app').digest, digest);
});

test('results that nobody pushes are read from layouts where the engine keeps no images', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': 'builds:\n  a: { context: a }\n  b: { context: b, contexts: { a: "build:a" } }\n',
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
  }));
  world.engine.worker = 'oci';
  const baked = await world.bake();
  assertOk(baked);
  assert.equal(kindsText(baked), 'a built, b built');
  assertEvents(baked);
  const [, argv = []] = world.engine.builds;
  assert(argv.includes('--oci-layout'));
  assert.equal(world.engine.images.size, 0);
});

test('damaged records are as good as none', async (t) => {
  const bench = await makeFakeBench(t);
  const { home } = bench.world;
  assertOk(await bench.bake());
  for (const dir of ['records', 'last']) {
    const below = path.join(home, 'state', dir);
    for (const file of await readdir(below, { recursive: true }))
      if (file.endsWith('.json')) await writeFile(path.join(below, file), '{"version":1,"ke');
    const baked = await bench.bake();
    assertOk(baked);
    assert.equal(kindsText(baked), dir === 'records' ? 'a built, b built, c built' : SAME);
  }
  await bench.assertTrue();
});

test('an audit proves what was left as it is, and finds what is not so', async (t) => {
  const world = await makeFakeWorld(t, (host) => ({
    ...rowTree(host),
    'a/Dockerfile': 'FROM scratch\nCOPY file /a\nRUN make\n',
  }));
  assertOk(await world.bake());
  const tags = world.registry.store.tags();
  const audit = { size: { kind: 'percent', percent: 100 }, seed: 1 } as const;
  const proved = await world.bake({ audit });
  assertOk(proved);
  assert.deepEqual(
    proved.summary.outcomes.map((outcome) => outcome.audit?.result),
    ['same-bytes', 'same-bytes', 'same-bytes'],
  );
  world.engine.weather = 'rain';
  const found = await world.bake({ audit });
  assert.equal(found.summary.ok, false);
  assert.deepEqual(
    found.summary.outcomes.map((outcome) => outcome.audit?.result),
    ['different', 'same-bytes', 'same-bytes'],
  );
  assert.deepEqual(
    codesOf(found).filter((code) => !code.startsWith('warning')),
    ['run/audit-failed of a'],
  );
  assert.deepEqual(world.registry.store.tags(), tags);
  // What was found to be wrong is forgotten, so the next run builds it, and what is based on it.
  assert.equal(kindsText(await world.bake()), 'a built, b built, c unchanged');
});
