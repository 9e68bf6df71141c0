/** Image layouts, in directories and archives, and pushing them: without a registry's program. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type ImageRef, parseImageRef } from '../../lib/model/mod.ts';
import {
  type BlobProgress,
  createRegistryClient,
  type Layout,
  type OnBlob,
  openLayout,
} from '../../lib/registry/mod.ts';
import { type FaultAnswer, type FaultRequest, specError, startFaultRegistry } from '../rig/fault-registry.ts';
import { makeLayout, sha256Of } from '../rig/oci-layout.ts';
import { answerFrom, emptyState } from '../rig/scripted-repository.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const HINT = /Use a directory with oci-layout/;

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

async function opened(file: string): Promise<Layout> {
  const layout = await openLayout(file, 'out');
  assert.ok(layout.ok, JSON.stringify(layout));
  return layout.value;
}

/** What is said of a layout that cannot be opened. */
async function refusal(file: string): Promise<string> {
  const layout = await openLayout(file, 'out');
  assert.ok(!layout.ok);
  const [found, more] = layout.error;
  assert.equal(more, undefined);
  assert.equal(found?.code, 'registry/bad-layout');
  assert.match(found.hint ?? '', HINT);
  return /^out is .*: (.*)$/.exec(found.message)?.[1] ?? found.message;
}

interface TarOptions {
  readonly type?: string;
  readonly prefix?: string;
  /** The size field, where it is not the size in octal digits. */
  readonly size?: Uint8Array;
}

/** An entry of a tar archive, by POSIX ustar. */
function entry(name: string, content: string | Uint8Array, options: TarOptions = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')} `, 124);
  if (options.size !== undefined) header.set(options.size, 124);
  header.write('        ', 148);
  header.write(options.type ?? '0', 156, 'latin1');
  header.write('ustar\x0000', 257);
  header.write(options.prefix ?? '', 345);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

const END = Buffer.alloc(1024);
const CONTENT = 'content of the blob';
const DIGEST = sha256Of(CONTENT) as `sha256:${string}`;
const BLOB = `blobs/${DIGEST.replace(':', '/')}`;
const MARK = '{"imageLayoutVersion":"1.0.0"}';
const TOP = JSON.stringify({ manifests: [{ mediaType: 'x', digest: DIGEST, size: CONTENT.length }] });

async function archive(t: TestContext, ...entries: readonly Buffer[]): Promise<string> {
  const file = path.join(await makeTempDir(t), 'out.tar');
  await writeFile(file, Buffer.concat(entries));
  return file;
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const big = (number: number): Uint8Array => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(number, 8);
  bytes[0] = 0x80;
  return bytes;
};

/** Archives whose entries are named and measured in every way that is understood. */
const ARCHIVES: Readonly<Record<string, readonly Buffer[]>> = {
  'plain names': [entry('oci-layout', MARK), entry('index.json', TOP), entry(BLOB, CONTENT), END],
  'names that begin with ./ or /': [
    entry('./oci-layout', MARK),
    entry('/index.json', TOP),
    entry(`.//./${BLOB}`, CONTENT),
    END,
  ],
  'a prefix': [
    entry('oci-layout', MARK),
    entry('index.json', TOP),
    entry(BLOB.slice(13), CONTENT, { prefix: BLOB.slice(0, 12) }),
    END,
  ],
  'a name that fills its field to the last letter but one': [
    entry('oci-layout', MARK),
    entry('index.json', TOP),
    entry(BLOB.padStart(99, '/'), CONTENT),
    END,
  ],
  'a long name of GNU that ends as GNU ends it': [
    entry('oci-layout', MARK),
    entry('././@LongLink', `${BLOB}\0`, { type: 'L' }),
    entry('cut', CONTENT),
    entry('index.json', TOP),
    END,
  ],
  'a path of pax that is empty': [
    entry('oci-layout', MARK),
    entry('pax', '8 path=\n', { type: 'x' }),
    entry(BLOB, CONTENT),
    entry('index.json', TOP),
    END,
  ],
  'sizes of directories left out': [
    entry('dir/', '', { type: '5', size: Buffer.alloc(12) }),
    entry('oci-layout', MARK),
    entry('dir/', '', { type: '5', size: Buffer.alloc(12, ' ') }),
    entry('index.json', TOP),
    entry(BLOB, CONTENT),
    END,
  ],
  'a size in binary whose bytes are large': [
    entry('oci-layout', MARK),
    entry('index.json', TOP.padEnd(200), { size: big(200) }),
    entry(BLOB, CONTENT),
    END,
  ],
  'a long name of GNU': [
    entry('oci-layout', MARK),
    entry('././@LongLink', `${BLOB}\0rest`, { type: 'L' }),
    entry('cut', CONTENT),
    entry('index.json', TOP),
    END,
  ],
  'a path of pax': [
    entry('pax', `${BLOB.length + 9} path=${BLOB}\n12 mtime=1.5\n`, { type: 'x' }),
    entry('cut', CONTENT, { prefix: 'not/this' }),
    entry('oci-layout', MARK),
    entry('index.json', TOP),
    END,
  ],
  'a size of pax': [
    entry('oci-layout', MARK),
    entry('pax', `11 size=${CONTENT.length}\n`, { type: 'x' }),
    entry(BLOB, CONTENT, { size: Buffer.from('00000000000 ') }),
    entry('index.json', TOP),
    END,
  ],
  'a size in binary': [
    entry('oci-layout', MARK),
    entry(BLOB, CONTENT, { size: big(CONTENT.length) }),
    entry('index.json', TOP),
    END,
  ],
  'old types, directories and links': [
    entry('dir/', '', { type: '5' }),
    entry('oci-layout', 'link', { type: '2' }),
    entry('oci-layout', MARK, { type: '\0' }),
    entry('index.json', TOP),
    entry(BLOB, CONTENT),
    entry(BLOB, '', { type: '1' }),
    END,
  ],
  'no end': [entry('oci-layout', MARK), entry('index.json', TOP), entry(BLOB, CONTENT)],
  'something behind the end': [
    entry('oci-layout', MARK),
    entry('index.json', TOP),
    entry(BLOB, CONTENT),
    END,
    Buffer.alloc(512, 'x'),
  ],
};

for (const [what, entries] of Object.entries(ARCHIVES)) {
  test(`an archive is read where it lies: ${what}`, async (t) => {
    const layout = await opened(await archive(t, ...entries));
    assert.equal(layout.written, 'out');
    assert.deepEqual(
      layout.images.map(({ digest, sizeBytes }) => [digest, sizeBytes]),
      [[DIGEST, CONTENT.length]],
    );
    const read = await layout.read({ digest: DIGEST }, 100);
    assert.ok(read.ok, JSON.stringify(read));
    assert.equal(Buffer.from(read.value).toString(), CONTENT);
    assert.equal(await textOf(layout.stream(DIGEST)), CONTENT);
  });
}

test('what is not an archive, or a damaged one, is said to be so', async (t) => {
  const good = ARCHIVES['plain names'] ?? [];
  const damaged = Buffer.concat(good);
  damaged[700] = 1; // in the padding: nobody minds
  assert.ok((await openLayout(await archive(t, damaged), 'out')).ok);
  damaged[1030] = 1; // in the second header
  assert.match(await refusal(await archive(t, damaged)), /tar archive, or it is damaged$/);
  assert.match(
    await refusal(await archive(t, gzipSync(Buffer.concat(good), { level: 0 }))),
    /^it is compressed$/,
  );
  assert.match(await refusal(await archive(t, Buffer.alloc(512, 'text '))), /tar archive, or it is damaged$/);
  const half = Buffer.alloc(512);
  half[0] = 0x1f;
  assert.match(await refusal(await archive(t, half)), /tar archive, or it is damaged$/);
  half.set([0x1e, 0x8b]);
  assert.match(await refusal(await archive(t, half)), /tar archive, or it is damaged$/);
  const huge = entry('pax', '', { type: 'x', size: big(4 * 1024 * 1024 + 1) });
  assert.equal(await refusal(await archive(t, huge)), 'it has an invalid header');
  assert.equal(await refusal(await archive(t, END)), 'it has no oci-layout');
  assert.equal(await refusal(await archive(t)), 'it has no oci-layout');
  assert.equal(await refusal(await archive(t, good[0] ?? END, END)), 'it has no index.json');
  assert.equal(await refusal(path.join(await makeTempDir(t), 'gone')), 'it is not there');
  assert.match(await refusal(path.join(await archive(t, END), 'below')), /^it cannot be read \(ENOTDIR\)$/);
});

test('a directory is read file by file, and what is not a layout is said to be so', async (t) => {
  const dir = await makeTempDir(t);
  assert.equal(await refusal(dir), 'it has no oci-layout');
  await writeTree(dir, { 'oci-layout': MARK });
  assert.equal(await refusal(dir), 'it has no index.json');
  for (const text of ['{}', '[]', 'null', '{"manifests":[]}', '{"manifests":[{"digest":"x"}]}']) {
    await writeTree(dir, { 'index.json': text });
    assert.equal(await refusal(dir), 'its index.json names no image');
  }
  await writeTree(dir, { 'index.json': '{' });
  assert.equal(await refusal(dir), 'its index.json is not valid JSON');
  await writeTree(dir, { 'index.json': ' '.repeat(4 * 1024 * 1024 + 1) });
  assert.equal(await refusal(dir), 'index.json has 4194305 bytes, which is too large');

  await writeTree(dir, { 'index.json': TOP, [BLOB]: CONTENT });
  const layout = await opened(dir);
  assert.ok((await layout.read({ digest: DIGEST }, CONTENT.length)).ok);
  const large = await layout.read({ digest: DIGEST }, CONTENT.length - 1);
  assert.ok(!large.ok);
  assert.match(large.error[0]?.message ?? '', /has 19 bytes, which is too large$/);
  const other = `sha256:${'0'.repeat(64)}` as const;
  const missing = await layout.read({ digest: other }, 100);
  assert.ok(!missing.ok);
  assert.match(missing.error[0]?.message ?? '', /it has no blobs\/sha256\/0+$/);
  await assert.rejects(textOf(layout.stream(other)), /it is not there/);
  await writeTree(dir, { [`blobs/sha256/${'0'.repeat(64)}`]: '' });
  assert.equal(await textOf(layout.stream(other)), '');
  await rm(path.join(dir, BLOB));
  await writeTree(dir, { [`${BLOB}/`]: '' });
  const said = async () => {
    const read = await layout.read({ digest: DIGEST }, 100_000);
    return read.ok ? 'read' : read.error.map(({ message }) => message);
  };
  assert.deepEqual(
    await said(),
    [`out is not an OCI image layout: it has no ${BLOB}`],
    'a directory is no blob',
  );
  await rm(path.join(dir, 'blobs'), { recursive: true });
  await writeTree(dir, { blobs: '' });
  assert.deepEqual(await said(), [`out is not an OCI image layout: ${BLOB} cannot be read (ENOTDIR)`]);
});

async function start(
  t: TestContext,
  own: (request: FaultRequest) => FaultAnswer | undefined = () => undefined,
) {
  const state = emptyState();
  const server = await startFaultRegistry(t, answerFrom(state, own));
  const client = createRegistryClient({ env: {}, sleep: async () => undefined, retries: { attempts: 1 } });
  t.after(() => client.close());
  const push = async (dir: string, name: string, onBlob?: OnBlob) =>
    await client.pushLayout(
      await opened(dir),
      ref(`${server.host}/${name}`),
      onBlob === undefined ? {} : { onBlob },
    );
  return { state, server, client, push };
}

test('a layout is pushed with all below it, once; then it is there', async (t) => {
  const dir = await makeTempDir(t);
  const made = await makeLayout(dir, ['1'], 22);
  const { state, server, push } = await start(t);
  const seen: BlobProgress[] = [];
  const pushed = await push(dir, 'a/b:x', (blob) => blob.state === 'sent' && seen.push(blob));
  assert.ok(pushed.ok, JSON.stringify(pushed));
  const { copiedBytes, ...rest } = pushed.value;
  assert.deepEqual(rest, {
    ref: `${server.host}/a/b:x`,
    digest: made.digests[0],
    mediaType: 'application/vnd.oci.image.index.v1+json',
    action: 'put',
    previous: { kind: 'absent' },
    // A layer and two configs; the attestation's statement and config.
    blobs: { mounted: 0, copied: 5, there: 0 },
    referrers: 0,
  });
  assert.equal(seen.length, 5);
  assert.equal(
    copiedBytes,
    seen.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
  );
  assert.equal(state.blobs.get(`a/b ${made.layer}`), 'layer of 1\nlayer of 1\n');
  const puts = server.lines().filter((line) => line.startsWith('PUT /v2/a/b/manifests/'));
  assert.equal(puts.length, 4);
  assert.equal(puts.at(-1), 'PUT /v2/a/b/manifests/x');

  const again = await start(t);
  for (const [key, value] of state.blobs) again.state.blobs.set(key, value);
  const second = await again.push(dir, 'a/b:y');
  assert.ok(second.ok);
  assert.deepEqual(second.value.blobs, { mounted: 0, copied: 0, there: 5 });
  const before = again.server.requests.length;
  const client = createRegistryClient({ env: {} });
  t.after(() => client.close());
  const third = await client.pushLayout(await opened(dir), ref(`${again.server.host}/a/b:y`));
  assert.ok(third.ok);
  assert.equal(third.value.action, 'there');
  assert.equal(third.value.previous.kind, 'present');
  assert.deepEqual(again.server.lines().slice(before), ['HEAD /v2/a/b/manifests/y']);
});

test('a platform that the registry has is not pushed again', async (t) => {
  const dir = await makeTempDir(t);
  await makeLayout(dir, ['1'], 22);
  const first = await start(t);
  assert.ok((await first.push(dir, 'b:1')).ok);
  const { state, server, push } = await start(t);
  for (const [key, value] of first.state.manifests) if (key !== 'b 1') state.manifests.set(key, value);
  assert.ok((await push(dir, 'b:2')).ok);
  assert.deepEqual(
    server.lines().filter((line) => !line.startsWith('HEAD ')),
    ['PUT /v2/b/manifests/2'],
  );
});

test('of several images the one of that tag, name or digest is pushed; entries of one digest are one image', async (t) => {
  const dir = await makeTempDir(t);
  const [one = '', two = ''] = (await makeLayout(dir, ['1', 'two'])).digests;
  const { state, server, push } = await start(t);
  const digestOf = async (name: string): Promise<string | undefined> => {
    const pushed = await push(dir, name);
    return pushed.ok ? pushed.value.digest : pushed.error[0]?.code;
  };
  assert.equal(await digestOf('b:1'), one);
  assert.equal(await digestOf('b:two'), two);
  assert.equal(await digestOf(`b@${two}`), two);
  const wrong = await push(dir, 'b:three');
  assert.ok(!wrong.ok);
  assert.match(
    wrong.error[0]?.message ?? '',
    /it holds 2 images, and none or several of them have the name$/,
  );
  assert.match(wrong.error[0]?.hint ?? '', /a digest \(REPOSITORY@sha256/);
  assert.equal(wrong.error[0]?.detail, `${one}  1\n${two}  two`);

  // containerd's name, the whole reference, and the same image twice.
  const file = path.join(dir, 'index.json');
  const index = JSON.parse(await readFile(file, 'utf8')) as { manifests: { annotations: object }[] };
  const [first, second] = index.manifests;
  assert.ok(first !== undefined && second !== undefined);
  const name = `${server.host}/c:whole`;
  const named = { ...second, annotations: { 'io.containerd.image.name': name } };
  await writeFile(file, JSON.stringify({ manifests: [first, named, named] }));
  assert.equal(await digestOf('c:whole'), two);
  assert.equal(await digestOf(`c:whole@${one}`), two, 'the tag says which, the digest is not asked');
  await writeFile(file, JSON.stringify({ manifests: [first, { ...first, annotations: {} }] }));
  assert.equal(await digestOf('d:anything'), one);
  // One with two names, one with none.
  const both = { 'org.opencontainers.image.ref.name': 'x', 'io.containerd.image.name': 'y' };
  await writeFile(
    file,
    JSON.stringify({
      manifests: [
        { ...first, annotations: both },
        { ...second, annotations: {} },
      ],
    }),
  );
  const unnamed = await push(dir, 'e:z');
  assert.ok(!unnamed.ok);
  assert.equal(unnamed.error[0]?.detail, `${one}  x, y\n${two}`);
  // Two images of one name: nobody can tell.
  const same = { annotations: { 'org.opencontainers.image.ref.name': 'x' } };
  await writeFile(
    file,
    JSON.stringify({
      manifests: [
        { ...first, ...same },
        { ...second, ...same },
      ],
    }),
  );
  assert.equal(await digestOf('e:x'), 'registry/bad-layout');
  assert.equal(await digestOf(`e:y@${one}`), one);
  assert.ok(!state.manifests.has('e x'));
});

test('by digest a layout goes only to its own', async (t) => {
  const dir = await makeTempDir(t);
  const [digest = ''] = (await makeLayout(dir)).digests;
  const { state, server, push } = await start(t);
  const refused = await push(dir, `b@sha256:${'0'.repeat(64)}`);
  assert.ok(!refused.ok);
  assert.equal(refused.error[0]?.code, 'registry/bad-digest');
  assert.equal(refused.error[0]?.hint, 'Use a tag or the same digest');
  assert.equal(server.requests.length, 0);
  assert.ok((await push(dir, `b@${digest}`)).ok);
  assert.ok(state.manifests.has(`b ${digest}`));
  assert.equal(server.lines().at(-1), `PUT /v2/b/manifests/${digest}`);
});

test('a layout that lacks something, or has other bytes, is said to be bad, and its name is not put', async (t) => {
  for (const [what, change, said] of [
    ['a layer that is not there', undefined, /sha256:[0-9a-f]{64} cannot be read \(it is not there\)$/],
    [
      'a layer of other bytes',
      'LAYER of 1\nlayer of 1\n',
      /the content of sha256:[0-9a-f]{64} has another digest \(sha256:/,
    ],
    ['a layer that is cut', 'layer', /the content of sha256:[0-9a-f]{64} has another digest \(5 bytes\)$/],
  ] as const) {
    const dir = await makeTempDir(t);
    const { layer } = await makeLayout(dir, ['1'], 22);
    const file = path.join(dir, 'blobs', layer.replace(':', '/'));
    if (change === undefined) await rm(file);
    else await writeFile(file, change);
    const { state, server, push } = await start(t);
    const pushed = await push(dir, 'b:1');
    assert.ok(!pushed.ok, what);
    assert.equal(pushed.error[0]?.code, 'registry/bad-layout', what);
    assert.match(pushed.error[0]?.message ?? '', said);
    assert.ok(!state.manifests.has('b 1'));
    assert.ok(
      !server.requests.some(({ method, body }) => method === 'PUT' && body.startsWith('LAYER')),
      what,
    );
  }
});

test('a manifest of a layout that is not what its digest says is refused before anything is sent of it', async (t) => {
  const dir = await makeTempDir(t);
  const [digest = ''] = (await makeLayout(dir)).digests;
  await writeFile(path.join(dir, 'blobs', digest.replace(':', '/')), '{"schemaVersion":2,"manifests":[]}');
  const { server, push } = await start(t);
  const pushed = await push(dir, 'b:1');
  assert.ok(!pushed.ok);
  assert.equal(pushed.error[0]?.code, 'registry/bad-layout');
  assert.match(
    pushed.error[0]?.message ?? '',
    new RegExp(`${digest} is not an image manifest, or not the expected one$`),
  );
  assert.ok(server.lines().every((line) => line.startsWith('HEAD ')));
});

test('what the registry refuses of a layout comes through, and what it refuses for now is tried again', async (t) => {
  const dir = await makeTempDir(t);
  await makeLayout(dir, ['1'], 22);
  const isUpload = ({ method, path }: FaultRequest) => method === 'PUT' && path.includes('uploads');
  const isPut = ({ method, path }: FaultRequest) => method === 'PUT' && path.includes('manifests');
  const isChild = (request: FaultRequest) => isPut(request) && request.path.includes('sha256:');
  const isName = (request: FaultRequest) => isPut(request) && request.path.endsWith('/1');
  const isBegin = ({ method }: FaultRequest) => method === 'POST';
  for (const isFaulty of [isUpload, isPut, isChild, isName, isBegin]) {
    const { state, push } = await start(t, (request) =>
      isFaulty(request) ? specError(403, 'DENIED') : undefined,
    );
    const pushed = await push(dir, 'b:1');
    assert.ok(!pushed.ok);
    assert.equal(pushed.error[0]?.code, 'registry/denied');
    assert.ok(!state.manifests.has('b 1'));
  }
  const busy = await start(t, (request) =>
    isUpload(request) && request.nth === 1 ? specError(503, 'UNAVAILABLE') : undefined,
  );
  const pushed = await busy.push(dir, 'b:1');
  assert.ok(pushed.ok, JSON.stringify(pushed));
  assert.deepEqual(pushed.value.blobs, { mounted: 0, copied: 5, there: 0 });
});

test('a layout takes the place of another image, and leaves foreign layers where they are', async (t) => {
  const dir = await makeTempDir(t);
  const far = { mediaType: 'x', digest: sha256Of('far'), size: 3, urls: ['https://example.com/far'] };
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'x', digest: sha256Of('{}'), size: 2 },
    layers: [far],
  });
  const digest = sha256Of(text);
  await writeTree(dir, {
    'oci-layout': MARK,
    'index.json': JSON.stringify({ manifests: [{ mediaType: 'x', digest, size: text.length }] }),
    [`blobs/${digest.replace(':', '/')}`]: text,
    [`blobs/${sha256Of('{}').replace(':', '/')}`]: '{}',
  });
  const { state, server, client, push } = await start(t);
  const other = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    bytes: Buffer.from('{"layers":[]}'),
  };
  const before = await client.putManifest(ref(`${server.host}/b:1`), other);
  assert.ok(before.ok);
  const pushed = await push(dir, 'b:1');
  assert.ok(pushed.ok, JSON.stringify(pushed));
  assert.equal(pushed.value.action, 'put');
  assert.ok(pushed.value.previous.kind === 'present' && pushed.value.previous.digest === before.value.digest);
  assert.deepEqual(pushed.value.blobs, { mounted: 0, copied: 1, there: 0 });
  assert.equal(state.manifests.get('b 1')?.text, text);
});

test('a layout without one of its manifests is bad, whichever it is', async (t) => {
  for (const pick of [0, 1]) {
    const dir = await makeTempDir(t);
    const [top = ''] = (await makeLayout(dir, ['1'], 22)).digests;
    const fileOf = (digest: string) => path.join(dir, 'blobs', digest.replace(':', '/'));
    const index = JSON.parse(await readFile(fileOf(top), 'utf8')) as { manifests: { digest: string }[] };
    const gone = pick === 0 ? top : (index.manifests[1]?.digest ?? '');
    await rm(fileOf(gone));
    const { state, push } = await start(t);
    const pushed = await push(dir, 'b:1');
    assert.ok(!pushed.ok);
    assert.deepEqual(
      pushed.error.map(({ code, message }) => [code, message]),
      [['registry/bad-layout', `out is not an OCI image layout: it has no blobs/${gone.replace(':', '/')}`]],
    );
    assert.ok(!state.manifests.has('b 1'));
  }
});

test('nothing of an archive stays open, whether it could be read or not', async (t) => {
  const descriptors = '/proc/self/fd';
  if (!existsSync(descriptors)) return t.skip('this system does not list open files');
  const good = await archive(t, ...(ARCHIVES['plain names'] ?? []));
  const damaged = await archive(t, Buffer.alloc(512, 'text '));
  const open = async () => {
    const all = (await readdir(descriptors)).map((fd) =>
      readlink(path.join(descriptors, fd)).catch(() => 'gone'),
    );
    return (await Promise.all(all)).filter((link) => link === good || link === damaged);
  };
  const layout = await opened(good);
  assert.ok((await layout.read({ digest: DIGEST }, 100)).ok);
  assert.ok(!(await openLayout(damaged, 'out')).ok);
  assert.deepEqual(await open(), []);
  assert.equal(await textOf(layout.stream(DIGEST)), CONTENT);
  // A stream closes its file in a later turn.
  for (let time = 0; time < 100 && (await open()).length > 0; time++) await sleep(5);
  assert.deepEqual(await open(), []);
});
