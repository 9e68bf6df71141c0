/** Listing the tags of a repository: pages, and answers that are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { putBase } from '../rig/fake-world.ts';
import { type FaultAnswer, type FaultRequest, startFaultRegistry } from '../rig/fault-registry.ts';
import type { Cleanup } from '../rig/temp.ts';

async function listAt(t: Cleanup, answer: (request: FaultRequest) => FaultAnswer) {
  const registry = await startFaultRegistry(t, answer);
  const client = createRegistryClient({ env: {}, sleep: async () => undefined });
  t.after(() => client.close());
  const result = await client.listTags({ registry: registry.host, repository: 'app', tag: 'unused' });
  return result.ok ? result.value : result.error.map(({ code }) => code);
}

const page = (body: unknown, link?: string): FaultAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...(link === undefined ? {} : { link }) },
  body: JSON.stringify(body),
});

test('the tags of a repository are listed; one that is not there is a problem', async (t) => {
  const registry = await startFakeRegistry(t);
  for (const tag of ['1', '2']) putBase(registry, 'app', tag, tag);
  const client = createRegistryClient({ env: {} });
  t.after(() => client.close());
  const listed = await client.listTags({ registry: registry.host, repository: 'app' });
  assert.deepEqual(listed, { ok: true, value: ['1', '2'] });
  const missing = await client.listTags({ registry: registry.host, repository: 'other' });
  assert.ok(!missing.ok);
  assert.deepEqual(
    missing.error.map(({ code }) => code),
    ['registry/not-found'],
  );
});

test('pages are followed to the last one, and each tag comes once', async (t) => {
  const tags = await listAt(t, ({ query }) =>
    query.get('last') === 'b'
      ? page({ tags: ['b', 'c'] })
      : page({ tags: ['a', 'b'] }, '</v2/app/tags/list?last=b>; rel="next"'),
  );
  assert.deepEqual(tags, ['a', 'b', 'c']);
});

test('a repository without tags has none', async (t) => {
  assert.deepEqual(await listAt(t, () => page({ name: 'app', tags: null })), []);
});

test('pages that lead to another host, that never end, or that hold no tags are problems', async (t) => {
  const astray = await listAt(t, () => page({ tags: [] }, '<http://192.0.2.1/>; rel="next"'));
  assert.deepEqual(astray, ['registry/unexpected-answer']);
  const endless = await listAt(t, () => page({ tags: ['a'] }, '</v2/app/tags/list?n=1>; rel="next"'));
  assert.deepEqual(endless, ['registry/too-large']);
  for (const body of [[], { tags: 'a' }, { tags: [1] }, {}])
    assert.deepEqual(await listAt(t, () => page(body)), ['registry/unexpected-answer'], JSON.stringify(body));
});
