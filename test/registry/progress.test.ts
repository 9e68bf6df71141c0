/** What is said of blobs while they are on their way, with sources that give their bytes as the test says. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, ok, parseImageRef, problem } from '../../lib/model/mod.ts';
import {
  type BlobProgress,
  createRegistryClient,
  digestOf,
  type Layout,
  type RegistryClientOptions,
} from '../../lib/registry/mod.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

function ref(text: string) {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}) {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, ...options });
  t.after(() => client.close());
  return client;
}

const config = Buffer.from('{}');
const layer = Buffer.alloc(1_000, 'x');

function manifestOf(layers: readonly Buffer[]): Buffer {
  const descriptor = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((one) => descriptor(one, LAYER)),
    }),
  );
}

/** An image of one layer, whose bytes the test gives. */
function imageOf(read: () => AsyncIterable<Uint8Array>): Layout {
  const manifest = manifestOf([layer]);
  return {
    written: 'made up',
    images: [{ mediaType: MANIFEST, digest: digestOf(manifest), sizeBytes: manifest.length }] as never,
    read: async () => ok(manifest),
    stream: (digest: Digest) => (digest === digestOf(config) ? pieces(config, 2) : read()),
    explain: () => problem('registry/bad-layout', 'it gave other bytes'),
  };
}

async function* pieces(bytes: Buffer, size: number, onPiece = () => {}): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    onPiece();
    yield bytes.subarray(at, at + size);
  }
}

/** What was said of the layer. */
const ofLayer = (seen: readonly BlobProgress[]) => seen.filter(({ digest }) => digest === digestOf(layer));
const stepsOf = (seen: readonly BlobProgress[]) =>
  ofLayer(seen).map(({ state, sentBytes }) => (state === 'sending' ? sentBytes : state));

test('the bytes of a blob are told ten times a second at most, the first and the last always', async (t) => {
  const { host } = await startFakeRegistry(t);
  const seen: BlobProgress[] = [];
  const times: number[] = [];
  const pushed = await clientFor(t).pushLayout(
    imageOf(() => pieces(layer, 1)),
    ref(`${host}/team/app:1`),
    {
      onBlob: (blob) => {
        seen.push(blob);
        if (blob.sentBytes > 0 && blob.sentBytes < layer.length) times.push(performance.now());
      },
    },
  );
  assert.ok(pushed.ok, JSON.stringify(pushed));
  const steps = stepsOf(seen);
  assert.deepEqual([...steps.slice(0, 2), ...steps.slice(-2)], ['waiting', 0, 1000, 'sent']);
  // Of 1,000 pieces; single timers fire early where the event loop is late.
  const lastedMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  assert.ok(times.length <= 2 + lastedMs / 80, `${times.length} reports in ${lastedMs} ms`);
  assert.deepEqual(ofLayer(seen).at(-1), {
    repository: `${host}/team/app`,
    digest: digestOf(layer),
    sentBytes: 1000,
    totalBytes: 1000,
    state: 'sent',
  });
});

test('a source that gives nothing more for now does not keep the last figure from being told', async (t) => {
  const { host } = await startFakeRegistry(t);
  const seen: BlobProgress[] = [];
  let goOn = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const pushed = await clientFor(t).pushLayout(
    imageOf(async function* () {
      yield* pieces(layer.subarray(0, 700), 100);
      await Promise.race([told, sleep(10_000, undefined, { ref: false })]);
      yield* pieces(layer.subarray(700), 100);
    }),
    ref(`${host}/app:1`),
    {
      onBlob: (blob) => {
        seen.push(blob);
        // The last piece that there is is held back, for it may be the last of all.
        if (blob.sentBytes === 600) goOn();
      },
    },
  );
  assert.ok(pushed.ok, JSON.stringify(pushed));
  const steps = stepsOf(seen);
  assert.ok(steps.includes(600), steps.join());
  const sizes = steps.filter((step) => typeof step === 'number');
  assert.deepEqual(
    sizes,
    [...sizes].sort((one, other) => one - other),
  );
});

test('whatever is to be sent is announced before the first of it is', async (t) => {
  const { host } = await startFakeRegistry(t);
  const seen: BlobProgress[] = [];
  await clientFor(t).pushLayout(
    imageOf(() => pieces(layer, 100)),
    ref(`${host}/app:1`),
    { onBlob: (blob) => seen.push(blob) },
  );
  assert.deepEqual(
    seen.slice(0, 2).map(({ state, totalBytes }) => [state, totalBytes]),
    [
      ['waiting', 2],
      ['waiting', 1000],
    ],
  );
});

test('an attempt that failed counts for nothing: the next one starts at 0', async (t) => {
  const registry = await startFakeRegistry(t);
  const puts = () => registry.fault({ method: 'PUT', path: '/uploads/', nth: 1, act: { kind: 'cut-body' } });
  const first = puts();
  const seen: BlobProgress[] = [];
  // The config goes first, so that the fault is for the layer.
  registry.store.putBlob('app', config, digestOf(config));
  const pushed = await clientFor(t).pushLayout(
    imageOf(() => pieces(layer, 100)),
    ref(`${registry.host}/app:1`),
    { onBlob: (blob) => seen.push(blob) },
  );
  assert.ok(pushed.ok, JSON.stringify(pushed));
  assert.equal(first.hits, 1);
  const steps = stepsOf(seen);
  assert.equal(steps.filter((step) => step === 0).length, 2, steps.join());
  assert.deepEqual(steps.slice(steps.lastIndexOf(0)).slice(-2), [1000, 'sent']);
  assert.equal(pushed.value.copiedBytes, 1000);
});

test('no more bytes are told than the blob has, and one that cannot be sent is said to have failed', async (t) => {
  const { host } = await startFakeRegistry(t);
  const seen: BlobProgress[] = [];
  const pushed = await clientFor(t).pushLayout(
    imageOf(() => pieces(Buffer.alloc(3_000, 'x'), 400)),
    ref(`${host}/app:1`),
    { onBlob: (blob) => seen.push(blob) },
  );
  assert.ok(!pushed.ok);
  const told = ofLayer(seen);
  assert.ok(told.every(({ sentBytes, totalBytes }) => sentBytes <= totalBytes));
  assert.deepEqual(told.at(-1), { ...told[0], state: 'failed', sentBytes: 0 });
});

/** An image of the layer in a repository. */
function putImage({ store }: FakeRegistry, name: string): void {
  for (const bytes of [config, layer]) store.putBlob(name, bytes, digestOf(bytes));
  store.putManifest(name, '1', { mediaType: MANIFEST, bytes: manifestOf([layer]) });
}

test('what is there or is mounted has no bytes to send', async (t) => {
  const registry = await startFakeRegistry(t);
  const target = await startFakeRegistry(t);
  putImage(registry, 'from');
  target.store.putBlob('to', layer, digestOf(layer));
  const copy = async (to: string) => {
    const seen: BlobProgress[] = [];
    const copied = await clientFor(t).copyImage(ref(`${registry.host}/from:1`), ref(to), {
      onBlob: (blob) => seen.push(blob),
    });
    assert.ok(copied.ok, JSON.stringify(copied));
    return ofLayer(seen).map(({ state, sentBytes }) => [state, sentBytes]);
  };
  assert.deepEqual(await copy(`${registry.host}/to:1`), [
    ['waiting', 0],
    ['mounted', 0],
  ]);
  assert.deepEqual(await copy(`${target.host}/to:1`), [
    ['waiting', 0],
    ['there', 0],
  ]);
});
