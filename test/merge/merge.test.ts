/** Merging within the process: what is put, and what stays where it is when something fails. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Merged, type MergeOptions, merge, type PartResult } from '../../lib/merge/mod.ts';
import type { Digest, Result } from '../../lib/model/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { envOf, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];

const two = (top: string) => (host: string) => ({
  'builds.yaml': `${top}
builds:
  a:
    context: a
    platforms: [linux/amd64, linux/arm64]
    annotations: { "index:org.example.a": b }
    push: true
    tags: ["${host}/app/a:1", "${host}/app/a:latest", "${host}/more/a:1"]
  b: { context: a, platforms: [linux/amd64, linux/arm64], push: true, tags: ["${host}/app/b:1"] }
  tool: { context: a }
`,
  'a/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'a/file': 'a\n',
});

/** A world in which each platform was pushed by digest. */
async function makeBench(t: TestContext, top = '') {
  const world = await makeFakeWorld(t, two(top), { lax: true });
  const { registry } = world;
  const results: PartResult[] = [];
  for (const platform of PLATFORMS) {
    const overrides = [`*.platforms=${platform}`];
    const baked = await world.bake({ builds: ['a', 'b'], overrides, byDigest: true });
    assertOk(baked);
    results.push(...baked.summary.outcomes);
  }
  t.after(() => {
    assert.deepEqual(registry.earlyTags, []);
    assert.deepEqual(registry.store.brokenTags(), []);
  });
  registry.forget();
  const run = async (options: Partial<MergeOptions> = {}, builds: readonly string[] = ['a', 'b', 'tool']) =>
    merge({ plan: (await prepareIn(world, builds)).plan, results, env: envOf(world), ...options });
  return { world, registry, results, run };
}

function done(merged: Result<Merged>): Merged {
  assert(merged.ok, merged.ok ? '' : JSON.stringify(merged.error, undefined, 2));
  return merged.value;
}

function codesOf(merged: Result<Merged>): readonly string[] {
  assert(!merged.ok, 'it was merged');
  return merged.error.map(({ code }) => code);
}

const TAGS = ['app/a:1', 'app/a:latest', 'app/b:1', 'more/a:1'];

test('runs by digest move no tag; merging puts all, and a second time nothing is sent', async (t) => {
  const { registry, results, run } = await makeBench(t);
  assert.deepEqual(registry.store.tags(), {});
  assert.deepEqual(
    results.map(({ tags }) => tags.map(({ ref, action }) => [ref.replace(/^[^/]+|:[^:]+$/g, ''), action])),
    [0, 1].flatMap(() => [
      [
        ['/app/a@sha256', 'pushed'],
        ['/more/a@sha256', 'pushed'],
      ],
      [['/app/b@sha256', 'pushed']],
    ]),
  );
  const dry = done(await run({ dryRun: true }));
  assert.deepEqual(registry.writes(), []);
  assert.deepEqual(
    dry.builds.flatMap(({ tags }) => tags.map(({ previous }) => previous)),
    ['absent', 'absent', 'absent', 'absent'],
  );
  const first = done(await run());
  assert.deepEqual(first.passedOver, ['tool']);
  assert.deepEqual(Object.keys(registry.store.tags()), TAGS);
  assert.deepEqual(first.builds, dry.builds);
  const [a] = first.builds;
  assert.deepEqual(
    a?.platforms.map(({ platform }) => platform),
    PLATFORMS,
  );
  assert.equal(registry.store.tags()['more/a:1'], a?.digest);
  registry.forget();
  const second = done(await run());
  assert.deepEqual(
    second.builds.flatMap(({ tags }) => tags.map(({ action }) => action)),
    ['there', 'there', 'there', 'there'],
  );
  assert.deepEqual(registry.writes(), []);
});

test('whatever fails before the tags, none of them moves', async (t) => {
  const { world, registry, results, run } = await makeBench(t);
  assert.deepEqual(codesOf(await run({ results: results.slice(0, 3) })), ['run/part-missing']);
  assert.deepEqual(codesOf(await run({}, ['tool'])), ['plan/empty-selection']);
  const unknown = results.map((one) => ({ ...one, digest: `sha256:${'0'.repeat(64)}` as Digest }));
  assert.deepEqual([...new Set(codesOf(await run({ results: unknown })))], ['run/part-gone']);
  assert.deepEqual(registry.writes(), []);
  // A registry that does not say what it has is not one that lacks it.
  const silent = registry.fault({
    method: 'HEAD',
    path: '/v2/more/a/manifests/',
    act: { kind: 'status', status: 403 },
  });
  assert.deepEqual(
    [...new Set(codesOf(await run({ results: unknown })))],
    ['registry/denied', 'run/part-gone'],
  );
  silent.remove();
  // The second of two builds cannot be put.
  const refused = registry.fault({
    method: 'PUT',
    path: '/v2/app/b/manifests/sha256',
    act: { kind: 'status', status: 403 },
  });
  assert.deepEqual(codesOf(await run()), ['registry/denied']);
  assert.ok(refused.hits > 0);
  assert.deepEqual(registry.store.tags(), {});
  refused.remove();
  // Nor can the last tag: those before it are taken back.
  assert.ok(done(await run()).builds.length === 2);
  const before = registry.store.tags();
  await world.write({ 'a/file': 'new\n' });
  const newer: PartResult[] = [];
  for (const platform of PLATFORMS)
    newer.push(
      ...(await world.bake({ builds: ['a', 'b'], overrides: [`*.platforms=${platform}`], byDigest: true }))
        .summary.outcomes,
    );
  registry.fault({ method: 'PUT', path: '/v2/app/b/manifests/1', act: { kind: 'status', status: 403 } });
  assert.deepEqual(codesOf(await run({ results: newer })), ['registry/denied', 'run/publish-rolled-back']);
  assert.deepEqual(registry.store.tags(), before);
});

test('an immutable tag that would move is refused, and one that stays is not', async (t) => {
  const { world, registry, run } = await makeBench(t, 'immutable: ["1"]');
  done(await run());
  done(await run());
  await world.write({ 'a/file': 'new\n' });
  const results: PartResult[] = [];
  for (const platform of PLATFORMS)
    results.push(
      ...(await world.bake({ builds: ['a', 'b'], overrides: [`*.platforms=${platform}`], byDigest: true }))
        .summary.outcomes,
    );
  registry.forget();
  assert.deepEqual(codesOf(await run({ results })), [
    'run/immutable-tag',
    'run/immutable-tag',
    'run/immutable-tag',
  ]);
  assert.deepEqual(registry.writes(), []);
});

test('a run by digest skips what is there, and builds what its repository lost', async (t) => {
  const { world, registry, results } = await makeBench(t);
  const again = () => world.bake({ builds: ['a'], overrides: ['*.platforms=linux/arm64'], byDigest: true });
  const unchanged = await again();
  assert.deepEqual(unchanged.kinds, { a: 'unchanged' });
  assert.match(unchanged.outcome('a').reason?.text ?? '', /its image is in the registry/);
  assert.deepEqual(registry.writes(), []);
  const digest = results[2]?.digest ?? '';
  registry.store.deleteManifest('more/a', digest);
  // Another repository of the build has it.
  assert.deepEqual((await again()).kinds, { a: 'retagged' });
  assert.ok(registry.store.manifest('more/a', digest) !== undefined);
  for (const repository of ['app/a', 'more/a']) registry.store.deleteManifest(repository, digest);
  assert.deepEqual((await again()).kinds, { a: 'built' });
  assert.deepEqual(registry.store.tags(), {});
});
