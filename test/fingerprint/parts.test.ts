/** The parts of a key by themselves: what each property of a build becomes, what cannot be known, and how it is digested. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { DockerfileFacts } from '../../lib/dockerfile/mod.ts';
import { computeKey, type KeyInput, keyParts } from '../../lib/fingerprint/mod.ts';
import { type Build, type FilePart, KEY_VERSION, type KeyParts, type Span } from '../../lib/model/mod.ts';
import { fromBuild } from '../rig/sets.ts';
import { makeBuild } from './make-build.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const COMMIT = 'c'.repeat(40);
const span: Span = { source: { path: 'Dockerfile', text: '' }, start: 0, end: 0 };
const FILES: readonly FilePart[] = [{ path: 'a', kind: 'file', mode: 0o644, content: 'aa' }];

function facts(rest: Partial<DockerfileFacts> = {}): DockerfileFacts {
  return {
    stages: [{ index: 0, base: 'scratch', reachable: true, span }],
    target: 0,
    images: [],
    contexts: [],
    bases: [],
    unreadBases: [],
    reads: new Map(),
    declaredArgs: new Set(),
    usesEnginePlatform: false,
    remoteSources: [],
    secrets: [],
    ssh: [],
    ports: [],
    onbuild: [],
    unknowns: [],
    text: 'FROM scratch',
    ...rest,
  };
}

function partsOf(build: Partial<Build>, rest: Partial<KeyInput> = {}) {
  return keyParts({
    build: makeBuild(build),
    facts: facts(),
    files: new Map(),
    images: new Map(),
    parents: new Map(),
    platforms: ['linux/amd64'],
    ...rest,
  });
}

const map = (record: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(record));

/** What a build says → the options of its key. Every property that changes an image is here. */
const OPTIONS: readonly (readonly [Partial<Build>, Readonly<Record<string, string>>])[] = [
  [{}, {}],
  [{ labels: map({ b: '2', a: '1' }) }, { 'label a': '1', 'label b': '2' }],
  [{ annotations: map({ 'index:a': '1' }) }, { 'annotation index:a': '1' }],
  [
    { attest: [{ type: 'provenance', attributes: map({ version: 'v1', mode: 'max' }) }] },
    { 'attest provenance': '[["mode","max"],["version","v1"]]' },
  ],
  [{ attest: [{ type: 'provenance', attributes: map({}) }] }, { 'attest provenance': '' }],
  [
    {
      outputs: [
        {
          type: 'image',
          attributes: map({ name: 'r.io/x', push: 'true', 'push-by-digest': 'true', oci: 'true' }),
        },
        { type: 'oci', attributes: map({ dest: 'out.tar', tar: 'false', 'name-canonical': 'true' }) },
        { type: 'docker', attributes: map({ store: 'false', unpack: 'true' }) },
      ],
    },
    { outputs: JSON.stringify(['image [["oci","true"]]', 'oci', 'docker']) },
  ],
  [{ compression: { type: 'zstd', level: 3, force: true } }, { compression: 'zstd 3 force' }],
  [{ compression: { type: 'gzip', force: false } }, { compression: 'gzip' }],
  [{ reproducible: true }, { reproducible: 'true' }],
  [{ sourceDateEpoch: 0 }, { 'source date epoch': '0' }],
  [{ network: 'default' }, {}],
  [{ network: 'none' }, { network: 'none' }],
  [{ extraHosts: map({ db: '10.0.0.1' }) }, { 'host db': '10.0.0.1' }],
  [{ extraHosts: map({ z: '1', a: '2' }) }, { 'host a': '2', 'host z': '1', 'order of hosts': 'z a' }],
  [{ ulimits: [{ name: 'nofile', soft: 1, hard: 2 }] }, { 'ulimit nofile': '1:2' }],
  [
    {
      ulimits: [
        { name: 'z', soft: 1, hard: 2 },
        { name: 'a', soft: 3, hard: 4 },
      ],
    },
    { 'order of ulimits': 'z=1:2 a=3:4', 'ulimit a': '3:4', 'ulimit z': '1:2' },
  ],
  [{ shmSizeBytes: 64 }, { 'shm size': '64' }],
  [{ cgroupParent: 'x' }, { 'cgroup parent': 'x' }],
  [
    { entitlements: ['security.insecure', 'network.host'] },
    { entitlements: 'network.host security.insecure' },
  ],
  [
    {
      secrets: [
        { id: 'z', from: { kind: 'env', variable: 'V' } },
        { id: 'a', from: { kind: 'file', path: '/s' } },
      ],
    },
    { secrets: '["a","z"]' },
  ],
  [
    {
      ssh: [
        { id: 'z', paths: [] },
        { id: 'default', paths: ['/k'] },
      ],
    },
    { ssh: '["default","z"]' },
  ],
];

for (const [build, options] of OPTIONS) {
  test(`option: ${JSON.stringify(build, (_, value) => (value instanceof Map ? [...value] : value))}`, () => {
    const { parts, untracked } = partsOf(build);
    assert.deepEqual(Object.entries(parts.options), Object.entries(options));
    assert.deepEqual(untracked, []);
  });
}

test('parts without anything are the Dockerfile, its version and the platforms', () => {
  assert.deepEqual(partsOf({}).parts, {
    version: KEY_VERSION,
    dockerfile: 'FROM scratch',
    target: '',
    platforms: ['linux/amd64'],
    args: {},
    files: {},
    images: {},
    parents: {},
    options: {},
  });
});

test('the target is the name of the stage, else what the build says, else nothing', () => {
  const named = facts({ stages: [{ index: 0, name: 'final', base: 'scratch', reachable: true, span }] });
  assert.equal(partsOf({ target: 'FINAL' }, { facts: named }).parts.target, 'final');
  assert.equal(partsOf({ target: '0' }).parts.target, '0');
  assert.equal(partsOf({ target: 'x' }, { facts: facts({ stages: [] }) }).parts.target, 'x');
});

test('the platform of the engine counts where the build names none, or where the Dockerfile uses it', () => {
  const platform = { enginePlatform: 'linux/arm64' };
  const used = facts({ usesEnginePlatform: true });
  assert.deepEqual(partsOf({}, platform).parts.options, {});
  assert.deepEqual(partsOf({}, { ...platform, platforms: [] }).parts.options, {
    'engine platform': 'linux/arm64',
  });
  assert.deepEqual(partsOf({}, { ...platform, facts: used }).parts.options, {
    'engine platform': 'linux/arm64',
  });
  assert.deepEqual(partsOf({}, { platforms: [] }).parts.options, {});
});

test('arguments count where they are declared, or BuildKit itself reads them', () => {
  const args = map({
    ZED: '1',
    DECLARED: '2',
    NOBODY: '3',
    BUILDKIT_MULTI_PLATFORM: '1',
    SOURCE_DATE_EPOCH: '0',
    NOT_BUILDKIT_X: '4',
    HTTP_PROXY: '5',
  });
  const { parts } = partsOf(
    { args },
    { facts: facts({ declaredArgs: new Set(['DECLARED', 'ZED', 'UNSET']) }) },
  );
  assert.deepEqual(Object.entries(parts.args), [
    ['BUILDKIT_MULTI_PLATFORM', '1'],
    ['DECLARED', '2'],
    ['SOURCE_DATE_EPOCH', '0'],
    ['ZED', '1'],
  ]);
});

test('files of local contexts count where they are read, and were read for nothing or not at all is not the same', () => {
  const contexts = new Map([
    ['docs', { ref: { kind: 'local', path: '/docs' } as const, written: 'docs' }],
    ['idle', { ref: { kind: 'local', path: '/idle' } as const, written: 'idle' }],
  ]);
  const used = facts({
    reads: new Map([
      ['docs', 'all'],
      ['context', 'all'],
    ]),
    contexts: [{ name: 'idle', written: 'idle', use: 'copy', span }],
  });
  const both = partsOf(
    { contexts },
    {
      facts: used,
      files: new Map([
        ['docs', FILES],
        ['context', []],
        ['idle', FILES],
      ]),
    },
  );
  assert.deepEqual(Object.entries(both.parts.files), [
    ['context', []],
    ['docs', FILES],
  ]);
  assert.deepEqual(both.untracked, []);
  const unread = partsOf({ contexts }, { facts: used });
  assert.deepEqual(unread.parts.files, {});
  assert.deepEqual(unread.untracked, [
    { kind: 'unread', text: 'the files of the context context were not read' },
    { kind: 'unread', text: 'the files of the context docs were not read' },
  ]);
});

test('images count by digest: their own, else what they were resolved to; else they cannot be known', () => {
  const images = ['base:1', `pinned:1@${A}`, 'lost:1'].map((written) => ({
    written,
    use: 'from' as const,
    span,
  }));
  const { parts, untracked } = partsOf(
    {
      contexts: new Map([['tools', { ref: { kind: 'image', ref: 'tools:1' }, written: 'tools:1' }]]),
      attest: [{ type: 'sbom', attributes: map({ generator: 'scanner:1' }) }],
    },
    {
      facts: facts({ images, contexts: [{ name: 'tools', written: 'tools', use: 'copy', span }] }),
      images: map({ 'base:1': B, [`pinned:1@${A}`]: B, 'tools:1': B, 'scanner:1': A }),
    },
  );
  assert.deepEqual(Object.entries(parts.images), [
    ['base:1', B],
    [`pinned:1@${A}`, A],
    ['scanner:1', A],
    ['tools:1', B],
  ]);
  assert.deepEqual(untracked, [
    { kind: 'image', text: 'the image lost:1 could not be resolved to a digest', subject: 'lost:1' },
  ]);
});

test('parents count by the digest of their result, whether the build names them or the plan found them', () => {
  const used = facts({
    contexts: [
      { name: 'lib', written: 'lib', use: 'from', span },
      { name: 'found', written: 'found', use: 'from', span },
      { name: 'lost', written: 'lost', use: 'from', span },
    ],
  });
  const contexts = new Map([
    ['lib', fromBuild('b')],
    ['idle', fromBuild('b')],
  ]);
  const known = partsOf({ contexts }, { facts: used, parents: map({ lib: A, found: B, idle: A, other: A }) });
  assert.deepEqual(Object.entries(known.parts.parents), [
    ['found', B],
    ['lib', A],
  ]);
  assert.deepEqual(known.untracked, [
    { kind: 'parent', text: 'the result for context lost has no digest', subject: 'lost' },
  ]);
  const unknown = partsOf({ contexts }, { facts: used, parents: map({ found: B }) });
  assert.deepEqual(unknown.untracked, [
    { kind: 'parent', text: 'the result for context lost has no digest', subject: 'lost' },
    { kind: 'parent', text: 'the result of b has no digest', subject: 'lib' },
  ]);
});

test('of a Dockerfile with stages nobody can tell of, every context and parent counts', () => {
  const contexts = new Map([
    ['lib', fromBuild('b')],
    ['tools', { ref: { kind: 'image', ref: 'tools:1' } as const, written: 'tools:1' }],
  ]);
  const { parts, untracked } = partsOf(
    { contexts },
    {
      facts: facts({ stages: [], reads: new Map([['context', 'all']]) }),
      files: new Map([['context', FILES]]),
      images: map({ 'tools:1': A }),
      parents: map({ lib: A, 'r.io/found': B }),
    },
  );
  assert.deepEqual(parts.parents, { lib: A, 'r.io/found': B });
  assert.deepEqual(parts.images, { 'tools:1': A });
  assert.deepEqual(parts.files, { context: FILES });
  assert.deepEqual(untracked, []);
});

test('a context that is read by name alone counts like one that an instruction refers to', () => {
  const contexts = new Map([['docs', { ref: { kind: 'image', ref: 'docs:1' } as const, written: 'docs:1' }]]);
  const { parts } = partsOf(
    { contexts },
    { facts: facts({ reads: new Map([['docs', 'all']]) }), images: map({ 'docs:1': A }) },
  );
  assert.deepEqual(parts.images, { 'docs:1': A });
});

test('a remote context is known by its full commit alone, and its user is not told', () => {
  const git = (url: string) =>
    partsOf({ context: { ref: { kind: 'git', url }, written: url } }, { facts: facts() });
  for (const end of [
    `#${COMMIT}`,
    `#${COMMIT}:sub`,
    `#${COMMIT}${'c'.repeat(24)}`,
    `?ref=${COMMIT}`,
    `?subdir=x&commit=${COMMIT}`,
    `?checksum=${COMMIT}&x=y`,
  ]) {
    const { parts, untracked } = git(`https://user:hush@example.com/r.git${end}`);
    assert.deepEqual(parts.options, { 'context context': `https://example.com/r.git${end}` });
    assert.deepEqual(untracked, [], end);
  }
  for (const end of [
    '',
    '#main',
    `#${COMMIT.slice(1)}`,
    `#${COMMIT}c`,
    `#${COMMIT}${'c'.repeat(23)}`,
    `?tag=${COMMIT}`,
    `/${COMMIT}`,
    `#x=${COMMIT}`,
  ]) {
    assert.deepEqual(
      git(`https://example.com/r.git${end}`).untracked,
      [{ kind: 'remote-context', text: 'the context context is remote and may have changed' }],
      end,
    );
  }
  const http = partsOf({ context: { ref: { kind: 'http', url: `https://h/x#${COMMIT}` }, written: 'x' } });
  assert.equal(http.untracked.length, 1, 'only git has commits');
  const plain = (url: string) => git(`${url}#${COMMIT}`).parts.options['context context'];
  assert.equal(plain('https://@h/r.git'), `https://h/r.git#${COMMIT}`);
  assert.equal(plain('https://h/a//u@b.git'), `https://h/a//u@b.git#${COMMIT}`);
  const ssh = git(`git@example.com:r.git#${COMMIT}`);
  assert.deepEqual(ssh.parts.options, { 'context context': `git@example.com:r.git#${COMMIT}` });
});

test('a layout is known by its digest alone', () => {
  const layout = (ref: { readonly tag?: string; readonly digest?: string }, found?: string) =>
    partsOf(
      { contexts: new Map([['base', { ref: { kind: 'oci-layout', path: '/l', ...ref }, written: 'l' }]]) },
      {
        facts: facts({ contexts: [{ name: 'base', written: 'base', use: 'from', span }] }),
        ...(found === undefined ? {} : { layouts: new Map([['base', found]]) }),
      },
    );
  const known = { parts: { ...partsOf({}).parts, options: { 'context base': `@${A}` } }, untracked: [] };
  assert.deepEqual(layout({ tag: 'x', digest: A }), known);
  assert.deepEqual(layout({ tag: 'x' }, A), known);
  for (const ref of [{ tag: '1' }, { digest: `${A}0` }, { digest: A.slice(0, -1) }, { tag: A }, {}]) {
    assert.deepEqual(
      layout(ref).untracked,
      [{ kind: 'unread', text: 'the image of the OCI layout base was not resolved' }],
      JSON.stringify(ref),
    );
  }
});

test('downloads count as known where they are pinned, and what was not known before stays so', () => {
  const remoteSources = [true, false].map((pinned) => ({
    kind: 'http' as const,
    url: `https://example.com/${pinned}`,
    pinned,
    span,
  }));
  const { untracked } = partsOf(
    {},
    { facts: facts({ remoteSources, unknowns: [{ kind: 'value', text: 'who knows' }] }) },
  );
  assert.deepEqual(untracked, [
    { kind: 'download', text: 'ADD https://example.com/false may have changed (it has no --checksum)' },
    { kind: 'value', text: 'who knows' },
  ]);
});

const NOTHING: KeyParts = {
  version: 1,
  dockerfile: '',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents: {},
  options: {},
};

/** The canonical form, spelled out: whoever changes it raises KEY_VERSION. */
test('a key is the digest of its form, in which every part has its name and length', () => {
  const parts: KeyParts = {
    version: 7,
    dockerfile: 'FROM a\nRUN b',
    target: 'fin',
    platforms: ['linux/amd64', 'linux/arm64'],
    args: { b: '2', a: '' },
    images: { 'x:1': A },
    parents: { lib: 'sha256:1' },
    options: { 'shm size': '64' },
    files: {
      docs: [],
      context: [
        { path: 'a b', kind: 'file', mode: 0o4755, content: 'abc' },
        { path: 'l', kind: 'symlink', mode: 0o777, content: 'a b' },
      ],
    },
  };
  const form = `bake-ts key 1:7
dockerfile 12:FROM a
RUN b
target 3:fin
platforms 1:2
- 11:linux/amd64
- 11:linux/arm64
args 1:4
- 1:a
- 0:
- 1:b
- 1:2
images 1:2
- 3:x:1
- 71:${A}
parents 1:2
- 3:lib
- 8:sha256:1
options 1:2
- 8:shm size
- 2:64
contexts 1:2
context 7:context
files 1:2
file 4755 3:a b 3:abc
symlink 777 1:l 3:a b
context 4:docs
files 1:0
`;
  assert.equal(computeKey(parts), createHash('sha256').update(form).digest('hex'));
});

test('a key of many files is the digest of all of them, also at the borders of portions', () => {
  for (const count of [999, 1000, 1001, 2000]) {
    const files = Array.from({ length: count }, (_, at): FilePart => {
      return { path: `f${at}`, kind: 'file', mode: 0o644, content: '' };
    });
    const lines = files.map(({ path }) => `file 644 ${path.length}:${path} 0:\n`).join('');
    const form = `bake-ts key 1:1\ndockerfile 0:\ntarget 0:\nplatforms 1:0\nargs 1:0\nimages 1:0\nparents 1:0\noptions 1:0\ncontexts 1:1\ncontext 1:c\nfiles ${String(count).length}:${count}\n${lines}`;
    assert.equal(
      computeKey({ ...NOTHING, files: { c: files } }),
      createHash('sha256').update(form).digest('hex'),
      String(count),
    );
  }
});
