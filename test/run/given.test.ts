/** Needed builds that an earlier run made: taken by digest, by machines that know nothing of them. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Digest } from '../../lib/model/mod.ts';
import type { EarlierResult } from '../../lib/run/mod.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** `tools` is not pushed; `base` copies of it and is built each time; `api` is based on `base`, `site` copies of it. */
function shop(host: string, base = 'no-cache: true'): Readonly<Record<string, string>> {
  const image = (name: string, more: string) =>
    `  ${name}: { context: ${name}, push: true, tags: ["${host}/shop/${name}:dev"]${more} }\n`;
  return {
    'builds.yaml': `record: registry
builds:
  tools: { context: tools }
${image('base', `, contexts: { tools: "build:tools" }, ${base}`)}${image('api', ', contexts: { base: "build:base" }')}${image('site', ', contexts: { base: "build:base" }')}`,
    'tools/Dockerfile': 'FROM scratch\nCOPY file /tool\n',
    'tools/file': 'tool\n',
    'base/Dockerfile': 'FROM scratch\nCOPY --from=tools tool /tool\nENV X=1\n',
    'api/Dockerfile': 'FROM base\nCOPY file /api\n',
    'api/file': 'api\n',
    'site/Dockerfile': 'FROM scratch\nCOPY --from=base tool /site\n',
  };
}

/** Every build is pushed, and none runs without need. */
function shopWithoutTools(host: string): Readonly<Record<string, string>> {
  return {
    ...shop(host, 'description: as any'),
    'base/Dockerfile': 'FROM scratch\nCOPY file /tool\n',
    'base/file': 'tool\n',
  };
}

/** What `--metadata-file` says of a run. */
function resultsOf(baked: Baked): ReadonlyMap<string, EarlierResult> {
  return new Map(
    baked.summary.outcomes.flatMap(({ build, digest, key }) =>
      digest === undefined
        ? []
        : [[build, { digest: digest as Digest, ...(key === undefined ? {} : { key }) }]],
    ),
  );
}

/** The records that lie beside an image. */
function recordsOf({ registry }: FakeWorld, name: string): string {
  const manifest = JSON.parse(
    registry.store.manifest(`shop/${name}`, 'bake-records')?.bytes.toString() ?? '',
  );
  return gunzipSync(Buffer.from(manifest.config.data, 'base64')).toString();
}

/** A run of a machine that has neither memory nor an engine of its own yet. */
async function bakeElsewhere(
  t: Cleanup,
  world: FakeWorld,
  builds: readonly string[],
  parents: ReadonlyMap<string, EarlierResult> = new Map(),
): Promise<Baked> {
  return world.bake({ builds, parents, home: await makeTempDir(t, 'runner-'), engine: new FakeEngine() });
}

test('a parent that runs each time is built in each job, unless it is given by digest', async (t) => {
  const world = await makeFakeWorld(t, shop);
  const first = await bakeElsewhere(t, world, ['base']);
  assertOk(first);
  const without = await bakeElsewhere(t, world, ['api']);
  assert.equal(without.kinds['base'], 'built');

  const baked = await bakeElsewhere(t, world, ['api', 'site'], resultsOf(first));
  assertOk(baked);
  // The job before left a record of `api` on the same base.
  assert.deepEqual(baked.kinds, { tools: 'unchanged', base: 'unchanged', api: 'unchanged', site: 'built' });
  assert.equal(baked.outcome('base').digest, first.outcome('base').digest);
  assert.equal(baked.outcome('base').reason?.code, 'given');
  assert.equal(baked.outcome('tools').digest, undefined);
  assert.deepEqual(world.registry.store.brokenTags(), []);
});

test('keys are those of a run of everything, so that its records count for jobs and theirs for it', async (t) => {
  const world = await makeFakeWorld(t, (host) => shop(host, 'description: as any'));
  const whole = await bakeElsewhere(t, world, ['base', 'api', 'site']);
  assertOk(whole);
  const jobs = await bakeElsewhere(t, world, ['api', 'site'], resultsOf(whole));
  assertOk(jobs);
  for (const build of ['api', 'site']) {
    assert.equal(jobs.kinds[build], 'unchanged');
    assert.equal(jobs.outcome(build).key, whole.outcome(build).key);
  }
  assert.equal(jobs.summary.buildctlCalls, 0);
});

test('jobs vouch for what they were given, so that a new machine believes the records of all', async (t) => {
  const world = await makeFakeWorld(t, shopWithoutTools);
  const base = await bakeElsewhere(t, world, ['base']);
  for (const build of ['api', 'site']) assertOk(await bakeElsewhere(t, world, [build], resultsOf(base)));
  assert(recordsOf(world, 'api').includes(base.outcome('base').key ?? 'none'));
  const whole = await bakeElsewhere(t, world, ['base', 'api', 'site']);
  assertOk(whole);
  assert.deepEqual(whole.kinds, { base: 'unchanged', api: 'unchanged', site: 'unchanged' });
  assert.equal(whole.summary.buildctlCalls, 0);
});

test('what other files gave is taken, and remembered of nothing', async (t) => {
  const world = await makeFakeWorld(t, shopWithoutTools);
  const base = await bakeElsewhere(t, world, ['base']);
  await world.write({ 'base/Dockerfile': 'FROM scratch\nCOPY file /tool\nENV X=2\n' });
  const taken = await bakeElsewhere(t, world, ['api'], resultsOf(base));
  assert.equal(taken.outcome('base').digest, base.outcome('base').digest);
  const whole = await bakeElsewhere(t, world, ['base']);
  assert.equal(whole.kinds['base'], 'built');
  assert(!recordsOf(world, 'api').includes(whole.outcome('base').key ?? ''));
});

test('a file that pairs an image with the key of other files is taken for this run, and vouches for nothing', async (t) => {
  const world = await makeFakeWorld(t, shopWithoutTools);
  const base = await bakeElsewhere(t, world, ['base']);
  await world.write({ 'base/file': 'newer\n' });
  const home = await makeTempDir(t, 'runner-');
  const key = (await world.bake({ builds: ['base'], dryRun: true, home })).events.flatMap((event) =>
    event.type === 'node-keyed' ? (event.key ?? []) : [],
  )[0];
  const { digest } = base.outcome('base');
  assert(key !== undefined && key !== base.outcome('base').key && digest !== undefined);
  const forged = new Map([['base', { digest: digest as Digest, key }]]);
  const taken = await world.bake({ builds: ['api'], parents: forged, home, engine: new FakeEngine() });
  assertOk(taken);
  assert.equal(taken.outcome('base').digest, digest);
  assert(!recordsOf(world, 'api').includes(key));
  for (const where of [home, await makeTempDir(t, 'runner-')]) {
    const later = await world.bake({ builds: ['base'], home: where, engine: new FakeEngine(), dryRun: true });
    assert.equal(later.kinds['base'], 'built');
  }
});

test('what was asked for is decided about, whatever is given', async (t) => {
  const world = await makeFakeWorld(t, shop);
  const first = await bakeElsewhere(t, world, ['base']);
  const again = await bakeElsewhere(t, world, ['base', 'api'], resultsOf(first));
  assertOk(again);
  assert.equal(again.kinds['base'], 'built');
});

test('an image that no repository of its tags has is said to be gone, and the build runs', async (t) => {
  const world = await makeFakeWorld(t, shop);
  const gone: Digest = `sha256:${'0'.repeat(64)}`;
  const baked = await bakeElsewhere(t, world, ['api'], new Map([['base', { digest: gone }]]));
  assertOk(baked);
  assert.deepEqual(codesOf(baked), ['warning run/parent-gone of base']);
  assert.deepEqual([baked.kinds['tools'], baked.kinds['base']], ['built', 'built']);
});
