/** Where a registry is, by which proxy, and with whose credentials: each rule by itself. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { parseChallenges } from '../../lib/registry/challenge.ts';
import { runCredentialHelper } from '../../lib/registry/credential-helper.ts';
import {
  createCredentialSource,
  credentialKeys,
  dockerConfigPath,
  parseDockerConfig,
} from '../../lib/registry/credentials.ts';
import { endpointOf, hostnameOf, readTlsMaterial } from '../../lib/registry/endpoint.ts';
import { parseProxy, proxyFor } from '../../lib/registry/proxy.ts';
import { backoffMs, isRetryableStatus, parseRetryAfter } from '../../lib/registry/retry.ts';
import { coversScopes, formatScope, uniteScopes } from '../../lib/registry/scope.ts';
import { mayCarryCredentials, realmSettings } from '../../lib/registry/wire.ts';
import { makeTempDir, makeTree } from '../rig/temp.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('an endpoint keeps its name and settings; TLS settings make loopback https', () => {
  const of = (host: string, settings = {}) => endpointOf(host, new Map([[host, settings]]));
  assert.deepEqual(of('localhost:5000', { cert: '/c', concurrency: 2 }), {
    host: 'localhost:5000',
    origin: 'https://localhost:5000',
    settings: { cert: '/c', concurrency: 2 },
  });
  assert.equal(of('127.0.0.1:5000', { insecure: true }).origin, 'https://127.0.0.1:5000');
  assert.equal(of('127.0.0.1:5000', { insecure: false }).origin, 'http://127.0.0.1:5000');
  assert.equal(of('127.0.0.1:5000', { ca: '/ca', http: true }).origin, 'http://127.0.0.1:5000');
  assert.equal(of('index.docker.io').origin, 'https://registry-1.docker.io');
  assert.equal(of('docker.io').host, 'docker.io');
  assert.deepEqual(endpointOf('r.example', new Map()).settings, {});
  assert.deepEqual(['r.example:5000', 'r.example', '[::1]:5000', '[::1]', 'r:1:2'].map(hostnameOf), [
    'r.example',
    'r.example',
    '::1',
    '::1',
    'r:1',
  ]);
});

test('TLS material is what settings and SSL_CERT_FILE name; own authorities come on top of the public ones', async (t) => {
  const dir = await makeTree(t, { ca: 'CA', system: 'SYSTEM', cert: 'CERT', key: 'KEY' });
  const at = (name: string): string => path.join(dir, name);
  const read = async (settings: object, env = {}) => {
    const material = await readTlsMaterial('r.example', settings, env);
    assert.ok(material.ok, JSON.stringify(material));
    return material.value;
  };
  assert.deepEqual(await read({}), {});
  assert.deepEqual(await read({ insecure: false }, { SSL_CERT_FILE: '' }), {});
  assert.deepEqual(await read({ insecure: true }), { rejectUnauthorized: false });
  assert.deepEqual(await read({ cert: at('cert'), key: at('key') }), { cert: 'CERT', key: 'KEY' });
  assert.deepEqual(await read({ ca: at('ca') }), { ca: [...rootCertificates, 'CA'] });
  assert.deepEqual(await read({ ca: at('ca') }, { SSL_CERT_FILE: at('system') }), {
    ca: [...rootCertificates, 'CA', 'SYSTEM'],
  });
  assert.deepEqual(await read({}, { SSL_CERT_FILE: at('system') }), { ca: [...rootCertificates, 'SYSTEM'] });
});

test('files of TLS that cannot be read, and half a client certificate, are all named', async (t) => {
  const dir = await makeTree(t, { cert: 'CERT' });
  const refused = await readTlsMaterial(
    'r.example',
    { ca: path.join(dir, 'gone'), cert: path.join(dir, 'cert') },
    { SSL_CERT_FILE: path.join(dir, 'cert', 'below') },
  );
  assert.ok(!refused.ok);
  assert.deepEqual(
    refused.error.map(({ code, message }) => [code, message.replace(dir, 'DIR')]),
    [
      ['registry/bad-settings', 'The file DIR/gone (ca for r.example) cannot be read: ENOENT'],
      [
        'registry/bad-settings',
        'The file DIR/cert/below (SSL_CERT_FILE for r.example) cannot be read: ENOTDIR',
      ],
      ['registry/bad-settings', 'registries.r.example names only one of cert and key'],
    ],
  );
  assert.ok(refused.error.every(({ hint }) => (hint ?? '').length > 10));
  const other = await readTlsMaterial(
    'r.example',
    { key: path.join(dir, 'gone'), cert: path.join(dir, 'gone2') },
    {},
  );
  assert.ok(!other.ok);
  assert.deepEqual(
    other.error.map(({ message }) => /\((\w+) for/.exec(message)?.[1]),
    ['cert', 'key'],
  );
});

test('a proxy is that of the scheme, in either spelling, and none for a CGI server that a request could set', () => {
  const of = (url: string, env: Readonly<Record<string, string>>) => proxyFor(new URL(url), env)?.proxy;
  assert.equal(of('https://x.example', { https_proxy: 'p:1' }), 'http://p:1');
  assert.equal(of('https://x.example', { HTTPS_PROXY: 'a:1', https_proxy: 'b:1' }), 'http://a:1');
  assert.equal(of('https://x.example', { HTTPS_PROXY: '', https_proxy: 'b:1' }), 'http://b:1');
  assert.equal(of('https://x.example', { HTTP_PROXY: 'p:1' }), undefined);
  assert.equal(of('http://x.example', { HTTPS_PROXY: 'p:1' }), undefined);
  assert.equal(of('https://x.example', { HTTPS_PROXY: '' }), undefined);
  assert.equal(of('http://x.example', { HTTP_PROXY: 'SOCKS5://p:1' }), 'SOCKS5://p:1');
  assert.equal(of('http://x.example', { HTTP_PROXY: 'user:p@p://x' }), 'http://user:p@p://x');
  assert.equal(of('http://x.example', { http_proxy: 'p:1', REQUEST_METHOD: 'GET' }), 'http://p:1');
  assert.equal(of('https://x.example', { HTTPS_PROXY: 'p:1', REQUEST_METHOD: 'GET' }), 'http://p:1');
});

test('NO_PROXY exempts names, what is below them, addresses, networks and ports, as Go reads it', () => {
  const exempt = (list: string, url: string) =>
    proxyFor(new URL(url), { HTTPS_PROXY: 'p:1', HTTP_PROXY: 'p:1', no_proxy: list }) === undefined;
  for (const [list, url] of [
    ['*', 'https://x.example'],
    [' , ,A.Example ', 'https://a.example'],
    ['example', 'https://a.example'],
    ['a.example:443', 'https://a.example'],
    ['a.example:80', 'http://a.example'],
    ['x,10.1.2.3', 'https://10.1.2.3'],
    ['10.1.2.3:8443', 'https://10.1.2.3:8443'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['0.0.0.0/0', 'https://10.1.2.3'],
    ['10.1.2.3/32', 'https://10.1.2.3'],
    ['fd00::/8', 'https://[fd00::1]'],
    ['fd00::/64', 'https://[fd00::1]'],
    ['[fd00::1]', 'https://[fd00::1]'],
    ['fd00::1', 'https://[fd00::1]'],
    ['[fd00::1]:5000', 'https://[fd00::1]:5000'],
    ['bad/8,10.1.2.3', 'https://10.1.2.3'],
    ['*.b.example', 'https://x.b.example'],
  ] as const)
    assert.ok(exempt(list, url), `${list} for ${url}`);
  for (const [list, url] of [
    ['', 'https://x.example'],
    ['a,,b', 'https://x.example.'],
    ['10.0.0.0/x8', 'https://10.0.0.0'],
    ['a.example:80', 'https://a.example'],
    ['a.example', 'https://aa.example'],
    ['.a.example', 'https://a.example'],
    ['*.a.example', 'https://a.example'],
    ['10.1.2.3:8443', 'https://10.1.2.3'],
    ['10.1.2.4', 'https://10.1.2.3'],
    ['2.3', 'https://10.1.2.3'],
    ['10.0.0.0/8', 'https://11.1.2.3'],
    ['10.0.0.0/33', 'https://10.0.0.0'],
    ['10.0.0.0/8x', 'https://10.0.0.0'],
    ['10.0.0.0/1234', 'https://10.0.0.0'],
    ['10.0.0.0/', 'https://10.0.0.0'],
    ['fd00::/129', 'https://[fd00::]'],
    ['fd00::/8', 'https://10.1.2.3'],
    ['10.0.0.0/8', 'https://[fd00::1]'],
    ['a.example/8', 'https://a.example'],
  ] as const)
    assert.ok(!exempt(list, url), `${list} for ${url}`);
});

test('a proxy that cannot be read is none, and its user is taken out of its address', () => {
  assert.equal(parseProxy('no address'), undefined);
  assert.deepEqual(parseProxy('https://u:p@proxy:1/x'), {
    url: new URL('https://proxy:1/x'),
    authorization: `Basic ${base64('u:p')}`,
  });
});

test('the Docker config is where DOCKER_CONFIG says, else below a home', () => {
  assert.equal(dockerConfigPath({ DOCKER_CONFIG: '/d', HOME: '/h' }), '/d/config.json');
  assert.equal(dockerConfigPath({ DOCKER_CONFIG: '', HOME: '/h' }), '/h/.docker/config.json');
  assert.equal(dockerConfigPath({ HOME: '', USERPROFILE: '/u' }), '/u/.docker/config.json');
  assert.equal(dockerConfigPath({}), undefined);
  assert.equal(dockerConfigPath({ HOME: '' }), undefined);
});

test('entries of a Docker config that hold nothing are left out, and the strongest of several counts', () => {
  const parse = (config: object) => {
    const parsed = parseDockerConfig(JSON.stringify(config), 'x');
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return {
      ...parsed.value,
      auths: Object.fromEntries(parsed.value.auths),
      credHelpers: Object.fromEntries(parsed.value.credHelpers),
    };
  };
  assert.deepEqual(parse({}), { auths: {}, credHelpers: {} });
  assert.deepEqual(parse({ auths: [], credHelpers: 'x', credsStore: '' }), { auths: {}, credHelpers: {} });
  assert.deepEqual(parse({ credsStore: 7, credHelpers: { a: '', b: 7, c: 'ok' } }), {
    auths: {},
    credHelpers: { c: 'ok' },
  });
  assert.deepEqual(
    parse({
      auths: {
        a: 'no record',
        b: { auth: 7 },
        c: { auth: base64('u:p\0\0'), username: 'other' },
        d: { registrytoken: 'r', identitytoken: 'i', auth: base64('u:p') },
        e: { username: 'u' },
        f: { password: 'p' },
        g: { auth: base64('u:') },
        h: { auth: base64('u:\0\0a\0b\0\0') },
        i: null,
      },
    }).auths,
    {
      c: { kind: 'basic', username: 'u', password: 'p' },
      d: { kind: 'registry', token: 'r' },
      e: { kind: 'basic', username: 'u', password: '' },
      g: { kind: 'basic', username: 'u', password: '' },
      h: { kind: 'basic', username: 'u', password: 'a\0b' },
    },
  );
});

test('a broken Docker config is named with what is wrong', () => {
  const messages = ['{', '[]', 'null', JSON.stringify({ auths: { h: { auth: base64(':p') } } })].map(
    (text) => {
      const parsed = parseDockerConfig(text, 'WHERE');
      assert.ok(!parsed.ok);
      assert.match(parsed.error[0]?.hint ?? '', /docker login/);
      return parsed.error[0]?.message;
    },
  );
  assert.deepEqual(messages, [
    'WHERE is not a JSON object',
    'WHERE is not a JSON object',
    'WHERE is not a JSON object',
    'WHERE: `auth` of h is not base64 of user:password',
  ]);
});

test('keys of credentials: every path, then the host in every form', () => {
  assert.deepEqual(credentialKeys('h', 'a/b'), [
    'h/a/b',
    'h/a',
    'h',
    ...['https://h', 'http://h'].flatMap((url) =>
      ['', '/', '/v1/', '/v2/', '/v1', '/v2'].map((end) => url + end),
    ),
  ]);
  assert.equal(credentialKeys('h', '')[0], 'h');
  assert.deepEqual(credentialKeys('docker.io', 'a').slice(0, 5), [
    'docker.io/a',
    'https://index.docker.io/v1/',
    'docker.io',
    'index.docker.io',
    'registry-1.docker.io',
  ]);
  // Each of the three names in twelve forms, one of which is the address above; that has no forms of its own.
  assert.equal(credentialKeys('docker.io', 'a').length, 5 + 3 * 12 - 1);
});

/** A folder of helpers that say who they are, what they were asked, and how often. */
async function helpers(t: TestContext, config: object, names: readonly string[]) {
  const dir = await makeTree(t, { 'config.json': JSON.stringify(config) });
  for (const name of names) {
    const file = path.join(dir, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\nread -r s\nprintf '{"Username":"${name}:%s","Secret":"p"}' "$s"\n`);
    await chmod(file, 0o755);
  }
  return { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
}

test('a helper of the most specific key is asked about that key, the store about the host, and Docker Hub by its address', async (t) => {
  const env = await helpers(
    t,
    {
      credsStore: 'store',
      credHelpers: { 'r.example/a': 'path', 'r.example': 'host' },
      auths: { 'x.example': { auth: base64('u:p') } },
    },
    ['store', 'path', 'host'],
  );
  const source = createCredentialSource(env);
  const user = async (host: string, repository: string) => {
    const found = await source.find(host, repository);
    assert.ok(found.ok && found.value?.kind === 'basic', JSON.stringify(found));
    return found.value.username;
  };
  assert.equal(await user('r.example', 'a/b'), 'path:r.example/a');
  assert.equal(await user('r.example', 'c'), 'host:r.example');
  assert.equal(await user('x.example', 'c'), 'store:x.example');
  assert.equal(await user('docker.io', 'library/x'), 'store:https://index.docker.io/v1/');
});

test('where a helper knows nothing the entries of the file count, and the config of the variable before both', async (t) => {
  const dir = await makeTree(t, {
    'config.json': JSON.stringify({
      credsStore: 'none',
      auths: { 'r.example': { auth: base64('file:p') }, 'both.example': { auth: base64('file:p') } },
    }),
  });
  await writeFile(
    path.join(dir, 'docker-credential-none'),
    '#!/bin/sh\necho "credentials not found"; exit 1\n',
  );
  await chmod(path.join(dir, 'docker-credential-none'), 0o755);
  const env = {
    DOCKER_CONFIG: dir,
    PATH: `${dir}:${process.env['PATH'] ?? ''}`,
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'both.example': { auth: base64('variable:p') } } }),
  };
  const source = createCredentialSource(env);
  const of = async (host: string) => {
    const found = await source.find(host, 'a');
    assert.ok(found.ok, JSON.stringify(found));
    return found.value?.kind === 'basic' ? found.value.username : found.value;
  };
  assert.equal(await of('r.example'), 'file');
  assert.equal(await of('both.example'), 'variable');
  assert.equal(await of('other.example'), undefined);
});

test('no config is no credentials; one that cannot be read, or is broken, is a problem', async (t) => {
  const dir = await makeTempDir(t);
  const find = (env: Readonly<Record<string, string>>) => createCredentialSource(env).find('r.example', 'a');
  const none = { ok: true, value: undefined };
  assert.deepEqual(await find({}), none);
  assert.deepEqual(await find({ DOCKER_AUTH_CONFIG: '' }), none);
  assert.deepEqual(await find({ DOCKER_CONFIG: path.join(dir, 'gone') }), none);
  await writeFile(path.join(dir, 'file'), '');
  assert.deepEqual(await find({ DOCKER_CONFIG: path.join(dir, 'file') }), none);
  await mkdir(path.join(dir, 'config.json'));
  const closed = await find({ DOCKER_CONFIG: dir });
  assert.ok(!closed.ok);
  assert.equal(closed.error[0]?.message, `${dir}/config.json cannot be read: EISDIR`);
  const inline = await find({ DOCKER_AUTH_CONFIG: '{' });
  assert.ok(!inline.ok);
  assert.equal(inline.error[0]?.message, 'DOCKER_AUTH_CONFIG is not a JSON object');
  const broken = await makeTree(t, { 'config.json': '[]' });
  const file = await find({ DOCKER_CONFIG: broken });
  assert.ok(!file.ok);
  assert.equal(file.error[0]?.message, `${broken}/config.json is not a JSON object`);
});

test('a helper that is not a name, or answers in no known form, or nothing, is dealt with', async (t) => {
  const dir = await makeTempDir(t);
  const run = async (script: string, name = 'test') => {
    await writeFile(path.join(dir, 'docker-credential-test'), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(dir, 'docker-credential-test'), 0o755);
    return await runCredentialHelper({
      name,
      server: 'r.example',
      env: { PATH: `${dir}:${process.env['PATH'] ?? ''}` },
    });
  };
  for (const name of ['../x', '', '.x', 'a/b', 'a b']) {
    const refused = await run('', name);
    assert.ok(!refused.ok, name);
    assert.equal(refused.error[0]?.code, 'registry/bad-config');
    assert.match(refused.error[0]?.message ?? '', /credential helper "/);
    assert.match(refused.error[0]?.hint ?? '', /letters, digits, dots/);
  }
  const ok = (value: unknown) => ({ ok: true, value });
  assert.deepEqual(
    await run('read -r s; [ "$1" = get ] && echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"$s\\"}"'),
    ok({ username: 'u', secret: 'r.example' }),
  );
  assert.deepEqual(await run('echo \'{"Username":"u","Secret":""}\''), ok(undefined));
  for (const words of [
    'Credentials Not Found in store',
    'no credentials server URL',
    'no credentials username',
  ])
    assert.deepEqual(await run(`echo "${words}"; exit 1`), ok(undefined));
  for (const text of ['no JSON', '[]', '{"Username":"u"}', '{"Secret":"s"}', '{"Username":7,"Secret":"s"}']) {
    const strange = await run(`echo '${text}'`);
    assert.ok(!strange.ok, text);
    assert.equal(strange.error[0]?.code, 'registry/credential-helper');
    assert.match(strange.error[0]?.message ?? '', /gave an invalid answer for r\.example$/);
    assert.match(strange.error[0]?.hint ?? '', /`echo r\.example \| docker-credential-test get`/);
    assert.ok(!('detail' in (strange.error[0] ?? {})));
  }
  const failed = await run('echo out; echo err >&2; exit 3');
  assert.ok(!failed.ok);
  assert.match(failed.error[0]?.message ?? '', /docker-credential-test failed for r\.example \(.*3.*\)/);
  assert.equal(failed.error[0]?.detail, 'out err');
  assert.match(failed.error[0]?.hint ?? '', /sign in again/);
  const joined = await run('printf out; printf err >&2; exit 3');
  assert.ok(!joined.ok && joined.error[0]?.detail === 'out err');
  const silent = await run('exit 3');
  assert.ok(!silent.ok && !('detail' in (silent.error[0] ?? {})));
});

test('challenges: what breaks the grammar ends them, what was read before stays', () => {
  const of = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(of(' , Basic , realm="x"'), [['basic', { realm: 'x' }]]);
  assert.deepEqual(of('Bearer REALM="x",Service = y'), [['bearer', { realm: 'x', service: 'y' }]]);
  assert.deepEqual(of('Bearer realm="a\\\\b\\"c"'), [['bearer', { realm: 'a\\b"c' }]]);
  assert.deepEqual(of('Bearer realm=x, (bad'), [['bearer', { realm: 'x' }]]);
  assert.deepEqual(of('Bearer realm='), [['bearer', {}]]);
  assert.deepEqual(of('Bearer realm="never ends'), [['bearer', {}]]);
  assert.deepEqual(of('Negotiate abc==, Basic realm=x'), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(of('Negotiate abc+/==='), [['negotiate', {}]]);
  assert.deepEqual(of('Basic realm="a\nb"'), [['basic', { realm: 'a\nb' }]]);
  assert.deepEqual(of('Basic'), [['basic', {}]]);
  assert.deepEqual(of('=x'), []);
  // A bare value is skipped whole, or not at all.
  for (const bare of ['abc', 'abc==', 'abc== ', 'a.b-c_d~e+f/g'])
    assert.deepEqual(of(`Negotiate ${bare}, Basic realm=x`), [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ]);
  assert.deepEqual(of('Negotiate "abc", Basic realm=x'), [['negotiate', {}]]);
  // Proxies that join headers without a comma, spaces around the equals sign, empty and unquoted values.
  assert.deepEqual(of('Negotiate Basic realm="x"'), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(of('Bearer  realm  =  "x"'), [['bearer', { realm: 'x' }]]);
  assert.deepEqual(of('Bearer scope="",realm=https://x/y,service="z"'), [
    ['bearer', { scope: '', realm: 'https://x/y', service: 'z' }],
  ]);
});

test('scopes are texts of their own form, and equal where they allow the same', () => {
  assert.equal(formatScope({ repository: 'a/b', actions: ['push', 'pull'] }), 'repository:a/b:pull,push');
  assert.deepEqual(uniteScopes(['registry', 'b:x,y', 'a:y'], ['b:w', 'registry']), [
    'a:y',
    'b:w,x,y',
    'registry',
  ]);
  assert.ok(coversScopes(['b:x,y', 'a:z'], ['a:z', 'b:y']));
  assert.ok(coversScopes(['a:x'], []));
  assert.ok(!coversScopes(['a:x', 'b:y'], ['a:x', 'b:z']));
  assert.ok(!coversScopes([], ['a:x']));
});

test('answers that another moment may change are tried again, a fault of the server is not', () => {
  assert.deepEqual(
    [200, 400, 404, 408, 429, 500, 502, 503, 504].filter(isRetryableStatus),
    [408, 429, 502, 503, 504],
  );
  const now = Date.parse('2030-01-01T00:00:00Z');
  assert.equal(parseRetryAfter(' 1.5 ', now), 1500);
  assert.equal(parseRetryAfter('0.0004', now), 0);
  assert.equal(parseRetryAfter('1.', now), undefined);
  assert.equal(parseRetryAfter('x1', now), undefined);
  assert.equal(parseRetryAfter('sunday', now), undefined);
  for (const day of ['Mon', 'tue', 'WED', 'Thu', 'Fri', 'Sat', 'Sun'])
    assert.equal(parseRetryAfter(`${day}, 01 Jan 2030 00:00:05 GMT`, now), 5000, day);
  assert.equal(parseRetryAfter('01 Jan 2030 00:00:05 GMT', now), undefined);
  assert.equal(parseRetryAfter('on Tue, 01 Jan 2030 00:00:05 GMT', now), undefined);
  assert.deepEqual([backoffMs(1, 0.5), backoffMs(2, 0, 100), backoffMs(5, 1, 100, 500)], [188, 100, 500]);
});

test('credentials travel by https, or plain where that was said, came so, or stays on this machine', () => {
  const registries = new Map([
    ['plain.example', { http: true }],
    ['secure.example', { http: false }],
  ]);
  const may = (url: string, fromPlain = false) => mayCarryCredentials(new URL(url), fromPlain, registries);
  assert.ok(may('https://x.example'));
  assert.ok(may('http://127.0.0.1:5000'));
  assert.ok(may('http://plain.example'));
  assert.ok(may('http://x.example', true));
  for (const url of ['http://x.example', 'http://secure.example', 'ftp://127.0.0.1'])
    assert.ok(!may(url), url);
  assert.ok(!may('ftp://127.0.0.1', true));
});

test('a token server has its own settings, else those of the registry on the same machine', () => {
  const own = { insecure: true };
  const registry = { ca: '/ca' };
  const registries = new Map([['auth.example:1', own]]);
  const of = (url: string, host: string) => realmSettings(new URL(url), host, registry, registries);
  assert.equal(of('https://auth.example:1/token', 'auth.example:2'), own);
  assert.equal(of('https://auth.example:3/token', 'auth.example:2'), registry);
  assert.deepEqual(of('https://other.example/token', 'auth.example'), {});
});

test('a helper that cannot be started says why, and one that is stopped with the run says that', async (t) => {
  const dir = await makeTempDir(t);
  const env = { PATH: dir };
  const gone = await runCredentialHelper({ name: 'x', server: 'r.example', env });
  assert.ok(!gone.ok);
  assert.equal(
    gone.error[0]?.message,
    'The credential helper docker-credential-x cannot be started: not found on PATH',
  );
  assert.equal(
    gone.error[0]?.hint,
    'Install docker-credential-x into PATH, or remove it from credsStore/credHelpers in the Docker config',
  );
  await writeFile(path.join(dir, 'docker-credential-x'), '#!/bin/sh\n');
  await chmod(path.join(dir, 'docker-credential-x'), 0o644);
  const closed = await runCredentialHelper({ name: 'x', server: 'r.example', env });
  assert.ok(!closed.ok);
  // Deno looks for programs itself, and passes over what nobody may run.
  const why = 'Deno' in globalThis ? 'not found on PATH' : 'EACCES';
  assert.equal(
    closed.error[0]?.message,
    `The credential helper docker-credential-x cannot be started: ${why}`,
  );

  await writeFile(path.join(dir, 'docker-credential-x'), '#!/bin/sh\nexec /bin/sleep 60\n');
  await chmod(path.join(dir, 'docker-credential-x'), 0o755);
  const late = await runCredentialHelper({ name: 'x', server: 'r.example', env, timeoutMs: 50 });
  assert.ok(!late.ok);
  assert.match(late.error[0]?.hint ?? '', /get` by hand: it may be waiting for a password or a browser$/);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const { signal } = abort;
  const stopped = await runCredentialHelper({ name: 'x', server: 'r.example', env, signal });
  assert.ok(!stopped.ok);
  assert.equal(stopped.error[0]?.code, 'run/cancelled');
});

test('the config is read once, and helpers are asked again only where that was said and a minute has passed', async (t) => {
  const dir = await makeTree(t, {
    'config.json': JSON.stringify({ credHelpers: { 'r.example': 'count' } }),
    'docker-credential-count': {
      content: `#!/bin/sh
echo run >> "$DOCKER_CONFIG/calls"
printf '{"Username":"u","Secret":"%d"}' "$(wc -l < "$DOCKER_CONFIG/calls")"
`,
      mode: 0o755,
    },
  });
  let now = 1_000_000;
  const source = createCredentialSource(
    { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` },
    { now: () => now },
  );
  const find = async (fresh?: boolean) => {
    const found = await source.find('r.example', 'a', fresh);
    return found.ok && found.value?.kind === 'basic' ? found.value.password : found;
  };
  assert.equal(await find(), '1');
  await writeFile(path.join(dir, 'config.json'), '{}');
  now += 60_000;
  assert.equal(await find(true), '1');
  now += 1;
  assert.equal(await find(), '1');
  assert.equal(await find(true), '2');
  assert.equal(await find(true), '2');
});
