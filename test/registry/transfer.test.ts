/** Bringing images from place to place: what is sent, in which order, and what becomes of it where something is wrong. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Digest, type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import {
  createRegistryClient,
  type RegistryClientOptions,
  withoutRepeatedRefusals,
} from '../../lib/registry/mod.ts';
import {
  type FaultAnswer,
  type FaultRegistry,
  type FaultRequest,
  sha256,
  specError,
  startFaultRegistry,
} from '../rig/fault-registry.ts';
import { answerFrom, emptyState, putText, type ScriptedState } from '../rig/scripted-repository.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function clientFor(t: TestContext, options: Partial<RegistryClientOptions> = {}) {
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, ...options });
  t.after(() => client.close());
  return client;
}

interface Scripted extends FaultRegistry {
  readonly state: ScriptedState;
}

async function start(
  t: TestContext,
  own: (request: FaultRequest) => FaultAnswer | undefined = () => undefined,
): Promise<Scripted> {
  const state = emptyState();
  return { ...(await startFaultRegistry(t, answerFrom(state, own))), state };
}

const descriptor = (content: string, rest: object = {}) => ({
  mediaType: 'application/octet-stream',
  digest: sha256(content),
  size: content.length,
  ...rest,
});

/** An image of one layer in a repository. */
function putImage(
  state: ScriptedState,
  repository: string,
  tag: string | undefined,
  layers: readonly string[],
): Digest {
  for (const content of ['{}', ...layers]) state.blobs.set(`${repository} ${sha256(content)}`, content);
  return putText(state, repository, tag, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('{}'),
    layers: layers.map((layer) => descriptor(layer)),
  });
}

/** `METHOD PATH` of what was asked, digests by name. */
function linesOf({ requests }: FaultRegistry, names: Readonly<Record<string, string>>): readonly string[] {
  return requests.map(({ method, path }) =>
    Object.entries(names).reduce(
      (line, [digest, name]) => line.replaceAll(digest, name),
      `${method} ${path}`,
    ),
  );
}

test('an image goes to another registry blob by blob, its name last; a second time nothing is sent', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  const digest = putImage(from.state, 'a/src', '1', ['layer']);
  to.state.blobs.set(`b/dst ${sha256('{}')}`, '{}');
  const seen: unknown[] = [];
  const client = clientFor(t);
  const source = ref(`${from.host}/a/src:1`);
  const copied = await client.copyImage(source, ref(`${to.host}/b/dst:x`), {
    onBlob: ({ state, digest, totalBytes }) => state === 'sent' && seen.push([digest, totalBytes]),
  });
  assert.deepEqual(copied, {
    ok: true,
    value: {
      ref: `${to.host}/b/dst:x`,
      digest,
      mediaType: MANIFEST,
      action: 'put',
      previous: { kind: 'absent' },
      blobs: { mounted: 0, copied: 1, there: 1 },
      copiedBytes: 5,
      referrers: 0,
    },
  });
  assert.deepEqual(seen, [[sha256('layer'), 5]]);
  assert.equal(to.state.blobs.get(`b/dst ${sha256('layer')}`), 'layer');
  assert.equal(to.state.manifests.get('b/dst x')?.text, from.state.manifests.get('a/src 1')?.text);
  const names = { [sha256('{}')]: 'CONFIG', [sha256('layer')]: 'LAYER' };
  const lines = linesOf(to, names);
  assert.deepEqual([...lines].sort(), [
    'HEAD /v2/b/dst/blobs/CONFIG',
    'HEAD /v2/b/dst/blobs/LAYER',
    'HEAD /v2/b/dst/manifests/x',
    'POST /v2/b/dst/blobs/uploads/',
    'PUT /v2/b/dst/blobs/uploads/one',
    'PUT /v2/b/dst/manifests/x',
  ]);
  assert.equal(lines.at(-1), 'PUT /v2/b/dst/manifests/x');
  const put = to.requests.find(({ path }) => path.endsWith('/one'));
  assert.equal(
    put?.target,
    `/v2/b/dst/blobs/uploads/one?state=a%2Fb&digest=${encodeURIComponent(sha256('layer'))}`,
  );
  assert.equal(put?.headers['content-length'], '5');
  assert.equal(put?.headers['content-type'], 'application/octet-stream');

  const again = await clientFor(t).copyImage(source, ref(`${to.host}/b/dst:x`));
  assert.ok(again.ok);
  assert.equal(again.value.action, 'there');
  assert.equal(again.value.mediaType, MANIFEST);
  assert.deepEqual(again.value.previous, {
    kind: 'present',
    digest,
    mediaType: MANIFEST,
    sizeBytes: from.state.manifests.get('a/src 1')?.text.length,
  });
  assert.deepEqual(linesOf(to, names).slice(lines.length), ['HEAD /v2/b/dst/manifests/x']);
});

test('below an index the platforms come first, each blob once, and a platform that is there is not looked into', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  const children = [['shared', 'one'], ['shared', 'two'], ['three']].map((layers) =>
    putImage(from.state, 'a', undefined, layers),
  );
  const [, , known = 'sha256:'] = children;
  to.state.manifests.set(`b ${known}`, from.state.manifests.get(`a ${known}`) ?? assert.fail());
  const index = {
    schemaVersion: 2,
    manifests: children.map((digest) => ({ mediaType: MANIFEST, digest, size: 1 })),
  };
  const digest = putText(from.state, 'a', '1', index, INDEX);
  const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b`));
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.equal(copied.value.digest, digest);
  assert.equal(copied.value.mediaType, INDEX);
  assert.deepEqual(copied.value.blobs, { mounted: 0, copied: 4, there: 0 });
  assert.equal(copied.value.copiedBytes, '{}sharedonetwo'.length);
  const puts = to.lines().filter((line) => line.startsWith('PUT /v2/b/manifests/'));
  assert.deepEqual(
    puts.slice(0, 2).sort(),
    children
      .slice(0, 2)
      .map((one) => `PUT /v2/b/manifests/${one}`)
      .sort(),
  );
  // Without a tag the new name has that of the image.
  assert.deepEqual(puts.slice(2), ['PUT /v2/b/manifests/1']);
  assert.equal(copied.value.ref, `${to.host}/b:1`);
  assert.ok(!to.state.blobs.has(`b ${sha256('three')}`));
  assert.equal(from.lines().filter((line) => line === `GET /v2/a/blobs/${sha256('shared')}`).length, 1);
});

test('in one registry blobs are mounted; where it does not mount, the upload that it began is used', async (t) => {
  for (const mounts of [true, false]) {
    const server = await start(t);
    server.state.mounts = mounts;
    putImage(server.state, 'a/src', '1', ['layer']);
    const copied = await clientFor(t).tagManifest(ref(`${server.host}/a/src:1`), ref(`${server.host}/b:1`));
    assert.ok(copied.ok, JSON.stringify(copied));
    assert.deepEqual(
      copied.value.blobs,
      mounts ? { mounted: 2, copied: 0, there: 0 } : { mounted: 0, copied: 2, there: 0 },
    );
    assert.equal(server.state.blobs.get(`b ${sha256('layer')}`), 'layer');
    const posts = server.requests.filter(({ method }) => method === 'POST');
    assert.deepEqual(
      posts.map(({ query }) => [query.get('mount'), query.get('from')]).sort(),
      [
        [sha256('{}'), 'a/src'],
        [sha256('layer'), 'a/src'],
      ].sort(),
    );
  }
});

test('what copies of one client have in common goes over the line once, and is mounted after that', async (t) => {
  for (const mounts of [true, false]) {
    const [from, to] = [await start(t), await start(t)];
    to.state.mounts = mounts;
    for (const name of ['a', 'b', 'c']) putImage(from.state, name, '1', ['shared', `own of ${name}`]);
    const client = clientFor(t);
    const copied = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        client.copyImage(ref(`${from.host}/${name}:1`), ref(`${to.host}/live/${name}:1`)),
      ),
    );
    const counts = copied.map((one) => (one.ok ? one.value.blobs : assert.fail(JSON.stringify(one))));
    const sum = (of: (one: (typeof counts)[0]) => number) => counts.reduce((all, one) => all + of(one), 0);
    // The config of all three is the same, too.
    assert.equal(
      sum((one) => one.copied),
      mounts ? 5 : 9,
    );
    assert.equal(
      sum((one) => one.mounted),
      mounts ? 4 : 0,
    );
    const gets = from.requests.filter(({ path }) => path.endsWith(sha256('shared')));
    assert.equal(gets.length, mounts ? 1 : 3);
    for (const name of ['a', 'b', 'c'])
      assert.equal(to.state.blobs.get(`live/${name} ${sha256('shared')}`), 'shared');
  }
});

test('where a blob cannot be sent or mounted, the next copy takes the long way', async (t) => {
  const from = await start(t);
  for (const name of ['a', 'b', 'c']) putImage(from.state, name, '1', ['shared']);
  const refused = { status: 403, body: '{"errors":[{"code":"DENIED"}]}' };
  const to = await start(t, ({ method, path, query }) => {
    if (method !== 'POST') return undefined;
    // Nobody may write to the first, and nobody may mount at all.
    return path.startsWith('/v2/live/a/') || query.has('mount') ? refused : undefined;
  });
  const client = clientFor(t);
  const copied = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      client.copyImage(ref(`${from.host}/${name}:1`), ref(`${to.host}/live/${name}:1`)),
    ),
  );
  assert.deepEqual(
    copied.map((one) => one.ok && one.value.blobs),
    [false, { mounted: 0, copied: 2, there: 0 }, { mounted: 0, copied: 2, there: 0 }],
  );
});

test('two images for one repository send what they share once', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  putImage(from.state, 'a', '1', ['shared', 'one']);
  putImage(from.state, 'a', '2', ['shared', 'two']);
  const client = clientFor(t);
  const copied = await Promise.all(
    ['1', '2'].map((tag) => client.copyImage(ref(`${from.host}/a:${tag}`), ref(`${to.host}/b:${tag}`))),
  );
  const counts = copied.map((one) => (one.ok ? one.value.blobs : assert.fail(JSON.stringify(one))));
  assert.equal(
    counts.reduce((sum, { copied: sent }) => sum + sent, 0),
    4,
  );
  assert.ok(!to.requests.some(({ query }) => query.has('mount')));
});

test('in one repository nothing but the name is written', async (t) => {
  const server = await start(t);
  const digest = putImage(server.state, 'a', '1', ['layer']);
  const copied = await clientFor(t).tagManifest(ref(`${server.host}/a@${digest}`), ref(`${server.host}/a:2`));
  assert.ok(copied.ok);
  assert.deepEqual(server.lines(), [
    'HEAD /v2/a/manifests/2',
    `GET /v2/a/manifests/${digest}`,
    'PUT /v2/a/manifests/2',
  ]);
});

test('foreign layers stay where they are', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  from.state.blobs.set(`a ${sha256('{}')}`, '{}');
  const layers = [descriptor('far', { urls: ['https://example.com/far'] })];
  putText(from.state, 'a', '1', { schemaVersion: 2, mediaType: MANIFEST, config: descriptor('{}'), layers });
  const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.deepEqual(copied.value.blobs, { mounted: 0, copied: 1, there: 0 });
});

test('by digest an image goes only to the same digest', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  const digest = putImage(from.state, 'a', '1', ['layer']);
  const source = ref(`${from.host}/a:1`);
  const other = sha256('other');
  const refused = await clientFor(t).copyImage(source, ref(`${to.host}/b@${other}`));
  assert.ok(!refused.ok);
  assert.equal(refused.error[0]?.code, 'registry/bad-digest');
  assert.equal(refused.error[0]?.hint, 'Use a tag or the same digest');
  assert.ok(to.lines().every((line) => line.startsWith('HEAD ')));
  const copied = await clientFor(t).copyImage(source, ref(`${to.host}/b@${digest}`));
  assert.ok(copied.ok);
  assert.deepEqual([...to.state.manifests.keys()], [`b ${digest}`]);
});

/** What a source sends in place of `layer`, and what is said of it. */
const WRONG: readonly (readonly [string, FaultAnswer, RegExp])[] = [
  ['other bytes', { status: 200, body: 'LAYER' }, new RegExp(`${sha256('LAYER')}`)],
  ['too few bytes', { status: 200, body: 'laye' }, /4 bytes/],
  ['too many bytes', { status: 200, body: `layer${'x'.repeat(200_000)}` }, /more than \d+ bytes/],
];

for (const [what, answer, said] of WRONG) {
  test(`a blob of ${what} never becomes whole at its target`, async (t) => {
    const from = await start(t, ({ method, path }) =>
      method === 'GET' && path.endsWith(sha256('layer')) ? answer : undefined,
    );
    const to = await start(t);
    putImage(from.state, 'a', '1', ['layer']);
    const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
    assert.ok(!copied.ok);
    assert.equal(copied.error[0]?.code, 'registry/bad-digest');
    assert.match(`${copied.error[0]?.message} ${copied.error[0]?.detail}`, said);
    // The body of a PUT that reached its end would be kept here.
    const bodies = to.requests.filter(({ method, path }) => method === 'PUT' && path.includes('uploads'));
    assert.deepEqual(
      bodies.map(({ body }) => body),
      ['{}'],
    );
    assert.ok(!to.state.manifests.has('b 1'), 'and no name points at it');
  });
}

test('a source that cannot be read is named, not the target', async (t) => {
  const from = await start(t, ({ method, path }) =>
    method === 'GET' && path.endsWith(sha256('layer'))
      ? { status: 200, body: 'layer', headers: { 'content-length': '5' }, cutAfter: 2 }
      : undefined,
  );
  const to = await start(t);
  putImage(from.state, 'a', '1', ['layer']);
  const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
  assert.ok(!copied.ok);
  assert.match(copied.error[0]?.message ?? '', new RegExp(from.host));
  const gets = from.lines().filter((line) => line === `GET /v2/a/blobs/${sha256('layer')}`);
  assert.equal(gets.length, 3, 'tried three times');
});

test('what a target refuses for now is sent again from the beginning, what it refuses for good is not', async (t) => {
  for (const [status, code, attempts] of [
    [503, 'UNAVAILABLE', 3],
    [400, 'DIGEST_INVALID', 1],
  ] as const) {
    const from = await start(t);
    const to = await start(t, ({ method, path }) =>
      method === 'PUT' && path.includes('uploads') ? specError(status, code) : undefined,
    );
    from.state.blobs.set(`a ${sha256('layer')}`, 'layer');
    putText(from.state, 'a', '1', { schemaVersion: 2, mediaType: MANIFEST, layers: [descriptor('layer')] });
    const copied = await clientFor(t, { retries: { attempts: 1 } }).copyImage(
      ref(`${from.host}/a:1`),
      ref(`${to.host}/b:1`),
    );
    assert.ok(!copied.ok);
    const puts = to.requests.filter(({ method }) => method === 'PUT');
    assert.equal(puts.length, attempts, `${status}`);
    assert.ok(puts.every(({ body }) => body === 'layer'));
    assert.equal(
      to.lines().filter((line) => line.startsWith('POST ')).length,
      attempts,
      'each with an upload of its own',
    );
  }
});

test('after a refusal for now the second sending counts once', async (t) => {
  const from = await start(t);
  const to = await start(t, ({ method, path, nth }) =>
    method === 'PUT' && path.includes('uploads') && nth === 1 ? specError(503, 'UNAVAILABLE') : undefined,
  );
  from.state.blobs.set(`a ${sha256('layer')}`, 'layer');
  putText(from.state, 'a', '1', { schemaVersion: 2, mediaType: MANIFEST, layers: [descriptor('layer')] });
  const seen: unknown[] = [];
  const copied = await clientFor(t, { retries: { attempts: 1 } }).copyImage(
    ref(`${from.host}/a:1`),
    ref(`${to.host}/b:1`),
    {
      onBlob: ({ state, digest, totalBytes }) => state === 'sent' && seen.push([digest, totalBytes]),
    },
  );
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.deepEqual(copied.value.blobs, { mounted: 0, copied: 1, there: 0 });
  assert.equal(seen.length, 1);
});

test('where the bytes go is what Location says, whole or in part; without it the registry is strange', async (t) => {
  let host = '';
  const locations: readonly (readonly [string | undefined, string | undefined])[] = [
    ['/v2/b/blobs/uploads/two', `/v2/b/blobs/uploads/two?digest=${encodeURIComponent(sha256('layer'))}`],
    ['three?x=1', `/v2/b/blobs/uploads/three?x=1&digest=${encodeURIComponent(sha256('layer'))}`],
    [
      'HOST/v2/b/blobs/uploads/four',
      `/v2/b/blobs/uploads/four?digest=${encodeURIComponent(sha256('layer'))}`,
    ],
    [undefined, undefined],
    ['http://', undefined],
  ];
  for (const [location, target] of locations) {
    const server = await start(t, ({ method }) =>
      method === 'POST'
        ? {
            status: 202,
            headers: location === undefined ? {} : { location: location.replace('HOST', `http://${host}`) },
          }
        : undefined,
    );
    host = server.host;
    const put = await clientFor(t).putBlob(ref(`${host}/b`), new TextEncoder().encode('layer'));
    const [sent] = server.requests.filter(({ method }) => method === 'PUT');
    assert.equal(sent?.target, target, location);
    if (target !== undefined) assert.deepEqual(put, { ok: true, value: sha256('layer') });
    else assert.ok(!put.ok && put.error[0]?.code === 'registry/unexpected-answer', JSON.stringify(put));
  }
});

test('a small blob is sent, and may be sent again', async (t) => {
  const server = await start(t);
  const bytes = new TextEncoder().encode('{"a":1}');
  const at = ref(`${server.host}/b`);
  assert.deepEqual(await clientFor(t).putBlob(at, bytes), { ok: true, value: sha256('{"a":1}') });
  assert.equal(server.state.blobs.get(`b ${sha256('{"a":1}')}`), '{"a":1}');
  assert.equal(server.requests.at(-1)?.headers['content-type'], 'application/octet-stream');
  const before = server.requests.length;
  assert.deepEqual(await clientFor(t).putBlob(at, bytes), { ok: true, value: sha256('{"a":1}') });
  assert.equal(server.lines().slice(before)[0], 'POST /v2/b/blobs/uploads/');
  assert.equal(server.state.blobs.get(`b ${sha256('{"a":1}')}`), '{"a":1}');
});

test('each step of an upload may fail, and its problem comes through', async (t) => {
  const steps: readonly (readonly [string, (request: FaultRequest) => boolean])[] = [
    ['HEAD', ({ method, path }) => method === 'HEAD' && path.includes('/blobs/')],
    ['POST', ({ method }) => method === 'POST'],
    ['PUT', ({ method, path }) => method === 'PUT' && path.includes('uploads')],
    ['PUT', ({ method, path }) => method === 'PUT' && path.includes('manifests')],
    ['GET', ({ method, path }) => method === 'GET' && path.includes('blobs')],
    ['GET', ({ method, path }) => method === 'GET' && path.includes('manifests')],
  ];
  for (const [method, isFaulty] of steps) {
    const own = (request: FaultRequest) =>
      isFaulty(request) ? (method === 'HEAD' ? { status: 403 } : specError(403, 'DENIED')) : undefined;
    const [from, to] = [await start(t, own), await start(t, own)];
    putImage(from.state, 'a', '1', ['layer']);
    const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
    assert.ok(!copied.ok, method);
    assert.equal(copied.error[0]?.code, 'registry/denied', method);
    assert.ok(!to.state.manifests.has('b 1'));
  }
});

test('a blob is streamed as it comes, and is refused at its end where it is another one', async (t) => {
  const read = async (answer: FaultAnswer | undefined, sizeBytes = 5): Promise<string> => {
    const server = await start(t, ({ method }) => (method === 'GET' ? answer : undefined));
    server.state.blobs.set(`a ${sha256('layer')}`, 'layer');
    let text = '';
    const blob = { digest: sha256('layer'), sizeBytes };
    for await (const piece of clientFor(t).streamBlob(ref(`${server.host}/a`), blob))
      text += Buffer.from(piece).toString();
    return text;
  };
  assert.equal(await read(undefined), 'layer');
  await assert.rejects(read({ status: 200, body: 'LAYER' }), new RegExp(sha256('layer').slice(0, 20)));
  await assert.rejects(read({ status: 200, body: 'lay' }));
  await assert.rejects(read({ status: 200, body: 'layer and more' }));
  await assert.rejects(read(undefined, 4), 'another size than was said');
  await assert.rejects(read(specError(404, 'BLOB_UNKNOWN')));
});

test('access is checked by an upload that is begun and cancelled, and a registry by its root', async (t) => {
  const server = await start(t);
  assert.deepEqual(await clientFor(t).checkPushAccess(ref(`${server.host}/a/b`)), {
    ok: true,
    value: undefined,
  });
  assert.deepEqual(
    server.requests.map(({ method, target }) => `${method} ${target}`),
    ['POST /v2/a/b/blobs/uploads/', 'DELETE /v2/a/b/blobs/uploads/one?state=a%2Fb'],
  );
  const closed = await start(t, ({ method }) => (method === 'POST' ? specError(403, 'DENIED') : undefined));
  const denied = await clientFor(t).checkPushAccess(ref(`${closed.host}/a/b`));
  assert.ok(!denied.ok);
  assert.equal(denied.error[0]?.code, 'registry/denied');
  assert.equal(closed.requests.length, 1);
  const nowhere = await start(t, ({ method }) => (method === 'POST' ? { status: 202 } : undefined));
  assert.ok((await clientFor(t).checkPushAccess(ref(`${nowhere.host}/a/b`))).ok);
  assert.equal(nowhere.requests.length, 1);

  assert.deepEqual(await clientFor(t).ping(server.host), { ok: true, value: undefined });
  assert.equal(server.lines().at(-1), 'GET /v2/');
  const down = await start(t, () => specError(403, 'DENIED'));
  assert.ok(!(await clientFor(t).ping(down.host)).ok);
});

test('a name that points at another image is moved, and what it pointed at is told', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  const digest = putImage(from.state, 'a', '1', ['layer']);
  const before = putImage(to.state, 'b', '1', ['other']);
  const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
  assert.ok(copied.ok, JSON.stringify(copied));
  assert.equal(copied.value.action, 'put');
  assert.ok(copied.value.previous.kind === 'present' && copied.value.previous.digest === before);
  assert.equal(to.state.manifests.get('b 1')?.text, from.state.manifests.get(`a ${digest}`)?.text);
});

test('what is not there cannot be copied, neither an image nor a platform of one', async (t) => {
  const [from, to] = [await start(t), await start(t)];
  const gone = await clientFor(t).copyImage(ref(`${from.host}/a:gone`), ref(`${to.host}/b:1`));
  assert.ok(!gone.ok && gone.error[0]?.code === 'registry/not-found', JSON.stringify(gone));
  assert.equal(gone.error[0]?.message, `${from.host}/a:gone is not in its registry`);
  const manifests = [{ mediaType: MANIFEST, digest: sha256('gone'), size: 1 }];
  putText(from.state, 'a', '1', { schemaVersion: 2, manifests }, INDEX);
  const half = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
  assert.ok(!half.ok && half.error[0]?.code === 'registry/not-found', JSON.stringify(half));
  assert.deepEqual([...to.state.manifests.keys()], []);
});

test('a platform that the target refuses is a problem of the whole, and no name points at it', async (t) => {
  const from = await start(t);
  const to = await start(t, ({ method, path }) =>
    method === 'PUT' && path.includes('/manifests/sha256:') ? specError(403, 'DENIED') : undefined,
  );
  const child = putImage(from.state, 'a', undefined, ['layer']);
  const manifests = [{ mediaType: MANIFEST, digest: child, size: 1 }];
  putText(from.state, 'a', '1', { schemaVersion: 2, manifests }, INDEX);
  const copied = await clientFor(t).copyImage(ref(`${from.host}/a:1`), ref(`${to.host}/b:1`));
  assert.ok(!copied.ok && copied.error[0]?.code === 'registry/denied', JSON.stringify(copied));
  assert.deepEqual([...to.state.manifests.keys()], []);
});

test('who is refused at one blob is told once, and nothing more is asked', async (t) => {
  const refused: string[] = [];
  const target = await start(t, ({ method, path }) => {
    if (method === 'HEAD' && path.includes('/manifests/')) return undefined;
    refused.push(path);
    return { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
  });
  const source = await start(t);
  const digest = putImage(
    source.state,
    'from/app',
    '1',
    Array.from({ length: 40 }, (_, at) => `layer ${at}`),
  );
  const client = clientFor(t, { signIn: { registry: target.host, username: 'me', password: 'p-word' } });
  const copied = await client.copyImage(ref(`${source.host}/from/app:1`), ref(`${target.host}/to/app:1`));
  assert.ok(!copied.ok, digest);
  assert.deepEqual(
    copied.error.map(({ code }) => code),
    ['registry/unauthorized'],
  );
  assert.match(copied.error[0]?.hint ?? '', /rejected the password of me/);
  assert.ok(refused.length <= 10, `${refused.length} requests`);
  const told = { code: 'registry/unauthorized', severity: 'error', message: '', hint: 'a' } as const;
  const other = { ...told, hint: 'b' };
  assert.deepEqual(withoutRepeatedRefusals([told, other, { ...told, message: 'again' }]), [told, other]);
});
