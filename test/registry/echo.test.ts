/** Registries, token servers and proxies that quote what they were sent: no problem shows a credential. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ImageRef, type Problem, parseImageRef } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClient } from '../../lib/registry/mod.ts';
import { type FaultAnswer, type FaultRequest, sha256, startFaultRegistry } from '../rig/fault-registry.ts';

const PASSWORD = 'hunter2"pass';
const PAIR = Buffer.from(`robot:${PASSWORD}`).toString('base64');
const TOKEN = `eyJhbGciOiJub25lIn0.${'x1'.repeat(400)}.end`;
const REFRESH = 'refresh-token-0123456789';

const ref = (text: string): ImageRef => {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
};

/** Nothing of any credential, neither as it is nor as it is written elsewhere; a part of one neither. */
function assertHidden(problems: readonly Problem[]): void {
  const text = JSON.stringify(problems);
  const plain = problems.map(({ message, hint, detail }) => `${message} ${hint} ${detail}`).join(' ');
  for (const secret of [PASSWORD, 'hunter2', 'HUNTER2', PAIR.slice(0, 12), REFRESH.slice(0, 12), 'x1x1'])
    for (const where of [text, plain]) assert.ok(!where.includes(secret), `${secret}: ${where}`);
  // To HEAD there are no words.
  if (!/ (denied|requires a sign-in for) HEAD /.test(plain)) assert.match(text, /\(hid/i);
}

const denied = (message: string, status = 403): FaultAnswer => ({
  status,
  body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }),
});

/** A registry that asks for a token or a password, and refuses everything with words of the test. */
async function startEcho(
  t: TestContext,
  entry: object,
  words: (request: FaultRequest) => FaultAnswer,
  {
    bearer = false,
    token,
  }: { readonly bearer?: boolean; readonly token?: (request: FaultRequest) => FaultAnswer } = {},
): Promise<{ readonly client: RegistryClient; readonly host: string }> {
  const tokens = await startFaultRegistry(
    t,
    (request) => token?.(request) ?? { status: 200, body: JSON.stringify({ token: TOKEN }) },
  );
  const demand = bearer ? `Bearer realm="http://${tokens.host}/token"` : 'Basic realm="r"';
  const server = await startFaultRegistry(t, (request) =>
    request.headers.authorization === undefined
      ? { status: 401, headers: { 'www-authenticate': demand } }
      : request.path === '/v2/'
        ? { status: 200 }
        : words(request),
  );
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [server.host]: entry } }) };
  const client = createRegistryClient({ env, sleep: async () => undefined });
  t.after(() => client.close());
  return { client, host: server.host };
}

/** The problems of everything that a client is asked to do. */
async function askAll(client: RegistryClient, host: string): Promise<readonly (readonly Problem[])[]> {
  const image = ref(`${host}/a:1`);
  const digest = sha256('{}');
  const head = await client.head(image);
  assert.ok(head.kind === 'unknown');
  const bytes = new TextEncoder().encode('{}');
  const all = [
    await client.resolveDigest(image),
    await client.getManifest(image),
    await client.getBlob(image, digest, 100),
    await client.putBlob(image, bytes),
    await client.putManifest(image, { mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes }),
    await client.copyImage(image, ref(`${host}/b:1`)),
    await client.referrers({ ...ref(`${host}/a`), digest }),
    await client.inspect(image),
    await client.checkPushAccess(image),
  ];
  return [[head.problem], ...all.map((one) => (one.ok ? assert.fail('it went well') : one.error))];
}

const BASIC_ENTRY = { auth: PAIR };

test('what a registry quotes of the password, the pair in base64 and a token is hidden', async (t) => {
  const quoted = ({ headers, method }: FaultRequest) =>
    denied(`request was ${method} authorization: ${headers.authorization} denied for robot:${PASSWORD}`);
  for (const [entry, bearer] of [
    [BASIC_ENTRY, false],
    [BASIC_ENTRY, true],
    [{ identitytoken: REFRESH }, true],
    [{ registrytoken: TOKEN }, false],
  ] as const) {
    const words = (request: FaultRequest) =>
      'auth' in entry
        ? quoted(request)
        : denied(`${request.headers.authorization} for ${Object.values(entry)[0]}`);
    const { client, host } = await startEcho(t, entry, words, { bearer });
    for (const problems of await askAll(client, host)) assertHidden(problems);
  }
});

test('it is hidden wherever a registry puts it, and before it is cut', async (t) => {
  const raw = (body: string, more: object = {}) => ({ status: 500, body, ...more });
  const cases: readonly FaultAnswer[] = [
    // In the code, which is shown in upper case; and where the words are cut.
    { status: 400, body: JSON.stringify({ errors: [{ code: `no ${PASSWORD}`, message: '' }] }) },
    denied(`${'.'.repeat(296)}${PASSWORD}`),
    denied(`${'.'.repeat(290)}${PAIR}`),
    // Not in the form of the spec.
    raw(`you said ${JSON.stringify(PASSWORD)}`),
    raw(`${'.'.repeat(190)}${PAIR}`),
    raw(`<p>${PASSWORD}</p>`, { headers: { 'content-type': 'text/html' } }),
    raw(`see ?password=${encodeURIComponent(PASSWORD)}`),
    // Where it leads, and what it says it is.
    { status: 302, headers: { location: `ftp://h/${PAIR}` } },
    { status: 302, headers: { location: `/again/${encodeURIComponent(PASSWORD)}` } },
    { status: 200, headers: { 'content-type': `text/${PAIR}` }, body: 'x' },
    { status: 404, body: JSON.stringify({ errors: [{ code: `gone ${PASSWORD}`, message: '' }] }) },
  ];
  for (const answer of cases) {
    const { client, host } = await startEcho(t, BASIC_ENTRY, () => answer);
    const read = await client.getManifest(ref(`${host}/a:1`));
    assert.ok(!read.ok);
    if (!JSON.stringify(answer).includes('ftp:')) assertHidden(read.error);
    else assert.ok(!JSON.stringify(read.error).includes(PAIR));
  }
});

test('a token server that quotes what it was sent shows nothing either', async (t) => {
  for (const status of [401, 429, 500, 418]) {
    const { client, host } = await startEcho(t, BASIC_ENTRY, () => denied('never asked'), {
      bearer: true,
      token: ({ headers }) => denied(`who is ${headers.authorization}, ${PASSWORD}`, status),
    });
    const read = await client.getManifest(ref(`${host}/a:1`));
    assert.ok(!read.ok);
    assertHidden(read.error);
  }
});

test('the same for what streams throw, a name and password given for one registry, and users of proxies', async (t) => {
  const { client, host } = await startEcho(t, BASIC_ENTRY, () => ({
    status: 302,
    headers: { location: `/x/${encodeURIComponent(PASSWORD)}` },
  }));
  const stream = client.streamBlob(ref(`${host}/a`), { digest: sha256('x'), sizeBytes: 1 });
  await assert.rejects(
    async () => {
      for await (const _ of stream) assert.fail();
    },
    (error: Error) => !error.message.includes('hunter2'),
  );
  const quoting = await startFaultRegistry(t, ({ headers }) =>
    denied(`given password1! ${headers.authorization} by proxyuser:proxypass`),
  );
  const given = createRegistryClient({
    env: { HTTP_PROXY: 'http://proxyuser:proxypass@127.0.0.1:1' },
    signIn: { registry: quoting.host, username: 'me', password: 'password1!' },
    sleep: async () => undefined,
  });
  t.after(() => given.close());
  const read = await given.getManifest(ref(`${quoting.host}/a:1`));
  assert.ok(!read.ok);
  assert.match(read.error[0]?.detail ?? '', /^DENIED: given \(hidden\) undefined by \(hidden\)$/);
});

test('other programs have it hidden by the same client: what the config holds, once it was read', async (t) => {
  const { client, host } = await startEcho(t, BASIC_ENTRY, () => denied('no'));
  assert.equal(client.hideCredentials(`x ${PASSWORD}`), `x ${PASSWORD}`);
  await client.head(ref(`${host}/a:1`));
  assert.equal(client.hideCredentials(`x ${PASSWORD} Basic ${PAIR}`), 'x (hidden) Basic (hidden)');
  assert.deepEqual(client.hideCredentials({ code: PASSWORD, text: PASSWORD }, new Set(['code'])), {
    code: PASSWORD,
    text: '(hidden)',
  });
});
