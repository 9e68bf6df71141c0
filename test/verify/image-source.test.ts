/** Images of stores in memory, and how their differences are put into words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, fail, ok, problem, type Result } from '../../lib/model/mod.ts';
import { CONFIG_LIMIT, type Descriptor, parseManifest, type RegistryClient } from '../../lib/registry/mod.ts';
import {
  type BlobStore,
  comparePlatforms,
  describeDifferences,
  engineStore,
  layoutStore,
  type PlatformComparison,
  platformsOf,
  readImage,
  registryStore,
  worstOf,
} from '../../lib/verify/image-source.ts';
import { blobOf, type FakeBlob, INDEX_TYPE, MANIFEST_TYPE } from '../rig/fake-image.ts';
import { digestOfBytes } from '../rig/fake-registry-store.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

interface MemoryStore extends BlobStore {
  readonly put: (
    json: object,
    mediaType?: string,
  ) => Pick<FakeBlob, 'digest' | 'mediaType'> & { size: number };
  readonly putBytes: (bytes: Buffer) => Digest;
}

function makeMemoryStore(): MemoryStore {
  const blobs = new Map<string, Buffer>();
  const read = async (digest: Digest): Promise<Buffer> => {
    const bytes = blobs.get(digest);
    if (bytes === undefined) throw new Error(`${digest} does not exist`);
    return bytes;
  };
  const putBytes = (bytes: Buffer): Digest => {
    const digest = digestOfBytes(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  return {
    putBytes,
    put: (json, mediaType = MANIFEST_TYPE) => {
      const { bytes } = blobOf(json, mediaType);
      return { digest: putBytes(bytes), mediaType, size: bytes.length };
    },
    readSmall: read,
    readManifest: async (digest) => {
      const manifest = parseManifest(await read(digest), digest);
      assert(manifest !== undefined);
      return manifest;
    },
    open: async function* ({ digest }) {
      yield await read(digest);
    },
  };
}

function putImage(store: MemoryStore, config: object | string, more: object = {}) {
  const type = 'application/vnd.oci.image.config.v1+json';
  const text = store.put(config as object, type);
  return store.put({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: text, layers: [], ...more });
}

test('platforms of an index are its children; of one image what its config says', async () => {
  const store = makeMemoryStore();
  const amd64 = putImage(store, { os: 'linux', architecture: 'amd64' });
  const arm = putImage(store, { os: 'linux', architecture: 'arm', variant: 'v7' });
  const unknown = putImage(store, { os: 7 });
  const platform = (architecture: string, variant?: string) => ({ os: 'linux', architecture, variant });
  const index = store.put(
    {
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [
        { ...amd64, platform: platform('amd64') },
        { ...arm, platform: platform('arm', 'v7') },
        { ...unknown, platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    },
    INDEX_TYPE,
  );
  assert.deepEqual(
    [...(await platformsOf(store, index.digest))],
    [
      ['linux/amd64', amd64.digest],
      ['linux/arm/v7', arm.digest],
    ],
  );
  assert.deepEqual([...(await platformsOf(store, amd64.digest))], [['linux/amd64', amd64.digest]]);
  assert.deepEqual([...(await platformsOf(store, arm.digest))], [['linux/arm/v7', arm.digest]]);
  assert.deepEqual([...(await platformsOf(store, unknown.digest))], [['unknown', unknown.digest]]);
  await assert.rejects(readImage(store, index.digest), /^Error: sha256:\w+ is not an image of one platform$/);
});

test('an image is read with its config, annotations and layers, whatever those are', async () => {
  const store = makeMemoryStore();
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', size: 3 };
  const digest = store.putBytes(Buffer.from('abc'));
  const whole = putImage(store, { os: 'linux' }, { annotations: { a: 'b' }, layers: [{ ...layer, digest }] });
  const image = await readImage(store, whole.digest);
  assert.deepEqual([image.config, image.annotations], [{ os: 'linux' }, { a: 'b' }]);
  assert.deepEqual(
    image.layers.map((one) => [one.digest, one.mediaType]),
    [[digest, layer.mediaType]],
  );
  const chunks: Uint8Array[] = [];
  for (const one of image.layers) for await (const chunk of one.open()) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'abc');
  for (const odd of [[], 'text']) {
    const { config, annotations } = await readImage(store, putImage(store, odd, { annotations: odd }).digest);
    assert.deepEqual([config, annotations], [{}, {}]);
  }
  const bare = await readImage(store, putImage(store, JSON.parse('null') as object).digest);
  assert.deepEqual([bare.config, bare.annotations, bare.layers], [{}, {}, []]);
});

test('equal digests are equal without being read; the worst platform decides', async () => {
  const nothing = makeMemoryStore();
  const digest = digestOfBytes(Buffer.from('x'));
  const side = (...platforms: readonly string[]) => ({
    store: nothing,
    platforms: new Map(platforms.map((one) => [one, digest])),
  });
  const same = await comparePlatforms(side('a', 'b'), side('a', 'b'));
  const comparison = { verdict: 'same-bytes', config: [], layers: [] };
  assert.deepEqual(same, [
    { platform: 'a', verdict: 'same-bytes', comparison },
    { platform: 'b', verdict: 'same-bytes', comparison },
  ]);
  assert.deepEqual(await comparePlatforms(side('a'), side('b')), [
    { platform: 'a', verdict: 'different', only: 'first' },
    { platform: 'b', verdict: 'different', only: 'second' },
  ]);
  const of = (...verdicts: readonly PlatformComparison['verdict'][]) =>
    worstOf(verdicts.map((verdict) => ({ platform: 'p', verdict })));
  assert.deepEqual(
    [of(), of('same-bytes'), of('same-bytes', 'same-files'), of('same-files', 'different', 'same-bytes')],
    ['same-bytes', 'same-bytes', 'same-files', 'different'],
  );
});

test('each difference is a line: configs, files of layers with their steps, platforms of one side', () => {
  const long = `RUN ${'x'.repeat(70)}`;
  const lines = describeDifferences(
    [
      { platform: 'p', verdict: 'different', only: 'first' },
      { platform: 'q', verdict: 'different', only: 'second' },
      { platform: 'n', verdict: 'same-bytes' },
      {
        platform: 'r',
        verdict: 'different',
        comparison: {
          verdict: 'different',
          config: [
            { name: 'c', before: '1', after: '2' },
            { name: 'd', after: '2' },
            { name: 'e', before: '1' },
          ],
          layers: [
            { layer: 0, kind: 'different', files: [{ path: 'f', change: 'added', what: [] }] },
            { layer: 0, kind: 'different', files: [] },
            { layer: 1, kind: 'same-files', files: [] },
            {
              layer: 2,
              step: 'RUN  a \\\n  b',
              kind: 'different',
              files: [{ path: 'g', change: 'changed', what: ['mode', 'content'] }],
            },
            { layer: 3, step: long, kind: 'different', files: [{ path: 'h', change: 'removed', what: [] }] },
            {
              layer: 4,
              step: long.slice(0, 60),
              kind: 'different',
              files: [{ path: 'i', change: 'removed', what: [] }],
            },
            { layer: 5, kind: 'same-content', files: [{ path: 'j', change: 'removed', what: [] }] },
          ],
        },
      },
    ],
    ['one', 'two'],
  );
  assert.deepEqual(lines, [
    'p: only in one',
    'q: only in two',
    'r c: 1 → 2',
    'r d: added 2',
    'r e: removed 1',
    'r other layers: added f',
    'r other layers: the same files, in different layers',
    'r layer 2 (RUN a \\ b): changed g (mode, content)',
    `r layer 3 (${long.slice(0, 59)}…): removed h`,
    `r layer 4 (${long.slice(0, 60)}): removed i`,
  ]);
});

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

const BARE = { registry: 'r.test', repository: 'app' };
const descriptorOf = (digest: Digest, sizeBytes: number): Descriptor => ({
  digest,
  mediaType: 'x',
  sizeBytes,
  annotations: new Map(),
  foreign: false,
});

test('a repository is read by digest; what it does not give is told in its words, or with the digest', async () => {
  const memory = makeMemoryStore();
  const { digest } = putImage(memory, { os: 'linux' });
  const asked: unknown[] = [];
  let failure: Result<never> | undefined;
  const registry = {
    getManifest: async (ref: object) => {
      asked.push(ref);
      return failure ?? ok(await memory.readManifest(digest));
    },
    getBlob: async (...all: readonly unknown[]) => {
      asked.push(all);
      return failure ?? ok(Buffer.from('blob'));
    },
    streamBlob: (...all: readonly unknown[]) => {
      asked.push(all);
      return memory.open(descriptorOf(digest, 0));
    },
  } as unknown as RegistryClient;
  const store = registryStore(registry, { ...BARE, tag: 'dev' });
  assert.equal((await store.readManifest(digest)).digest, digest);
  assert.equal(Buffer.from(await store.readSmall(digest)).toString(), 'blob');
  const blob = descriptorOf(digest, 3);
  assert.equal(await bytesOf(store.open(blob)), (await memory.readSmall(digest)).toString());
  assert.deepEqual(asked, [{ ...BARE, digest }, [BARE, digest, CONFIG_LIMIT], [BARE, blob]]);
  failure = fail([problem('registry/denied', 'no entry')]);
  await assert.rejects(store.readManifest(digest), { message: 'no entry' });
  await assert.rejects(store.readSmall(digest), { message: 'no entry' });
  failure = fail([]);
  await assert.rejects(store.readManifest(digest), { message: `the manifest ${digest} cannot be read` });
  await assert.rejects(store.readSmall(digest), { message: `the blob ${digest} cannot be read` });
});

test('the engine gives whole blobs, and says what it no longer has', async () => {
  const memory = makeMemoryStore();
  const image = putImage(memory, { os: 'linux' });
  const text = memory.putBytes(Buffer.from('not a manifest'));
  const gone = digestOfBytes(Buffer.from('gone'));
  const store = engineStore({
    program: 'buildctl',
    address: 'unix:///there',
    env: {},
    run: async ({ argv }) => {
      assert.deepEqual(argv.slice(0, -1), ['--addr', 'unix:///there', 'debug', 'get']);
      const digest = argv.at(-1) as Digest;
      const stdout = digest === gone ? Buffer.alloc(0) : Buffer.from(await memory.readSmall(digest));
      return { ended: 'by-itself', exitCode: digest === gone ? 1 : 0, stdout, stderr: '' };
    },
  });
  assert.equal((await store.readManifest(image.digest)).digest, image.digest);
  assert.equal(await bytesOf(store.open(descriptorOf(text, 14))), 'not a manifest');
  await assert.rejects(store.readManifest(text), { message: `${text} is not an image manifest` });
  const message = `the engine no longer has ${gone}`;
  await assert.rejects(store.readManifest(gone), { message });
  await assert.rejects(store.readSmall(gone), { message });
  await assert.rejects(bytesOf(store.open(descriptorOf(gone, 4))), { message });
});

test('a layout keeps each blob in a file named by its digest', async (t) => {
  const dir = await makeTempDir(t, 'layout-');
  const memory = makeMemoryStore();
  const { digest } = putImage(memory, { os: 'linux' });
  const bytes = await memory.readSmall(digest);
  await writeTree(dir, { [`blobs/sha256/${digest.slice('sha256:'.length)}`]: bytes.toString() });
  const store = layoutStore(dir);
  assert.equal((await store.readManifest(digest)).digest, digest);
  assert.deepEqual(Buffer.from(await store.readSmall(digest)), Buffer.from(bytes));
  assert.equal(await bytesOf(store.open(descriptorOf(digest, bytes.length))), bytes.toString());
  await assert.rejects(store.readSmall(digestOfBytes(Buffer.from('gone'))), /ENOENT/);
});
