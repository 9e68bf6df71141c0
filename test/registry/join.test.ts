/** Joining images of platforms: what is refused, what is put in which order, and the index beside a plain model of it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type Digest,
  formatImageRef,
  type ImageRef,
  type Problem,
  type Result,
} from '../../lib/model/mod.ts';
import { createRegistryClient, joinPlatforms, planJoin } from '../../lib/registry/mod.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { seededRandom } from '../rig/random.ts';

const OCI = 'application/vnd.oci.image.';
const DOCKER = 'application/vnd.docker.distribution.manifest.';

type Entry = Readonly<Record<string, unknown>>;

async function makeBench(t: TestContext) {
  const [registry, other] = [await startFakeRegistry(t), await startFakeRegistry(t)];
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  const home: ImageRef = { registry: registry.host, repository: 'app' };
  const put = (repository: string, content: object, mediaType: string) => {
    const bytes = Buffer.from(JSON.stringify(content));
    return {
      mediaType,
      digest: registry.store.putManifest(repository, 'one', { mediaType, bytes }).digest,
      size: bytes.length,
    };
  };
  const blob = (repository: string, content: string) => {
    const bytes = Buffer.from(content);
    return { digest: registry.store.putBlob(repository, bytes), size: bytes.length };
  };
  /** An image of one platform; what its config says of that. */
  const image = (config: Entry, { repository = 'app', docker = false } = {}) => {
    const [manifest, configType] = docker
      ? [`${DOCKER}v2+json`, 'application/vnd.docker.container.image.v1+json']
      : [`${OCI}manifest.v1+json`, `${OCI}config.v1+json`];
    const content = {
      schemaVersion: 2,
      mediaType: manifest,
      config: { mediaType: configType, ...blob(repository, JSON.stringify(config)) },
      layers: [
        { mediaType: `${OCI}layer.v1.tar`, ...blob(repository, `layer of ${JSON.stringify(config)}`) },
      ],
    };
    return put(repository, content, manifest);
  };
  const index = (manifests: readonly Entry[], rest: Entry = {}) =>
    put(
      'app',
      { schemaVersion: 2, mediaType: `${OCI}index.v1+json`, manifests, ...rest },
      `${OCI}index.v1+json`,
    );
  /** What is attested of an image, as BuildKit names it in an index. */
  const attested = (of: Digest, text: string) => ({
    ...put(
      'app',
      {
        schemaVersion: 2,
        mediaType: `${OCI}manifest.v1+json`,
        config: { mediaType: `${OCI}config.v1+json`, ...blob('app', '{}') },
        layers: [{ mediaType: 'application/vnd.in-toto+json', ...blob('app', text) }],
      },
      `${OCI}manifest.v1+json`,
    ),
    annotations: { 'vnd.docker.reference.digest': of, 'vnd.docker.reference.type': 'attestation-manifest' },
    platform: { architecture: 'unknown', os: 'unknown' },
  });
  const part = (platform: string, { digest }: { readonly digest: Digest }, repository = home) => ({
    platform,
    digest,
    repository,
  });
  return { registry, other, client, home, image, index, attested, part };
}

const linux = (architecture: string, rest: Entry = {}) => ({ architecture, os: 'linux', ...rest });

function codesOf(joined: Result<unknown>): readonly string[] {
  return problemsOf(joined).map(({ code }) => code);
}

function problemsOf(joined: Result<unknown>): readonly Problem[] {
  assert.ok(!joined.ok, 'it was joined');
  return joined.error;
}

test('what cannot be joined is refused before anything is put', async (t) => {
  const { registry, client, home, image, index, attested, part } = await makeBench(t);
  const [amd64, arm64] = [image(linux('amd64')), image(linux('arm64'))];
  const docker = image(linux('arm64'), { docker: true });
  const armv6 = image(linux('arm', { variant: 'v6' }));
  const artifact = image({ what: 'is none' });
  const unknown = index([{ ...artifact }]);
  const both = index([
    { ...amd64, platform: linux('amd64') },
    { ...arm64, platform: linux('arm64') },
  ]);
  const lonely = index([attested(amd64.digest, 'of nothing here')]);
  const gone = { digest: `sha256:${'0'.repeat(64)}` } as const;
  const cases: readonly (readonly [
    code: string,
    parts: readonly ReturnType<typeof part>[],
    annotations?: Readonly<Record<string, string>>,
    mediaTypes?: 'oci' | 'docker',
  ])[] = [
    ['registry/platform-missing', []],
    ['registry/platform-twice', [part('linux/amd64', amd64), part('linux/x86_64', amd64)]],
    ['registry/platform-twice', [part('linux/arm64/v8', arm64), part('linux/arm64', arm64)]],
    ['registry/platform-missing', [part('linux/amd64', arm64), part('linux/arm64', arm64)]],
    ['registry/platform-missing', [part('linux/arm/v7', armv6), part('linux/arm64', arm64)]],
    ['registry/platform-missing', [part('windows/amd64', amd64)]],
    ['registry/platform-missing', [part('linux/riscv64', both), part('linux/amd64', both)]],
    ['registry/platform-extra', [part('linux/amd64', both)]],
    ['registry/not-an-image', [part('linux/amd64', artifact)]],
    ['registry/not-an-image', [part('linux/amd64', unknown)]],
    ['registry/not-an-image', [part('linux/amd64', lonely)]],
    ['registry/media-types-apart', [part('linux/amd64', amd64), part('linux/arm64', docker)]],
    ['registry/media-types-apart', [part('linux/amd64', amd64), part('linux/arm64', arm64)], {}, 'docker'],
    ['registry/annotations-misplaced', [part('linux/amd64', amd64)], { 'index:a': 'b' }],
    ['registry/annotations-misplaced', [part('linux/arm64', docker)], { 'index-descriptor:a': 'b' }],
    ['registry/not-found', [part('linux/amd64', amd64), part('linux/arm64', gone)]],
  ];
  registry.forget();
  for (const [code, parts, annotations = {}, mediaTypes] of cases) {
    const joined = await joinPlatforms(client, {
      repositories: [home],
      parts,
      annotations: new Map(Object.entries(annotations)),
      ...(mediaTypes === undefined ? {} : { mediaTypes }),
    });
    assert.deepEqual(
      [...new Set(codesOf(joined))],
      [code],
      `${code}: ${parts.map(({ platform }) => platform).join(' ')}`,
    );
  }
  const twoOfDocker = [
    part('linux/arm64', docker),
    part('linux/amd64', image(linux('amd64'), { docker: true })),
  ];
  const misplaced = await planJoin(client, {
    parts: twoOfDocker,
    annotations: new Map([['manifest-descriptor:a', 'b']]),
  });
  assert.deepEqual(codesOf(misplaced), ['registry/annotations-misplaced']);
  assert.deepEqual(registry.writes(), []);
});

test('what is elsewhere is brought, the index comes last, and a second time nothing is sent', async (t) => {
  const { registry, other, client, home, image, part } = await makeBench(t);
  const parts = [
    part('linux/amd64', image(linux('amd64'))),
    part('linux/arm64', image(linux('arm64'), { repository: 'arm' }), { ...home, repository: 'arm' }),
  ];
  const repositories = [home, { ...home, repository: 'copy' }, { registry: other.host, repository: 'app' }];
  registry.forget();
  const joined = await joinPlatforms(client, { parts, repositories });
  assert.ok(joined.ok);
  const { digest } = joined.value;
  for (const [host, repository] of [
    [registry, 'app'],
    [registry, 'copy'],
    [other, 'app'],
  ] as const) {
    const top = host.store.manifest(repository, digest);
    assert.ok(top !== undefined);
    assert.deepEqual(host.store.missingBelow(repository, top), []);
    const manifests = host.writes().filter((line) => line.includes(`/${repository}/manifests/`));
    assert.equal(manifests.at(-1), `PUT /v2/${repository}/manifests/${digest} 201`);
  }
  // Of what is joined in its own repository nothing but the index is new.
  assert.equal(registry.writes().filter((line) => line.startsWith('PUT /v2/app/manifests')).length, 2);
  registry.forget();
  other.forget();
  assert.ok((await joinPlatforms(client, { parts, repositories })).ok);
  assert.deepEqual([...registry.writes(), ...other.writes()], []);
});

test('where a manifest cannot be brought, no index is put there', async (t) => {
  const { registry, other, client, home, image, part } = await makeBench(t);
  const parts = [part('linux/amd64', image(linux('amd64'))), part('linux/arm64', image(linux('arm64')))];
  other.fault({
    method: 'PUT',
    path: `/v2/app/manifests/${parts[1]?.digest}`,
    act: { kind: 'status', status: 403 },
  });
  const joined = await joinPlatforms(client, {
    parts,
    repositories: [{ registry: other.host, repository: 'app' }, home],
  });
  assert.deepEqual(codesOf(joined), ['registry/denied']);
  const indexes = [...registry.writes(), ...other.writes()].filter(
    (line) => /PUT .*\/manifests\//.test(line) && !parts.some(({ digest }) => line.includes(digest)),
  );
  assert.deepEqual(indexes, []);
});

test('one platform is what it is, and keeps what is attested of it', async (t) => {
  const { client, home, image, index, attested, part } = await makeBench(t);
  const alone = image(linux('amd64'));
  const annotations = new Map([['manifest-descriptor:a', 'b']]);
  const joined = await joinPlatforms(client, {
    parts: [part('linux/amd64', alone)],
    repositories: [home],
    annotations,
  });
  assert.ok(joined.ok);
  assert.equal(joined.value.digest, alone.digest);
  assert.deepEqual(
    joined.value.platforms.map(({ platform, digest }) => [platform, digest]),
    [['linux/amd64', alone.digest]],
  );
  const said = attested(alone.digest, 'a');
  const top = index([{ ...alone, platform: linux('amd64') }, said]);
  const withIndex = await planJoin(client, {
    parts: [part('linux/amd64', top)],
    annotations: new Map([['index:x', 'y']]),
  });
  assert.ok(withIndex.ok);
  const { manifests, annotations: own } = withIndex.value.manifest.json as {
    manifests: Entry[];
    annotations: Entry;
  };
  assert.deepEqual([manifests.map(({ digest }) => digest), own], [[alone.digest, said.digest], { x: 'y' }]);
});

/** The index as a reader of BuildKit's source would write it down, without looking at ours. */
function modelOf(
  mediaType: string,
  entries: readonly Entry[],
  annotations: Readonly<Record<string, string>>,
): string {
  const lines = (value: unknown, indent: string): string => {
    if (typeof value !== 'object' || value === null)
      return JSON.stringify(value)
        .replaceAll('<', '\\u003c')
        .replaceAll('>', '\\u003e')
        .replaceAll('&', '\\u0026');
    const inner = `${indent}  `;
    if (Array.isArray(value))
      return `[\n${value.map((one) => inner + lines(one, inner)).join(',\n')}\n${indent}]`;
    const pairs = value instanceof Map ? [...value] : Object.entries(value);
    return `{\n${pairs.map(([name, one]) => `${inner}${lines(name, '')}: ${lines(one, inner)}`).join(',\n')}\n${indent}}`;
  };
  const sorted = (texts: Readonly<Record<string, string>>) =>
    new Map(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  const manifests = entries.map((entry) => {
    const { annotations: own = {}, platform, ...rest } = entry;
    const named =
      Object.keys(own as object).length === 0 ? {} : { annotations: sorted(own as Record<string, string>) };
    return { ...rest, ...named, platform };
  });
  const rest = Object.keys(annotations).length === 0 ? {} : { annotations: sorted(annotations) };
  return lines({ schemaVersion: 2, mediaType, manifests, ...rest }, '');
}

test('random platforms, annotations and attestations: the index is that of the model', async (t) => {
  const { client, home, image, index, attested, part } = await makeBench(t);
  const random = seededRandom(16);
  const all = [
    'linux/amd64',
    'linux/arm64',
    'linux/arm/v7',
    'linux/arm/v6',
    'linux/386',
    'linux/amd64/v3',
    'linux/riscv64',
    'freebsd/amd64',
  ];
  const texts = ['plain', '<b>&', 'é😀', 'a "quoted"\n\ttext', ''];
  const names = ['1', '10', '9', 'org.example.a', 'org.example.b', 'Ümlaut'.toLowerCase(), '<tag>'];
  for (let round = 0; round < 40; round++) {
    const platforms = all.filter(() => random.below(2) === 0);
    if (platforms.length < 2) continue;
    for (let at = platforms.length - 1; at > 0; at--) {
      const to = random.below(at + 1);
      [platforms[at], platforms[to]] = [platforms[to] ?? '', platforms[at] ?? ''];
    }
    const annotations: Record<string, string> = {};
    for (let count = random.below(6); count > 0; count--) {
      const level = random.pick([
        'index',
        'manifest-descriptor',
        `manifest-descriptor[${random.pick(platforms)}]`,
        'manifest',
        'index-descriptor',
      ]);
      annotations[`${level}:${random.pick(names)}`] = random.pick(texts);
    }
    const ofLevel = (level: string) =>
      Object.fromEntries(
        Object.entries(annotations).flatMap(([key, text]) =>
          key.startsWith(`${level}:`) ? [[key.slice(level.length + 1), text]] : [],
        ),
      );
    const images: Entry[] = [];
    const attestations: Entry[] = [];
    const parts = platforms.map((platform) => {
      const [os = '', architecture = '', variant] = platform.split('/');
      const own = { architecture, os, ...(variant === undefined ? {} : { variant }) };
      const made = image({ ...own, round });
      const entry = {
        ...made,
        annotations: { ...ofLevel('manifest-descriptor'), ...ofLevel(`manifest-descriptor[${platform}]`) },
        platform: own,
      };
      images.push(entry);
      if (random.below(2) === 0) return part(platform, made);
      const said = Array.from({ length: random.below(3) }, (_, at) =>
        attested(made.digest, `${platform} ${round} ${at}`),
      );
      attestations.push(...said);
      return part(platform, index([{ ...made, platform: own }, ...said]));
    });
    const joined = await joinPlatforms(client, {
      parts,
      repositories: [home],
      annotations: new Map(Object.entries(annotations)),
    });
    assert.ok(joined.ok, JSON.stringify(joined));
    assert.equal(
      new TextDecoder().decode(joined.value.manifest.bytes),
      modelOf(`${OCI}index.v1+json`, [...images, ...attestations], ofLevel('index')),
      `round ${round}`,
    );
    assert.deepEqual(
      joined.value.platforms.map(({ platform }) => platform),
      platforms,
    );
    assert.ok(joined.value.platforms.every(({ layers }) => layers !== undefined));
    assert.equal(
      (await client.head({ ...home, digest: joined.value.digest })).kind,
      'present',
      formatImageRef(home),
    );
  }
});
