import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import * as zlib from 'node:zlib';
import {
  compareImages,
  compareTrees,
  type ImageSource,
  readLayer,
  type Tree,
} from '../../lib/compare/mod.ts';
import { runCommand } from '../rig/command.ts';
import { makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

type Files = Readonly<Record<string, TreeEntry>>;

const TAR = 'application/vnd.oci.image.layer.v1.tar';

/** An archive as the system's tar writes it. */
async function pack(t: TestContext, files: Files, ...options: readonly string[]): Promise<Buffer> {
  const dir = await makeTempDir(t, 'compare-');
  await writeTree(path.join(dir, 'tree'), files);
  const archive = path.join(dir, 'layer.tar');
  const done = await runCommand([
    'tar',
    '--format=posix',
    '--sort=name',
    ...options,
    '-C',
    path.join(dir, 'tree'),
    '-cf',
    archive,
    '.',
  ]);
  assert.equal(done.exitCode, 0, done.stderr);
  return readFile(archive);
}

async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function treeOf(bytes: Uint8Array, mediaType = TAR): Promise<Tree> {
  return readLayer(inPieces(bytes), mediaType);
}

const FILES: Files = {
  'etc/motd': 'hello\n',
  'bin/run': { content: '#!/bin/sh\n', mode: 0o755 },
  'bin/link': { symlink: 'run' },
  [`${'long/'.repeat(60)}name`]: 'deep\n',
  'empty/': '',
};

test('a layer is read as tar wrote it, in every format and compression', async (t) => {
  const plain = await pack(t, FILES);
  const tree = await treeOf(plain);
  assert.equal(tree.get('etc/motd')?.content, createHash('sha256').update('hello\n').digest('hex'));
  assert.equal(tree.get('bin/run')?.mode, 0o755);
  assert.equal(tree.get('bin/link')?.link, 'run');
  assert.equal(tree.get('empty')?.kind, 'dir');
  assert.ok(tree.has(`${'long/'.repeat(60)}name`));
  for (const format of ['gnu', 'ustar']) {
    const other = await pack(t, format === 'ustar' ? { a: 'x' } : FILES, `--format=${format}`);
    const expected = format === 'ustar' ? await treeOf(await pack(t, { a: 'x' })) : tree;
    assert.deepEqual(compareTrees(expected, await treeOf(other)), [], format);
  }
  const gzip = await treeOf(zlib.gzipSync(plain), `${TAR}+gzip`);
  assert.deepEqual(compareTrees(tree, gzip), []);
  const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (bytes: Buffer) => Buffer };
  if (zstdCompressSync === undefined) {
    await assert.rejects(treeOf(plain, `${TAR}+zstd`), /Node 22\.15/);
  } else {
    assert.deepEqual(compareTrees(tree, await treeOf(zstdCompressSync(plain), `${TAR}+zstd`)), []);
  }
});

test('extended attributes are read, with bytes that are not text', async () => {
  const value = Buffer.from([1, 0, 0, 2, 10, 0xff]);
  const record = (key: string, body: Buffer): Buffer => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), body, Buffer.from('\n')]);
    const length = rest.length + 2;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  };
  const body = record('SCHILY.xattr.security.capability', value);
  const archive = Buffer.concat([
    header('pax', 'x', body.length),
    body,
    Buffer.alloc(512 - body.length),
    header('bin/ping', '0', 0),
    Buffer.alloc(1024),
  ]);
  const tree = await treeOf(archive);
  assert.deepEqual([...(tree.get('bin/ping')?.attributes ?? [])], [['security.capability', '010000020aff']]);
  const without = await treeOf(Buffer.concat([header('bin/ping', '0', 0), Buffer.alloc(1024)]));
  assert.deepEqual(compareTrees(tree, without), [
    { path: 'bin/ping', change: 'changed', what: ['attribute security.capability'] },
  ]);
});

function header(name: string, type: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}

test('what is not an archive, is cut short or of an unknown compression is refused', async (t) => {
  const plain = await pack(t, FILES);
  await assert.rejects(treeOf(Buffer.alloc(2048, '7')), /not a valid tar archive/);
  await assert.rejects(treeOf(plain.subarray(0, plain.indexOf('hello') + 3)), /cut short/);
  await assert.rejects(treeOf(zlib.gzipSync(plain).subarray(0, 60), `${TAR}+gzip`));
  await assert.rejects(treeOf(plain, 'application/octet-stream'), /are not supported/);
});

test('every kind of change is reported, and times are none', async (t) => {
  const before = await treeOf(await pack(t, FILES, '--mtime=2001-01-01'));
  const sameButTimes = await treeOf(await pack(t, FILES, '--mtime=2011-11-11'));
  assert.deepEqual(compareTrees(before, sameButTimes), []);
  const after = await treeOf(
    await pack(t, {
      'etc/motd': 'hullo\n',
      'etc/new': '',
      'bin/run': { content: '#!/bin/sh\nx', mode: 0o644 },
      'bin/link': { symlink: 'walk' },
      [`${'long/'.repeat(60)}name`]: 'deep\n',
      empty: 'a file now',
    }),
  );
  assert.deepEqual(compareTrees(before, after), [
    { path: 'bin/link', change: 'changed', what: ['link run → walk'] },
    { path: 'bin/run', change: 'changed', what: ['content (10 → 11 bytes)', 'mode 0755 → 0644'] },
    { path: 'empty', change: 'changed', what: ['dir → file'] },
    { path: 'etc/motd', change: 'changed', what: ['content'] },
    { path: 'etc/new', change: 'added', what: [] },
  ]);
  assert.deepEqual(compareTrees(after, before).find((one) => one.path === 'etc/new')?.change, 'removed');
});

interface ImageOptions {
  readonly env?: readonly string[];
  readonly created?: string;
  readonly gzip?: boolean;
}

function imageOf(layers: readonly Buffer[], options: ImageOptions = {}): ImageSource {
  const sha = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
  const created = options.created ?? '2020-01-01T00:00:00Z';
  const config = {
    created,
    architecture: 'amd64',
    os: 'linux',
    config: { Env: options.env ?? ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(sha) },
    history: layers.map((_, at) => ({ created, created_by: `COPY ${at} / # buildkit` })),
  };
  const compressed = layers.map((layer) => (options.gzip === true ? zlib.gzipSync(layer) : layer));
  return {
    configDigest: sha(Buffer.from(JSON.stringify(config))),
    config,
    annotations: {},
    layers: compressed.map((bytes) => ({
      digest: sha(bytes),
      mediaType: options.gzip === true ? `${TAR}+gzip` : TAR,
      open: () => inPieces(bytes),
    })),
  };
}

test('images are the same to the byte, the same but for times or packing, or different', async (t) => {
  const one = await pack(t, { a: '1' }, '--mtime=2001-01-01');
  const later = await pack(t, { a: '1' }, '--mtime=2002-01-01');
  const two = await pack(t, { b: '2' });
  const unread = (image: ImageSource): ImageSource => ({
    ...image,
    layers: image.layers.map((layer) => ({
      ...layer,
      open: () => {
        throw new Error('was read');
      },
    })),
  });
  const base = imageOf([one, two]);
  assert.equal((await compareImages(unread(base), unread(base))).verdict, 'same-bytes');
  const packed = await compareImages(unread(base), unread(imageOf([one, two], { gzip: true })));
  assert.deepEqual(
    [packed.verdict, packed.layers.map((layer) => layer.kind)],
    ['same-files', ['same-content', 'same-content']],
  );
  const touched = await compareImages(base, imageOf([later, two], { created: '2024-01-01T00:00:00Z' }));
  assert.deepEqual(touched, {
    verdict: 'same-files',
    config: [],
    layers: [{ layer: 1, step: 'COPY 0 /', kind: 'same-files', files: [] }],
  });
  const changed = await compareImages(
    base,
    imageOf([one, await pack(t, { b: '3' })], { env: ['PATH=/sbin', 'A=1', 'NPM_TOKEN=tell-nobody'] }),
  );
  assert.equal(changed.verdict, 'different');
  assert.deepEqual(changed.layers[0]?.files, [{ path: 'b', change: 'changed', what: ['content'] }]);
  assert.deepEqual(changed.config, [
    { name: 'config.Env.A', after: '"1"' },
    { name: 'config.Env.NPM_TOKEN', after: '(hidden)' },
    { name: 'config.Env.PATH', before: '"/bin"', after: '"/sbin"' },
  ]);
  await assert.rejects(
    compareImages(unread(base), unread(imageOf([later, two]))),
    /layer 1 \(sha256:.*was read/,
  );
});

test('images with different numbers of layers are compared by what their files are in the end', async (t) => {
  const base = await pack(t, { 'dir/gone': 'x', 'dir/kept': 'k', 'opaque/old': 'o', a: '1' });
  const top = await pack(t, { 'dir/.wh.gone': '', 'opaque/.wh..wh..opq': '', 'opaque/new': 'n', a: '2' });
  const flat = await pack(t, { 'dir/kept': 'k', 'opaque/new': 'n', a: '2' });
  const same = await compareImages(imageOf([base, top]), imageOf([flat]));
  assert.equal(same.verdict, 'different');
  assert.deepEqual(same.layers, [{ layer: 0, kind: 'different', files: [] }]);
  const other = await compareImages(imageOf([base]), imageOf([base, top]));
  assert.deepEqual(
    other.layers[0]?.files.map((file) => `${file.change} ${file.path}`),
    ['changed a', 'removed dir/gone', 'added opaque/new', 'removed opaque/old'],
  );
});
