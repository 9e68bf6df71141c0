/** Runs on a pool whose engines are far away, lose packets, or do not answer for some seconds. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { poolSkip, startPool, type TestPool } from '../rig/pool.ts';
import { digestOf } from '../rig/puller.ts';
import type { TreeEntry } from '../rig/temp.ts';
import { wireSkip } from '../rig/wire.ts';
import { assertOk, type Baked, makeWorkspace } from './support.ts';

const skip = poolSkip === false ? wireSkip : poolSkip;
/** Labels of the engines. */
const PLACES = ['far', 'lossy', 'near'];
/** Each for the engine that it is named after; as many as it takes to call one slow. */
const NAMES = ['far-1', 'far-2', 'far-3', 'lossy-1', 'lossy-2', 'near-1', 'near-2'];

/** Builds that read a base which nobody pushes, and have a step of a second. */
function makeTree(
  { settings, registry, engines }: TestPool,
  busybox: Uint8Array,
  { version, places = PLACES }: { readonly version: string; readonly places?: readonly string[] },
): Record<string, TreeEntry> {
  const entries = engines.map(({ address }, at) => `{ address: "${address}", labels: [${places[at]}] }`);
  const tree: Record<string, TreeEntry> = {
    'base/Dockerfile': 'FROM scratch\nCOPY busybox /busybox\n',
    'base/busybox': { content: busybox, mode: 0o755 },
  };
  const builds = NAMES.map((name) => {
    tree[`${name}/Dockerfile`] =
      'FROM base\nCOPY file /file\nRUN ["/busybox", "sh", "-c", "/busybox sleep 1; /busybox cat /file > /made"]\n';
    tree[`${name}/file`] = `${name} ${version}`;
    const words = [
      `context: ${name}`,
      'contexts: { base: "build:base" }',
      `engine: { labels: [${name.replace(/-\d$/, '')}] }`,
      'reproducible: true',
      `tags: ["${registry.host}/${name}:1"]`,
      'push: true',
    ];
    return `  ${name}: { ${words.join(', ')} }\n`;
  });
  tree['builds.yaml'] =
    `${settings.replace(/pool: \[.*\]/, `pool: [${entries.join(', ')}]`)}builds:\n  base: { context: base, reproducible: true }\n${builds.join('')}`;
  return tree;
}

function digestsOf(baked: Baked): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(baked.summary.outcomes.map(({ build, digest }) => [build, digest]));
}

function warningsOf(baked: Baked): readonly string[] {
  return baked.events.flatMap((event) =>
    event.type === 'warning' && event.problem.code === 'engine/slow' ? [event.problem.message] : [],
  );
}

/** How many times as long as before the builds of the far engine took, compared with the others. */
function howMuchSlower(now: Baked, before: Baked): number {
  const ratio = (name: string) =>
    now.outcome(name).durationMs / Math.max(1, before.outcome(name).durationMs);
  const median = (names: readonly string[]) =>
    names.map(ratio).sort((one, other) => one - other)[Math.floor(names.length / 2)] ?? 1;
  const isFar = (name: string) => name.startsWith('far');
  return median(NAMES.filter(isFar)) / median(NAMES.filter((name) => !isFar(name)));
}

test('engines that are far away, lose packets or do not answer for seconds cost time and no build', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const pool = await startPool(t);
  const [far, lossy, near] = pool.engines;
  assert(far !== undefined && lossy !== undefined && near !== undefined);
  const busybox = await readFile(await findBusybox(t));
  const mark = randomBytes(8).toString('hex');
  const work = await makeWorkspace(t, makeTree(pool, busybox, { version: `${mark} 1` }), { BUILDKIT_HOST: '' });
  // So that it is known what each takes.
  const fair = await work.bake();
  assertOk(fair);
  assert.deepEqual(warningsOf(fair), []);

  const calm = await far.machine.wire({ delayMs: 200, jitterMs: 50 });
  await lossy.machine.wire({ lossPercent: 3 });
  await work.write(makeTree(pool, busybox, { version: `${mark} 2` }));
  const begun = Date.now();
  const baked = await work.bake();
  t.diagnostic(`with wires: ${Date.now() - begun} ms; ${warningsOf(baked)}`);
  assertOk(baked);
  assert.deepEqual(
    baked.events.filter(({ type }) => type === 'retry' || type === 'engine-aside'),
    [],
  );
  const slow = warningsOf(baked);
  for (const one of slow)
    assert.match(one, new RegExp(`^builds on ${far.address} take [\\d.]+ times as long`));
  // On a busy machine all builds are slow, and a way of a second adds little. From three times on it is said; waits for slots count there.
  const factor = howMuchSlower(baked, fair);
  t.diagnostic(`the far engine takes ${factor.toFixed(1)} times as long`);
  if (factor > 4) assert.equal(slow.length, 1);
  const counts = await Promise.all([far.machine.wire(), lossy.machine.wire()]);
  assert.ok(counts[0].forwarded > calm.forwarded && counts[0].lost === 0, JSON.stringify(counts));
  assert.ok(counts[1].lost > 0, JSON.stringify(counts));
  for (const name of NAMES)
    assert.equal(await digestOf(`${pool.registry.host}/${name}:1`), baked.outcome(name).digest, name);

  // With good wires, and each build by an engine that has not built it.
  const places = ['near', 'far', 'lossy'];
  await work.write(makeTree(pool, busybox, { version: `${mark} 2`, places }));
  const again = await work.bake({ force: true });
  assertOk(again);
  assert.deepEqual(digestsOf(again), digestsOf(baked));

  await work.write(makeTree(pool, busybox, { version: `${mark} 3` }));
  const labour: Promise<unknown>[] = [];
  const silence = async (): Promise<void> => {
    await far.machine.wire({ lossPercent: 100 });
    await sleep(6_000);
    await far.machine.wire();
  };
  const through = await work.bake({
    onEvent: (event: BakeEvent) => {
      if (labour.length > 0 || event.type !== 'vertex' || event.state !== 'running') return;
      if (/busybox sleep/.test(event.name) && event.build.startsWith('far')) labour.push(silence());
    },
  });
  await Promise.all(labour);
  assert.equal(labour.length, 1);
  assertOk(through);
  assert.deepEqual(
    through.events.filter(({ type }) => type === 'retry' || type === 'engine-aside'),
    [],
  );
});
