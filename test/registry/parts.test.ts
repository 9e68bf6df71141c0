import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parseChallenges } from '../../lib/registry/challenge.ts';
import { runCredentialHelper } from '../../lib/registry/credential-helper.ts';
import { createCredentialSource, credentialKeys, parseDockerConfig } from '../../lib/registry/credentials.ts';
import { endpointOf } from '../../lib/registry/endpoint.ts';
import { manifestFrom, measureImage, parseManifest, platformManifests } from '../../lib/registry/manifest.ts';
import { redactUrl } from '../../lib/registry/problems.ts';
import { parseProxy, proxyFor } from '../../lib/registry/proxy.ts';
import { backoffMs, parseRetryAfter } from '../../lib/registry/retry.ts';
import { coversScopes, uniteScopes } from '../../lib/registry/scope.ts';
import { sha256 } from '../rig/fault-registry.ts';
import { type Cleanup, makeTree } from '../rig/temp.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function challenges(header: string): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test('challenges are read with quotes, escapes, several schemes, and without quotes', () => {
  assert.deepEqual(
    challenges(
      'Bearer realm="https://auth.example/token?a=1,b",service="reg",scope="repository:a/b:pull,push"',
    ),
    [
      [
        'bearer',
        { realm: 'https://auth.example/token?a=1,b', service: 'reg', scope: 'repository:a/b:pull,push' },
      ],
    ],
  );
  assert.deepEqual(challenges('Basic realm="a \\"b\\"", Bearer realm=https://x/y , service=z'), [
    ['basic', { realm: 'a "b"' }],
    ['bearer', { realm: 'https://x/y', service: 'z' }],
  ]);
  assert.deepEqual(challenges('Negotiate, NTLM TlRMTVNTUAAB==, BASIC Realm = "x"'), [
    ['negotiate', {}],
    ['ntlm', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(challenges('Bearer realm="one",realm="two"'), [['bearer', { realm: 'one' }]]);
  assert.deepEqual(challenges(''), []);
  assert.deepEqual(challenges('"no scheme"'), []);
});

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('7', now), 7000);
  assert.equal(parseRetryAfter('Tue, 01 Jan 2030 00:00:05 GMT', now), 5000);
  assert.equal(parseRetryAfter('Tue, 01 Jan 2019 00:00:05 GMT', now), 0);
  for (const text of [undefined, '', 'soon', '-1', '5 apples'])
    assert.equal(parseRetryAfter(text, now), undefined);
});

test('the backoff doubles, is half random, and has a ceiling', () => {
  assert.deepEqual(
    [1, 2, 3].map((attempt) => backoffMs(attempt, 1)),
    [250, 500, 1000],
  );
  assert.equal(backoffMs(1, 0), 125);
  assert.equal(backoffMs(30, 1), 8000);
});

test('scopes are united for each repository, and a wider token covers a narrower wish', () => {
  assert.deepEqual(
    uniteScopes(['repository:a:pull'], ['repository:a:push,pull', 'repository:h:5000/b:pull']),
    ['repository:a:pull,push', 'repository:h:5000/b:pull'],
  );
  assert.equal(coversScopes(['repository:a:pull,push'], ['repository:a:pull']), true);
  assert.equal(coversScopes(['repository:a:pull'], ['repository:a:pull,push']), false);
  assert.equal(coversScopes(['repository:a:pull'], ['repository:b:pull']), false);
});

test('proxies follow the variables as Go reads them', () => {
  const env = {
    HTTPS_PROXY: 'proxy:3128',
    http_proxy: 'http://plain:1',
    NO_PROXY: 'a.example, .b.example,10.0.0.0/8,c.example:8443,*.d.example',
  };
  const of = (url: string) => proxyFor(new URL(url), env)?.proxy;
  assert.equal(of('https://x.example/'), 'http://proxy:3128');
  assert.equal(of('http://x.example/'), 'http://plain:1');
  for (const url of [
    'https://a.example',
    'https://sub.a.example',
    'https://x.b.example',
    'https://10.1.2.3',
    'https://c.example:8443',
    'https://x.d.example',
    'http://localhost:5000',
    'http://127.0.0.9',
    'http://[::1]:5000',
  ])
    assert.equal(of(url), undefined, url);
  for (const url of ['https://b.example', 'https://11.1.2.3', 'https://c.example', 'https://nota.example'])
    assert.equal(of(url), 'http://proxy:3128', url);
  assert.equal(
    proxyFor(new URL('http://x.example'), { HTTP_PROXY: 'p:1', REQUEST_METHOD: 'GET' }),
    undefined,
  );
  assert.equal(proxyFor(new URL('https://x.example'), { HTTPS_PROXY: 'p:1', NO_PROXY: '*' }), undefined);
});

test('the user of a proxy may have no password, and a broken one is reported', () => {
  const of = (text: string) => parseProxy(text)?.authorization;
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  assert.equal(of('http://u%40d:p%3Ax@proxy:1'), basic('u@d:p:x'));
  assert.equal(of('http://alone@proxy:1'), basic('alone:'));
  assert.equal(of('http://proxy:1'), undefined);
  assert.equal(parseProxy('http://u:p@proxy:1')?.url.href, 'http://proxy:1/');
  assert.equal(parseProxy('http://u%er:p@proxy:1'), undefined);
  assert.equal(parseProxy('http://'), undefined);
});

test('http is spoken where it was said and on loopback, Docker Hub has its own address', () => {
  const of = (host: string, settings = {}) => endpointOf(host, new Map([[host, settings]])).origin;
  assert.equal(of('docker.io'), 'https://registry-1.docker.io');
  assert.equal(of('r.example:5000'), 'https://r.example:5000');
  assert.equal(of('r.example', { http: true }), 'http://r.example');
  assert.equal(of('localhost:5000'), 'http://localhost:5000');
  assert.equal(of('127.8.8.8'), 'http://127.8.8.8');
  assert.equal(of('[::1]:5000'), 'http://[::1]:5000');
  assert.equal(of('localhost:5000', { http: false }), 'https://localhost:5000');
  assert.equal(of('localhost:5000', { ca: '/ca.pem' }), 'https://localhost:5000');
  assert.equal(of('localhost.example'), 'https://localhost.example');
});

test('a URL in a message has no user, no query and no fragment', () => {
  assert.equal(redactUrl(new URL('https://u:p@h.example/a?X-Signature=abc#f')), 'https://h.example/a?…');
});

test('a Docker config gives every kind of credentials', () => {
  const parsed = parseDockerConfig(
    JSON.stringify({
      auths: {
        'a.example': { auth: base64('user:pass:word') },
        'b.example': { username: 'u', password: 'p' },
        'c.example': { auth: base64('u:p'), identitytoken: 'it' },
        'd.example': { registrytoken: 'rt' },
        'e.example': {},
      },
      credsStore: 'desktop',
      credHelpers: { 'f.example': 'ecr-login' },
    }),
    'config.json',
  );
  assert.ok(parsed.ok);
  assert.deepEqual(Object.fromEntries(parsed.value.auths), {
    'a.example': { kind: 'basic', username: 'user', password: 'pass:word' },
    'b.example': { kind: 'basic', username: 'u', password: 'p' },
    'c.example': { kind: 'identity', token: 'it' },
    'd.example': { kind: 'registry', token: 'rt' },
  });
  assert.equal(parsed.value.credsStore, 'desktop');
  assert.equal(parsed.value.credHelpers.get('f.example'), 'ecr-login');
});

test('a broken Docker config is named without showing what is in it', () => {
  for (const text of [
    '{"auths": {"x": {"auth": "s3cr3t',
    '[]',
    JSON.stringify({ auths: { x: { auth: base64('s3cr3t') } } }),
  ]) {
    const parsed = parseDockerConfig(text, '/home/u/.docker/config.json');
    assert.ok(!parsed.ok);
    assert.equal(parsed.error[0]?.code, 'registry/bad-config');
    assert.doesNotMatch(JSON.stringify(parsed.error), /s3cr3t/);
  }
});

test('credentials are looked up by path first, then by host in all its spellings', () => {
  const keys = credentialKeys('r.example', 'a/b');
  assert.deepEqual(keys.slice(0, 3), ['r.example/a/b', 'r.example/a', 'r.example']);
  assert.ok(keys.includes('https://r.example/v2/'));
  assert.ok(credentialKeys('docker.io', 'library/x').includes('https://index.docker.io/v1/'));
});

async function helperFolder(t: Cleanup, script: string): Promise<{ DOCKER_CONFIG: string; PATH: string }> {
  const dir = await makeTree(t, {
    'config.json': JSON.stringify({ credHelpers: { 'r.example': 'test' }, credsStore: 'other' }),
  });
  const file = path.join(dir, 'docker-credential-test');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
}

test('a credential helper is asked on its standard input, once, and again only when its answer is old', async (t) => {
  const env = await helperFolder(
    t,
    'read -r server\necho run >> "$DOCKER_CONFIG/calls"\nn=$(wc -l < "$DOCKER_CONFIG/calls")\nprintf \'{"ServerURL":"%s","Username":"%s","Secret":"n%d"}\' "$server" "$server-$1" "$n"',
  );
  let now = 0;
  const source = createCredentialSource(env, { now: () => now });
  const first = { ok: true, value: { kind: 'basic', username: 'r.example-get', password: 'n1' } };
  const both = await Promise.all([source.find('r.example', 'a'), source.find('r.example', 'b')]);
  assert.deepEqual(both, [first, first]);
  assert.deepEqual(await source.find('r.example', 'a', true), first);
  now = 61_000;
  const renewed = await source.find('r.example', 'a', true);
  assert.ok(renewed.ok && renewed.value?.kind === 'basic');
  assert.equal(renewed.value.password, 'n2');
});

test('a helper user named <token> stands for an identity token', async (t) => {
  const env = await helperFolder(t, `printf '{"Username":"<token>","Secret":"it"}'`);
  const found = await createCredentialSource(env).find('r.example', 'a');
  assert.deepEqual(found, { ok: true, value: { kind: 'identity', token: 'it' } });
});

test('a helper that knows nothing gives no credentials, one that fails or is not there a problem', async (t) => {
  const none = await helperFolder(t, 'echo "credentials not found in native keychain"; exit 1');
  assert.deepEqual(await createCredentialSource(none).find('r.example', 'a'), { ok: true, value: undefined });
  const failing = await helperFolder(t, 'echo "token expired" >&2; exit 3');
  const failed = await createCredentialSource(failing).find('r.example', 'a');
  assert.ok(!failed.ok);
  assert.equal(failed.error[0]?.code, 'registry/credential-helper');
  assert.match(failed.error[0]?.detail ?? '', /token expired/);
  const missing = await createCredentialSource(none).find('elsewhere.example', 'a');
  assert.ok(!missing.ok);
  assert.match(
    missing.error[0]?.message ?? '',
    /docker-credential-other cannot be started: not found on PATH/,
  );
});

test('a helper that does not answer in time is a problem', async (t) => {
  const env = await helperFolder(t, 'sleep 60');
  const found = await runCredentialHelper({ name: 'test', server: 'r.example', env, timeoutMs: 100 });
  assert.ok(!found.ok);
  assert.match(
    found.error[0]?.message ?? '',
    /docker-credential-test did not answer for r\.example in 0\.1 s/,
  );
});

test('DOCKER_AUTH_CONFIG comes before the file', async (t) => {
  const dir = await makeTree(t, {
    'config.json': JSON.stringify({ auths: { 'r.example': { auth: base64('file:x') } } }),
  });
  const inline = JSON.stringify({ auths: { 'r.example': { auth: base64('inline:x') } } });
  const found = await createCredentialSource({ DOCKER_CONFIG: dir, DOCKER_AUTH_CONFIG: inline }).find(
    'r.example',
    'a',
  );
  assert.ok(found.ok && found.value?.kind === 'basic');
  assert.equal(found.value.username, 'inline');
});

test('an index shows its images by normalised platform and leaves attestations out', async () => {
  const index = 'application/vnd.oci.image.index.v1+json';
  const layer = { mediaType: 'x', digest: sha256('layer'), size: 100 };
  const image = (mark: string) =>
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: 'x', digest: sha256(mark), size: 10 },
      layers: [layer],
    });
  const child = (mark: string, platform: object, annotations = {}) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: sha256(image(mark)),
    size: 1,
    platform,
    annotations,
  });
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: index,
    manifests: [
      child('a', { os: 'linux', architecture: 'arm64', variant: 'v8' }),
      child('b', { os: 'linux', architecture: 'amd64' }),
      child(
        'c',
        { os: 'unknown', architecture: 'unknown' },
        { 'vnd.docker.reference.type': 'attestation-manifest' },
      ),
    ],
  });
  const manifest = manifestFrom(bytesOf(text), undefined);
  assert.ok(manifest !== undefined);
  assert.equal(manifest.digest, sha256(text));
  assert.deepEqual(
    platformManifests(manifest).map((one) => one.platform),
    ['linux/arm64', 'linux/amd64'],
  );
  const asked: string[] = [];
  const measured = await measureImage(manifest, '', async (digest) => {
    asked.push(digest);
    return ['a', 'b']
      .map(image)
      .map((one) => parseManifest(bytesOf(one), digest))
      .find((one) => one !== undefined);
  });
  assert.equal(measured?.sizeBytes, 120, 'the shared layer counts once');
  assert.deepEqual(
    measured.layers.map(({ platform }) => platform),
    ['linux/arm64', 'linux/amd64'],
  );
  assert.equal(asked.length, 2, 'attestations are not read');
  assert.equal(parseManifest(bytesOf(text), sha256('other')), undefined);
  assert.equal(manifestFrom(bytesOf('<html>'), index), undefined);
  assert.equal(manifestFrom(bytesOf('{"message":"no route"}'), 'application/json'), undefined);
});
