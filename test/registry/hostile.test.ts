/** Answers that were made to do harm: large, deep, full of control characters. The right words, in little time and memory. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import type { Digest, ImageRef, Problem, Result } from '../../lib/model/mod.ts';
import { createRegistryClient, type RegistryClient } from '../../lib/registry/mod.ts';
import { parseJson } from '../../lib/util/json.ts';
import { type FaultAnswer, type FaultRequest, sha256, startFaultRegistry } from '../rig/fault-registry.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const LIMIT = 4 * 1024 * 1024;
const DEEP = '['.repeat(LIMIT - 100);

async function clientAt(
  t: TestContext,
  answer: (request: FaultRequest) => FaultAnswer,
): Promise<{ readonly client: RegistryClient; readonly ref: ImageRef & { readonly tag: string } }> {
  const registry = await startFaultRegistry(t, answer);
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  return { client, ref: { registry: registry.host, repository: 'app', tag: 'dev' } };
}

const good = (type: string, body: string): FaultAnswer => ({
  status: 200,
  headers: { 'content-type': type },
  body,
});

function problemOf(result: Result<unknown>): Problem {
  assert(!result.ok);
  const [first] = result.error;
  assert(first !== undefined);
  return first;
}

/** Fails where something takes more than three seconds of processor time, on a machine that is busy. */
async function quickly<T>(work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(before);
  assert(user + system < 3_000_000, `${user + system} µs`);
  return done;
}

const entry = (at: number) => ({
  mediaType: MANIFEST,
  digest: `sha256:${at.toString(16).padStart(64, '0')}`,
  size: 1,
  platform: { os: 'linux', architecture: 'amd64' },
});

test('an index of fifteen thousand images, and a manifest of as many layers, are refused', async (t) => {
  const many = Array.from({ length: 15_000 }, (_, at) => entry(at));
  for (const [type, json] of [
    [INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: many }],
    [MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config: entry(1), layers: many }],
  ] as const) {
    const { client, ref } = await clientAt(t, () => good(type, JSON.stringify(json)));
    const found = await quickly(async () => problemOf(await client.getManifest(ref)));
    assert.equal(found.code, 'registry/too-large');
    assert.match(found.message, /names 15000 things for GET \S+; at most 2000 are read$/);
    assert.equal(problemOf(await client.inspect(ref)).code, 'registry/too-large');
  }
});

test('a manifest that is deep, no object, or just below the limit and empty, is none', async (t) => {
  const bodies = [DEEP, '[]', 'null', '1', '"x"', '', ' '.repeat(LIMIT), `{"manifests":${'['.repeat(100)}`];
  for (const body of bodies) {
    const { client, ref } = await clientAt(t, () => good(INDEX, body));
    const found = await quickly(async () => problemOf(await client.getManifest(ref)));
    assert.equal(found.code, 'registry/unexpected-answer', body.slice(0, 20));
    assert.match(found.message, /not an image manifest/);
  }
  const { client, ref } = await clientAt(t, () => good(INDEX, ' '.repeat(LIMIT + 1)));
  assert.equal(problemOf(await client.getManifest(ref)).code, 'registry/too-large');
});

test('a config that is deep or no object says nothing', async (t) => {
  for (const body of [DEEP, '[]', 'null', '{"config":{"Labels":[1]}}']) {
    const digest = sha256(body) as Digest;
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: { ...entry(1), digest }, layers: [] };
    const { client, ref } = await clientAt(t, ({ path }) =>
      path.includes('/blobs/')
        ? good('application/octet-stream', body)
        : good(MANIFEST, JSON.stringify(manifest)),
    );
    const inspected = await quickly(() => client.inspect(ref));
    assert(inspected.ok);
    assert.equal(inspected.value.platforms[0]?.platform, undefined);
    assert.equal(inspected.value.platforms[0]?.labels.size, 0);
  }
});

test('errors of a registry are shown shortly and without control characters', async (t) => {
  const errors = Array.from({ length: 500 }, () => ({
    code: `denied\u001b[2J${'x'.repeat(500)}`,
    message: `\u001b]0;title\u0007${'y'.repeat(5_000)}`,
  }));
  const bodies = [
    JSON.stringify({ errors }).slice(0, 60_000),
    JSON.stringify({ errors: errors.slice(0, 11) }),
  ];
  for (const body of [...bodies, DEEP.slice(0, 60_000), '{"errors":1}', '{"errors":[1,null,{"code":1}]}']) {
    const { client, ref } = await clientAt(t, () => ({
      status: 403,
      headers: { 'content-type': 'application/json' },
      body,
    }));
    const found = await quickly(async () => problemOf(await client.getManifest(ref)));
    assert.equal(found.code, 'registry/denied');
    const shown = `${found.message}${found.detail ?? ''}`;
    assert.doesNotMatch(shown, /\p{Cc}/u);
    assert(shown.length < 5_000, `${shown.length} characters`);
  }
});

test('a token that is deep, no object or no text is none', async (t) => {
  for (const body of ['['.repeat(60_000), '[]', 'null', '{"token":1}', '{"token":"a\\u001b"}']) {
    const { client, ref } = await clientAt(t, ({ path, headers }) =>
      path === '/token'
        ? good('application/json', body)
        : {
            status: 401,
            headers: { 'www-authenticate': `Bearer realm="http://${headers.host}/token",service="s"` },
          },
    );
    const found = await quickly(async () => problemOf(await client.getManifest(ref)));
    assert.equal(found.code, 'registry/unexpected-answer', body.slice(0, 20));
    assert.match(found.message, /gave no token$/);
  }
});

test('referrers without end, and pages at another host, are refused', async (t) => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  const page = (from: number, count: number) =>
    JSON.stringify({ manifests: Array.from({ length: count }, (_, at) => entry(from + at)) });
  let pages = 0;
  const endless = await clientAt(t, ({ path }) => {
    pages++;
    return {
      status: 200,
      headers: { 'content-type': INDEX, link: `<${path}?page=${pages}>; rel="next"` },
      body: page(pages * 1_000, 1_000),
    };
  });
  const found = await quickly(async () =>
    problemOf(await endless.client.referrers({ ...endless.ref, digest })),
  );
  assert.equal(found.code, 'registry/too-large');
  assert.equal(pages, 6);
  let elsewhere = 0;
  const other = await startFaultRegistry(t, () => {
    elsewhere++;
    return good(INDEX, page(0, 1));
  });
  const led = await clientAt(t, () => ({
    status: 200,
    headers: { 'content-type': INDEX, link: `<http://${other.host}/v2/>; rel="next"` },
    body: page(0, 1),
  }));
  const astray = problemOf(await led.client.referrers({ ...led.ref, digest }));
  assert.equal(astray.code, 'registry/unexpected-answer');
  assert.match(astray.message, /a next page of referrers at another host/);
  assert.equal(elsewhere, 0);
  for (const body of [DEEP, '[]', 'null', '{"manifests":{}}', '{"manifests":[1,{"digest":1}]}']) {
    const odd = await clientAt(t, () => good(INDEX, body));
    const read = await quickly(() => odd.client.referrers({ ...odd.ref, digest }));
    assert.deepEqual(read, { ok: true, value: [] });
  }
});

test('JSON is parsed down to sixty-four levels, brackets within texts not counted', () => {
  const parse = (text: string) => parseJson(new TextEncoder().encode(text));
  const nested = (depth: number) => `${'[1,{"a":'.repeat(depth / 2)}0${'}]'.repeat(depth / 2)}`;
  assert.notEqual(parse(nested(64)), undefined);
  assert.equal(parse(nested(66)), undefined);
  const text = `"${'['.repeat(100)}\\"${'{'.repeat(100)}é\\\\"`;
  assert.deepEqual(
    parse(`[${text}, {"${'['.repeat(99)}": 1}]`),
    JSON.parse(`[${text}, {"${'['.repeat(99)}": 1}]`),
  );
  // Beside one another they are not deep.
  assert.equal((parse(`[${'[],'.repeat(1_000)}[]]`) as readonly unknown[]).length, 1_001);
  for (const bad of ['', '{', '"', '"\\', '[}']) assert.equal(parse(bad), undefined, bad);
});
