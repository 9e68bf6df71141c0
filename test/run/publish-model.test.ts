/** Random plans, edits and faults: what publishing comes to is what a simple model says (test/rig/publish-model.ts). */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Baked } from '../rig/baking.ts';
import { assertEvents } from '../rig/failure-bench.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import {
  type ModelBuild,
  type ModelFault,
  type ModelRun,
  PublishModel,
  tagNames,
} from '../rig/publish-model.ts';
import type { Cleanup } from '../rig/temp.ts';

const RUNS = Number(process.env['BAKE_TS_TEST_RANDOM'] ?? 30);
const SEED = process.env['BAKE_TS_TEST_SEED'];

const aPlan: fc.Arbitrary<readonly ModelBuild[]> = fc
  .array(fc.record({ parent: fc.nat(9), tags: fc.integer({ min: 1, max: 3 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  // Half of the builds are FROM an earlier one.
  .map((builds) =>
    builds.map(({ parent, tags }, at) => ({ parent: parent < at ? parent : undefined, tags })),
  );

const aFault = (builds: number): fc.Arbitrary<ModelFault> => {
  const build = fc.nat(builds - 1);
  return fc.oneof(
    fc.record({ build, kind: fc.constantFrom('build' as const, 'push' as const) }),
    fc.record({ build, kind: fc.constant('tag' as const), tag: fc.nat(2), after: fc.boolean() }),
  );
};

const aRun = (builds: number): fc.Arbitrary<ModelRun> =>
  fc.record({
    edits: fc.array(fc.record({ build: fc.nat(builds - 1), version: fc.nat(2) }), { maxLength: 3 }),
    together: fc.boolean(),
    faults: fc.uniqueArray(aFault(builds), {
      maxLength: 2,
      selector: (fault) => `${fault.build} ${fault.kind === 'tag' ? fault.tag : fault.kind}`,
    }),
  });

const aStory = aPlan.chain((builds) =>
  fc.record({
    builds: fc.constant(builds),
    runs: fc.array(aRun(builds.length), { minLength: 1, maxLength: 4 }),
  }),
);

function treeOf(host: string, builds: readonly ModelBuild[]): Readonly<Record<string, string>> {
  const tree: Record<string, string> = {};
  const lines = builds.map((build, at) => {
    tree[`b${at}/Dockerfile`] =
      `FROM ${build.parent === undefined ? 'scratch' : 'parent'}\nCOPY file /b${at}\n`;
    tree[`b${at}/file`] = `b${at} 0\n`;
    const tags = tagNames(at, build).map((tag) => `"${host}/${tag}"`);
    const contexts = build.parent === undefined ? '' : `, contexts: { parent: "build:b${build.parent}" }`;
    return `  b${at}: { context: b${at}, push: true, tags: [${tags.join(', ')}]${contexts} }`;
  });
  return { ...tree, 'builds.yaml': `builds:\n${lines.join('\n')}\n` };
}

function inject({ engine, registry }: FakeWorld, fault: ModelFault, builds: readonly ModelBuild[]): void {
  const { build } = fault;
  const denied = { kind: 'status', status: 403 } as const;
  if (fault.kind === 'tag') {
    const name = tagNames(build, builds[build] ?? { parent: undefined, tags: 0 })[fault.tag];
    if (name === undefined) return;
    const path = `/${name.replace(':', '/manifests/')}`;
    registry.fault({ method: 'PUT', from: 'bake-ts', path, nth: 1, act: { ...denied, after: fault.after } });
  } else if (fault.kind === 'push') {
    const path = `/app/b${build}/manifests/sha256:`;
    registry.fault({ method: 'PUT', from: 'engine', path, act: denied });
  } else
    engine.fault({ when: `/b${build}\n`, at: 'built', act: { fail: 'error: failed to solve: the test' } });
}

/** Images of the model and digests stand for one another. */
class Translation {
  readonly #digests = new Map<string, string>();
  readonly #images = new Map<string, string>();

  check(image: string, digest: string | undefined): void {
    assert(digest !== undefined, `${image} is nowhere`);
    assert.equal(this.#digests.get(image) ?? digest, digest, `${image} has two digests`);
    assert.equal(this.#images.get(digest) ?? image, image, `${digest} is two images`);
    this.#digests.set(image, digest);
    this.#images.set(digest, image);
  }
}

async function assertSound({ registry, records }: FakeWorld): Promise<void> {
  assert.deepEqual(registry.store.brokenTags(), []);
  assert.deepEqual(registry.earlyTags, []);
  for (const { build, digest } of await records()) {
    const manifest = registry.store.manifest(`app/${build}`, digest);
    assert(manifest !== undefined, `${build} is recorded and was not pushed`);
  }
}

function orderOf({ events }: Baked): readonly number[] {
  const planned = events.find((event) => event.type === 'planned');
  assert(planned !== undefined);
  return planned.nodes.map(({ build }) => Number(build.slice(1)));
}

async function playStory(
  t: Cleanup,
  builds: readonly ModelBuild[],
  runs: readonly ModelRun[],
): Promise<void> {
  const world = await makeFakeWorld(t, (host) => treeOf(host, builds), { lax: true });
  const model = new PublishModel(builds);
  const translation = new Translation();
  const calm = { edits: [], together: false, faults: [] };
  // The last run has no faults and heals; the one after it has nothing to do.
  for (const run of [...runs, calm, calm]) {
    for (const fault of run.faults) inject(world, fault, builds);
    await world.write(
      Object.fromEntries(run.edits.map(({ build, version }) => [`b${build}/file`, `b${build} ${version}\n`])),
    );
    const baked = await world.bake({ atomic: run.together });
    world.registry.mend();
    world.engine.mend();
    const { kinds, ok } = model.run(run, orderOf(baked));
    assert.deepEqual(
      baked.summary.outcomes.map(({ build, kind }) => `${build} ${kind}`),
      orderOf(baked).map((build) => `b${build} ${kinds.get(build)}`),
    );
    assert.equal(baked.summary.ok, ok);
    const tags = world.registry.store.tags();
    assert.deepEqual(Object.keys(tags), [...model.tags.keys()].sort());
    for (const [tag, image] of model.tags) translation.check(image, tags[tag]);
    assertEvents(baked);
    await assertSound(world);
  }
  assert.equal(
    (await world.bake()).summary.outcomes.every(({ kind }) => kind === 'unchanged'),
    true,
  );
}

test('publishing, rolling back and going on come to what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(aStory, async ({ builds, runs }) => {
      const ends: (() => void | Promise<void>)[] = [];
      try {
        await playStory({ after: (end) => ends.push(end) }, builds, runs);
      } finally {
        for (const end of ends) await end();
      }
    }),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }), endOnFailure: false },
  );
});
