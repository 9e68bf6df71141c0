/** Registries behind an https proxy: TLS goes through CONNECT, and nothing of it is for the proxy to see. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import { createRegistryClient, openLayout, type RegistryClientOptions } from '../../lib/registry/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { manifestAnswer, specError, startFaultRegistry } from '../rig/fault-registry.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { dockerConfigFor, registryKinds, startRegistry } from '../rig/registry.ts';
import { startForwardProxy } from '../rig/relays.ts';
import { makeTempDir } from '../rig/temp.ts';

const GOOD = manifestAnswer();
const SECRET = 'secret-word';

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext, options: Partial<RegistryClientOptions>) {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, ...options });
  t.after(() => client.close());
  return client;
}

/** A registry that asks for a password, and a token server, known as two names by the proxy alone. */
async function setUp(t: TestContext, userinfo?: string) {
  const certs = await makeCertificates(t, ['registry.test', 'token.test', 'free.test']);
  const tokens = await startFaultRegistry(
    t,
    (request) =>
      request.headers.authorization === undefined
        ? specError(401, 'UNAUTHORIZED')
        : { status: 200, body: '{"token":"the-token"}' },
    certs.server,
  );
  const registry = await startFaultRegistry(
    t,
    (request) => {
      if (request.headers.authorization === 'Bearer the-token') {
        const { body, ...head } = GOOD;
        return request.method === 'HEAD' ? head : { ...head, ...(body === undefined ? {} : { body }) };
      }
      const challenge = 'Bearer realm="https://token.test/token",service="registry.test"';
      return specError(401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
    },
    certs.server,
  );
  const proxy = await startForwardProxy(t, {
    routes: {
      'registry.test:443': registry.host,
      'registry.test:8443': registry.host,
      'token.test:443': tokens.host,
    },
    ...(userinfo === undefined ? {} : { userinfo }),
  });
  const env = { DOCKER_AUTH_CONFIG: dockerConfigFor('registry.test', 'registry.test:8443') };
  const registries = new Map(
    ['registry.test', 'registry.test:8443', 'token.test'].map((host) => [host, { ca: certs.caFile }]),
  );
  return { certs, registry, tokens, proxy, env, registries };
}

test('registry and token server are asked through the proxy, which sees names and ports alone', async (t) => {
  const { proxy, registry, tokens, env, registries } = await setUp(t);
  const client = clientFor(t, { env: { ...env, HTTPS_PROXY: proxy.url }, registries });
  const tags = Array.from({ length: 20 }, (_, at) => ref(`registry.test/team/app:${at}`));
  for (const presence of await Promise.all(tags.map((tag) => client.head(tag)))) {
    assert.equal(presence.kind, 'present', JSON.stringify(presence));
  }
  assert.equal(registry.requests.length, 21, 'the challenge, and one for each tag');
  assert.equal(tokens.requests.length, 1);
  assert.deepEqual(
    new Set(proxy.requests.map(({ line }) => line)),
    new Set(['CONNECT registry.test:443', 'CONNECT token.test:443']),
  );
  assert.ok(proxy.requests.length <= 9, `${proxy.requests.length} tunnels`);
  for (const { headers } of proxy.requests) {
    assert.equal(headers.authorization, undefined);
    assert.equal(headers['proxy-authorization'], undefined);
  }
  const basic = Buffer.from(`tester:${SECRET}`).toString('base64');
  for (const secret of [SECRET, basic, 'the-token', 'team/app']) {
    assert.ok(!proxy.tunnelled().includes(secret), 'what goes through the tunnel is sealed');
  }
  assert.equal(tokens.requests[0]?.headers.authorization, `Basic ${basic}`);
});

test('a proxy with a name and password gets them, and the registry does not', async (t) => {
  for (const [userinfo, written] of [
    ['pu:p@ss', 'pu:p%40ss'],
    ['only-a-name:', 'only-a-name'],
  ] as const) {
    const { proxy, registry, tokens, env, registries } = await setUp(t, userinfo);
    const url = proxy.url.replace('://', `://${written}@`);
    const client = clientFor(t, { env: { ...env, https_proxy: url }, registries });
    const presence = await client.head(ref('registry.test/team/app:1'));
    assert.equal(presence.kind, 'present', JSON.stringify(presence));
    for (const { headers } of [...registry.requests, ...tokens.requests]) {
      assert.equal(headers['proxy-authorization'], undefined);
    }
  }
});

test('a proxy that does not let us in is named, without its password', async (t) => {
  const { proxy, registry, env, registries } = await setUp(t, 'right:right');
  const url = proxy.url.replace('://', '://pu:wrong-word@');
  const client = clientFor(t, { env: { ...env, HTTPS_PROXY: url }, registries });
  const presence = await client.head(ref('registry.test/team/app:1'));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/unreachable');
  assert.match(presence.problem.hint ?? '', /HTTPS_PROXY/);
  assert.doesNotMatch(JSON.stringify(presence.problem), /wrong-word/);
  assert.equal(registry.requests.length, 0);
});

test('a certificate that is not of the name asked for is refused behind a proxy too', async (t) => {
  const { certs, proxy, env } = await setUp(t);
  const stranger = await startFaultRegistry(t, () => GOOD, certs.server);
  const [hostname, port] = stranger.host.split(':');
  const astray = await startForwardProxy(t, { routes: { 'other.test:443': `${hostname}:${port}` } });
  const registries = new Map([['other.test', { ca: certs.caFile }]]);
  const client = clientFor(t, { env: { ...env, HTTPS_PROXY: astray.url }, registries });
  const presence = await client.head(ref('other.test/a/b:1'));
  assert.ok(presence.kind === 'unknown');
  assert.equal(presence.problem.code, 'registry/tls');
  const untrusting = clientFor(t, { env: { ...env, HTTPS_PROXY: proxy.url } });
  const unknown = await untrusting.head(ref('registry.test/a/b:1'));
  assert.ok(unknown.kind === 'unknown');
  assert.equal(unknown.problem.code, 'registry/tls');
});

test('a proxy that speaks TLS needs an authority of this machine, and none of the registry’s settings counts', async (t) => {
  const { certs, registry, tokens, env, registries } = await setUp(t);
  const proxy = await startForwardProxy(t, {
    routes: { 'registry.test:443': registry.host, 'token.test:443': tokens.host },
    tls: certs.server,
  });
  // By name: Deno does not accept an address as the name of a TLS server.
  const url = proxy.url.replace('127.0.0.1', 'localhost');
  const at = ref('registry.test/team/app:1');
  const untrusting = clientFor(t, { env: { ...env, HTTPS_PROXY: url }, registries });
  const refused = await untrusting.head(at);
  assert.ok(refused.kind === 'unknown');
  assert.equal(refused.problem.code, 'registry/tls');
  assert.equal(registry.requests.length, 0);
  const trusted = { ...env, HTTPS_PROXY: url, SSL_CERT_FILE: certs.caFile };
  const presence = await clientFor(t, { env: trusted, registries }).head(at);
  assert.equal(presence.kind, 'present', JSON.stringify(presence));
  assert.equal(proxy.requests[0]?.line, 'CONNECT registry.test:443');
  const unreadable = clientFor(t, { env: { ...trusted, SSL_CERT_FILE: `${certs.caFile}.gone` } });
  const failed = await unreadable.head(ref('plain.test/team/app:1'));
  assert.ok(failed.kind === 'unknown');
  assert.equal(failed.problem.code, 'registry/bad-settings');
});

test('NO_PROXY and loopback go past the proxy, by name, suffix, port and address', async (t) => {
  const { certs, proxy, env } = await setUp(t);
  const local = await startFaultRegistry(
    t,
    (request) => {
      const { body: _, ...head } = GOOD;
      return request.method === 'HEAD' ? head : GOOD;
    },
    certs.server,
  );
  const settings = new Map([[local.host, { ca: certs.caFile }]]);
  const loopback = clientFor(t, { env: { HTTPS_PROXY: proxy.url }, registries: settings });
  assert.equal((await loopback.head(ref(`${local.host}/a/b:1`))).kind, 'present');
  assert.equal(proxy.requests.length, 0, 'loopback never goes through a proxy');

  // A name that only the proxy knows: going past it shows in not being found.
  for (const [no, host, passes] of [
    ['registry.test', 'registry.test', false],
    ['registry.test:8443', 'registry.test:8443', false],
    ['registry.test:8443', 'registry.test', true],
    ['.test', 'registry.test', false],
    ['*.test', 'registry.test', false],
    ['test', 'registry.test', false],
    ['other.test, .example', 'registry.test', true],
    ['.registry.test', 'registry.test', true],
    ['*', 'registry.test', false],
    ['', 'registry.test', true],
  ] as const) {
    const before: number = proxy.requests.length;
    const client = clientFor(t, {
      env: { ...env, HTTPS_PROXY: proxy.url, NO_PROXY: no },
      registries: new Map([
        [host, { ca: certs.caFile }],
        ['token.test', { ca: certs.caFile }],
      ]),
    });
    const presence = await client.head(ref(`${host}/a/b:1`));
    const asked: readonly object[] = proxy.requests
      .slice(before)
      .filter(({ line }) => line.includes('registry.test'));
    assert.deepEqual(
      [asked.length > 0, presence.kind],
      [passes, passes ? 'present' : 'unknown'],
      `NO_PROXY=${no} ${host}`,
    );
  }
});

for (const kind of registryKinds) {
  test(`an image is pushed and read through a proxy (${kind.name})`, {
    skip: kind.skip,
    timeout: 60_000,
  }, async (t) => {
    const certs = await makeCertificates(t, ['registry.test']);
    const registry = await startRegistry(t, { kind, tls: certs.server, auth: kind.signsIn });
    const proxy = await startForwardProxy(t, { routes: { 'registry.test:443': registry.host } });
    const dir = await makeTempDir(t);
    const made = await makeLayout(dir, ['1'], 3_000_000);
    const layout = await openLayout(dir, 'layout');
    assert.ok(layout.ok);
    const options = {
      env: { HTTPS_PROXY: proxy.url, DOCKER_AUTH_CONFIG: dockerConfigFor('registry.test') },
      registries: new Map([['registry.test', { ca: certs.caFile }]]),
    };
    const at = ref('registry.test/team/app:1');
    const pushed = await clientFor(t, options).pushLayout(layout.value, at);
    assert.ok(pushed.ok, JSON.stringify(pushed));
    const described = await clientFor(t, options).inspect(at);
    assert.ok(described.ok);
    assert.equal(described.value.digest, made.digests[0]);
    assert.ok(proxy.tunnelled().length > 3_000_000);
  });
}
