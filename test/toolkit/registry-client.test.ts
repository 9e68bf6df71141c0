/** The registry client as scripts have it: what it refuses, names without a tag, and its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createRegistryClient,
  formatImageRef,
  type ImageRef,
  openLayout,
  type RegistryClient,
  readImageRef,
  unwrap,
} from '../../lib/mod.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { putBase } from '../rig/fake-world.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

async function start(t: Cleanup) {
  const server = await startFakeRegistry(t);
  const digest = putBase(server, 'base', '1', 'one');
  const client = createRegistryClient({ env: {} });
  t.after(() => client.close());
  const ref = (path: string): ImageRef => unwrap(readImageRef(`${server.host}/${path}`));
  return { server, client, digest, ref };
}

function asked(client: RegistryClient, ref: ImageRef): Readonly<Record<string, () => Promise<unknown>>> {
  const digest = ref.digest ?? `sha256:${'0'.repeat(64)}`;
  return {
    head: () => client.head(ref),
    resolveDigest: () => client.resolveDigest(ref),
    getManifest: () => client.getManifest(ref),
    getBlob: () => client.getBlob(ref, digest, 1),
    putBlob: () => client.putBlob(ref, new Uint8Array()),
    putManifest: () => client.putManifest(ref, { mediaType: 'x', bytes: new Uint8Array() }),
    tagManifest: () => client.tagManifest(ref, ref),
    copyImage: () => client.copyImage(ref, ref),
    listTags: () => client.listTags(ref),
    referrers: () => client.referrers({ ...ref, digest }),
    inspect: () => client.inspect(ref),
    checkPushAccess: () => client.checkPushAccess(ref),
  };
}

test('what is no reference is refused by every call, and so are options that there are not', async (t) => {
  const { server, client, ref } = await start(t);
  for (const [name, call] of Object.entries(asked(client, 'alpine:3' as never))) {
    if (name === 'referrers') continue;
    const message = `${name}() takes an unwrapped result of readImageRef(), not a text`;
    await assert.rejects(call, { name: 'TypeError', message });
  }
  for (const [name, call] of Object.entries(asked(client, { ...ref('base:1'), tagg: '2' } as never)))
    await assert.rejects(call, { message: `${name}() has no option "tagg". Did you mean "tag"?` });
  const one = ref('base:1');
  const refused: readonly (readonly [() => unknown, string])[] = [
    [
      () => client.copyImage(one, ref('b:1'), { referers: true } as never),
      'copyImage() has no option "referers". Did you mean "referrers"?',
    ],
    [
      () => client.copyImage(one, ref('b:1'), { onBlob: true } as never),
      'the option "onBlob" of copyImage() takes a function, and not a boolean',
    ],
    [
      () => client.head(one, { mirror: true } as never),
      'head() has no option "mirror". Did you mean "mirrors"?',
    ],
    [() => client.ping(undefined as never), 'ping() takes a text, and not undefined'],
  ];
  for (const [call, message] of refused)
    await assert.rejects(async () => call(), { name: 'TypeError', message });
  assert.deepEqual(server.lines(), []);
});

test('a copy without a tag gets that of the image, and nothing moves latest by surprise', async (t) => {
  const { server, client, digest, ref } = await start(t);
  const latest = putBase(server, 'base', 'latest', 'two');
  const named = async (from: string, to: string): Promise<string> => {
    const copied = unwrap(await client.copyImage(ref(from), ref(to)));
    const tagged = unwrap(await client.tagManifest(ref(from), ref(to)));
    assert.deepEqual([tagged.ref, tagged.action], [copied.ref, 'there']);
    return copied.ref.slice(server.host.length + 1);
  };
  assert.equal(await named('base:1', 'a'), 'a:1');
  assert.equal(await named(`base@${digest}`, 'b'), `b@${digest}`);
  assert.equal(await named('base:1', 'c:9'), 'c:9');
  // What is read without a tag is `latest`, as everywhere.
  assert.equal(await named('base', 'd'), 'd:latest');
  assert.equal(unwrap(await client.resolveDigest(ref('d'))), latest);
  for (const repository of ['a', 'b', 'c'])
    assert.equal(server.store.manifest(repository, 'latest'), undefined, repository);
});

test('what is put or pushed needs a tag or a digest', async (t) => {
  const { server, client, ref } = await start(t);
  const dir = await makeTempDir(t);
  await makeLayout(dir);
  const layout = unwrap(await openLayout(dir));
  const manifest = unwrap(await client.getManifest(ref('base:1')));
  const before = server.lines().length;
  for (const result of [
    await client.pushLayout(layout, ref('new')),
    await client.putManifest(ref('base'), manifest),
  ]) {
    assert.ok(!result.ok);
    assert.equal(result.error[0]?.code, 'registry/no-tag');
  }
  assert.equal(server.lines().length, before);
  const pushed = unwrap(await client.pushLayout(layout, ref('new:latest')));
  assert.equal(pushed.ref, formatImageRef(ref('new:latest')));
});

test('a client that was closed asks nobody, and says so, whatever it knew', async (t) => {
  const { server, client, ref } = await start(t);
  const one = ref('base:1');
  assert.equal((await client.head(one)).kind, 'present');
  assert.ok((await client.getManifest(one)).ok);
  await client.close();
  await client.close();
  const before = server.lines().length;
  for (const [name, call] of Object.entries(asked(client, one))) {
    const said = (await call()) as {
      ok?: boolean;
      error?: readonly { code: string }[];
      problem?: { code: string };
    };
    assert.equal((said.problem ?? said.error?.[0])?.code, 'registry/closed', name);
  }
  await assert.rejects(async () => {
    for await (const _ of client.streamBlob(one, { digest: `sha256:${'0'.repeat(64)}`, sizeBytes: 1 }));
  }, /closed/);
  assert.equal(server.lines().length, before);
});
