/** Random plans, edits and faults: what publishing comes to is what a simple model says (test/rig/publish-model.ts). */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Baked } from '../rig/baking.ts';
import { assertEvents } from '../rig/failure-bench.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import type { FakeRegistry } from '../rig/fake-registry.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { compiled } from '../rig/paths.ts';
import {
  type ModelBuild,
  type ModelFault,
  type ModelRun,
  PublishModel,
  tagNames,
} from '../rig/publish-model.ts';
import type { Cleanup } from '../rig/temp.ts';

// More of them on the runtime that a whole test run has first.
const RUNS = Number(process.env['BAKE_TS_TEST_RANDOM'] ?? (compiled ? 30 : 12));
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

/** A run of a story; `cancelAt`: it is cancelled at so many-th of its events. */
type StoryRun = ModelRun & { readonly cancelAt: number | undefined };

const aRun = (builds: number, shares: boolean): fc.Arbitrary<StoryRun> =>
  fc.record({
    machine: fc.constantFrom(0 as const, 1 as const),
    cancelAt: shares ? fc.constant(undefined) : fc.option(fc.nat(60), { nil: undefined, freq: 3 }),
    edits: fc.array(fc.record({ build: fc.nat(builds - 1), version: fc.nat(2) }), { maxLength: 3 }),
    together: fc.boolean(),
    faults: fc.uniqueArray(aFault(builds), {
      maxLength: 2,
      selector: (fault) => `${fault.build} ${fault.kind === 'tag' ? fault.tag : fault.kind}`,
    }),
  });

interface Story {
  readonly builds: readonly ModelBuild[];
  readonly shares: boolean;
  readonly runs: readonly StoryRun[];
}

const aStory: fc.Arbitrary<Story> = fc.tuple(aPlan, fc.boolean()).chain(([builds, shares]) =>
  fc.record({
    builds: fc.constant(builds),
    shares: fc.constant(shares),
    runs: fc.array(aRun(builds.length, shares), { minLength: 1, maxLength: 4 }),
  }),
);

function treeOf(host: string, { builds, shares }: Story): Readonly<Record<string, string>> {
  const tree: Record<string, string> = {};
  const lines = builds.map((build, at) => {
    tree[`b${at}/Dockerfile`] =
      `FROM ${build.parent === undefined ? 'scratch' : 'parent'}\nCOPY file /b${at}\n`;
    tree[`b${at}/file`] = `b${at} 0\n`;
    const tags = tagNames(at, build).map((tag) => `"${host}/${tag}"`);
    const contexts = build.parent === undefined ? '' : `, contexts: { parent: "build:b${build.parent}" }`;
    return `  b${at}: { context: b${at}, push: true, tags: [${tags.join(', ')}]${contexts} }`;
  });
  return {
    ...tree,
    'builds.yaml': `record: ${shares ? 'registry' : 'local'}\nbuilds:\n${lines.join('\n')}\n`,
  };
}

function inject(
  registry: FakeRegistry,
  engine: FakeEngine,
  fault: ModelFault,
  builds: readonly ModelBuild[],
): void {
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

  /** The image of a digest; one that was not seen before is the one that a build gives now. */
  imageOf(digest: string, now: string): string {
    const image = this.#images.get(digest) ?? now;
    this.check(image, digest);
    return image;
  }
}

async function assertSound({ registry, records }: FakeWorld, homes: readonly string[]): Promise<void> {
  assert.deepEqual(registry.store.brokenTags(), []);
  assert.deepEqual(registry.earlyTags, []);
  for (const home of homes)
    for (const { build, digest } of await records(home)) {
      const manifest = registry.store.manifest(`app/${build}`, digest);
      assert(manifest !== undefined, `${build} is recorded and was not pushed`);
    }
}

/** Tags of builds. */
function buildTags({ registry }: FakeWorld): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(registry.store.tags()).filter(([name]) => !name.endsWith(':bake-records')),
  );
}

function orderOf({ events }: Baked): readonly number[] {
  const planned = events.find((event) => event.type === 'planned');
  assert(planned !== undefined);
  return planned.nodes.map(({ build }) => Number(build.slice(1)));
}

/**
 * After a cancelled run every tag is where it was or where it was to go; of tags that move together, those that were there
 * before have all moved or all stayed.
 */
async function resume(
  world: FakeWorld,
  model: PublishModel,
  { builds }: Story,
  run: StoryRun,
  home: string,
  translation: Translation,
): Promise<void> {
  const tags = new Map<string, string>();
  const moved = new Set<boolean>();
  const now = buildTags(world);
  builds.forEach((build, at) => {
    const wanted = model.imageOf(at);
    for (const tag of tagNames(at, build)) {
      const [before, digest] = [model.tags.get(tag), now[tag]];
      if (digest === undefined) assert.equal(before, undefined, `${tag} is gone`);
      else {
        const image = translation.imageOf(digest, wanted);
        assert(image === before || image === wanted, `${tag} is at ${image}`);
        if (before !== undefined && before !== wanted) moved.add(image !== before);
        tags.set(tag, image);
      }
    }
  });
  if (run.together) assert(moved.size < 2, 'some tags moved, and some did not');
  const remembered = (await world.records(home)).map(({ build, digest }) =>
    translation.imageOf(digest, model.imageOf(Number(build.slice(1)))),
  );
  model.resume(run.machine, tags, new Set(remembered));
}

async function playStory(t: Cleanup, story: Story): Promise<void> {
  const { builds, shares, runs } = story;
  const world = await makeFakeWorld(t, (host) => treeOf(host, story), { lax: true });
  const homes = [world.home, `${world.home}/other`] as const;
  // Each machine has an engine of its own: what an engine was sent is remembered by one machine alone.
  const engines = [world.engine, new FakeEngine()] as const;
  const model = new PublishModel(builds, shares);
  const translation = new Translation();
  const calm: StoryRun = { edits: [], machine: 0, together: false, faults: [], cancelAt: undefined };
  let wasCancelled = false;
  // The last runs have no faults and heal.
  for (const run of [...runs, calm, { ...calm, machine: 1 as const }]) {
    // After a cancelled run nobody can say what is pushed already.
    for (const fault of run.faults)
      if (fault.kind !== 'push' || !wasCancelled) inject(world.registry, engines[run.machine], fault, builds);
    await world.write(
      Object.fromEntries(run.edits.map(({ build, version }) => [`b${build}/file`, `b${build} ${version}\n`])),
    );
    model.edit(run.edits);
    const controller = new AbortController();
    const baked = await world.bake({
      atomic: run.together,
      home: homes[run.machine],
      engine: engines[run.machine],
      signal: controller.signal,
      onEvent: ({ seq, type }) => {
        if (seq === run.cancelAt && type !== 'run-finished') controller.abort();
      },
    });
    world.registry.mend();
    for (const engine of engines) engine.mend();
    assertEvents(baked);
    await assertSound(world, homes);
    for (const { build, digest } of baked.summary.outcomes)
      if (digest !== undefined) translation.check(model.imageOf(Number(build.slice(1))), digest);
    if (baked.summary.cancelled) {
      wasCancelled = true;
      await resume(world, model, story, run, homes[run.machine], translation);
      continue;
    }
    const faults = run.faults.filter(({ kind }) => kind !== 'push' || !wasCancelled);
    const { kinds, ok } = model.run({ ...run, faults }, orderOf(baked));
    assert.deepEqual(
      baked.summary.outcomes.map(({ build, kind }) => `${build} ${kind}`),
      orderOf(baked).map((build) => `b${build} ${kinds.get(build)}`),
    );
    assert.equal(baked.summary.ok, ok);
    const tags = buildTags(world);
    assert.deepEqual(Object.keys(tags), [...model.tags.keys()].sort());
    for (const [tag, image] of model.tags) translation.check(image, tags[tag]);
  }
  const settled = await world.bake({ home: homes[1], engine: engines[1] });
  assert(settled.summary.outcomes.every(({ kind }) => kind === 'unchanged'));
  assert.equal(settled.summary.buildctlCalls, 0);
}

test('publishing, rolling back and going on come to what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(aStory, async (story) => {
      const ends: (() => void | Promise<void>)[] = [];
      try {
        await playStory({ after: (end) => ends.push(end) }, story);
      } finally {
        for (const end of ends) await end();
      }
    }),
    {
      numRuns: RUNS,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      endOnFailure: true,
      includeErrorInReport: true,
    },
  );
});
