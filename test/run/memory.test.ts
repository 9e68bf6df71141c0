/** What machines remember of results, alone and through a registry: read, written, merged, limited, and never trusted blindly. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type BuildRecord,
  type Digest,
  type ImageRef,
  KEY_VERSION,
  type KeyParts,
} from '../../lib/model/mod.ts';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { Memory } from '../../lib/run/memory.ts';
import type { RecordPlaces } from '../../lib/run/record-places.ts';
import { type LastInputs, StateStore } from '../../lib/state/mod.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { digestOfBytes } from '../rig/fake-registry-store.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const RECORDS_TYPE = 'application/vnd.bake-ts.records.v2+json+gzip';
const INPUTS_TYPE = 'application/vnd.bake-ts.inputs.v1+json+gzip';

function recordOf(key: string, more: Partial<BuildRecord> = {}): BuildRecord {
  return {
    version: KEY_VERSION,
    key,
    build: 'x',
    digest: A,
    mediaType: '',
    platforms: [],
    refs: [],
    finishedAt: '2024-01-01T00:00:00.000Z',
    durationMs: 0,
    steps: { total: 0, cached: 0 },
    ...more,
  };
}

function lastOf(key: string, files = 0): LastInputs {
  const parts: KeyParts = {
    version: KEY_VERSION,
    dockerfile: 'FROM scratch',
    target: '',
    platforms: [],
    args: {},
    files: {
      context: Array.from({ length: files }, (_, at) => ({
        path: `file-${String(at).padStart(6, '0')}`,
        kind: 'file' as const,
        mode: 0o644,
        content: randomBytes(32).toString('hex'),
      })),
    },
    images: {},
    parents: {},
    options: {},
  };
  return { key, parts };
}

/** Keys are sixty-four digits. */
function K(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** All records in one place. */
function onePlace(ref: ImageRef): RecordPlaces {
  return { onlySigned: false, readFrom: () => [ref], writeTo: () => [ref], refsOf: () => [] };
}

interface Machine {
  readonly memory: Memory;
  readonly state: StateStore;
}

interface World {
  readonly registry: FakeRegistry;
  readonly ref: ImageRef;
  /** A run on a machine; without `home`, on one that was never used. */
  readonly run: (home?: string) => Promise<Machine>;
}

async function makeWorld(t: Cleanup): Promise<World> {
  const registry = await startFakeRegistry(t, { lax: true });
  const ref: ImageRef = { registry: registry.host, repository: 'app', tag: 'records' };
  const run = async (home?: string): Promise<Machine> => {
    const dir = home ?? (await makeTempDir(t, 'memory-'));
    const client = createRegistryClient({ env: {}, sleep: async () => undefined });
    t.after(() => client.close());
    const state = new StateStore(dir, '/project');
    const memory = new Memory({
      state,
      registry: client,
      places: onePlace(ref),
      keys: [],
      isSecret: (text) => text.includes('hunter'),
    });
    return { memory, state };
  };
  return { registry, ref, run };
}

interface Lying {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly data?: string;
}

/** What lies in the registry: records by key, as they are shared. */
function lying({ registry }: World) {
  const manifest = registry.store.manifest('app', 'records');
  assert(manifest !== undefined, 'there are no records');
  const json = JSON.parse(manifest.bytes.toString()) as {
    readonly config: Lying;
    readonly layers: readonly Lying[];
  };
  const unpack = ({ digest, size }: Lying): unknown => {
    const bytes = registry.store.blob('app', digest);
    assert.equal(bytes?.length, size);
    return JSON.parse(gunzipSync(bytes ?? '').toString());
  };
  const { records } = unpack(json.config) as { records: readonly (BuildRecord & { signature?: string })[] };
  const inputs = json.layers.find((one) => one.mediaType === INPUTS_TYPE);
  return {
    manifest: json,
    records: Object.fromEntries(records.map((record) => [record.key, record])),
    outlines:
      inputs === undefined
        ? undefined
        : (unpack(inputs) as { builds: Record<string, { key: string }> }).builds,
  };
}

/** A record as it is shared: without what is only known here. */
function shared(record: BuildRecord): Omit<BuildRecord, 'version' | 'refs'> {
  const { version: _, refs: _refs, ...rest } = record;
  return rest;
}

/** A record as it is recalled from the place of this world. */
function recalled(record: BuildRecord, { registry }: World): BuildRecord {
  const places = [`${registry.host}/app:records`];
  return { ...record, vouchedBy: places, sharedWith: places };
}

/** Puts an artifact whose document and outlines are these bytes. */
function put({ registry }: World, document: Uint8Array, outlines?: Uint8Array, type = RECORDS_TYPE): void {
  const lyingAs = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: registry.store.putBlob('app', Buffer.from(bytes)),
    size: bytes.length,
  });
  const config = lyingAs(type, document);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = [outlines === undefined ? config : lyingAs(INPUTS_TYPE, outlines)];
  registry.store.putManifest('app', 'records', {
    mediaType,
    bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })),
  });
}

const pack = (json: unknown) => gzipSync(JSON.stringify(json));

test('what one machine remembered, another one recalls, and a third where only the first was asked', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  assert.equal(await one.memory.recall(K('k1'), 'x'), undefined);
  const written = await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  assert(written.ok);
  assert.deepEqual(world.registry.writes(), []);
  assert.deepEqual(await one.memory.recall(K('k1'), 'x'), recordOf(K('k1')));
  assert.deepEqual(await one.memory.latest('x'), lastOf(K('k1')));
  assert.deepEqual(await one.memory.save(), []);
  const { manifest, records, outlines } = lying(world);
  assert.deepEqual(records, { [K('k1')]: shared(recordOf(K('k1'))) });
  assert.equal(outlines?.['x']?.key, K('k1'));
  const { data, ...config } = manifest.config;
  // The bytes are in the manifest and beside it.
  assert.equal(digestOfBytes(Buffer.from(data ?? '', 'base64')), config.digest);
  assert.equal(world.registry.store.blob('app', config.digest)?.length, config.size);
  assert.deepEqual(
    { ...manifest, config: config.mediaType, layers: manifest.layers.map(({ mediaType }) => mediaType) },
    {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: RECORDS_TYPE,
      config: RECORDS_TYPE,
      layers: [INPUTS_TYPE],
    },
  );
  const two = await world.run();
  assert.deepEqual(await two.memory.recall(K('k1'), 'x'), recalled(recordOf(K('k1')), world));
  assert.equal(await two.memory.recall(K('k2'), 'x'), undefined);
  assert.equal(await two.memory.latest('x'), undefined);
  assert.equal((await two.memory.latestElsewhere('x'))?.key, K('k1'));
  assert.equal(await two.memory.latestElsewhere('y'), undefined);
  // It knows nothing that the registry does not.
  world.registry.forget();
  assert.deepEqual(await two.memory.save(), []);
  assert.deepEqual(world.registry.lines(), []);
});

test('the registry is read once in a run, and not at all for what this machine knows', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  world.registry.forget();
  await one.memory.recall(K('k1'), 'x');
  assert.deepEqual(world.registry.lines(), []);
  const two = await world.run();
  await two.memory.recall(K('k1'), 'x');
  const reads = world.registry.lines().length;
  await two.memory.recall(K('k2'), 'x');
  await two.memory.recall(K('k3'), 'x');
  assert.equal(world.registry.lines().length, reads);
  await two.memory.latestElsewhere('x');
  assert.equal(world.registry.lines().length, reads + 1);
  await two.memory.latestElsewhere('y');
  assert.equal(world.registry.lines().length, reads + 1);
});

test('a result from elsewhere that is confirmed is remembered here as well', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  const two = await world.run();
  await two.memory.recall(K('k1'), 'x');
  assert.equal(await two.state.readRecord(K('k1')), undefined);
  await two.memory.confirm('x', lastOf(K('k1')));
  assert.deepEqual(await two.state.readRecord(K('k1')), recalled(recordOf(K('k1')), world));
  assert.deepEqual(await two.state.readLast('x'), lastOf(K('k1')));
  // What this machine has is only made the latest again.
  await one.memory.remember(recordOf(K('k2')), lastOf(K('k2')));
  await one.memory.recall(K('k1'), 'x');
  await one.memory.confirm('x', lastOf(K('k1')));
  assert.deepEqual(await one.memory.latest('x'), lastOf(K('k1')));
});

test('what was only found counts as seen: it is shared, by whichever run first can, with its inputs', async (t) => {
  const world = await makeWorld(t);
  const home = await makeTempDir(t, 'memory-home-');
  // Remembered by a run that could not tell anybody.
  await (await world.run(home)).memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  const later = await world.run(home);
  assert.deepEqual(await later.memory.recall(K('k1'), 'x'), recordOf(K('k1')));
  await later.memory.confirm('x', lastOf(K('k1')));
  assert.deepEqual(await later.memory.save(), []);
  assert.deepEqual(lying(world).records, { [K('k1')]: shared(recordOf(K('k1'))) });
  assert.equal(lying(world).outlines?.['x']?.key, K('k1'));
  // What was found in the registry goes back into it where another one lost it meanwhile.
  const other = await world.run();
  await other.memory.recall(K('k1'), 'x');
  await other.memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2')));
  world.registry.store.deleteManifest('app', 'records');
  assert.deepEqual(await other.memory.save(), []);
  assert.deepEqual(Object.keys(lying(world).records).sort(), [K('k1'), K('k2')].sort());
});

test('a result from elsewhere that was found to be wrong is not brought back by confirming', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  const two = await world.run();
  await two.memory.recall(K('k1'), 'x');
  await two.memory.drop(K('k1'));
  await two.memory.confirm('x', lastOf(K('k1')));
  assert.equal(await two.state.readRecord(K('k1')), undefined);
});

test('without a place to share, nothing is asked and nothing is written', async (t) => {
  const world = await makeWorld(t);
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  const state = new StateStore(await makeTempDir(t, 'memory-'), '/project');
  const memory = new Memory({ state, registry: client, places: undefined, keys: [], isSecret: () => false });
  assert.equal(await memory.recall(K('k1'), 'x'), undefined);
  await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  assert.deepEqual(await memory.recall(K('k1'), 'x'), recordOf(K('k1')));
  assert.equal(await memory.latestElsewhere('x'), undefined);
  assert.deepEqual(await memory.save(), []);
  assert.deepEqual(world.registry.lines(), []);
});

test('a run that saw nothing does not ask the registry at its end', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  assert.deepEqual(await memory.save(), []);
  assert.deepEqual(world.registry.lines(), []);
});

test('what is dropped is gone here and in the registry, and nothing else is', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2')));
  await one.memory.save();
  // On the machine that has it.
  const same = await world.run();
  await same.memory.recall(K('k2'), 'x');
  await same.memory.drop(K('k2'));
  assert.equal(await same.state.readRecord(K('k2')), undefined);
  assert.deepEqual(await same.memory.save(), []);
  assert.deepEqual(Object.keys(lying(world).records), [K('k1')]);
  // The outline of a build of which nothing is remembered goes too.
  assert.deepEqual(Object.keys(lying(world).outlines ?? {}), ['x']);
  await one.memory.drop(K('k1'));
  assert.equal(await one.state.readRecord(K('k1')), undefined);
  assert.deepEqual(await one.state.readLast('x'), lastOf(K('k1')));
  await one.memory.save();
  assert.deepEqual(lying(world).records[K('k1')], undefined);
});

test('a run that only drops what the registry does not have writes nothing', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  const two = await world.run();
  await two.memory.drop(K('k9'));
  world.registry.forget();
  assert.deepEqual(await two.memory.save(), []);
  assert.deepEqual(world.registry.writes(), []);
});

test('what was dropped and then built again is remembered', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await memory.save();
  await memory.drop(K('k1'));
  await memory.remember(recordOf(K('k1'), { digest: B }), lastOf(K('k1')));
  await memory.save();
  assert.equal(lying(world).records[K('k1')]?.digest, B);
});

test('two runs at the same time keep what each of them wrote', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  const two = await world.run();
  await one.memory.recall(K('k1'), 'x');
  await two.memory.recall(K('k2'), 'x');
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await two.memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2')));
  await one.memory.save();
  await two.memory.save();
  const { records, outlines } = lying(world);
  assert.deepEqual(Object.keys(records).sort(), [K('k1'), K('k2')].sort());
  assert.deepEqual(Object.keys(outlines ?? {}).sort(), ['x', 'y']);
});

test('another run that wrote the same in the meantime is not written over', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  const two = await world.run();
  await one.memory.recall(K('k1'), 'x');
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await two.memory.remember(recordOf(K('k1'), { durationMs: 9 }), lastOf(K('k1')));
  await two.memory.save();
  world.registry.forget();
  assert.deepEqual(await one.memory.save(), []);
  assert.deepEqual(world.registry.writes(), []);
  assert.equal(lying(world).records[K('k1')]?.durationMs, 9);
});

test('of two results of a key the one that ended later counts', async (t) => {
  const world = await makeWorld(t);
  const late = recordOf(K('k1'), { digest: B, finishedAt: '2024-01-02T00:00:00.000Z' });
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  const two = await world.run();
  await two.memory.remember(late, lastOf(K('k1')));
  await two.memory.save();
  assert.deepEqual(lying(world).records[K('k1')], shared(late));
  const three = await world.run();
  await three.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await three.memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2')));
  await three.memory.save();
  assert.deepEqual(lying(world).records[K('k1')], shared(late));
  // At the same moment: the one that is at hand.
  const four = await world.run();
  await four.memory.remember({ ...late, digest: A }, lastOf(K('k1')));
  await four.memory.save();
  assert.equal(lying(world).records[K('k1')]?.digest, A);
});

test('of each build the eight latest results stay, whoever wrote them', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  // The oldest is remembered last, and another build's are counted apart.
  for (const day of [9, 8, 7, 6, 5, 4, 3, 2, 1]) {
    const finishedAt = `2024-01-0${day}T00:00:00.000Z`;
    await memory.remember(recordOf(K(`k${day}`), { finishedAt }), lastOf(K(`k${day}`)));
  }
  const y = { build: 'y', finishedAt: '2023-01-01T00:00:00.000Z' };
  await memory.remember(recordOf(K('y1'), y), lastOf(K('y1')));
  await memory.save();
  const expected = [K('k9'), K('k8'), K('k7'), K('k6'), K('k5'), K('k4'), K('k3'), K('k2'), K('y1')];
  assert.deepEqual(Object.keys(lying(world).records), expected);
  const two = await world.run();
  await two.memory.remember(recordOf(K('k10'), { finishedAt: '2024-02-01T00:00:00.000Z' }), lastOf(K('k10')));
  await two.memory.save();
  assert.deepEqual(Object.keys(lying(world).records), [
    K('k10'),
    ...expected.filter((key) => key !== K('k2')),
  ]);
});

test('what is damaged, of another version or older is not known', async (t) => {
  const world = await makeWorld(t);
  const good = { version: KEY_VERSION, records: [shared(recordOf(K('k1')))] };
  const rows: readonly (readonly [string, Uint8Array, string?])[] = [
    ['no gzip', Buffer.from('{')],
    ['no JSON', gzipSync('{')],
    ['no object', pack(null)],
    ['another version', pack({ ...good, version: KEY_VERSION + 1 })],
    ['no records', pack({ version: KEY_VERSION })],
    ['records by key', pack({ ...good, records: { [K('k1')]: good.records[0] } })],
    ['the earlier form', pack(good), 'application/vnd.bake-ts.records.v1+json+gzip'],
  ];
  for (const [name, bytes, type] of rows) {
    put(world, bytes, undefined, type);
    const { memory } = await world.run();
    assert.equal(await memory.recall(K('k1'), 'x'), undefined, name);
    // It is replaced.
    await memory.remember(recordOf(K('k2')), lastOf(K('k2')));
    assert.deepEqual(await memory.save(), [], name);
    assert.deepEqual(Object.keys(lying(world).records), [K('k2')], name);
  }
  // The same without a fault, beside some that are none.
  put(world, pack({ ...good, records: [null, 1, [], {}, ...good.records] }));
  const { memory } = await world.run();
  assert.deepEqual(await memory.recall(K('k1'), 'x'), recalled(recordOf(K('k1')), world));
  assert.equal(await memory.latestElsewhere('x'), undefined);
});

test('outlines that are damaged give no reasons, and the others do', async (t) => {
  const world = await makeWorld(t);
  const records = pack({ version: KEY_VERSION, records: [shared(recordOf(K('k1')))] });
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  await one.memory.save();
  const good = lying(world).outlines?.['x'];
  const rows: readonly (readonly [Uint8Array, string | undefined])[] = [
    [Buffer.from('{'), undefined],
    [gzipSync('{'), undefined],
    [pack(null), undefined],
    [pack({}), undefined],
    [pack({ builds: null }), undefined],
    [pack({ builds: 'x' }), undefined],
    [pack({ builds: { x: { key: 1 } } }), undefined],
    [pack({ builds: { w: null, x: good } }), K('k1')],
  ];
  for (const [bytes, key] of rows) {
    put(world, records, bytes);
    const { memory } = await world.run();
    assert.equal((await memory.latestElsewhere('x'))?.key, key);
    assert.equal(await memory.latestElsewhere('w'), undefined);
    assert.deepEqual(await memory.recall(K('k1'), 'x'), recalled(recordOf(K('k1')), world));
  }
});

test('an artifact that is something else is left as it is', async (t) => {
  const world = await makeWorld(t);
  put(world, Buffer.from('x'), undefined, 'application/x');
  const { memory } = await world.run();
  await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  assert.equal(await memory.recall(K('k2'), 'x'), undefined);
  assert.equal(await memory.latestElsewhere('x'), undefined);
  world.registry.forget();
  const [warning, ...more] = await memory.save();
  assert.deepEqual(more, []);
  assert.equal(warning?.code, 'run/records-not-shared');
  assert.equal(warning?.severity, 'warning');
  assert.match(warning?.message ?? '', /app:records.*is not a record of bake-ts/);
  assert.match(warning?.hint ?? '', /for records only/);
  assert.deepEqual(world.registry.writes(), []);
});

test('wherever the registry refuses, it is a warning and the records here stay', async (t) => {
  const world = await makeWorld(t);
  const first = await world.run();
  await first.memory.remember(recordOf(K('k0'), { build: 'w' }), lastOf(K('k0')));
  await first.memory.save();
  const before = lying(world);
  const rows = [
    { method: 'GET', path: '/app/manifests/records', status: 403 },
    { method: 'PUT', path: '/app/manifests/records', status: 403 },
    { method: 'POST', path: '/app/blobs/uploads/', status: 403 },
  ];
  for (const { method, path, status } of rows) {
    const fault = world.registry.fault({ method, path, act: { kind: 'status', status } });
    const { memory, state } = await world.run();
    assert.equal(await memory.recall(K('k1'), 'x'), undefined);
    await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
    const warnings = await memory.save();
    assert.deepEqual(
      warnings.map(({ code, severity }) => [code, severity]),
      [['run/records-not-shared', 'warning']],
      `${method} ${path}`,
    );
    assert.match(warnings[0]?.message ?? '', /^what was built is not recorded in .*app:records: /);
    assert.deepEqual(await state.readRecord(K('k1')), recordOf(K('k1')));
    fault.remove();
    assert.deepEqual(lying(world), before);
  }
  // The outlines only give reasons: where they cannot be read, the records are written all the same.
  const outlines = before.manifest.layers[0]?.digest ?? assert.fail();
  const fault = world.registry.fault({ method: 'GET', path: outlines, act: { kind: 'status', status: 403 } });
  const { memory } = await world.run();
  assert.equal(await memory.latestElsewhere('w'), undefined);
  await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
  assert.deepEqual(await memory.save(), []);
  fault.remove();
  assert.deepEqual(Object.keys(lying(world).records).sort(), [K('k0'), K('k1')].sort());
});

test('an upload that is refused, whichever it is, puts no tag', async (t) => {
  for (const nth of [1, 2]) {
    const world = await makeWorld(t);
    const { memory } = await world.run();
    await memory.remember(recordOf(K('k1')), lastOf(K('k1')));
    const act = { kind: 'status', status: 403 } as const;
    world.registry.fault({ method: 'PUT', path: '/app/blobs/uploads/', nth, act });
    const warnings = await memory.save();
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['run/records-not-shared'],
    );
    assert.deepEqual(world.registry.store.tags(), {});
  }
});

test('an outline of what did not change is kept as it lies there, and one of what changed is made anew', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf(K('k1')), lastOf(K('k1'), 1));
  await one.memory.save();
  const before = lying(world).outlines;
  const two = await world.run();
  await two.memory.recall(K('k1'), 'x');
  // The same key, and files that are not looked at.
  await two.memory.confirm('x', lastOf(K('k1'), 2));
  await two.memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2')));
  await two.memory.save();
  assert.deepEqual(lying(world).outlines?.['x'], before?.['x']);
  const three = await world.run();
  await three.memory.remember(recordOf(K('k3')), lastOf(K('k3'), 2));
  await three.memory.save();
  assert.equal(lying(world).outlines?.['x']?.key, K('k3'));
  assert.equal(lying(world).outlines?.['y']?.key, K('k2'));
});

test('an outline names at most a thousand files of a build', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  await memory.remember(recordOf(K('k1')), lastOf(K('k1'), 1000));
  await memory.remember(recordOf(K('k2'), { build: 'y' }), lastOf(K('k2'), 1001));
  await memory.save();
  const outlines = lying(world).outlines as unknown as Record<
    string,
    { files: { context: Record<string, string> } }
  >;
  assert.equal(Object.keys(outlines['x']?.files.context ?? {}).length, 1000);
  assert(Object.keys(outlines['y']?.files.context ?? {}).length < 1000);
});

test('sensitive values do not get into outlines', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  const last = lastOf(K('k1'));
  await memory.remember(recordOf(K('k1')), { ...last, parts: { ...last.parts, target: 'hunter2' } });
  await memory.save();
  assert.doesNotMatch(JSON.stringify(lying(world).outlines), /hunter2/);
});
