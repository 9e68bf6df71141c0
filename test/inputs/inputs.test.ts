/** The inputs of one build and the key they make: what is gathered, from where, and what is said to be missing. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { ContextHasher, computeKey } from '../../lib/fingerprint/mod.ts';
import {
  type BuildResult,
  computeInputs,
  type ExternalImages,
  inspectNode,
  type Keying,
  touchedSince,
} from '../../lib/inputs/mod.ts';
import type { Build, ContextSource, Digest, PlanNode, StepProxies } from '../../lib/model/mod.ts';
import { DockerfileLibrary } from '../../lib/prepare/mod.ts';
import type { ImageConfigFacts } from '../../lib/state/mod.ts';
import { runShell } from '../rig/odd-names.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const GENERATOR = 'docker/buildkit-syft-scanner:stable-1';

interface Around {
  /** Images that a registry knows, and their configs where those can be read. */
  readonly images?: Readonly<Record<string, ImageConfigFacts | 'unread'>>;
  readonly results?: Readonly<Record<string, BuildResult>>;
  readonly engine?: string;
  readonly proxies?: StepProxies;
}

/** A directory with a Dockerfile (unless it is remote), and the builds of it. */
async function makeProject(t: Cleanup, tree: Readonly<Record<string, TreeEntry>>, around: Around = {}) {
  const dir = await makeTempDir(t, 'inputs-');
  await writeTree(dir, tree);
  const hasher = new ContextHasher({ stateDirectory: await makeTempDir(t, 'inputs-stats-') });
  t.after(() => hasher.close());
  const asked: string[] = [];
  const images = {
    lookUp: async (written: string) => {
      asked.push(written);
      if (around.images?.[written] !== undefined) return { kind: 'known', digest: digest('a') };
      return { kind: 'image', why: `nobody knows ${written}` };
    },
    factsOf: async (written: string) => {
      const facts = around.images?.[written];
      return facts === 'unread' ? undefined : facts;
    },
  };
  const keying: Keying = {
    dockerfiles: new DockerfileLibrary(dir),
    hasher,
    images: images as unknown as ExternalImages,
    enginePlatform: around.engine ?? 'linux/amd64',
    proxies: around.proxies ?? new Map(),
    signal: new AbortController().signal,
    resultOf: (build) => around.results?.[build],
    isSecret: () => false,
    seal: async (parts) => parts,
  };
  const local = (name: string): ContextSource => ({
    ref: { kind: 'local', path: path.join(dir, name) },
    written: name,
  });
  const nodeOf = (build: Partial<Build> = {}, given: Partial<PlanNode> = {}) =>
    makeNode(
      {
        context: local('main'),
        dockerfile: { kind: 'file', path: path.join(dir, 'Dockerfile'), written: 'Dockerfile' },
        ...build,
      },
      given,
    );
  const compute = (build: Partial<Build> = {}, given: Partial<PlanNode> = {}) =>
    computeInputs(keying, nodeOf(build, given));
  return { dir, asked, keying, local, nodeOf, compute };
}

test('files of all contexts, images and results make the key', async (t) => {
  const platform = { platform: 'linux/amd64', digest: digest('b'), layers: digest('c') };
  const result: BuildResult = { image: { digest: digest('d'), platforms: [platform] } };
  const base: ImageConfigFacts = { env: ['A=b'], onbuild: [], platforms: ['linux/amd64'] };
  const { compute, local, asked } = await makeProject(
    t,
    {
      Dockerfile: `FROM r.example/base:1
COPY one /
COPY --from=more two /
COPY --from=lib /lib /
COPY --from=img /x /
`,
      'main/one': '1',
      'main/unread': 'x',
      'more/two': '22',
    },
    { images: { 'r.example/base:1': base, 'r.example/img:1': 'unread' }, results: { parent: result } },
  );
  const image = (ref: string): ContextSource => ({ ref: { kind: 'image', ref }, written: ref });
  const inputs = await compute(
    {
      contexts: new Map<string, ContextSource>([
        ['more', local('more')],
        ['img', image('r.example/img:1')],
        ['unused', image('r.example/unused:1')],
      ]),
    },
    {
      edges: [
        { to: 'parent', reason: 'copy', contextName: 'lib' },
        { to: 'other', reason: 'needs' },
      ],
    },
  );
  assert.deepEqual([inputs.untracked, inputs.problems], [[], []]);
  assert.deepEqual([inputs.files, inputs.bytes], [2, 3]);
  assert.deepEqual(
    inputs.contexts.map(({ name }) => name),
    ['context', 'more'],
  );
  const { parts } = inputs;
  assert(parts !== undefined);
  assert.equal(inputs.key, computeKey(parts));
  assert.deepEqual(Object.keys(parts.files), ['context', 'more']);
  assert.deepEqual(
    parts.files['more']?.map((part) => part.path),
    ['two'],
  );
  assert.deepEqual(parts.images, { 'r.example/base:1': digest('a'), 'r.example/img:1': digest('a') });
  assert.deepEqual(asked.includes('r.example/unused:1'), false);
  // Of `lib` only files are read: its layers count.
  assert.deepEqual(parts.parents, { lib: digest('c') });
  assert.deepEqual([...inputs.filesOnly.keys()], ['more', 'lib', 'img']);
  const reads = inputs.filesOnly.get('lib');
  assert(reads !== 'all');
  assert.deepEqual(
    reads?.map(({ source }) => source),
    ['lib'],
  );
  assert.deepEqual(inputs.targetBase, { kind: 'image', name: 'r.example/base:1' });
  assert.deepEqual(parts.platforms, ['linux/amd64']);
  assert.deepEqual(inputs.produces?.platforms, ['linux/amd64']);
  assert.equal(inputs.produces?.env.includes('A=b'), true);
});

test('a build that stages are based on counts by its image, and what it says is passed on', async (t) => {
  const platform = { platform: 'linux/amd64', digest: digest('b'), layers: digest('c') };
  const produces: ImageConfigFacts = { env: ['P=1'], onbuild: [], platforms: ['linux/arm64'] };
  const result: BuildResult = { image: { digest: digest('d'), platforms: [platform] }, produces };
  const { compute } = await makeProject(
    t,
    { Dockerfile: 'FROM lib AS one\nCOPY --from=lib x /\n', 'main/one': '1' },
    { results: { parent: result } },
  );
  const given: Partial<PlanNode> = { edges: [{ to: 'parent', reason: 'from', contextName: 'lib' }] };
  const inputs = await compute({}, given);
  assert.deepEqual(inputs.parts?.parents, { lib: digest('b') });
  assert.deepEqual(inputs.filesOnly, new Map());
  assert.deepEqual(inputs.targetBase, { kind: 'context', name: 'lib' });
  assert.equal(inputs.produces?.env[0], 'P=1');
  // The base is of another platform than the engine's, so which one comes out is not known.
  assert.deepEqual(inputs.parts?.platforms, []);
  assert.deepEqual(inputs.produces?.platforms, []);
  const named = await compute({ platforms: ['linux/s390x', 'linux/amd64'] }, given);
  assert.deepEqual(named.parts?.platforms, ['linux/s390x', 'linux/amd64']);
  assert.deepEqual(named.produces?.platforms, ['linux/s390x', 'linux/amd64']);
});

test('what cannot be known keeps a build from having a key, each thing said once', async (t) => {
  const { compute, local } = await makeProject(
    t,
    {
      Dockerfile: 'FROM r.example/unread:1\nADD https://x.example/y /\nCOPY --from=gone / /\n',
      'main/one': '1',
    },
    { images: { 'r.example/unread:1': 'unread' } },
  );
  const inputs = await compute({ attest: [{ type: 'sbom', attributes: new Map() }] });
  assert.equal(inputs.key, undefined);
  assert.notEqual(inputs.parts, undefined);
  assert.deepEqual(inputs.untracked, [
    { kind: 'download', text: 'ADD https://x.example/y may have changed (it has no --checksum)' },
    { kind: 'image', text: `nobody knows ${GENERATOR}`, subject: GENERATOR },
    { kind: 'image', text: 'nobody knows gone', subject: 'gone' },
    {
      kind: 'base',
      text: 'the config of the base image r.example/unread:1 (variables, ONBUILD) cannot be read',
    },
  ]);
  assert(!('produces' in inputs));
  const remote = { kind: 'git', url: 'https://x.example/repository.git' } as const;
  const away = await compute({
    context: { ref: remote, written: 'https://me:hunter22@x.example/r.git' },
    contexts: new Map([['more', local('main')]]),
    dockerfile: { kind: 'file', path: 'Dockerfile', written: 'Dockerfile' },
  });
  assert.deepEqual(away, {
    untracked: [
      {
        kind: 'remote-dockerfile',
        text: 'its Dockerfile is inside the remote context https://x.example/r.git',
      },
    ],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [],
    filesOnly: new Map(),
    proxies: { args: new Map() },
  });
});

test('with a frontend of somebody else nobody knows what is read', async (t) => {
  const { compute } = await makeProject(
    t,
    { Dockerfile: '# syntax=r.example/frontend:1\nANYTHING\n', 'main/one': '1' },
    { images: { 'r.example/frontend:1': 'unread', 'r.example/img:1': 'unread' } },
  );
  const image: ContextSource = { ref: { kind: 'image', ref: 'r.example/img:1' }, written: '' };
  const inputs = await compute({ contexts: new Map([['img', image]]) });
  assert.equal(inputs.key, undefined);
  assert.deepEqual(
    inputs.untracked.map(({ kind, subject }) => [kind, subject]),
    [
      ['frontend', undefined],
      ['image', 'r.example/img:1'],
    ],
  );
});

test('an image whose base is chosen by what nobody knows has no base to follow', async (t) => {
  const { compute } = await makeProject(t, {
    Dockerfile: 'ARG BASE\nFROM --platform=$NOBODY scratch\nCOPY one /\n',
    'main/one': '1',
  });
  const inputs = await compute();
  assert.equal('targetBase' in inputs, inputs.targetBase !== undefined);
  assert.equal(inputs.targetBase, undefined);
});

test('a Dockerfile or context that cannot be read is a problem, and nothing else is', async (t) => {
  const { compute, local } = await makeProject(t, {
    Dockerfile: 'FROM scratch\nCOPY one /\n',
    'main/one': '1',
    'odd/one': '1',
    'odd/.dockerignore': '[\n',
  });
  const nothing = { untracked: [], files: 0, bytes: 0, contexts: [], filesOnly: new Map() };
  const rows: readonly (readonly [Partial<Build>, string])[] = [
    [{ dockerfile: { kind: 'inline', text: 'FROM scratch\nNONE a\n' } }, 'dockerfile/'],
    [{ dockerfile: { kind: 'inline', text: 'FROM scratch\n' }, target: 'none' }, 'dockerfile/'],
    [{ context: local('odd') }, 'dockerfile/ignore-pattern'],
  ];
  for (const [build, code] of rows) {
    const { problems, ...rest } = await compute(build);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.code.startsWith(code), true, problems[0]?.code);
    assert.deepEqual(rest, nothing);
  }
});

test('a context that only a trigger reads was not planned, and the problem says how to', async (t) => {
  const span = { file: 'builds.yaml', start: 1, end: 2 } as unknown as NonNullable<ContextSource['span']>;
  const trigger: ImageConfigFacts = {
    env: [],
    onbuild: ['COPY --from=lib /x /'],
    platforms: ['linux/amd64'],
  };
  const { compute } = await makeProject(
    t,
    { Dockerfile: 'FROM r.example/base:1\nCOPY one /\n', 'main/one': '1' },
    { images: { 'r.example/base:1': trigger } },
  );
  const contexts = new Map<string, ContextSource>(
    ['lib', 'other'].map((name) => [name, { ref: { kind: 'build', build: name }, written: `build:${name}` }]),
  );
  const unused = (contextName: string) => ({ contextName, to: `the-${contextName}`, span });
  const { problems, ...rest } = await compute(
    { name: 'app', contexts },
    { unusedContexts: [unused('lib'), unused('other')] },
  );
  assert.deepEqual(
    problems.map(({ code, build, span: place, hint }) => [code, build, place, hint]),
    [
      [
        'plan/context-unplanned',
        'app',
        span,
        'Add `needs: [the-lib]` to `app`, so that `the-lib` is built first.',
      ],
    ],
  );
  assert.match(problems[0]?.message ?? '', /of `app` reads the named context `lib`/);
  assert.deepEqual([rest.parts, rest.untracked, rest.contexts], [undefined, [], []]);
  const { problems: unplaced } = await compute(
    { contexts },
    { unusedContexts: [{ contextName: 'lib', to: 'lib' }] },
  );
  assert(unplaced[0] !== undefined && !('span' in unplaced[0]));
});

test('what was touched while it was built is named once: the Dockerfile, and files of all contexts', async (t) => {
  const { dir, compute, keying, local, nodeOf } = await makeProject(t, {
    Dockerfile: 'FROM scratch\nCOPY one /\nCOPY --from=more one /\nCOPY --from=again one /\n',
    'main/one': '1',
    'more/one': '1',
  });
  const build = {
    contexts: new Map([
      ['more', local('more')],
      ['again', local('more')],
    ]),
  };
  const inputs = await compute(build);
  const node = nodeOf(build);
  assert.deepEqual(await touchedSince(keying, node, inputs), []);
  await writeTree(dir, { 'more/one': '22' });
  assert.deepEqual(await touchedSince(keying, node, inputs), ['more/one']);
  await writeTree(dir, { Dockerfile: 'FROM scratch\n', 'main/one': '22' });
  assert.deepEqual(await touchedSince(keying, node, inputs), ['the Dockerfile', 'main/one', 'more/one']);
});

test('a Dockerfile is read with the target, arguments, contexts and engine of the build', async (t) => {
  const base: ImageConfigFacts = { env: ['DIR=more'], onbuild: [], platforms: ['linux/arm64'] };
  const { keying, nodeOf, asked } = await makeProject(
    t,
    {
      Dockerfile: `ARG BASE
FROM \${BASE} AS wanted
COPY \${DIR} /
COPY --from=img x /
COPY --from=lib x /
COPY --from=other x /
FROM scratch AS last
ARG BUILDARCH
COPY last-\${BUILDARCH} /
`,
    },
    { images: { 'r.example/base:1': base }, engine: 'linux/arm64' },
  );
  const sources = (reads: unknown) => (reads as readonly { source: string }[]).map(({ source }) => source);
  const edges: PlanNode['edges'] = [
    { to: 'parent', reason: 'copy', contextName: 'lib' },
    { to: 'needed', reason: 'needs' },
  ];
  const image: ContextSource = { ref: { kind: 'image', ref: 'r.example/base:1' }, written: '' };
  const wanted = await inspectNode(
    keying,
    nodeOf(
      {
        target: 'wanted',
        args: new Map([['BASE', 'r.example/base:1']]),
        contexts: new Map([['img', image]]),
      },
      { edges },
    ),
  );
  assert(wanted?.ok === true);
  const { facts, bases } = wanted.value;
  assert.equal(facts.stages[facts.target]?.name, 'wanted');
  assert.deepEqual(bases, new Map([['r.example/base:1', base]]));
  // The variable of the base's config is known.
  assert.deepEqual(sources(facts.reads.get('context')), ['more']);
  assert.deepEqual(
    facts.contexts.map(({ name }) => name),
    ['img', 'lib'],
  );
  assert.deepEqual(
    facts.images.map(({ written }) => written),
    ['r.example/base:1', 'other'],
  );
  assert.deepEqual(asked, ['r.example/base:1']);
  const last = await inspectNode(keying, nodeOf({ args: new Map([['BASE', 'scratch']]) }));
  assert(last?.ok === true);
  assert.deepEqual(sources(last.value.facts.reads.get('context')), ['last-arm64']);
});

test('names and a Dockerfile that are not UTF-8 make no key; a comment, or what is not read, does', {
  skip: process.platform !== 'linux' && 'names are Unicode here',
}, async (t) => {
  const { dir, compute } = await makeProject(t, {
    Dockerfile: 'FROM scratch\nCOPY one /\n',
    Label: 'FROM scratch\nCOPY one /\nLABEL a=',
    Comment: 'FROM scratch\nCOPY one /\n#',
    Whole: 'FROM scratch\nCOPY . /\n',
    'main/one': '1',
    'main/d/two': '2',
  });
  await runShell(
    dir,
    "for f in Label Comment; do printf '\\351\\n' >> $f; done; : > \"main/d/$(printf 'a\\351')\"",
  );
  const untracked = async (file: string) => {
    const inputs = await compute({ dockerfile: { kind: 'file', path: path.join(dir, file), written: file } });
    assert.deepEqual(inputs.problems, []);
    assert.equal(inputs.key === undefined, inputs.untracked.length > 0);
    return inputs.untracked;
  };
  assert.deepEqual(await untracked('Dockerfile'), []);
  assert.deepEqual(await untracked('Comment'), []);
  assert.deepEqual(await untracked('Label'), [
    { kind: 'encoding', text: 'its Dockerfile is not valid UTF-8' },
  ]);
  assert.deepEqual(await untracked('Whole'), [
    {
      kind: 'file-name',
      text: 'the name (or link target) of d/a\uFFFD in the context main is not UTF-8',
    },
  ]);
});

test('an SBOM of the context reads all of it, if it may be asked for', async (t) => {
  const { dir, keying, nodeOf } = await makeProject(t, {
    Dockerfile: 'FROM scratch\nCOPY one /\n',
    Asking: 'ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\nFROM scratch\nCOPY one /\n',
  });
  const sbom = [{ type: 'sbom', attributes: new Map<string, string>() }];
  const readsAll = async (build: Partial<Build>, file = 'Dockerfile') => {
    const node = nodeOf({
      ...build,
      dockerfile: { kind: 'file', path: path.join(dir, file), written: file },
    });
    const inspected = await inspectNode(keying, node);
    assert(inspected?.ok === true);
    return inspected.value.facts.reads.get('context') === 'all';
  };
  const scan = new Map([['BUILDKIT_SBOM_SCAN_CONTEXT', 'true']]);
  assert.equal(await readsAll({}), false);
  assert.equal(await readsAll({ attest: sbom }), false);
  assert.equal(await readsAll({ args: scan }), false);
  assert.equal(await readsAll({ attest: sbom, args: scan }), true);
  assert.equal(await readsAll({ attest: sbom }, 'Asking'), true);
  assert.equal(await readsAll({}, 'Asking'), false);
});

test('proxies count where an instruction that is built declares them, and nowhere else', async (t) => {
  const base = (onbuild: readonly string[]): ImageConfigFacts => ({
    env: [],
    onbuild,
    platforms: ['linux/amd64'],
  });
  const argsWith = async (
    dockerfile: string,
    value: string,
    around: Around = {},
    build: Partial<Build> = {},
  ) => {
    const proxies = new Map([['HTTP_PROXY', value]]);
    const { compute } = await makeProject(
      t,
      { Dockerfile: dockerfile, 'main/x': '' },
      { ...around, proxies },
    );
    const inputs = await compute(build);
    return { args: inputs.parts?.args, dockerfile: inputs.parts?.dockerfile, key: inputs.key, inputs };
  };
  const both = async (dockerfile: string, around: Around = {}) => {
    const one = await argsWith(dockerfile, 'http://one:1', around);
    const other = await argsWith(dockerfile, 'http://other:1', around);
    assert(one.key !== undefined && other.key !== undefined, JSON.stringify(one.inputs.untracked));
    return { ...one, isSame: one.key === other.key };
  };
  const plain = await both('FROM scratch\nRUN x\n');
  assert.deepEqual([plain.args, plain.isSame], [{}, true]);
  assert.deepEqual(
    plain.inputs.proxies?.args,
    new Map([
      ['HTTP_PROXY', 'http://one:1'],
      ['http_proxy', 'http://one:1'],
    ]),
  );
  // The default of an argument does not count where there is a value.
  const upper = await both('FROM scratch\nARG HTTP_PROXY=default\nRUN x\n');
  assert.deepEqual([upper.args, upper.isSame], [{ HTTP_PROXY: 'http://one:1' }, false]);
  assert.doesNotMatch(String(upper.dockerfile), /default/);
  const lower = await both('FROM scratch\nARG http_proxy\nRUN x\n');
  assert.deepEqual([lower.args, lower.isSame], [{ http_proxy: 'http://one:1' }, false]);
  const unbuilt = await both('FROM scratch AS other\nARG HTTP_PROXY\nFROM scratch\nRUN x\n');
  assert.deepEqual([unbuilt.args, unbuilt.isSame], [{}, true]);
  const copied = await both('FROM scratch AS other\nARG HTTP_PROXY\nFROM scratch\nCOPY --from=other / /\n');
  assert.equal(copied.isSame, false);
  const ofOne = 'FROM r.example/base:1\nRUN x\n';
  const trigger = await both(ofOne, { images: { 'r.example/base:1': base(['ARG HTTP_PROXY']) } });
  assert.deepEqual([trigger.args, trigger.isSame], [{ HTTP_PROXY: 'http://one:1' }, false]);
  assert.equal((await both(ofOne, { images: { 'r.example/base:1': base([]) } })).isSame, true);

  const SECRET = 'http://user:pass-word@p:1';
  const secret = await argsWith('FROM scratch\nARG HTTP_PROXY\nARG http_proxy\nRUN x\n', SECRET);
  assert.deepEqual(secret.args, {});
  assert.deepEqual(secret.inputs.proxies?.args, new Map([['hTtp_proxy', SECRET]]));
  for (const [text, settings] of [
    ['FROM scratch\nARG hTtp_proxy\nRUN x\n', {}],
    ['ARG hTtp_proxy\nFROM scratch AS other\nFROM scratch\nRUN x\n', {}],
    ['FROM scratch AS one\nONBUILD ARG hTtp_proxy\nFROM one\nRUN x\n', {}],
    [ofOne, { images: { 'r.example/base:1': base(['ARG hTtp_proxy']) } }],
  ] as const) {
    const declared = await argsWith(text, SECRET, settings);
    assert.deepEqual(declared.args, {}, text);
    assert.deepEqual(declared.inputs.proxies?.args, new Map([['HTtp_proxy', SECRET]]), text);
  }
  const foreign = await argsWith('# syntax=r.example/other:1\nx\n', SECRET);
  assert.deepEqual(foreign.args, {});
  assert.equal(foreign.inputs.proxies?.withheld?.code, 'build/proxy-withheld');
  const told = await argsWith('# syntax=r.example/other:1\nx\n', 'http://p:1');
  assert.deepEqual(told.args, { HTTP_PROXY: 'http://p:1', http_proxy: 'http://p:1' });

  const git: ContextSource = {
    ref: { kind: 'git', url: 'https://g.example/r.git' },
    written: 'https://g.example/r.git',
  };
  const remote = await argsWith(
    '',
    SECRET,
    {},
    {
      context: git,
      dockerfile: { kind: 'file', path: 'Dockerfile', written: 'Dockerfile' },
    },
  );
  assert.deepEqual(remote.inputs.proxies?.args, new Map());
  assert.equal(remote.inputs.proxies?.withheld?.code, 'build/proxy-withheld');
});
