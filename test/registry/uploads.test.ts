/** Blobs on their way into a repository, request by request. What real registries make of them is in real.test.ts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClient } from '../../lib/registry/mod.ts';
import { type FaultAnswer, type FaultRequest, sha256, startFaultRegistry } from '../rig/fault-registry.ts';

const BLOB = 'the bytes of a layer';
const DIGEST = sha256(BLOB);
const CONFIG = '{}';
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: sha256(CONFIG),
    size: CONFIG.length,
  },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: DIGEST, size: BLOB.length }],
});

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext): RegistryClient {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  return client;
}

/** A registry with one image in `from`, an empty `to`, and what the test wants to be otherwise. */
function startRegistry(t: TestContext, otherwise: (request: FaultRequest) => FaultAnswer | undefined) {
  return startFaultRegistry(t, (request) => {
    const { method, path } = request;
    const different = otherwise(request);
    if (different !== undefined) return different;
    if (path === '/v2/') return { status: 200 };
    if (path.endsWith(`/from/blobs/${DIGEST}`)) return { status: 200, body: BLOB };
    if (path.endsWith(`/from/blobs/${sha256(CONFIG)}`)) return { status: 200, body: CONFIG };
    if (path.includes('/from/manifests/')) {
      const headers = {
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        'docker-content-digest': sha256(MANIFEST),
      };
      return { status: 200, headers, body: MANIFEST };
    }
    if (method === 'POST') return { status: 202, headers: { location: '/upload?state=1' } };
    if (method === 'PUT' && path === '/upload') return { status: 201 };
    if (method === 'PUT') {
      return { status: 201, headers: { 'docker-content-digest': sha256(MANIFEST) } };
    }
    return { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } };
  });
}

/** The requests for one blob, by method, in their order. */
function requestsFor(requests: readonly FaultRequest[], digest: string): readonly string[] {
  return requests
    .filter(({ target }) => decodeURIComponent(target).includes(digest))
    .filter(({ path }) => !path.includes('/manifests/'))
    .map(({ method, path }) => `${method} ${path.replace(digest, 'BLOB')}`);
}

test('a blob in memory is sent to where the upload begins, with its digest', async (t) => {
  const server = await startRegistry(t, () => undefined);
  const put = await clientFor(t).putBlob(ref(`${server.host}/to`), new TextEncoder().encode(BLOB));
  assert.deepEqual(put, { ok: true, value: DIGEST });
  // Asking first whether it is there would take as long.
  assert.deepEqual(server.lines(), ['POST /v2/to/blobs/uploads/', 'PUT /upload']);
  const sent = server.requests.at(-1);
  assert.equal(sent?.body, BLOB);
  assert.deepEqual(
    [...(sent?.query ?? [])],
    [
      ['state', '1'],
      ['digest', DIGEST],
    ],
  );
});

test('a blob in memory that is not accepted is sent four times into one upload, and no more', async (t) => {
  const server = await startRegistry(t, ({ path }) => (path === '/upload' ? { status: 503 } : undefined));
  const put = await clientFor(t).putBlob(ref(`${server.host}/to`), new TextEncoder().encode(BLOB));
  assert.ok(!put.ok);
  assert.equal(put.error[0]?.code, 'registry/unavailable');
  assert.equal(server.requests.filter(({ method }) => method === 'POST').length, 1);
  assert.equal(server.requests.filter(({ method }) => method === 'PUT').length, 4);
});

test('within a registry a blob is mounted; where that fails, the upload that began is used', async (t) => {
  const server = await startRegistry(t, ({ method, query }) => {
    return method === 'POST' && query.get('mount') === sha256(CONFIG) ? { status: 201 } : undefined;
  });
  const copied = await clientFor(t).copyImage(ref(`${server.host}/from:1`), ref(`${server.host}/to:1`));
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.deepEqual(copied.value.blobs, { mounted: 1, copied: 1, there: 0 });
  assert.equal(copied.value.copiedBytes, BLOB.length);
  assert.deepEqual(requestsFor(server.requests, sha256(CONFIG)), ['POST /v2/to/blobs/uploads/']);
  assert.deepEqual(requestsFor(server.requests, DIGEST), [
    'POST /v2/to/blobs/uploads/',
    'GET /v2/from/blobs/BLOB',
    'PUT /upload',
  ]);
});

test('where a registry refuses to mount, whatever it answers, the blobs are sent', async (t) => {
  for (const status of [400, 401, 403, 404, 405, 415, 500, 501]) {
    const server = await startRegistry(t, ({ query }) => (query.has('mount') ? { status } : undefined));
    const copied = await clientFor(t).copyImage(ref(`${server.host}/from:1`), ref(`${server.host}/to:1`));
    assert.ok(copied.ok, JSON.stringify(copied));
    assert.deepEqual(copied.value.blobs, { mounted: 0, copied: 2, there: 0 }, `${status}`);
    assert.deepEqual(requestsFor(server.requests, DIGEST), [
      'POST /v2/to/blobs/uploads/',
      'GET /v2/from/blobs/BLOB',
      'PUT /upload',
    ]);
  }
});

test('a copy that is cut is read and sent anew, three times at most', async (t) => {
  for (const [failures, attempts] of [
    [1, 2],
    [9, 3],
  ] as const) {
    const from = await startRegistry(t, () => undefined);
    let refused = 0;
    const to = await startRegistry(t, ({ path, query }) => {
      if (path !== '/upload' || query.get('digest') !== DIGEST || refused >= failures) return undefined;
      refused += 1;
      return { status: 503 };
    });
    const copied = await clientFor(t).copyImage(ref(`${from.host}/from:1`), ref(`${to.host}/to:1`));
    assert.equal(copied.ok, failures === 1);
    const reads = requestsFor(from.requests, DIGEST);
    assert.deepEqual(
      reads,
      Array.from({ length: attempts }, () => 'GET /v2/from/blobs/BLOB'),
    );
    const sends = requestsFor(to.requests, DIGEST);
    assert.deepEqual(sends, [
      'HEAD /v2/to/blobs/BLOB',
      ...Array.from({ length: attempts }, () => 'PUT /upload'),
    ]);
  }
});

test('bytes that are not what the digest says are never complete, and not asked for again', async (t) => {
  const wrong = BLOB.replace('layer', 'liars');
  const from = await startRegistry(t, ({ path }) =>
    path.endsWith(`/from/blobs/${DIGEST}`) ? { status: 200, body: wrong } : undefined,
  );
  const to = await startRegistry(t, () => undefined);
  const copied = await clientFor(t).copyImage(ref(`${from.host}/from:1`), ref(`${to.host}/to:1`));
  assert.ok(!copied.ok);
  assert.equal(copied.error[0]?.code, 'registry/bad-digest');
  assert.equal(requestsFor(from.requests, DIGEST).length, 1);
  assert.ok(to.requests.every(({ body }) => body !== wrong));
  assert.deepEqual(
    to.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/')),
    [],
  );
});
