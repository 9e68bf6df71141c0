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
/** Three builds for each engine, which has such a label: as many as it takes to call one slow. */
const PLACES = ['far', 'lossy', 'near'] as const;
const NAMES = PLACES.flatMap((place) => [`${place}-1`, `${place}-2`, `${place}-3`]);

/** Builds that read a base which nobody pushes, and have a step of a second. */
function makeTree(
  { settings, registry, engines }: TestPool,
  busybox: Uint8Array,
  version: string,
  more: readonly string[] = [],
): Record<string, TreeEntry> {
  const entries = engines.map(({ address }, at) => `{ address: "${address}", labels: [${PLACES[at]}] }`);
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
      ...more,
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

test('engines that are far away, lose packets or do not answer for seconds cost time and no build', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const pool = await startPool(t);
  const [far, lossy, near] = pool.engines;
  assert(far !== undefined && lossy !== undefined && near !== undefined);
  const busybox = await readFile(await findBusybox(t));
  const mark = randomBytes(8).toString('hex');
  const work = await makeWorkspace(t, makeTree(pool, busybox, `${mark} 1`), {
    BUILDKIT_HOST: '',
  });
  // So that it is known what each takes.
  const fair = await work.bake();
  assertOk(fair);
  assert.deepEqual(warningsOf(fair), []);

  const calm = await far.machine.wire({ delayMs: 200, jitterMs: 50 });
  await lossy.machine.wire({ lossPercent: 3 });
  await work.write(makeTree(pool, busybox, `${mark} 2`));
  const begun = Date.now();
  const baked = await work.bake();
  t.diagnostic(`with wires: ${Date.now() - begun} ms; ${warningsOf(baked)}`);
  assertOk(baked);
  assert.deepEqual(
    baked.events.filter(({ type }) => type === 'retry' || type === 'engine-aside'),
    [],
  );
  const slow = warningsOf(baked);
  assert.match(slow.join('\n'), new RegExp(`^builds on ${far.address} take [\\d.]+ times as long`, 'm'));
  assert.ok(!slow.join('\n').includes(near.address), slow.join('\n'));
  const counts = await Promise.all([
    far.machine.wire({ delayMs: 200, jitterMs: 50 }),
    lossy.machine.wire({ lossPercent: 3 }),
  ]);
  assert.ok(counts[0].forwarded > calm.forwarded && counts[0].lost === 0, JSON.stringify(counts));
  assert.ok(counts[1].lost > 0, JSON.stringify(counts));
  for (const name of NAMES)
    assert.equal(await digestOf(`${pool.registry.host}/${name}:1`), baked.outcome(name).digest, name);

  // Every step once more, and only the wires are good ones.
  await Promise.all([far.machine.wire(), lossy.machine.wire()]);
  await work.write(makeTree(pool, busybox, `${mark} 2`, ['no-cache: true']));
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(digestsOf(again), digestsOf(baked));

  await work.write(makeTree(pool, busybox, `${mark} 3`));
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
