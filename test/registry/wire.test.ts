/** One request and its answer: redirects, limits, what is seen of it; and what is tried again, or remembered. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef, type RegistrySettings } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClientOptions, type RetrySeen } from '../../lib/registry/mod.ts';
import type { Method } from '../../lib/registry/wire.ts';
import {
  type FaultAnswer,
  type FaultRequest,
  manifestAnswer,
  manifestText,
  sha256,
  specError,
  startFaultRegistry,
} from '../rig/fault-registry.ts';
import { freePort } from '../rig/port.ts';
import { LIMITS, wireOf } from './wire-support.ts';

const TEXT = manifestText();
const DIGEST = sha256(TEXT);

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

const redirect = (status: number, location?: string): FaultAnswer => ({
  status,
  headers: location === undefined ? {} : { location },
});

test('an answer has its status, headers and body, and says where it came from; each request is seen', async (t) => {
  const server = await startFaultRegistry(t, ({ method }) => ({
    status: method === 'PUT' ? 201 : 200,
    headers: { 'x-one': 'a', 'content-type': 'text/plain' },
    body: method === 'HEAD' ? '' : 'body',
  }));
  const { seen, send } = wireOf(t);
  const got = await send(server.host, '/a/b?c=d', {
    headers: { accept: 'x' },
    authorization: 'Basic z',
    purpose: 'token',
  });
  assert.ok(got.ok);
  const { status, header, body, url, elsewhere, attempt } = got.value;
  assert.deepEqual(
    [status, header('x-one'), header('gone'), Buffer.from(body).toString(), url.href, elsewhere, attempt],
    [200, 'a', undefined, 'body', `http://${server.host}/a/b?c=d`, false, 3],
  );
  const [request] = server.requests;
  assert.equal(request?.target, '/a/b?c=d');
  assert.deepEqual(
    [request?.headers['user-agent'], request?.headers.accept, request?.headers.authorization],
    ['agent/1', 'x', 'Basic z'],
  );
  const put = await send(server.host, '/a', { method: 'PUT', body: new TextEncoder().encode('bytes') });
  assert.ok(put.ok);
  assert.equal(server.requests[1]?.body, 'bytes');
  const head = await send(server.host, '/a', { method: 'HEAD' });
  assert.ok(head.ok);
  assert.equal(head.value.body.length, 0);
  assert.deepEqual(seen, [
    { method: 'GET', host: server.host, path: '/a/b', status: 200, purpose: 'token' },
    { method: 'PUT', host: server.host, path: '/a', status: 201, purpose: 'registry' },
    { method: 'HEAD', host: server.host, path: '/a', status: 200, purpose: 'registry' },
  ]);
});

test('a request without an answer is seen without a status, once; one whose body breaks off was answered', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) =>
    path === '/cut' ? 'cut' : { status: 200, headers: { 'content-length': '9' }, body: 'body', cutAfter: 2 },
  );
  const { seen, send } = wireOf(t);
  for (const path of ['/cut', '/half']) {
    const failed = await send(server.host, path);
    assert.ok(!failed.ok);
    assert.equal(failed.error[0]?.code, 'registry/unreachable');
    assert.match(failed.error[0]?.message ?? '', /\(3 attempts\)$/);
  }
  const { host } = server;
  assert.deepEqual(seen, [
    { method: 'GET', host, path: '/cut', purpose: 'registry' },
    { method: 'GET', host, path: '/half', status: 200, purpose: 'registry' },
  ]);
});

test('a good body has the limit of its request, announced or not; of an error what fits is kept', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) => {
    const size = Number(path.slice(2));
    const announced: Readonly<Record<string, string>> =
      path[1] === 'a' ? { 'content-length': String(size) } : {};
    return { status: path[1] === 'e' ? 404 : 200, headers: announced, body: 'x'.repeat(size) };
  });
  const { send } = wireOf(t);
  for (const path of ['/a1000', '/n1000']) assert.ok((await send(server.host, path)).ok, path);
  for (const path of ['/a100000', '/a1001', '/n1001']) {
    const large = await send(server.host, path);
    assert.ok(!large.ok, path);
    assert.equal(large.error[0]?.code, 'registry/too-large');
    assert.match(large.error[0]?.message ?? '', /more than 1000 bytes/);
  }
  const error = await send(server.host, `/e${100_000}`);
  assert.ok(error.ok);
  assert.equal(error.value.body.length, 64 * 1024);
});

test('a streamed body comes as it is, without a limit; that of an error is read', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) => ({
    status: path === '/bad' ? 404 : 200,
    body: 'x'.repeat(2000),
  }));
  const { send } = wireOf(t);
  const good = await send(server.host, '/good', { stream: true });
  assert.ok(good.ok);
  let length = 0;
  for await (const piece of good.value.stream ?? []) length += piece.length;
  assert.deepEqual([length, good.value.body.length], [2000, 0]);
  const bad = await send(server.host, '/bad', { stream: true });
  assert.ok(bad.ok);
  assert.deepEqual([bad.value.stream, bad.value.body.length], [undefined, 2000]);
  // Several choices are no answer to anything.
  const choices = await startFaultRegistry(t, () => ({ status: 300, body: 'x'.repeat(2000) }));
  const several = await send(choices.host, '/', { stream: true });
  assert.ok(several.ok);
  assert.deepEqual([several.value.stream, several.value.body.length], [undefined, 2000]);
});

test('HEAD may announce more than anybody would read', async (t) => {
  const server = await startFaultRegistry(t, () => ({
    status: 200,
    headers: { 'content-length': String(5 * 1024 ** 3) },
  }));
  const { send } = wireOf(t);
  const head = await send(server.host, '/', { method: 'HEAD' });
  assert.ok(head.ok, JSON.stringify(head));
  assert.deepEqual([head.value.header('content-length'), head.value.body.length], ['5368709120', 0]);
});

test('a text is sent again where a redirect says so', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) =>
    path === '/from' ? redirect(307, '/to') : { status: 200 },
  );
  const got = await wireOf(t).send(server.host, '/from', {
    method: 'POST',
    body: 'grant_type=refresh_token',
  });
  assert.ok(got.ok, JSON.stringify(got));
  assert.deepEqual(
    server.requests.map(({ method, path, body }) => `${method} ${path} ${body}`),
    ['POST /from grant_type=refresh_token', 'POST /to grant_type=refresh_token'],
  );
});

test('a request that is over leaves no timer behind, which would keep the program from ending', async (t) => {
  const requestMs = 61_234;
  const running = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  t.after(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  Object.assign(globalThis, {
    setTimeout: (...args: Parameters<typeof set>) => {
      const timer = set(...args);
      if (args[1] === requestMs) running.add(timer);
      return timer;
    },
    clearTimeout: (timer: Parameters<typeof clear>[0]) => {
      running.delete(timer);
      clear(timer);
    },
  });
  const server = await startFaultRegistry(t, ({ path }) => (path === '/cut' ? 'cut' : { status: 200 }));
  const { send } = wireOf(t, { timeouts: { ...LIMITS, requestMs } });
  for (const path of ['/', '/cut']) {
    const sending = send(server.host, path);
    assert.equal(running.size, 1);
    await sending;
    assert.equal(running.size, 0);
  }
});

/** Method, status of the redirect, whether it is followed. */
const REDIRECTS: readonly (readonly [Method, number, boolean])[] = [
  ...[301, 302, 303, 307, 308].flatMap((status) => [
    ['GET', status, true] as const,
    ['HEAD', status, true] as const,
  ]),
  ...[301, 302, 303].map((status) => ['PUT', status, false] as const),
  ...[307, 308].flatMap((status) => [['PUT', status, true] as const, ['DELETE', status, true] as const]),
];

for (const [method, status, isFollowed] of REDIRECTS) {
  test(`a ${status} to ${method} is ${isFollowed ? 'followed' : 'refused'}`, async (t) => {
    const server = await startFaultRegistry(t, ({ path }) =>
      path === '/from' ? redirect(status, '/to?x=1#f') : { status: 200 },
    );
    const body = method === 'PUT' ? { body: new TextEncoder().encode('bytes') } : {};
    const got = await wireOf(t).send(server.host, '/from', { method, authorization: 'Basic z', ...body });
    if (!isFollowed) {
      assert.ok(!got.ok);
      assert.equal(got.error[0]?.code, 'registry/unsafe-redirect');
      assert.match(
        got.error[0]?.message ?? '',
        new RegExp(`answered ${method} .*/from with a ${status} redirect that a ${method} cannot follow$`),
      );
      assert.match(got.error[0]?.hint ?? '', /\{http: true\}/);
      assert.equal(server.requests.length, 1);
      return;
    }
    assert.ok(got.ok);
    assert.equal(got.value.url.pathname, '/to');
    assert.equal(got.value.elsewhere, false);
    assert.equal(server.requests[1]?.target, '/to?x=1');
    assert.equal(server.requests[1]?.headers.authorization, 'Basic z');
    assert.equal(server.requests[1]?.body, method === 'PUT' ? 'bytes' : '');
  });
}

test('credentials stay at the host they were meant for, also where the way leads back', async (t) => {
  let home = '';
  const other = await startFaultRegistry(t, () => redirect(307, `http://user:pass@${home}/back`));
  const server = await startFaultRegistry(t, ({ path }) =>
    path === '/from' ? redirect(307, `http://${other.host}/on`) : { status: 200 },
  );
  home = server.host;
  const got = await wireOf(t).send(home, '/from', { authorization: 'Basic z' });
  assert.ok(got.ok);
  assert.equal(got.value.elsewhere, false);
  assert.equal(got.value.url.href, `http://${home}/back`);
  assert.deepEqual(
    [...other.requests, ...server.requests.slice(1)].map(({ headers }) => headers.authorization),
    [undefined, undefined],
  );
  const elsewhere = await startFaultRegistry(t, ({ path }) =>
    path === '/from' ? redirect(302, `http://${home}/x`) : { status: 200 },
  );
  const there = await wireOf(t).send(elsewhere.host, '/from');
  assert.ok(there.ok && there.value.elsewhere);
});

test('a redirect that leads nowhere, round in circles, or away from http is refused in words', async (t) => {
  const cases: readonly (readonly [FaultAnswer, RegExp])[] = [
    [redirect(302, 'http://'), /with a redirect without a usable address$/],
    [redirect(302, 'ftp://h/x'), /with a redirect to ftp:$/],
    [redirect(302, '/again'), /with more than 5 redirects$/],
  ];
  for (const [answer, words] of cases) {
    const server = await startFaultRegistry(t, () => answer);
    const got = await wireOf(t).send(server.host, '/from');
    assert.ok(!got.ok);
    assert.match(got.error[0]?.message ?? '', words);
    assert.ok(server.requests.length <= 6);
  }
  const server = await startFaultRegistry(t, ({ path }) =>
    path === '/5' ? { status: 200 } : redirect(302, `/${Number(path.slice(1)) + 1}`),
  );
  assert.ok((await wireOf(t).send(server.host, '/0')).ok, 'five are followed');
  const none = await startFaultRegistry(t, () => redirect(302));
  const plain = await wireOf(t).send(none.host, '/');
  assert.ok(plain.ok && plain.value.status === 302, 'without Location it is an answer');
  const stream = await startFaultRegistry(t, () => redirect(307, '/to'));
  const body = (async function* () {
    yield new TextEncoder().encode('x');
  })();
  const upload = await wireOf(t).send(stream.host, '/from', { method: 'PUT', body });
  assert.ok(!upload.ok, 'a body that was read cannot be sent again');
});

test('time limits hold for headers and the whole', async (t) => {
  const server = await startFaultRegistry(t, () => 'hang');
  for (const timeouts of [
    { ...LIMITS, headersMs: 100 },
    { ...LIMITS, requestMs: 100 },
  ]) {
    const got = await wireOf(t, { timeouts }).send(server.host, '/');
    assert.ok(!got.ok);
    assert.equal(got.error[0]?.code, 'registry/timeout');
  }
});

test('the end of an upload has a time limit of its own, and nothing else has it', async (t) => {
  const slow = await startFaultRegistry(t, () => ({ status: 201, delayMs: 1500 }));
  const { send } = wireOf(t, {
    timeouts: { ...LIMITS, headersMs: 100, requestMs: 10_000, uploadMs: 10_000 },
  });
  const body = new TextEncoder().encode('x');
  const [upload, plain] = await Promise.all([
    send(slow.host, '/', { method: 'PUT', body, upload: true }),
    send(slow.host, '/', { method: 'PUT', body }),
  ]);
  assert.ok(upload.ok);
  assert.ok(!plain.ok);
});

test('what is aborted says so, before it begins and under way, and leaves no listener', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) => (path === '/hang' ? 'hang' : { status: 200 }));
  const abort = new AbortController();
  const { send } = wireOf(t, { signal: abort.signal });
  assert.ok((await send(server.host, '/')).ok);
  const hanging = send(server.host, '/hang');
  setTimeout(() => abort.abort(), 50);
  for (const got of [await hanging, await send(server.host, '/')]) {
    assert.ok(!got.ok);
    assert.equal(got.error[0]?.code, 'run/cancelled');
  }
  assert.equal(server.requests.length, 2);
});

test('a proxy that is no address is named by the variable to correct', async (t) => {
  for (const proxy of ['http://u%er:p@proxy', 'foo bar', 'socks5://user:p-word@proxy:1080']) {
    const { send } = wireOf(t, { env: { http_proxy: proxy } });
    const got = await send('r.example', '/');
    assert.ok(!got.ok);
    assert.equal(got.error[0]?.code, 'registry/bad-settings');
    assert.match(got.error[0]?.message ?? '', /^http_proxy is not the URL of a proxy .* r\.example/);
    assert.doesNotMatch(JSON.stringify(got.error), /p-word/);
  }
});

test('a proxy that does not answer is what is blamed, without its user', async (t) => {
  const free = await freePort();
  const cases = [
    [{ HTTP_PROXY: `http://me:p-word@127.0.0.1:${free}` }, `http://127.0.0.1:${free} of HTTP_PROXY`],
    [{ http_proxy: `127.0.0.1:${free}` }, `http://127.0.0.1:${free} of http_proxy`],
    [{ HTTP_PROXY: 'foo.invalid' }, 'http://foo.invalid of HTTP_PROXY'],
  ] as const;
  for (const [env, named] of cases) {
    const got = await wireOf(t, { env }).send('r.example', '/');
    assert.ok(!got.ok);
    const [found] = got.error;
    assert.equal(found?.code, 'registry/unreachable');
    assert.ok(found.message.endsWith(`: the proxy ${named} does not answer`), found.message);
    assert.match(found.hint ?? '', /the proxy runs, or name r\.example in NO_PROXY/);
    assert.doesNotMatch(JSON.stringify(got.error), /p-word|registry runs/);
  }
});

test('authorities of this machine count at a proxy that speaks TLS, and not at another one', async (t) => {
  const proxy = await startFaultRegistry(t, ({ target }) => ({ status: 200, body: target }));
  const lost = { SSL_CERT_FILE: '/gone/authorities' };
  const plain = await wireOf(t, { env: { ...lost, HTTP_PROXY: proxy.host } }).send('r.example', '/x');
  assert.ok(plain.ok, JSON.stringify(plain));
  assert.equal(Buffer.from(plain.value.body).toString(), 'http://r.example/x');
  const { send } = wireOf(t, { env: { ...lost, HTTP_PROXY: `https://${proxy.host}` } });
  const secure = await send('r.example', '/x');
  assert.ok(!secure.ok);
  assert.equal(secure.error[0]?.code, 'registry/bad-settings');
  assert.equal(
    secure.error[0]?.message,
    `The file /gone/authorities (SSL_CERT_FILE for ${proxy.host}) cannot be read: ENOENT`,
  );
});

function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}) {
  const retried: RetrySeen[] = [];
  const slept: number[] = [];
  const client = createRegistryClient({
    env: {},
    random: () => 1,
    sleep: async (ms) => void slept.push(ms),
    onRetry: (seen) => retried.push(seen),
    ...options,
  });
  t.after(() => client.close());
  return { client, retried, slept };
}

test('what is tried again is said, with the reason and the wait; a timeout once only', async (t) => {
  const server = await startFaultRegistry(t, ({ nth }) =>
    nth === 1 ? 'cut' : nth === 2 ? { status: 503, body: 'x' } : { status: 200 },
  );
  const { client, retried, slept } = clientFor(t);
  assert.ok((await client.ping(server.host)).ok);
  assert.deepEqual(
    retried.map(({ host, attempt, delayMs }) => [host, attempt, delayMs]),
    [
      [server.host, 1, 250],
      [server.host, 2, 500],
    ],
  );
  assert.match(retried[0]?.why ?? '', /cannot be reached/);
  assert.equal(retried[1]?.why, 'answered 503');
  assert.deepEqual(slept, [250, 500]);
  const hanging = await startFaultRegistry(t, () => 'hang');
  const other = clientFor(t, { timeouts: { headersMs: 100 } });
  assert.ok(!(await other.client.ping(hanging.host)).ok);
  assert.equal(hanging.requests.length, 2);
});

test('a 429 makes everybody at that host wait, and nobody at others', async (t) => {
  let now = 0;
  const server = await startFaultRegistry(t, ({ path, nth }) =>
    path.endsWith('/busy') && nth === 1
      ? specError(429, 'TOOMANYREQUESTS', { 'retry-after': '7' })
      : manifestAnswer(),
  );
  const slept: number[] = [];
  const { client } = clientFor(t, {
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms);
      if (slept.length === 1) {
        // Meanwhile somebody else asks.
        await client.head(ref(`${server.host}/a:calm`));
        now += 7000;
      }
    },
  });
  // The first request to a registry goes ahead of all others.
  await client.ping(server.host);
  const present = await client.getManifest(ref(`${server.host}/a:busy`));
  assert.ok(present.ok);
  assert.deepEqual(slept, [7000, 7000]);
  await client.head(ref(`${server.host}/a:later`));
  assert.deepEqual(slept, [7000, 7000], 'over when its time is');
});

test('a host that cannot be reached rests for a while, and is asked again then', async (t) => {
  let now = 0;
  let isDown = true;
  const server = await startFaultRegistry(t, () => (isDown ? 'cut' : { status: 200 }));
  const { client } = clientFor(t, { now: () => now, retries: { attempts: 1, restMs: 5000 } });
  assert.ok(!(await client.ping(server.host)).ok);
  isDown = false;
  now = 4999;
  assert.ok(!(await client.ping(server.host)).ok);
  assert.equal(server.requests.length, 1);
  now = 5000;
  assert.ok((await client.ping(server.host)).ok);
});

test('nobody waits for another attempt at a host that rests', async (t) => {
  const slept: number[] = [];
  const server = await startFaultRegistry(t, () => 'cut');
  const { client } = clientFor(t, {
    now: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  });
  for (let turn = 0; turn < 3; turn += 1)
    assert.ok(!(await client.getManifest(ref(`${server.host}/a:${turn}`))).ok);
  assert.equal(server.requests.length, 4);
  assert.equal(slept.length, 3);
});

test('an upload that goes on at another host gets no credentials there, and the settings of that host', async (t) => {
  const other = await startFaultRegistry(t, () => ({ status: 201 }));
  const server = await startFaultRegistry(t, ({ method, headers }: FaultRequest) => {
    if (headers.authorization === undefined)
      return specError(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="x"' });
    if (method === 'POST') return { status: 202, headers: { location: `http://${other.host}/upload?x=1` } };
    return method === 'HEAD' ? { status: 404 } : { status: 200 };
  });
  const auths = { [server.host]: { auth: Buffer.from('u:p').toString('base64') } };
  const { client } = clientFor(t, { env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
  assert.ok((await client.putBlob(ref(`${server.host}/a`), new TextEncoder().encode('x'))).ok);
  const [put] = other.requests;
  assert.equal(put?.target, `/upload?x=1&digest=${encodeURIComponent(sha256('x'))}`);
  assert.equal(put?.headers.authorization, undefined);
  assert.equal(server.requests.at(-1)?.headers.authorization, 'Basic dTpw');
});

test('what is asked at once is asked once; a manifest by digest is remembered, by tag it is read again', async (t) => {
  const server = await startFaultRegistry(t, () => manifestAnswer());
  const { client } = clientFor(t);
  const byTag = ref(`${server.host}/a:1`);
  const both = await Promise.all([client.getManifest(byTag), client.getManifest(byTag)]);
  assert.ok(both[0].ok && both[1].ok);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0]?.headers.accept?.split(', ').length, 4);
  assert.ok((await client.getManifest(byTag)).ok);
  assert.equal(server.requests.length, 2);
  for (let time = 0; time < 2; time++)
    assert.ok((await client.getManifest(ref(`${server.host}/b@${DIGEST}`))).ok);
  assert.equal(server.requests.length, 2);
});

test('forgetting a repository forgets all of it, a tag only that, and no other whose name begins alike', async (t) => {
  const server = await startFaultRegistry(t, () => manifestAnswer());
  const { client } = clientFor(t);
  const names = ['a:1', 'a:2', `a@${DIGEST}`, `a:1@${DIGEST}`, 'a/b:1', 'ab:1'];
  const askAll = async (): Promise<readonly string[]> => {
    const before = server.requests.length;
    for (const name of names) await client.head(ref(`${server.host}/${name}`));
    return server.requests
      .slice(before)
      .map(({ path }) => path.replace('/v2/', '').replace('/manifests/', ' '));
  };
  assert.equal((await askAll()).length, 6);
  assert.deepEqual(await askAll(), []);
  client.forget(ref(`${server.host}/a:1`));
  assert.deepEqual(await askAll(), ['a 1']);
  client.forget(ref(`${server.host}/a@${DIGEST}`));
  assert.deepEqual(await askAll(), [`a ${DIGEST}`]);
  client.forget(ref(`${server.host}/a`));
  assert.deepEqual(await askAll(), ['a 1', 'a 2', `a ${DIGEST}`, `a ${DIGEST}`]);
});

test('a blob is read from a mirror first, where that is allowed, and the last that failed is told', async (t) => {
  const mirror = await startFaultRegistry(t, ({ path }) =>
    path.endsWith(sha256('both')) ? { status: 200, body: 'both' } : specError(404, 'BLOB_UNKNOWN'),
  );
  const server = await startFaultRegistry(t, ({ path }) =>
    path.endsWith(sha256('own')) ? { status: 200, body: 'own' } : { status: 200, body: 'wrong' },
  );
  const registries = new Map<string, RegistrySettings>([[server.host, { mirrors: [mirror.host] }]]);
  const { client } = clientFor(t, { registries });
  const at = ref(`${server.host}/a`);
  const read = (content: string, mirrors: boolean) => client.getBlob(at, sha256(content), 100, { mirrors });
  const both = await read('both', true);
  assert.ok(both.ok && Buffer.from(both.value).toString() === 'both');
  assert.equal(
    mirror.requests[0]?.target,
    `/v2/a/blobs/${sha256('both')}?ns=${encodeURIComponent(server.host)}`,
  );
  assert.equal(server.requests.length, 0);
  const own = await read('own', true);
  assert.ok(own.ok);
  assert.equal(server.requests[0]?.target, `/v2/a/blobs/${sha256('own')}`);
  const before = mirror.requests.length;
  assert.ok((await read('own', false)).ok);
  assert.equal(mirror.requests.length, before);
  const wrong = await read('neither', true);
  assert.ok(!wrong.ok);
  assert.equal(wrong.error.length, 1);
  assert.equal(wrong.error[0]?.code, 'registry/bad-digest');
});

test('an answer that is no manifest is named by its type', async (t) => {
  for (const [answer, words] of [
    [
      { status: 200, headers: { 'content-type': 'text/html; charset=x' }, body: '<html>' },
      /something that is not an image manifest \(text\/html\)$/,
    ],
    [{ status: 200, body: '{}' }, /something that is not an image manifest \(no content type\)$/],
    [specError(404, 'BLOB_UNKNOWN'), /a 404 and BLOB_UNKNOWN$/],
    [{ status: 404, body: 'x' }, /a 404 that did not come from a registry$/],
  ] as const) {
    const server = await startFaultRegistry(t, () => answer);
    const got = await clientFor(t).client.getManifest(ref(`${server.host}/a:1`));
    assert.ok(!got.ok);
    assert.equal(got.error[0]?.code, 'registry/unexpected-answer');
    assert.match(got.error[0]?.message ?? '', words);
  }
});

test('a put that names no digest is checked by asking, and one of another digest is refused unsent', async (t) => {
  const manifest = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    bytes: new TextEncoder().encode(TEXT),
  };
  const put = async (head: FaultAnswer, name = 'a:1') => {
    const server = await startFaultRegistry(t, ({ method }) => (method === 'PUT' ? { status: 201 } : head));
    const result = await clientFor(t).client.putManifest(ref(`${server.host}/${name}`), manifest);
    return { result, lines: server.lines() };
  };
  const { body: _, ...good } = manifestAnswer();
  const checked = await put(good);
  assert.deepEqual(checked.result, { ok: true, value: { digest: DIGEST } });
  assert.deepEqual(checked.lines, ['PUT /v2/a/manifests/1', 'HEAD /v2/a/manifests/1']);
  const absent = await put({ status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } });
  assert.ok(!absent.result.ok);
  assert.match(absent.result.error[0]?.message ?? '', /got nothing$/);
  const unknown = await put({ status: 403 });
  assert.ok(!unknown.result.ok);
  assert.equal(unknown.result.error[0]?.code, 'registry/denied');
  const other = await put(good, `a@${sha256('other')}`);
  assert.ok(!other.result.ok);
  assert.equal(other.result.error[0]?.code, 'registry/bad-digest');
  assert.deepEqual(other.lines, []);
  assert.ok((await put(good, `a@${DIGEST}`)).result.ok);
});
