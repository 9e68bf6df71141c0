/** The fake registry and a real one answer alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeRegistry } from './fake-registry.ts';
import { digestOfBytes } from './fake-registry-store.ts';
import { type HttpAnswer, sendRequest } from './http.ts';
import { realEngine, startTestRegistry } from './real-engine.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const BLOB = Buffer.from('some bytes\n');
const CONFIG = Buffer.from('{}');

const digests = { blob: digestOfBytes(BLOB), config: digestOfBytes(CONFIG), none: digestOfBytes('none') };

function manifestOf(layer: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: digests.config,
        size: CONFIG.length,
      },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size: BLOB.length }],
    }),
  );
}

/** Asks a registry everything that bake-ts and buildctl ask one; what came, a line each. */
async function examine(host: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const ask = async (
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Buffer,
  ): Promise<HttpAnswer> => {
    const url = new URL(target, `http://${host}`).href;
    const answer = await sendRequest(method, url, { headers, ...(body === undefined ? {} : { body }) });
    const shown = ['docker-content-digest', 'docker-distribution-api-version', 'range'].flatMap((name) =>
      answer.headers[name] === undefined ? [] : [`${name}: ${answer.headers[name]}`],
    );
    const isManifest = method !== 'PUT' && target.includes('/manifests/') && answer.status === 200;
    if (isManifest) shown.push(`${answer.headers['content-type']} ${answer.headers['content-length']}`);
    const codes = [...answer.body.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code);
    const path = target.replace(/^http:\/\/[^/]+/, '').replace(/uploads\/[^?]+.*/, 'uploads/ID');
    lines.push([method, path, answer.status, ...codes, ...shown].join(' '));
    return answer;
  };
  const begin = async (query = '') => {
    const answer = await ask('POST', `/v2/some/one/blobs/uploads/${query}`);
    assert.match(answer.headers.location ?? '', /^http:\/\//, 'the address is whole');
    return answer.headers.location ?? '';
  };
  const withDigest = (location: string, digest: string) => `${location}&digest=${digest}`;
  const octets = { 'content-type': 'application/octet-stream' };
  const upload = async (bytes: Buffer, digest: string) =>
    ask('PUT', withDigest(await begin(), digest), octets, bytes);

  await ask('GET', '/v2/');
  await ask('HEAD', '/v2/some/one/manifests/1', { accept: MANIFEST });
  await ask('GET', '/v2/some/one/manifests/1', { accept: MANIFEST });
  await ask('HEAD', `/v2/some/one/blobs/${digests.blob}`);
  await upload(BLOB, digests.blob);
  await upload(CONFIG, digests.config);
  await upload(BLOB, digests.none);
  const patched = await ask('PATCH', await begin(), octets, BLOB.subarray(0, 4));
  const next = patched.headers.location ?? '';
  await ask('GET', next);
  await ask('PUT', withDigest(next, digests.blob), octets, BLOB.subarray(4));
  await ask('DELETE', await begin());
  await ask('HEAD', `/v2/some/one/blobs/${digests.blob}`);
  assert.equal((await ask('GET', `/v2/some/one/blobs/${digests.blob}`)).body, BLOB.toString());
  await ask('GET', `/v2/some/one/blobs/${digests.none}`);
  await ask('POST', `/v2/other/blobs/uploads/?mount=${digests.blob}&from=some%2Fone`);
  await ask('POST', `/v2/other/blobs/uploads/?mount=${digests.none}&from=some%2Fone`);
  const type = { 'content-type': MANIFEST };
  const whole = manifestOf(digests.blob);
  await ask('PUT', '/v2/some/one/manifests/1', type, manifestOf(digests.none));
  await ask('PUT', `/v2/some/one/manifests/${digests.none}`, type, whole);
  await ask('PUT', `/v2/some/one/manifests/${digestOfBytes(whole)}`, type, whole);
  await ask('PUT', '/v2/some/one/manifests/1', type, whole);
  await ask('HEAD', '/v2/some/one/manifests/1', { accept: `text/plain, ${MANIFEST}` });
  await ask('GET', `/v2/some/one/manifests/${digestOfBytes(whole)}`, { accept: '*/*' });
  await ask('GET', '/v2/some/one/tags/list');
  await ask('GET', '/v2/nobody/tags/list');
  await ask('DELETE', `/v2/some/one/manifests/${digestOfBytes(whole)}`);
  await ask('HEAD', '/v2/some/one/manifests/1', { accept: MANIFEST });
  return lines;
}

test('the fake registry answers as the distribution spec says', async (t) => {
  const registry = await startFakeRegistry(t);
  const lines = await examine(registry.host);
  assert.equal(lines.length, registry.requests.length);
  assert(lines.includes(`HEAD /v2/some/one/manifests/1 404 docker-distribution-api-version: registry/2.0`));
  assert.deepEqual(
    lines.flatMap((line) => / (4\d\d) ([A-Z_]+)/.exec(line)?.slice(1, 3).join(' ') ?? []),
    [
      '404 MANIFEST_UNKNOWN',
      '400 DIGEST_INVALID',
      '404 BLOB_UNKNOWN',
      '400 MANIFEST_BLOB_UNKNOWN',
      '400 DIGEST_INVALID',
      // With `Accept: */*`, as distribution 2 does it.
      '404 MANIFEST_UNKNOWN',
      '404 NAME_UNKNOWN',
    ],
  );
});

test('the fake registry answers as a real one', { skip: realEngine.skip }, async (t) => {
  const fake = await startFakeRegistry(t);
  const real = await startTestRegistry(t);
  assert.deepEqual(await examine(fake.host), await examine(real.host));
});
