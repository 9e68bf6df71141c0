/** Whether what a build copies of other builds is the same as last time, seen in the layers that differ. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tree } from '../../lib/compare/mod.ts';
import type { ContextReads } from '../../lib/dockerfile/mod.ts';
import { computeKey } from '../../lib/fingerprint/mod.ts';
import { findSameCopied, lastInputs, type NodeInputs } from '../../lib/inputs/mod.ts';
import {
  type Build,
  type Digest,
  type ImageLocation,
  KEY_VERSION,
  type KeyParts,
  type PlatformManifest,
} from '../../lib/model/mod.ts';
import type { RegistryClient } from '../../lib/registry/mod.ts';
import type { LastInputs } from '../../lib/state/mod.ts';
import { writeLayer } from '../rig/fake-tar.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const [OLD, NEW] = [digest('1'), digest('2')];

/** Files of a layer: path → text; `/` at the end: a directory, `->`: a symlink, `=`: a hard link. */
type Files = Readonly<Record<string, string>>;

function treeOf(files: Files): Tree {
  return new Map(
    Object.entries(files).map(([name, text]) => {
      const path = name.replace(/\/$/, '');
      const kind = name.endsWith('/')
        ? 'dir'
        : text.startsWith('->')
          ? 'symlink'
          : text.startsWith('=')
            ? 'hardlink'
            : 'file';
      const link = kind === 'symlink' || kind === 'hardlink' ? text : '';
      const rest = { mode: 0o644, owner: '0:0', device: '', attributes: new Map<string, string>() };
      return [path, { path, kind, content: text, sizeBytes: text.length, link, ...rest }] as const;
    }),
  ) as unknown as Tree;
}

/** Files and directories only. */
function archiveOf(files: Files): Buffer {
  return writeLayer(
    Object.entries(files).map(([name, text]) => ({
      path: name.replace(/\/$/, ''),
      mode: 0o644,
      content: name.endsWith('/') ? undefined : Buffer.from(text),
    })),
  );
}

const partsOf = (parents: Readonly<Record<string, string>>, more: Partial<KeyParts> = {}): KeyParts => ({
  version: KEY_VERSION,
  dockerfile: 'FROM scratch',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents,
  options: {},
  ...more,
});

interface Given {
  /** Layers of the parent as it was and is, the lowest first. */
  readonly old: readonly Files[];
  readonly now: readonly Files[];
  readonly reads?: ContextReads | 'not files';
  /** Of each layer; then layers are read as archives, each of which is noted in `streamed`. */
  readonly sizeBytes?: number;
  readonly streamed?: Digest[];
  readonly unfinished?: true;
  readonly platforms?: readonly (readonly PlatformManifest[])[];
  readonly parts?: Partial<KeyParts>;
  readonly build?: Partial<Build>;
  readonly location?: ImageLocation;
  /** What is remembered of where the parent was; `none`: nothing of parents. */
  readonly recorded?: string;
  readonly missing?: true;
}

const read = (source: string, ...include: readonly string[]) =>
  ({ source, include, exclude: [], span: {} }) as unknown as Exclude<ContextReads, 'all'>[number];
const USED: ContextReads = [read('bin/used')];

async function isSame({ old, now, reads = USED, sizeBytes = 1, ...given }: Given): Promise<boolean> {
  const trees = new Map<Digest, Promise<Tree>>();
  const archives = new Map<Digest, Buffer>();
  const digestsOf = (layers: readonly Files[]) =>
    layers.map((files) => {
      const name: Digest = `sha256:${Buffer.from(JSON.stringify(files)).toString('hex').padEnd(64, '0')}`;
      // By a digest that is well-formed: the same files, the same layer.
      const known: Digest = `sha256:${computeKey(partsOf({ name }))}`;
      if (sizeBytes === 1) trees.set(known, Promise.resolve(treeOf(files)));
      else archives.set(known, archiveOf(files));
      return known;
    });
  const manifests = new Map([
    [OLD, digestsOf(old)],
    [NEW, digestsOf(now)],
  ]);
  const registry = {
    getManifest: async ({
      repository,
      digest: wanted,
      tag,
    }: {
      repository: string;
      digest: Digest;
      tag?: string;
    }) => {
      assert.equal(tag, undefined);
      assert.equal(repository, wanted === OLD ? 'before' : 'after');
      const layers = manifests.get(wanted);
      if (layers === undefined || given.missing === true) return { ok: false, error: [] };
      const blob = (of: Digest) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: of,
        size: sizeBytes,
      });
      const json = { config: blob(digest('f')), layers: layers.map(blob) };
      return { ok: true, value: { mediaType: MANIFEST, digest: wanted, bytes: Buffer.alloc(0), json } };
    },
    streamBlob: async function* ({ repository }: { repository: string }, blob: { digest: Digest }) {
      assert(['before', 'after'].includes(repository));
      given.streamed?.push(blob.digest);
      yield archives.get(blob.digest);
    },
  } as unknown as RegistryClient;
  const [was = [{ platform: 'p', digest: OLD }], is = [{ platform: 'p', digest: NEW }]] =
    given.platforms ?? [];
  const before = partsOf({ tools: 'x', same: 's' });
  const last: LastInputs = {
    key: computeKey(before),
    parts: before,
    ...(given.recorded === 'none'
      ? {}
      : { parents: { tools: { ref: given.recorded ?? `r.example/before@${OLD}`, platforms: was } } }),
  };
  const location: ImageLocation = given.location ?? {
    kind: 'registry',
    ref: { registry: 'r.example', repository: 'after', digest: NEW },
  };
  const image = { digest: NEW, platforms: is, location };
  const inputs: NodeInputs = {
    untracked: [],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [],
    filesOnly: reads === 'not files' ? new Map() : new Map([['tools', reads]]),
    parts: partsOf({ tools: 'y', same: 's' }, given.parts),
  };
  const node = makeNode(given.build ?? {}, { edges: [{ to: 't', reason: 'copy', contextName: 'tools' }] });
  const resultOf = (build: string) =>
    build === 't' && given.unfinished === undefined ? { image } : undefined;
  const found = await findSameCopied({ resultOf, layers: { registry, trees } }, node, inputs, last);
  if (found !== undefined) assert.deepEqual(found, ['tools']);
  return found !== undefined;
}

const BASE = { 'bin/': '', 'bin/used': 'u' };

test('a file counts as it is in the highest layer that has it', async () => {
  const rows: readonly (readonly [string, readonly Files[], readonly Files[], boolean])[] = [
    ['the same file in another layer', [BASE, { x: '1' }], [BASE, { x: '2' }], true],
    ['all in one layer that differs', [{ ...BASE, x: '1' }], [{ ...BASE, x: '2' }], true],
    ['another text', [BASE], [{ ...BASE, 'bin/used': 'v' }], false],
    ['another text above', [BASE], [BASE, { 'bin/used': 'v' }], false],
    ['the same text above', [BASE], [BASE, { 'bin/used': 'u' }], true],
    ['put back above', [BASE], [BASE, { 'bin/used': 'v' }, { 'bin/used': 'u' }], true],
    ['changed below what is common', [{ x: '1' }, BASE], [{ x: '2' }, BASE], true],
    ['the very same layers', [BASE, { x: '1' }], [BASE, { x: '1' }], true],
    ['a layer less', [BASE, { x: '1' }], [BASE], true],
    ['not there before', [{ 'bin/': '' }], [BASE], false],
    ['not there now', [BASE], [{ 'bin/': '' }], false],
    ['nowhere', [{ x: '1' }], [{ x: '2' }], false],
    ['taken away', [BASE], [BASE, { 'bin/.wh.used': '' }], false],
    ['its directory taken away', [BASE], [BASE, { '.wh.bin': '' }], false],
    ['its directory emptied', [BASE], [BASE, { 'bin/.wh..wh..opq': '' }], false],
    ['everything emptied', [BASE], [BASE, { '.wh..wh..opq': '' }], false],
    ['another one taken away', [BASE], [BASE, { 'bin/.wh.other': '', 'lib/.wh..wh..opq': '' }], true],
    ['taken away below what puts it', [BASE], [{ 'bin/.wh.used': '' }, BASE], true],
    ['a link', [{ 'bin/used': '->x' }], [{ 'bin/used': '->x' }, { x: '' }], false],
    ['through a link', [BASE, { bin: '->lib' }], [BASE, { bin: '->lib' }, { x: '' }], false],
    ['through a file', [BASE, { bin: 'text' }], [BASE, { bin: 'text' }, { x: '' }], false],
  ];
  for (const [name, old, now, expected] of rows) assert.equal(await isSame({ old, now }), expected, name);
});

test('a directory counts with all that layers do below it, one after the other', async () => {
  const dir = { 'd/': '', 'd/one': '1' };
  const rows: readonly (readonly [string, readonly Files[], readonly Files[], boolean])[] = [
    ['something else', [dir, { x: '1' }], [dir, { x: '2' }], true],
    ['the same done again', [dir, { 'd/two': '2', x: '1' }], [dir, { 'd/two': '2', x: '2' }], true],
    ['a file more', [dir], [dir, { 'd/two': '2' }], false],
    ['another text', [dir, { 'd/two': '2' }], [dir, { 'd/two': '3' }], false],
    ['a name that only begins alike', [dir], [dir, { 'dd/two': '2', d2: '' }], true],
    [
      'done in another order',
      [dir, { 'd/a': '1' }, { 'd/a': '2' }],
      [dir, { 'd/a': '2' }, { 'd/a': '1' }],
      false,
    ],
    [
      'done in one layer instead of two',
      [dir, { 'd/a': '1' }, { 'd/b': '2' }],
      [dir, { 'd/a': '1', 'd/b': '2' }],
      false,
    ],
    [
      'layers between that do nothing',
      [dir, { 'd/a': '1' }],
      [dir, { x: '' }, { 'd/a': '1' }, { y: '' }],
      true,
    ],
    ['a hard link', [dir, { 'd/l': '=d/one', x: '1' }], [dir, { 'd/l': '=d/one', x: '2' }], false],
    [
      'a hard link in what both are based on',
      [dir, { 'd/l': '=d/one' }],
      [dir, { 'd/l': '=d/one' }, { x: '' }],
      true,
    ],
    ['a symlink', [dir, { 'd/l': '->one', x: '1' }], [dir, { 'd/l': '->one', x: '2' }], true],
    ['its own entry again', [dir], [dir, { 'd/': '' }], true],
    ['emptied', [dir], [dir, { 'd/': '', 'd/.wh..wh..opq': '' }], false],
    ['taken away and made again', [dir], [dir, { '.wh.d': '', 'd/': '' }], false],
    ['made a file in between', [dir], [dir, { d: 'text' }, { 'd/': '' }], false],
  ];
  for (const [name, old, now, expected] of rows)
    assert.equal(await isSame({ old, now, reads: [read('d')] }), expected, name);
  const deep = [{ 'a/': '', 'a/d/': '' }];
  assert.equal(await isSame({ old: deep, now: [...deep, { x: '' }], reads: [read('a/d')] }), true);
  const replaced = [...deep, { a: '->x' }, { 'a/': '', 'a/d/': '' }];
  assert.equal(await isSame({ old: deep, now: replaced, reads: [read('a/d')] }), false);
});

test('all paths that are read have to be the same, and each has to be plain', async () => {
  const old = [{ './': '', ...BASE, 'bin/unused': '1' }];
  const now = [{ './': '', ...BASE, 'bin/unused': '2' }];
  const rows: readonly (readonly [ContextReads | 'not files', boolean])[] = [
    [USED, true],
    [[read('bin/used'), read('bin/used')], true],
    [[read('bin/used'), read('bin/unused')], false],
    ['all', false],
    ['not files', false],
    [[read('.')], false],
    [[read('bin/used', '*')], false],
    [[read('bin/use*')], false],
    [[read('bin/use?')], false],
    [[read('bin/[u]sed')], false],
    [[read('bin\\used')], false],
  ];
  for (const [reads, expected] of rows) assert.equal(await isSame({ old, now, reads }), expected);
});

test('each platform is compared with itself, and those with the same layers are not read', async () => {
  const layers = { old: [BASE], now: [BASE, { x: '' }] };
  const at = (platform: string, of: Digest, named?: Digest): PlatformManifest => ({
    platform,
    digest: of,
    ...(named === undefined ? {} : { layers: named }),
  });
  const [same, other] = [digest('8'), digest('9')];
  const rows: readonly (readonly [readonly PlatformManifest[], readonly PlatformManifest[], boolean])[] = [
    [[at('p', OLD), at('q', same)], [at('q', same), at('p', NEW)], true],
    [[at('p', OLD)], [at('p', NEW), at('q', same)], false],
    [[at('p', OLD)], [at('q', NEW)], false],
    [[at('p', same, same)], [at('p', other, same)], true],
    [[at('p', OLD, same)], [at('p', NEW, other)], true],
  ];
  for (const [was, is, expected] of rows)
    assert.equal(await isSame({ ...layers, platforms: [was, is] }), expected);
  const changed = { old: [BASE], now: [{ ...BASE, 'bin/used': 'v' }] };
  assert.equal(await isSame({ ...changed, platforms: [[at('p', OLD)], [at('p', NEW)]] }), false);
});

test('nothing is said where anything else changed, or the results cannot be read', async () => {
  const layers = { old: [BASE], now: [BASE, { x: '' }] };
  assert.equal(await isSame(layers), true);
  assert.equal(await isSame({ ...layers, parts: { target: 'other' } }), false);
  const sbom = (...attributes: readonly (readonly [string, string])[]) => ({
    attest: [{ type: 'sbom', attributes: new Map(attributes) }],
  });
  assert.equal(await isSame({ ...layers, build: sbom() }), false);
  assert.equal(await isSame({ ...layers, build: sbom(['disabled', 'true']) }), true);
  for (const argument of ['BUILDKIT_ATTEST_PROVENANCE', 'BUILDKIT_ATTEST_SBOM'])
    assert.equal(await isSame({ ...layers, build: { args: new Map([[argument, 'true']]) } }), false);
  assert.equal(await isSame({ ...layers, missing: true }), false);
  for (const recorded of ['NO', 'none']) assert.equal(await isSame({ ...layers, recorded }), false);
  assert.equal(await isSame({ ...layers, location: { kind: 'layout', dir: '/l' } }), false);
  assert.equal(await isSame({ ...layers, unfinished: true }), false);
});

test('layers are read once each, and not more of them than a cached build would take', async () => {
  const limit = 32 * 1024 * 1024;
  const layers = { old: [BASE, { x: '1' }], now: [BASE, { x: '2' }] };
  const streamed: Digest[] = [];
  assert.equal(await isSame({ ...layers, sizeBytes: limit / 4, streamed }), true);
  assert.deepEqual([streamed.length, new Set(streamed).size], [3, 3]);
  assert.equal(await isSame({ ...layers, sizeBytes: limit / 2 }), false);
  const changed = { old: [BASE], now: [{ ...BASE, 'bin/used': 'v' }] };
  assert.equal(await isSame({ ...changed, sizeBytes: limit / 4 }), false);
  // All of one layer, and two that are together just as much.
  const same = { old: [BASE], now: [BASE] };
  assert.equal(await isSame({ ...same, sizeBytes: limit }), true);
  assert.equal(await isSame({ ...same, sizeBytes: limit + 1 }), false);
  const two = { old: [{ ...BASE, x: '1' }], now: [{ ...BASE, x: '2' }] };
  assert.equal(await isSame({ ...two, sizeBytes: limit / 2 }), true);
  assert.equal(await isSame({ ...two, sizeBytes: limit / 2 + 1 }), false);
});

test('inputs are remembered with the results behind them that are in a registry', () => {
  const ref = { registry: 'r.example', repository: 'p', digest: OLD };
  const images = new Map<string, ImageLocation>([
    ['pushed', { kind: 'registry', ref }],
    ['stored', { kind: 'store', ref, confirmed: true }],
  ]);
  const resultOf = (build: string) => {
    const location = images.get(build);
    return {
      image: { digest: OLD, platforms: [{ platform: 'p', digest: OLD }], ...(location && { location }) },
    };
  };
  const edge = (to: string) => ({ to, reason: 'from' as const, contextName: `the ${to}` });
  const node = makeNode({}, { edges: [edge('pushed'), edge('stored'), edge('nowhere')] });
  const none: NodeInputs = {
    untracked: [],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [],
    filesOnly: new Map(),
  };
  const parts = partsOf({ 'the pushed': 'x', 'the stored': 'x', 'the nowhere': 'x', unknown: 'x' });
  assert.equal(lastInputs(resultOf, node, none), undefined);
  assert.equal(lastInputs(resultOf, node, { ...none, parts }), undefined);
  assert.deepEqual(lastInputs(resultOf, node, { ...none, parts, key: 'k' }), {
    key: 'k',
    parts,
    parents: { 'the pushed': { ref: `r.example/p@${OLD}`, platforms: [{ platform: 'p', digest: OLD }] } },
  });
  const alone = partsOf({ 'the stored': 'x' });
  assert.deepEqual(lastInputs(resultOf, node, { ...none, parts: alone, key: 'k' }), {
    key: 'k',
    parts: alone,
  });
});
