/**
 * Against real registries (distribution 2.8, distribution 3, go-containerregistry): what they take, what they give back,
 * and how many requests that needs.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import {
  type Digest,
  formatImageRef,
  type ImageRef,
  parseImageRef,
  type RegistrySettings,
} from '../../lib/model/mod.ts';
import {
  createRegistryClient,
  measureImage,
  openLayout,
  platformManifests,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../lib/registry/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { sha256 } from '../rig/fault-registry.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { dockerConfigFor, type RegistryKind, registryKinds, startRegistry } from '../rig/registry.ts';
import { startRelay } from '../rig/relays.ts';
import { makeTempDir } from '../rig/temp.ts';
import { startTokenServer } from '../rig/token-server.ts';

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

/** Pushes something that refers to `team/app@DIGEST`, as whoever signs an image does; returns its digest. */
async function sign(host: string, subject: string, kind: RegistryKind): Promise<string> {
  const base = `http://${host}`;
  const artifactType = 'application/vnd.example.signature';
  const note = await upload(base, 'team/app', '{"signed":true}');
  const empty = await upload(base, 'team/app', '{}');
  const signature = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...empty },
    layers: [{ mediaType: 'application/json', ...note }],
    subject: { mediaType: INDEX, digest: subject, size: 1 },
  });
  const digest = sha256(signature);
  await putText(base, 'team/app', digest, MANIFEST, signature);
  if (!kind.listsReferrers) {
    const entry = { mediaType: MANIFEST, digest, size: signature.length, artifactType };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [entry] });
    await putText(base, 'team/app', subject.replace(':', '-'), INDEX, index);
  }
  return digest;
}

for (const kind of registryKinds) {
  const on = (name: string, run: (t: TestContext) => Promise<void>, has = true): void => {
    if (has) test(`${name} (${kind.name})`, { skip: kind.skip, timeout: 60_000 }, run);
  };

  on('an image is found, described, and missing ones are absent', async (t) => {
    const registry = await startRegistry(t, { kind });
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
    const measured = await measureImage(manifest.value, '', async (digest) => {
      const child = await client.getManifest({ ...at, digest });
      return child.ok ? child.value : undefined;
    });
    assert.equal(measured?.sizeBytes, pushed.sizeBytes);
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

  on('forty tags are forty requests, over as many connections as may be under way', async (t) => {
    const registry = await startRegistry(t, { kind });
    const pushed = await pushIndex(registry.host, 'team/app', '1');
    const relay = await startRelay(t, registry.host);
    const tags = Array.from({ length: 40 }, (_, at) => `team/app:v${at}`);
    const from = ref(`${registry.host}/team/app@${pushed.digest}`);
    const writer = clientFor(t);
    for (const tag of tags) assert.ok((await writer.tagManifest(from, ref(`${registry.host}/${tag}`))).ok);
    await registry.forget();
    const client = clientFor(t);
    const all = await Promise.all(tags.map((tag) => client.head(ref(`${relay.host}/${tag}`))));
    assert.ok(all.every((presence) => presence.kind === 'present' && presence.digest === pushed.digest));
    const asked = await registry.requests();
    assert.equal(asked.length, 40);
    assert.ok(asked.every((line) => line.startsWith('HEAD ')));
    assert.ok(relay.connections() <= 8, `${relay.connections()} connections`);
  });

  on(
    'a tag in the same repository costs a GET and a PUT, and nothing where it is right already',
    async (t) => {
      const registry = await startRegistry(t, { kind });
      const pushed = await pushIndex(registry.host, 'team/app', '1');
      const before = (await registry.requests()).length;
      const client = clientFor(t);
      const from = ref(`${registry.host}/team/app@${pushed.digest}`);
      const to = ref(`${registry.host}/team/app:2`);
      const first = await client.tagManifest(from, to);
      assert.ok(first.ok);
      assert.equal(first.value.action, 'put');
      assert.deepEqual(first.value.previous, { kind: 'absent' });
      const asked = (await registry.requests())
        .slice(before)
        .map((line) => line.replace(/ \S*manifests/, ''));
      // A 404 that does not say whose it is has to be read.
      const absent = kind.saysWhatItIs ? ['HEAD/2 404'] : ['HEAD/2 404', 'GET/2 404'];
      const put = [...absent, `GET/${pushed.digest} 200`, 'PUT/2 201'];
      assert.deepEqual(asked, put);
      const other = clientFor(t);
      const again = await other.tagManifest(from, to);
      assert.ok(again.ok);
      assert.equal(again.value.action, 'there');
      assert.equal((await registry.requests()).length - before, put.length + 1);
    },
  );

  on('what a name pointed at before is reported, so that it can be put back', async (t) => {
    const registry = await startRegistry(t, { kind });
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

  on(
    'another repository of the registry gets the image, by mounting where it can, children first',
    async (t) => {
      const registry = await startRegistry(t, { kind });
      const pushed = await pushIndex(registry.host, 'team/app', '1');
      const client = clientFor(t);
      const copied = await client.tagManifest(
        ref(`${registry.host}/team/app:1`),
        ref(`${registry.host}/other/place:9`),
      );
      assert.ok(copied.ok);
      const moved = kind.mounts ? { mounted: 4, copied: 0, there: 0 } : { mounted: 0, copied: 4, there: 0 };
      assert.deepEqual(copied.value.blobs, moved);
      assert.equal(copied.value.copiedBytes === 0, kind.mounts);
      const puts = (await registry.requests()).filter((line) =>
        /^PUT \/v2\/other\/place\/manifests/.test(line),
      );
      assert.equal(puts.length, 4);
      assert.match(puts.at(-1) ?? '', /manifests\/9 201$/);
      const described = await clientFor(t).inspect(ref(`${registry.host}/other/place:9`));
      assert.ok(described.ok);
      assert.equal(described.value.digest, pushed.digest);
    },
  );

  on('what two images share goes to another registry once', async (t) => {
    const [from, to] = [await startRegistry(t, { kind }), await startRegistry(t, { kind })];
    const pushed = await pushIndex(from.host, 'team/app', '1');
    const client = clientFor(t);
    const source = ref(`${from.host}/team/app:1`);
    const copied = await Promise.all(
      ['one', 'two'].map((name) => client.copyImage(source, ref(`${to.host}/live/${name}:1`))),
    );
    const blobs = copied.map((one) => (one.ok ? one.value.blobs : assert.fail(JSON.stringify(one))));
    const sum = (of: 'mounted' | 'copied') => blobs.reduce((all, one) => all + one[of], 0);
    // One that does not mount keeps the blobs of all repositories together.
    assert.deepEqual([sum('copied'), sum('mounted')], [4, kind.mounts ? 4 : 0]);
    for (const name of ['one', 'two']) {
      const described = await clientFor(t).inspect(ref(`${to.host}/live/${name}:1`));
      assert.ok(described.ok);
      assert.equal(described.value.digest, pushed.digest);
    }
  });

  on(
    'an image goes to another registry with sign-in, streamed, with what refers to it',
    async (t) => {
      const from = await startRegistry(t, { kind });
      const to = await startRegistry(t, { kind, auth: true });
      const pushed = await pushIndex(from.host, 'team/app', '1');
      const signature = await sign(from.host, pushed.digest, kind);

      const env = { DOCKER_AUTH_CONFIG: dockerConfigFor(to.host) };
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
        [[signature, 'application/vnd.example.signature']],
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
    },
    kind.signsIn,
  );

  on(
    'wrong credentials are neither there nor not there',
    async (t) => {
      const registry = await startRegistry(t, { kind, auth: true });
      const auth = Buffer.from('tester:wrong').toString('base64');
      const client = clientFor(t, {
        env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
      });
      const presence = await client.head(ref(`${registry.host}/team/app:1`));
      assert.ok(presence.kind === 'unknown');
      assert.equal(presence.problem.code, 'registry/unauthorized');
    },
    kind.signsIn,
  );

  on('a registry with a certificate of an own authority is asked over https', async (t) => {
    const certs = await makeCertificates(t);
    const registry = await startRegistry(t, { kind, tls: certs.server });
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

  on(
    'a pull-through cache is read as a mirror',
    async (t) => {
      const origin = await startRegistry(t, { kind });
      const mirror = await startRegistry(t, { kind, proxy: `http://${origin.host}` });
      const pushed = await pushIndex(origin.host, 'team/app', '1');
      const client = clientFor(t, { registries: new Map([[origin.host, { mirrors: [mirror.host] }]]) });
      const at = ref(`${origin.host}/team/app:1`);
      const read = await client.getManifest(at, { mirrors: true });
      assert.ok(read.ok, formatImageRef(at));
      assert.equal(read.value.digest, pushed.digest);
      assert.ok((await mirror.requests()).some((line) => line.startsWith('GET /v2/team/app/manifests/1')));
    },
    kind.caches,
  );

  on('what refers to an image comes along, whether a registry lists it or a tag does', async (t) => {
    const from = await startRegistry(t, { kind });
    const pushed = await pushIndex(from.host, 'team/app', '1');
    const signature = await sign(from.host, pushed.digest, kind);
    for (const other of registryKinds) {
      const to = await startRegistry(t, { kind: other });
      const target = ref(`${to.host}/mirror/app:1`);
      const source = ref(`${from.host}/team/app:1`);
      for (const action of ['put', 'there']) {
        const copied = await clientFor(t).copyImage(source, target, { referrers: true });
        assert.ok(copied.ok, JSON.stringify(copied));
        assert.deepEqual([copied.value.action, copied.value.referrers], [action, 1], other.name);
      }
      const found = await clientFor(t).referrers({ ...target, digest: pushed.digest });
      assert.ok(found.ok);
      assert.deepEqual(
        found.value.map((one) => one.digest),
        [signature],
        other.name,
      );
      const fallback = await clientFor(t).head(
        ref(`${target.registry}/mirror/app:${pushed.digest.replace(':', '-')}`),
      );
      assert.equal(fallback.kind, other.listsReferrers ? 'absent' : 'present', other.name);
      await to.stop();
    }
  });

  on(
    'tokens of a token server: one for many repositories, and what strangers may not do',
    async (t) => {
      const certs = await makeCertificates(t);
      const tokens = await startTokenServer(t, certs);
      const registry = await startRegistry(t, { kind, auth: tokens.settings });
      const source = await startRegistry(t, { kind });
      const pushed = await pushIndex(source.host, 'team/app', '1');
      const names = Array.from({ length: 10 }, (_, at) => ref(`${registry.host}/team/app-${at}:1`));
      const [first = ref('none')] = names;
      const refused = await clientFor(t).checkPushAccess(first);
      assert.ok(!refused.ok);
      assert.equal(refused.error[0]?.code, 'registry/unauthorized');

      const env = { DOCKER_AUTH_CONFIG: dockerConfigFor(registry.host) };
      const writer = clientFor(t, { env });
      for (const name of names) {
        const copied = await writer.copyImage(ref(`${source.host}/team/app:1`), name);
        assert.ok(copied.ok, JSON.stringify(copied));
      }

      const before = tokens.requests.length;
      await registry.forget();
      const reader = clientFor(t, { env });
      reader.expect(names);
      for (const presence of await Promise.all(names.map((name) => reader.head(name)))) {
        assert.ok(presence.kind === 'present' && presence.digest === pushed.digest);
      }
      assert.equal(tokens.requests.length - before, 1);
      const asked = await registry.requests();
      assert.deepEqual([asked.length, asked[0]], [11, 'GET /v2/ 401'], 'ten tags and the challenge');

      const stranger = clientFor(t);
      assert.equal((await stranger.head(first)).kind, 'present', 'strangers may pull');
      const mounted = await clientFor(t, { env }).tagManifest(first, ref(`${registry.host}/other/place:1`));
      assert.ok(mounted.ok);
      assert.deepEqual(mounted.value.blobs, { mounted: 4, copied: 0, there: 0 });
    },
    kind.signsIn,
  );

  on(
    'Basic: one request finds out, then each tag costs one, however many repositories there are',
    async (t) => {
      const registry = await startRegistry(t, { kind, auth: true });
      const client = clientFor(t, { env: { DOCKER_AUTH_CONFIG: dockerConfigFor(registry.host) } });
      const names = Array.from({ length: 30 }, (_, at) => ref(`${registry.host}/team/app-${at % 10}:${at}`));
      for (const presence of await Promise.all(names.map((name) => client.head(name)))) {
        assert.deepEqual(presence, { kind: 'absent' });
      }
      const asked = await registry.requests();
      assert.equal(asked.filter((line) => line.endsWith(' 401')).length, 1);
      assert.equal(asked.length, 31);
    },
    kind.signsIn,
  );

  on('a registry that asks for a certificate gets it, for reading and for writing', async (t) => {
    const certs = await makeCertificates(t);
    const tls = { ...certs.server, clientCaFile: certs.caFile };
    const registry = await startRegistry(t, { kind, tls });
    const at = ref(`${registry.host}/team/app:1`);
    const settings = (more: RegistrySettings) => ({ registries: new Map([[registry.host, more]]) });
    const without = await clientFor(t, settings({ ca: certs.caFile })).head(at);
    assert.ok(without.kind === 'unknown');
    // Some see the alert, some only that the other side is gone: TLS 1.3 says so after the handshake.
    assert.match(without.problem.hint ?? '', /cert:/);
    const { certFile: cert, keyFile: key } = certs.client;
    const client = clientFor(t, settings({ ca: certs.caFile, cert, key }));
    assert.deepEqual(await client.head(at), { kind: 'absent' });
    const source = await startRegistry(t, { kind });
    const pushed = await pushIndex(source.host, 'team/app', '1');
    const copied = await client.copyImage(ref(`${source.host}/team/app:1`), at);
    assert.ok(copied.ok, JSON.stringify(copied));
    assert.deepEqual(await client.resolveDigest(at), { ok: true, value: pushed.digest });
  });

  on('a layout of 24 MB is pushed as it is read, and nothing is sent the second time', async (t) => {
    const registry = await startRegistry(t, { kind });
    const dir = await makeTempDir(t);
    const made = await makeLayout(dir, ['1'], 24_000_000);
    const layout = await openLayout(dir, 'layout');
    assert.ok(layout.ok);
    const at = ref(`${registry.host}/team/large:1`);
    const pushed = await clientFor(t).pushLayout(layout.value, at);
    assert.ok(pushed.ok, JSON.stringify(pushed));
    assert.deepEqual([pushed.value.action, pushed.value.digest], ['put', made.digests[0]]);
    const layer = { digest: made.layer as Digest, sizeBytes: 24_000_000 };
    const hash = createHash('sha256');
    for await (const piece of clientFor(t).streamBlob(at, layer)) hash.update(piece);
    assert.equal(`sha256:${hash.digest('hex')}`, made.layer);
    await registry.forget();
    const again = await clientFor(t).pushLayout(layout.value, at);
    assert.ok(again.ok);
    assert.equal(again.value.action, 'there');
    assert.deepEqual(await registry.writes(), []);
  });

  on('what was deleted is absent, by its tag and by its digest', async (t) => {
    const registry = await startRegistry(t, { kind });
    const pushed = await pushIndex(registry.host, 'team/app', '1');
    const remove = async (at: string) => {
      const answer = await fetch(`http://${registry.host}/v2/team/app/manifests/${at}`, { method: 'DELETE' });
      await answer.arrayBuffer();
      return answer.status;
    };
    const client = clientFor(t);
    const at = ref(`${registry.host}/team/app:1`);
    assert.equal((await client.head(at)).kind, 'present');
    // Not every registry deletes a tag alone; deleting the manifest takes its tags along or leaves them hanging.
    await remove('1');
    assert.equal(await remove(pushed.digest), 202);
    client.forget(at);
    assert.deepEqual(await client.head(at), { kind: 'absent' });
    assert.deepEqual(await client.head(ref(`${registry.host}/team/app@${pushed.digest}`)), {
      kind: 'absent',
    });
    const read = await client.getManifest(at);
    assert.equal(read.ok, false);
  });

  on('a registry that is stopped during a run is unreachable, not empty', async (t) => {
    const registry = await startRegistry(t, { kind });
    const client = clientFor(t, { sleep: async () => undefined });
    assert.equal((await client.head(ref(`${registry.host}/team/app:1`))).kind, 'absent');
    await registry.stop();
    const presence = await client.head(ref(`${registry.host}/team/app:2`));
    assert.ok(presence.kind === 'unknown');
    assert.equal(presence.problem.code, 'registry/unreachable');
  });
}
