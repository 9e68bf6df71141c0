/**
 * What more engines bring where steps need the processor: 60 cold builds of equal work on one engine, then on three, each of them (the engine
 * and the steps that it runs) held to half a processor. Whole processors would take a machine with four of them. Goal: at least 2.2 times
 * as fast.
 *
 * Environment: BAKE_TS_TEST_BUILDKIT and BAKE_TS_TEST_ENGINE_BIN, as for the tests. Needs root on Linux, iproute2, and control groups of version 1.
 */
import { randomBytes } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { findBusybox } from '../test/rig/busybox.ts';
import { runBakeTs } from '../test/rig/command.ts';
import { type PoolEngine, poolSkip, startPool } from '../test/rig/pool.ts';
import { realEngine } from '../test/rig/real-engine.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from '../test/rig/temp.ts';

const BUILDS = 60;
const ENGINES = 3;
/** Of a processor, for each engine. */
const SHARE = 0.5;
const GOAL = 2.2;
/** What `sha256sum` reads in each step: about a second of a processor. */
const MEGABYTES = Number(process.env['BAKE_TS_BENCH_MEGABYTES'] ?? '150');
const GROUPS = '/sys/fs/cgroup/cpu';
const PERIOD_US = 100_000;

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };

try {
  const hasGroups = await access(`${GROUPS}/cpu.cfs_quota_us`).then(
    () => true,
    () => false,
  );
  if (poolSkip !== false) say(`No pool: ${poolSkip}`);
  else if (!hasGroups) say('No control groups of version 1: nothing holds an engine to half a processor');
  else await measureAll();
} finally {
  for (const clean of cleanups) await clean();
}

async function measureAll(): Promise<void> {
  const [load = 0] = loadavg();
  say(`${availableParallelism()} processors, load before ${load.toFixed(1)}`);
  const pool = await startPool(cleanup, { engines: ENGINES });
  for (const engine of pool.engines) await hold(engine);
  const busybox = await readFile(await findBusybox(cleanup));
  const dir = await makeTempDir(cleanup, 'pool-cpu-');
  const one = pool.engines[0]?.address ?? '';
  const took = async (what: string, addresses: string): Promise<number> => {
    const root = path.join(dir, what);
    const entries = pool.settings.replace(/pool: \[.*\]/, `pool: [${addresses}]`);
    await writeTree(root, repository(entries, pool.registry.host, busybox));
    const home = path.join(root, 'home');
    await mkdir(home);
    const env = {
      HOME: home,
      BAKE_TS_HOME: home,
      DOCKER_CONFIG: home,
      BUILDKIT_HOST: '',
      BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
    };
    const begun = Date.now();
    const done = await runBakeTs(['run', '--progress=quiet'], { cwd: root, env, timeoutMs: 1_800_000 });
    const ms = Date.now() - begun;
    if (done.exitCode !== 0)
      throw new Error(`${what} failed (${done.exitCode}):\n${done.stdout}${done.stderr}`);
    say(`${what}: ${BUILDS} cold builds in ${(ms / 1_000).toFixed(1)} s`);
    return ms;
  };
  const all = pool.engines.map(({ address }) => address).join(', ');
  const alone = await took('one engine', one);
  const together = await took('three engines', all);
  const times = alone / together;
  say(
    `${times.toFixed(2)} × as fast with ${ENGINES} engines of ${SHARE} processors as with one ` +
      `(goal ≥ ${GOAL}: ${times >= GOAL ? 'met' : 'NOT met'})`,
  );
}

/** Builds that share no step, each with one that keeps a processor busy. */
function repository(settings: string, registry: string, busybox: Uint8Array): Record<string, TreeEntry> {
  const mark = randomBytes(8).toString('hex');
  const tree: Record<string, TreeEntry> = {};
  const builds = Array.from({ length: BUILDS }, (_, at) => {
    const name = `b${at}`;
    tree[`${name}/busybox`] = { content: busybox, mode: 0o755 };
    tree[`${name}/Dockerfile`] =
      `FROM scratch\nENV MARK=${mark}-${at}\nCOPY busybox /busybox\n` +
      `RUN ["/busybox", "sh", "-c", "/busybox dd if=/dev/zero bs=1M count=${MEGABYTES} 2>/dev/null | /busybox sha256sum > /sum"]\n`;
    return `  ${name}: { context: ${name}, tags: ["${registry}/${name}:1"], push: true }\n`;
  });
  tree['builds.yaml'] = `${settings}builds:\n${builds.join('')}`;
  return tree;
}

/** An engine and its steps get so much of the processors; its steps are in a group below that of its machine already. */
async function hold({ machine }: PoolEngine): Promise<void> {
  const group = path.join(GROUPS, machine.name);
  await mkdir(group, { recursive: true });
  await writeFile(path.join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
  await writeFile(path.join(group, 'cpu.cfs_quota_us'), String(PERIOD_US * SHARE));
  // What else the machine does is to count for little.
  await writeFile(path.join(group, 'cpu.shares'), '16384');
  for (const pid of machine.pids()) await writeFile(path.join(group, 'cgroup.procs'), String(pid));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
