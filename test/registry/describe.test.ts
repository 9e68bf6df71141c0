/** What an image is and what refers to it, and copying with it; and what descriptors are read from. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Digest, type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import { createGate, mapLimited } from '../../lib/registry/gate.ts';
import {
  childManifests,
  configOf,
  layersDigest,
  type Manifest,
  manifestBlobs,
  manifestFrom,
  measureImage,
  parseManifest,
  platformManifests,
  readDescriptors,
  readPlatform,
} from '../../lib/registry/manifest.ts';
import { createRegistryClient, openLayout } from '../../lib/registry/mod.ts';
import {
  type FaultAnswer,
  type FaultRequest,
  sha256,
  specError,
  startFaultRegistry,
} from '../rig/fault-registry.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { answerFrom, emptyState, putText, type ScriptedState } from '../rig/scripted-repository.ts';
import { makeTempDir } from '../rig/temp.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

async function start(
  t: TestContext,
  own: (request: FaultRequest) => FaultAnswer | undefined = () => undefined,
) {
  const state = emptyState();
  const server = await startFaultRegistry(t, answerFrom(state, own));
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, retries: { attempts: 1 } });
  t.after(() => client.close());
  return { state, server, client };
}

const descriptor = (content: string, rest: object = {}) => ({
  mediaType: 'application/octet-stream',
  digest: sha256(content),
  size: content.length,
  ...rest,
});

function putImage(
  state: ScriptedState,
  repository: string,
  tag: string | undefined,
  config: unknown,
  rest: object = {},
) {
  const text = JSON.stringify(config);
  for (const content of [text, 'one', 'three']) state.blobs.set(`${repository} ${sha256(content)}`, content);
  const layers = ['one', 'three', 'one'].map((layer) => descriptor(layer));
  return putText(state, repository, tag, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(text),
    layers,
    ...rest,
  });
}

test('an image of one platform is described by its manifest and config', async (t) => {
  const { state, server, client } = await start(t);
  const config = {
    os: 'linux',
    architecture: 'arm64',
    variant: 'v8',
    created: '2026-01-01T00:00:00Z',
    config: { Labels: { a: '1', b: 2, c: '' } },
  };
  const digest = putImage(state, 'a/b', '1', config);
  const described = await client.inspect(ref(`${server.host}/a/b:1`));
  const sizeBytes = JSON.stringify(config).length + 8;
  assert.deepEqual(described, {
    ok: true,
    value: {
      ref: `${server.host}/a/b:1`,
      digest,
      mediaType: MANIFEST,
      sizeBytes,
      platforms: [
        {
          platform: 'linux/arm64',
          digest,
          sizeBytes,
          layers: 3,
          created: '2026-01-01T00:00:00Z',
          labels: new Map([
            ['a', '1'],
            ['c', ''],
          ]),
        },
      ],
      attestations: [],
    },
  });
});

test('an index is described platform by platform, with what its attestations speak of', async (t) => {
  const dir = await makeTempDir(t);
  await makeLayout(dir, ['1'], 22);
  const layout = await openLayout(dir, 'out');
  assert.ok(layout.ok);
  const { server, client } = await start(t);
  assert.ok((await client.pushLayout(layout.value, ref(`${server.host}/b:1`))).ok);
  const described = await client.inspect(ref(`${server.host}/b:1`));
  assert.ok(described.ok, JSON.stringify(described));
  const { platforms, attestations, sizeBytes } = described.value;
  assert.deepEqual(
    platforms.map(({ platform, layers, labels }) => [platform, layers, labels.get('arch')]),
    [
      ['linux/amd64', 1, 'amd64'],
      ['linux/arm64', 1, 'arm64'],
    ],
  );
  // The layer that both share counts once, what the attestation holds does not.
  assert.equal(sizeBytes, platforms.reduce((sum, one) => sum + one.sizeBytes, 0) - 22);
  assert.deepEqual(
    attestations.map(({ of, predicates }) => [of, predicates]),
    [[platforms[0]?.digest, ['https://slsa.dev/provenance/v1']]],
  );
});

test('a config that is no object, or not there, says nothing; one that cannot be read is a problem', async (t) => {
  const { state, server, client } = await start(t, ({ path }) =>
    path.endsWith(sha256('"closed"')) ? specError(403, 'DENIED') : undefined,
  );
  putImage(state, 'b', 'text', 'text');
  putImage(state, 'b', 'null', null);
  putImage(state, 'b', 'odd', { created: 7, config: { Labels: ['x'] }, os: 7 });
  state.blobs.set(`b ${sha256('no JSON')}`, 'no JSON');
  putText(state, 'b', 'other', {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('no JSON'),
    layers: [],
  });
  putText(state, 'b', 'bare', { schemaVersion: 2, mediaType: MANIFEST, layers: [descriptor('one')] });
  putImage(state, 'b', 'closed', 'closed');
  for (const tag of ['text', 'null', 'odd', 'other', 'bare']) {
    const described = await client.inspect(ref(`${server.host}/b:${tag}`));
    assert.ok(described.ok, tag);
    const [only] = described.value.platforms;
    assert.deepEqual([only?.platform, only?.created, only?.labels.size], [undefined, undefined, 0]);
  }
  for (const tag of ['closed', 'gone'])
    assert.ok(!(await client.inspect(ref(`${server.host}/b:${tag}`))).ok, tag);
});

test('a platform or an attestation that cannot be read is a problem of the whole', async (t) => {
  for (const annotations of [{}, { 'vnd.docker.reference.type': 'attestation-manifest' }]) {
    const { state, server, client } = await start(t);
    const manifests = [{ mediaType: MANIFEST, digest: sha256('gone'), size: 1, annotations }];
    putText(state, 'b', '1', { schemaVersion: 2, manifests }, INDEX);
    const described = await client.inspect(ref(`${server.host}/b:1`));
    assert.ok(!described.ok);
    assert.equal(described.error[0]?.code, 'registry/not-found');
  }
});

/** A signature of an image: by its subject, and in the fallback tag where the registry does not do that by itself. */
function sign(state: ScriptedState, repository: string, subject: Digest, mark: string): Digest {
  return putImage(state, repository, undefined, mark, {
    artifactType: `application/${mark}`,
    subject: { mediaType: MANIFEST, digest: subject, size: 1 },
  });
}

test('referrers are those of the API, of all its pages', async (t) => {
  const digest = sha256('subject');
  const page = (name: string, link?: string): FaultAnswer => ({
    status: 200,
    headers: { 'content-type': `${INDEX}; charset=utf-8`, ...(link === undefined ? {} : { link }) },
    body: JSON.stringify({ manifests: [descriptor(name, { artifactType: name }), 'odd', { digest: 7 }] }),
  });
  const links = ['</v2/b/next?page=2> ; Rel="next"', `<page3>;rel=next`, '<http://>; rel="next"'];
  const { server, client } = await start(t, ({ path, nth }) => {
    if (path === `/v2/b/referrers/${digest}`) return page('one', links[0]);
    if (path === '/v2/b/next') return page('two', links[1]);
    return path === '/v2/b/page3' ? page(`three${nth}`, links[2]) : undefined;
  });
  const subject = { ...ref(`${server.host}/b`), digest };
  const found = await client.referrers(subject);
  assert.ok(found.ok, JSON.stringify(found));
  assert.deepEqual(
    found.value.map(({ artifactType }) => artifactType),
    ['one', 'two', 'three1'],
  );
  assert.deepEqual(server.lines(), [`GET /v2/b/referrers/${digest}`, 'GET /v2/b/next', 'GET /v2/b/page3']);
  assert.equal(server.requests[0]?.headers.accept, INDEX);
  assert.equal(server.requests[1]?.target, '/v2/b/next?page=2');
});

test('pages that lead round in circles end, and a page that is none is a problem', async (t) => {
  const digest = sha256('subject');
  const { server, client } = await start(t, () => ({
    status: 200,
    headers: { 'content-type': INDEX, link: '<again>; rel="next"' },
    body: 'no JSON',
  }));
  assert.deepEqual(await client.referrers({ ...ref(`${server.host}/b`), digest }), { ok: true, value: [] });
  assert.equal(server.requests.length, 50);
  for (const second of [
    { status: 404, headers: { 'content-type': INDEX } },
    { status: 200, headers: { 'content-type': 'text/html' } },
  ]) {
    const other = await start(t, ({ path }) =>
      path === '/v2/b/referrers/next'
        ? second
        : { status: 200, headers: { 'content-type': INDEX, link: '<next>; rel="next"' }, body: '{}' },
    );
    const broken = await other.client.referrers({ ...ref(`${other.server.host}/b`), digest });
    assert.ok(!broken.ok);
    assert.equal(broken.error[0]?.code, 'registry/unexpected-answer');
    assert.equal(
      broken.error[0]?.message,
      `${other.server.host} answered GET http://${other.server.host}/v2/b/referrers/next with ${second.status} in place of a page of referrers`,
    );
  }
});

test('without the API the fallback tag tells; where that is not known either, nothing is', async (t) => {
  const digest = sha256('subject');
  const tag = digest.replace(':', '-');
  for (const refusal of [
    specError(404, 'NAME_UNKNOWN'),
    specError(405, 'UNSUPPORTED'),
    { status: 501 },
    { status: 400 },
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
  ]) {
    const { state, server, client } = await start(t, ({ path }) =>
      path.includes('/referrers/') ? refusal : undefined,
    );
    const subject = { ...ref(`${server.host}/b`), digest };
    assert.deepEqual(await client.referrers(subject), { ok: true, value: [] });
    putText(state, 'b', tag, { schemaVersion: 2, mediaType: INDEX, manifests: [descriptor('sig')] }, INDEX);
    client.forget({ ...ref(`${server.host}/b`), tag });
    const found = await client.referrers(subject);
    assert.ok(found.ok, JSON.stringify(found));
    assert.deepEqual(
      found.value.map((one) => one.digest),
      [sha256('sig')],
    );
  }
  for (const isFaulty of [
    ({ path }: FaultRequest) => path.includes('/referrers/'),
    ({ path }: FaultRequest) => path.includes('/manifests/'),
    ({ path, method }: FaultRequest) => path.includes('/manifests/') && method === 'GET',
  ]) {
    const { state, server, client } = await start(t, (request) =>
      isFaulty(request)
        ? request.method === 'HEAD'
          ? { status: 403 }
          : specError(403, 'DENIED')
        : undefined,
    );
    putText(state, 'b', tag, { schemaVersion: 2, mediaType: INDEX, manifests: [] }, INDEX);
    const found = await client.referrers({ ...ref(`${server.host}/b`), digest });
    assert.ok(!found.ok);
    assert.equal(found.error[0]?.code, 'registry/denied');
    assert.equal(
      server.requests.filter(isFaulty).length,
      1,
      'what is refused is not asked for in other words',
    );
  }
});

for (const hasReferrers of [true, false]) {
  test(`signatures, and what signs them, come along ${hasReferrers ? 'by the API' : 'by tags'}`, async (t) => {
    const [from, to] = [await start(t), await start(t)];
    from.state.hasReferrers = true;
    to.state.hasReferrers = hasReferrers;
    const child = putImage(from.state, 'a', undefined, { os: 'linux', architecture: 'amd64' });
    const top = putText(
      from.state,
      'a',
      '1',
      { schemaVersion: 2, manifests: [{ mediaType: MANIFEST, digest: child, size: 1 }] },
      INDEX,
    );
    const ofTop = sign(from.state, 'a', top, 'top');
    const ofChild = sign(from.state, 'a', child, 'child');
    const ofSignature = sign(from.state, 'a', ofTop, 'signature');
    const target = ref(`${to.server.host}/b:1`);
    const plain = await from.client.copyImage(ref(`${from.server.host}/a:1`), target);
    assert.ok(plain.ok);
    assert.equal(plain.value.referrers, 0);
    assert.ok(!to.state.manifests.has(`b ${ofTop}`), 'not unless asked for');

    const copied = await from.client.copyImage(ref(`${from.server.host}/a:1`), target, { referrers: true });
    assert.ok(copied.ok, JSON.stringify(copied));
    assert.equal(copied.value.action, 'there');
    assert.equal(copied.value.referrers, 3);
    for (const digest of [ofTop, ofChild, ofSignature]) assert.ok(to.state.manifests.has(`b ${digest}`));
    for (const [subject, referrer] of [
      [top, ofTop],
      [child, ofChild],
      [ofTop, ofSignature],
    ] as const) {
      const tag = to.state.manifests.get(`b ${subject.replace(':', '-')}`);
      assert.equal(tag !== undefined, !hasReferrers);
      if (tag !== undefined) {
        const { size } = { size: from.state.manifests.get(`a ${referrer}`)?.text.length };
        assert.deepEqual(JSON.parse(tag.text), {
          schemaVersion: 2,
          mediaType: INDEX,
          manifests: [{ mediaType: MANIFEST, digest: referrer, size }],
        });
        assert.equal(tag.mediaType, INDEX);
      }
    }
    // What is linked already is not written again, and what others wrote into the tag stays.
    const before = to.server.requests.length;
    assert.ok((await from.client.copyImage(ref(`${from.server.host}/a:1`), target, { referrers: true })).ok);
    assert.ok(
      to.server
        .lines()
        .slice(before)
        .every((line) => !line.startsWith('PUT ')),
    );
    if (hasReferrers) return;
    const second = await start(t);
    putText(second.state, 'b', top.replace(':', '-'), { manifests: [descriptor('theirs')] }, INDEX);
    assert.ok(
      (
        await from.client.copyImage(ref(`${from.server.host}/a:1`), ref(`${second.server.host}/b:1`), {
          referrers: true,
        })
      ).ok,
    );
    const text = second.state.manifests.get(`b ${top.replace(':', '-')}`)?.text ?? '';
    const { manifests } = JSON.parse(text) as { manifests: { digest: string }[] };
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [sha256('theirs'), ofTop],
    );
  });
}

test('referrers that cannot be listed, read, put or linked are a problem of the copy', async (t) => {
  const faults: readonly (readonly ['from' | 'to', (request: FaultRequest) => boolean])[] = [
    ['from', ({ path }) => path.includes('/referrers/')],
    ['from', ({ path, method }) => method === 'GET' && path.includes(`/blobs/${sha256('"sig"')}`)],
    ['to', ({ path }) => path.includes('/referrers/')],
    ['to', ({ path, method }) => method === 'PUT' && path.includes('/manifests/sha256-')],
  ];
  for (const [side, isFaulty] of faults) {
    const own = (request: FaultRequest) => (isFaulty(request) ? specError(403, 'DENIED') : undefined);
    const from = await start(t, side === 'from' ? own : undefined);
    const to = await start(t, side === 'to' ? own : undefined);
    from.state.hasReferrers = true;
    sign(from.state, 'a', putImage(from.state, 'a', '1', {}), 'sig');
    const copied = await from.client.copyImage(ref(`${from.server.host}/a:1`), ref(`${to.server.host}/b:1`), {
      referrers: true,
    });
    assert.ok(!copied.ok);
    assert.equal(copied.error[0]?.code, 'registry/denied');
  }
});

test('a manifest is told by what it says of itself, else by its header, else by its shape', () => {
  const typeOf = (json: unknown, header?: string): string | undefined =>
    manifestFrom(new TextEncoder().encode(JSON.stringify(json)), header)?.mediaType;
  assert.equal(typeOf({ mediaType: DOCKER }, MANIFEST), DOCKER);
  assert.equal(typeOf({}, ` ${DOCKER_LIST.toUpperCase()} ; charset=x`), DOCKER_LIST);
  assert.equal(typeOf({ mediaType: 7, layers: [] }, DOCKER), DOCKER);
  assert.equal(typeOf({ manifests: [] }), INDEX);
  assert.equal(typeOf({ layers: [] }, ''), MANIFEST);
  for (const json of [{}, [], 'text', null, { mediaType: 'text/html', layers: [] }])
    assert.equal(typeOf(json), undefined);
  assert.equal(typeOf({ layers: [] }, 'text/html'), undefined);
  assert.equal(manifestFrom(new TextEncoder().encode('{'), MANIFEST), undefined);
  const bytes = new TextEncoder().encode('{"layers":[]}');
  assert.equal(parseManifest(bytes, sha256(bytes))?.mediaType, MANIFEST);
  assert.equal(parseManifest(bytes, sha256('other')), undefined);
  assert.equal(parseManifest(new TextEncoder().encode('{'), sha256('{')), undefined);
});

test('descriptors are read with what is right of them, and left out without a digest', () => {
  const digest = sha256('x');
  assert.deepEqual(
    readDescriptors([
      {
        mediaType: 'a/b',
        digest,
        size: 5,
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
        artifactType: 'c/d',
        annotations: { e: 'f', g: 7 },
        urls: ['https://h'],
      },
      { digest, mediaType: 7, size: -1, platform: 'x', artifactType: 7, annotations: 'x', urls: [] },
      { digest, size: 1.5 },
      { digest, size: '5', platform: { os: 'unknown', architecture: 'unknown' } },
      { digest, size: 0 },
      { digest: 'sha256:short' },
      { digest: 7 },
      'text',
      null,
    ]),
    [
      {
        digest,
        mediaType: 'a/b',
        sizeBytes: 5,
        platform: 'linux/arm64',
        artifactType: 'c/d',
        annotations: new Map([['e', 'f']]),
        foreign: true,
      },
      ...Array.from({ length: 4 }, () => ({
        digest,
        mediaType: '',
        sizeBytes: 0,
        annotations: new Map(),
        foreign: false,
      })),
    ],
  );
  assert.deepEqual(readDescriptors('x'), []);
});

test('a platform is read where it says system and processor', () => {
  assert.equal(readPlatform({ os: 'linux', architecture: 'arm', variant: 'v7' }), 'linux/arm/v7');
  assert.equal(readPlatform({ os: 'linux', architecture: 'arm', variant: 'v6' }), 'linux/arm/v6');
  assert.equal(readPlatform({ os: 'linux', architecture: 'amd64', variant: '' }), 'linux/amd64');
  assert.equal(readPlatform({ os: 'linux', architecture: 'amd64', variant: 7 }), 'linux/amd64');
  for (const value of [
    'x',
    null,
    {},
    { os: 'linux' },
    { architecture: 'amd64' },
    { os: 7, architecture: 'amd64' },
    { os: 'linux', architecture: 7 },
    { os: 'linux', architecture: 'amd64 or so' },
    { os: 'unknown', architecture: 'amd64' },
  ])
    assert.equal(readPlatform(value), undefined, JSON.stringify(value));
});

test('an index has manifests and nothing else, a manifest has blobs and nothing else', async () => {
  const of = (mediaType: string, rest: object = {}): Manifest => {
    const list = [descriptor('child', { platform: { os: 'linux', architecture: 'amd64' }, ...rest })];
    const text = JSON.stringify({
      mediaType,
      manifests: list,
      config: descriptor('{}'),
      layers: [descriptor('l')],
    });
    return manifestFrom(new TextEncoder().encode(text), undefined) ?? assert.fail();
  };
  const digests = (found: readonly { readonly digest: string }[]) => found.map(({ digest }) => digest);
  const [index, image] = [of(INDEX), of(MANIFEST)];
  assert.deepEqual(digests(childManifests(index)), [sha256('child')]);
  assert.deepEqual(digests(childManifests(image)), []);
  assert.deepEqual(digests(manifestBlobs(index)), []);
  assert.deepEqual(digests(manifestBlobs(image)), [sha256('{}'), sha256('l')]);
  assert.equal(configOf(index), undefined);
  assert.equal(configOf(image)?.digest, sha256('{}'));
  assert.deepEqual(platformManifests(index), [{ platform: 'linux/amd64', digest: sha256('child') }]);
  // Neither what is of no platform nor what speaks of another manifest is an image.
  assert.deepEqual(platformManifests(of(INDEX, { platform: undefined })), []);
  const attestation = { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  assert.deepEqual(platformManifests(of(INDEX, attestation)), []);
  // Sizes: of a manifest without reading more, of an index only where all of it can be read.
  const never = async () => assert.fail('nothing is to be read');
  const measured = (platform: string) => ({ sizeBytes: 3, layers: [{ platform, sizes: [1] }] });
  assert.deepEqual(await measureImage(image, 'linux/s390x', never), measured('linux/s390x'));
  assert.deepEqual(await measureImage(of(INDEX, attestation), '', never), { sizeBytes: 0, layers: [] });
  assert.deepEqual(await measureImage(index, '', async () => image), measured('linux/amd64'));
  assert.equal(await measureImage(index, '', async () => undefined), undefined);
});

test('the predicates of an attestation are each named once, in the order of their names', async (t) => {
  const { state, server, client } = await start(t);
  const layers = ['b', 'a', 'b'].map((type) =>
    descriptor('statement', { annotations: { 'in-toto.io/predicate-type': `https://${type}.example` } }),
  );
  const attestation = putText(state, 'b', undefined, { schemaVersion: 2, mediaType: MANIFEST, layers });
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' };
  const manifests = [{ mediaType: MANIFEST, digest: attestation, size: 1, annotations }];
  putText(state, 'b', '1', { schemaVersion: 2, manifests }, INDEX);
  const described = await client.inspect(ref(`${server.host}/b:1`));
  assert.ok(described.ok, JSON.stringify(described));
  assert.deepEqual(described.value.attestations, [
    { digest: attestation, of: undefined, predicates: ['https://a.example', 'https://b.example'] },
  ]);
});

test('referrers that refer to each other are copied once, and those of the target are asked for only where there are some', async (t) => {
  const loop: string[] = [];
  const from = await start(t, ({ path }) =>
    path.includes('/referrers/')
      ? {
          status: 200,
          headers: { 'content-type': INDEX },
          body: JSON.stringify({
            manifests: loop.map((digest) => ({ mediaType: MANIFEST, digest, size: 1 })),
          }),
        }
      : undefined,
  );
  const to = await start(t);
  putImage(from.state, 'a', '1', {});
  const [source, target] = [ref(`${from.server.host}/a:1`), ref(`${to.server.host}/b:1`)];
  const without = await from.client.copyImage(source, target, { referrers: true });
  assert.ok(without.ok && without.value.referrers === 0, JSON.stringify(without));
  assert.ok(to.server.lines().every((line) => !line.includes('/referrers/')));
  loop.push(putImage(from.state, 'a', undefined, 'one'), putImage(from.state, 'a', undefined, 'two'));
  const copied = await from.client.copyImage(source, target, { referrers: true });
  assert.ok(copied.ok, JSON.stringify(copied));
  const asked = from.server.lines().filter((line) => line.includes('/referrers/'));
  assert.equal(new Set(asked).size, asked.length - 1, 'the image itself twice, once for each copy');
  // In one repository they are there already.
  const before = from.server.requests.length;
  const beside = { ...source, tag: '2' };
  assert.ok((await from.client.copyImage(source, beside, { referrers: true })).ok);
  assert.ok(
    from.server
      .lines()
      .slice(before)
      .every((line) => !line.includes('/referrers/')),
  );
});

test('the manifest that referrers are of, and their referrers in turn, have to be readable', async (t) => {
  for (const part of ['/manifests/', '/referrers/'] as const) {
    let closed = '';
    const from = await start(t, ({ method, path }) =>
      method === 'GET' && path.includes(part) && closed !== '' && path.endsWith(closed)
        ? specError(403, 'DENIED')
        : undefined,
    );
    const to = await start(t);
    from.state.hasReferrers = to.state.hasReferrers = true;
    const image = putImage(from.state, 'a', '1', {});
    const signature = sign(from.state, 'a', image, 'sig');
    const [source, target] = [ref(`${from.server.host}/a:1`), ref(`${to.server.host}/b:1`)];
    assert.ok((await from.client.copyImage(source, target)).ok);
    closed = part === '/manifests/' ? image : signature;
    const fresh = createRegistryClient({ env: {}, retries: { attempts: 1 } });
    t.after(() => fresh.close());
    const copied = await fresh.copyImage(source, target, { referrers: true });
    assert.ok(!copied.ok && copied.error[0]?.code === 'registry/denied', JSON.stringify(copied));
  }
});

test('what a registry lists without a digest is not written into a fallback tag', async (t) => {
  const from = await start(t, ({ path }) => {
    if (!path.includes('/referrers/')) return undefined;
    const good = [...from.state.manifests.keys()].filter((key) => path.endsWith(image) && key.endsWith(sig));
    const manifests = [
      ...good.map(() => ({ mediaType: MANIFEST, digest: sig, size: 1 })),
      null,
      { digest: 7 },
      'x',
    ];
    return { status: 200, headers: { 'content-type': INDEX }, body: JSON.stringify({ manifests }) };
  });
  const to = await start(t);
  const image = putImage(from.state, 'a', '1', {});
  const sig = sign(from.state, 'a', image, 'sig');
  const copied = await from.client.copyImage(ref(`${from.server.host}/a:1`), ref(`${to.server.host}/b:1`), {
    referrers: true,
  });
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.equal(copied.value.referrers, 1);
  const { manifests } = JSON.parse(to.state.manifests.get(`b ${image.replace(':', '-')}`)?.text ?? '{}') as {
    manifests?: unknown;
  };
  assert.deepEqual(manifests, [{ mediaType: MANIFEST, digest: sig, size: 1 }]);
});

test('the digest of layers tells them and their order, and an index has none', () => {
  const of = (mediaType: string, ...layers: readonly string[]) => {
    const text = JSON.stringify({ mediaType, layers: layers.map((layer) => descriptor(layer)) });
    const manifest = manifestFrom(new TextEncoder().encode(text), undefined);
    assert.ok(manifest !== undefined);
    return layersDigest(manifest);
  };
  assert.equal(of(MANIFEST, 'a', 'b'), sha256(`${sha256('a')}\n${sha256('b')}`));
  assert.notEqual(of(MANIFEST, 'a', 'b'), of(MANIFEST, 'b', 'a'));
  assert.equal(of(INDEX, 'a'), undefined);
  assert.equal(of(DOCKER_LIST, 'a'), undefined);
});

test('a gate lets so many in at a time, in their order, and one who leaves twice makes room once', async () => {
  const gate = createGate(2.7);
  const log: string[] = [];
  const enter = async (name: string) => {
    const leave = await gate.enter();
    log.push(name);
    return leave;
  };
  const [a, b] = await Promise.all([enter('a'), enter('b')]);
  const [c, d, e] = [enter('c'), enter('d'), enter('e')];
  await new Promise(setImmediate);
  assert.deepEqual(log, ['a', 'b']);
  a();
  a();
  await c;
  await new Promise(setImmediate);
  assert.deepEqual(log, ['a', 'b', 'c']);
  b();
  (await c)();
  await Promise.all([d, e]);
  assert.deepEqual(log, ['a', 'b', 'c', 'd', 'e']);
  (await d)();
  (await e)();
  await Promise.all([enter('f'), enter('g')]);
  let third = false;
  gate.enter().then(() => {
    third = true;
  });
  await new Promise(setImmediate);
  assert.ok(!third, 'no more room than there was');
  await createGate(0).enter();
});

test('a limited map keeps to its width and to the order of its items, also where a call fails', async () => {
  let under = 0;
  let most = 0;
  const call = async (item: number): Promise<number> => {
    under += 1;
    most = Math.max(most, under);
    await new Promise(setImmediate);
    under -= 1;
    return item * 2;
  };
  assert.deepEqual(await mapLimited([1, 2, 3, 4, 5], 2, call), [2, 4, 6, 8, 10]);
  assert.equal(most, 2);
  let calls = 0;
  const failing = mapLimited([1, 2], 1, async () => {
    calls += 1;
    throw new Error('no');
  });
  await assert.rejects(failing);
  await new Promise(setImmediate);
  assert.equal(calls, 2, 'who fails leaves too');
});
