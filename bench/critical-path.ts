/**
 * A base whose push takes long, and children whose steps take long: bake-ts, and `docker buildx bake` on an engine and a
 * registry of its own. Both registries are behind an uplink of the same speed.
 *
 * Goal: at most 1.1 times bake's time.
 *
 * Environment: BAKE_TS_TEST_BUILDKIT and BAKE_TS_BENCH_PEER_BUILDKIT (two equal engines, which `npm run bench` starts),
 * BAKE_TS_TEST_ENGINE_BIN (directory with `registry` and `buildctl`), BUILDX (a buildx binary; without it only we are
 * measured), BAKE_TS_BENCH_MB (random data in the base; default 1000), BAKE_TS_BENCH_MB_A_SECOND (the uplink; default 20),
 * BAKE_TS_BENCH_SECONDS (how long the step of each child takes; default 20).
 */
import { randomFillSync } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { makeBenchPlace, say, seconds, timed } from '../test/rig/beside-bake.ts';
import { findBusybox } from '../test/rig/busybox.ts';
import { runBakeTs } from '../test/rig/command.ts';
import { realEngine, startTestRegistry } from '../test/rig/real-engine.ts';
import { startSlowRelay } from '../test/rig/relays.ts';
import { type Cleanup, writeTree } from '../test/rig/temp.ts';

const GOAL = 1.1;
const MB = 1_000_000;

const megabytes = Number(process.env['BAKE_TS_BENCH_MB'] ?? '1000');
const uplink = Number(process.env['BAKE_TS_BENCH_MB_A_SECOND'] ?? '20');
const sleep = Number(process.env['BAKE_TS_BENCH_SECONDS'] ?? '20');

const CHILDREN = ['a', 'b', 'c', 'd', 'e'];

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };

try {
  if (realEngine.skip !== false) say('No engines: run `npm run bench critical-path`');
  else await measure();
} finally {
  for (const clean of cleanups) await clean();
}

async function measure(): Promise<void> {
  const { root, options, bake } = await makeBenchPlace(cleanup, 'critical-path');
  const own = await startTestRegistry(cleanup);
  const theirs = await startTestRegistry(cleanup);
  const ownHost = await startSlowRelay(cleanup, own.host, uplink * MB);
  const theirHost = await startSlowRelay(cleanup, theirs.host, uplink * MB);
  const busybox = await readFile(await findBusybox(cleanup));
  await writeTree(root, {
    ...treeOf(ownHost, theirHost),
    'base/busybox': { content: busybox, mode: 0o755 },
  });
  await writeRandom(path.join(root, 'base/data'), megabytes);
  say(`a base of ${megabytes} MB, five children of ${sleep} s each, an uplink of ${uplink} MB/s`);
  const ours = await timed(() => runBakeTs(['run', '--progress=plain'], options), 'bake-ts run');
  say(`bake-ts ${seconds(ours.ms)}`);
  if (bake === undefined) return;
  const peer = await timed(() => bake('plain'), 'buildx bake');
  const ratio = ours.ms / peer.ms;
  const goal = `goal ≤ ${GOAL}: ${ratio <= GOAL ? 'met' : 'NOT met'}`;
  say(`docker buildx bake ${seconds(peer.ms)}: ${ratio.toFixed(2)} × (${goal})`);
}

function treeOf(own: string, theirs: string) {
  const base = [
    'FROM scratch',
    'COPY busybox /bin/',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
    'COPY data /data',
  ];
  const childOf = (name: string) => ['FROM base', `RUN sleep ${sleep}; echo ${name} > /${name}`];
  const images = ['base', ...CHILDREN];
  const contextsOf = (name: string, scheme: string) =>
    name === 'base' ? {} : { contexts: { base: `${scheme}:base` } };
  const builds = images.map((name) => [
    name,
    { context: name, tags: [`${own}/${name}:1`], push: true, ...contextsOf(name, 'build') },
  ]);
  const targets = images.map((name) => [
    name,
    {
      context: name,
      tags: [`${theirs}/${name}:1`],
      output: ['type=registry'],
      attest: ['type=provenance,disabled=true'],
      ...contextsOf(name, 'target'),
    },
  ]);
  return {
    ...Object.fromEntries(
      images.map((name) => [
        `${name}/Dockerfile`,
        `${(name === 'base' ? base : childOf(name)).join('\n')}\n`,
      ]),
    ),
    'builds.yaml': JSON.stringify({ builds: Object.fromEntries(builds) }),
    'docker-bake.json': JSON.stringify({
      group: { default: { targets: images } },
      target: Object.fromEntries(targets),
    }),
  };
}

async function writeRandom(file: string, size: number): Promise<void> {
  const handle = await open(file, 'w');
  const block = new Uint8Array(MB);
  for (let at = 0; at < size; at++) await handle.write(randomFillSync(block));
  await handle.close();
}
