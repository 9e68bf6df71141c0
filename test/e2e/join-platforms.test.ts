/** Images of platforms that were built apart and joined, beside what one BuildKit makes of all of them in one call: byte for byte. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { type Digest, isDigest } from '../../lib/model/mod.ts';
import {
  createRegistryClient,
  type JoinedImage,
  joinPlatforms,
  type Manifest,
} from '../../lib/registry/mod.ts';
import { buildctlBuild } from '../rig/buildkit.ts';
import { findBusybox } from '../rig/busybox.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';
import { tinyProgram } from '../rig/tiny-program.ts';

/** The handler that the kernel has for programs of the other architecture (Debian's qemu-user-static). */
const HANDLER = `/proc/sys/fs/binfmt_misc/qemu-${process.arch === 'arm64' ? 'x86_64' : 'aarch64'}`;
const cannotEmulate = existsSync(HANDLER) ? false : `no emulation: there is no ${HANDLER}`;

const options = { skip: realEngine.skip, timeout: 180_000 };
const BOTH = ['linux/amd64', 'linux/arm64'];

interface Bench {
  readonly registry: TestRegistry;
  readonly dir: string;
  readonly client: ReturnType<typeof createRegistryClient>;
  /** Builds and pushes by digest, as one call of buildctl. */
  build(platforms: readonly string[], how?: How): Promise<Digest>;
  read(digest: Digest): Promise<Manifest>;
  /** Builds each platform in a call of its own, or several where they are given together, and joins them. */
  joined(platforms: readonly (string | readonly string[])[], how?: How): Promise<JoinedImage>;
}

interface How {
  readonly args?: readonly string[];
  /** Attributes of the output. */
  readonly output?: readonly string[];
  /** As builds.yaml has them. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What a part can be given of the annotations, by its platform. */
  readonly ofPart?: (platform: string) => readonly string[];
}

async function makeBench(t: Cleanup, tree: Parameters<typeof writeTree>[1]): Promise<Bench> {
  const registry = await startTestRegistry(t);
  const dir = await makeTempDir(t, 'join-');
  await writeTree(dir, tree);
  const client = createRegistryClient({ env: {} });
  t.after(() => client.close());
  const repository = { registry: registry.host, repository: 'join/app' };
  let calls = 0;
  const call = async (platforms: readonly string[], args: readonly string[], output: readonly string[]) => {
    const metadata = path.join(dir, `../${path.basename(dir)}-${calls++}.json`);
    const attributes = [
      'type=image',
      `name=${registry.host}/join/app`,
      'push=true',
      'push-by-digest=true',
      'store=false',
    ];
    const built = await buildctlBuild(dir, dir, [
      `--opt=platform=${platforms.join(',')}`,
      ...args,
      `--output=${[...attributes, ...output].map((one) => `"${one.replaceAll('"', '""')}"`).join(',')}`,
      `--metadata-file=${metadata}`,
    ]);
    assert.equal(built.code, 0, built.stderr);
    const digest: unknown = JSON.parse(await readFile(metadata, 'utf8'))['containerimage.digest'];
    assert.ok(typeof digest === 'string' && isDigest(digest));
    return digest;
  };
  const attributesOf = (annotations: How['annotations'] = {}) =>
    Object.entries(annotations).map(([key, text]) => {
      const [, level, name = key] = /^([a-z-]+(?:\[[^\]]+\])?):(.*)$/.exec(key) ?? [];
      return `annotation${level === undefined ? '' : `-${level}`}.${name}=${text}`;
    });
  return {
    registry,
    dir,
    client,
    build: (platforms, { args = [], output = [], annotations } = {}) =>
      call(platforms, args, [...output, ...attributesOf(annotations)]),
    read: async (digest) => {
      const got = await client.getManifest({ ...repository, digest });
      assert.ok(got.ok);
      return got.value;
    },
    joined: async (platforms, { args = [], output = [], annotations = {}, ofPart = () => [] } = {}) => {
      const parts = [];
      for (const some of platforms) {
        const list = typeof some === 'string' ? [some] : some;
        const digest = await call(list, args, [...output, ...list.flatMap(ofPart)]);
        parts.push(...list.map((platform) => ({ platform, digest, repository })));
      }
      const joined = await joinPlatforms(client, {
        repositories: [repository],
        parts,
        annotations: new Map(Object.entries(annotations)),
      });
      assert.ok(joined.ok, JSON.stringify(joined));
      return joined.value;
    },
  };
}

const COPY = {
  Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /file\nLABEL a=b\n',
  amd64: 'amd\n',
  arm64: 'arm\n',
  arm: 'old\n',
};

/** Reads it back from the registry, and compares text with text, so that a difference shows. */
async function assertSame(bench: Bench, joined: JoinedImage, whole: Digest): Promise<void> {
  const expected = await bench.read(whole);
  assert.equal(new TextDecoder().decode(joined.manifest.bytes), new TextDecoder().decode(expected.bytes));
  assert.equal(joined.digest, whole);
  assert.equal(joined.mediaType, expected.mediaType);
}

test('two platforms, three in another order, and several of one call', options, async (t) => {
  const bench = await makeBench(t, COPY);
  await assertSame(bench, await bench.joined(BOTH), await bench.build(BOTH));
  const three = ['linux/arm/v7', 'linux/arm64', 'linux/amd64'];
  const whole = await bench.build(three);
  await assertSame(bench, await bench.joined(three), whole);
  await assertSame(bench, await bench.joined([['linux/arm/v7', 'linux/arm64'], 'linux/amd64']), whole);
});

test('media types of Docker', options, async (t) => {
  const bench = await makeBench(t, COPY);
  const how = { output: ['oci-mediatypes=false'] };
  const joined = await bench.joined(BOTH, how);
  await assertSame(bench, joined, await bench.build(BOTH, how));
  assert.match(joined.mediaType, /^application\/vnd\.docker\.distribution\.manifest\.list/);
});

test('what engines that share nothing made, where the build is reproducible', options, async (t) => {
  const bench = await makeBench(t, COPY);
  const how = {
    args: ['--no-cache', '--opt=build-arg:SOURCE_DATE_EPOCH=1'],
    output: ['rewrite-timestamp=true'],
  };
  await assertSame(bench, await bench.joined(BOTH, how), await bench.build(BOTH, how));
});

test('steps that ran natively and emulated', {
  ...options,
  skip: realEngine.skip || cannotEmulate,
}, async (t) => {
  const bench = await makeBench(t, {
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY run-$TARGETARCH /run\nRUN ["/run"]\n',
    'run-amd64': { content: tinyProgram('amd64', 'by amd64\n'), mode: 0o755 },
    'run-arm64': { content: tinyProgram('arm64', 'by arm64\n'), mode: 0o755 },
  });
  await assertSame(bench, await bench.joined(BOTH), await bench.build(BOTH));
  const how = {
    args: ['--no-cache', '--opt=build-arg:SOURCE_DATE_EPOCH=1'],
    output: ['rewrite-timestamp=true'],
  };
  const joined = await bench.joined(BOTH, how);
  await assertSame(bench, joined, await bench.build(BOTH, how));
  const out = await makeTempDir(t, 'join-out-');
  const files = await buildctlBuild(bench.dir, bench.dir, [
    `--opt=platform=${BOTH.join(',')}`,
    `--output=type=local,dest=${out}`,
  ]);
  assert.equal(files.code, 0, files.stderr);
  for (const arch of ['amd64', 'arm64'])
    assert.equal(await readFile(path.join(out, `linux_${arch}/made`), 'utf8'), `by ${arch}\n`);
});

test('annotations of every level, for all platforms and for one', options, async (t) => {
  const bench = await makeBench(t, COPY);
  const annotations = {
    plain: 'of manifests',
    'manifest:some': '<b> & "c" \u2028 é 😀',
    'manifest[linux/amd64]:one': 'amd64',
    'manifest[linux/arm64]:some': 'arm64',
    'index:10': 'ten',
    'index:9': 'nine',
    'index:org.example.title': '<i>\u2029\u007f',
    'index-descriptor:nowhere': 'in no bytes',
    'manifest-descriptor:both': 'in the index',
    'manifest-descriptor:other': 'of all',
    'manifest-descriptor[linux/arm64]:other': 'of arm64',
  };
  const ofPart = (platform: string) => [
    'annotation.plain=of manifests',
    `annotation.some=${platform === 'linux/arm64' ? 'arm64' : annotations['manifest:some']}`,
    ...(platform === 'linux/amd64' ? ['annotation.one=amd64'] : []),
  ];
  const whole = await bench.build(BOTH, { annotations });
  const joined = await bench.joined(BOTH, { annotations, ofPart });
  await assertSame(bench, joined, whole);
  assert.match(new TextDecoder().decode(joined.manifest.bytes), /\\u003ci\\u003e\\u2029\u007f/);
  // A part that is an index of its own has what it could be given in it.
  const asIndex = {
    annotations,
    args: ['--opt=multi-platform=true'],
    ofPart: (platform: string) => [...ofPart(platform), 'annotation-manifest-descriptor.both=in the index'],
  };
  await assertSame(bench, await bench.joined(BOTH, asIndex), whole);
});

test('an SBOM that says nothing of its time', options, async (t) => {
  const bench = await makeBench(t, {
    ...COPY,
    'scan/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'scan/Dockerfile': `FROM scratch\nCOPY busybox /\nENTRYPOINT ["/busybox", "sh", "-c", "echo '{\\"_type\\":\\"https://in-toto.io/Statement/v0.1\\",\\"predicateType\\":\\"https://spdx.dev/Document\\",\\"predicate\\":{\\"name\\":\\"scan\\"}}' > $BUILDKIT_SCAN_DESTINATION/it.spdx.json"]\n`,
  });
  const scan = `${bench.registry.host}/join/scan:1`;
  const dir = path.join(bench.dir, 'scan');
  const made = await buildctlBuild(dir, dir, [`--output=type=image,name=${scan},push=true,store=false`]);
  assert.equal(made.code, 0, made.stderr);
  const how = { args: [`--opt=attest:sbom=generator=${scan}`] };
  const joined = await bench.joined(BOTH, how);
  await assertSame(bench, joined, await bench.build(BOTH, how));
  const { manifests } = JSON.parse(new TextDecoder().decode(joined.manifest.bytes));
  assert.deepEqual(
    manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture),
    ['amd64', 'arm64', 'unknown', 'unknown'],
  );
});

for (const mode of ['min', 'max']) {
  test(`provenance (${mode}): all is equal but what is said of the call itself`, options, async (t) => {
    const bench = await makeBench(t, COPY);
    const how = { args: [`--opt=attest:provenance=mode=${mode}`], annotations: { 'index:a': 'b' } };
    const joined = await bench.joined(BOTH, { ...how });
    const whole = await bench.read(await bench.build(BOTH, how));
    const shape = async (text: Uint8Array) => {
      const json = JSON.parse(new TextDecoder().decode(text));
      for (const entry of json.manifests) {
        if (entry.platform.os !== 'unknown') continue;
        const manifest = await bench.read(entry.digest);
        entry.digest = {
          ...manifest.json,
          config: undefined,
          layers: (manifest.json['layers'] as object[]).map((layer) => ({ ...layer, digest: '', size: 0 })),
        };
        entry.size = 0;
      }
      return json;
    };
    assert.deepEqual(await shape(joined.manifest.bytes), await shape(whole.bytes));
  });
}

test('an image of Windows has its version in the index', options, async (t) => {
  const bench = await makeBench(t, { Dockerfile: '' });
  const base = { registry: bench.registry.host, repository: 'join/windows' };
  const put = async (content: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify(content));
    const digest = await bench.client.putBlob(base, bytes);
    assert.ok(digest.ok);
    return { digest: digest.value, size: bytes.length };
  };
  const config = await put({
    architecture: 'amd64',
    os: 'windows',
    'os.version': '10.0.17763.5',
    'os.features': ['win32k'],
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [],
  };
  const pushed = await bench.client.putManifest(
    { ...base, tag: '1' },
    { mediaType, bytes: new TextEncoder().encode(JSON.stringify(manifest)) },
  );
  assert.ok(pushed.ok);
  await writeFile(
    path.join(bench.dir, 'Dockerfile'),
    `FROM --platform=windows/amd64 ${bench.registry.host}/join/windows:1 AS windows\nFROM scratch AS linux\nFROM \${TARGETOS}\nLABEL a=b\n`.replace(
      /^/,
      'ARG TARGETOS\n',
    ),
  );
  const platforms = ['linux/amd64', 'windows/amd64'];
  const joined = await bench.joined(platforms, { annotations: { 'manifest-descriptor:a': 'b' } });
  await assertSame(
    bench,
    joined,
    await bench.build(platforms, { annotations: { 'manifest-descriptor:a': 'b' } }),
  );
  assert.match(new TextDecoder().decode(joined.manifest.bytes), /"os\.version": "10\.0\.17763\.5"/);
});
