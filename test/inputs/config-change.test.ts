/** Which differences from the last inputs an image may follow without a step, and keys by the results there are now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeKey } from '../../lib/fingerprint/mod.ts';
import {
  changesSince,
  findConfigChange,
  type Keying,
  type NodeInputs,
  withCurrentParents,
} from '../../lib/inputs/mod.ts';
import { type Build, type ImageResult, KEY_VERSION, type KeyParts } from '../../lib/model/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

const partsOf = (
  parents: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string>> = {},
  target = '',
): KeyParts => ({
  version: KEY_VERSION,
  dockerfile: 'FROM base',
  target,
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents,
  options,
});

const inputsOf = (parts: KeyParts | undefined, more: Partial<NodeInputs> = {}): NodeInputs => ({
  untracked: [],
  files: 0,
  bytes: 0,
  problems: [],
  contexts: [],
  filesOnly: new Map(),
  ...(parts === undefined ? {} : { parts, key: computeKey(parts) }),
  ...more,
});

function find(
  before: KeyParts,
  after: KeyParts | undefined,
  build: Partial<Build> = {},
  inputs: Partial<NodeInputs> = {},
  node: Parameters<typeof makeNode>[1] = {},
) {
  const last = { key: computeKey(before), parts: before };
  return findConfigChange(makeNode(build, { pushes: true, ...node }), inputsOf(after, inputs), last);
}

test('results of other builds and labels may change, alone or together', () => {
  const before = partsOf({ base: 'x', other: 'x' }, { 'label a': '1', network: 'host' });
  const labels = { before: new Map([['a', '1']]), after: new Map([['a', '1']]) };
  const moved = partsOf({ base: 'y', other: 'x' }, { 'label a': '1', network: 'host' });
  assert.deepEqual(find(before, moved), { moved: ['base'], labels, edits: [] });
  const after = new Map([
    ['a', '2'],
    ['b', '1'],
  ]);
  const own = partsOf({ base: 'x', other: 'x' }, { 'label a': '2', 'label b': '1', network: 'host' });
  assert.deepEqual(find(before, own), { moved: [], labels: { ...labels, after }, edits: [] });
  const both = partsOf({ base: 'y', other: 'z' }, { 'label a': '2', 'label b': '1', network: 'host' });
  assert.deepEqual(find(before, both), { moved: ['base', 'other'], labels: { ...labels, after }, edits: [] });
  const none = partsOf({ base: 'x', other: 'x' }, { network: 'host' });
  assert.deepEqual(find(before, none), { moved: [], labels: { ...labels, after: new Map() }, edits: [] });
});

test('nothing else may: not an option, not what is built, not which builds are read', () => {
  const before = partsOf({ base: 'x' }, { 'label a': '1', 'label b': '2', network: 'host' });
  const same = partsOf({ base: 'x' }, { 'label b': '2', network: 'host', 'label a': '1' });
  assert.equal(find(before, same), undefined);
  assert.equal(find(same, before), undefined);
  assert.equal(find(before, undefined), undefined);
  assert.equal(find(before, partsOf({ base: 'y' }, { ...before.options, network: 'none' })), undefined);
  assert.equal(find(before, partsOf({ base: 'y' }, before.options, 'other')), undefined);
  const unlabeled = partsOf({ base: 'x' }, { 'label a': '3', 'label b': '2' });
  assert.equal(find(before, unlabeled), undefined);
});

test('not where files are taken of what moved, and where an image is not to be made from an earlier one', () => {
  const before = partsOf({ base: 'x', files: 'x' });
  const base = partsOf({ base: 'y', files: 'x' });
  const files = partsOf({ base: 'x', files: 'y' });
  const filesOnly = new Map([['files', 'all' as const]]);
  assert.notEqual(find(before, base, {}, { filesOnly }), undefined);
  assert.equal(find(before, files, {}, { filesOnly }), undefined);
  const both = partsOf({ base: 'y', files: 'y' });
  assert.equal(find(before, both, {}, { filesOnly }), undefined);
  const output = { type: 'local', attributes: new Map<string, string>() };
  const attested = (disabled?: string) => ({
    attest: [{ type: 'sbom', attributes: new Map(disabled === undefined ? [] : [['disabled', disabled]]) }],
  });
  assert.equal(find(before, base, {}, {}, { pushes: false }), undefined);
  assert.equal(find(before, base, attested()), undefined);
  assert.equal(find(before, base, attested('false')), undefined);
  assert.notEqual(find(before, base, attested('true')), undefined);
  for (const argument of ['BUILDKIT_ATTEST_PROVENANCE', 'BUILDKIT_ATTEST_SBOM'])
    assert.equal(find(before, base, { args: new Map([[argument, 'true']]) }), undefined);
  assert.equal(find(before, base, { outputs: [output] }), undefined);
  assert.notEqual(find(before, base, { outputs: [output] }, {}, { role: 'needed' }), undefined);
  assert.equal(find(before, base, { noCache: true }), undefined);
  assert.equal(find(before, base, { noCacheFilter: ['stage'] }), undefined);
});

test('a parent counts by its platforms, by its layers where only files are read, whatever its index is', () => {
  const platform = (name: string, letter: string, layers?: string) => ({
    platform: name,
    digest: digest(letter),
    ...(layers === undefined ? {} : { layers: digest(layers) }),
  });
  const images = new Map<string, ImageResult>([
    ['one', { digest: digest('0'), platforms: [platform('linux/arm64', '1', '2')] }],
    ['two', { digest: digest('0'), platforms: [platform('q', '4', '5'), platform('p', '3')] }],
    ['sorted', { digest: digest('0'), platforms: [platform('p', '3'), platform('q', '4')] }],
  ]);
  const keying = {
    resultOf: (build: string) => {
      const image = images.get(build);
      return image === undefined ? undefined : { image };
    },
    isSecret: (text: string) => text.includes('hunter'),
  } as unknown as Keying;
  const edge = (to: string, contextName: string) => ({ to, reason: 'from' as const, contextName });
  const edges = [
    edge('one', 'base'),
    edge('one', 'files'),
    edge('two', 'both'),
    edge('two', 'files of both'),
    edge('sorted', 'sorted'),
    edge('gone', 'gone'),
    { to: 'one', reason: 'needs' as const },
  ];
  const names = ['base', 'files', 'both', 'files of both', 'sorted', 'gone', 'kept'];
  const parts = partsOf(Object.fromEntries(names.map((name) => [name, 'old'])));
  const filesOnly = new Map([
    ['files', 'all' as const],
    ['files of both', 'all' as const],
  ]);
  const inputs = inputsOf(parts, { filesOnly });
  const now = withCurrentParents(keying, makeNode({}, { edges }), inputs);
  assert.deepEqual(now.parts?.parents, {
    base: digest('1'),
    files: digest('2'),
    both: `p=${digest('3')} q=${digest('4')}`,
    'files of both': `p=${digest('3')} q=${digest('5')}`,
    sorted: `p=${digest('3')} q=${digest('4')}`,
    gone: 'old',
    kept: 'old',
  });
  assert(now.parts !== undefined);
  assert.equal(now.key, computeKey(now.parts));
  assert.notEqual(now.key, inputs.key);
  // What has no key, or no parts, is as it was.
  const { key: _, ...unkeyed } = inputs;
  assert.equal(withCurrentParents(keying, makeNode({}, { edges }), unkeyed), unkeyed);
  const bare = inputsOf(undefined, { key: 'k' });
  assert.equal(withCurrentParents(keying, makeNode({}, { edges }), bare), bare);
  assert.equal(changesSince(keying, inputs, now.parts).length, 5);
  assert.deepEqual(changesSince(keying, inputs, parts), []);
  assert.deepEqual(changesSince(keying, bare, parts), []);
  const secret = partsOf({}, { 'label a': 'hunter2' });
  assert.doesNotMatch(
    changesSince(keying, inputsOf(secret), partsOf({}, { 'label a': 'x' })).join(),
    /hunter2/,
  );
});
