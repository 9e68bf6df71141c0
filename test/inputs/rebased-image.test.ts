/** Images under other configs: which manifests and indexes are understood, and what is written for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageOf, withConfigs } from '../../lib/inputs/rebased-image.ts';
import { digestOf, type Manifest, parseManifest } from '../../lib/registry/mod.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LAYER = `sha256:${'a'.repeat(64)}` as const;
const OTHER = `sha256:${'b'.repeat(64)}` as const;

function parse(text: string): Manifest {
  const bytes = new TextEncoder().encode(text);
  const manifest = parseManifest(bytes, digestOf(bytes));
  assert(manifest !== undefined, text);
  return manifest;
}

const write = (json: object): Manifest => parse(JSON.stringify(json, null, 2));
const config = (more: object = {}) => ({ mediaType: 'c', digest: OTHER, size: 10, ...more });
const layer = (digest: string) => ({ mediaType: 'l', digest, size: 1 });
const image = (more: object = {}): Manifest =>
  write({ schemaVersion: 2, mediaType: MANIFEST, config: config(), layers: [layer(LAYER)], ...more });
const on = (manifest: Manifest, text: string, platform = 'linux/amd64') => ({
  platform,
  manifest,
  config: text,
});
const bytesOf = (text: string) => new TextEncoder().encode(text);

test('an image has the layers of its manifest, each as it is written there; else it is none', () => {
  const fine = image({ layers: [{ ...layer(LAYER), annotations: { a: 'b' } }, layer(OTHER)] });
  assert.deepEqual(imageOf(fine, 'the config'), {
    config: 'the config',
    layers: [
      { digest: LAYER, text: JSON.stringify({ ...layer(LAYER), annotations: { a: 'b' } }) },
      { digest: OTHER, text: JSON.stringify(layer(OTHER)) },
    ],
  });
  assert.deepEqual(imageOf(image({ layers: [] }), 'x'), { config: 'x', layers: [] });
  for (const layers of [undefined, {}, [null], ['x'], [layer(LAYER), layer('sha256:x')], [{ size: 1 }], [[]]])
    assert.equal(imageOf(image({ layers }), 'x'), undefined, JSON.stringify(layers));
});

test('a manifest gets the other config, and stays as it is in all else', () => {
  const annotations = { 'org.example': '<&>' };
  const escaped = JSON.stringify(
    { schemaVersion: 2, mediaType: MANIFEST, config: config(), layers: [layer(LAYER)], annotations },
    null,
    2,
  ).replace('<&>', String.raw`\u003c\u0026\u003e`);
  const top = parse(escaped);
  const text = '{"é":"of 12 bytes"}';
  const made = withConfigs(top, [on(top, text)]);
  assert(made !== undefined);
  const bytes = bytesOf(text);
  assert.deepEqual(made.configs, [bytes]);
  const digest = digestOf(bytes);
  assert.equal(
    new TextDecoder().decode(made.top.bytes),
    escaped.replace(OTHER, digest).replace('"size": 10', `"size": ${bytes.length}`),
  );
  assert.equal(made.top.digest, digestOf(made.top.bytes));
  assert.deepEqual(made.manifests, []);
  assert.equal(made.grownBytes, bytes.length - 10);
  assert.deepEqual(made.platforms, [
    { platform: 'linux/amd64', digest: made.top.digest, layers: digestOf(bytesOf(LAYER)) },
  ]);
});

test('a manifest that BuildKit writes otherwise is left alone', () => {
  const { mediaType, digest, size } = config();
  const rows: readonly Manifest[] = [
    image({ subject: {} }),
    image({ config: config({ urls: [] }) }),
    image({ config: { digest, mediaType, size } }),
    image({ config: { mediaType, digest } }),
    image({ config: [mediaType, digest, size] }),
    image({ config: null }),
    image({ config: undefined }),
    parse(JSON.stringify(image().json)),
    parse(`${new TextDecoder().decode(image().bytes)}\n`),
  ];
  for (const odd of rows) {
    assert.equal(withConfigs(odd, [on(odd, '{}')]), undefined, new TextDecoder().decode(odd.bytes));
    const fine = image();
    const index = write({
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [{ digest: fine.digest }, { digest: odd.digest }],
    });
    assert.equal(withConfigs(index, [on(fine, '{}'), on(odd, '{}')]), undefined);
  }
});

test('an index names the new manifests where it named the old ones', () => {
  const [one, two] = [image(), image({ layers: [layer(OTHER)] })];
  const child = ({ digest }: Manifest, more: object = {}) => ({
    mediaType: MANIFEST,
    digest,
    size: 1,
    ...more,
  });
  const index = (manifests: unknown, more: object = {}) =>
    write({ schemaVersion: 2, mediaType: INDEX, manifests, ...more });
  const images = [on(one, '{}', 'linux/arm64'), on(two, '{"twice": "as long"}')];
  const annotations = { a: 'b' };
  const made = withConfigs(index([child(one, { annotations }), child(two)], { annotations }), images);
  assert(made !== undefined);
  const [first, second] = made.manifests;
  assert(first !== undefined && second !== undefined && made.manifests.length === 2);
  assert.deepEqual(made.top.json, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [
      { mediaType: MANIFEST, digest: first.digest, size: first.bytes.length, annotations },
      { mediaType: MANIFEST, digest: second.digest, size: second.bytes.length },
    ],
    annotations,
  });
  assert.deepEqual(
    made.platforms.map(({ platform, digest }) => [platform, digest]),
    [
      ['linux/arm64', first.digest],
      ['linux/amd64', second.digest],
    ],
  );
  assert.equal(made.grownBytes, 2 - 10 + (20 - 10));
  for (const odd of [
    index([child(one), child(two), child(image({ layers: [] }))]),
    index([child(one), 'x', child(two)]),
    index([child(one), { size: 1 }]),
    index([child(one), null]),
    index([child(one), child(two)], { subject: {} }),
    index({ 0: child(one) }),
    index(undefined),
    parse(JSON.stringify(index([child(one), child(two)]).json)),
  ])
    assert.equal(withConfigs(odd, images), undefined, new TextDecoder().decode(odd.bytes));
});
