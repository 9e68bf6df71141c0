/** Registries that misbehave: what is not known must never count as "there" or "not there". */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef, type RegistrySettings } from '../../lib/model/mod.ts';
import {
  createRegistryClient,
  type Presence,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../lib/registry/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import {
  type FaultAnswer,
  type FaultRequest,
  manifestAnswer,
  manifestText,
  sha256,
  specError,
  startFaultRegistry,
} from '../rig/fault-registry.ts';

const TEXT = manifestText();
const DIGEST = sha256(TEXT);
const GOOD = manifestAnswer();

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

/** A client that does not wait between attempts and has no credentials. */
function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, ...options });
  t.after(() => client.close());
  return client;
}

function authConfig(host: string, entry: object): { DOCKER_AUTH_CONFIG: string } {
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: entry } }) };
}

function basicAuth(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`).toString('base64');
}

function codeOf(presence: Presence): string {
  return presence.kind === 'unknown' ? presence.problem.code : presence.kind;
}

const bodiless = (answer: FaultAnswer): FaultAnswer => {
  if (typeof answer === 'string') return answer;
  const { body: _, ...head } = answer;
  return head;
};

/** Answers that are the same for HEAD and GET, and what they must count as. */
const ANSWERS: readonly (readonly [string, FaultAnswer, string])[] = [
  ['a 401 with no way to sign in', specError(401, 'UNAUTHORIZED'), 'registry/unauthorized'],
  [
    'a 401 for a scheme nobody has',
    specError(401, 'UNAUTHORIZED', { 'www-authenticate': 'Negotiate' }),
    'registry/unauthorized',
  ],
  ['a 403', specError(403, 'DENIED'), 'registry/denied'],
  ['a 404 of a registry', specError(404, 'MANIFEST_UNKNOWN'), 'absent'],
  ['a 404 for the repository', specError(404, 'NAME_UNKNOWN'), 'absent'],
  [
    'a 404 in html',
    { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>gone</html>' },
    'registry/unexpected-answer',
  ],
  [
    'a 404 in the JSON of a gateway',
    { status: 404, headers: { 'content-type': 'application/json' }, body: '{"message":"no Route matched"}' },
    'registry/unexpected-answer',
  ],
  [
    'a 404 in html that a proxy marked as a registry',
    {
      status: 404,
      headers: { 'content-type': 'text/html', 'docker-distribution-api-version': 'registry/2.0' },
      body: '<html>',
    },
    'registry/unexpected-answer',
  ],
  ['a 429', specError(429, 'TOOMANYREQUESTS', { 'retry-after': '1' }), 'registry/too-many-requests'],
  ['a 500', { status: 500, body: 'oops' }, 'registry/unavailable'],
  [
    'a 502 in html',
    { status: 502, headers: { 'content-type': 'text/html' }, body: '<html><h1>Bad Gateway</h1></html>' },
    'registry/unavailable',
  ],
  ['a 503', specError(503, 'UNAVAILABLE'), 'registry/unavailable'],
  ['a cut connection', 'cut', 'registry/unreachable'],
  [
    'a login page',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>sign in</html>' },
    'registry/unexpected-answer',
  ],
  [
    'a 400',
    { status: 400, headers: { 'content-type': 'text/plain' }, body: 'what?' },
    'registry/unexpected-answer',
  ],
  ['a 418', { status: 418 }, 'registry/unexpected-answer'],
];

for (const [name, answer, expected] of ANSWERS) {
  test(`${name} counts as ${expected}`, async (t) => {
    const server = await startFaultRegistry(t, (request) =>
      request.method === 'HEAD' ? bodiless(answer) : answer,
    );
    const client = clientFor(t);
    const presence = await client.head(ref(`${server.host}/a/b:1`));
    assert.equal(codeOf(presence), expected);
    if (presence.kind === 'unknown') assert.ok((presence.problem.hint ?? '').length > 10);
  });
}

test('a present tag costs one HEAD, however often and however many at once it is asked', async (t) => {
  const server = await startFaultRegistry(t, () => bodiless(GOOD));
  const client = clientFor(t);
  const wanted = ref(`${server.host}/a/b:1`);
  const all = await Promise.all([client.head(wanted), client.head(wanted), client.head(wanted)]);
  assert.deepEqual(all[2], {
    kind: 'present',
    digest: DIGEST,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    sizeBytes: TEXT.length,
  });
  assert.deepEqual(await client.resolveDigest(wanted), { ok: true, value: DIGEST });
  assert.deepEqual(server.lines(), ['HEAD /v2/a/b/manifests/1']);
  const accept = server.requests[0]?.headers.accept ?? '';
  for (const type of ['oci.image.index.v1', 'oci.image.manifest.v1', 'manifest.list.v2', 'manifest.v2'])
    assert.ok(accept.includes(type), type);
  client.forget(wanted);
  await client.head(wanted);
  assert.equal(server.requests.length, 2);
});

test('an unknown answer is asked again next time', async (t) => {
  const server = await startFaultRegistry(t, ({ nth }) => (nth === 1 ? { status: 500 } : bodiless(GOOD)));
  const client = clientFor(t);
  assert.equal((await client.head(ref(`${server.host}/a/b:1`))).kind, 'unknown');
  assert.equal((await client.head(ref(`${server.host}/a/b:1`))).kind, 'present');
});

const LYING_HEADS: readonly (readonly [string, FaultAnswer])[] = [
  ['has no digest', { ...GOOD, headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' } }],
  [
    'has a digest that is none',
    { ...GOOD, headers: { ...GOOD.headers, 'docker-content-digest': 'sha256:beef' } },
  ],
  ['has another content type', { ...GOOD, headers: { ...GOOD.headers, 'content-type': 'application/json' } }],
  ['has no length', { ...GOOD, headers: { ...GOOD.headers, 'content-length': '0' } }],
  ['is not allowed', { status: 405 }],
  ['is not implemented', { status: 501 }],
  ['says 404 as no registry does', { status: 404 }],
];

for (const [name, head] of LYING_HEADS) {
  test(`where HEAD ${name}, GET decides`, async (t) => {
    const server = await startFaultRegistry(t, ({ method }) => (method === 'HEAD' ? bodiless(head) : GOOD));
    const presence = await clientFor(t).head(ref(`${server.host}/a/b:1`));
    assert.ok(presence.kind === 'present');
    assert.equal(presence.digest, DIGEST);
    assert.deepEqual(server.lines(), ['HEAD /v2/a/b/manifests/1', 'GET /v2/a/b/manifests/1']);
  });
}

test('a digest header that is not of the body is a problem', async (t) => {
  const lying = { ...GOOD, headers: { ...GOOD.headers, 'docker-content-digest': sha256('other') } };
  const server = await startFaultRegistry(t, () => lying);
  const read = await clientFor(t).getManifest(ref(`${server.host}/a/b:1`));
  assert.ok(!read.ok);
  assert.equal(read.error[0]?.code, 'registry/bad-digest');
});

test('bytes that are not those of the digest asked for are a problem, also for HEAD', async (t) => {
  const server = await startFaultRegistry(t, ({ method }) => (method === 'HEAD' ? bodiless(GOOD) : GOOD));
  const client = clientFor(t);
  const wanted = ref(`${server.host}/a/b@${sha256('what was asked for')}`);
  const read = await client.getManifest(wanted);
  assert.ok(!read.ok);
  assert.equal(read.error[0]?.code, 'registry/bad-digest');
  assert.equal(codeOf(await client.head(wanted)), 'registry/bad-digest');
});

test('a huge body is not read to its end, announced or not', async (t) => {
  const huge = new Uint8Array(20 * 1024 * 1024);
  const server = await startFaultRegistry(t, (request) => ({
    status: 200,
    headers: request.path.endsWith('/1')
      ? { 'content-length': String(huge.length) }
      : { 'transfer-encoding': 'chunked' },
    body: huge,
  }));
  const client = clientFor(t);
  for (const tag of ['1', '2']) {
    const read = await client.getManifest(ref(`${server.host}/a/b:${tag}`));
    assert.ok(!read.ok);
    assert.equal(read.error[0]?.code, 'registry/too-large');
  }
});

test('a body that is cut is tried again', async (t) => {
  const server = await startFaultRegistry(t, ({ nth }) => (nth < 3 ? { ...GOOD, cutAfter: 10 } : GOOD));
  const read = await clientFor(t).getManifest(ref(`${server.host}/a/b:1`));
  assert.ok(read.ok);
  assert.equal(read.value.digest, DIGEST);
  assert.equal(server.requests.length, 3);
});

test('what is temporary is tried four times, with growing waits, and reported', async (t) => {
  const server = await startFaultRegistry(t, () => ({ status: 503 }));
  const waits: number[] = [];
  const reported: string[] = [];
  const client = clientFor(t, {
    random: () => 1,
    sleep: async (ms) => void waits.push(ms),
    onRetry: (retry) => reported.push(`${retry.attempt} ${retry.why}`),
  });
  const presence = await client.head(ref(`${server.host}/a/b:1`));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.temporary, true);
  assert.match(presence.problem.message, /4 attempts/);
  assert.deepEqual(waits, [250, 500, 1000]);
  assert.deepEqual(reported, ['1 answered 503', '2 answered 503', '3 answered 503']);
  assert.equal(server.requests.length, 4);
});

test('Retry-After is waited for, and one that is too long is a failure at once', async (t) => {
  const server = await startFaultRegistry(t, ({ path, nth }) => {
    if (path.endsWith('/patient')) return specError(429, 'TOOMANYREQUESTS', { 'retry-after': '3600' });
    return nth === 1 ? specError(429, 'TOOMANYREQUESTS', { 'retry-after': '3' }) : bodiless(GOOD);
  });
  let now = 1_000_000;
  const waits: number[] = [];
  const client = clientFor(t, {
    now: () => now,
    sleep: async (ms) => {
      waits.push(ms);
      now += ms;
    },
  });
  assert.equal((await client.head(ref(`${server.host}/a/b:1`))).kind, 'present');
  assert.deepEqual(waits, [3000]);
  const presence = await client.head(ref(`${server.host}/a/b:patient`));
  assert.ok(presence.kind === 'unknown');
  assert.match(presence.problem.message, /it asks to wait 3600 s/);
  assert.deepEqual(waits, [3000]);
});

test('a registry that hangs does not hang us, and is not waited for by everybody in turn', {
  timeout: 20_000,
}, async (t) => {
  const server = await startFaultRegistry(t, () => 'hang');
  const client = clientFor(t, { timeouts: { headersMs: 300, requestMs: 2_000 } });
  const tags = Array.from({ length: 24 }, (_, at) => ref(`${server.host}/a/b:${at}`));
  const all = await Promise.all(tags.map((tag) => client.head(tag)));
  assert.deepEqual(new Set(all.map(codeOf)), new Set(['registry/timeout']));
  assert.ok(server.requests.length <= 16, `${server.requests.length} requests`);
});

test('a registry that drips is stopped by the limit for a whole request', { timeout: 20_000 }, async (t) => {
  const server = await startFaultRegistry(t, () => ({
    ...(bodiless(GOOD) as object),
    status: 200,
    delayMs: 5_000,
  }));
  const client = clientFor(t, { timeouts: { requestMs: 300 } });
  assert.equal(codeOf(await client.head(ref(`${server.host}/a/b:1`))), 'registry/timeout');
});

test('where nothing listens, many questions fail after one round of attempts', async (t) => {
  const client = clientFor(t);
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, at) => client.head(ref(`127.0.0.1:9/a/b:${at}`))),
  );
  for (const presence of all) assert.equal(codeOf(presence), 'registry/unreachable');
});

test('an abort ends everything under way', { timeout: 10_000 }, async (t) => {
  const server = await startFaultRegistry(t, () => 'hang');
  const stop = new AbortController();
  const client = clientFor(t, { signal: stop.signal });
  const asking = client.head(ref(`${server.host}/a/b:1`));
  setTimeout(() => stop.abort(), 50);
  assert.equal(codeOf(await asking), 'run/cancelled');
  assert.equal(codeOf(await client.head(ref(`${server.host}/a/b:2`))), 'run/cancelled');
});

/** A token server and registry in one: tokens are `token-N`, good for `uses` requests. */
async function startBearer(
  t: TestContext,
  options: {
    uses?: number;
    life?: number;
    oneRepository?: boolean;
    check?: (request: FaultRequest) => boolean;
  } = {},
) {
  let issued = 0;
  const uses = new Map<string, number>();
  const scopes = new Map<string, readonly string[]>();
  const server = await startFaultRegistry(t, (request) => {
    if (request.path === '/token') {
      if (options.check?.(request) === false) return specError(401, 'UNAUTHORIZED');
      issued += 1;
      const asked = request.query.getAll('scope');
      scopes.set(`token-${issued}`, options.oneRepository === true ? asked.slice(0, 1) : asked);
      return {
        status: 200,
        body: JSON.stringify({ token: `token-${issued}`, expires_in: options.life ?? 300 }),
      };
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const left = uses.get(token) ?? options.uses ?? Infinity;
    const repository = /^\/v2\/(.*)\/manifests\//.exec(request.path)?.[1] ?? '';
    const allowed = (scopes.get(token) ?? []).some((scope) => scope.startsWith(`repository:${repository}:`));
    if (left > 0 && allowed) {
      uses.set(token, left - 1);
      return bodiless(GOOD);
    }
    return specError(401, 'UNAUTHORIZED', {
      'www-authenticate': `Bearer realm="http://${server.host}/token",service="test",scope="repository:${repository}:pull"`,
    });
  });
  return { ...server, issued: () => issued };
}

test('a token is fetched once for a repository and used from the first request on', async (t) => {
  const server = await startBearer(t);
  const client = clientFor(t);
  const all = await Promise.all([1, 2, 3, 4].map((tag) => client.head(ref(`${server.host}/a/b:${tag}`))));
  assert.ok(all.every((presence) => presence.kind === 'present'));
  assert.equal(server.issued(), 1);
  assert.equal(server.requests.length, 6, 'one 401, one token, four answers');
  const asked = server.requests.find(({ path }) => path === '/token');
  assert.equal(asked?.query.get('service'), 'test');
  assert.deepEqual(asked?.query.getAll('scope'), ['repository:a/b:pull']);
  assert.equal(asked?.headers.authorization, undefined);
});

test('announced repositories share one token', async (t) => {
  const server = await startBearer(t);
  const client = clientFor(t);
  const refs = Array.from({ length: 12 }, (_, at) => ref(`${server.host}/team/app${at}:1`));
  client.expect(refs);
  const all = await Promise.all(refs.map((one) => client.head(one)));
  assert.ok(all.every((presence) => presence.kind === 'present'));
  assert.equal(server.issued(), 1);
  assert.equal(server.requests.length, 14);
});

test('a token server that serves one repository at a time gets asked for each', async (t) => {
  const server = await startBearer(t, { oneRepository: true });
  const client = clientFor(t);
  const refs = Array.from({ length: 3 }, (_, at) => ref(`${server.host}/team/app${at}:1`));
  client.expect(refs);
  for (const one of refs) assert.equal((await client.head(one)).kind, 'present');
});

test('a token that runs out in a long run is renewed, by its time or by a 401', async (t) => {
  const byTime = await startBearer(t, { life: 100 });
  let now = 0;
  const client = clientFor(t, { now: () => now });
  await client.head(ref(`${byTime.host}/a/b:1`));
  now = 95_000;
  assert.equal((await client.head(ref(`${byTime.host}/a/b:2`))).kind, 'present');
  assert.equal(byTime.issued(), 2);
  assert.equal(byTime.requests.length, 5, 'no second 401');
  const byRefusal = await startBearer(t, { uses: 2 });
  for (const tag of [1, 2, 3, 4]) {
    assert.equal((await client.head(ref(`${byRefusal.host}/a/b:${tag}`))).kind, 'present');
  }
  assert.equal(byRefusal.issued(), 2);
});

test('a name and password go to the token server, and only there', async (t) => {
  const header = `Basic ${basicAuth('u', 'p')}`;
  const server = await startBearer(t, { check: (request) => request.headers.authorization === header });
  const client = clientFor(t, { env: authConfig(server.host, { auth: basicAuth('u', 'p') }) });
  assert.equal((await client.head(ref(`${server.host}/a/b:1`))).kind, 'present');
  for (const request of server.requests) {
    if (request.path !== '/token') assert.notEqual(request.headers.authorization, header);
  }
  assert.equal(server.requests.find(({ path }) => path === '/token')?.query.get('account'), 'u');
});

test('an identity token is traded by POST', async (t) => {
  const server = await startBearer(t, {
    check: (request) => {
      const form = new URLSearchParams(request.body);
      request.query.append('scope', form.get('scope') ?? '');
      return (
        request.method === 'POST' &&
        form.get('grant_type') === 'refresh_token' &&
        form.get('refresh_token') === 'it' &&
        form.get('service') === 'test'
      );
    },
  });
  const client = clientFor(t, { env: authConfig(server.host, { identitytoken: 'it' }) });
  assert.equal((await client.head(ref(`${server.host}/a/b:1`))).kind, 'present');
});

test('wrong credentials are said without being shown', async (t) => {
  const server = await startBearer(t, { check: () => false });
  const client = clientFor(t, { env: authConfig(server.host, { auth: basicAuth('user-x', 'pass-x') }) });
  const presence = await client.head(ref(`${server.host}/a/b:1`));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/unauthorized');
  assert.match(presence.problem.hint ?? '', /wrong or have expired/);
  assert.doesNotMatch(JSON.stringify(presence.problem), /pass-x|dXNlci14/);
});

test('a 401 for good ends after a few requests', async (t) => {
  const server = await startFaultRegistry(t, (request) =>
    request.path === '/token'
      ? { status: 200, body: '{"token":"t"}' }
      : specError(401, 'UNAUTHORIZED', { 'www-authenticate': `Bearer realm="http://${server.host}/token"` }),
  );
  const presence = await clientFor(t).head(ref(`${server.host}/a/b:1`));
  assert.equal(codeOf(presence), 'registry/unauthorized');
  assert.ok(server.requests.length <= 4, server.lines().join(', '));
});

test('credentials never follow a redirect to another host, and its challenge is not obeyed', async (t) => {
  const thief = await startFaultRegistry(t, ({ path, nth }) => {
    if (path === '/blob' && nth === 1) return { status: 200, body: '{}' };
    const realm = `http://${thief.host}/give-me-your-password`;
    return specError(401, 'UNAUTHORIZED', { 'www-authenticate': `Bearer realm="${realm}"` });
  });
  const server = await startFaultRegistry(t, (request) => {
    if (request.headers.authorization === undefined)
      return specError(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="x"' });
    if (request.path === '/v2/') return { status: 200, body: '{}' };
    return { status: 307, headers: { location: `http://${thief.host}/blob?signature=secret-signature` } };
  });
  const client = clientFor(t, { env: authConfig(server.host, { auth: basicAuth('u', 'p') }) });
  const repository = ref(`${server.host}/a/b`);
  const blob = await client.getBlob(repository, sha256('{}'), 100);
  assert.ok(blob.ok);
  assert.equal(server.requests.at(-1)?.headers.authorization, `Basic ${basicAuth('u', 'p')}`);
  const refused = await client.getBlob(repository, sha256('{}'), 100);
  assert.ok(!refused.ok);
  assert.doesNotMatch(JSON.stringify(refused.error), /secret-signature/);
  assert.deepEqual(thief.lines(), ['GET /blob', 'GET /blob']);
  for (const request of thief.requests) assert.equal(request.headers.authorization, undefined);
});

test('a redirect that goes round in circles ends', async (t) => {
  const server = await startFaultRegistry(t, ({ target }) => ({
    status: 302,
    headers: { location: target },
  }));
  assert.equal(codeOf(await clientFor(t).head(ref(`${server.host}/a/b:1`))), 'registry/unsafe-redirect');
});

test('a body that comes with HEAD does not count as the next answer', async (t) => {
  const head = Object.entries(GOOD.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const absent = bytes.toString().includes('/manifests/absent ');
      const status = absent ? '404 Not Found' : '200 OK';
      socket.write(`HTTP/1.1 ${status}\r\n${head.join('')}\r\n`);
      // What HEAD must not have: at once, and a moment later, when the next question may be under way.
      socket.write(TEXT);
      setTimeout(() => socket.write(TEXT), 2);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const client = clientFor(t);
  for (let at = 0; at < 20; at += 1) {
    const [there, absent] = await Promise.all(
      [`t${at}`, 'absent'].map((tag) => {
        const wanted = ref(`127.0.0.1:${port}/a/b:${tag}`);
        client.forget(wanted);
        return client.head(wanted);
      }),
    );
    assert.notEqual(there?.kind, 'absent');
    assert.notEqual(absent?.kind, 'present');
  }
});

test('a PUT that the registry took for something else is a problem', async (t) => {
  const server = await startFaultRegistry(t, () => ({
    status: 201,
    headers: { 'docker-content-digest': sha256('other') },
  }));
  const put = await clientFor(t).putManifest(ref(`${server.host}/a/b:1`), {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    bytes: new TextEncoder().encode(TEXT),
  });
  assert.ok(!put.ok);
  assert.equal(put.error[0]?.code, 'registry/bad-digest');
});

test('a PUT is tried again after a 503, with the same bytes, and forgets what was known', async (t) => {
  const server = await startFaultRegistry(t, (request) => {
    if (request.method === 'HEAD')
      return { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } };
    return request.nth === 1
      ? { status: 503 }
      : { status: 201, headers: { 'docker-content-digest': sha256(request.body) } };
  });
  const client = clientFor(t);
  const wanted = ref(`${server.host}/a/b:1`);
  assert.equal((await client.head(wanted)).kind, 'absent');
  const put = await client.putManifest(wanted, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    bytes: new TextEncoder().encode(TEXT),
  });
  assert.deepEqual(put, { ok: true, value: { digest: DIGEST } });
  assert.equal((await client.head(wanted)).kind, 'present');
  assert.deepEqual(server.lines(), [
    'HEAD /v2/a/b/manifests/1',
    'PUT /v2/a/b/manifests/1',
    'PUT /v2/a/b/manifests/1',
  ]);
});

test('what the registry says of a manifest with missing blobs comes through', async (t) => {
  const server = await startFaultRegistry(t, () => specError(404, 'MANIFEST_BLOB_UNKNOWN'));
  const put = await clientFor(t).putManifest(ref(`${server.host}/a/b:1`), {
    mediaType: 'x',
    bytes: new Uint8Array(),
  });
  assert.ok(!put.ok);
  assert.equal(put.error[0]?.code, 'registry/blob-missing');
  assert.match(put.error[0]?.detail ?? '', /MANIFEST_BLOB_UNKNOWN: the message/);
});

test('no more requests than allowed are under way at a host', async (t) => {
  let underWay = 0;
  let most = 0;
  const server = await startFaultRegistry(t, () => {
    underWay += 1;
    most = Math.max(most, underWay);
    setTimeout(() => {
      underWay -= 1;
    }, 15);
    return { ...(bodiless(GOOD) as object), status: 200, delayMs: 20 };
  });
  const registries = new Map<string, RegistrySettings>([[server.host, { concurrency: 3 }]]);
  const client = clientFor(t, { registries });
  await Promise.all(Array.from({ length: 15 }, (_, at) => client.head(ref(`${server.host}/a/b:${at}`))));
  assert.equal(most, 3);
});

test('a mirror is asked first only where that was said, and the registry where it does not know', async (t) => {
  const mirror = await startFaultRegistry(t, ({ path }) =>
    path.endsWith('/1') ? bodiless(GOOD) : { status: 500 },
  );
  const origin = await startFaultRegistry(t, () => bodiless(GOOD));
  const client = clientFor(t, { registries: new Map([[origin.host, { mirrors: [mirror.host] }]]) });
  assert.equal((await client.head(ref(`${origin.host}/a/b:1`), { mirrors: true })).kind, 'present');
  assert.equal(origin.requests.length, 0);
  assert.equal(mirror.requests[0]?.query.get('ns'), origin.host);
  assert.equal((await client.head(ref(`${origin.host}/a/b:2`), { mirrors: true })).kind, 'present');
  assert.equal(origin.requests.length, 1);
  await client.head(ref(`${origin.host}/a/b:1`));
  assert.equal(origin.requests.length, 2, 'the truth about a tag of ours is at the registry itself');
});

test('plain http goes through the proxy of the environment, with its credentials', async (t) => {
  const proxy = await startFaultRegistry(t, () => bodiless(GOOD));
  const client = clientFor(t, {
    env: { HTTP_PROXY: `http://pu:pp@${proxy.host}` },
    registries: new Map([['registry.invalid', { http: true }]]),
  });
  assert.equal((await client.head(ref('registry.invalid/a/b:1'))).kind, 'present');
  assert.equal(proxy.requests[0]?.target, 'http://registry.invalid/v2/a/b/manifests/1');
  assert.equal(proxy.requests[0]?.headers['proxy-authorization'], `Basic ${basicAuth('pu', 'pp')}`);
});

test('an own authority and a client certificate are used; without them the problem says what to set', async (t) => {
  const certs = await makeCertificates(t);
  const server = await startFaultRegistry(t, () => bodiless(GOOD), {
    ...certs.server,
    ca: certs.ca,
    requestCert: true,
  });
  const wanted = ref(`${server.host}/a/b:1`);
  const ask = async (settings: RegistrySettings): Promise<string> =>
    codeOf(await clientFor(t, { registries: new Map([[server.host, settings]]) }).head(wanted));
  const { certFile: cert, keyFile: key } = certs.client;
  assert.equal(await ask({ ca: certs.caFile, cert, key }), 'present');
  assert.equal(await ask({ insecure: true, cert, key }), 'present');
  assert.equal(await ask({ http: false, cert, key }), 'registry/tls');
  assert.notEqual(await ask({ ca: certs.caFile }), 'present');
  assert.equal(await ask({ ca: `${certs.caFile}.missing` }), 'registry/bad-settings');
  assert.equal(await ask({ ca: certs.caFile, cert }), 'registry/bad-settings');
  const plain = await clientFor(t).head(wanted);
  assert.ok(plain.kind === 'unknown');
  const viaEnv = clientFor(t, {
    registries: new Map([[server.host, { http: false, cert, key }]]),
    env: { SSL_CERT_FILE: certs.caFile },
  });
  assert.equal(codeOf(await viaEnv.head(wanted)), 'present');
});

test('https asked of a plain http registry says which setting to change', async (t) => {
  const server = await startFaultRegistry(t, () => bodiless(GOOD));
  const client = clientFor(t, { registries: new Map([[server.host, { http: false }]]) });
  const presence = await client.head(ref(`${server.host}/a/b:1`));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/tls');
  assert.match(presence.problem.hint ?? '', /\{http: true\}/);
});

test('a redirect from https to plain http is refused, and a realm without https gets no credentials', async (t) => {
  const certs = await makeCertificates(t);
  const registries = (host: string) => new Map([[host, { ca: certs.caFile }]]);
  const down = await startFaultRegistry(
    t,
    () => ({ status: 302, headers: { location: 'http://elsewhere.invalid/x' } }),
    certs.server,
  );
  const first = clientFor(t, { registries: registries(down.host) });
  assert.equal(codeOf(await first.head(ref(`${down.host}/a/b:1`))), 'registry/unsafe-redirect');
  const asking = await startFaultRegistry(
    t,
    () =>
      specError(401, 'UNAUTHORIZED', { 'www-authenticate': 'Bearer realm="http://elsewhere.invalid/token"' }),
    certs.server,
  );
  const second = clientFor(t, {
    registries: registries(asking.host),
    env: authConfig(asking.host, { auth: basicAuth('u', 'p') }),
  });
  assert.equal(codeOf(await second.head(ref(`${asking.host}/a/b:1`))), 'registry/unsafe-realm');
});
