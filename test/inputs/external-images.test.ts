/** External images: looked up once, locked, pinned, and read once for each digest and platform. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExternalImages } from '../../lib/inputs/mod.ts';
import { type Digest, type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClient } from '../../lib/registry/mod.ts';
import { StateStore } from '../../lib/state/mod.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const B = `sha256:${'b'.repeat(64)}` as const;
const A = `sha256:${'a'.repeat(64)}` as const;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

interface World {
  readonly registry: FakeRegistry;
  /** Images of a run, on a machine that remembers what was in `home`. */
  readonly open: (locked?: Digest, home?: string) => ExternalImages;
  readonly home: string;
}

async function makeWorld(t: Cleanup): Promise<World> {
  const registry = await startFakeRegistry(t, { lax: true });
  const home = await makeTempDir(t, 'images-');
  const open = (locked?: Digest, dir = home) => {
    const client = createRegistryClient({ env: {}, sleep: async () => undefined });
    t.after(() => client.close());
    const lockedDigest = ({ repository }: ImageRef) => (repository === 'locked' ? locked : undefined);
    return new ExternalImages(client, new StateStore(dir, '/project'), lockedDigest);
  };
  return { registry, open, home };
}

/** Puts an image whose config is this text. */
function putImage({ registry: { store } }: World, repository: string, tag: string, config: string): Digest {
  const bytes = Buffer.from(config);
  const digest = store.putBlob(repository, bytes);
  const json = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest, size: bytes.length },
    layers: [],
  };
  return store.putManifest(repository, tag, { mediaType: MANIFEST, bytes: Buffer.from(JSON.stringify(json)) })
    .digest;
}

const configOf = (os: string, architecture: string, config?: object, variant?: string) =>
  JSON.stringify({ os, architecture, ...(variant === undefined ? {} : { variant }), config });

test('an image is what its tag stands for, asked once in a run', async (t) => {
  const world = await makeWorld(t);
  const { registry } = world;
  const digest = putImage(world, 'base', '1', configOf('linux', 'amd64'));
  const latest = putImage(world, 'base', 'latest', configOf('linux', 'arm64'));
  const images = world.open();
  assert.deepEqual(await images.lookUp(`${registry.host}/base:1`), { kind: 'known', digest });
  assert.deepEqual(await images.lookUp(`${registry.host}/base`), { kind: 'known', digest: latest });
  const asked = registry.lines().length;
  await images.lookUp(`${registry.host}/base:1`);
  assert.equal(registry.lines().length, asked);
  assert.deepEqual(await images.lookUp(`${registry.host}/none:1`), {
    kind: 'image',
    why: `${registry.host}/none:1 is not in its registry`,
  });
  registry.fault({ method: 'HEAD', path: '/away/', act: { kind: 'status', status: 403 } });
  registry.fault({ method: 'GET', path: '/away/', act: { kind: 'status', status: 403 } });
  const away = await images.lookUp(`${registry.host}/away:1`);
  assert(away.kind === 'image');
  assert.match(away.why, /\/away:1 cannot be resolved: ./);
  assert.deepEqual(await images.lookUp('NO'), {
    kind: 'image-name',
    why: '`NO` is not a valid image reference',
  });
});

test('a digest that is written or locked is taken without asking', async (t) => {
  const { registry, open } = await makeWorld(t);
  const images = open(A);
  assert.deepEqual(await images.lookUp(`${registry.host}/base:1@${A}`), { kind: 'known', digest: A });
  assert.deepEqual(await images.lookUp(`${registry.host}/locked:1`), { kind: 'known', digest: A });
  assert.deepEqual(registry.lines(), []);
});

test('what an image says is read once for its digest and platform, ever', async (t) => {
  const world = await makeWorld(t);
  const { registry, open } = world;
  const config = configOf('linux', 'arm', { Env: ['A=b'], OnBuild: ['RUN x'] }, 'v7');
  const digest = putImage(world, 'base', '1', config);
  const written = `${registry.host}/base:1`;
  const facts = { env: ['A=b'], onbuild: ['RUN x'], platforms: ['linux/arm/v7'] };
  const images = open();
  assert.deepEqual(await images.factsOf(written, digest, 'linux/arm/v7'), facts);
  // By digest, whatever the tag is by now.
  assert.deepEqual(
    registry.lines().filter((line) => line.includes('/manifests/1')),
    [],
  );
  const asked = registry.lines().length;
  await images.factsOf(written, digest, 'linux/arm/v7');
  assert.equal(registry.lines().length, asked);
  // Another run on this machine does not ask either.
  registry.forget();
  assert.deepEqual(await open().factsOf(written, digest, 'linux/arm/v7'), facts);
  assert.deepEqual(registry.lines(), []);
  // For another platform it is another question.
  await open().factsOf(written, digest, 'linux/amd64');
  assert.notDeepEqual(registry.lines(), []);
});

test('a memory that does not name platforms is read again', async (t) => {
  const world = await makeWorld(t);
  const digest = putImage(world, 'base', '1', configOf('linux', 'amd64', { Env: ['A=new'] }));
  const state = new StateStore(world.home, '/project');
  await state.writeImageFacts(digest, 'linux/amd64', { env: ['A=old'], onbuild: [] });
  const facts = await world.open().factsOf(`${world.registry.host}/base:1`, digest, 'linux/amd64');
  assert.deepEqual(facts, { env: ['A=new'], onbuild: [], platforms: ['linux/amd64'] });
  assert.deepEqual(await state.readImageFacts(digest, 'linux/amd64'), facts);
});

test('configs without settings, or that cannot be read', async (t) => {
  const world = await makeWorld(t);
  const none = { env: [], onbuild: [] };
  const rows: readonly (readonly [string, object | undefined])[] = [
    [configOf('linux', 'amd64'), { ...none, platforms: ['linux/amd64'] }],
    [configOf('linux', 'amd64', {}), { ...none, platforms: ['linux/amd64'] }],
    [configOf('linux', 'amd64', { Env: null, OnBuild: null }), { ...none, platforms: ['linux/amd64'] }],
    [configOf('linux', 'amd64', { Env: {} }), undefined],
    [configOf('linux', 'amd64', { Env: 'A=b' }), undefined],
    [configOf('linux', 'amd64', { OnBuild: [1] }), undefined],
    ['['.repeat(100_000), undefined],
    [configOf('linux', 'arm', {}, 'v6'), { ...none, platforms: ['linux/arm/v6'] }],
    ['{}', { ...none, platforms: [] }],
    ['{', undefined],
    ['null', undefined],
  ];
  for (const [config, facts] of rows) {
    const digest = putImage(world, 'base', '1', config);
    const home = await makeTempDir(t, 'images-');
    const found = await world
      .open(undefined, home)
      .factsOf(`${world.registry.host}/base:1`, digest, 'linux/amd64');
    assert.deepEqual(found, facts, config);
  }
});

test('of an index the image of the platform says it, and none where that is not there', async (t) => {
  const world = await makeWorld(t);
  const { store, host } = world.registry;
  const amd = putImage(world, 'base', 'amd', configOf('linux', 'amd64', { Env: ['A=amd'] }));
  const arm = putImage(world, 'base', 'arm', configOf('linux', 'arm64', { Env: ['A=arm'] }));
  const entry = (digest: Digest, architecture: string) => ({
    mediaType: MANIFEST,
    digest,
    size: store.manifest('base', digest)?.bytes.length ?? 0,
    platform: { os: 'linux', architecture },
  });
  const manifests = [entry(amd, 'amd64'), entry(arm, 'arm64'), { ...entry(amd, 's390x'), digest: A }];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  const { digest } = store.putManifest('base', '1', { mediaType: INDEX, bytes });
  const images = world.open();
  const envOf = async (platform: string) => (await images.factsOf(`${host}/base:1`, digest, platform))?.env;
  assert.deepEqual(await envOf('linux/amd64'), ['A=amd']);
  assert.deepEqual(await envOf('linux/arm64'), ['A=arm']);
  assert.equal(await envOf('linux/riscv64'), undefined);
  assert.equal(await envOf('linux/s390x'), undefined);
});

test('what is not there says nothing, and nothing is remembered of it', async (t) => {
  const world = await makeWorld(t);
  const { registry } = world;
  const written = `${registry.host}/base:1`;
  assert.equal(await world.open().factsOf(written, A, 'linux/amd64'), undefined);
  assert.equal(await world.open().factsOf('NO', A, 'linux/amd64'), undefined);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, layers: [] }));
  const bare = registry.store.putManifest('base', 'bare', { mediaType: MANIFEST, bytes }).digest;
  assert.equal(await world.open().factsOf(written, bare, 'linux/amd64'), undefined);
  const digest = putImage(world, 'base', '1', configOf('linux', 'amd64', { Env: ['A=b'] }));
  const fault = registry.fault({ method: 'GET', path: '/blobs/', act: { kind: 'status', status: 403 } });
  assert.equal(await world.open().factsOf(written, digest, 'linux/amd64'), undefined);
  fault.remove();
  assert.deepEqual((await world.open().factsOf(written, digest, 'linux/amd64'))?.env, ['A=b']);
});

test('every question is asked once, and may be answered by mirrors', async (t) => {
  const asked: string[] = [];
  const note = (what: string, read: unknown) => {
    asked.push(what);
    assert.deepEqual(read, { mirrors: true }, what);
  };
  const descriptor = (architecture: string) => ({
    mediaType: MANIFEST,
    digest: A,
    size: 1,
    platform: { os: 'linux', architecture },
  });
  const json = (index: boolean) =>
    index
      ? { mediaType: INDEX, json: { manifests: [descriptor('amd64')] } }
      : { mediaType: MANIFEST, json: { config: { mediaType: CONFIG, digest: A, size: 1 } } };
  const client = {
    head: async (_: ImageRef, read: unknown) => {
      note('head', read);
      return asked.length > 1 ? { kind: 'absent' } : { kind: 'present', digest: B };
    },
    getManifest: async ({ digest }: ImageRef, read: unknown) => {
      note(`manifest ${digest === A ? 'of the platform' : ''}`, read);
      return { ok: true, value: { ...json(digest !== A), digest, bytes: Buffer.alloc(0) } };
    },
    getBlob: async (_: ImageRef, digest: Digest, limit: number, read: unknown) => {
      note('config', read);
      assert.equal(digest, A);
      assert.equal(limit, 4 * 1024 * 1024);
      return { ok: false, error: [] };
    },
  } as unknown as RegistryClient;
  const state = new StateStore(await makeTempDir(t, 'images-'), '/project');
  const images = new ExternalImages(client, state, () => A);
  const unlocked = new ExternalImages(client, state, () => undefined);
  assert.deepEqual(await unlocked.lookUp('r.example/x'), { kind: 'known', digest: B });
  assert.deepEqual(await unlocked.lookUp('r.example/x'), { kind: 'known', digest: B });
  for (const _ of [1, 2]) assert.equal(await images.factsOf('r.example/x', B, 'linux/amd64'), undefined);
  assert.deepEqual(asked, ['head', 'manifest ', 'manifest of the platform', 'config']);
  assert.deepEqual(await images.findGone(nodeReading('r.example/x:1')), [
    { written: 'r.example/x:1', digest: A },
  ]);
  // Nothing is remembered of what could not be read.
  assert.equal(await state.readImageFacts(B, 'linux/amd64'), undefined);
});

function nodeReading(...written: readonly string[]) {
  const externalImages = written.map((text) => {
    const ref = parseImageRef(text);
    return { written: text, use: 'from' as const, ...(ref === undefined ? {} : { ref }) };
  });
  return makeNode({}, { externalImages });
}

test('what is read by a tag is pinned once, what is written with a digest or not known is not', async (t) => {
  const world = await makeWorld(t);
  const { host } = world.registry;
  const digest = putImage(world, 'base', 'latest', configOf('linux', 'amd64'));
  const node = nodeReading(`${host}/base`, `${host}/base`, `${host}/base@${A}`, `${host}/none:1`, 'NO');
  assert.deepEqual(await world.open().pinsOf(node), [
    { ref: { registry: host, repository: 'base', tag: 'latest' }, digest },
  ]);
});

test('a locked image is gone where its registry surely has it no more', async (t) => {
  const world = await makeWorld(t);
  const { registry } = world;
  const written = `${registry.host}/locked:1`;
  const node = nodeReading(written, `${registry.host}/base:1`, `${registry.host}/locked@${A}`);
  assert.deepEqual(await world.open(A).findGone(node), [{ written, digest: A }]);
  assert.deepEqual(
    registry.lines().filter((line) => line.includes('/base/')),
    [],
  );
  const fault = registry.fault({ method: 'HEAD', path: '/locked/', act: { kind: 'status', status: 403 } });
  registry.fault({ method: 'GET', path: '/locked/', act: { kind: 'status', status: 403 } });
  assert.deepEqual(await world.open(A).findGone(node), []);
  fault.remove();
  registry.mend();
  const digest = putImage(world, 'locked', '1', configOf('linux', 'amd64'));
  assert.deepEqual(await world.open(digest).findGone(node), []);
});
