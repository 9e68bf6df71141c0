/** Calls, with a wire that the test answers: who goes first, what is sent again, who waits, and what a failure says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fail, ok, type Problem, problem, type RegistrySettings, type Result } from '../../lib/model/mod.ts';
import type { CredentialSource, Credentials } from '../../lib/registry/credentials.ts';
import { type Call, Exchange, type ExchangeOptions, type RetrySeen } from '../../lib/registry/exchange.ts';
import { UsedCredentials } from '../../lib/registry/used-credentials.ts';
import type { Reply, WireRequest } from '../../lib/registry/wire.ts';

const HOST = 'r.example';
const BEARER = { 'www-authenticate': 'Bearer realm="https://auth.example/token"' };
const USER: Credentials = { kind: 'basic', username: 'u', password: 'p' };

type Answer = Partial<Reply> & { readonly headers?: Readonly<Record<string, string>> };

function replyTo(request: WireRequest, { headers = {}, ...rest }: Answer): Result<Reply> {
  return ok({
    status: 200,
    body: new Uint8Array(),
    url: request.url,
    elsewhere: false,
    attempt: request.attempt,
    header: (name) => headers[name],
    ...rest,
  });
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const broken = (code: Problem['code'], temporary = false): Problem =>
  problem(code, `${code}!`, temporary ? { temporary } : {});

/** An exchange whose requests wait for the test, or are answered by `answer`. */
function setUp(
  answer?: (request: WireRequest, nth: number) => Answer | Problem,
  {
    credentials,
    ...options
  }: Partial<Omit<ExchangeOptions, 'credentials'>> & { readonly credentials?: Credentials } = {},
) {
  const sent: WireRequest[] = [];
  const waiting: ((given: Answer | Problem) => void)[] = [];
  const slept: [number, boolean][] = [];
  const retried: RetrySeen[] = [];
  const clock = { now: 1_000_000 };
  const exchange = new Exchange({
    wire: {
      async send(request) {
        sent.push(request);
        const given =
          answer === undefined
            ? await new Promise<Answer | Problem>((resolve) => waiting.push(resolve))
            : answer(request, sent.length);
        return 'code' in given ? fail([given]) : replyTo(request, given);
      },
    },
    registries: new Map<string, RegistrySettings>(),
    credentials: { find: async () => ok(credentials) },
    used: new UsedCredentials(),
    retries: { attempts: 3, longestWaitMs: 10_000, restMs: 5000 },
    now: () => clock.now,
    random: () => 1,
    sleep: async (ms, signal) => {
      slept.push([ms, signal !== undefined]);
      clock.now += ms;
    },
    onRetry: (seen) => retried.push(seen),
    ...options,
  });
  /** Answers the oldest request that waits, and lets everything go as far as it comes. */
  const give = async (given: Answer | Problem): Promise<void> => {
    const next = waiting.shift();
    assert.ok(next !== undefined, 'nobody waits for an answer');
    next(given);
    await settled();
  };
  const call = (name: string, rest: Partial<Call> = {}) => exchange.call({ ...callOf(name), ...rest });
  const paths = () => sent.map(({ url }) => url.pathname);
  return { exchange, sent, slept, retried, clock, give, call, paths };
}

/** One with credentials that the test finds, and answers to everything. */
function makeExchange(credentials: CredentialSource, answer: (request: WireRequest) => Answer) {
  const sent: WireRequest[] = [];
  const exchange = new Exchange({
    wire: {
      async send(request) {
        sent.push(request);
        return replyTo(request, answer(request));
      },
    },
    registries: new Map(),
    credentials,
    used: new UsedCredentials(),
    retries: { attempts: 1, longestWaitMs: 0, restMs: 0 },
    now: () => 0,
    random: () => 0,
    sleep: async () => undefined,
  });
  return { exchange, sent };
}

function callOf(name: string): Call {
  return {
    method: 'GET',
    host: HOST,
    target: `/v2/${name}`,
    repository: name,
    scopes: [{ repository: name, actions: ['pull'] }],
    accept: [200],
  };
}

async function settled(): Promise<void> {
  for (let time = 0; time < 10; time++) await turn();
}

function problemOf(result: Result<Reply>): Problem {
  assert.ok(!result.ok && result.error.length === 1, JSON.stringify(result));
  const [first] = result.error;
  assert.ok(first !== undefined);
  return first;
}

test('with credentials the first request finds out whether they are wanted, and all others wait for that only', async () => {
  const { call, give, paths, sent } = setUp(undefined, { credentials: USER });
  const all = ['a', 'b', 'c'].map((name) => call(name));
  await settled();
  assert.deepEqual(paths(), ['/v2/']);
  assert.deepEqual(
    [sent[0]?.authorization, sent[0]?.method, sent[0]?.limitBytes],
    [undefined, 'GET', 64 * 1024],
  );
  await give({ status: 200 });
  assert.deepEqual(paths().slice(1).sort(), ['/v2/a', '/v2/b', '/v2/c']);
  for (const _ of all) await give({});
  for (const one of await Promise.all(all)) assert.ok(one.ok);
});

test('what the registry demands is learnt from that first request; where it fails, the next one tries', async () => {
  const basic = { 'www-authenticate': 'Basic realm="x"' };
  const { call, give, paths, sent } = setUp(undefined, { credentials: USER });
  const [first, second] = [call('a'), call('b')];
  await settled();
  await give(broken('registry/too-large'));
  assert.equal(problemOf(await first).code, 'registry/too-large');
  assert.deepEqual(paths(), ['/v2/', '/v2/']);
  await give({ status: 401, headers: basic });
  assert.equal(sent[2]?.url.pathname, '/v2/b');
  assert.equal(sent[2]?.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
  await give({});
  assert.ok((await second).ok);
});

test('without credentials the first call goes ahead itself, and lets the others go with its first answer', async () => {
  const { call, give, paths, sent } = setUp();
  const first = call('a');
  const second = call('b');
  await settled();
  assert.deepEqual(paths(), ['/v2/a']);
  await give({ status: 401, headers: BEARER });
  // Each gets a token of its own; the second does not wait until the first has its answer.
  assert.deepEqual(paths(), ['/v2/a', '/token', '/token']);
  await give({ body: text('{"token":"one"}') });
  await give({ body: text('{"token":"two"}') });
  assert.deepEqual(
    sent.slice(3).map(({ url, authorization }) => [url.pathname, authorization]),
    [
      ['/v2/a', 'Bearer one'],
      ['/v2/b', 'Bearer two'],
    ],
  );
  await give({});
  await give({});
  assert.ok((await first).ok && (await second).ok);
});

test('an answer from elsewhere says nothing of the registry: the others wait for the next', async () => {
  const { call, give, paths } = setUp();
  const all = [call('a'), call('b'), call('c')];
  await settled();
  await give({ elsewhere: true });
  assert.deepEqual(paths(), ['/v2/a', '/v2/b']);
  await give({});
  assert.deepEqual(paths(), ['/v2/a', '/v2/b', '/v2/c']);
  await give({});
  for (const one of await Promise.all(all)) assert.ok(one.ok);
});

test('a token for several repositories that is not accepted gives way to one for this call alone', async () => {
  for (const [status, isNew, asked] of [
    [401, true, [2, 1]],
    [403, true, [2, 1]],
    // One that was good before may have run out: another of its kind is tried first.
    [401, false, [2, 2, 1]],
    [403, false, [2, 1]],
  ] as const) {
    let refuses = isNew;
    const scopes: number[] = [];
    const { exchange, call } = setUp(({ url, authorization }) => {
      if (url.pathname === '/token') {
        scopes.push(url.searchParams.getAll('scope').length);
        return { body: text(`{"token":"t${scopes.length}"}`) };
      }
      if (authorization === undefined) return { status: 401, headers: BEARER };
      return refuses && authorization !== `Bearer t${asked.length}` ? { status, headers: BEARER } : {};
    });
    for (const name of ['a', 'b']) exchange.expect(HOST, { repository: name, actions: ['pull'] });
    if (!isNew) assert.ok((await call('a')).ok);
    refuses = true;
    assert.deepEqual([(await call('a')).ok, scopes], [true, asked], `${status} ${isNew}`);
  }
});

test('a refusal that nothing can mend is said once, with whether somebody was signed in', async () => {
  const refusing = setUp(() => ({ status: 401, headers: BEARER, body: text('{"token":"t"}') }));
  assert.equal(problemOf(await refusing.call('a')).code, 'registry/unauthorized');
  const stranger = setUp(({ url }) =>
    url.pathname === '/token' ? { body: text('{"token":"t"}') } : { status: 401, headers: BEARER },
  );
  assert.match(problemOf(await stranger.call('a')).hint ?? '', /^No credentials were found/);
  assert.deepEqual(stranger.paths(), ['/v2/a', '/token', '/v2/a']);
  const user = setUp(
    ({ url }) =>
      url.pathname === '/token' ? { body: text('{"token":"t"}') } : { status: 401, headers: BEARER },
    { credentials: USER },
  );
  assert.match(problemOf(await user.call('a')).hint ?? '', /were rejected/);
  const basic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
  for (const [credentials, asked] of [
    [USER, ['/v2/', '/v2/a']],
    [undefined, ['/v2/a']],
  ] as const) {
    const refused = setUp(() => basic, credentials === undefined ? {} : { credentials });
    assert.equal(problemOf(await refused.call('a')).code, 'registry/unauthorized');
    assert.deepEqual(refused.paths(), asked, 'the same credentials are not sent twice');
  }
  const denied = setUp(() => ({ status: 403 }));
  assert.equal(problemOf(await denied.call('a')).code, 'registry/denied');
  assert.equal(denied.sent.length, 1);
});

test('a body that comes once is not sent again, neither after a refusal nor after a failure', async () => {
  const body = (async function* () {
    yield text('x');
  })();
  for (const answer of [
    { status: 401, headers: BEARER },
    { status: 503 },
    broken('registry/unreachable', true),
  ]) {
    const { call, sent } = setUp(() => answer);
    assert.ok(!(await call('a', { method: 'PUT', body })).ok);
    assert.equal(sent.length, 1);
    const again = setUp(() => answer);
    assert.ok(!(await again.call('a', { method: 'PUT', body: text('x') })).ok);
    assert.ok(again.sent.length > 1);
  }
});

test('an answer that was not wanted names its address, type, attempts and wait; its stream is let go of', async () => {
  let closed = 0;
  const stream = (async function* () {
    try {
      yield text('x');
      yield text('y');
    } finally {
      closed += 1;
    }
  })();
  const url = new URL('https://other.example/x');
  const partial = setUp(() => ({
    status: 206,
    stream,
    url,
    headers: { 'content-type': 'text/html' },
    body: text('<p>Hello</p>'),
  }));
  const strange = problemOf(await partial.call('a', { stream: true }));
  assert.match(strange.message, /answered 206 to GET https:\/\/other\.example\/x/);
  assert.equal(strange.detail, 'Hello', 'told to be HTML by its type');
  assert.equal(closed, 1);
  const cut = (async function* () {
    yield* [] as Uint8Array[];
    throw new Error('cut');
  })();
  const broke = await setUp(() => ({ status: 206, stream: cut })).call('a', { stream: true });
  assert.equal(problemOf(broke).code, 'registry/unexpected-answer');
  const busy = setUp(() => ({ status: 429, headers: { 'retry-after': '7' } }));
  assert.match(problemOf(await busy.call('a')).message, /\(3 attempts\); it asks to wait 7 s/);
});

test('a request has the settings and credentials of where it goes', async () => {
  const own = { insecure: true };
  const other = { ca: '/ca' };
  const registries = new Map<string, RegistrySettings>([
    [HOST, own],
    ['other.example', other],
  ]);
  const { call, sent } = setUp(() => ({}), { registries, credentials: { kind: 'registry', token: 't' } });
  await call('a');
  const put = { method: 'PUT', upload: true, limitBytes: 5, headers: { x: 'y' } } as const;
  await call('a', { ...put, target: new URL('https://other.example/upload') });
  await call('a', { target: new URL('https://third.example/upload'), stream: true });
  await call('a', { target: new URL(`https://${HOST}/upload?x=1`) });
  assert.deepEqual(
    sent.slice(1).map(({ url, settings }) => [url.href, settings]),
    [
      [`https://${HOST}/v2/a`, own],
      ['https://other.example/upload', other],
      ['https://third.example/upload', {}],
      [`https://${HOST}/upload?x=1`, own],
    ],
  );
  assert.deepEqual(
    sent
      .slice(1, 4)
      .map(({ headers, limitBytes, upload, stream, purpose, host }) => [
        headers,
        limitBytes,
        upload,
        stream,
        purpose,
        host,
      ]),
    [
      [{}, 4 * 1024 * 1024, undefined, undefined, 'registry', HOST],
      [{ x: 'y' }, 5, true, undefined, 'registry', HOST],
      [{}, 4 * 1024 * 1024, undefined, true, 'registry', HOST],
    ],
  );
});

test('no more requests than settings say, or eight, are under way at once', async () => {
  for (const [settings, width] of [
    [{}, 8],
    [{ concurrency: 2 }, 2],
  ] as const) {
    const { call, give, sent } = setUp(undefined, { registries: new Map([[HOST, settings]]) });
    const first = call('first');
    await settled();
    await give({});
    await first;
    const all = Array.from({ length: 10 }, (_, at) => call(String(at)));
    await settled();
    assert.equal(sent.length, 1 + width);
    await give({});
    assert.equal(sent.length, 2 + width);
    for (let left = 9; left > 0; left--) await give({});
    for (const one of await Promise.all(all)) assert.ok(one.ok);
  }
});

test('what may be another answer in a moment is asked for again, with growing waits, three times in all', async () => {
  const { call, slept, retried, sent } = setUp((_, nth) =>
    nth === 1
      ? broken('registry/unreachable', true)
      : { status: 503, headers: { 'retry-after': nth === 2 ? '2' : '0' } },
  );
  assert.equal(problemOf(await call('a')).code, 'registry/unavailable');
  assert.deepEqual(
    sent.map(({ attempt }) => attempt),
    [1, 2, 3],
  );
  assert.deepEqual(retried, [
    { host: HOST, attempt: 1, delayMs: 250, why: 'registry/unreachable!' },
    { host: HOST, attempt: 2, delayMs: 2000, why: 'answered 503' },
  ]);
  assert.deepEqual(slept, [
    [250, false],
    [2000, false],
  ]);
  const once = setUp(() => broken('registry/unreachable'));
  assert.ok(!(await once.call('a')).ok);
  assert.equal(once.sent.length, 1, 'only what is temporary');
  const timeouts = setUp(() => broken('registry/timeout', true));
  assert.ok(!(await timeouts.call('a')).ok);
  assert.equal(timeouts.sent.length, 2);
});

test('a wait as long as allowed is waited for, a longer one is not', async () => {
  for (const [seconds, times] of [
    ['10', 3],
    ['11', 1],
  ] as const) {
    const { call, sent } = setUp(() => ({ status: 503, headers: { 'retry-after': seconds } }));
    await call('a');
    assert.equal(sent.length, times);
  }
});

test('only a 429 makes everybody wait, as long as the longest of them says', async () => {
  const { call, slept, clock } = setUp(
    ({ url, attempt }) =>
      attempt > 1 || url.pathname.endsWith('/calm')
        ? {}
        : {
            status: url.pathname.endsWith('/busy') ? 429 : 503,
            headers: { 'retry-after': url.pathname.endsWith('/busy') ? '5' : '9' },
          },
    {
      sleep: async (ms) => {
        slept.push([ms, false]);
      },
    },
  );
  await call('down');
  await call('calm');
  assert.deepEqual(slept, [[9000, false]]);
  await call('busy');
  // Its own wait, then that of the host, which the clock of this test has not seen pass.
  assert.deepEqual(slept.slice(1), [
    [5000, false],
    [5000, false],
  ]);
  clock.now += 2000;
  await call('calm');
  assert.deepEqual(slept.at(-1), [3000, false]);
  clock.now += 3000;
  await call('calm');
  assert.equal(slept.length, 4);
});

test('a host that cannot be reached rests from that failure on, not longer for being asked meanwhile', async () => {
  for (const [code, rests] of [
    ['registry/unreachable', true],
    ['registry/timeout', true],
    ['registry/tls', true],
    ['registry/too-large', false],
  ] as const) {
    const { call, sent, clock } = setUp(() => broken(code));
    assert.equal(problemOf(await call('a')).code, code);
    clock.now += 4999;
    assert.equal(problemOf(await call('b')).code, code);
    assert.equal(sent.length, rests ? 1 : 2, code);
    clock.now += 1;
    await call('c');
    assert.equal(sent.length, rests ? 2 : 3, code);
  }
  const upload = setUp(() => broken('registry/unreachable'));
  await upload.call('a', { upload: true, method: 'PUT' });
  await upload.call('b');
  assert.equal(upload.sent.length, 2, 'an upload may fail by itself');
});

test('what is aborted says so, whatever came, and waits for nothing more', async () => {
  const abort = new AbortController();
  const during = setUp(
    () => {
      abort.abort();
      return { status: 503 };
    },
    { signal: abort.signal },
  );
  assert.equal(problemOf(await during.call('a')).code, 'run/cancelled');
  assert.deepEqual([during.sent.length, during.slept], [1, []]);
  const later = new AbortController();
  let signals = 0;
  const waiting = setUp(() => ({ status: 503 }), {
    signal: later.signal,
    sleep: async (_, signal) => {
      if (signal === later.signal) signals += 1;
      later.abort();
    },
  });
  assert.equal(problemOf(await waiting.call('a')).code, 'run/cancelled');
  assert.deepEqual([waiting.sent.length, signals], [1, 1]);
});

test('what a registry demands besides what was asked for comes with the token, and only a 401 demands', async () => {
  const scopes: (readonly string[])[] = [];
  const more = { 'www-authenticate': `${BEARER['www-authenticate']},scope="repository:base:pull"` };
  const { call } = setUp(({ url, authorization }) => {
    if (url.pathname !== '/token') return authorization === undefined ? { status: 401, headers: more } : {};
    scopes.push(url.searchParams.getAll('scope'));
    return { body: text('{"token":"t"}') };
  });
  assert.ok((await call('a')).ok);
  assert.deepEqual(scopes, [['repository:a:pull', 'repository:base:pull']]);
  for (const status of [200, 404]) {
    const other = setUp(() => ({ status, headers: BEARER }));
    assert.ok((await other.call('a', { accept: [200, 404] })).ok);
    assert.deepEqual(other.paths(), ['/v2/a']);
  }
});

test('credentials that cannot be read are a problem of every call that wants them, which is not sent then', async () => {
  const broken = problem('registry/bad-config', 'no JSON');
  const { exchange, sent } = makeExchange({ find: async () => fail([broken]) }, () => ({
    status: 401,
    headers: BEARER,
  }));
  assert.deepEqual(await exchange.call(callOf('a')), fail([broken]));
  assert.equal(sent.length, 1, 'nobody knows yet whether they are wanted');
  assert.deepEqual(await exchange.call(callOf('b')), fail([broken]));
  assert.equal(sent.length, 1);
});

test('helpers are asked again only once what they said was refused', async () => {
  const asked: (boolean | undefined)[] = [];
  let isRefusing = false;
  const find: CredentialSource['find'] = async (_host, _repository, fresh) => {
    asked.push(fresh);
    return ok(fresh === true ? { kind: 'basic', username: 'u', password: 'newer' } : USER);
  };
  const newer = `Basic ${Buffer.from('u:newer').toString('base64')}`;
  const { exchange } = makeExchange({ find }, ({ url, authorization }) =>
    authorization === undefined || (isRefusing && authorization !== newer && url.pathname !== '/v2/')
      ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
      : {},
  );
  assert.ok((await exchange.call(callOf('a'))).ok);
  assert.ok(!asked.includes(true));
  isRefusing = true;
  assert.ok((await exchange.call(callOf('a'))).ok);
  assert.deepEqual(asked.slice(-2), [false, true]);
});

test('the settings of Docker Hub hold where its API is', async () => {
  const hub = { ca: '/ca' };
  const { call, sent } = setUp(() => ({}), { registries: new Map([['docker.io', hub]]) });
  await call('library/a', { host: 'docker.io' });
  assert.deepEqual(
    [sent[0]?.url.href, sent[0]?.settings],
    ['https://registry-1.docker.io/v2/library/a', hub],
  );
});

test('a token server that is busy is asked again', async () => {
  let tokens = 0;
  const { call, retried } = setUp(({ url, authorization }) => {
    if (url.pathname === '/token') return ++tokens === 1 ? { status: 503 } : { body: text('{"token":"t"}') };
    return authorization === undefined ? { status: 401, headers: BEARER } : {};
  });
  assert.ok((await call('a')).ok);
  assert.deepEqual(
    retried.map(({ host, why }) => [host, why]),
    [['auth.example', 'answered 503']],
  );
});

test('a registry that wants tokens here and a password there is refused without one, every time', async () => {
  const { call } = setUp(({ url, authorization }, nth) => {
    if (url.pathname === '/token') return { body: text(`{"token":"t${nth}"}`) };
    if (!url.pathname.endsWith('/a'))
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
    return authorization === undefined ? { status: 401, headers: BEARER } : {};
  });
  assert.ok((await call('a')).ok);
  for (const name of ['b', 'c']) assert.equal(problemOf(await call(name)).code, 'registry/unauthorized');
});
