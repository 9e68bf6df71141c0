/** Layers-only images, letter by letter. That BuildKit makes the same bytes is shown in test/e2e/parent-config.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, fail, ok, problem } from '../../lib/model/mod.ts';
import {
  layersOnly,
  layersOnlyImage,
  layersOnlyIndex,
  type Manifest,
  parseManifest,
} from '../../lib/registry/mod.ts';
import { digestOfBytes } from '../rig/fake-registry-store.ts';

const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';
const ID = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

const bytesOf = (json: unknown) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : Buffer.from(bytes).toString());

function manifestOf(json: unknown): Manifest {
  const bytes = bytesOf(json);
  const manifest = parseManifest(bytes, digestOfBytes(bytes));
  assert(manifest !== undefined);
  return manifest;
}

const LAYERS = [
  { mediaType: `${OCI}.layer.v1.tar+gzip`, digest: ID('1'), size: 10 },
  {
    mediaType: `${OCI}.layer.v1.tar+gzip`,
    digest: ID('2'),
    size: 20,
    annotations: { 'a.b/c': '<&>' },
  },
];

/** An image of that many layers. */
function imageOf(config: object, { layers = LAYERS as readonly object[], type = OCI } = {}) {
  const text = JSON.stringify(config);
  const kind = type === OCI ? `${OCI}.config.v1+json` : `${DOCKER}.container.image.v1+json`;
  return {
    config: bytesOf(text),
    manifest: manifestOf({
      schemaVersion: 2,
      mediaType: type === OCI ? `${OCI}.manifest.v1+json` : `${DOCKER}.distribution.manifest.v2+json`,
      config: { mediaType: kind, digest: digestOfBytes(bytesOf(text)), size: text.length },
      layers,
      annotations: { of: 'the image' },
    }),
  };
}

const CONFIG = {
  os: 'linux',
  architecture: 'arm64',
  variant: 'v8',
  author: 'somebody',
  created: '2026-01-02T03:04:05Z',
  config: { Env: ['A=b'], Labels: { one: 'two' }, Cmd: ['x'], User: 'u' },
  history: [{ created_by: 'COPY' }, { created_by: 'RUN' }, { created_by: 'ENV', empty_layer: true }],
  rootfs: { diff_ids: [ID('3'), ID('4')], type: 'layers' },
};

const EPOCH = '1970-01-01T00:00:00Z';
const EXPECTED_CONFIG = `{"architecture":"arm64","config":{"OnBuild":["BAKE_TS_LAYERS_ONLY"]},"created":"${EPOCH}","history":[{"created":"${EPOCH}"},{"created":"${EPOCH}"}],"os":"linux","rootfs":{"type":"layers","diff_ids":["${ID('3')}","${ID('4')}"]},"variant":"v8"}`;

test('platform and layers are kept, and nothing else', () => {
  const { manifest, config } = imageOf(CONFIG);
  const made = layersOnlyImage(manifest, config);
  assert.equal(textOf(made?.config), EXPECTED_CONFIG);
  assert.equal(
    textOf(made?.manifest.bytes),
    `{
  "schemaVersion": 2,
  "mediaType": "${OCI}.manifest.v1+json",
  "config": {
    "mediaType": "${OCI}.config.v1+json",
    "digest": "${digestOfBytes(bytesOf(EXPECTED_CONFIG))}",
    "size": ${EXPECTED_CONFIG.length}
  },
  "layers": [
    {
      "mediaType": "${OCI}.layer.v1.tar+gzip",
      "digest": "${ID('1')}",
      "size": 10
    },
    {
      "mediaType": "${OCI}.layer.v1.tar+gzip",
      "digest": "${ID('2')}",
      "size": 20,
      "annotations": {
        "a.b/c": "\\u003c\\u0026\\u003e"
      }
    }
  ]
}`,
  );
  assert.equal(made?.platform, 'linux/arm64');
  assert.equal(made?.hasTriggers, false);
});

test('images that differ in what no step sees have the same one, and others have not', () => {
  const digestOf = (config: object, layers?: readonly object[]) => {
    const image = imageOf(config, layers === undefined ? {} : { layers });
    return layersOnlyImage(image.manifest, image.config)?.manifest.digest;
  };
  const first = digestOf(CONFIG);
  assert.equal(digestOf({ ...CONFIG, config: {}, created: EPOCH, history: [], author: 'other' }), first);
  for (const other of [
    { ...CONFIG, os: 'windows', 'os.version': '1', 'os.features': ['f'] },
    { ...CONFIG, architecture: 'arm' },
    { ...CONFIG, variant: 'v9' },
    { ...CONFIG, rootfs: { diff_ids: [ID('3'), ID('5')] } },
  ])
    assert.notEqual(digestOf(other), first);
  assert.notEqual(digestOf(CONFIG, [...LAYERS].reverse()), first);
});

test('a Docker image keeps its types', () => {
  const { manifest, config } = imageOf(CONFIG, { type: DOCKER });
  const made = layersOnlyImage(manifest, config)?.manifest;
  assert.equal(made?.mediaType, `${DOCKER}.distribution.manifest.v2+json`);
  assert.deepEqual(made?.json['config'], {
    mediaType: `${DOCKER}.container.image.v1+json`,
    digest: digestOfBytes(bytesOf(EXPECTED_CONFIG)),
    size: EXPECTED_CONFIG.length,
  });
});

test('there is none without layers, with layers that the config does not know, or of what is no image', () => {
  const none = [
    imageOf({ ...CONFIG, rootfs: { diff_ids: [] } }, { layers: [] }),
    imageOf({ ...CONFIG, rootfs: { diff_ids: [ID('3')] } }),
    imageOf({ ...CONFIG, rootfs: {} }),
    { ...imageOf(CONFIG), config: bytesOf('no JSON') },
    { ...imageOf(CONFIG), config: bytesOf('null') },
    { ...imageOf(CONFIG), config: bytesOf('[]') },
    imageOf({ os: 'linux', architecture: 'arm64' }),
    {
      manifest: manifestOf({ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, layers: LAYERS }),
      config: bytesOf(CONFIG),
    },
    {
      manifest: manifestOf({
        schemaVersion: 2,
        mediaType: `${OCI}.manifest.v1+json`,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: ID('6'), size: 2 },
        layers: LAYERS,
      }),
      config: bytesOf(CONFIG),
    },
  ];
  for (const { manifest, config } of none) assert.equal(layersOnlyImage(manifest, config), undefined);
});

test('what a system of its own kind says of itself is kept, and an image without settings has none', () => {
  const { manifest, config } = imageOf({
    os: 'windows',
    architecture: 'amd64',
    'os.version': '10.0.1',
    'os.features': ['win32k'],
    rootfs: CONFIG.rootfs,
  });
  const made = layersOnlyImage(manifest, config);
  const {
    history: _,
    rootfs: __,
    created: ___,
    ...rest
  } = JSON.parse(textOf(made?.config)) as Record<string, unknown>;
  assert.deepEqual(rest, {
    architecture: 'amd64',
    config: { OnBuild: ['BAKE_TS_LAYERS_ONLY'] },
    os: 'windows',
    'os.features': ['win32k'],
    'os.version': '10.0.1',
  });
  assert.equal(made?.hasTriggers, false);
  const none = imageOf({ ...CONFIG, config: { OnBuild: [] } });
  assert.equal(layersOnlyImage(none.manifest, none.config)?.hasTriggers, false);
});

test('an image of one platform has one manifest, or none', async () => {
  const { manifest, config } = imageOf(CONFIG);
  const reads = { manifest: async () => assert.fail('it is at hand'), config: async () => ok(config) };
  const made = layersOnlyImage(manifest, config);
  assert(made !== undefined);
  assert.deepEqual(await layersOnly(manifest, reads), ok({ top: made.manifest, images: [made] }));
  const bare = imageOf({ ...CONFIG, rootfs: { diff_ids: [] } }, { layers: [] });
  assert.deepEqual(
    await layersOnly(bare.manifest, { ...reads, config: async () => ok(bare.config) }),
    ok(undefined),
  );
  const artifact = manifestOf({ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, layers: LAYERS });
  const unread = { ...reads, config: async () => assert.fail('there is none') };
  assert.deepEqual(await layersOnly(artifact, unread), ok(undefined));
  assert.equal(layersOnlyIndex(indexOf(), new Map()), undefined, 'an index of attestations alone');
});

test('each platform stands in the index as it stood there, or not at all', () => {
  const images = [CONFIG, { ...CONFIG, architecture: 'arm' }, { ...CONFIG, os: 'windows' }].map((config) =>
    imageOf(config),
  );
  const platforms = [
    { architecture: 'arm64', os: 'linux', odd: 1 },
    { architecture: 'arm', os: 'linux' },
    'none',
  ];
  const index = manifestOf({
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: [
      null,
      ...images.map(({ manifest: { digest, mediaType, bytes } }, at) => ({
        mediaType,
        digest,
        size: bytes.length,
        platform: platforms[at],
      })),
    ],
  });
  const made = new Map(
    images.map(({ manifest, config }) => [
      manifest.digest,
      layersOnlyImage(manifest, config) ?? assert.fail(),
    ]),
  );
  const { json } = layersOnlyIndex(index, made) ?? assert.fail();
  const { manifests } = json as { manifests: { platform?: unknown }[] };
  assert.deepEqual(
    manifests.map((one) => ('platform' in one ? one.platform : 'left out')),
    [platforms[0], platforms[1], 'left out'],
  );
});

const PLATFORM = { architecture: 'arm64', os: 'linux', variant: 'v8' };

function indexOf(...images: readonly Manifest[]): Manifest {
  return manifestOf({
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: [
      ...images.map(({ digest, mediaType, bytes }) => ({
        mediaType,
        digest,
        size: bytes.length,
        platform: PLATFORM,
      })),
      {
        mediaType: `${OCI}.manifest.v1+json`,
        digest: ID('9'),
        size: 9,
        platform: { architecture: 'unknown', os: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  });
}

test('an index has one of each platform, and no attestations', async () => {
  const one = imageOf(CONFIG);
  const two = imageOf({ ...CONFIG, architecture: 'arm', config: { OnBuild: ['RUN x'] } });
  const index = indexOf(one.manifest, two.manifest);
  const read = await layersOnly(index, {
    manifest: async (digest) => ok(digest === one.manifest.digest ? one.manifest : two.manifest),
    config: async (digest) => ok(digest === digestOfBytes(one.config) ? one.config : two.config),
  });
  assert(read.ok && read.value !== undefined);
  const made = [one, two].map(({ manifest, config }) => layersOnlyImage(manifest, config)?.manifest);
  const entry = (manifest: Manifest | undefined) => `
    {
      "mediaType": "${OCI}.manifest.v1+json",
      "digest": "${manifest?.digest}",
      "size": ${manifest?.bytes.length},
      "platform": {
        "architecture": "arm64",
        "os": "linux",
        "variant": "v8"
      }
    }`;
  assert.equal(
    textOf(read.value.top.bytes),
    `{
  "schemaVersion": 2,
  "mediaType": "${OCI}.index.v1+json",
  "manifests": [${made.map(entry).join(',')}
  ]
}`,
  );
  assert.deepEqual(
    read.value.images.map(({ hasTriggers }) => hasTriggers),
    [false, true],
  );
});

test('where one platform has none there is none of the index, and what cannot be read is a problem', async () => {
  const one = imageOf(CONFIG);
  const bare = imageOf({ ...CONFIG, rootfs: { diff_ids: [] } }, { layers: [] });
  const index = indexOf(one.manifest, bare.manifest);
  assert.equal(layersOnlyIndex(index, new Map()), undefined);
  const manifest = async (digest: Digest) =>
    ok(digest === one.manifest.digest ? one.manifest : bare.manifest);
  const config = async (digest: Digest) =>
    ok(digest === digestOfBytes(one.config) ? one.config : bare.config);
  assert.deepEqual(await layersOnly(index, { manifest, config }), ok(undefined));
  const broken = fail([problem('registry/not-found', 'gone')]);
  assert.deepEqual(await layersOnly(index, { manifest: async () => broken, config }), {
    ok: false,
    error: [...broken.error, ...broken.error],
  });
  assert.equal((await layersOnly(index, { manifest, config: async () => broken })).ok, false);
});
