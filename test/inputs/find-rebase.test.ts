/** The image that a build has now, found from the one it had: what is read for that, what is said, and when nothing is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetBase } from '../../lib/dockerfile/mod.ts';
import { findRebase } from '../../lib/inputs/find-rebase.ts';
import type { ConfigReader, NodeInputs } from '../../lib/inputs/mod.ts';
import {
  type BuildRecord,
  type Digest,
  type ImageLocation,
  KEY_VERSION,
  type PlatformManifest,
} from '../../lib/model/mod.ts';
import { Documents, INDEX, MANIFEST } from '../rig/documents.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type SpelledParts, spellImage } from '../rig/spelled-image.ts';

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
const NO_LABELS = { before: new Map<string, string>(), after: new Map<string, string>() };

const on = (platform: string, digest: Digest, layers?: Digest): PlatformManifest => ({
  platform,
  digest,
  ...(layers === undefined ? {} : { layers }),
});
const described = (platform: string, digest: Digest, more: object = {}) => ({
  mediaType: MANIFEST,
  digest,
  size: 1,
  platform: { architecture: platform.slice('linux/'.length), os: 'linux' },
  ...more,
});

type Platforms = readonly PlatformManifest[];

interface Given {
  readonly documents: Documents;
  /** Context → its platforms as they were and are; the builds behind them are called `the CONTEXT`. */
  readonly parents?: Readonly<Record<string, readonly [Platforms | undefined, Platforms | undefined]>>;
  readonly moved?: readonly string[];
  readonly child: Digest;
  readonly platforms?: Platforms;
  readonly base?: TargetBase | 'unknown';
  readonly labels?: typeof NO_LABELS;
  readonly reader?: ConfigReader;
  readonly isSecret?: (text: string) => boolean;
  readonly location?: ImageLocation;
  readonly owner?: string;
  /** What is remembered of where the parents were; `none`: nothing of parents. */
  readonly recorded?: string;
}

async function find({ documents, parents = {}, child, base, owner, ...given }: Given) {
  const names = Object.keys(parents);
  const ownerOf = (name: string) => owner ?? `the ${name}`;
  const node = makeNode(
    {},
    { edges: names.map((name) => ({ to: ownerOf(name), reason: 'from', contextName: name })) },
  );
  const targetBase = base ?? { kind: 'context', name: 'base' };
  const inputs: NodeInputs = {
    untracked: [],
    files: 0,
    bytes: 0,
    problems: [],
    contexts: [],
    filesOnly: new Map(),
    ...(targetBase === 'unknown' ? {} : { targetBase }),
  };
  const ref = (repository: string) => ({ registry: 'r.example', repository, digest: child });
  const remembered = Object.fromEntries(
    names.flatMap((name) => {
      const platforms = parents[name]?.[0];
      const place = given.recorded ?? `r.example/${name}-old@${child}`;
      return platforms === undefined ? [] : [[name, { ref: place, platforms }] as const];
    }),
  );
  const last = {
    inputs: {
      key: 'k',
      parts: {
        version: KEY_VERSION,
        dockerfile: '',
        target: '',
        platforms: [],
        args: {},
        files: {},
        images: {},
        parents: {},
        options: {},
      },
      ...(given.recorded === 'none' ? {} : { parents: remembered }),
    },
    record: { platforms: given.platforms ?? [on(AMD, child)] } as unknown as BuildRecord,
    source: ref('app'),
  };
  const reader = given.reader ?? documents.reader();
  const found = await findRebase(
    {
      configs: reader,
      isSecret: given.isSecret ?? (() => false),
      resultOf: (build) => {
        const name = names.find((one) => ownerOf(one) === build);
        const platforms = name === undefined ? undefined : parents[name]?.[1];
        if (platforms === undefined) return undefined;
        const location = given.location ?? { kind: 'registry' as const, ref: ref(`${name}-new`) };
        return { image: { digest: child, platforms, location } };
      },
    },
    node,
    inputs,
    { moved: given.moved ?? names, labels: given.labels ?? NO_LABELS, edits: [] },
    last,
  );
  return { found, reader };
}

type Spelled = Omit<SpelledParts, 'layers'>;

/** One platform: a child of two layers on a base of one. */
function makePair(was: Spelled, is: Spelled, own: Spelled = was, documents: Documents = new Documents()) {
  const old = documents.image('base-old', spellImage({ layers: 1, ...was }));
  const now = documents.image('base-new', spellImage({ layers: 1, ...is }));
  const child = documents.image('app', spellImage({ layers: 2, ...own }));
  return { documents, child, parents: { base: [[on(AMD, old)], [on(AMD, now)]] as const } };
}

const ONE = { labels: '{"v":"1"}' };
const TWO = { labels: '{"v":"2"}' };

const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

test('the new image is the old one with the parent’s part exchanged, and is known from then on', async () => {
  const pair = makePair(ONE, { labels: '{"v":"22"}' });
  const { found, reader } = await find(pair);
  assert(found?.kind === 'new');
  const config = spellImage({ layers: 2, labels: '{"v":"22"}' }).config;
  assert.deepEqual(found.image.configs.map(textOf), [config]);
  const expected = new Documents();
  const digest = expected.image('app', spellImage({ layers: 2, labels: '{"v":"22"}' }));
  assert.equal(found.image.top.digest, digest);
  assert.equal(textOf(found.image.top.bytes), expected.texts.get(`app@${digest}`));
  assert.deepEqual(found.image.manifests, []);
  assert.equal(found.image.grownBytes, 1);
  const [platform] = found.image.platforms;
  assert.deepEqual([platform?.platform, platform?.digest], [AMD, digest]);
  assert.match(platform?.layers ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(found.reason, {
    code: 'parent-config',
    text: 'labels of the base changed: no step runs',
    items: ['label v of the base: "1" → "22"'],
  });
  assert.deepEqual(pair.documents.asked.sort(), [
    'config app',
    'config base-new',
    'config base-old',
    'manifest app',
    'manifest base-new',
    'manifest base-old',
  ]);
  assert.equal(reader.made.get(digest), found.image.top);
  // A build that is based on it needs no registry to know it, which in a dry run does not have it.
  const leaf = spellImage({ layers: 3, ...ONE });
  const last = pair.documents.image('leaf', leaf);
  const onIt = { documents: pair.documents, reader, base: { kind: 'context', name: 'app' } as const };
  for (const text of [...pair.documents.texts.keys()])
    if (text.startsWith('leaf@'))
      pair.documents.texts.set(text.replace('leaf@', 'app@'), pair.documents.texts.get(text) ?? '');
  pair.documents.texts.set(
    `app-old@${pair.child}`,
    pair.documents.texts.get(`app@${pair.child}`) ?? assert.fail(),
  );
  pair.documents.asked = [];
  const next = await find({
    ...onIt,
    parents: { app: [[on(AMD, pair.child)], [on(AMD, digest)]] },
    child: last,
  });
  assert(next.found?.kind === 'new');
  assert.deepEqual(next.found.image.configs.map(textOf), [
    spellImage({ layers: 3, labels: '{"v":"22"}' }).config,
  ]);
  // The config of what was read before is not read again either.
  assert.deepEqual(pair.documents.asked, ['manifest app-old', 'manifest app', 'config app']);
});

test('what does not reach an image leaves it as it is', async () => {
  const command = (one: string) => ({ more: `"Cmd":["${one}"]` });
  const own = { more: '"Cmd":["own"]', steps: ['CMD [own]'] };
  const hidden = await find(makePair(command('a'), command('b'), own));
  assert.deepEqual(hidden.found, { kind: 'same', text: 'CMD of the base do not reach it' });
  // A base of another stage: the image itself is based on something else.
  const base: TargetBase = { kind: 'scratch', name: '' };
  const other = await find({ ...makePair(ONE, TWO, { labels: '{"own":"1"}' }), base });
  assert.deepEqual(other.found, { kind: 'same', text: 'labels of the base do not reach it' });
  const named: TargetBase = { kind: 'image', name: 'base' };
  assert.equal((await find({ ...makePair(ONE, TWO), base: named })).found?.kind, 'same');
});

test('labels of its own need no parent', async () => {
  const { documents, child } = makePair(ONE, TWO, { labels: '{"rev":"1"}' });
  const labels = { before: new Map([['rev', '1']]), after: new Map([['rev', '2']]) };
  const { found } = await find({ documents, child, labels, base: 'unknown' });
  assert(found?.kind === 'new');
  assert.deepEqual(found.reason, {
    code: 'own-labels',
    text: 'only its labels changed: no step runs',
    items: ['label rev: "1" → "2"'],
  });
  const secret = await find({ documents, child, labels, isSecret: (text) => text === '2' });
  assert(secret.found?.kind === 'new');
  assert.deepEqual(secret.found.reason.items, ['label rev changed']);
  const own = { labels: '{"a":"1","b":"2","v":"1"}' };
  const kept = {
    before: new Map([
      ['b', '2'],
      ['a', '1'],
    ]),
    after: new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  };
  const alone = await find({ ...makePair(ONE, TWO, own), labels: kept });
  assert(alone.found?.kind === 'new');
  assert.equal(alone.found.reason.text, 'labels of the base changed: no step runs');
  const turned = await find({
    ...makePair(ONE, TWO, own),
    labels: { before: kept.after, after: kept.before },
  });
  assert.deepEqual(turned.found, alone.found);
  const both = await find({ ...makePair(ONE, TWO, { labels: '{"rev":"1","v":"1"}' }), labels });
  assert(both.found?.kind === 'new');
  assert.equal(both.found.reason.code, 'parent-config');
  assert.equal(both.found.reason.text, 'labels of the base and its labels changed: no step runs');
  assert.deepEqual(both.found.reason.items, ['label rev: "1" → "2"', 'label v of the base: "1" → "2"']);
});

test('what changed of a parent is said as a Dockerfile says it', async () => {
  const more = (text: string) => ({ more: text });
  const rows: readonly (readonly [Spelled, Spelled, string, readonly string[]])[] = [
    [more('"Cmd":["a","b"]'), more('"Cmd":["c"]'), 'CMD', ['CMD of the base: "a b" → "c"']],
    [more('"Cmd":["a","b"]'), {}, 'CMD', ['CMD of the base removed']],
    [
      more('"Cmd":["a b"]'),
      more('"Cmd":["a","b"]'),
      'CMD',
      [String.raw`CMD of the base: "[\"a b\"]" → "[\"a\",\"b\"]"`],
    ],
    [{}, more('"Entrypoint":["e"]'), 'ENTRYPOINT', ['ENTRYPOINT of the base added: "e"']],
    [
      more('"ExposedPorts":{"80/tcp":{}}'),
      more('"ExposedPorts":{"80/tcp":{},"90/tcp":{}}'),
      'EXPOSE',
      ['EXPOSE of the base: "80/tcp" → "80/tcp 90/tcp"'],
    ],
    [more('"Volumes":{"/a":{}}'), {}, 'VOLUME', ['VOLUME of the base removed']],
    [
      more('"StopSignal":"9"'),
      more('"StopSignal":"10"'),
      'STOPSIGNAL',
      ['STOPSIGNAL of the base: "9" → "10"'],
    ],
    [
      more('"Healthcheck":{"Test":["CMD","t"],"Interval":5}'),
      more('"Healthcheck":{"Test":["NONE"]}'),
      'HEALTHCHECK',
      ['HEALTHCHECK of the base: "CMD t" → "NONE"'],
    ],
    [
      more('"Healthcheck":{"Test":["CMD","t"],"Interval":5}'),
      more('"Healthcheck":{"Interval":5}'),
      'HEALTHCHECK',
      ['HEALTHCHECK of the base: "CMD t" → "Interval"'],
    ],
    [more('"Cmd":null'), more('"Cmd":["a"]'), 'CMD', ['CMD of the base: "null" → "a"']],
    [{ author: 'a' }, { author: 'b' }, 'MAINTAINER', []],
    [{ ...ONE, author: 'a' }, { ...ONE, author: 'b' }, 'MAINTAINER', []],
    [{ ...ONE, author: 'a' }, { ...TWO, author: 'a' }, 'labels', ['label v of the base: "1" → "2"']],
    [{}, { steps: ['LABEL none'] }, 'history', []],
    [{ steps: ['CMD [a]'] }, { author: 'b', steps: [] }, 'MAINTAINER', []],
    [{}, {}, 'annotations', []],
    [
      { more: '"Cmd":["a"],"Labels":{"v":"1","w":"1"},"StopSignal":"9"' },
      { more: '"Cmd":["b"],"Labels":{"w":"1"},"StopSignal":"9"' },
      'labels and CMD',
      ['CMD of the base: "a" → "b"', 'label v of the base removed'],
    ],
  ];
  for (const [was, is, words, items] of rows) {
    const pair = makePair(was, is);
    const { found } = await find(pair);
    const isNothing = words === 'annotations';
    assert.equal(found?.kind, isNothing ? 'same' : 'new', words);
    const said = found?.kind === 'new' ? found.reason.text : found?.text;
    assert.equal(
      said,
      isNothing ? `${words} of the base do not reach it` : `${words} of the base changed: no step runs`,
    );
    if (found?.kind !== 'new') continue;
    if (items.length === 0) assert(!('items' in found.reason));
    else assert.deepEqual(found.reason.items, items);
  }
});

test('several parents are all named, each build once', async () => {
  const { documents, child, parents } = makePair(ONE, TWO);
  const more = (name: string, was: Spelled, is: Spelled): readonly [Platforms, Platforms] => [
    [on(AMD, documents.image(`${name}-old`, spellImage({ layers: 1, ...was })))],
    [on(AMD, documents.image(`${name}-new`, spellImage({ layers: 1, ...is })))],
  ];
  const three = {
    ...parents,
    second: more('second', ONE, TWO),
    third: more('third', ONE, { ...ONE, author: 'x' }),
  };
  const { found } = await find({ documents, child, parents: three });
  assert(found?.kind === 'new');
  assert.equal(
    found.reason.text,
    'labels and MAINTAINER of the base, the second and the third changed: no step runs',
  );
  assert.deepEqual(found.reason.items, [
    'label v of the base: "1" → "2"',
    'label v of the second: "1" → "2"',
  ]);
  // What steps see of any of them counts, of one that only another stage is based on too.
  const seen = { ...parents, second: more('seen', ONE, { ...ONE, more: '"User":"u"' }) };
  documents.texts.forEach((text, name) => {
    if (name.startsWith('seen-')) documents.texts.set(name.replace('seen-', 'second-'), text);
  });
  assert.equal((await find({ documents, child, parents: seen })).found, undefined);
  const { base, second } = three;
  const once = await find({ documents, child, parents: { base, second: base }, owner: 'one' });
  assert(once.found?.kind === 'new');
  assert.equal(once.found.reason.text, 'labels of one changed: no step runs');
  const two = await find({ documents, child, parents: { base, second } });
  assert(two.found?.kind === 'new');
  assert.equal(two.found.reason.text, 'labels of the base and the second changed: no step runs');
});

test('each platform is exchanged with its own, wherever that stands', async () => {
  const documents = new Documents();
  const put = (repository: string, layers: number, labels: string, arm: string) => [
    documents.image(repository, spellImage({ layers, labels })),
    documents.image(repository, spellImage({ layers, labels: arm })),
  ];
  const [oldAmd, oldArm] = put('base-old', 1, '{"v":"1"}', '{"v":"1","w":"1"}');
  const [newAmd, newArm] = put('base-new', 1, '{"v":"2"}', '{"v":"2","w":"2"}');
  const [amd, arm] = put('app', 2, '{"v":"1"}', '{"v":"1","w":"1"}');
  assert(oldAmd && oldArm && newAmd && newArm && amd && arm);
  const children = [described(ARM, arm), described(AMD, amd, { annotations: { a: 'b' } })];
  const parents = {
    base: [
      [on(AMD, oldAmd), on(ARM, oldArm)],
      [on(ARM, newArm), on(AMD, newAmd)],
    ] as const,
  };
  const child = documents.index('app', children);
  const { found, reader } = await find({ documents, child, parents, platforms: [] });
  assert(found?.kind === 'new');
  const expected = new Documents();
  const images = [
    expected.image('app', spellImage({ layers: 2, labels: '{"v":"2","w":"2"}' })),
    expected.image('app', spellImage({ layers: 2, labels: '{"v":"2"}' })),
  ] as const;
  assert.deepEqual(
    found.image.platforms.map(({ platform, digest }) => [platform, digest]),
    [
      [ARM, images[0]],
      [AMD, images[1]],
    ],
  );
  assert.deepEqual(
    found.image.manifests.map(({ digest }) => digest),
    images,
  );
  const size = (digest: Digest) => expected.texts.get(`app@${digest}`)?.length;
  const index = JSON.parse(textOf(found.image.top.bytes));
  assert.deepEqual(index.manifests, [
    { ...children[0], digest: images[0], size: size(images[0]) },
    { ...children[1], digest: images[1], size: size(images[1]) },
  ]);
  assert.equal(found.image.grownBytes, 0);
  // Everything that was made is known, configs too, without the registry.
  assert.deepEqual([...reader.made.keys()], [...images, found.image.top.digest]);
  for (const [position, manifest] of found.image.manifests.entries()) {
    const config = manifest.json['config'] as { readonly digest: Digest };
    assert.equal(await reader.configs.get(config.digest), textOf(found.image.configs[position]));
  }
  // One platform alone may change.
  const sameAmd = documents.image('base-new', spellImage({ layers: 1, labels: '{"v":"1"}' }));
  const half = { base: [parents.base[0], [on(ARM, newArm), on(AMD, sameAmd)]] as const };
  const onlyArm = await find({ documents, child, parents: half, platforms: [] });
  assert(onlyArm.found?.kind === 'new');
  assert.deepEqual(
    onlyArm.found.image.platforms.map(({ digest }) => digest),
    [images[0], amd],
  );
  // Indexes that are not only of images, or name no platform, or the same one twice.
  const attestation = { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  const { platform: _, ...unnamed } = described(AMD, amd);
  for (const more of [
    [...children, described('linux/s390x', arm, attestation)],
    [...children, { ...unnamed, platform: { architecture: 'unknown', os: 'unknown' } }],
    [...children, unnamed],
    [...children, described('linux/s390x', amd)],
    [],
    [described(AMD, amd), { ...described(ARM, arm), digest: 'x' }],
  ])
    assert.equal((await find({ documents, child: documents.index('app', more), parents })).found, undefined);
  // The same where only its own labels are others, and no parent could tell.
  const labels = { before: new Map([['v', '1']]), after: new Map([['v', '2']]) };
  const relabel = (index: Digest) => find({ documents, child: index, labels });
  assert.equal((await relabel(child)).found?.kind, 'new');
  for (const more of [
    described('linux/s390x', arm, attestation),
    { ...unnamed, platform: { architecture: 'unknown', os: 'unknown' } },
    unnamed,
    described('linux/s390x', documents.index('app', children)),
  ]) {
    documents.asked = [];
    assert.equal((await relabel(documents.index('app', [...children, more]))).found, undefined);
    assert.equal(documents.asked.filter((one) => one === 'config app').length <= 2, true);
  }
  const kept = documents.texts.get(`app@${arm}`) ?? assert.fail();
  documents.texts.delete(`app@${arm}`);
  assert.equal((await relabel(child)).found, undefined);
  documents.texts.set(`app@${arm}`, kept);
  const twice = { base: [[on(AMD, oldAmd), on(AMD, oldArm)], parents.base[1]] as const };
  assert.equal((await find({ documents, child, parents: twice })).found, undefined);
  const nowTwice = { base: [parents.base[0], [on(AMD, newAmd), on(AMD, newArm)]] as const };
  assert.equal((await find({ documents, child, parents: nowTwice })).found, undefined);
  const fewer = { base: [parents.base[0], [on(AMD, newAmd)]] as const };
  assert.equal((await find({ documents, child, parents: fewer })).found, undefined);
  const more = { base: [[on(AMD, oldAmd)], parents.base[1]] as const };
  assert.equal((await find({ documents, child: amd, parents: more })).found, undefined);
  // An index with fields, or children, that BuildKit writes nowhere.
  const strange = documents.put(
    'app',
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: children, subject: {} }, null, 2),
  );
  assert.equal((await find({ documents, child: strange, parents })).found, undefined);
});

test('nothing is found where a part of it is not there, or something else changed too', async () => {
  const pair = makePair(ONE, TWO);
  const { documents, child, parents } = pair;
  const [[was], [is]] = parents.base;
  const isNew = async (given: Partial<Given>) => {
    const { found } = await find({ ...pair, ...given });
    // Not to be taken for the same either.
    assert.notEqual(found?.kind, 'same');
    return found !== undefined;
  };
  assert.equal(await isNew({}), true);
  assert.equal(await isNew({ base: 'unknown' }), false);
  assert.equal(await isNew({ parents: { base: [undefined, parents.base[1]] } }), false);
  assert.equal(await isNew({ parents: { base: [parents.base[0], undefined] } }), false);
  assert.equal(await isNew({ recorded: 'NO' }), false);
  assert.equal(await isNew({ recorded: 'none' }), false);
  assert.equal(await isNew({ moved: ['base', 'other'] }), false);
  assert.equal(await isNew({ location: { kind: 'layout', dir: '/l' } }), false);
  // Layers, as they are remembered, and as they are.
  const [x, y]: readonly Digest[] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  const layered = (old?: Digest, now?: Digest) => ({
    parents: { base: [[on(AMD, was.digest, old)], [on(AMD, is.digest, now)]] as const },
  });
  assert.equal(await isNew(layered(x, y)), false);
  assert.equal(await isNew(layered(x, x)), true);
  assert.equal(await isNew(layered(x)), true);
  assert.equal(await isNew(layered(undefined, y)), true);
  const other = documents.image('base-new', spellImage({ layers: 2, ...TWO }));
  assert.equal(await isNew({ parents: { base: [[was], [on(AMD, other)]] } }), false);
  const armed = documents.image('base-new', spellImage({ layers: 1, ...TWO }));
  assert.equal(await isNew({ parents: { base: [[on(ARM, was.digest)], [on(ARM, armed)]] } }), false);
  assert.equal(await isNew({ parents: { base: [[on(AMD, was.digest)], [on(ARM, armed)]] } }), false);
  const env = documents.image(
    'base-new',
    spellImage({ layers: 1, ...TWO, more: '"StopSignal":"9","Shell":["s"]' }),
  );
  assert.equal(await isNew({ parents: { base: [[was], [on(AMD, env)]] } }), false);
  // The image itself: for several platforms without an index, for none, or of another make.
  assert.equal(await isNew({ platforms: [] }), false);
  assert.equal(await isNew({ platforms: [on(AMD, child), on(ARM, child)] }), false);
  assert.equal(
    await isNew({ child: documents.image('app', spellImage({ layers: 2, ...ONE }), { x: 1 }) }),
    false,
  );
  assert.equal(await isNew({ child: documents.image('app', spellImage({ layers: 1, ...ONE })) }), false);
  const odd = { ...spellImage({ layers: 2, ...ONE }), layers: [{ digest: 'x' as Digest, text: '' }] };
  assert.equal(await isNew({ child: documents.image('app', odd) }), false);
});

test('an image of which any document is gone is built', async () => {
  const pair = makePair(ONE, TWO);
  const { texts } = pair.documents;
  assert.equal(texts.size, 6);
  for (const [name, text] of [...texts]) {
    texts.delete(name);
    assert.equal((await find(pair)).found, undefined, name);
    texts.set(name, text);
  }
  assert.equal((await find(pair)).found?.kind, 'new');
});
