/** What machines remember of results, alone and through a registry: read, written, merged, limited, and never trusted blindly. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type Build,
  type BuildRecord,
  type BuildSet,
  type Digest,
  type ImageRef,
  KEY_VERSION,
  type KeyParts,
  parseImageRef,
} from '../../lib/model/mod.ts';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { Memory, recordRef } from '../../lib/run/memory.ts';
import { type LastInputs, StateStore } from '../../lib/state/mod.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { digestOfBytes } from '../rig/fake-registry-store.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const RECORDS_TYPE = 'application/vnd.bake-ts.records.v1+json+gzip';
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
    return { memory: new Memory(state, client, ref, (text) => text.includes('hunter')), state };
  };
  return { registry, ref, run };
}

interface Lying {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** What lies in the registry. */
function lying({ registry }: World) {
  const manifest = registry.store.manifest('app', 'records');
  assert(manifest !== undefined, 'there are no records');
  const json = JSON.parse(manifest.bytes.toString()) as {
    readonly config: Lying;
    readonly layers: readonly Lying[];
  };
  const unpack = (mediaType: string): unknown => {
    const layer = json.layers.find((one) => one.mediaType === mediaType);
    if (layer === undefined) return undefined;
    const bytes = registry.store.blob('app', layer.digest);
    assert.equal(bytes?.length, layer.size);
    return JSON.parse(gunzipSync(bytes ?? '').toString());
  };
  return {
    manifest: json,
    records: (unpack(RECORDS_TYPE) as { records: Record<string, BuildRecord> }).records,
    outlines: (unpack(INPUTS_TYPE) as { builds: Record<string, { key: string }> } | undefined)?.builds,
  };
}

/** Puts an artifact with these layers. */
function put({ registry }: World, layers: readonly (readonly [string, Uint8Array])[]): void {
  const found = layers.map(([mediaType, bytes]) => ({
    mediaType,
    digest: registry.store.putBlob('app', Buffer.from(bytes)),
    size: bytes.length,
  }));
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOfBytes('{}'), size: 2 };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  registry.store.putManifest('app', 'records', {
    mediaType,
    bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: found })),
  });
}

const pack = (json: unknown) => gzipSync(JSON.stringify(json));

test('what one machine remembered, another one recalls, and a third where only the first was asked', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  assert.equal(await one.memory.recall('k1'), undefined);
  const written = await one.memory.remember(recordOf('k1'), lastOf('k1'));
  assert(written.ok);
  assert.deepEqual(world.registry.writes(), []);
  assert.deepEqual(await one.memory.recall('k1'), recordOf('k1'));
  assert.deepEqual(await one.memory.latest('x'), lastOf('k1'));
  assert.deepEqual(await one.memory.save(), []);
  const { manifest, records, outlines } = lying(world);
  assert.deepEqual(records, { k1: recordOf('k1') });
  assert.equal(outlines?.['x']?.key, 'k1');
  assert.deepEqual(
    { ...manifest, layers: manifest.layers.map(({ mediaType }) => mediaType) },
    {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.bake-ts.records.v1+json',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOfBytes('{}'), size: 2 },
      layers: [RECORDS_TYPE, INPUTS_TYPE],
    },
  );
  const two = await world.run();
  assert.deepEqual(await two.memory.recall('k1'), recordOf('k1'));
  assert.equal(await two.memory.recall('k2'), undefined);
  assert.equal(await two.memory.latest('x'), undefined);
  assert.equal((await two.memory.latestElsewhere('x'))?.key, 'k1');
  assert.equal(await two.memory.latestElsewhere('y'), undefined);
  // It knows nothing that the registry does not.
  world.registry.forget();
  assert.deepEqual(await two.memory.save(), []);
  assert.deepEqual(world.registry.lines(), []);
});

test('the registry is read once in a run, and not at all for what this machine knows', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.save();
  world.registry.forget();
  await one.memory.recall('k1');
  assert.deepEqual(world.registry.lines(), []);
  const two = await world.run();
  await two.memory.recall('k1');
  const reads = world.registry.lines().length;
  await two.memory.recall('k2');
  await two.memory.recall('k3');
  assert.equal(world.registry.lines().length, reads);
  await two.memory.latestElsewhere('x');
  assert.equal(world.registry.lines().length, reads + 1);
  await two.memory.latestElsewhere('y');
  assert.equal(world.registry.lines().length, reads + 1);
});

test('a result from elsewhere that is confirmed is remembered here as well', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.save();
  const two = await world.run();
  await two.memory.recall('k1');
  assert.equal(await two.state.readRecord('k1'), undefined);
  await two.memory.confirm('x', lastOf('k1'));
  assert.deepEqual(await two.state.readRecord('k1'), recordOf('k1'));
  assert.deepEqual(await two.state.readLast('x'), lastOf('k1'));
  // What this machine has is only made the latest again.
  await one.memory.remember(recordOf('k2'), lastOf('k2'));
  await one.memory.recall('k1');
  await one.memory.confirm('x', lastOf('k1'));
  assert.deepEqual(await one.memory.latest('x'), lastOf('k1'));
});

test('what was only found counts as seen: it is shared, by whichever run first can, with its inputs', async (t) => {
  const world = await makeWorld(t);
  const home = await makeTempDir(t, 'memory-home-');
  // Remembered by a run that could not tell anybody.
  await (await world.run(home)).memory.remember(recordOf('k1'), lastOf('k1'));
  const later = await world.run(home);
  assert.deepEqual(await later.memory.recall('k1'), recordOf('k1'));
  await later.memory.confirm('x', lastOf('k1'));
  assert.deepEqual(await later.memory.save(), []);
  assert.deepEqual(lying(world).records, { k1: recordOf('k1') });
  assert.equal(lying(world).outlines?.['x']?.key, 'k1');
  // What was found in the registry goes back into it where another one lost it meanwhile.
  const other = await world.run();
  await other.memory.recall('k1');
  await other.memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2'));
  world.registry.store.deleteManifest('app', 'records');
  assert.deepEqual(await other.memory.save(), []);
  assert.deepEqual(Object.keys(lying(world).records).sort(), ['k1', 'k2']);
});

test('a result from elsewhere that was found to be wrong is not brought back by confirming', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.save();
  const two = await world.run();
  await two.memory.recall('k1');
  await two.memory.drop('k1');
  await two.memory.confirm('x', lastOf('k1'));
  assert.equal(await two.state.readRecord('k1'), undefined);
});

test('without a place to share, nothing is asked and nothing is written', async (t) => {
  const world = await makeWorld(t);
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  const state = new StateStore(await makeTempDir(t, 'memory-'), '/project');
  const memory = new Memory(state, client, undefined, () => false);
  assert.equal(await memory.recall('k1'), undefined);
  await memory.remember(recordOf('k1'), lastOf('k1'));
  assert.deepEqual(await memory.recall('k1'), recordOf('k1'));
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
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2'));
  await one.memory.save();
  // On the machine that has it.
  const same = await world.run();
  await same.memory.recall('k2');
  await same.memory.drop('k2');
  assert.equal(await same.state.readRecord('k2'), undefined);
  assert.deepEqual(await same.memory.save(), []);
  assert.deepEqual(Object.keys(lying(world).records), ['k1']);
  // The outline of a build of which nothing is remembered goes too.
  assert.deepEqual(Object.keys(lying(world).outlines ?? {}), ['x']);
  await one.memory.drop('k1');
  assert.equal(await one.state.readRecord('k1'), undefined);
  assert.deepEqual(await one.state.readLast('x'), lastOf('k1'));
  await one.memory.save();
  assert.deepEqual(lying(world).records['k1'], undefined);
});

test('a run that only drops what the registry does not have writes nothing', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.save();
  const two = await world.run();
  await two.memory.drop('k9');
  world.registry.forget();
  assert.deepEqual(await two.memory.save(), []);
  assert.deepEqual(world.registry.writes(), []);
});

test('what was dropped and then built again is remembered', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  await memory.remember(recordOf('k1'), lastOf('k1'));
  await memory.save();
  await memory.drop('k1');
  await memory.remember(recordOf('k1', { digest: B }), lastOf('k1'));
  await memory.save();
  assert.equal(lying(world).records['k1']?.digest, B);
});

test('two runs at the same time keep what each of them wrote', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  const two = await world.run();
  await one.memory.recall('k1');
  await two.memory.recall('k2');
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await two.memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2'));
  await one.memory.save();
  await two.memory.save();
  const { records, outlines } = lying(world);
  assert.deepEqual(Object.keys(records).sort(), ['k1', 'k2']);
  assert.deepEqual(Object.keys(outlines ?? {}).sort(), ['x', 'y']);
});

test('another run that wrote the same in the meantime is not written over', async (t) => {
  const world = await makeWorld(t);
  const one = await world.run();
  const two = await world.run();
  await one.memory.recall('k1');
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await two.memory.remember(recordOf('k1', { durationMs: 9 }), lastOf('k1'));
  await two.memory.save();
  world.registry.forget();
  assert.deepEqual(await one.memory.save(), []);
  assert.deepEqual(world.registry.writes(), []);
  assert.equal(lying(world).records['k1']?.durationMs, 9);
});

test('of two results of a key the one that ended later counts', async (t) => {
  const world = await makeWorld(t);
  const late = recordOf('k1', { digest: B, finishedAt: '2024-01-02T00:00:00.000Z' });
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
  await one.memory.save();
  const two = await world.run();
  await two.memory.remember(late, lastOf('k1'));
  await two.memory.save();
  assert.deepEqual(lying(world).records['k1'], late);
  const three = await world.run();
  await three.memory.remember(recordOf('k1'), lastOf('k1'));
  await three.memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2'));
  await three.memory.save();
  assert.deepEqual(lying(world).records['k1'], late);
  // At the same moment: the one that is at hand.
  const four = await world.run();
  await four.memory.remember({ ...late, digest: A }, lastOf('k1'));
  await four.memory.save();
  assert.equal(lying(world).records['k1']?.digest, A);
});

test('of each build the eight latest results stay, whoever wrote them', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  // The oldest is remembered last, and another build's are counted apart.
  for (const day of [9, 8, 7, 6, 5, 4, 3, 2, 1]) {
    const finishedAt = `2024-01-0${day}T00:00:00.000Z`;
    await memory.remember(recordOf(`k${day}`, { finishedAt }), lastOf(`k${day}`));
  }
  const y = { build: 'y', finishedAt: '2023-01-01T00:00:00.000Z' };
  await memory.remember(recordOf('y1', y), lastOf('y1'));
  await memory.save();
  const expected = ['k9', 'k8', 'k7', 'k6', 'k5', 'k4', 'k3', 'k2', 'y1'];
  assert.deepEqual(Object.keys(lying(world).records), expected);
  const two = await world.run();
  await two.memory.remember(recordOf('k10', { finishedAt: '2024-02-01T00:00:00.000Z' }), lastOf('k10'));
  await two.memory.save();
  assert.deepEqual(Object.keys(lying(world).records), ['k10', ...expected.filter((key) => key !== 'k2')]);
});

test('what is damaged, of another version or under another key is not known', async (t) => {
  const world = await makeWorld(t);
  const good = { version: KEY_VERSION, records: { k1: recordOf('k1') } };
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ['no gzip', Buffer.from('{')],
    ['no JSON', gzipSync('{')],
    ['no object', pack(null)],
    ['another version', pack({ ...good, version: KEY_VERSION + 1 })],
    ['no records', pack({ version: KEY_VERSION })],
    ['a record of another version', pack({ ...good, records: { k1: { ...recordOf('k1'), version: 0 } } })],
    ['another key', pack({ ...good, records: { k1: recordOf('k2') } })],
    ['a bad digest', pack({ ...good, records: { k1: { ...recordOf('k1'), digest: 'sha256:1' } } })],
  ];
  for (const [name, bytes] of rows) {
    put(world, [[RECORDS_TYPE, bytes]]);
    const { memory } = await world.run();
    assert.equal(await memory.recall('k1'), undefined, name);
  }
  // The same without a fault, beside one that is damaged.
  put(world, [[RECORDS_TYPE, pack({ ...good, records: { k0: recordOf('k2'), k1: recordOf('k1') } })]]);
  const { memory } = await world.run();
  assert.deepEqual(await memory.recall('k1'), recordOf('k1'));
  assert.equal(await memory.latestElsewhere('x'), undefined);
});

test('outlines that are damaged give no reasons, and the others do', async (t) => {
  const world = await makeWorld(t);
  const records = pack({ version: KEY_VERSION, records: { k1: recordOf('k1') } });
  const one = await world.run();
  await one.memory.remember(recordOf('k1'), lastOf('k1'));
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
    [pack({ builds: { w: null, x: good } }), 'k1'],
  ];
  for (const [bytes, key] of rows) {
    put(world, [
      [RECORDS_TYPE, records],
      [INPUTS_TYPE, bytes],
    ]);
    const { memory } = await world.run();
    assert.equal((await memory.latestElsewhere('x'))?.key, key);
    assert.equal(await memory.latestElsewhere('w'), undefined);
    assert.deepEqual(await memory.recall('k1'), recordOf('k1'));
  }
});

test('an artifact that is something else is left as it is', async (t) => {
  const world = await makeWorld(t);
  put(world, [['application/x', Buffer.from('x')]]);
  const { memory } = await world.run();
  await memory.remember(recordOf('k1'), lastOf('k1'));
  assert.equal(await memory.recall('k2'), undefined);
  assert.equal(await memory.latestElsewhere('x'), undefined);
  world.registry.forget();
  const [warning, ...more] = await memory.save();
  assert.deepEqual(more, []);
  assert.equal(warning?.code, 'run/records-not-shared');
  assert.equal(warning?.severity, 'warning');
  assert.match(warning?.message ?? '', /app:records.*is not a record of bake-ts/);
  assert.match(warning?.hint ?? '', /used for nothing else/);
  assert.deepEqual(world.registry.writes(), []);
});

test('wherever the registry refuses, it is a warning and the records here stay', async (t) => {
  const world = await makeWorld(t);
  const first = await world.run();
  await first.memory.remember(recordOf('k0', { build: 'w' }), lastOf('k0'));
  await first.memory.save();
  const before = lying(world);
  const layer = (at: number) => before.manifest.layers[at]?.digest ?? assert.fail();
  const rows = [
    { method: 'HEAD', path: '/app/manifests/records', status: 403 },
    { method: 'GET', path: '/app/manifests/', status: 403 },
    { method: 'GET', path: layer(0), status: 403 },
    { method: 'PUT', path: '/app/manifests/records', status: 403 },
  ];
  for (const { method, path, status } of rows) {
    const fault = world.registry.fault({ method, path, act: { kind: 'status', status } });
    const { memory, state } = await world.run();
    assert.equal(await memory.recall('k1'), undefined);
    await memory.remember(recordOf('k1'), lastOf('k1'));
    const warnings = await memory.save();
    assert.deepEqual(
      warnings.map(({ code, severity }) => [code, severity]),
      [['run/records-not-shared', 'warning']],
      `${method} ${path}`,
    );
    assert.match(warnings[0]?.message ?? '', /^what was built is not recorded in .*app:records: /);
    assert.deepEqual(await state.readRecord('k1'), recordOf('k1'));
    fault.remove();
    assert.deepEqual(lying(world), before);
  }
  // The outlines only give reasons: where they cannot be read, the records are written all the same.
  const fault = world.registry.fault({ method: 'GET', path: layer(1), act: { kind: 'status', status: 403 } });
  const { memory } = await world.run();
  assert.equal(await memory.latestElsewhere('w'), undefined);
  await memory.remember(recordOf('k1'), lastOf('k1'));
  assert.deepEqual(await memory.save(), []);
  fault.remove();
  assert.deepEqual(Object.keys(lying(world).records).sort(), ['k0', 'k1']);
});

test('an upload that is refused, whichever it is, puts no tag', async (t) => {
  for (const nth of [1, 2, 3]) {
    const world = await makeWorld(t);
    const { memory } = await world.run();
    await memory.remember(recordOf('k1'), lastOf('k1'));
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
  await one.memory.remember(recordOf('k1'), lastOf('k1', 1));
  await one.memory.save();
  const before = lying(world).outlines;
  const two = await world.run();
  await two.memory.recall('k1');
  // The same key, and files that are not looked at.
  await two.memory.confirm('x', lastOf('k1', 2));
  await two.memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2'));
  await two.memory.save();
  assert.deepEqual(lying(world).outlines?.['x'], before?.['x']);
  const three = await world.run();
  await three.memory.remember(recordOf('k3'), lastOf('k3', 2));
  await three.memory.save();
  assert.equal(lying(world).outlines?.['x']?.key, 'k3');
  assert.equal(lying(world).outlines?.['y']?.key, 'k2');
});

test('an outline names at most a thousand files of a build', async (t) => {
  const world = await makeWorld(t);
  const { memory } = await world.run();
  await memory.remember(recordOf('k1'), lastOf('k1', 1000));
  await memory.remember(recordOf('k2', { build: 'y' }), lastOf('k2', 1001));
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
  const last = lastOf('k1');
  await memory.remember(recordOf('k1'), { ...last, parts: { ...last.parts, target: 'hunter2' } });
  await memory.save();
  assert.doesNotMatch(JSON.stringify(lying(world).outlines), /hunter2/);
});

function buildOf(push: Build['push'], ...tags: readonly string[]): Partial<Build> {
  return {
    push,
    tags: tags.map((text) => {
      const ref = parseImageRef(text);
      return { text, ...(ref === undefined ? {} : { ref }) };
    }),
  };
}

function setOf(record: string | undefined, ...builds: readonly Partial<Build>[]): BuildSet {
  const set = {
    ...(record === undefined ? {} : { record }),
    builds: new Map(builds.map((build, at) => [`b${at}`, build])),
  };
  return set as unknown as BuildSet;
}

test('records lie beside the first image by name, or where the set says', () => {
  const refOf = (record: string | undefined, ...builds: readonly Partial<Build>[]) => {
    const found = recordRef(setOf(record, ...builds));
    return found.ok ? found.value : found.error.code;
  };
  const b = buildOf('selected', 'r.example/b:1');
  const a = buildOf('always', 'r.example/a:1');
  assert.equal(refOf(undefined, a), undefined);
  assert.equal(refOf('local', a), undefined);
  assert.equal(refOf('registry'), undefined);
  assert.equal(refOf('registry', buildOf('never', 'r.example/a:1')), undefined);
  assert.equal(refOf('registry', buildOf('selected', 'r.example/A:1')), undefined);
  const beside = { registry: 'r.example', repository: 'a', tag: 'bake-records' };
  assert.deepEqual(refOf('registry', b, a), beside);
  assert.deepEqual(refOf('registry', a, b), beside);
  assert.deepEqual(refOf('registry', buildOf('never', 'r.example/0:1'), b, a), beside);
  assert.deepEqual(refOf('registry', buildOf('selected', 'r.example/z:1', 'r.example/a:9')), beside);
  assert.deepEqual(refOf('r.example/team/records', a), {
    registry: 'r.example',
    repository: 'team/records',
    tag: 'bake-records',
  });
  assert.equal((refOf('r.example/team/records:main', a) as ImageRef).tag, 'main');
  assert.equal(refOf(`r.example/team/records@${A}`, a), 'run/bad-record');
  assert.equal(refOf('NO', a), 'run/bad-record');
  const bad = recordRef({ record: 'NO', builds: new Map() } as unknown as BuildSet);
  assert(!bad.ok);
  assert.match(bad.error.hint ?? '', /`record: registry`, or a reference/);
});
