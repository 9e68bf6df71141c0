/** How scratch builds read what they are based on: by digest, from where it lies, and nothing is put anywhere for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edge, ImageLocation, ImageResult, Plan, PlanNode } from '../../lib/model/mod.ts';
import type { RegistryClient } from '../../lib/registry/mod.ts';
import type { LayersOnlySource, NodeResult } from '../../lib/run/mod.ts';
import { linkScratch } from '../../lib/verify/scratch.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeBuild, makeSet } from '../rig/sets.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const LAYERS = { registry: 'r.example', repository: 'layers', digest: B };

type Stored = Extract<ImageLocation, { kind: 'store' }>;
const inStore = (confirmed: boolean): Stored => ({
  kind: 'store',
  ref: { registry: '127.0.0.1:1', repository: 'bake/p', tag: 't', digest: A },
  confirmed,
});
const IN_REGISTRY = {
  kind: 'registry',
  ref: { registry: 'r.example', repository: 'p', digest: A },
} as const;

/** A parent with a tag in two repositories, of which the second has two. */
const PARENT = makeNode(
  makeBuild('p', { tags: ['r.example/one:1', 'r.example/two:1', 'r.example/two:2'], push: 'always' }),
);

interface Given {
  /** Undefined: it is not known. */
  readonly image?: Partial<ImageResult>;
  /** Undefined: it is no part of the plan. */
  readonly parent?: PlanNode | undefined;
  readonly edges?: readonly Edge[];
  /** Repositories that have the image. */
  readonly there?: readonly string[];
  readonly isSplit?: boolean;
}

async function link(given: Given) {
  const { image, there = [], isSplit = false } = given;
  const { edges = [{ to: 'p', reason: 'from', contextName: 'base' }] } = given;
  const parent = 'parent' in given ? given.parent : PARENT;
  const heads: string[] = [];
  const asked: [string, boolean][] = [];
  const registry = {
    head: async ({ repository, digest, tag }: { repository: string; digest?: string; tag?: string }) => {
      assert.deepEqual([digest, tag], [A, undefined]);
      heads.push(repository);
      return { kind: there.includes(repository) ? 'present' : 'absent' };
    },
  } as unknown as RegistryClient;
  const layersOnly: LayersOnlySource = {
    of: async (location, mayPut) => {
      asked.push([location.kind, mayPut]);
      return LAYERS;
    },
    forget: () => undefined,
    turnOff: () => undefined,
  };
  const plan: Plan = {
    set: makeSet([]),
    nodes: new Map(parent === undefined ? [] : [['p', parent]]),
  } as Plan;
  const resultOf = (build: string): NodeResult | undefined =>
    build === 'p'
      ? {
          outcome: { build, kind: 'unchanged', tags: [], durationMs: 0 },
          ...(image === undefined ? {} : { image: { digest: A, platforms: [], ...image } }),
        }
      : undefined;
  const linking = { resultOf, registry, ...(isSplit ? { layersOnly } : {}) };
  const linked = await linkScratch(linking, plan, makeNode({}, { edges }));
  return { linked, heads, asked };
}

const linkAt = (ref: object, more: object = {}) => ({
  ok: true,
  value: [{ contextName: 'base', kind: 'image', ref, ...more }],
});

test('what is known to be there is read there, and nobody is asked', async () => {
  const stored = inStore(true);
  for (const location of [IN_REGISTRY, stored]) {
    const { linked, heads } = await link({ image: { location }, there: ['one'] });
    assert.deepEqual([linked, heads], [linkAt(location.ref), []]);
  }
  const layout = await link({ image: { location: { kind: 'layout', dir: '/l' } }, isSplit: true });
  const value = [{ contextName: 'base', kind: 'layout', dir: '/l', digest: A }];
  assert.deepEqual([layout.linked, layout.heads, layout.asked], [{ ok: true, value }, [], []]);
});

test('what the engine may have lost is looked for in each repository of its tags, once', async () => {
  const stored = inStore(false);
  for (const location of [stored, undefined]) {
    const image = location === undefined ? {} : { location };
    const found = await link({ image, there: ['two'] });
    assert.deepEqual(found.linked, linkAt({ registry: 'r.example', repository: 'two', digest: A }));
    assert.deepEqual(found.heads, ['one', 'two']);
    assert.deepEqual((await link({ image, there: ['one', 'two'] })).heads, ['one']);
  }
  const nowhere = await link({ image: { location: stored } });
  assert.deepEqual([nowhere.linked, nowhere.heads], [linkAt(stored.ref), ['one', 'two']]);
});

test('a tag of a build that is not pushed is somebody else’s, and so is one of no build of the plan', async () => {
  const stored = inStore(false);
  const never = { ...PARENT, build: { ...PARENT.build, push: 'never' as const } };
  for (const parent of [never, undefined]) {
    const { linked, heads } = await link({ image: { location: stored }, parent, there: ['one'] });
    assert.deepEqual([linked, heads], [linkAt(stored.ref), []]);
  }
});

test('steps are based on layers-only images where those are wanted, and none is put', async () => {
  for (const location of [IN_REGISTRY, inStore(true)]) {
    const { linked, asked } = await link({ image: { location }, isSplit: true });
    assert.deepEqual(linked, linkAt(location.ref, { layersOnly: LAYERS }));
    assert.deepEqual(asked, [[location.kind, false]]);
  }
});

test('without an image, or a place that has it, there is no build; what is only waited for is not read', async () => {
  const lost = { ok: false, error: 'the image of `p`, which it is based on, is not available' };
  assert.deepEqual((await link({})).linked, lost);
  assert.deepEqual((await link({ image: {} })).linked, lost);
  assert.deepEqual((await link({ edges: [{ to: 'q', reason: 'from', contextName: 'base' }] })).linked, {
    ok: false,
    error: 'the image of `q`, which it is based on, is not available',
  });
  assert.deepEqual((await link({ edges: [{ to: 'p', reason: 'needs' }] })).linked, { ok: true, value: [] });
});
