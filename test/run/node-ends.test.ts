/** How builds end: with what outcome, what record, and what of several problems is said. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { BakeEvent, Outcome } from '../../lib/model/mod.ts';
import { assertOk, type Baked } from '../rig/baking.ts';
import { kindsText, lifeOf } from '../rig/failure-bench.ts';
import type { FakeRegistry } from '../rig/fake-registry.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** `base` with three tags, `child` on it. */
async function makePair(t: Cleanup, more = ''): Promise<FakeWorld> {
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  base: { context: base, push: true, tags: ["${host}/app/base:1", "${host}/app/base:2", "${host}/app/base:3"]${more} }
  child: { context: child, push: true, tags: ["${host}/app/child:1"], contexts: { base: "build:base" }${more} }
`,
      ...dockerfileOf('1'),
      'base/file': 'base\n',
      'child/Dockerfile': 'FROM base\nRUN child\n',
    }),
    { lax: true },
  );
  return world;
}

const dockerfileOf = (label: string) => ({
  'base/Dockerfile': `FROM scratch\nCOPY file /base\nLABEL v="${label}"\n`,
});

/** Bytes of config and layers of a tag's image. */
function sizeOf({ store }: FakeRegistry, repository: string, tag: string): number {
  const manifest = store.manifest(repository, tag);
  const { config, layers } = JSON.parse(manifest?.bytes.toString() ?? '') as {
    readonly config: { readonly size: number };
    readonly layers: readonly { readonly size: number; readonly digest: string }[];
  };
  return config.size + layers.reduce((sum, { size }) => sum + size, 0);
}

const cancelOn =
  (controller: AbortController, type: BakeEvent['type'], build: string) => (event: BakeEvent) => {
    if (event.type === type && 'build' in event && event.build === build) controller.abort();
  };

test('of several tags that cannot be put each problem is told in one', async (t) => {
  const world = await makePair(t);
  for (const tag of ['1', '2', '3'])
    world.registry.fault({
      method: 'PUT',
      path: `/app/base/manifests/${tag}`,
      act: { kind: 'status', status: 403 },
    });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'base failed, child blocked');
  const { problem, tags, reason, digest, steps, key } = baked.outcome('base');
  assert.deepEqual([problem?.code, problem?.build, tags], ['registry/denied', 'base', []]);
  const [second = '', third = '', ...none] = problem?.detail?.split('\n') ?? [];
  assert.deepEqual([second !== '', third !== '', none], [true, true, []]);
  assert.deepEqual(
    [reason?.code, digest !== undefined, (steps?.total ?? 0) > 0, key !== undefined],
    ['first-build', true, true, true],
  );
  assert.deepEqual(await world.records(), []);
  world.registry.mend();
  world.registry.fault({
    method: 'PUT',
    path: '/app/base/manifests/2',
    act: { kind: 'status', status: 403 },
  });
  const one = (await world.bake()).outcome('base');
  assert.equal(one.kind, 'failed');
  // What its registry says of one stays.
  assert.notEqual(one.problem?.detail ?? '', '');
  assert.notEqual(one.problem?.detail, problem?.detail);
});

test('a tag that could not be put is a failure, though the run is cancelled with the next one', async (t) => {
  const world = await makePair(t);
  const controller = new AbortController();
  const at = (tag: string) =>
    ({ method: 'PUT', from: 'bake-ts', path: `/app/base/manifests/${tag}` }) as const;
  world.registry.fault({ ...at('1'), act: { kind: 'status', status: 403 } });
  world.registry.fault({ ...at('2'), act: { kind: 'call', run: () => controller.abort() } });
  const baked = await world.bake({ signal: controller.signal });
  assert.deepEqual(
    [baked.outcome('base').kind, baked.outcome('base').problem?.code],
    ['failed', 'registry/denied'],
  );
});

test('a tag that cannot be put back is a failure of a build that is unchanged', async (t) => {
  const world = await makePair(t);
  const first = await world.bake();
  assertOk(first);
  world.registry.store.deleteManifest('app/base', '2');
  world.registry.fault({
    method: 'PUT',
    path: '/app/base/manifests/2',
    act: { kind: 'status', status: 403 },
  });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'base failed, child blocked');
  const { problem, reason, tags, digest, key } = baked.outcome('base');
  const was = first.outcome('base');
  assert.deepEqual(
    [problem?.code, reason?.code, tags, digest, key],
    ['registry/denied', 'tags-missing', [], was.digest, was.key],
  );
});

test('what is not known of a build is said with its key', async (t) => {
  const world = await makePair(t);
  await world.write({ 'child/Dockerfile': 'FROM base\nADD https://x.example/y /y\n' });
  const baked = await world.bake({ dryRun: true });
  const keyed = baked.events.flatMap((event) =>
    event.type === 'node-keyed' ? [[event.build, event.key !== undefined, event.untracked.length]] : [],
  );
  // In a dry run the base has no digest yet.
  assert.deepEqual(keyed, [
    ['base', true, 0],
    ['child', false, 2],
  ]);
  const texts = baked.events.flatMap((event) => (event.type === 'node-keyed' ? event.untracked : []));
  assert.match(texts.join(), /https:\/\/x.example\/y may have changed/);
});

test('an image that was made from the last one and cannot be remembered is warned of', async (t) => {
  const world = await makePair(t);
  assertOk(await world.bake());
  await world.write(dockerfileOf('2'));
  const records = path.join(world.home, 'state/records');
  const baked = await world.bake({
    onEvent: (event) => {
      if (event.type !== 'node-decided' || event.build !== 'child') return;
      // Once it was read.
      renameSync(records, `${records}.away`);
      writeFileSync(records, 'in the way');
    },
  });
  assertOk(baked);
  assert.equal(baked.outcome('child').reason?.code, 'parent-config');
  const warned = baked.events.flatMap((event) =>
    event.type === 'warning' ? [`${event.problem.code} of ${event.build}`] : [],
  );
  assert.deepEqual(warned, ['state/not-written of child']);
});

test('a run that is cancelled while tags are put blames no registry', async (t) => {
  const world = await makePair(t);
  const controller = new AbortController();
  world.registry.fault({
    method: 'PUT',
    from: 'bake-ts',
    path: '/app/base/manifests/1',
    act: { kind: 'call', run: () => controller.abort() },
  });
  const baked = await world.bake({ signal: controller.signal });
  assert.equal(kindsText(baked), 'base cancelled, child cancelled');
  const { durationMs: _, ...outcome } = baked.outcome('base');
  const reason = { code: 'first-build', text: 'not built before from here' };
  const steps = { total: 1, cached: 0 };
  assert.deepEqual(outcome, { build: 'base', kind: 'cancelled', tags: [], reason, steps });
  assert.deepEqual(await world.records(), []);
});

test('a run that is cancelled before a build, or once it is known what it is, ends it there', async (t) => {
  const world = await makePair(t);
  for (const [type, life] of [
    ['planned', 'F'],
    ['node-keyed', 'KF'],
    ['node-decided', 'KDF'],
  ] as const) {
    const controller = new AbortController();
    const baked = await world.bake({
      signal: controller.signal,
      onEvent:
        type === 'planned'
          ? (event) => event.type === type && controller.abort()
          : cancelOn(controller, type, 'base'),
    });
    assert.equal(kindsText(baked), 'base cancelled, child cancelled');
    assert.equal(lifeOf(baked, 'base'), life);
    const { durationMs: _, ...outcome } = baked.outcome('base');
    assert.deepEqual(outcome, { build: 'base', kind: 'cancelled', tags: [] });
  }
  assert.deepEqual([world.engine.calls, await world.records()], [[], []]);
});

const recordOf = async (world: FakeWorld, build: string, key: string | undefined) =>
  (await world.records()).find((one) => one.build === build && one.key === key) ?? assert.fail();

test('an image made from the last one is recorded as a build of it would be', async (t) => {
  const world = await makePair(t);
  const first = await world.bake();
  assertOk(first);
  const before = await recordOf(world, 'child', first.outcome('child').key);
  await world.write(dockerfileOf('a much longer label'));
  const dry = await world.bake({ dryRun: true });
  const second = await world.bake();
  assertOk(second);
  const outcome = second.outcome('child');
  const digest = world.registry.store.tags()['app/child:1'];
  const size = sizeOf(world.registry, 'app/child', '1');
  const ref = `${world.registry.host}/app/child:1`;
  const { durationMs, reason, key, ...rest } = outcome;
  assert(durationMs < 60_000 && reason?.code === 'parent-config');
  const ended: Omit<Outcome, 'durationMs' | 'key' | 'reason'> = {
    build: 'child',
    kind: 'built',
    digest: digest as NonNullable<Outcome['digest']>,
    sizeBytes: size,
    ...(before.sizeBytes === undefined ? {} : { lastSizeBytes: before.sizeBytes }),
    platforms: ['linux/amd64'],
    steps: { total: 0, cached: 0 },
    tags: [{ ref, digest: digest as NonNullable<Outcome['digest']>, action: 'pushed' }],
  };
  assert.deepEqual(rest, ended);
  assert.notEqual(size, before.sizeBytes);
  const { finishedAt, ...record } = await recordOf(world, 'child', key);
  assert(Math.abs(Date.parse(finishedAt) - Date.now()) < 60_000);
  const { finishedAt: _, ...old } = before;
  assert.deepEqual(
    { ...record, platforms: record.platforms.map(({ platform, digest: of }) => [platform, of]) },
    {
      ...old,
      key,
      digest,
      sizeBytes: size,
      platforms: [['linux/amd64', digest]],
      refs: [ref],
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    },
  );
  // A dry run tells the same beforehand, of the base that it would build nothing.
  assert.equal(dry.outcome('base').kind, 'built');
  assert.equal(dry.outcome('child').dryRun, true);
});

test('a re-based image of which a tag cannot be put has failed, and one that is cancelled is cancelled', async (t) => {
  const world = await makePair(t);
  assertOk(await world.bake());
  await world.write(dockerfileOf('2'));
  const fault = world.registry.fault({
    method: 'PUT',
    path: '/app/child/manifests/1',
    act: { kind: 'status', status: 403 },
  });
  const failed = await world.bake();
  assert.equal(kindsText(failed), 'base built, child failed');
  const { problem, steps, tags, reason, sizeBytes } = failed.outcome('child');
  assert.deepEqual([problem?.code, steps, tags], ['registry/denied', { total: 0, cached: 0 }, []]);
  assert.deepEqual([reason?.code, (sizeBytes ?? 0) > 0], ['parent-config', true]);
  fault.remove();
  for (const path of ['/app/child/blobs/uploads', '/app/child/manifests/1']) {
    const controller = new AbortController();
    const cut = world.registry.fault({
      from: 'bake-ts',
      method: path.endsWith('1') ? 'PUT' : 'POST',
      path,
      act: { kind: 'call', run: () => controller.abort() },
    });
    const decided: string[] = [];
    await world.write({ ...dockerfileOf(`for ${path.length}`) });
    const baked: Baked = await world.bake({
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'node-decided' && event.build === 'child') decided.push(event.decision);
      },
    });
    assert.equal(kindsText(baked), 'base built, child cancelled', path);
    assert.deepEqual([decided, baked.outcome('child').reason?.code], [['rebase'], 'parent-config']);
    assert.deepEqual([baked.outcome('child').tags, baked.outcome('child').problem], [[], undefined]);
    cut.remove();
  }
  assertOk(await world.bake());
});

test('a dry run says on what a build depends whose parent would be built', async (t) => {
  const world = await makePair(t);
  assertOk(await world.bake());
  await world.write({ 'base/file': 'other\n' });
  const dry = await world.bake({ dryRun: true });
  assert.deepEqual(dry.outcome('child').reason, {
    code: 'changed',
    text: 'nothing of its own changed; built if base gives other bytes than last time',
    items: ['base'],
  });
  // A real run waits for it and knows.
  assert.match(
    (await world.bake()).outcome('child').reason?.text ?? '',
    /^build for context base has another result/,
  );
});

test('what is in place is what later changes are compared with, in another checkout too', async (t) => {
  const world = await makePair(t);
  assertOk(await world.bake());
  const tree = {
    'builds.yaml': await readFile(path.join(world.dir, 'builds.yaml'), 'utf8'),
    ...dockerfileOf('1'),
    'base/file': 'base\n',
    'child/Dockerfile': 'FROM base\nRUN child\n',
  };
  for (const dryRun of [true, false]) {
    const dir = await makeTempDir(t, 'node-checkout-');
    await writeTree(dir, tree);
    assert.equal(kindsText(await world.bake({ dir, dryRun })), 'base unchanged, child unchanged');
    await writeTree(dir, { 'base/file': 'other\n' });
    const { reason } = (await world.bake({ dir, dryRun: true })).outcome('base');
    // A dry run remembers nothing.
    assert.deepEqual(
      [reason?.code, reason?.items],
      dryRun ? ['first-build', undefined] : ['changed', ['context: file changed']],
    );
  }
});

test('what is not pushed has no tags, and is there for what reads it', async (t) => {
  const world = await makePair(t, ', push: false');
  await world.write({
    // Their tags are names in the engine's store; no registry has them.
    'builds.yaml': `builds:
  base: { context: base, tags: ["${world.registry.host}/app/base:1"] }
  child: { context: child, contexts: { base: "build:base" } }
`,
  });
  const baked = await world.bake();
  assertOk(baked);
  for (const build of ['base', 'child']) {
    const { tags, digest, platforms, sizeBytes } = baked.outcome(build);
    assert.deepEqual([tags, platforms, (sizeBytes ?? 0) > 0], [[], ['linux/amd64'], true]);
    assert.equal([...world.engine.images.values()].includes(digest ?? assert.fail()), true);
  }
  assert.deepEqual(world.registry.writes(), []);
  const again = await world.bake();
  assert.equal(kindsText(again), 'base unchanged, child unchanged');
  for (const build of ['base', 'child']) {
    const [was, is] = [baked.outcome(build), again.outcome(build)];
    assert.deepEqual(
      [is.digest, is.platforms, is.sizeBytes, is.key],
      [was.digest, was.platforms, was.sizeBytes, was.key],
    );
  }
});
