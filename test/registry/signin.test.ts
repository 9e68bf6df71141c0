/** Signing in, by itself: what is demanded, which token is asked for and used, and what becomes of one that is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok, type RegistrySettings, type Result } from '../../lib/model/mod.ts';
import { Authenticator } from '../../lib/registry/auth.ts';
import type { Credentials } from '../../lib/registry/credentials.ts';
import { endpointOf } from '../../lib/registry/endpoint.ts';
import { UsedCredentials } from '../../lib/registry/used-credentials.ts';
import type { Reply, WireRequest } from '../../lib/registry/wire.ts';

const A = 'repository:a:pull';
const B = 'repository:b:pull';
const BEARER = 'Bearer realm="https://auth.example/token?x=1#f",service="reg"';
const user: Credentials = { kind: 'basic', username: 'u', password: 'p' };

function reply(
  status: number,
  body: unknown,
  header: Readonly<Record<string, string>> = {},
  from = 'https://r.example',
): Reply {
  return {
    status,
    header: (name) => header[name],
    body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
    url: new URL('/token', from),
    elsewhere: false,
    attempt: 1,
  };
}

interface Setup {
  readonly host?: string;
  readonly registries?: ReadonlyMap<string, RegistrySettings>;
  /** What a helper says, asked for the first time and again. */
  readonly credentials?: readonly (Credentials | undefined)[];
  readonly answer?: (request: Omit<WireRequest, 'attempt'>, nth: number) => Reply;
  readonly demand?: string;
}

function setUp({
  host = 'r.example',
  registries = new Map(),
  credentials = [undefined],
  answer,
  demand = BEARER,
}: Setup = {}) {
  const sent: Omit<WireRequest, 'attempt'>[] = [];
  const clock = { now: 1_000_000 };
  const endpoint = endpointOf(host, registries);
  const auth = new Authenticator({
    endpoint,
    registries,
    credentials: {
      find: async (_host, _repository, fresh) => ok(credentials[fresh === true ? credentials.length - 1 : 0]),
    },
    used: new UsedCredentials(),
    send: async (request): Promise<Result<Reply>> => {
      sent.push(request);
      return ok(answer?.(request, sent.length) ?? reply(200, { token: `t${sent.length}` }));
    },
    now: () => clock.now,
  });
  if (demand !== '') auth.learn(reply(401, '', { 'www-authenticate': demand }, endpoint.origin));
  const header = async (repository: string, ...scopes: readonly string[]) => {
    const found = await auth.authorize(repository, scopes);
    assert.ok(found.ok, JSON.stringify(found));
    return found.value?.header;
  };
  return { auth, sent, clock, header };
}

/** The problem of an authorization that fails. */
async function refusal(setup: Setup) {
  const { auth } = setUp(setup);
  const found = await auth.authorize('a', [A]);
  assert.ok(!found.ok);
  const [problem, more] = found.error;
  assert.ok(problem !== undefined && more === undefined);
  return problem;
}

test('what is demanded is Bearer with a usable realm, else Basic, else nothing that we know', () => {
  const learn = (header: string | undefined, from = 'https://r.example') =>
    setUp({ demand: '' }).auth.learn(
      reply(401, '', header === undefined ? {} : { 'www-authenticate': header }, from),
    );
  assert.deepEqual(learn(`${BEARER},scope="${A}  ${B}"`), [A, B]);
  assert.deepEqual(learn(BEARER), []);
  assert.deepEqual(learn('Bearer realm="no address", Basic realm="x"'), []);
  assert.deepEqual(learn('Bearer service="x", Basic'), []);
  assert.deepEqual(learn('Basic realm="https://auth.example/",scope="x"'), []);
  assert.equal(learn('Bearer realm="no address"'), undefined);
  assert.equal(learn('Negotiate'), undefined);
  assert.equal(learn(undefined), undefined);
  for (const from of ['https://other.example', 'https://r.example:444', 'http://r.example'])
    assert.equal(learn(BEARER, from), undefined, 'another host or port has no say in it');
});

test('nothing is sent along until something is demanded', async () => {
  const { header, sent } = setUp({ demand: '', credentials: [user] });
  assert.equal(await header('a', A), undefined);
  assert.equal(sent.length, 0);
});

test('credentials are known to be there or not, without asking anybody', async () => {
  assert.equal(await setUp({ credentials: [user] }).auth.hasCredentials('a'), true);
  assert.equal(await setUp().auth.hasCredentials('a'), false);
});

test('Basic takes a name and password, and nothing else; a token of a registry goes as it is', async () => {
  const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
  const address = 'Basic realm="https://auth.example/"';
  const of = async (demand: string, credentials: Credentials | undefined) =>
    (await setUp({ demand, credentials: [credentials] }).auth.authorize('a', [A])) as {
      readonly value: unknown;
    };
  assert.deepEqual((await of('Basic realm="x"', user)).value, { header: basic, signedIn: true, wide: false });
  assert.deepEqual((await of(address, user)).value, { header: basic, signedIn: true, wide: false });
  assert.equal((await of('Basic realm="x"', undefined)).value, undefined);
  assert.equal((await of('Basic realm="x"', { kind: 'identity', token: 'i' })).value, undefined);
  for (const demand of ['Basic realm="x"', BEARER])
    assert.deepEqual((await of(demand, { kind: 'registry', token: 'r' })).value, {
      header: 'Bearer r',
      signedIn: true,
      wide: false,
    });
});

test('a token is asked for as the spec says, with a name and password, an identity token, or nobody', async () => {
  const ask = async (
    credentials: Credentials | undefined,
    demand = BEARER,
    registries?: ReadonlyMap<string, RegistrySettings>,
  ) => {
    const { auth, sent } = setUp({
      credentials: [credentials],
      demand,
      ...(registries === undefined ? {} : { registries }),
    });
    const found = await auth.authorize('a', [A, B]);
    assert.ok(found.ok, JSON.stringify(found));
    const [request] = sent;
    assert.ok(request !== undefined);
    return { request, found: found.value };
  };
  const settings = { insecure: true };
  const anonymous = await ask(undefined, BEARER, new Map([['auth.example', settings]]));
  assert.equal(anonymous.found?.signedIn, false);
  assert.deepEqual(
    { ...anonymous.request, url: anonymous.request.url.href },
    {
      method: 'GET',
      url: `https://auth.example/token?x=1&service=reg&scope=${encodeURIComponent(A)}&scope=${encodeURIComponent(B)}&client_id=bake-ts`,
      host: 'auth.example',
      settings,
      headers: { accept: 'application/json' },
      limitBytes: 512 * 1024,
      purpose: 'token',
    },
  );
  const named = await ask(user, 'Bearer realm="https://me:pw@auth.example/token"');
  assert.equal(named.found?.signedIn, true);
  assert.equal(
    named.request.url.href,
    `https://auth.example/token?scope=${encodeURIComponent(A)}&scope=${encodeURIComponent(B)}&client_id=bake-ts&account=u`,
  );
  assert.equal(named.request.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
  for (const service of ['', ',service="reg"']) {
    const { request } = await ask(
      { kind: 'identity', token: 'i' },
      `Bearer realm="https://auth.example/token"${service}`,
    );
    assert.equal(request.method, 'POST');
    assert.equal(request.url.href, 'https://auth.example/token');
    assert.deepEqual(request.headers, {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    });
    assert.ok(!('authorization' in request));
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(request.body))), {
      grant_type: 'refresh_token',
      refresh_token: 'i',
      client_id: 'bake-ts',
      ...(service === '' ? {} : { service: 'reg' }),
      scope: `${A} ${B}`,
    });
  }
});

test('a realm over plain http gets nothing, unless the registry itself is spoken to so or settings say it', async () => {
  const demand = 'Bearer realm="http://auth.example/token?secret"';
  const found = await refusal({ demand, credentials: [user] });
  assert.equal(found.code, 'registry/unsafe-realm');
  assert.match(
    found.message,
    /^r\.example asks for credentials at http:\/\/auth\.example\/token\?…, which is not https$/,
  );
  assert.match(found.hint ?? '', /registries: auth\.example: \{http: true\}/);
  for (const name of ['auth.example', 'r.example']) {
    const { header, sent } = setUp({ demand, registries: new Map([[name, { http: true }]]) });
    assert.equal(await header('a', A), 'Bearer t1');
    assert.equal(sent.length, 1);
  }
});

test('a token is used for what it allows, by whoever it was given to, for nine tenths of its life', async () => {
  const { header, sent, clock } = setUp({
    answer: (_, nth) => reply(200, { token: `t${nth}`, expires_in: 100 }),
  });
  assert.equal(await header('a', A, B), 'Bearer t1');
  assert.equal(await header('a', A), 'Bearer t1');
  assert.equal(await header('c', 'repository:c:pull'), 'Bearer t2');
  assert.equal(await header('b', B), 'Bearer t1');
  clock.now += 89_999;
  assert.equal(await header('a', A), 'Bearer t1');
  clock.now += 1;
  assert.equal(await header('a', A), 'Bearer t3');
  assert.equal(sent.length, 3);
});

test('the life of a token is a minute where nothing usable is said, and thirty seconds less where it is long', async () => {
  for (const [life, ms] of [
    [undefined, 54_000],
    [0, 54_000],
    [-5, 54_000],
    ['900', 54_000],
    [10, 9_000],
    [1000, 970_000],
  ] as const) {
    const { header, clock } = setUp({
      answer: (_, nth) => reply(200, { token: `t${nth}`, expires_in: life }),
    });
    await header('a', A);
    clock.now += ms - 1;
    assert.equal(await header('a', A), 'Bearer t1', `${life}`);
    clock.now += 1;
    assert.equal(await header('a', A), 'Bearer t2', `${life}`);
  }
});

test('what several ask for at once is fetched once', async () => {
  const { header, sent } = setUp();
  assert.deepEqual(await Promise.all([header('a', A), header('a', A)]), ['Bearer t1', 'Bearer t1']);
  assert.equal(sent.length, 1);
  assert.equal(await header('a', A), 'Bearer t1');
});

test('a token is under either of two names, and is one word of printable signs', async () => {
  const of = async (body: unknown) => await setUp({ answer: () => reply(200, body) }).header('a', A);
  assert.equal(await of({ token: 'a' }), 'Bearer a');
  assert.equal(await of({ access_token: 'b' }), 'Bearer b');
  assert.equal(await of({ token: '', access_token: 'b' }), 'Bearer b');
  assert.equal(await of({ token: 7, access_token: 'b' }), 'Bearer b');
  for (const body of [
    'no JSON',
    [],
    'null',
    {},
    { token: 7 },
    { token: '' },
    { token: 'a b' },
    { token: 'a\n' },
    { token: 'ä' },
    { token: ' a' },
  ]) {
    const found = await refusal({ answer: () => reply(200, body) });
    assert.equal(found.code, 'registry/unexpected-answer');
    assert.equal(found.message, 'The token server https://auth.example/token?… of r.example gave no token');
    assert.match(found.hint ?? '', /login page/);
  }
});

test('what a token server refuses is said by its status, with its words, and advice for who is signed in or not', async () => {
  const server = 'The token server of r.example (https://auth.example/token?…)';
  const errors = {
    errors: [
      { code: 'x', message: 'm' },
      { code: 'y', message: 'n' },
    ],
  };
  const table: readonly (readonly [number, string, string, RegExp, RegExp, true?])[] = [
    [
      429,
      'too-many-requests',
      'rejected the request: too many requests',
      /^Wait, or sign in: /,
      /^Wait a while$/,
      true,
    ],
    [500, 'unavailable', 'failed (500)', /check its log/, /check its log/, true],
    [503, 'unavailable', 'failed (503)', /check its log/, /check its log/, true],
    [
      400,
      'unauthorized',
      'gave no token (400)',
      /^No credentials were found/,
      /^The credentials for r\.example were rejected/,
    ],
    [
      401,
      'unauthorized',
      'gave no token (401)',
      /^No credentials were found/,
      /^The credentials for r\.example were rejected/,
    ],
    [
      403,
      'unauthorized',
      'gave no token (403)',
      /^No credentials were found/,
      /^The credentials for r\.example were rejected/,
    ],
    [404, 'unexpected-answer', 'answered 404', /login page/, /login page/],
  ];
  for (const [status, code, message, anonymous, signedIn, temporary] of table) {
    for (const [credentials, hint] of [
      [undefined, anonymous],
      [user, signedIn],
    ] as const) {
      for (const body of ['', errors]) {
        const found = await refusal({ credentials: [credentials], answer: () => reply(status, body) });
        assert.deepEqual([found.code, found.message], [`registry/${code}`, `${server} ${message}`]);
        assert.match(found.hint ?? '', hint);
        assert.equal(found.temporary, temporary);
        assert.equal(found.detail, body === '' ? undefined : 'X: m; Y: n');
        assert.equal('detail' in found, body !== '');
      }
    }
  }
});

test('a request to a token server that fails comes through as it is', async () => {
  const problem = { code: 'registry/unreachable', severity: 'error', message: 'no way' } as const;
  const auth = new Authenticator({
    endpoint: endpointOf('r.example', new Map()),
    registries: new Map(),
    credentials: { find: async () => ok(undefined) },
    used: new UsedCredentials(),
    send: async () => ({ ok: false, error: [problem] }),
    now: () => 0,
  });
  auth.learn(reply(401, '', { 'www-authenticate': BEARER }));
  assert.deepEqual(await auth.authorize('a', [A]), { ok: false, error: [problem] });
});

test('announced repositories come with one token, twenty at a time, but none that fared badly', async () => {
  const { auth, sent, header } = setUp();
  const scope = (at: number): string => `repository:r${String(at).padStart(2, '0')}:pull`;
  for (let at = 0; at < 25; at++) auth.expect(scope(at));
  auth.expect(scope(0));
  const asked = () => sent.at(-1)?.url.searchParams.getAll('scope');
  const slice = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => scope(from + at));
  const first = await auth.authorize('r03', [scope(3)]);
  assert.deepEqual(asked(), slice(0, 20));
  assert.ok(first.ok && first.value?.wide === true);
  await header('r21', scope(21));
  assert.deepEqual(asked(), slice(20, 25));
  await header('other', B);
  assert.deepEqual(asked(), [B], 'what was not announced goes alone');
  assert.equal(sent.length, 3);
  auth.narrow([scope(4)]);
  assert.equal(await header('r04', scope(4)), 'Bearer t4');
  assert.deepEqual(asked(), [scope(4)], 'the wide one is not used for it');
  assert.equal(await header('r04', scope(4)), 'Bearer t4');
  assert.equal(await header('r05', scope(5)), 'Bearer t1');
  auth.reject(first.value);
  await header('r05', scope(5));
  assert.deepEqual(
    asked(),
    slice(0, 20).filter((one) => one !== scope(4)),
  );
  await header('two', scope(5), scope(4));
  assert.deepEqual(asked(), [scope(4), scope(5)], 'one of them is enough');
});

test('a server that refuses a list is asked for the one that matters, then and later', async () => {
  const { auth, sent, header } = setUp({
    answer: (request, nth) =>
      request.url.searchParams.getAll('scope').length > 1 ? reply(403, '') : reply(200, { token: `t${nth}` }),
  });
  auth.expect(A);
  auth.expect(B);
  const found = await auth.authorize('a', [A]);
  assert.ok(found.ok);
  assert.deepEqual(found.value && { ...found.value, source: '', scopes: [], expiresAtMs: 0 }, {
    header: 'Bearer t2',
    source: '',
    scopes: [],
    wide: false,
    signedIn: false,
    expiresAtMs: 0,
  });
  assert.equal(await header('a', A), 'Bearer t2');
  assert.equal(sent.length, 2);
  auth.reject({ header: 'Bearer t2', signedIn: false, wide: false });
  assert.equal(await header('a', A), 'Bearer t3');
  const refused = setUp({ answer: () => reply(403, '') });
  refused.auth.expect(A);
  assert.ok(!(await refused.auth.authorize('a', [A])).ok);
  assert.equal(refused.sent.length, 1, 'what is as narrow as it can be is asked once');
});

test('where a token is refused, a helper is asked again; only another answer is worth another try', async () => {
  const other: Credentials = { kind: 'basic', username: 'u', password: 'newer' };
  const accepted = Buffer.from('u:newer').toString('base64');
  const answer: Setup['answer'] = (request) =>
    request.authorization === `Basic ${accepted}` ? reply(200, { token: 'new' }) : reply(401, '');
  const renewed = setUp({ credentials: [user, other], answer });
  assert.equal(await renewed.header('a', A), 'Bearer new');
  assert.equal(renewed.sent.length, 2);
  for (const again of [user, undefined]) {
    const same = setUp({ credentials: [user, again], answer });
    assert.ok(!(await same.auth.authorize('a', [A])).ok);
    assert.equal(same.sent.length, 1);
  }
  const nobody = setUp({ credentials: [undefined, other], answer });
  assert.ok(!(await nobody.auth.authorize('a', [A])).ok);
  assert.equal(nobody.sent.length, 1, 'who has no credentials has none later');
  const renewing = setUp({ credentials: [user, other, user], answer });
  assert.ok(!(await renewing.auth.authorize('a', [A], true)).ok);
  assert.equal(renewing.sent.length, 1);
});

test('a token of one credential is not used for another', async () => {
  const kinds: readonly (Credentials | undefined)[] = [
    undefined,
    user,
    { kind: 'basic', username: 'u', password: 'other' },
    { kind: 'basic', username: 'other', password: 'p' },
    { kind: 'basic', username: 'up', password: '' },
    { kind: 'basic', username: '', password: 'up' },
    { kind: 'identity', token: 'u:p' },
    { kind: 'identity', token: 'x' },
  ];
  let now: Credentials | undefined;
  let sent = 0;
  const auth = new Authenticator({
    endpoint: endpointOf('r.example', new Map()),
    registries: new Map(),
    credentials: { find: async () => ok(now) },
    used: new UsedCredentials(),
    send: async () => ok(reply(200, { token: `t${++sent}` })),
    now: () => 0,
  });
  auth.learn(reply(401, '', { 'www-authenticate': BEARER }));
  for (let round = 0; round < 2; round++) {
    for (const [at, one] of kinds.entries()) {
      now = one;
      const found = await auth.authorize('a', [A]);
      assert.ok(found.ok && found.value?.header === `Bearer t${at + 1}`, `${at}`);
    }
  }
  auth.learn(
    reply(401, '', { 'www-authenticate': 'Bearer realm="https://auth.example/token?x=1#f",service="other"' }),
  );
  const found = await auth.authorize('a', [A]);
  assert.ok(found.ok && found.value?.header === 'Bearer t9', 'another service is another source');
  auth.learn(
    reply(401, '', { 'www-authenticate': 'Bearer realm="https://auth.example/token?x=1#freg",service=""' }),
  );
  const beside = await auth.authorize('a', [A]);
  assert.ok(beside.ok && beside.value?.header === 'Bearer t10', 'so is another address');
});

test('a token that was not accepted is dropped by itself', async () => {
  const { auth, header, sent } = setUp();
  const other = 'repository:c:pull';
  const found = await auth.authorize('a', [A]);
  assert.equal(await header('c', other), 'Bearer t2');
  assert.ok(found.ok && found.value !== undefined);
  auth.reject(found.value);
  assert.equal(await header('c', other), 'Bearer t2');
  assert.equal(await header('a', A), 'Bearer t3');
  assert.equal(sent.length, 3);
});

test('credentials that cannot be read are a problem, and nobody asks for a token without them', async () => {
  const broken = { code: 'registry/bad-config', severity: 'error', message: 'no JSON' } as const;
  let sent = 0;
  const auth = new Authenticator({
    endpoint: endpointOf('r.example', new Map()),
    registries: new Map(),
    credentials: { find: async () => ({ ok: false, error: [broken] }) },
    used: new UsedCredentials(),
    send: async () => ok(reply(200, { token: `t${++sent}` })),
    now: () => 0,
  });
  auth.learn(reply(401, '', { 'www-authenticate': BEARER }));
  assert.deepEqual(await auth.authorize('a', [A]), { ok: false, error: [broken] });
  assert.equal(sent, 0);
});

test('where a token is given no helper is asked again', async () => {
  const other: Credentials = { kind: 'basic', username: 'u', password: 'newer' };
  const { header, sent } = setUp({ credentials: [user, other] });
  assert.equal(await header('a', A), 'Bearer t1');
  assert.equal(sent.length, 1);
});
