/** Images of an engine's store on their way into a registry that believes what it is told: nothing wrong or half gets there. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Digest } from '../../lib/model/mod.ts';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { storedImage } from '../../lib/run/stored-image.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { sha256Of } from '../rig/oci-layout.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** An index of two platforms, each with a layer of its own, as blobs by digest. */
function makeImage() {
  const blobs = new Map<string, Uint8Array>();
  const put = (content: string | Uint8Array, mediaType: string) => {
    const bytes = Buffer.from(content);
    const digest = sha256Of(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const layers: Record<string, string> = {};
  const manifests = ['amd64', 'arm64'].map((architecture) => {
    const layer = put(Buffer.alloc(200_000, architecture), 'application/vnd.oci.image.layer.v1.tar');
    layers[architecture] = layer.digest;
    const config = put(
      JSON.stringify({ architecture, os: 'linux' }),
      'application/vnd.oci.image.config.v1+json',
    );
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] };
    return { ...put(JSON.stringify(manifest), MANIFEST), platform: { architecture, os: 'linux' } };
  });
  const top = put(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }), INDEX);
  return { blobs, layers, manifests, digest: top.digest as Digest };
}

type Reading = (digest: string, bytes: Uint8Array | undefined) => AsyncGenerator<Uint8Array>;

async function push(t: TestContext, read: Reading) {
  const made = makeImage();
  const registry = await startFakeRegistry(t, { lax: true });
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  const asked: string[] = [];
  const stream = (digest: Digest) => {
    asked.push(digest);
    return read(digest, made.blobs.get(digest));
  };
  const image = storedImage({ stream, containerd: undefined }, 'r.test/app:1', made.digest);
  const pushed = await client.pushLayout(image, { registry: registry.host, repository: 'app', tag: '1' });
  return { ...made, registry, pushed, asked, client, image };
}

/** As buildctl and ctr give it: in pieces, and `not found` for what is not there. */
async function* whole(digest: string, bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (bytes === undefined) throw new Error(`content digest ${digest}: not found`);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

test('an image goes as it is, and only what the registry lacks is read', async (t) => {
  const { registry, pushed, digest, blobs, asked, client, image } = await push(t, whole);
  assert(pushed.ok, JSON.stringify(pushed));
  assert.equal(pushed.value.digest, digest);
  assert.equal(new Set(asked).size, blobs.size);
  assert.deepEqual(registry.earlyTags, []);
  asked.length = 0;
  const again = { registry: registry.host, repository: 'app', tag: '2' };
  assert((await client.pushLayout(image, again)).ok);
  assert.deepEqual(asked, [digest]);
});

const faults: readonly (readonly [string, Reading, RegExp])[] = [
  [
    'a stream that breaks in the middle',
    async function* (digest, bytes) {
      if ((bytes?.length ?? 0) < 100_000) return yield* whole(digest, bytes);
      yield bytes?.subarray(0, 150_000) ?? new Uint8Array();
      throw new Error('rpc error: error reading from server: EOF');
    },
    /cannot be read: sha256:\S+ cannot be read \(rpc error/,
  ],
  [
    'a stream that ends early and well',
    async function* (_digest, bytes) {
      yield bytes?.subarray(0, Math.min(bytes.length, 150_000)) ?? new Uint8Array();
    },
    /cannot be read: the content of sha256:\S+ has another digest \(150000 bytes\)/,
  ],
  [
    'other bytes',
    async function* (digest, bytes) {
      if ((bytes?.length ?? 0) < 100_000) return yield* whole(digest, bytes);
      yield new Uint8Array(bytes?.length ?? 0);
    },
    /cannot be read: the content of sha256:\S+ has another digest \(sha256:/,
  ],
];

for (const [name, read, expected] of faults) {
  test(`${name} is no blob, and no tag comes of it`, async (t) => {
    const { registry, pushed, layers } = await push(t, read);
    assert(!pushed.ok);
    assert.equal(pushed.error[0]?.code, 'engine/image-unreadable');
    assert.match(pushed.error[0].message, expected);
    for (const digest of Object.values(layers)) assert.equal(registry.store.blob('app', digest), undefined);
    assert(!registry.writes().some((line) => line.includes('/manifests/1 ')));
  });
}

test('a platform that is not there is named, be it its manifest or its layer', async (t) => {
  const { layers, manifests } = makeImage();
  for (const lost of [layers['arm64'], manifests[1]?.digest]) {
    const { registry, pushed } = await push(t, (digest, bytes) =>
      whole(digest, digest === lost ? undefined : bytes),
    );
    assert(!pushed.ok);
    assert.match(
      pushed.error[0]?.message ?? '',
      /does not have all of `r\.test\/app:1`: what it has for linux\/arm64/,
    );
    assert.match(pushed.error[0]?.hint ?? '', /ctr .*--platform linux\/arm64 r\.test\/app:1/);
    assert(!registry.writes().some((line) => line.includes('/manifests/1 ')));
  }
});

test('blobs go over the line once for each registry, and are mounted into its other repositories', async (t) => {
  const { registry, client, image, asked, digest } = await push(t, whole);
  asked.length = 0;
  const pushed = await client.pushLayout(image, { registry: registry.host, repository: 'other', tag: '1' });
  assert(pushed.ok, JSON.stringify(pushed));
  assert.deepEqual(pushed.value.blobs, { mounted: 4, copied: 0, there: 0 });
  assert.equal(registry.store.tags()['other:1'], digest);
});

test('what is stopped is no fault of the image', async (t) => {
  const { registry, client, digest } = await push(t, whole);
  const stopped = AbortSignal.abort('SIGINT');
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    yield* [];
    stopped.throwIfAborted();
  };
  const image = storedImage({ stream, containerd: undefined }, 'r.test/app:1', digest, stopped);
  const pushed = await client.pushLayout(image, { registry: registry.host, repository: 'third', tag: '1' });
  assert(!pushed.ok);
  assert.deepEqual(
    pushed.error.map(({ code }) => code),
    ['run/cancelled'],
  );
});
