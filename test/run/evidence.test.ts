/** What is gathered for a decision, and what is not asked where it would not count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeKey, outlineInputs } from '../../lib/fingerprint/mod.ts';
import type { BuildResult, Keying, NodeInputs } from '../../lib/inputs/mod.ts';
import {
  type Build,
  type BuildRecord,
  type Digest,
  KEY_VERSION,
  type KeyParts,
  type PlanNode,
} from '../../lib/model/mod.ts';
import type { Deciding } from '../../lib/run/context.ts';
import { weigh } from '../../lib/run/evidence.ts';
import { storeName } from '../../lib/run/store-names.ts';
import type { LastInputs } from '../../lib/state/mod.ts';
import { Documents, MANIFEST } from '../rig/documents.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTag } from '../rig/sets.ts';
import { spellImage } from '../rig/spelled-image.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const AMD = 'linux/amd64';

const partsOf = (more: Partial<KeyParts> = {}): KeyParts => ({
  version: KEY_VERSION,
  dockerfile: 'FROM base',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents: {},
  options: {},
  ...more,
});

const recordOf = (key: string, of: Digest): BuildRecord => ({
  version: KEY_VERSION,
  key,
  build: 'x',
  digest: of,
  mediaType: MANIFEST,
  platforms: [{ platform: AMD, digest: of }],
  refs: ['r.example/app:1'],
  finishedAt: '',
  durationMs: 0,
  steps: { total: 0, cached: 0 },
});

interface Given {
  readonly documents?: Documents;
  readonly parts?: KeyParts | 'untracked';
  readonly filesOnly?: NodeInputs['filesOnly'];
  readonly records?: readonly BuildRecord[];
  readonly last?: LastInputs;
  readonly elsewhere?: KeyParts;
  readonly force?: true;
  readonly build?: Partial<Build>;
  readonly node?: Partial<PlanNode>;
  readonly results?: Readonly<Record<string, BuildResult>>;
  readonly stored?: ReadonlyMap<string, Digest> | 'unreadable' | 'unasked' | 'keeps-none';
  readonly content?: ReadonlySet<Digest>;
}

/** Weighs a build `x` that pushes `r.example/app:1` and `:2`. */
function weighOne({ documents = new Documents(), parts = partsOf(), ...given }: Given) {
  const registry = documents.client();
  const deciding = {
    force: given.force === true,
    keying: {
      resultOf: (build: string) => given.results?.[build],
      isSecret: () => false,
    } as unknown as Keying,
    memory: {
      recall: async (key: string) => given.records?.find((one) => one.key === key),
      latest: async (build: string) => (build === 'x' ? given.last : undefined),
      latestElsewhere: async (build: string) =>
        build === 'x' && given.elsewhere !== undefined
          ? outlineInputs('k', given.elsewhere, 10, () => false)
          : undefined,
    },
    registry,
    layers: { registry, trees: new Map() },
    configs: { registry, configs: new Map(), made: new Map(), remembered: async () => [] },
    naming: { root: '/project', worker: () => 'containerd', isListed: () => true },
    storedImages: async () => {
      if (given.stored === undefined || given.stored === 'unasked')
        return assert.fail('nobody needs the store');
      if (given.stored === 'unreadable') return undefined;
      if (given.stored === 'keeps-none') return { kind: 'keeps-none' };
      return {
        kind: 'known',
        digests: given.stored,
        ...(given.content === undefined ? {} : { content: given.content }),
      };
    },
  } as unknown as Deciding;
  const inputs: NodeInputs = {
    untracked: parts === 'untracked' ? [{ kind: 'download', text: 'ADD x' }] : [],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [],
    filesOnly: given.filesOnly ?? new Map(),
    targetBase: { kind: 'context', name: 'base' },
    ...(parts === 'untracked' ? {} : { parts, key: computeKey(parts) }),
  };
  const tags = ['r.example/app:1', 'r.example/app:2'].map(makeTag);
  const node = makeNode({ tags, ...given.build }, { pushes: true, ...given.node });
  return weigh(deciding, node, inputs);
}

const KEY = computeKey(partsOf());
const IMAGE = digest('a');

/** A registry in which both tags are up to date, but for those given. */
function tagged(tags: Readonly<Record<string, Digest | 'unknown' | 'absent'>> = {}): Documents {
  const documents = new Documents();
  const all: typeof tags = { 1: IMAGE, 2: IMAGE, ...tags };
  for (const [tag, of] of Object.entries(all))
    if (of !== 'absent') documents.tags.set(`app:${tag}`, of === 'unknown' ? undefined : of);
  return documents;
}

test('what decides without an earlier result asks for none', async () => {
  const none = { record: undefined, tags: [], isCarriedOver: false };
  const documents = tagged();
  const records = [recordOf(KEY, IMAGE)];
  const forced = await weighOne({ documents, records, force: true });
  assert.deepEqual(forced, {
    decision: { kind: 'build', reason: { code: 'forced', text: 'rebuild requested' } },
    ...none,
  });
  const untracked = await weighOne({ documents, records, parts: 'untracked' });
  assert.deepEqual(untracked, {
    decision: {
      kind: 'build',
      reason: { code: 'untracked', text: 'not all of its inputs can be known', items: ['ADD x'] },
    },
    ...none,
  });
  const first = await weighOne({ documents });
  assert.deepEqual([first.decision.reason.code, first.record, first.tags], ['first-build', undefined, []]);
  const elsewhere = await weighOne({ documents, elsewhere: partsOf({ target: 'other' }) });
  assert.deepEqual(elsewhere.decision.reason.items, ['target other → (last stage)']);
  assert.deepEqual(documents.asked, []);
});

test('a result of the same key counts with every tag in place', async () => {
  const documents = tagged();
  const record = recordOf(KEY, IMAGE);
  const there = await weighOne({ documents, records: [record] });
  const state = { kind: 'digest', digest: IMAGE };
  assert.deepEqual(there, {
    decision: {
      kind: 'unchanged',
      reason: { code: 'inputs-same', text: 'inputs unchanged, all 2 tags are up to date' },
    },
    record,
    tags: [
      { ref: 'r.example/app:1', state },
      { ref: 'r.example/app:2', state },
    ],
    isCarriedOver: false,
  });
  assert.deepEqual(documents.asked, ['head app:1', 'head app:2']);
});

test('where a tag is not in place, the manifest is looked for, unless a registry does not answer', async () => {
  const records = [recordOf(KEY, IMAGE)];
  const source = { registry: 'r.example', repository: 'app', digest: IMAGE };
  for (const astray of ['absent', digest('b')] as const) {
    const documents = tagged({ 2: astray });
    const one = await weighOne({ documents, records });
    assert.deepEqual([one.decision.kind, one.source, one.record], ['retag', source, records[0]]);
    assert.equal(documents.asked.includes('head app'), false, 'the tag that is in place has it');
  }
  const gone = tagged({ 1: 'absent', 2: digest('b') });
  const lost = await weighOne({ documents: gone, records });
  assert.deepEqual([lost.decision.reason.code, 'source' in lost], ['image-gone', false]);
  assert.equal(gone.asked.at(-1), 'head app');
  const silent = tagged({ 1: 'absent', 2: 'unknown' });
  const unknown = await weighOne({ documents: silent, records });
  assert.deepEqual(unknown.decision.reason.items, ['r.example/app:2: it does not say']);
  assert.equal('source' in unknown, false);
  assert.equal(silent.asked.includes('head app'), false);
});

test('a tag on the same images with other attestations is in place; without attestations only its own is', async () => {
  const attested = [
    { attest: [{ type: 'sbom', attributes: new Map<string, string>() }] },
    { attest: [{ type: 'sbom', attributes: new Map([['disabled', 'false']]) }] },
    { args: new Map([['BUILDKIT_ATTEST_PROVENANCE', 'mode=max']]) },
    { args: new Map([['BUILDKIT_ATTEST_SBOM', '']]) },
  ];
  const plain = [{}, { attest: [{ type: 'sbom', attributes: new Map([['disabled', 'true']]) }] }];
  const documents = new Documents();
  const amd = { architecture: 'amd64', os: 'linux' };
  const index = documents.index('app', [
    { mediaType: MANIFEST, digest: IMAGE, size: 1, platform: amd },
    {
      mediaType: MANIFEST,
      digest: digest('c'),
      size: 1,
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    },
  ]);
  const record = { ...recordOf(KEY, digest('d')), platforms: [{ platform: AMD, digest: IMAGE }] };
  for (const tag of ['1', '2']) documents.tags.set(`app:${tag}`, index);
  for (const build of attested) {
    const one = await weighOne({ documents, records: [record], build });
    assert.equal(one.decision.kind, 'unchanged', JSON.stringify(build));
    assert.deepEqual(one.tags[0]?.state, { kind: 'digest', digest: record.digest });
  }
  for (const build of plain) {
    const one = await weighOne({ documents, records: [record], build });
    assert.equal(one.decision.reason.code, 'image-gone', JSON.stringify(build));
  }
});

test('files are written for what was asked for only, and then no registry is asked', async () => {
  const records = [recordOf(KEY, IMAGE)];
  const build = { outputs: [{ type: 'local', attributes: new Map([['dest', 'out']]) }] };
  const documents = tagged();
  const asked = await weighOne({ documents, records, build });
  assert.deepEqual(asked.decision.reason, {
    code: 'not-recorded-output',
    text: 'it writes files, which are not tracked',
    items: ['local'],
  });
  assert.deepEqual(documents.asked, []);
  const needed = await weighOne({ documents, records, build, node: { role: 'needed' } });
  assert.equal(needed.decision.kind, 'unchanged');
});

test('of what is not pushed the store is asked, for all names, and only where somebody asked for it', async () => {
  const records = [recordOf(KEY, IMAGE)];
  const names = ['r.example/app:1', 'r.example/app:2'];
  const unpushed = (stored: Given['stored'], node: Partial<PlanNode> = {}) => {
    const documents = tagged();
    const given = { documents, records, node: { pushes: false, ...node } };
    return weighOne(stored === undefined ? given : { ...given, stored }).then((one) => {
      assert.deepEqual([documents.asked, one.tags], [[], []]);
      return one.decision.reason;
    });
  };
  const all = new Map(names.map((name) => [name, IMAGE]));
  assert.deepEqual(await unpushed(all), {
    code: 'inputs-same',
    text: "inputs unchanged, its image is in the engine's store",
  });
  assert.equal((await unpushed(new Map([...all].slice(1)))).code, 'image-gone');
  const other = new Map([...all, [names[1] ?? '', digest('b')] as const]);
  assert.equal((await unpushed(other)).text, "its image is not in the engine's store under its names");
  assert.equal((await unpushed('unreadable')).text, 'the engine does not list its images');
  const nowhere = await unpushed('keeps-none');
  assert.deepEqual(
    [nowhere.code, nowhere.text],
    ['inputs-same', 'inputs unchanged; its engine keeps no images'],
  );
  // What another build reads has a name of its own there as well.
  const { registry, repository, tag } = storeName({ root: '/project', isolated: false }, 'x');
  const own = new Map([...all, [`${registry}/${repository}:${tag}`, IMAGE] as const]);
  assert.equal((await unpushed(all, { neededBy: ['y'] })).code, 'image-gone');
  assert.equal((await unpushed(own, { neededBy: ['y'] })).code, 'inputs-same');
  assert.equal((await unpushed('unasked', { role: 'needed' })).code, 'not-needed');
});

test('an image in the store counts only where the manifests of all its platforms are there', async () => {
  const arm = digest('c');
  const record = {
    ...recordOf(KEY, digest('d')),
    platforms: [
      { platform: AMD, digest: IMAGE },
      { platform: 'linux/arm64', digest: arm },
    ],
  };
  const stored = new Map(['r.example/app:1', 'r.example/app:2'].map((name) => [name, record.digest]));
  const weighWith = async (...content: readonly Digest[]) => {
    const node = { pushes: false };
    return weighOne({ documents: tagged(), records: [record], node, stored, content: new Set(content) });
  };
  assert.equal((await weighWith(record.digest, IMAGE, arm)).decision.kind, 'unchanged');
  for (const content of [
    [record.digest, IMAGE],
    [record.digest, arm],
    [IMAGE, arm],
  ])
    assert.equal((await weighWith(...content)).decision.reason.code, 'image-gone');
});

test('the result of other inputs counts where what is copied of parents is the same', async () => {
  const before = partsOf({ parents: { tools: 'x', more: 'x' } });
  const now = partsOf({ parents: { tools: 'y', more: 'y' } });
  const last: LastInputs = {
    key: computeKey(before),
    parts: before,
    parents: Object.fromEntries(
      ['tools', 'more'].map((name) => [
        name,
        {
          ref: `r.example/${name}@${digest('1')}`,
          platforms: [{ platform: AMD, digest: digest('1'), layers: digest('5') }],
        },
      ]),
    ),
  };
  const image = {
    digest: digest('2'),
    platforms: [{ platform: AMD, digest: digest('2'), layers: digest('5') }],
    location: {
      kind: 'registry' as const,
      ref: { registry: 'r.example', repository: 'tools', digest: digest('2') },
    },
  };
  const reads = [
    { source: 'bin/x', include: [], exclude: [], span: {} },
  ] as unknown as NodeInputs['filesOnly'] extends ReadonlyMap<string, infer T> ? T : never;
  const given: Given = {
    documents: tagged(),
    parts: now,
    last,
    filesOnly: new Map([
      ['tools', reads],
      ['more', reads],
    ]),
    node: {
      edges: [
        { to: 't', reason: 'copy', contextName: 'tools' },
        { to: 'm', reason: 'copy', contextName: 'more' },
      ],
    },
    results: { t: { image }, m: { image } },
  };
  const record = recordOf(last.key, IMAGE);
  const carried = await weighOne({ ...given, records: [record] });
  assert.deepEqual(carried.decision, {
    kind: 'unchanged',
    reason: {
      code: 'inputs-same',
      text: 'the files it copies from tools, more are unchanged, all 2 tags are up to date',
    },
  });
  assert.deepEqual([carried.isCarriedOver, carried.record], [true, record]);
  const forgotten = await weighOne(given);
  assert.deepEqual([forgotten.isCarriedOver, forgotten.decision.reason.code], [false, 'changed']);
  assert.equal(forgotten.decision.reason.items?.length, 2);
});

test('an image is made from the last one where only labels changed, if everything of it can be read', async () => {
  const documents = new Documents();
  const was = documents.image('app', spellImage({ layers: 1, labels: '{"a":"1"}' }));
  for (const tag of ['1', '2']) documents.tags.set(`app:${tag}`, was);
  const before = partsOf({ options: { 'label a': '1' } });
  const last: LastInputs = { key: computeKey(before), parts: before };
  const record = recordOf(last.key, was);
  const given: Given = { documents, parts: partsOf({ options: { 'label a': '2' } }), last };
  const items = ['label a: "1" → "2"'];
  const otherwise = { kind: 'build', reason: { code: 'changed', text: items[0], items } };
  const made = await weighOne({ ...given, records: [record] });
  assert.deepEqual(made.decision, {
    kind: 'rebase',
    reason: { code: 'own-labels', text: 'only its labels changed: no step runs', items },
  });
  assert.deepEqual([made.record, made.tags, made.isCarriedOver], [undefined, [], false]);
  const expected = new Documents().image('app', spellImage({ layers: 1, labels: '{"a":"2"}' }));
  assert.equal(made.rebase?.image.top.digest, expected);
  assert.equal(made.rebase?.last, record);
  assert.deepEqual(made.rebase?.source, { registry: 'r.example', repository: 'app', digest: was });
  assert.deepEqual(made.rebase?.otherwise, otherwise);
  const none = { record: undefined, tags: [], isCarriedOver: false };
  assert.deepEqual(await weighOne(given), { decision: otherwise, ...none });
  // Something else of it changed.
  const more = partsOf({ options: { 'label a': '2', network: 'host' } });
  const changed = await weighOne({ ...given, records: [record], parts: more });
  assert.deepEqual([changed.decision.kind, changed.decision.reason.items?.length], ['build', 2]);
  // A registry does not say what it has, or no longer has it.
  documents.tags.set('app:2', undefined);
  assert.deepEqual(await weighOne({ ...given, records: [record] }), { decision: otherwise, ...none });
  documents.tags.clear();
  assert.equal((await weighOne({ ...given, records: [record] })).decision.kind, 'rebase');
  documents.texts.clear();
  assert.deepEqual(await weighOne({ ...given, records: [record] }), { decision: otherwise, ...none });
  const lost = new Documents();
  for (const tag of ['1', '2']) lost.tags.set(`app:${tag}`, was);
  assert.deepEqual(await weighOne({ ...given, documents: lost, records: [record] }), {
    decision: otherwise,
    ...none,
  });
});

test('an image that another label of its parent does not reach is the one it was', async () => {
  const documents = new Documents();
  const [old, now] = ['1', '2'].map((value) =>
    documents.image('base', spellImage({ layers: 1, more: `"Cmd":["${value}"]` })),
  );
  assert(old !== undefined && now !== undefined);
  const own = spellImage({ layers: 2, more: '"Cmd":["own"]', steps: ['CMD [own]'] });
  const app = documents.image('app', own);
  for (const tag of ['1', '2']) documents.tags.set(`app:${tag}`, app);
  const before = partsOf({ parents: { base: old } });
  const last: LastInputs = {
    key: computeKey(before),
    parts: before,
    parents: { base: { ref: `r.example/base@${old}`, platforms: [{ platform: AMD, digest: old }] } },
  };
  const record = recordOf(last.key, app);
  const image = {
    digest: now,
    platforms: [{ platform: AMD, digest: now }],
    location: {
      kind: 'registry' as const,
      ref: { registry: 'r.example', repository: 'base', digest: now },
    },
  };
  const same = await weighOne({
    documents,
    parts: partsOf({ parents: { base: now } }),
    last,
    records: [record],
    node: { edges: [{ to: 'b', reason: 'from', contextName: 'base' }] },
    results: { b: { image } },
  });
  assert.deepEqual(same.decision.reason, {
    code: 'inputs-same',
    text: 'CMD of b do not reach it, all 2 tags are up to date',
  });
  assert.deepEqual([same.isCarriedOver, same.record, same.rebase], [true, record, undefined]);
});
