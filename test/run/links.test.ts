/** How a build is linked to the results that it reads, wherever they lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Edge, ImageLocation, ImageResult, Outcome } from '../../lib/model/mod.ts';
import type { RegistryClient } from '../../lib/registry/mod.ts';
import { linkParents } from '../../lib/run/links.ts';
import type { NodeResult } from '../../lib/run/mod.ts';
import { Phases } from '../../lib/run/phases.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const IN_REGISTRY: ImageLocation = {
  kind: 'registry',
  ref: { registry: 'r.example', repository: 'p', digest: A },
};
const inStore = (confirmed: boolean): ImageLocation => ({
  kind: 'store',
  ref: { registry: '127.0.0.1:1', repository: 'bake/p', tag: 't', digest: A },
  confirmed,
});
const PUBLISHED = { registry: 'r.example', repository: 'published', tag: '1' };
const LAYERS = { registry: 'r.example', repository: 'layers', digest: B };

const resultOf = (image?: ImageResult, kind: Outcome['kind'] = 'unchanged'): NodeResult => ({
  outcome: { build: 'p', kind, tags: [], durationMs: 0 },
  ...(image === undefined ? {} : { image }),
});
const imageAt = (location?: ImageLocation, more: Partial<ImageResult> = {}): ImageResult => ({
  digest: A,
  platforms: [],
  ...(location === undefined ? {} : { location }),
  ...more,
});

interface Given {
  readonly parent?: NodeResult;
  /** What building it anew gives; it must not be where this is not given. */
  readonly rebuilt?: NodeResult;
  /** Repositories that have the image. */
  readonly there?: readonly string[];
  readonly rebuildUnconfirmed?: boolean;
  readonly mayUseLayersOnly?: boolean;
  readonly edges?: readonly Edge[];
}

async function link(given: Given) {
  const { parent, rebuilt, there = [], rebuildUnconfirmed = false, mayUseLayersOnly = false } = given;
  const { edges = [{ to: 'p', reason: 'from', contextName: 'base' }] } = given;
  const asked: [string, boolean][] = [];
  const heads: string[] = [];
  const registry = {
    head: async ({ repository, digest, tag }: { repository: string; digest?: string; tag?: string }) => {
      assert.equal(digest, A);
      assert.equal(tag, undefined);
      heads.push(repository);
      return { kind: there.includes(repository) ? 'present' : 'absent' };
    },
  } as unknown as RegistryClient;
  const phases: string[] = [];
  const told = new Phases((event) => {
    if (event.type === 'node-phase') phases.push(event.phase);
  });
  told.begin('x');
  phases.length = 0;
  const building: Parameters<typeof linkParents>[0] = {
    registry,
    calling: { phases: told },
    resultOf: (build) => (build === 'p' ? parent : undefined),
    rebuild: async (build) => {
      assert.equal(build, 'p');
      // Building takes longer than it takes to say that it is waited for.
      for (let turns = 0; turns < 100 && !phases.includes('queued'); turns++) await nextTurn();
      return rebuilt ?? assert.fail('it is not to be built');
    },
    layersOnly: {
      of: async (location, mayPut) => {
        asked.push([location.kind, mayPut]);
        return LAYERS;
      },
      forget: () => undefined,
      turnOff: () => undefined,
    },
  };
  const request = { node: makeNode({}, { edges }), rebuildUnconfirmed, mayUseLayersOnly };
  return { linked: await linkParents(building, request), asked, heads, phases };
}

const linkAt = (ref: object, more: object = {}) => ({
  ok: true,
  value: [{ contextName: 'base', kind: 'image', ref, ...more }],
});

test('a parent is read by digest from where it lies', async () => {
  assert.deepEqual((await link({ parent: resultOf(imageAt(IN_REGISTRY)) })).linked, linkAt(IN_REGISTRY.ref));
  const stored = inStore(true);
  const { linked, heads } = await link({
    parent: resultOf(imageAt(stored, { published: [PUBLISHED] })),
    there: ['published'],
  });
  assert.deepEqual(linked, linkAt('ref' in stored ? stored.ref : {}));
  assert.deepEqual(heads, []);
  const layout = await link({
    parent: resultOf(imageAt({ kind: 'layout', dir: '/l' })),
    mayUseLayersOnly: true,
  });
  assert.deepEqual(layout.linked, {
    ok: true,
    value: [{ contextName: 'base', kind: 'layout', dir: '/l', digest: A }],
  });
  assert.deepEqual(layout.asked, []);
});

test('a build is queued while one whose image it reads is built again', async () => {
  const lost = await link({ parent: resultOf(imageAt()), rebuilt: resultOf(imageAt(IN_REGISTRY), 'built') });
  assert.deepEqual(lost.linked, linkAt(IN_REGISTRY.ref));
  assert.deepEqual(lost.phases, ['queued', 'checking']);
  assert.deepEqual((await link({ parent: resultOf(imageAt(IN_REGISTRY)) })).phases, []);
});

test('what an earlier run published is read from there rather than from a store that may have lost it', async () => {
  const published = [{ registry: 'r.example', repository: 'gone', tag: '1' }, PUBLISHED];
  const ref = { registry: 'r.example', repository: 'published', digest: A };
  for (const location of [undefined, inStore(false)]) {
    const { linked, heads, asked } = await link({
      parent: resultOf(imageAt(location, { published })),
      there: ['published'],
      rebuildUnconfirmed: true,
      mayUseLayersOnly: true,
    });
    assert.deepEqual(linked, linkAt(ref, { layersOnly: LAYERS }));
    assert.deepEqual(heads, ['gone', 'published']);
    // It was not asked for that this run puts something there.
    assert.deepEqual(asked, [['registry', false]]);
  }
  const store = inStore(false);
  const { linked } = await link({ parent: resultOf(imageAt(store, { published })) });
  assert.deepEqual(linked, linkAt('ref' in store ? store.ref : {}));
});

test('layers-only images may be put beside what this run pushes or keeps in the store', async () => {
  for (const location of [IN_REGISTRY, inStore(true)]) {
    const { linked, asked } = await link({ parent: resultOf(imageAt(location)), mayUseLayersOnly: true });
    assert.deepEqual(linked, linkAt('ref' in location ? location.ref : {}, { layersOnly: LAYERS }));
    assert.deepEqual(asked, [[location.kind, true]]);
    assert.deepEqual((await link({ parent: resultOf(imageAt(location)) })).asked, []);
  }
});

test('a parent that lies nowhere is built, and one that may be gone where it was found to be', async () => {
  const rebuilt = resultOf(imageAt(IN_REGISTRY), 'built');
  for (const parent of [undefined, resultOf(), resultOf(imageAt())])
    assert.deepEqual(
      (await link({ rebuilt, ...(parent === undefined ? {} : { parent }) })).linked,
      linkAt(IN_REGISTRY.ref),
    );
  const { linked } = await link({
    parent: resultOf(imageAt(inStore(false))),
    rebuilt,
    rebuildUnconfirmed: true,
  });
  assert.deepEqual(linked, linkAt(IN_REGISTRY.ref));
  // What was put there in this run is there, and registries do not lose what they have.
  for (const location of [inStore(true), IN_REGISTRY])
    assert((await link({ parent: resultOf(imageAt(location)), rebuildUnconfirmed: true })).linked.ok);
});

test('without a parent there is no link: cancelled where its build was, else a failure with a place', async () => {
  const { linked } = await link({ rebuilt: resultOf(undefined, 'cancelled') });
  assert.deepEqual(linked, { ok: false, error: { kind: 'cancelled' } });
  const span = { file: { path: 'f', text: '' }, start: 0, end: 0 } as unknown as NonNullable<Edge['span']>;
  const edge: Edge = { to: 'p', reason: 'from', contextName: 'base', span };
  for (const rebuilt of [resultOf(undefined, 'failed'), resultOf(imageAt(), 'built')]) {
    const failed = (await link({ rebuilt, edges: [edge] })).linked;
    assert(!failed.ok && failed.error.kind === 'failed');
    assert.equal(failed.error.problem.code, 'build/parent-missing');
    assert.equal(failed.error.problem.build, 'x');
    assert.equal(failed.error.problem.span, span);
  }
  const unplaced = (await link({ rebuilt: resultOf(undefined, 'failed') })).linked;
  assert(!unplaced.ok && unplaced.error.kind === 'failed');
  assert(!('span' in unplaced.error.problem) || unplaced.error.problem.span === undefined);
});

test('an edge that is order only links nothing', async () => {
  const { linked } = await link({ edges: [{ to: 'p', reason: 'needs' }] });
  assert.deepEqual(linked, { ok: true, value: [] });
});
