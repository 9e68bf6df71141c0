/** The connections below requests: who shares one, by which settings it is made, what ends it, and what it may take. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { RegistrySettings } from '../../lib/model/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { startFaultRegistry } from '../rig/fault-registry.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { startRelay } from '../rig/relays.ts';
import { LIMITS, type TestWire, wireOf } from './wire-support.ts';

const codeOf = (result: Awaited<ReturnType<TestWire['send']>>) =>
  result.ok ? result.value.status : result.error[0]?.code;

test('a body that is announced as too large is not waited for', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) => ({
    status: path === '/bad' ? 404 : 200,
    headers: { 'content-length': path === '/fits' ? '1000' : '100000' },
    body: 'x',
    cutAfter: 1,
  }));
  const { send } = wireOf(t);
  for (const [path, code] of [
    ['/good', 'registry/too-large'],
    ['/fits', 'registry/unreachable'],
    ['/bad', 'registry/unreachable'],
  ] as const) {
    const got = await send(server.host, path);
    assert.ok(!got.ok, path);
    assert.equal(got.error[0]?.code, code, path);
  }
});

test('what is announced as too large is not received either: its connection ends', async (t) => {
  let ended = (): void => undefined;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const server = createServer((incoming, outgoing) => {
    incoming.socket.once('close', () => ended());
    outgoing.writeHead(200, { 'content-length': '100000000' }).write('x');
  });
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  assert.equal(codeOf(await wireOf(t).send(host, '/')), 'registry/too-large');
  await end;
});

test('requests of one host and settings share a connection, HEAD among them', async (t) => {
  const server = await startFaultRegistry(t, () => ({ status: 200 }));
  const relay = await startRelay(t, server.host);
  const { send } = wireOf(t);
  for (const method of ['HEAD', 'GET', 'HEAD', 'GET'] as const) {
    assert.equal(codeOf(await send(relay.host, '/', { method })), 200);
    // A connection is free in the next turn only.
    await turn();
  }
  assert.equal(relay.connections(), 1);
  assert.equal(codeOf(await send(relay.host, '/', { settings: { insecure: true } })), 200);
  assert.equal(relay.connections(), 2);
});

test('closing ends what is under way', async (t) => {
  let arrived = (): void => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await startFaultRegistry(t, () => {
    arrived();
    return 'hang';
  });
  const { wire, send } = wireOf(t, { timeouts: { ...LIMITS, headersMs: 60_000, requestMs: 60_000 } });
  const hanging = send(server.host, '/');
  await arrival;
  await wire.close();
  assert.equal(codeOf(await hanging), 'registry/closed');
  assert.equal(codeOf(await send(server.host, '/')), 'registry/closed');
  assert.equal(server.requests.length, 1);
});

test('TLS is made by the settings of each host, also after a redirect', async (t) => {
  const certs = await makeCertificates(t);
  const ca = { ca: certs.caFile };
  const plain = await startFaultRegistry(t, () => ({ status: 200 }));
  const secure = await startFaultRegistry(
    t,
    ({ path }) =>
      path === '/on' || path === '/down'
        ? { status: 302, headers: { location: path === '/on' ? '/x' : `http://${plain.host}/x` } }
        : { status: 200 },
    certs.server,
  );
  const start = await startFaultRegistry(t, () => ({
    status: 302,
    headers: { location: `https://${secure.host}/x#fragment` },
  }));
  const at = (path: string, settings: RegistrySettings) => ({
    url: new URL(`https://${secure.host}${path}`),
    settings,
  });
  const { send } = wireOf(t);
  // One after the other, so that what one made could be taken for the other's.
  assert.equal(codeOf(await send(secure.host, '/', at('/', ca))), 200);
  assert.equal(codeOf(await send(secure.host, '/', at('/', {}))), 'registry/tls');
  assert.equal(codeOf(await send(secure.host, '/', at('/', { insecure: true }))), 200);
  assert.equal(codeOf(await send(secure.host, '/', at('/on', ca))), 200);
  assert.equal(codeOf(await send(secure.host, '/', at('/', { ca: '/gone' }))), 'registry/bad-settings');
  assert.equal(codeOf(await send(plain.host, '/', { settings: { ca: '/gone' } })), 200);
  assert.equal(codeOf(await send(start.host, '/')), 'registry/tls', 'the settings of another host');
  assert.equal(codeOf(await send(start.host, '/', { settings: ca })), 'registry/tls', 'of the first host');
  const known = wireOf(t, { registries: new Map([[secure.host, ca]]) });
  const followed = await known.send(start.host, '/');
  assert.equal(codeOf(followed), 200);
  assert.equal(followed.ok && followed.value.url.href, `https://${secure.host}/x`);
  const down = await known.send(secure.host, '/', at('/down', ca));
  assert.equal(codeOf(down), 'registry/unsafe-redirect');
  assert.match(
    down.ok ? '' : (down.error[0]?.message ?? ''),
    new RegExp(`with a redirect from https to plain http \\(http://${plain.host}/x\\)$`),
  );
  const lenient = wireOf(t, { registries: new Map([[plain.host, { http: true }]]) });
  assert.equal(codeOf(await lenient.send(secure.host, '/', at('/down', ca))), 200);
});

test('the limit for a whole request does not count where a body is streamed, in either direction', async (t) => {
  const server = await startFaultRegistry(t, () => ({ status: 200, delayMs: 300 }));
  const { send } = wireOf(t, { timeouts: { ...LIMITS, requestMs: 100 } });
  const put = { method: 'PUT' } as const;
  const stream = (async function* () {
    yield new TextEncoder().encode('x');
  })();
  const all = [
    {},
    { ...put, body: 'x' },
    { ...put, body: new TextEncoder().encode('x') },
    { ...put, body: stream },
    { stream: true },
  ];
  const codes = await Promise.all(all.map(async (request) => codeOf(await send(server.host, '/', request))));
  const late = 'registry/timeout';
  assert.deepEqual(codes, [late, late, late, 200, 200]);
});

test('a body that stops coming ends by the limit between pieces', async (t) => {
  const server = createServer((_, outgoing) => outgoing.writeHead(200).write('x'));
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  const limits = { ...LIMITS, idleMs: 100, headersMs: 60_000, requestMs: 60_000 };
  const { send, seen } = wireOf(t, { timeouts: limits });
  assert.equal(codeOf(await send(host, '/')), 'registry/timeout');
  assert.deepEqual(
    seen.map(({ status }) => status),
    [200],
  );
});

test('of a header that comes several times all values count', async (t) => {
  const server = createServer((_, outgoing) => {
    outgoing.setHeader('www-authenticate', ['Basic realm="x"', 'Bearer realm="y"']);
    outgoing.writeHead(401).end();
  });
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  const got = await wireOf(t).send(host, '/');
  assert.ok(got.ok);
  assert.equal(got.value.header('www-authenticate'), 'Basic realm="x", Bearer realm="y"');
});

test('a request leaves no listener at the signal of the run, however it went', async (t) => {
  const server = await startFaultRegistry(t, ({ path }) => (path === '/cut' ? 'cut' : { status: 200 }));
  const { signal } = new AbortController();
  let listeners: readonly (readonly [string, unknown])[] = [];
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners = [...listeners, [args[0], args[1]]];
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners = listeners.filter(([type, listener]) => type !== args[0] || listener !== args[1]);
    remove(...args);
  };
  const { send } = wireOf(t, { signal });
  for (const path of ['/', '/cut']) {
    const sending = send(server.host, path);
    assert.equal(listeners.length, 1);
    await sending;
    assert.equal(listeners.length, 0);
  }
});
