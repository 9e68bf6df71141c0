/** Credentials go to the registry that they are for, and to nobody it sends us to; with servers that try to get at them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ImageRef, parseImageRef, type RegistrySettings } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClient } from '../../lib/registry/mod.ts';
import { type FaultAnswer, type FaultRegistry, sha256, startFaultRegistry } from '../rig/fault-registry.ts';

const PASSWORD = 'hunter2pass';
const BASIC = `Basic ${Buffer.from(`robot:${PASSWORD}`).toString('base64')}`;
const INDEX = 'application/vnd.oci.image.index.v1+json';

const ref = (text: string): ImageRef => {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
};

const demandOf = (authenticate: string): FaultAnswer => ({
  status: 401,
  headers: { 'www-authenticate': authenticate },
  body: '{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}',
});

/** What each server was sent in `Authorization`, one after the other. */
const shownTo = (server: FaultRegistry) => server.requests.map(({ headers }) => headers.authorization);

interface Setup {
  /** Answers whoever is signed in. */
  readonly registry: (path: string, method: string, store: string) => FaultAnswer;
  /** Where the registry sends us, where that does not ask for a token. */
  readonly store?: (path: string) => FaultAnswer | undefined;
  readonly entry?: object;
}

/** A registry that wants its password, a host that it sends us to, and the token server that this one names. */
async function setUp(t: TestContext, { registry, store, entry }: Setup) {
  const token = () => ({ status: 200, body: '{"token":"tok"}' });
  const thief = await startFaultRegistry(t, token);
  const demand = demandOf(`Bearer realm="http://${thief.host}/token",service="x"`);
  const storage = await startFaultRegistry(t, ({ path }) => store?.(path) ?? demand);
  const home = await startFaultRegistry(t, ({ path, method, headers }) =>
    headers.authorization === undefined
      ? demandOf('Basic realm="r"')
      : path === '/v2/'
        ? { status: 200 }
        : registry(path, method, `http://${storage.host}`),
  );
  const auths = {
    [home.host]: entry ?? { auth: Buffer.from(`robot:${PASSWORD}`).toString('base64') },
  };
  const client = clientFor(t, auths);
  /** What nobody but the registry may have seen. */
  const assertKept = () => {
    assert.deepEqual(thief.requests, [], 'the token server of another host was asked');
    assert.deepEqual([...new Set(shownTo(storage))], [undefined]);
    assert.deepEqual([...new Set(shownTo(home))].slice(-1), [BASIC], 'the registry itself gets them');
  };
  return { home, storage, client, assertKept };
}

function clientFor(
  t: TestContext,
  auths: object,
  registries: ReadonlyMap<string, RegistrySettings> = new Map(),
): RegistryClient {
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) };
  const client = createRegistryClient({ env, registries, sleep: async () => undefined });
  t.after(() => client.close());
  return client;
}

test('where an upload goes gets no credentials, and cannot have them sent elsewhere', async (t) => {
  const { home, storage, client, assertKept } = await setUp(t, {
    registry: (_path, _method, store) => ({ status: 202, headers: { location: `${store}/up?sig=1` } }),
  });
  const put = await client.putBlob(ref(`${home.host}/a`), new TextEncoder().encode('bytes'));
  assert.ok(!put.ok);
  const [problem] = put.error;
  assert.equal(problem?.code, 'registry/denied');
  assert.match(
    problem?.message ?? '',
    new RegExp(`^${storage.host}, to which ${home.host} redirects, refused PUT`),
  );
  assert.deepEqual(storage.lines(), ['PUT /up']);
  assertKept();
});

test('ending an upload that was begun to see whether we may push tells nobody either', async (t) => {
  const { home, storage, client, assertKept } = await setUp(t, {
    registry: (_path, _method, store) => ({ status: 202, headers: { location: `${store}/up` } }),
  });
  assert.ok((await client.checkPushAccess(ref(`${home.host}/a`))).ok);
  assert.deepEqual(storage.lines(), ['DELETE /up']);
  assertKept();
});

test('an upload that goes on at the registry itself has its credentials', async (t) => {
  const { home, client } = await setUp(t, {
    registry: (_path, method) =>
      method === 'POST' ? { status: 202, headers: { location: '/up' } } : { status: 201 },
  });
  assert.ok((await client.putBlob(ref(`${home.host}/a`), new TextEncoder().encode('bytes'))).ok);
  assert.deepEqual(shownTo(home), [undefined, BASIC, BASIC]);
});

test('a redirect to storage leaves them behind, whatever is demanded there', async (t) => {
  const digest = sha256('{}');
  for (const status of [302, 307]) {
    const { home, client, assertKept } = await setUp(t, {
      registry: (path, _method, store) => ({ status, headers: { location: `${store}${path}` } }),
    });
    const read = await client.getBlob(ref(`${home.host}/a`), digest, 100);
    assert.ok(!read.ok);
    assert.equal(read.error[0]?.code, 'registry/denied');
    // Sent there with the body, too.
    const put = await client.putManifest(ref(`${home.host}/a:1`), {
      mediaType: INDEX,
      bytes: new Uint8Array(),
    });
    assert.ok(!put.ok);
    assertKept();
  }
});

test('further pages of a list, named by who answered in place of the registry, are read without them', async (t) => {
  const { home, storage, client, assertKept } = await setUp(t, {
    registry: (_path, _method, store) => ({ status: 307, headers: { location: `${store}/first` } }),
    store: (path) =>
      path === '/first'
        ? {
            status: 200,
            headers: { 'content-type': INDEX, link: '</next>; rel="next"' },
            body: '{"manifests":[]}',
          }
        : undefined,
  });
  const listed = await client.referrers({ ...ref(`${home.host}/a`), digest: sha256('x') });
  assert.ok(!listed.ok);
  assert.deepEqual(storage.lines(), ['GET /first', 'GET /next']);
  assertKept();
});

test('a token server cannot send a refresh token on to another host', async (t) => {
  const other = await startFaultRegistry(t, () => ({ status: 200, body: '{"token":"tok"}' }));
  for (const status of [307, 308]) {
    const server = await startFaultRegistry(t, () => ({
      status,
      headers: { location: `http://${other.host}/token` },
    }));
    const home = await startFaultRegistry(t, () => demandOf(`Bearer realm="http://${server.host}/token"`));
    const client = clientFor(t, { [home.host]: { identitytoken: 'refresh-me' } });
    const asked = await client.head(ref(`${home.host}/a:1`));
    assert.ok(asked.kind === 'unknown');
    assert.equal(asked.problem.code, 'registry/unsafe-redirect');
    assert.match(server.requests[0]?.body ?? '', /refresh-me/);
  }
  assert.deepEqual(other.requests, []);
});

test('a mirror gets its own credentials and not those of the registry', async (t) => {
  const token = () => ({ status: 200, body: '{"token":"tok"}' });
  const tokens = await startFaultRegistry(t, token);
  const mirror = await startFaultRegistry(t, ({ headers }) =>
    headers.authorization === undefined
      ? demandOf(`Bearer realm="http://${tokens.host}/token"`)
      : { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } },
  );
  const home = await startFaultRegistry(t, ({ headers }) =>
    headers.authorization === undefined
      ? demandOf('Basic realm="r"')
      : { status: 404, headers: { 'docker-distribution-api-version': 'registry/2.0' } },
  );
  const auths = {
    [home.host]: { auth: Buffer.from(`robot:${PASSWORD}`).toString('base64') },
  };
  const client = clientFor(t, auths, new Map([[home.host, { mirrors: [mirror.host] }]]));
  await client.head(ref(`${home.host}/a:1`), { mirrors: true });
  assert.deepEqual(shownTo(tokens), [undefined], 'a token for anybody');
  assert.deepEqual([...new Set(shownTo(mirror))], [undefined, 'Bearer tok']);
  assert.ok(shownTo(home).includes(BASIC));
});
