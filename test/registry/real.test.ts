/** Against the real registry (distribution): what it takes, what it gives back, and how many requests that needs. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { formatImageRef, type ImageRef, parseImageRef, type RegistrySettings } from '../../lib/model/mod.ts';
import {
  createRegistryClient,
  imageSize,
  platformManifests,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../lib/registry/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { sha256 } from '../rig/fault-registry.ts';
import { startRegistry, testUser } from '../rig/registry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({ env: {}, ...options });
  t.after(() => client.close());
  return client;
}

/** Uploads a blob as any client of the API would; independent of what is tested. */
async function upload(
  base: string,
  repository: string,
  content: string | Uint8Array,
  headers = {},
): Promise<object> {
  const digest = sha256(content);
  const begun = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers });
  await begun.arrayBuffer();
  const target = new URL(begun.headers.get('location') ?? '', base);
  target.searchParams.set('digest', digest);
  const put = await fetch(target, { method: 'PUT', headers, body: content });
  await put.arrayBuffer();
  assert.equal(put.status, 201);
  return { digest, size: content.length };
}

async function putText(
  base: string,
  repository: string,
  at: string,
  mediaType: string,
  text: string,
  headers = {},
): Promise<void> {
  const put = await fetch(`${base}/v2/${repository}/manifests/${at}`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': mediaType },
    body: text,
  });
  await put.arrayBuffer();
  assert.equal(put.status, 201);
}

/** Pushes an image for two platforms with an attestation, which share a layer of 300 kB. */
async function pushIndex(host: string, repository: string, tag: string, headers = {}) {
  const base = `http://${host}`;
  const bytes = new Uint8Array(300_000).map((_, at) => (at * 7919) % 251);
  const layer = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    ...(await upload(base, repository, bytes, headers)),
  };
  const children: object[] = [];
  const push = async (config: object, platform: object, annotations: object) => {
    const text = JSON.stringify(config);
    const blob = await upload(base, repository, text, headers);
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob },
      layers: [layer],
    });
    await putText(base, repository, sha256(manifest), MANIFEST, manifest, headers);
    children.push({
      mediaType: MANIFEST,
      digest: sha256(manifest),
      size: manifest.length,
      platform,
      annotations,
    });
    return text.length;
  };
  let configs = 0;
  for (const architecture of ['amd64', 'arm64']) {
    const config = {
      os: 'linux',
      architecture,
      created: '2030-01-01T00:00:00Z',
      config: { Labels: { team: 'test' } },
    };
    configs += await push(config, { os: 'linux', architecture }, {});
  }
  await push(
    { attestation: true },
    { os: 'unknown', architecture: 'unknown' },
    { 'vnd.docker.reference.type': 'attestation-manifest' },
  );
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: children });
  await putText(base, repository, tag, INDEX, index, headers);
  return { digest: sha256(index), sizeBytes: configs + bytes.length };
}

test('an image is found, described, and missing ones are absent', async (t) => {
  const registry = await startRegistry(t);
  const pushed = await pushIndex(registry.host, 'team/app', '1');
  const client = clientFor(t);
  const at = ref(`${registry.host}/team/app:1`);
  const presence = await client.head(at);
  assert.ok(presence.kind === 'present');
  assert.equal(presence.digest, pushed.digest);
  assert.equal(presence.mediaType, INDEX);
  assert.deepEqual(await client.head(ref(`${registry.host}/team/app:2`)), { kind: 'absent' });
  assert.deepEqual(await client.head(ref(`${registry.host}/team/none:1`)), { kind: 'absent' });
  assert.deepEqual(await client.head(ref(`${registry.host}/team/app@${sha256('x')}`)), { kind: 'absent' });
  const manifest = await client.getManifest(at);
  assert.ok(manifest.ok);
  assert.deepEqual(
    platformManifests(manifest.value).map((one) => one.platform),
    ['linux/amd64', 'linux/arm64'],
  );
  const size = await imageSize(manifest.value, async (digest) => {
    const child = await client.getManifest({ ...at, digest });
    return child.ok ? child.value : undefined;
  });
  assert.equal(size, pushed.sizeBytes);
  const described = await client.inspect(at);
  assert.ok(described.ok);
  assert.equal(described.value.sizeBytes, pushed.sizeBytes);
  assert.equal(described.value.attestations.length, 1);
  assert.deepEqual(
    described.value.platforms.map((one) => [one.platform, one.layers, one.created, one.labels.get('team')]),
    [
      ['linux/amd64', 1, '2030-01-01T00:00:00Z', 'test'],
      ['linux/arm64', 1, '2030-01-01T00:00:00Z', 'test'],
    ],
  );
  assert.ok((await client.ping(registry.host)).ok);
});

test('forty tags are forty requests', async (t) => {
  const registry = await startRegistry(t);
  await pushIndex(registry.host, 'team/app', '1');
  const client = clientFor(t);
  await registry.requests();
  const before = (await registry.requests()).length;
  const tags = Array.from({ length: 40 }, (_, at) => ref(`${registry.host}/team/app:${at}`));
  const all = await Promise.all(tags.map((tag) => client.head(tag)));
  assert.equal(all.filter((presence) => presence.kind === 'present').length, 1);
  const asked = (await registry.requests()).slice(before);
  assert.equal(asked.length, 40);
  assert.ok(asked.every((line) => line.startsWith('HEAD ')));
});

test('a tag in the same repository costs a GET and a PUT, and nothing where it is right already', async (t) => {
  const registry = await startRegistry(t);
  const pushed = await pushIndex(registry.host, 'team/app', '1');
  const before = (await registry.requests()).length;
  const client = clientFor(t);
  const from = ref(`${registry.host}/team/app@${pushed.digest}`);
  const to = ref(`${registry.host}/team/app:2`);
  const first = await client.tagManifest(from, to);
  assert.ok(first.ok);
  assert.equal(first.value.action, 'put');
  assert.deepEqual(first.value.previous, { kind: 'absent' });
  const asked = (await registry.requests()).slice(before).map((line) => line.replace(/ \S*manifests/, ''));
  assert.deepEqual(asked, ['HEAD/2 404', `GET/${pushed.digest} 200`, 'PUT/2 201']);
  const other = clientFor(t);
  const again = await other.tagManifest(from, to);
  assert.ok(again.ok);
  assert.equal(again.value.action, 'there');
  assert.equal((await registry.requests()).length - before, 4);
});

test('what a name pointed at before is told, so that it can be put back', async (t) => {
  const registry = await startRegistry(t);
  const pushed = await pushIndex(registry.host, 'team/app', '1');
  const other = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
  await putText(`http://${registry.host}`, 'team/app', 'live', INDEX, other);
  const client = clientFor(t);
  const live = ref(`${registry.host}/team/app:live`);
  const moved = await client.tagManifest(ref(`${registry.host}/team/app@${pushed.digest}`), live);
  assert.ok(moved.ok && moved.value.previous.kind === 'present');
  assert.equal(moved.value.previous.digest, sha256(other));
  const back = await client.tagManifest({ ...live, digest: moved.value.previous.digest }, live);
  assert.ok(back.ok);
  assert.deepEqual(await clientFor(t).resolveDigest(live), { ok: true, value: sha256(other) });
});

test('another repository of the registry gets the image by mounting, children first', async (t) => {
  const registry = await startRegistry(t);
  const pushed = await pushIndex(registry.host, 'team/app', '1');
  const client = clientFor(t);
  const copied = await client.tagManifest(
    ref(`${registry.host}/team/app:1`),
    ref(`${registry.host}/other/place:9`),
  );
  assert.ok(copied.ok);
  assert.deepEqual(copied.value.blobs, { mounted: 4, copied: 0, there: 0 });
  assert.equal(copied.value.copiedBytes, 0);
  const puts = (await registry.requests()).filter((line) => /^PUT \/v2\/other\/place\/manifests/.test(line));
  assert.equal(puts.length, 4);
  assert.match(puts.at(-1) ?? '', /manifests\/9 201$/);
  const described = await clientFor(t).inspect(ref(`${registry.host}/other/place:9`));
  assert.ok(described.ok);
  assert.equal(described.value.digest, pushed.digest);
});

test('an image goes to another registry with sign-in, streamed, with what refers to it', async (t) => {
  const from = await startRegistry(t);
  const to = await startRegistry(t, { auth: true });
  const pushed = await pushIndex(from.host, 'team/app', '1');
  const base = `http://${from.host}`;
  const note = await upload(base, 'team/app', '{"signed":true}');
  const empty = await upload(base, 'team/app', '{}');
  const signature = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: 'application/vnd.example.signature',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...empty },
    layers: [{ mediaType: 'application/json', ...note }],
    subject: { mediaType: INDEX, digest: pushed.digest, size: 1 },
  });
  await putText(base, 'team/app', sha256(signature), MANIFEST, signature);
  // distribution has no referrers API, so whoever signs keeps the fallback tag.
  const entry = {
    mediaType: MANIFEST,
    digest: sha256(signature),
    size: signature.length,
    artifactType: 'application/vnd.example.signature',
  };
  const fallback = pushed.digest.replace(':', '-');
  await putText(
    base,
    'team/app',
    fallback,
    INDEX,
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [entry] }),
  );

  const auth = Buffer.from(`${testUser.username}:${testUser.password}`).toString('base64');
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [to.host]: { auth } } }) };
  const target = ref(`${to.host}/mirror/app:1`);
  const stranger = clientFor(t);
  const refused = await stranger.checkPushAccess(target);
  assert.ok(!refused.ok);
  assert.equal(refused.error[0]?.code, 'registry/unauthorized');
  assert.equal((await stranger.head(target)).kind, 'unknown');

  const client = clientFor(t, { env });
  assert.deepEqual(await client.checkPushAccess(target), { ok: true, value: undefined });
  const source = ref(`${from.host}/team/app:1`);
  const copied = await client.copyImage(source, target, { referrers: true });
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.deepEqual(copied.value.blobs, { mounted: 0, copied: 6, there: 0 });
  assert.ok(copied.value.copiedBytes > 300_000);
  assert.equal(copied.value.referrers, 1);
  assert.equal(copied.value.digest, pushed.digest);

  const reader = clientFor(t, { env });
  const described = await reader.inspect(target);
  assert.ok(described.ok);
  assert.equal(described.value.sizeBytes, pushed.sizeBytes);
  const referrers = await reader.referrers({ ...target, digest: pushed.digest });
  assert.ok(referrers.ok);
  assert.deepEqual(
    referrers.value.map((one) => [one.digest, one.artifactType]),
    [[sha256(signature), 'application/vnd.example.signature']],
  );

  const again = await clientFor(t, { env }).copyImage(source, target);
  assert.ok(again.ok);
  assert.equal(again.value.action, 'there');
  const renamed = await clientFor(t, { env }).copyImage(source, ref(`${to.host}/mirror/app:2`));
  assert.ok(renamed.ok);
  assert.deepEqual(
    renamed.value.blobs,
    { mounted: 0, copied: 0, there: 0 },
    'the children are there by digest',
  );
});

test('wrong credentials are neither there nor not there', async (t) => {
  const registry = await startRegistry(t, { auth: true });
  const auth = Buffer.from('tester:wrong').toString('base64');
  const client = clientFor(t, {
    env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
  });
  const presence = await client.head(ref(`${registry.host}/team/app:1`));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/unauthorized');
});

test('a registry with a certificate of an own authority is asked over https', async (t) => {
  const certs = await makeCertificates(t);
  const registry = await startRegistry(t, { tls: certs.server });
  const at = ref(`${registry.host}/team/app:1`);
  const ask = async (settings: RegistrySettings) =>
    await clientFor(t, { registries: new Map([[registry.host, settings]]) }).head(at);
  assert.deepEqual(await ask({ ca: certs.caFile }), { kind: 'absent' });
  assert.deepEqual(await ask({ insecure: true }), { kind: 'absent' });
  const untrusted = await ask({ http: false });
  assert.ok(untrusted.kind === 'unknown');
  assert.equal(untrusted.problem.code, 'registry/tls');
  const plain = await ask({});
  assert.ok(plain.kind === 'unknown');
  assert.match(plain.problem.hint ?? '', /\{http: false\}/);
});

test('a pull-through cache is read as a mirror', async (t) => {
  const origin = await startRegistry(t);
  const mirror = await startRegistry(t, { proxy: `http://${origin.host}` });
  const pushed = await pushIndex(origin.host, 'team/app', '1');
  const client = clientFor(t, { registries: new Map([[origin.host, { mirrors: [mirror.host] }]]) });
  const at = ref(`${origin.host}/team/app:1`);
  const read = await client.getManifest(at, { mirrors: true });
  assert.ok(read.ok, formatImageRef(at));
  assert.equal(read.value.digest, pushed.digest);
  assert.ok((await mirror.requests()).some((line) => line.startsWith('GET /v2/team/app/manifests/1')));
});

test('a registry that is stopped during a run is unreachable, not empty', async (t) => {
  const registry = await startRegistry(t);
  const client = clientFor(t, { sleep: async () => undefined });
  assert.equal((await client.head(ref(`${registry.host}/team/app:1`))).kind, 'absent');
  await registry.stop();
  const presence = await client.head(ref(`${registry.host}/team/app:2`));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/unreachable');
});
