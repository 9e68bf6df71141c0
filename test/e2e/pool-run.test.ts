/** Runs on several real engines, each on a machine of its own: the same images as from one, and faults in the middle. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { type PoolEngine, poolSkip, startPool, type TestPool } from '../rig/pool.ts';
import { digestOf } from '../rig/puller.ts';
import type { TreeEntry } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace } from './support.ts';

const options = { skip: poolSkip, timeout: 240_000 };
/** Half a minute each. */
const slowSkip =
  poolSkip !== false || process.env['BAKE_TS_TEST_LONG'] !== undefined
    ? poolSkip
    : 'long: BAKE_TS_TEST_LONG=1 runs it';
const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'];

/** `base` and `tool`, which nobody pushes, and six builds that read both. */
function makeTree(settings: string, registry: string): Record<string, TreeEntry> {
  const tree: Record<string, TreeEntry> = {
    'base/Dockerfile': 'FROM scratch\nCOPY file /base\n',
    'base/file': 'base',
    'tool/Dockerfile': 'FROM scratch\nCOPY file /tool\n',
    'tool/file': 'tool',
  };
  const builds = NAMES.map((name) => {
    tree[`${name}/Dockerfile`] = 'FROM base\nCOPY --from=tool /tool /tool\nCOPY file /file\n';
    tree[`${name}/file`] = name;
    return `  ${name}: { context: ${name}, contexts: { base: "build:base", tool: "build:tool" }, args: { SOURCE_DATE_EPOCH: "0" }, tags: ["${registry}/${name}:1"], push: true }\n`;
  });
  tree['builds.yaml'] =
    `${settings}builds:\n  base: { context: base, args: { SOURCE_DATE_EPOCH: "0" } }\n  tool: { context: tool, args: { SOURCE_DATE_EPOCH: "0" } }\n${builds.join('')}`;
  return tree;
}

/** Build → engines that its calls ran on, in order. */
function ranOn({ events }: Baked): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const event of events) {
    if (event.type !== 'node-started') continue;
    found[event.build] = [...(found[event.build] ?? []), event.engine ?? 'none'];
  }
  return found;
}

function digestsOf(baked: Baked): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(baked.summary.outcomes.map(({ build, digest }) => [build, digest]));
}

const ALONE = (engine: PoolEngine | undefined) => ({ BUILDKIT_HOST: engine?.address ?? '' });

test(
  'three engines give the images that one gives, parents sent along or through a repository',
  options,
  async (t) => {
    const pool = await startPool(t);
    const { settings, registry, engines } = pool;
    const work = await makeWorkspace(t, makeTree(settings, registry.host), { BUILDKIT_HOST: '' });
    const baked = await work.bake();
    assertOk(baked);
    const used = new Set(Object.values(ranOn(baked)).flat());
    assert.ok(used.size > 1, [...used].join());
    // The same files, since their times count.
    const alone = await work.bake({ force: true, env: ALONE(engines[0]) });
    assertOk(alone);
    assert.deepEqual(digestsOf(baked), digestsOf(alone));
    const again = await work.bake();
    assert.deepEqual(new Set(Object.values(again.kinds)), new Set(['unchanged']));

    const scratch = settings.replace('engine:\n', `engine:\n  scratch: ${registry.host}/ci/scratch\n`);
    await work.write({ 'builds.yaml': makeTree(scratch, registry.host)['builds.yaml'] ?? '' });
    const shared = await work.bake({ force: true });
    assertOk(shared);
    assert.deepEqual(digestsOf(shared), digestsOf(alone));
    const argv = shared.events.flatMap((event) => (event.type === 'node-started' ? [event.argv] : []));
    assert.ok(!argv.flat().includes('--oci-layout'));
    await seeTwoPlatforms(t, pool);
  },
);

/** The index of two engines is that of one, byte for byte. */
async function seeTwoPlatforms(t: TestContext, { settings, registry, engines }: TestPool): Promise<void> {
  const [first, second, third] = engines;
  const apart = settings.replace(
    /pool: \[.*\]/,
    `pool: [{ address: "${first?.address}", platforms: [linux/amd64] }, { address: "${second?.address}", platforms: [linux/arm64] }]`,
  );
  const tree = {
    'builds.yaml': `${apart}builds:
  app:
    platforms: [linux/amd64, linux/arm64]
    args: { SOURCE_DATE_EPOCH: "0" }
    annotations: { "index:a": one, "manifest:b": two, "manifest[linux/arm64]:c": three, "index-descriptor:d": four }
    tags: ["${registry.host}/platforms:1"]
    push: true
`,
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY file-$TARGETARCH /file\n',
    'file-amd64': 'amd64',
    'file-arm64': 'arm64',
  };
  const work = await makeWorkspace(t, tree, { BUILDKIT_HOST: '' });
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual([...(ranOn(baked)['app'] ?? [])].sort(), [first?.address, second?.address].sort());
  const alone = await work.bake({ force: true, env: ALONE(third) });
  assertOk(alone);
  assert.equal(baked.outcome('app').digest, alone.outcome('app').digest);
  assert.equal(await digestOf(`${registry.host}/platforms:1`), baked.outcome('app').digest);
}

/** Builds that take a while, and that nothing is cached of. */
async function makeSlow(
  t: TestContext,
  { settings, registry }: TestPool,
): Promise<Record<string, TreeEntry>> {
  const busybox = await readFile(await findBusybox(t));
  const mark = randomBytes(8).toString('hex');
  const tree: Record<string, TreeEntry> = {};
  const builds = NAMES.map((name) => {
    tree[`${name}/busybox`] = { content: busybox, mode: 0o755 };
    tree[`${name}/Dockerfile`] =
      `FROM scratch\nENV MARK=${mark}-${name}\nCOPY busybox /busybox\nRUN ["/busybox", "sleep", "3"]\n`;
    return `  ${name}: { context: ${name}, tags: ["${registry.host}/slow-${name}:1"], push: true }\n`;
  });
  tree['builds.yaml'] = `${settings}builds:\n${builds.join('')}`;
  return tree;
}

/** Bakes, and does something to the engine on which the first step sleeps. */
async function bakeThrough(
  t: TestContext,
  pool: TestPool,
  act: (engine: PoolEngine) => Promise<void> | void,
): Promise<Baked> {
  const work = await makeWorkspace(t, await makeSlow(t, pool), { BUILDKIT_HOST: '' });
  const engineOf = new Map<string, string>();
  let acted = false;
  const baked = await work.bake({
    onEvent: (event: BakeEvent) => {
      if (event.type === 'node-started') engineOf.set(event.build, event.engine ?? '');
      if (acted || event.type !== 'vertex' || event.state !== 'running' || !/sleep/.test(event.name)) return;
      acted = true;
      const engine = pool.engines.find(({ address }) => address === engineOf.get(event.build));
      assert(engine !== undefined);
      void act(engine);
    },
  });
  assert.ok(acted);
  assertOk(baked);
  for (const name of NAMES)
    assert.equal(await digestOf(`${pool.registry.host}/slow-${name}:1`), baked.outcome(name).digest, name);
  return baked;
}

test('an engine that is killed in the middle costs its builds another one', options, async (t) => {
  const pool = await startPool(t);
  const baked = await bakeThrough(t, pool, (engine) => engine.kill());
  const aside = baked.events.filter(({ type }) => type === 'engine-aside');
  assert.equal(aside.length, 1);
  const moved = Object.values(ranOn(baked)).filter((engines) => engines.length > 1);
  assert.ok(moved.length > 0);
  for (const [from, to, ...more] of moved) {
    assert.notEqual(from, to);
    assert.deepEqual(more, []);
  }
});

test('one that stands still, one that is cut off', { ...options, skip: slowSkip }, async (t) => {
  const pool = await startPool(t);
  for (const act of ['stop', 'cutOff'] as const) {
    const baked = await bakeThrough(t, pool, (engine) =>
      act === 'stop' ? engine.stop() : engine.machine.cutOff(),
    );
    assert.equal(baked.events.filter(({ type }) => type === 'engine-aside').length, 1);
    for (const engine of pool.engines) {
      engine.cont();
      await engine.machine.reconnect();
    }
  }
});

test('one whose disk fills up', { ...options, skip: slowSkip }, async (t) => {
  const pool = await startPool(t, { diskBytes: 64 * 1024 * 1024 });
  const baked = await bakeThrough(t, pool, (engine) => engine.fill());
  const why = baked.events.flatMap((event) => (event.type === 'engine-aside' ? [event.why] : []));
  assert.ok(why.length <= 1, why.join());
});
