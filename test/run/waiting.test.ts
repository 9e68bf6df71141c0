/** Dry runs: what is known of a build whose parents have no result yet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outlineInputs } from '../../lib/fingerprint/mod.ts';
import type { Keying, NodeInputs } from '../../lib/inputs/mod.ts';
import { type ImageResult, KEY_VERSION, type KeyParts, type Outcome } from '../../lib/model/mod.ts';
import type { Memory } from '../../lib/run/memory.ts';
import { changesBut, changesElsewhere, untrackedBut, waitingFor } from '../../lib/run/mod.ts';
import { decideWaiting } from '../../lib/run/waiting.ts';
import type { LastInputs } from '../../lib/state/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const NONE = { builds: [], names: new Set<string>() };
const WAITING = { builds: ['p'], names: new Set(['base']) };
const keying = { isSecret: () => false } as unknown as Keying;
const node = makeNode();

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
const inputsOf = (parts?: KeyParts, untracked: NodeInputs['untracked'] = []): NodeInputs => ({
  untracked,
  files: 0,
  bytes: 0,
  problems: [],
  contexts: [],
  filesOnly: new Map(),
  ...(parts === undefined ? {} : { parts }),
});

/** Remembers these inputs here, and an outline of those elsewhere. */
const memoryOf = (last?: LastInputs, elsewhere?: KeyParts) =>
  ({
    latest: async () => last,
    latestElsewhere: async () =>
      elsewhere === undefined ? undefined : outlineInputs('k', elsewhere, 10, () => false),
  }) as unknown as Memory;

test('a parent is waited for where a dry run would build it and it is read', () => {
  const result = (kind: Outcome['kind'], image?: ImageResult) => ({
    outcome: { build: '', kind, tags: [], durationMs: 0 },
    ...(image === undefined ? {} : { image }),
  });
  const results = new Map([
    ['built', result('built')],
    ['done', result('built', { digest: A, platforms: [] })],
    ['same', result('unchanged')],
    ['order', result('built')],
  ]);
  const edges = ['built', 'done', 'same', 'none'].map((to) => ({
    to,
    reason: 'from' as const,
    contextName: `from ${to}`,
  }));
  const waiting = waitingFor((build) => results.get(build), {
    ...node,
    edges: [
      ...edges,
      { to: 'order', reason: 'needs' },
      { to: 'built', reason: 'copy', contextName: 'other' },
    ],
  });
  assert.deepEqual(waiting, { builds: ['built'], names: new Set(['from built', 'other']) });
});

test('what is not known of parents that are waited for does not count, anything else does', () => {
  const untracked = [
    { kind: 'parent', text: 'one', subject: 'base' },
    { kind: 'parent', text: 'two', subject: 'other' },
    { kind: 'parent', text: 'three' },
    { kind: 'image', text: 'four', subject: 'base' },
  ] as const;
  const textsOf = (names: ReadonlySet<string>) =>
    untrackedBut(inputsOf(undefined, untracked), { builds: [], names }).map(({ text }) => text);
  assert.deepEqual(textsOf(new Set(['base'])), ['two', 'three', 'four']);
  assert.deepEqual(textsOf(new Set()), ['one', 'two', 'three', 'four']);
});

test('changes leave out the parents that are waited for', () => {
  const now = inputsOf(partsOf({ args: { A: '2' }, parents: { other: 'y' } }));
  const last = { key: 'k', parts: partsOf({ args: { A: '1' }, parents: { base: 'x', other: 'x' } }) };
  const isSecret = () => false;
  assert.equal(changesBut(now, last, WAITING, { isSecret }).length, 2);
  assert.equal(changesBut(now, last, NONE, { isSecret }).length, 3);
  assert.match(changesBut(now, last, WAITING, { isSecret, limit: 1 }).join('\n'), /more/);
  assert.deepEqual(changesBut(inputsOf(), last, WAITING, { isSecret }), []);
});

test('elsewhere, changes are those against what is shared, if anything is', async () => {
  const parts = partsOf({ parents: { base: 'y' }, target: 'two' });
  const before = partsOf({ parents: { base: 'x' }, target: 'one' });
  const changes = (memory: Memory, inputs: NodeInputs, names?: ReadonlySet<string>, limit?: number) =>
    changesElsewhere(
      { memory, keying },
      node,
      inputs,
      names === undefined ? undefined : { names, ...(limit === undefined ? {} : { limit }) },
    );
  assert.equal(await changes(memoryOf(), inputsOf(parts)), undefined);
  assert.equal(await changes(memoryOf(undefined, before), inputsOf()), undefined);
  assert.equal((await changes(memoryOf(undefined, before), inputsOf(parts)))?.length, 2);
  assert.equal((await changes(memoryOf(undefined, before), inputsOf(parts), new Set(['base'])))?.length, 1);
  assert.match(
    (await changes(memoryOf(undefined, before), inputsOf(parts), new Set(), 1))?.[1] ?? '',
    /more/,
  );
});

test('it is decided where only parents are not known: by its own changes, or by what comes of them', async () => {
  const parts = partsOf();
  const inputs = inputsOf(parts, [{ kind: 'parent', text: 'base', subject: 'base' }]);
  const same = { key: 'k', parts: partsOf({ parents: { base: 'x' } }) };
  const other = { key: 'k', parts: partsOf({ target: 'other' }) };
  const decided = (
    memory: Memory,
    given = inputs,
    waiting: typeof WAITING | typeof NONE = WAITING,
    force = false,
  ) => decideWaiting({ force, memory, keying }, node, given, waiting);
  assert.equal(await decided(memoryOf(same), inputs, WAITING, true), undefined);
  assert.equal(await decided(memoryOf(same), inputs, NONE), undefined);
  assert.equal(await decided(memoryOf(same), inputsOf()), undefined);
  const unknown = inputsOf(parts, [{ kind: 'image', text: 'i', subject: 'i' }]);
  assert.equal(await decided(memoryOf(same), unknown), undefined);
  assert.deepEqual(await decided(memoryOf(same)), {
    kind: 'build',
    reason: {
      code: 'changed',
      text: 'its own inputs are unchanged; built if p makes a different image than last time',
      items: ['p'],
    },
    depends: true,
  });
  const two = { builds: ['p', 'q'], names: new Set(['base']) };
  assert.match((await decided(memoryOf(same), inputs, two))?.reason.text ?? '', / p, q /);
  const changed = await decided(memoryOf(other));
  assert.deepEqual([changed?.depends, changed?.reason.code, changed?.kind], [false, 'changed', 'build']);
  const first = await decided(memoryOf());
  assert.deepEqual([first?.depends, first?.reason.code], [false, 'first-build']);
  const shared = await decided(memoryOf(undefined, same.parts));
  assert.equal(shared?.depends, true);
  assert.equal((await decided(memoryOf(undefined, other.parts)))?.depends, false);
});
