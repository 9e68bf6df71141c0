/** What a client asks for and remembers: scopes of each operation, what a put makes it forget, and how it waits and ends. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef, type RegistrySettings } from '../../lib/model/mod.ts';
import { Exchange } from '../../lib/registry/exchange.ts';
import {
  createRegistryClient,
  type Manifest,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../lib/registry/mod.ts';
import { Reader } from '../../lib/registry/reader.ts';
import { UsedCredentials } from '../../lib/registry/used-credentials.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import {
  type FaultAnswer,
  type FaultRequest,
  manifestAnswer,
  manifestText,
  sha256,
  specError,
  startFaultRegistry,
} from '../rig/fault-registry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const TEXT = manifestText();
const DIGEST = sha256(TEXT);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, ...options });
  t.after(() => client.close());
  return client;
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('each operation asks for the scopes that it needs, and no others', async (t) => {
  const manifest = { mediaType: MANIFEST, bytes: bytesOf(TEXT) };
  const operations: Readonly<
    Record<string, readonly [(client: RegistryClient, at: ImageRef) => Promise<unknown>, ...string[]]>
  > = {
    head: [(client, at) => client.head(at), 'a:pull'],
    getManifest: [(client, at) => client.getManifest(at), 'a:pull'],
    getBlob: [(client, at) => client.getBlob(at, sha256('x'), 9), 'a:pull'],
    streamBlob: [
      (client, at) => readAll(client.streamBlob(at, { digest: sha256('x'), sizeBytes: 1 })),
      'a:pull',
    ],
    referrers: [(client, at) => client.referrers({ ...at, digest: DIGEST }), 'a:pull'],
    putBlob: [(client, at) => client.putBlob(at, bytesOf('x')), 'a:pull,push'],
    putManifest: [(client, at) => client.putManifest(at, manifest), 'a:pull,push'],
    checkPushAccess: [(client, at) => client.checkPushAccess(at), 'a:pull,push'],
    tagManifest: [
      (client, at) => client.tagManifest(at, { ...at, repository: 'b' }),
      'a:pull',
      'a:pull b:pull,push',
      'b:pull',
    ],
    ping: [(client, at) => client.ping(at.registry), ''],
  };
  for (const [name, [run, ...scopes]] of Object.entries(operations)) {
    const asked = new Set<string>();
    const server = await startFaultRegistry(t, ({ path, query, headers, method }): FaultAnswer => {
      if (path === '/token') {
        const scope = query.getAll('scope').map((one) => one.replace('repository:', ''));
        asked.add(scope.join(' '));
        return {
          status: 200,
          body: JSON.stringify({ token: encodeURIComponent(scope.join(' ') || 'none') }),
        };
      }
      if (headers.authorization === undefined) {
        const realm = `Bearer realm="http://${headers.host}/token"`;
        return specError(401, 'UNAUTHORIZED', { 'www-authenticate': realm });
      }
      // Whoever deletes an upload may do so with the token of whoever began it.
      if (method === 'POST') return { status: 202, headers: { location: '/v2/upload' } };
      if (method === 'PUT' || method === 'DELETE')
        return {
          status: 201,
          headers: path.includes('manifests') ? { 'docker-content-digest': DIGEST } : {},
        };
      if (path.startsWith('/v2/b/') || path.includes('/referrers/')) return specError(404, 'NAME_UNKNOWN');
      if (path.includes('/manifests/')) return manifestAnswer();
      if (path === '/v2/') return { status: 200 };
      const content = [sha256('x'), 'x'].find((one) => path.endsWith(one)) === undefined ? '{}' : 'x';
      return method === 'HEAD' ? { status: 404 } : { status: 200, body: content };
    });
    const result = await run(clientFor(t), ref(`${server.host}/a:1`));
    assert.ok(
      typeof result !== 'object' || !JSON.stringify(result).includes('"error"'),
      JSON.stringify(result),
    );
    assert.deepEqual([...asked].sort(), scopes.sort(), name);
  }
});

test('a client names itself, and says what its caller wants to be called', async (t) => {
  const server = await startFaultRegistry(t, () => ({ status: 200 }));
  await clientFor(t).ping(server.host);
  await clientFor(t, { userAgent: 'other/1' }).ping(server.host);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers['user-agent']),
    ['bake-ts', 'other/1'],
  );
});

test('a client that is closed leaves no connection behind', async (t) => {
  const server = await startFakeRegistry(t);
  const client = clientFor(t);
  await client.ping(server.host);
  assert.equal(server.openSockets('bake-ts'), 1);
  await client.close();
  for (let time = 0; time < 100 && server.openSockets('bake-ts') > 0; time++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(server.openSockets('bake-ts'), 0);
});

test('a client waits by itself between attempts, and no longer than it may', async (t) => {
  const busy = await startFaultRegistry(t, ({ nth }) => ({ status: nth === 1 ? 503 : 200 }));
  const waiting = createRegistryClient({ env: {}, random: () => 0 });
  t.after(() => waiting.close());
  const before = performance.now();
  assert.ok((await waiting.ping(busy.host)).ok);
  assert.ok(performance.now() - before > 100, 'an eighth of a second at least');
  assert.equal(busy.requests.length, 2);

  const closed = await startFaultRegistry(t, () => ({ status: 429, headers: { 'retry-after': '20' } }));
  const abort = new AbortController();
  let retries = 0;
  const stopped = createRegistryClient({
    env: {},
    signal: abort.signal,
    onRetry: () => {
      retries += 1;
      setTimeout(() => abort.abort(), 20);
    },
  });
  t.after(() => stopped.close());
  const pinged = await stopped.ping(closed.host);
  assert.ok(!pinged.ok && pinged.error[0]?.code === 'run/cancelled', JSON.stringify(pinged));
  // The host is to be left alone for a while: whoever comes now does not wait either.
  const late = await stopped.head(ref(`${closed.host}/a:1`));
  assert.ok(late.kind === 'unknown' && late.problem.code === 'run/cancelled');
  assert.deepEqual([retries, closed.requests.length], [1, 1]);
  assert.ok(performance.now() - before < 10_000);
});

const manifestOf = (mark: string) => ({ mediaType: MANIFEST, bytes: bytesOf(manifestText(mark)) });

/** A registry that keeps what is put, and says nothing of it unless asked. */
async function startKeeping(t: TestContext, own: (request: FaultRequest) => FaultAnswer | undefined) {
  const kept = new Map<string, string>();
  return await startFaultRegistry(t, (request) => {
    const { method, path, body } = request;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (method === 'PUT') for (const each of [name, sha256(body)]) kept.set(each, body);
    const found = kept.get(name);
    return own(request) ?? (found === undefined ? specError(404, 'MANIFEST_UNKNOWN') : manifestAnswer(found));
  });
}

test('what is put is known from then on, by its tag and its digest, without asking', async (t) => {
  const server = await startKeeping(t, () => undefined);
  const client = clientFor(t);
  const at = (name: string) => ref(`${server.host}/a${name}`);
  assert.equal((await client.head(at(':1'))).kind, 'absent');
  assert.equal((await client.head(at(':2'))).kind, 'absent');
  const one = manifestOf('one');
  const digest = sha256(one.bytes);
  assert.deepEqual(await client.putManifest(at(':1'), one), { ok: true, value: { digest } });
  const present = { kind: 'present', digest, mediaType: MANIFEST, sizeBytes: one.bytes.length };
  const before = server.requests.length;
  assert.deepEqual(await client.head(at(':1')), present);
  const read = await client.getManifest(at(`@${digest}`));
  assert.ok(read.ok && Buffer.from(read.value.bytes).equals(one.bytes));
  // By digest nothing else is forgotten, and that digest is known.
  const two = manifestOf('two');
  assert.ok((await client.putManifest(at(`@${sha256(two.bytes)}`), two)).ok);
  assert.deepEqual(await client.head(at(`@${sha256(two.bytes)}`)), {
    ...present,
    digest: sha256(two.bytes),
    sizeBytes: two.bytes.length,
  });
  assert.equal((await client.head(at(':2'))).kind, 'absent');
  assert.deepEqual(await client.head(at(':1')), present);
  // A reference with both is put by its tag, whatever stood there.
  assert.ok((await client.putManifest(at(`:1@${digest}`), two)).ok);
  const now = await client.head(at(':1'));
  assert.ok(now.kind === 'present' && now.digest === sha256(two.bytes));
  assert.deepEqual(server.lines().slice(before), [
    `PUT /v2/a/manifests/${sha256(two.bytes)}`,
    'PUT /v2/a/manifests/1',
  ]);
});

test('while a put is under way, and after one that failed, what was known is asked again', async (t) => {
  let arrived = (): void => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await startKeeping(t, ({ method }) => {
    if (method !== 'PUT') return undefined;
    arrived();
    return { ...specError(403, 'DENIED'), delayMs: 200 };
  });
  const client = clientFor(t);
  const at = ref(`${server.host}/a:1`);
  await client.head(at);
  const putting = client.putManifest(at, manifestOf('one'));
  await arrival;
  await client.head(at);
  const refused = await putting;
  assert.ok(!refused.ok && refused.error[0]?.code === 'registry/denied');
  await client.head(at);
  assert.deepEqual(
    server.lines().filter((line) => line.startsWith('HEAD ')),
    Array.from({ length: 3 }, () => 'HEAD /v2/a/manifests/1'),
  );
});

test('a put of what is no image manifest goes through, and one that a registry changed is named', async (t) => {
  const server = await startFaultRegistry(t, ({ body }) => ({
    status: 201,
    headers: { 'docker-content-digest': body === '{}' ? sha256('{}') : sha256('changed') },
  }));
  const client = clientFor(t);
  const at = ref(`${server.host}/a:1`);
  const odd = { mediaType: 'application/x', bytes: bytesOf('{}') };
  assert.deepEqual(await client.putManifest(at, odd), { ok: true, value: { digest: sha256('{}') } });
  const changed = await client.putManifest(at, manifestOf(''));
  assert.ok(!changed.ok);
  assert.equal(
    changed.error[0]?.message,
    `${server.host} sent wrong content for PUT http://${server.host}/v2/a/manifests/1: expected ${DIGEST}, got ${sha256('changed')}`,
  );
  const unsent = await client.putManifest(ref(`${server.host}/a@${DIGEST}`), odd);
  assert.ok(!unsent.ok);
  assert.match(unsent.error[0]?.hint ?? '', /please report it/);
  assert.equal(server.requests.length, 2);
});

test('a digest is resolved where there is one; else why not is said', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) =>
    path.endsWith('/1')
      ? manifestAnswer()
      : path.endsWith('/2')
        ? { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } }
        : { status: 403 },
  );
  const client = clientFor(t);
  const at = (tag: string) => ref(`${server.host}/a:${tag}`);
  assert.deepEqual(await client.resolveDigest(at('1')), { ok: true, value: DIGEST });
  const absent = await client.resolveDigest(at('2'));
  assert.ok(!absent.ok);
  assert.deepEqual(absent.error, [
    {
      code: 'registry/not-found',
      severity: 'error',
      message: `${server.host}/a:2 is not in its registry`,
      hint: 'Check the name and the tag, and that it was pushed',
    },
  ]);
  const unknown = await client.resolveDigest(at('3'));
  assert.ok(!unknown.ok && unknown.error[0]?.code === 'registry/denied');
});

test('only words for "there is no such thing" in the body of a 404 say that nothing is there', async (t) => {
  for (const [codes, kind, said] of [
    [['MANIFEST_UNKNOWN'], 'absent', ''],
    [['NAME_UNKNOWN'], 'absent', ''],
    [['NOT_FOUND'], 'absent', ''],
    [['REPOSITORY_NOT_FOUND'], 'absent', ''],
    [['NAME_UNKNOWN', 'MANIFEST_UNKNOWN'], 'absent', ''],
    [['MANIFEST_UNKNOWN', 'DENIED'], 'unknown', 'a 404 and MANIFEST_UNKNOWN, DENIED'],
  ] as const) {
    const server = await startFaultRegistry(t, ({ method }) => ({
      status: 404,
      headers: { 'content-type': 'application/json' },
      ...(method === 'HEAD' ? {} : { body: JSON.stringify({ errors: codes.map((code) => ({ code })) }) }),
    }));
    const presence = await clientFor(t).head(ref(`${server.host}/a:1`));
    assert.equal(presence.kind, kind, codes.join());
    const read = await clientFor(t).getManifest(ref(`${server.host}/a:1`));
    assert.ok(!read.ok);
    if (presence.kind !== 'unknown') {
      assert.equal(read.error[0]?.code, 'registry/not-found');
      continue;
    }
    for (const found of [presence.problem, read.error[0]])
      assert.equal(
        found?.message,
        `${server.host} answered GET http://${server.host}/v2/a/manifests/1 with ${said}`,
      );
  }
});

test('a 400 with the headers of a manifest is none; what says no type is told by the header', async (t) => {
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  const plain = JSON.stringify({ schemaVersion: 2, layers: [] });
  const server = await startFaultRegistry(t, ({ method }) => {
    const { body: _, ...head } = manifestAnswer();
    if (method === 'HEAD') return { ...head, status: 400 };
    return { status: 200, headers: { 'content-type': docker }, body: plain };
  });
  assert.deepEqual(await clientFor(t).head(ref(`${server.host}/a:1`)), {
    kind: 'present',
    digest: sha256(plain),
    mediaType: docker,
    sizeBytes: plain.length,
  });
});

test('a manifest comes from a mirror where that is allowed, and from the registry where the mirror has none', async (t) => {
  const mirror = await startFaultRegistry(t, ({ path }) =>
    path.endsWith('/both') ? manifestAnswer() : specError(404, 'MANIFEST_UNKNOWN'),
  );
  const server = await startFaultRegistry(t, ({ path }) =>
    path.endsWith('/none') ? specError(404, 'MANIFEST_UNKNOWN') : manifestAnswer(manifestText('own')),
  );
  const registries = new Map<string, RegistrySettings>([[server.host, { mirrors: [mirror.host] }]]);
  const client = clientFor(t, { registries });
  const read = async (tag: string, mirrors: boolean) => {
    const found = await client.getManifest(ref(`${server.host}/a:${tag}`), mirrors ? { mirrors } : {});
    return found.ok ? found.value.digest : found.error.map((one) => `${one.code} ${one.message}`);
  };
  // At once: each gets what it asked for.
  const own = sha256(manifestText('own'));
  assert.deepEqual(await Promise.all([read('both', true), read('both', false)]), [DIGEST, own]);
  assert.equal(mirror.requests[0]?.target, `/v2/a/manifests/both?ns=${encodeURIComponent(server.host)}`);
  assert.equal(server.requests[0]?.target, '/v2/a/manifests/both');
  assert.equal(await read('one', true), own);
  assert.deepEqual(await read('none', true), [
    `registry/not-found ${server.host}/a:none is not in its registry`,
  ]);
  const bare = await startFaultRegistry(t, () => manifestAnswer());
  const found = await clientFor(t).getManifest(ref(`${bare.host}/a:1`), { mirrors: true });
  assert.ok(found.ok, 'a registry without settings has no mirrors');
});

test('a blob that is not there, or is another one, is one problem that names its request', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) =>
    path.endsWith(sha256('wrong')) ? { status: 200, body: 'other' } : specError(404, 'BLOB_UNKNOWN'),
  );
  const client = clientFor(t);
  const at = ref(`${server.host}/a`);
  const said = async (content: string) => {
    const read = await client.getBlob(at, sha256(content), 9);
    assert.ok(!read.ok);
    return read.error.map((one) => one.message);
  };
  const url = (content: string) => `GET http://${server.host}/v2/a/blobs/${sha256(content)}`;
  assert.deepEqual(await said('gone'), [`${server.host} has nothing at ${url('gone')} (404)`]);
  const other = `expected ${sha256('wrong')}, got ${sha256('other')}`;
  assert.deepEqual(await said('wrong'), [`${server.host} sent wrong content for ${url('wrong')}: ${other}`]);
  const streamed = client.streamBlob(at, { digest: sha256('wrong'), sizeBytes: 5 });
  await assert.rejects(readAll(streamed), {
    message: `${server.host} sent wrong content for ${url('wrong')}: ${other}`,
  });
  const gone = client.streamBlob(at, { digest: sha256('gone'), sizeBytes: 5 });
  await assert.rejects(readAll(gone), { message: `${server.host} has nothing at ${url('gone')} (404)` });
});

/** A reader and streams of blobs without a network. */
function exchangeOf(answer: () => { readonly stream?: AsyncIterable<Uint8Array> }) {
  let asked = 0;
  const exchange = new Exchange({
    wire: {
      async send({ url, attempt }) {
        asked += 1;
        const reply = { status: 200, url, attempt, elsewhere: false, header: () => undefined };
        return { ok: true, value: { ...reply, body: bytesOf('{}'), ...answer() } };
      },
    },
    registries: new Map(),
    credentials: { find: async () => ({ ok: true, value: undefined }) },
    used: new UsedCredentials(),
    retries: { attempts: 1, longestWaitMs: 0, restMs: 0 },
    now: () => 0,
    random: () => 0,
    sleep: async () => undefined,
  });
  return { exchange, asked: () => asked };
}

test('manifests are kept up to a sum of their sizes, and the oldest goes first', async () => {
  const { exchange, asked } = exchangeOf(() => ({}));
  const reader = new Reader(exchange, new Map());
  const bytes = new Uint8Array(32 * 1024 * 1024);
  const keep = (digit: string): Manifest => {
    const digest = `sha256:${digit.repeat(64)}` as const;
    const manifest = { digest, mediaType: INDEX, bytes, json: {} };
    reader.keep(manifest);
    return manifest;
  };
  const isKept = async ({ digest }: Manifest) =>
    (await reader.getManifest({ ...ref('r.example/a'), digest })).ok;
  const [one, two] = [keep('1'), keep('2')];
  for (let time = 0; time < 3; time++) keep('1');
  assert.deepEqual([await isKept(one), await isKept(two), asked()], [true, true, 0]);
  const three = keep('3');
  assert.deepEqual([await isKept(one), await isKept(two), await isKept(three)], [false, true, true]);
  const four = keep('4');
  assert.deepEqual([await isKept(two), await isKept(three), await isKept(four)], [false, true, true]);
});
