/**
 * Somebody who may push to one repository, and to no other, writes records there. A machine that knows nothing may be made
 * to build by that, and never to believe: no tag of another image moves, and none that is wrong is called unchanged.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { assertOk, type Baked, type BakeHere, codesOf } from '../rig/baking.ts';
import { kindsText, rowTree, SAME } from '../rig/failure-bench.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { accessTo, type FakeWorld, makeBase, makeFakeWorld } from '../rig/fake-world.ts';
import { type AnyRecord, putDocument, putShared, sharedIn } from '../rig/shared-records.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const ALL_BUILT = 'a built, b built, c built';

/** Bakes where nothing is remembered, neither by the machine nor by its engine. */
async function bakeFresh(t: Cleanup, world: FakeWorld, options: BakeHere = {}): Promise<Baked> {
  return world.bake({ ...options, engine: new FakeEngine(), home: await makeTempDir(t, 'world-fresh-') });
}

/** The records of a build, by what its file held. */
interface Known {
  readonly old: AnyRecord;
  readonly now: AnyRecord;
}

/** Three images (b is based on a), built with old files and then with new ones; every tag is at the new one. */
async function makeTwice(t: Cleanup, dockerfileOfB?: string) {
  const bench = await makeFakeBench(t, 'record: registry\n');
  const { world } = bench;
  if (dockerfileOfB !== undefined) await world.write({ 'b/Dockerfile': dockerfileOfB });
  const { store } = world.registry;
  assertOk(await world.bake());
  const before = new Map(['a', 'b', 'c'].map((name) => [name, sharedIn(store, `app/${name}`)]));
  await world.write({ 'a/file': 'new a\n', 'b/file': 'new b\n', 'c/file': 'new c\n' });
  assertOk(await world.bake());
  const recordOf = (build: string): Known => {
    const [old] = (before.get(build) ?? []).filter((one) => one['build'] === build);
    const now = sharedIn(store, `app/${build}`).find(
      (one) => one['build'] === build && one['key'] !== old?.['key'],
    );
    assert(old !== undefined && now !== undefined);
    return { old, now };
  };
  return { bench, world, store, before, recordOf };
}

/** An image that nobody built, put into a repository. */
function putEvil(world: FakeWorld, repository: string, tag: string): string {
  const { top, images } = makeBase('evil');
  for (const { config } of images) world.registry.store.putBlob(repository, config.bytes);
  return world.registry.store.putManifest(repository, tag, top).digest;
}

test('without a forgery, a machine that knows nothing has nothing to do', async (t) => {
  const { world, bench } = await makeTwice(t);
  const fresh = await bakeFresh(t, world);
  assert.equal(kindsText(fresh), SAME);
  assert.deepEqual(codesOf(fresh), []);
  await bench.assertTrue();
});

type Twice = Awaited<ReturnType<typeof makeTwice>>;

/** What the attacker writes beside a, and how a fresh run ends. */
const FORGERIES: readonly (readonly [name: string, forge: (twice: Twice) => void, kinds: string])[] = [
  [
    'beside a, that the inputs of b and c gave their old images',
    ({ store, recordOf }) =>
      putShared(store, 'app/a', [
        ...sharedIn(store, 'app/a'),
        { ...recordOf('b').now, digest: recordOf('b').old['digest'], finishedAt: '2026-01-01T00:00:00.000Z' },
        { ...recordOf('c').now, digest: recordOf('c').old['digest'], finishedAt: '2026-01-01T00:00:00.000Z' },
      ]),
    SAME,
  ],
  [
    'that the inputs of a gave its old image',
    ({ store, recordOf }) =>
      putShared(store, 'app/a', [{ ...recordOf('a').now, digest: recordOf('a').old['digest'] }]),
    'a built, b unchanged, c unchanged',
  ],
  [
    'that the inputs of a gave its old image, at which its tag points',
    ({ world, store, recordOf }) => {
      const old = world.registry.store.manifest('app/a', String(recordOf('a').old['digest']));
      assert(old !== undefined);
      store.putManifest('app/a', 'dev', old);
      putShared(store, 'app/a', [
        { ...recordOf('a').now, digest: old.digest, platforms: recordOf('a').old['platforms'] },
      ]);
    },
    'a built, b unchanged, c unchanged',
  ],
  [
    'that the inputs of a gave an image of the attacker, at which its tag points',
    ({ world, store, recordOf }) => {
      const digest = putEvil(world, 'app/a', 'dev');
      putShared(store, 'app/a', [
        { ...recordOf('a').now, digest, platforms: [{ platform: 'linux/amd64', digest }] },
      ]);
    },
    'a built, b unchanged, c unchanged',
  ],
  [
    'other manifests of the platforms of a',
    ({ store, recordOf }) => {
      const { now, old } = recordOf('a');
      putShared(store, 'app/a', [{ ...now, platforms: old['platforms'] }]);
    },
    'a built, b unchanged, c unchanged',
  ],
  [
    'no platforms of a',
    ({ store, recordOf }) => putShared(store, 'app/a', [{ ...recordOf('a').now, platforms: [] }]),
    'a built, b unchanged, c unchanged',
  ],
  [
    'references of a elsewhere',
    ({ world, store, recordOf }) => {
      const refs = [`${world.registry.host}/elsewhere/a:dev`];
      putShared(store, 'app/a', [{ ...recordOf('a').now, refs, vouchedBy: ['x'], sharedWith: ['x'] }]);
    },
    SAME,
  ],
  [
    'the records as they were before',
    ({ store, before }) => putShared(store, 'app/a', before.get('a') ?? []),
    'a built, b unchanged, c unchanged',
  ],
  [
    'a record from the future',
    ({ store, recordOf }) =>
      putShared(store, 'app/a', [{ ...recordOf('a').now, finishedAt: '2999-01-01T00:00:00.000Z' }]),
    'a built, b unchanged, c unchanged',
  ],
  [
    'no artifact',
    ({ store }) => assert(store.deleteManifest('app/a', 'bake-records')),
    'a built, b unchanged, c unchanged',
  ],
  [
    'another artifact',
    ({ store }) => {
      store.putManifest('app/a', 'bake-records', makeBase('x').top);
    },
    'a built, b unchanged, c unchanged',
  ],
];

for (const [name, forge, kinds] of FORGERIES) {
  test(`forged: ${name}`, async (t) => {
    const twice = await makeTwice(t);
    const { world, bench } = twice;
    const others = () => Object.entries(world.registry.store.tags()).filter(([tag]) => /[bc]:dev$/.test(tag));
    const before = others();
    forge(twice);
    world.registry.forget();
    const fresh = await bakeFresh(t, world);
    assertOk(fresh);
    assert.equal(kindsText(fresh), kinds);
    assert.deepEqual(others(), before);
    assert.deepEqual(
      world.registry.requests.filter(({ path }) => path.includes('elsewhere')),
      [],
    );
    await bench.assertTrue();
  });
}

test('an image that only its own repository vouches for is no base of another build', async (t) => {
  const { world, store, recordOf } = await makeTwice(t);
  const digest = putEvil(world, 'app/a', 'dev');
  putShared(store, 'app/a', [
    { ...recordOf('a').now, digest, platforms: [{ platform: 'linux/amd64', digest }] },
  ]);
  // b is to be built, and would be built on it.
  await world.write({ 'b/file': 'newer b\n' });
  const home = await makeTempDir(t, 'world-fresh-');
  const engine = new FakeEngine();
  // Whoever may push beside a may say what a is, of a alone. That this machine saw it so is no proof for b either.
  const alone = await world.bake({ home, engine, builds: ['a'] });
  assert.equal(kindsText(alone), 'a unchanged');
  assert.equal(alone.outcome('a').digest, digest);
  const all = await world.bake({ home, engine });
  assertOk(all);
  assert.equal(kindsText(all), 'a built, b built, c unchanged');
  assert.equal(all.outcome('a').digest, recordOf('a').now['digest']);
});

test('other layers of a parent do not bring back what was copied of it', async (t) => {
  const { bench, world, store, recordOf } = await makeTwice(t, 'FROM scratch\nCOPY --from=a /a /b\n');
  const { now, old } = recordOf('a');
  const layersOf = (one: AnyRecord) => (one['platforms'] as readonly AnyRecord[]).map(({ layers }) => layers);
  assert.notDeepEqual(layersOf(now), layersOf(old));
  const platforms = (now['platforms'] as readonly AnyRecord[]).map((one, at) => ({
    ...one,
    layers: layersOf(old)[at],
  }));
  putShared(store, 'app/a', [{ ...now, platforms }]);
  // What b was, under the key that it would have with these layers, is what the attacker wants back.
  const tags = store.tags();
  const fresh = await bakeFresh(t, world);
  assertOk(fresh);
  assert.equal(fresh.outcome('b').digest, recordOf('b').now['digest']);
  assert.deepEqual(store.tags()['app/b:dev'], tags['app/b:dev']);
  await bench.assertTrue();
});

test('what was built in a run without what is based on it is built again where that is to vouch for it', async (t) => {
  const { world, bench } = await makeTwice(t);
  await world.write({ 'a/file': 'newer a\n' });
  assertOk(await bakeFresh(t, world, { builds: ['a'] }));
  const alone = await bakeFresh(t, world, { builds: ['a'] });
  assert.equal(kindsText(alone), 'a unchanged');
  const all = await bakeFresh(t, world);
  assert.equal(kindsText(all), 'a built, b built, c unchanged');
  assert.equal(kindsText(await bakeFresh(t, world)), SAME);
  await bench.assertTrue();
});

test('of an image in two repositories both have to say the same', async (t) => {
  const tree = (host: string) => ({
    'builds.yaml': `record: registry
builds:
  x: { context: ., push: true, tags: ["${host}/one/x:dev", "${host}/two/x:dev"] }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'x\n',
  });
  const world = await makeFakeWorld(t, tree, { lax: true });
  const { store } = world.registry;
  assertOk(await world.bake());
  const [old] = sharedIn(store, 'one/x');
  await world.write({ file: 'new x\n' });
  assertOk(await world.bake());
  assert.deepEqual(sharedIn(store, 'one/x'), sharedIn(store, 'two/x'));
  assert.equal(kindsText(await bakeFresh(t, world)), 'x unchanged');
  const tags = store.tags();
  const [now] = sharedIn(store, 'two/x').filter(({ key }) => key !== old?.['key']);
  putShared(store, 'one/x', [{ ...now, digest: old?.['digest'], platforms: old?.['platforms'] }]);
  const fresh = await bakeFresh(t, world);
  assert.equal(kindsText(fresh), 'x built');
  assert.deepEqual(store.tags()['two/x:dev'], tags['two/x:dev']);
  assert.deepEqual(store.tags()['one/x:dev'], tags['one/x:dev']);
});

test('a tag that was moved is put back by whoever built the image, and built again by others', async (t) => {
  const { world, store, recordOf } = await makeTwice(t);
  const old = store.manifest('app/c', String(recordOf('c').old['digest']));
  assert(old !== undefined);
  store.putManifest('app/c', 'dev', old);
  const fresh = await bakeFresh(t, world);
  assert.equal(kindsText(fresh), 'a unchanged, b unchanged, c built');
  assert.equal(fresh.outcome('c').reason?.code, 'tags-moved');
  assert.match(fresh.outcome('c').reason?.text ?? '', /only known from a registry/);
  assert.equal(store.tags()['app/c:dev'], recordOf('c').now['digest']);
  store.putManifest('app/c', 'dev', old);
  const here = await world.bake();
  assert.equal(kindsText(here), 'a unchanged, b unchanged, c retagged');
  // A tag that is missing is nobody's: it is put.
  store.deleteManifest('app/c', 'dev');
  assert.equal(kindsText(await bakeFresh(t, world)), 'a unchanged, b unchanged, c retagged');
});

/** What of a document is no record: nothing is believed of it, and it takes little time and memory. */
const DOCUMENTS: readonly (readonly [name: string, edit: (record: AnyRecord) => AnyRecord])[] = [
  ['a digest that is none', (one) => ({ ...one, digest: 'sha256:1' })],
  ['a digest of another kind', (one) => ({ ...one, digest: `sha512:${'a'.repeat(128)}` })],
  ['a key that is none', (one) => ({ ...one, key: `${one['key']}0` })],
  ['a name with a control character', (one) => ({ ...one, build: 'a\u001b[2J' })],
  ['a long name', (one) => ({ ...one, build: 'a'.repeat(257) })],
  ['no name', (one) => ({ ...one, build: undefined })],
  ['a media type with a control character', (one) => ({ ...one, mediaType: 'a\n' })],
  ['a negative size', (one) => ({ ...one, sizeBytes: -1 })],
  ['a size that is text', (one) => ({ ...one, sizeBytes: '1' })],
  ['a time that is none', (one) => ({ ...one, finishedAt: '2024-13-01T00:00:00.000Z' })],
  ['another form of time', (one) => ({ ...one, finishedAt: 'yesterday' })],
  ['a duration of a year', (one) => ({ ...one, durationMs: 365 * 24 * 3_600_000 })],
  ['a duration that is no number', (one) => ({ ...one, durationMs: null })],
  ['more steps cached than there are', (one) => ({ ...one, steps: { total: 1, cached: 2 } })],
  ['no steps', (one) => ({ ...one, steps: [] })],
  [
    'a platform that is none',
    (one) => ({ ...one, platforms: [{ platform: '\u0007', digest: one['digest'] }] }),
  ],
  ['a platform without a digest', (one) => ({ ...one, platforms: [{ platform: 'linux/amd64' }] })],
  [
    'layers that are none',
    (one) => ({ ...one, platforms: [{ platform: 'linux/amd64', digest: one['digest'], layers: 'x' }] }),
  ],
  [
    'very many platforms',
    (one) => ({
      ...one,
      platforms: Array.from({ length: 65 }, () => ({ platform: 'linux/amd64', digest: one['digest'] })),
    }),
  ],
];

test('a record that is not exactly as it is written here is none', async (t) => {
  const { world, store, recordOf } = await makeTwice(t);
  const { now } = recordOf('c');
  putShared(store, 'app/c', [now]);
  assert.equal((await bakeFresh(t, world, { builds: ['c'] })).outcome('c').kind, 'unchanged');
  for (const [name, edit] of DOCUMENTS) {
    putShared(store, 'app/c', [edit(now)]);
    const fresh = await bakeFresh(t, world, { builds: ['c'] });
    assertOk(fresh);
    assert.equal(fresh.outcome('c').kind, 'built', name);
  }
});

test('what is large, deep or not what it says is not believed, and takes little time', async (t) => {
  const { world, store, recordOf } = await makeTwice(t);
  const { now } = recordOf('c');
  const good = gzipSync(JSON.stringify({ version: 1, records: [now] }));
  const embedded = (bytes: Uint8Array) => ({ data: Buffer.from(bytes).toString('base64') });
  const rows: readonly (readonly [string, () => void])[] = [
    ['a bomb', () => putDocument(store, 'app/c', gzipSync(Buffer.alloc(512 * 1024 * 1024)))],
    [
      'a deep document',
      () => putDocument(store, 'app/c', gzipSync(`{"version":1,"records":${'['.repeat(900_000)}`)),
    ],
    [
      'fifteen thousand records before it',
      () => {
        const many = Array.from({ length: 15_000 }, (_, at) => ({ at }));
        putDocument(store, 'app/c', gzipSync(JSON.stringify({ version: 1, records: [...many, now] })));
      },
    ],
    ['other embedded bytes', () => putDocument(store, 'app/c', gzipSync('{}'), embedded(good))],
    [
      'an embedded document of another size',
      () => putDocument(store, 'app/c', good, { size: 1, ...embedded(good) }),
    ],
    [
      'a blob that is not there',
      () => {
        putDocument(store, 'app/c', good);
        const found = store.manifest('app/c', 'bake-records');
        const { config } = JSON.parse(found?.bytes.toString() ?? '') as { config: { digest: string } };
        store.deleteBlob('app/c', config.digest);
      },
    ],
  ];
  for (const [name, forge] of rows) {
    forge();
    const startedAt = process.cpuUsage();
    const fresh = await bakeFresh(t, world, { builds: ['c'] });
    const { user, system } = process.cpuUsage(startedAt);
    // An embedded document that is not right is none; what lies beside it is.
    const expected = name === 'an embedded document of another size' ? 'unchanged' : 'built';
    assert.equal(fresh.outcome('c').kind, expected, name);
    assert(user + system < 10_000_000, `${name}: ${user + system} µs`);
  }
});

const KEY = 'k'.repeat(32);
const OTHER_KEY = 'o'.repeat(32);

/** A set with its records in one place. */
async function makeSigned(t: Cleanup) {
  const bench = await makeFakeBench(t);
  const { world } = bench;
  const { host, store } = world.registry;
  const yaml = rowTree(host, `record: ${host}/all/records\n`);
  await world.write({ 'builds.yaml': yaml['builds.yaml'] ?? '' });
  const env = (key: string | undefined): BakeHere => ({ env: { BAKE_TS_RECORD_KEY: key } });
  return { bench, world, store, env };
}

test('records in a place of their own count with a signature, and only with a right one', async (t) => {
  const { bench, world, store, env } = await makeSigned(t);
  assertOk(await world.bake(env(KEY)));
  const signed = sharedIn(store, 'all/records');
  assert.equal(signed.length, 3);
  assert.doesNotMatch(JSON.stringify(signed), new RegExp(KEY));
  assert.equal(kindsText(await bakeFresh(t, world, env(KEY))), SAME);
  await world.write({ 'c/file': 'new c\n' });
  assertOk(await world.bake(env(KEY)));
  const [now] = sharedIn(store, 'all/records').filter((one) => !signed.some(({ key }) => key === one['key']));
  const old = signed.find(({ build }) => build === 'c');
  assert(now !== undefined && old !== undefined);
  const others = signed.filter(({ build }) => build !== 'c');
  const forgeries: readonly AnyRecord[] = [
    { ...now, signature: undefined },
    { ...now, signature: 'f'.repeat(64) },
    { ...now, signature: 1 },
    { ...now, digest: old['digest'] },
    { ...now, digest: old['digest'], signature: old['signature'] },
    { ...now, platforms: old['platforms'] },
    { ...old, key: now['key'] },
    { ...now, build: 'a' },
  ];
  for (const forged of forgeries) {
    putShared(store, 'all/records', [...others, forged]);
    const fresh = await bakeFresh(t, world, env(KEY));
    assert.equal(kindsText(fresh), 'a unchanged, b unchanged, c built', JSON.stringify(forged));
    assert.deepEqual(
      sharedIn(store, 'all/records')
        .map(({ build, digest }) => [build, digest])
        .filter(([build]) => build === 'c'),
      [['c', now['digest']]],
    );
  }
  await bench.assertTrue();
});

test('a record without a right signature is told of, and with one a moved tag is put back', async (t) => {
  const { world, store, env } = await makeSigned(t);
  assertOk(await world.bake(env(KEY)));
  const [a, b, c] = sharedIn(store, 'all/records');
  assert(a !== undefined && b !== undefined && c !== undefined);
  putShared(store, 'all/records', [a, b, { ...c, signature: undefined }]);
  const told = await bakeFresh(t, world, env(KEY));
  assert.deepEqual(codesOf(told), []);
  putShared(store, 'all/records', [a, b, c, { ...c, key: '0'.repeat(64), signature: undefined }]);
  const unsigned = await bakeFresh(t, world, env(KEY));
  assert.equal(kindsText(unsigned), SAME);
  assert.deepEqual(codesOf(unsigned), ['warning run/records-not-trusted']);
  putEvil(world, 'app/c', 'dev');
  const moved = await bakeFresh(t, world, env(KEY));
  assert.equal(kindsText(moved), 'a unchanged, b unchanged, c retagged');
});

test('without the key records in a place of their own are neither read nor written, which is said', async (t) => {
  const { world, store, env } = await makeSigned(t);
  assertOk(await world.bake(env(KEY)));
  world.registry.forget();
  const fresh = await bakeFresh(t, world);
  assert.equal(kindsText(fresh), ALL_BUILT);
  assert.deepEqual(codesOf(fresh), ['warning run/records-not-trusted']);
  assert.deepEqual(
    world.registry.requests.filter(({ path }) => path.includes('all/records')),
    [],
  );
  // Of another machine with another key.
  const other = await bakeFresh(t, world, env(OTHER_KEY));
  assert.equal(kindsText(other), ALL_BUILT);
  // Both keys: the first one signs, both prove.
  const both = await bakeFresh(t, world, env(`${KEY}, ${OTHER_KEY}`));
  assert.equal(kindsText(both), SAME);
  assert.equal(sharedIn(store, 'all/records').length, 3);
});

test('a key that is too short, and a third one, stop the run and are not shown', async (t) => {
  const { world, env } = await makeSigned(t);
  for (const key of ['short-key-of-somebody', `${KEY},${OTHER_KEY},${KEY}`, `${KEY},`]) {
    const baked = await world.bake(env(key));
    assert.deepEqual(codesOf(baked), ['run/bad-record']);
    assert.doesNotMatch(JSON.stringify(baked.summary), /short-key|kkkk/);
    assert.equal(baked.summary.buildctlCalls, 0);
  }
});

test('the key is hidden in output, and no engine gets it', async (t) => {
  const { world, env } = await makeSigned(t);
  const access = accessTo(world.engine);
  const seen: unknown[] = [];
  assertOk(
    await world.bake({
      ...env(KEY),
      access: {
        ...access,
        find: (...given) => {
          seen.push(given);
          return access.find(...given);
        },
      },
    }),
  );
  assert.equal(seen.length, 1);
  assert.doesNotMatch(JSON.stringify(seen), new RegExp(KEY));
  await world.write({
    'builds.yaml': `record: ${world.registry.host}/all/records\nbuilds: { a: { context: ${KEY} } }\n`,
  });
  const baked = await world.bake(env(KEY));
  assert.deepEqual(codesOf(baked), ['context/missing']);
  assert.match(JSON.stringify(baked.summary), /does not exist: \(hidden\)/);
  assert.doesNotMatch(JSON.stringify(baked.summary), new RegExp(KEY));
});

test('with the key, records beside images are signed, and one right signature is enough', async (t) => {
  const bench = await makeFakeBench(t, 'record: registry\n');
  const { world } = bench;
  const { store } = world.registry;
  const env = { env: { BAKE_TS_RECORD_KEY: KEY } };
  assertOk(await world.bake(env));
  // Only a's own repository has it, and what is based on a believes it.
  for (const name of ['b', 'c'])
    putShared(
      store,
      `app/${name}`,
      sharedIn(store, `app/${name}`).filter(({ build }) => build === name),
    );
  const alone = sharedIn(store, 'app/b');
  assert.equal(kindsText(await bakeFresh(t, world, env)), SAME);
  // It told b's repository, too.
  assert.equal(sharedIn(store, 'app/b').length, 2);
  putShared(store, 'app/b', alone);
  assert.equal(kindsText(await bakeFresh(t, world)), 'a built, b unchanged, c unchanged');
  const forged = sharedIn(store, 'app/c').map((one) => ({ ...one, steps: { total: 9, cached: 9 } }));
  putShared(store, 'app/c', forged);
  // What is not signed counts as without a key: its repository vouches for it.
  assert.equal(kindsText(await bakeFresh(t, world, env)), SAME);
});
