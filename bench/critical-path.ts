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
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { findBusybox } from '../test/rig/busybox.ts';
import { type CommandResult, runBakeTs, runCommand } from '../test/rig/command.ts';
import { realEngine, startTestRegistry } from '../test/rig/real-engine.ts';
import { startSlowRelay } from '../test/rig/relays.ts';
import { type Cleanup, makeTempDir, writeTree } from '../test/rig/temp.ts';

const GOAL = 1.1;
const MB = 1_000_000;

const peer = process.env['BAKE_TS_BENCH_PEER_BUILDKIT'] ?? '';
const buildx = process.env['BUILDX'] ?? '';
const megabytes = Number(process.env['BAKE_TS_BENCH_MB'] ?? '1000');
const uplink = Number(process.env['BAKE_TS_BENCH_MB_A_SECOND'] ?? '20');
const seconds = Number(process.env['BAKE_TS_BENCH_SECONDS'] ?? '20');

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
  const root = await makeTempDir(cleanup, 'critical-path-');
  const home = await makeTempDir(cleanup, 'critical-path-home-');
  const own = await startTestRegistry(cleanup);
  const theirs = await startTestRegistry(cleanup);
  const ownHost = await startSlowRelay(cleanup, own.host, uplink * MB);
  const theirHost = await startSlowRelay(cleanup, theirs.host, uplink * MB);
  const env = {
    BAKE_TS_HOME: home,
    HOME: home,
    BUILDKIT_HOST: realEngine.address,
    BUILDX_CONFIG: path.join(home, 'buildx'),
    DOCKER_CONFIG: path.join(home, 'docker'),
    PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}`,
  };
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  const busybox = await readFile(await findBusybox(cleanup));
  await writeTree(root, {
    ...treeOf(ownHost, theirHost),
    'base/busybox': { content: busybox, mode: 0o755 },
  });
  await writeRandom(path.join(root, 'base/data'), megabytes);
  say(`a base of ${megabytes} MB, five children of ${seconds} s each, an uplink of ${uplink} MB/s`);
  const options = { cwd: root, env, timeoutMs: 1_800_000 };
  const ours = await timed(() => runBakeTs(['run', '--progress=plain'], options), 'bake-ts run');
  say(`bake-ts ${format(ours)}`);
  if (buildx === '' || peer === '') {
    say('BUILDX is not set: no peer');
    return;
  }
  const created = ['create', '--name', 'bench', '--driver', 'remote', peer];
  succeeded(await runCommand([buildx, ...created], { env }), 'buildx create');
  const arguments_ = ['bake', '--builder', 'bench', '--progress=plain', '--file', 'docker-bake.json'];
  const bake = await timed(() => runCommand([buildx, ...arguments_], options), 'buildx bake');
  const ratio = ours / bake;
  say(
    `docker buildx bake ${format(bake)}: ${ratio.toFixed(2)} × (goal ≤ ${GOAL}: ${ratio <= GOAL ? 'met' : 'NOT met'})`,
  );
}

function treeOf(own: string, theirs: string) {
  const base = [
    'FROM scratch',
    'COPY busybox /bin/',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
    'COPY data /data',
  ];
  const childOf = (name: string) => ['FROM base', `RUN sleep ${seconds}; echo ${name} > /${name}`];
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

async function timed(run: () => Promise<CommandResult>, what: string): Promise<number> {
  const start = performance.now();
  const result = await run();
  const ms = performance.now() - start;
  succeeded(result, what);
  return ms;
}

function format(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function succeeded(result: CommandResult, what: string): void {
  if (result.exitCode === 0) return;
  throw new Error(`${what} failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
