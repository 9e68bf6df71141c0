/**
 * The traps that other tools fell into, each as an edit that must (or must not) change the key. Where it must, the same
 * edit is also shown to be missed by a key that leaves out what it is about: the test would notice if we did.
 */
import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  type BaseConfig,
  inspectDockerfile,
  NO_RULES,
  parseDockerfile,
  parseIgnore,
} from '../../lib/dockerfile/mod.ts';
import { ContextHasher, computeKey, diffKeys, type KeyResult, keyParts } from '../../lib/fingerprint/mod.ts';
import type { Build, FilePart, KeyParts } from '../../lib/model/mod.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { makeBuild } from './make-build.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

const DOCKERFILE = `# syntax=docker/dockerfile:1
ARG TAG=1
FROM base:\${TAG} AS build
ARG VERSION
COPY src /src
RUN --mount=type=bind,source=bound,target=/b --mount=type=secret,id=token make
COPY --from=tools:2 /bin/tool /bin/
FROM scratch AS unused
COPY unused /
FROM scratch
COPY --from=build /src /src
COPY --from=parent /lib /lib
`;

const TREE = {
  'src/a.c': 'aaaa',
  'src/sub/b.c': 'bbbb',
  'src/run.sh': { content: '#!', mode: 0o644 },
  'src/link': { symlink: 'a.c' },
  'src/note.md': 'note',
  'bound/in.txt': 'in',
  unused: 'u',
  outside: 'o',
} as const;

interface Setup {
  root: string;
  dockerfile: string;
  ignore: string;
  build: Build;
  images: Map<string, string>;
  parents: Map<string, string>;
  bases: Map<string, BaseConfig>;
}

async function setUp(root: string): Promise<Setup> {
  await writeTree(root, TREE);
  return {
    root,
    dockerfile: DOCKERFILE,
    ignore: '*.log',
    build: makeBuild({
      platforms: ['linux/amd64'],
      context: { ref: { kind: 'local', path: root }, written: '.' },
      args: new Map([['VERSION', '1']]),
      contexts: new Map([['parent', { ref: { kind: 'build', build: 'lib' }, written: 'build:lib' }]]),
    }),
    images: new Map([
      ['docker/dockerfile:1', A],
      ['base:1', A],
      ['base:2', A],
      ['tools:2', A],
    ]),
    parents: new Map([['parent', A]]),
    bases: new Map([
      ['base:1', { env: [], onbuild: [] }],
      ['base:2', { env: [], onbuild: [] }],
    ]),
  };
}

async function keyOf(setup: Setup): Promise<KeyResult> {
  const parsed = parseDockerfile({ path: 'Dockerfile', text: setup.dockerfile });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const facts = inspectDockerfile(parsed.value, {
    args: setup.build.args,
    platforms: setup.build.platforms,
    contextNames: new Set(setup.build.contexts.keys()),
    bases: setup.bases,
    ...(setup.build.target === undefined ? {} : { target: setup.build.target }),
  });
  assert.ok(facts.ok, JSON.stringify(facts));
  const rules = parseIgnore({ path: '.dockerignore', text: setup.ignore });
  const files = new Map<string, readonly FilePart[]>();
  const hasher = new ContextHasher({ workers: 0 });
  const reads = facts.value.reads.get('context');
  if (reads !== undefined) {
    const hashed = await hasher.hash({
      root: setup.root,
      written: '.',
      reads,
      ignore: rules.ok ? rules.value : NO_RULES,
    });
    assert.ok(hashed.ok, JSON.stringify(hashed));
    files.set('context', hashed.value.files);
  }
  await hasher.close();
  return keyParts({
    build: setup.build,
    facts: facts.value,
    files,
    images: setup.images,
    parents: setup.parents,
    platforms: setup.build.platforms,
  });
}

interface Vector {
  readonly name: string;
  readonly edit: (setup: Setup) => void | Promise<void>;
  /** What `explain` says; undefined: the key must not change. */
  readonly says?: RegExp;
  /** A poorer key that misses the edit. */
  readonly naive?: (parts: KeyParts) => unknown;
}

const inContext =
  (project: (part: FilePart) => unknown) =>
  (parts: KeyParts): unknown =>
    (parts.files['context'] ?? []).map(project);

const VECTORS: readonly Vector[] = [
  {
    name: 'chmod +x',
    edit: ({ root }) => chmod(path.join(root, 'src/run.sh'), 0o755),
    says: /^context: mode of src\/run\.sh 644 → 755$/,
    naive: inContext(({ path, content }) => [path, content]),
  },
  {
    name: 'setuid',
    edit: ({ root }) => chmod(path.join(root, 'src/run.sh'), 0o4644),
    says: /mode of src\/run\.sh 644 → 4644/,
    naive: inContext(({ path, mode, content }) => [path, mode & 0o777, content]),
  },
  {
    name: 'a symlink that points elsewhere',
    edit: async ({ root }) => {
      await rm(path.join(root, 'src/link'));
      await symlink('run.sh', path.join(root, 'src/link'));
    },
    says: /src\/link points to run\.sh instead of a\.c/,
    naive: inContext(({ path, kind, content }) => [path, kind === 'symlink' ? '' : content]),
  },
  {
    name: 'the same base name moved between directories',
    edit: ({ root }) => rename(path.join(root, 'src/sub/b.c'), path.join(root, 'src/b.c')),
    says: /src\/b\.c added/,
    naive: (parts) =>
      (parts.files['context'] ?? []).map((part) => [path.basename(part.path), part.content]).sort(),
  },
  {
    name: 'a file of a bind mount',
    edit: ({ root }) => writeFile(path.join(root, 'bound/in.txt'), 'IN'),
    says: /^context: bound\/in\.txt changed$/,
    naive: (parts) => (parts.files['context'] ?? []).filter((part) => part.path.startsWith('src')),
  },
  {
    name: 'the same size and mtime, other bytes',
    edit: async ({ root }) => {
      const file = path.join(root, 'src/a.c');
      const { atime, mtime } = await lstat(file);
      await writeFile(file, 'AAAA');
      await utimes(file, atime, mtime);
    },
    says: /^context: src\/a\.c changed$/,
    naive: inContext(({ path, mode, kind }) => [path, mode, kind]),
  },
  {
    name: 'an empty directory',
    edit: ({ root }) => mkdir(path.join(root, 'src/void')),
    says: /src\/void added/,
    naive: (parts) => (parts.files['context'] ?? []).filter((part) => part.kind !== 'dir'),
  },
  {
    name: 'a deleted file',
    edit: ({ root }) => rm(path.join(root, 'src/note.md')),
    says: /src\/note\.md removed/,
    naive: (parts) => (parts.files['context'] ?? []).filter((part) => part.path.endsWith('.c')),
  },
  {
    name: 'a file that became a directory',
    edit: async ({ root }) => {
      await rm(path.join(root, 'src/note.md'));
      await mkdir(path.join(root, 'src/note.md'));
    },
    says: /src\/note\.md was a file and is a dir/,
    naive: inContext(({ path }) => path),
  },
  {
    name: 'a base image that moved',
    edit: ({ images }) => {
      images.set('base:1', B);
    },
    says: /^image base:1 moved sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…$/,
    naive: (parts) => Object.keys(parts.images),
  },
  {
    name: 'an image of COPY --from that moved',
    edit: ({ images }) => {
      images.set('tools:2', B);
    },
    says: /image tools:2 moved/,
    naive: (parts) => parts.images['base:1'],
  },
  {
    name: 'a frontend that moved',
    edit: ({ images }) => {
      images.set('docker/dockerfile:1', B);
    },
    says: /image docker\/dockerfile:1 moved/,
    naive: (parts) => parts.dockerfile,
  },
  {
    name: 'a parent with another result',
    edit: ({ parents }) => {
      parents.set('parent', B);
    },
    says: /build for context parent has another result/,
    naive: (parts) => Object.keys(parts.parents),
  },
  {
    name: '.dockerignore with effect',
    edit: (setup) => {
      setup.ignore = '**/*.md';
    },
    says: /src\/note\.md removed/,
    naive: (parts) => (parts.files['context'] ?? []).filter((part) => !part.path.endsWith('.md')),
  },
  {
    name: 'an argument changed',
    edit: (setup) => setArgs(setup, { VERSION: '2' }),
    says: /^arg VERSION: "1" → "2"$/,
    naive: (parts) => Object.keys(parts.args),
  },
  {
    name: 'an argument removed',
    edit: (setup) => setArgs(setup, {}),
    says: /^arg VERSION removed$/,
    naive: (parts) => parts.dockerfile,
  },
  {
    name: 'an argument set to nothing is not one that is not set',
    edit: async (setup) => setArgs(setup, { VERSION: '' }),
    says: /arg VERSION: "1" → ""/,
    naive: (parts) => Object.keys(parts.args),
  },
  {
    name: 'an argument that only FROM uses',
    edit: (setup) => setArgs(setup, { VERSION: '1', TAG: '2' }),
    says: /arg TAG added: "2"/,
    naive: (parts) => parts.args['VERSION'],
  },
  {
    name: 'the list of platforms',
    edit: (setup) => {
      setup.build = { ...setup.build, platforms: ['linux/amd64', 'linux/arm64'] };
    },
    says: /^platform linux\/arm64 added$/,
    naive: (parts) => parts.platforms[0],
  },
  {
    name: 'an instruction of a stage that is used',
    edit: (setup) => {
      setup.dockerfile = setup.dockerfile.replace('token make', 'token make -j2');
    },
    says: /Dockerfile: RUN .* make became RUN .* make -j2/,
    naive: (parts) => parts.dockerfile.split('\n').length,
  },
  {
    name: 'a trigger of the base image',
    edit: ({ bases }) => {
      bases.set('base:1', { env: [], onbuild: ['COPY outside /'] });
    },
    says: /context: outside added/,
    naive: (parts) => parts.dockerfile,
  },
  {
    name: 'a base image whose triggers are not known counts everything',
    edit: ({ bases }) => {
      bases.clear();
    },
    says: /context: unused added/,
    naive: (parts) => parts.dockerfile,
  },
  {
    name: 'a cache that lies in the image',
    edit: (setup) => {
      setup.build = { ...setup.build, cacheTo: [{ type: 'inline', attributes: new Map() }] };
    },
    says: /inline cache added/,
    naive: (parts) => parts.args,
  },
  {
    name: 'the id of a secret',
    edit: (setup) => {
      setup.build = { ...setup.build, secrets: [{ id: 'token', from: { kind: 'env', variable: 'T' } }] };
    },
    says: /secrets added/,
    naive: (parts) => parts.args,
  },
  { name: 'an excluded file', edit: ({ root }) => writeFile(path.join(root, 'x.log'), 'x') },
  { name: 'a file that nothing copies', edit: ({ root }) => writeFile(path.join(root, 'outside'), 'O') },
  {
    name: 'a file of a stage that is not used',
    edit: ({ root }) => writeFile(path.join(root, 'unused'), 'U'),
  },
  {
    name: 'times',
    edit: ({ root }) => utimes(path.join(root, 'src/a.c'), 1, 1),
  },
  {
    name: '.dockerignore without effect',
    edit: (setup) => {
      setup.ignore = '# nothing\n*.log\nnot-there';
    },
  },
  {
    name: 'the default of an argument that is given',
    edit: (setup) => {
      setup.dockerfile = setup.dockerfile.replace('ARG VERSION\n', 'ARG VERSION=5\n');
    },
  },
  {
    name: 'the default of an argument that is not given',
    edit: (setup) => {
      setup.dockerfile = setup.dockerfile.replace('ARG VERSION\n', 'ARG VERSION OTHER=5\n');
    },
    says: /^Dockerfile: ARG VERSION became ARG VERSION OTHER=5$/,
    naive: (parts) => parts.args,
  },
  {
    name: 'an argument nobody declares, and a proxy',
    edit: (setup) => setArgs(setup, { VERSION: '1', NOBODY: 'x', HTTP_PROXY: 'http://proxy' }),
  },
  {
    name: 'tags, pushing and caches',
    edit: (setup) => {
      setup.build = {
        ...setup.build,
        tags: [{ text: 'r/x:1' }],
        push: 'always',
        cacheFrom: [{ type: 'registry', attributes: new Map([['ref', 'r/cache']]) }],
        cacheTo: [{ type: 'registry', attributes: new Map([['ref', 'r/cache']]) }],
      };
    },
  },
  {
    name: 'comments and layout of the Dockerfile',
    edit: (setup) => {
      setup.dockerfile = `${setup.dockerfile.replace('COPY src /src', '# words\n\n  COPY src /src  ')}\n# end\n`;
    },
  },
  {
    name: 'a stage that is not used',
    edit: (setup) => {
      setup.dockerfile = setup.dockerfile.replace('COPY unused /', 'COPY unused /elsewhere');
    },
  },
];

function setArgs(setup: Setup, args: Readonly<Record<string, string>>): void {
  setup.build = { ...setup.build, args: new Map(Object.entries(args)) };
}

for (const { name, edit, says, naive } of VECTORS) {
  test(`${says === undefined ? 'does not count' : 'counts'}: ${name}`, async (t) => {
    const setup = await setUp(await makeTempDir(t));
    const before = await keyOf(setup);
    assert.deepEqual(before.untracked, []);
    await edit(setup);
    const after = await keyOf(setup);
    const lines = diffKeys(before.parts, after.parts);
    if (says === undefined) {
      assert.equal(computeKey(after.parts), computeKey(before.parts), lines.join('; '));
      assert.deepEqual(lines, []);
      return;
    }
    assert.notEqual(computeKey(after.parts), computeKey(before.parts));
    assert.ok(
      lines.some((line) => says.test(line)),
      `${says} in ${JSON.stringify(lines)}`,
    );
    assert.ok(naive !== undefined);
    assert.deepEqual(naive(after.parts), naive(before.parts), 'the poorer key was to miss it');
  });
}

test('another checkout path gives the same key', async (t) => {
  const one = await keyOf(await setUp(await makeTempDir(t)));
  const other = await keyOf(await setUp(await makeTempDir(t)));
  assert.equal(computeKey(one.parts), computeKey(other.parts));
});

test('going back to an earlier state gives the earlier key', async (t) => {
  const setup = await setUp(await makeTempDir(t));
  const first = computeKey((await keyOf(setup)).parts);
  const file = path.join(setup.root, 'src/a.c');
  const text = await readFile(file, 'utf8');
  await writeFile(file, 'else');
  assert.notEqual(computeKey((await keyOf(setup)).parts), first);
  await writeFile(file, text);
  assert.equal(computeKey((await keyOf(setup)).parts), first);
});

test('parts cannot run together into the same key', async (t) => {
  const { parts } = await keyOf(await setUp(await makeTempDir(t)));
  const keys = [
    { ...parts, target: 'ab', dockerfile: 'c' },
    { ...parts, target: 'a', dockerfile: 'bc' },
    { ...parts, args: { a: 'b', c: 'd' } },
    { ...parts, args: { a: 'b\n- 1:c\n- 1:d' } },
    { ...parts, args: {}, images: { a: 'b' } },
    { ...parts, args: { a: 'b' }, images: {} },
    { ...parts, platforms: ['a,b'] },
    { ...parts, platforms: ['a', 'b'] },
    { ...parts, files: { one: [], two: [] } },
    { ...parts, files: { 'one two': [] } },
  ].map(computeKey);
  assert.equal(new Set(keys).size, keys.length);
});

test('the order of records does not matter', async (t) => {
  const { parts } = await keyOf(await setUp(await makeTempDir(t)));
  const turned = { ...parts, images: Object.fromEntries(Object.entries(parts.images).reverse()) };
  assert.equal(computeKey(turned), computeKey(parts));
});

test('what cannot be known is named and never skipped', async (t) => {
  const setup = await setUp(await makeTempDir(t));
  setup.dockerfile += 'ADD https://user:hidden@example.com/x.tgz /\nADD https://example.com/r.git#main /r\n';
  setup.images.delete('tools:2');
  setup.parents.clear();
  setup.build = { ...setup.build, args: new Map([['SOURCE_DATE_EPOCH', 'context']]) };
  const { untracked } = await keyOf(setup);
  assert.deepEqual(
    untracked.map(({ text }) => text),
    [
      'ADD https://example.com/r.git may have changed (it has no --checksum)',
      'ADD https://example.com/x.tgz may have changed (it has no --checksum)',
      'SOURCE_DATE_EPOCH is taken from context',
      'the image tools:2 could not be resolved to a digest',
      'the result of lib has no digest',
    ],
  );
});

test('what is pinned by content is known', async (t) => {
  const setup = await setUp(await makeTempDir(t));
  const sum = `sha256:${'c'.repeat(64)}`;
  setup.dockerfile += `ADD --checksum=${sum} https://example.com/x /\nADD https://example.com/r.git#${'d'.repeat(40)} /r\n`;
  assert.deepEqual((await keyOf(setup)).untracked, []);
});

test('secrets and credentials are not shown in differences', async (t) => {
  const setup = await setUp(await makeTempDir(t));
  const before = await keyOf(setup);
  setup.dockerfile = `${setup.dockerfile}ARG API_TOKEN=hush\nADD --checksum=sha256:${'c'.repeat(64)} https://me:hush@example.com/x /\n`;
  setArgs(setup, { VERSION: '1', API_TOKEN: 'hush' });
  const lines = diffKeys(before.parts, (await keyOf(setup)).parts);
  assert.ok(lines.some((line) => line.startsWith('arg API_TOKEN added')));
  assert.ok(!JSON.stringify(lines).includes('hush'), JSON.stringify(lines));
});

test('a long list of differences is cut, and says by how much', async (t) => {
  const setup = await setUp(await makeTempDir(t));
  const before = await keyOf(setup);
  await writeTree(setup.root, Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`src/new${n}`, 'x'])));
  const lines = diffKeys(before.parts, (await keyOf(setup)).parts, 10);
  assert.equal(lines.length, 11);
  assert.equal(lines.at(-1), 'and 40 more');
});

test('the order of hosts and ulimits counts: to the engine another order is another step', async (t) => {
  const before = await setUp(await makeTempDir(t));
  const withHosts = (...names: readonly string[]): Setup => ({
    ...before,
    build: {
      ...before.build,
      extraHosts: new Map(names.map((name) => [name, '10.0.0.1'])),
      ulimits: names.map((name) => ({ name, soft: 1, hard: 2 })),
    },
  });
  const one = (await keyOf(withHosts('a', 'b'))).parts;
  const other = (await keyOf(withHosts('b', 'a'))).parts;
  assert.notEqual(computeKey(one), computeKey(other));
  assert.deepEqual(diffKeys(one, other), [
    'order of hosts: "a b" → "b a"',
    'order of ulimits: "a=1:2 b=1:2" → "b=1:2 a=1:2"',
  ]);
});
