/**
 * How long a run takes in which nothing has changed: bake-ts, and `docker buildx bake` on the same daemon and registry.
 *
 * Goals: 40 images side by side in at most a tenth of bake's time, a chain of 49 in at most a fiftieth.
 *
 * Environment: BAKE_TS_BENCH_BUILDKIT (address of a buildkitd; else BAKE_TS_TEST_BUILDKIT, else BUILDKIT_HOST),
 * BAKE_TS_TEST_ENGINE_BIN (directory with `registry` and `buildctl`), BUILDX (a buildx binary; without it only we are
 * measured), BAKE_TS_BENCH_RUNS (default 7).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { type CommandResult, runBakeTs, runCommand } from '../test/rig/command.ts';
import { generateRepository, type Shape } from '../test/rig/generated-repository.ts';
import { startTestRegistry } from '../test/rig/real-engine.ts';
import { type Cleanup, writeTree } from '../test/rig/temp.ts';

const address =
  process.env['BAKE_TS_BENCH_BUILDKIT'] ??
  process.env['BAKE_TS_TEST_BUILDKIT'] ??
  process.env['BUILDKIT_HOST'] ??
  '';
const buildx = process.env['BUILDX'] ?? '';
const runs = Number(process.env['BAKE_TS_BENCH_RUNS'] ?? '7');
const CASES: readonly { readonly shape: Shape; readonly count: number; readonly goal: number }[] = [
  { shape: 'flat', count: 40, goal: 0.1 },
  { shape: 'chain', count: 49, goal: 0.02 },
  { shape: 'levels', count: 49, goal: 0.1 },
];

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };

try {
  if (address === '')
    say('No buildkitd: set BUILDKIT_HOST, or run `npm run bench`, to measure unchanged runs');
  else await measureAll();
} finally {
  for (const clean of cleanups) await clean();
}

async function measureAll(): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), 'bake-ts-bench-'));
  cleanup.after(() => rm(dir, { recursive: true, force: true }));
  const registry = await startTestRegistry(cleanup);
  const env = {
    BAKE_TS_HOME: path.join(dir, 'home'),
    HOME: dir,
    BUILDKIT_HOST: address,
    BUILDX_CONFIG: path.join(dir, 'buildx'),
    DOCKER_CONFIG: path.join(dir, 'docker'),
    PATH: `${process.env['BAKE_TS_TEST_ENGINE_BIN'] ?? ''}:${process.env['PATH'] ?? ''}`,
  };
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  if (buildx !== '') {
    const created = ['create', '--name', 'bench', '--driver', 'remote', address];
    succeeded(await runCommand([buildx, ...created], { env }), 'buildx create');
  }
  for (const { shape, count, goal } of CASES) {
    const repository = generateRepository(shape, count, registry.host);
    const root = path.join(dir, `${shape}-${count}`);
    await writeTree(root, { ...repository.tree, 'docker-bake.json': repository.bakeFile });
    const options = { cwd: root, env, timeoutMs: 600_000 };
    const ours = () => runBakeTs(['run'], options);
    const theirs = () =>
      runCommand([buildx, 'bake', '--builder', 'bench', '--file', 'docker-bake.json'], options);
    succeeded(await ours(), 'bake-ts run');
    await registry.forget();
    const mine = await measure(ours, 'bake-ts run', runs);
    const writes = (await registry.writes()).length;
    const title = `${count} images, ${shape}, unchanged`;
    if (writes > 0) throw new Error(`${title}: ${writes} writes to the registry`);
    if (buildx === '') {
      say(`${title}: bake-ts ${mine.toFixed(0)} ms (BUILDX is not set: no peer)`);
      continue;
    }
    succeeded(await theirs(), 'buildx bake');
    const bake = await measure(theirs, 'buildx bake', 3);
    const ratio = mine / bake;
    say(
      `${title}: bake-ts ${mine.toFixed(0)} ms, docker buildx bake ${bake.toFixed(0)} ms: ` +
        `${ratio.toFixed(3)} × (goal ≤ ${goal}: ${ratio <= goal ? 'met' : 'NOT met'})`,
    );
  }
}

/** Median of several runs, in milliseconds. */
async function measure(run: () => Promise<CommandResult>, what: string, times: number): Promise<number> {
  const durations: number[] = [];
  for (let time = 0; time < times; time++) {
    const start = performance.now();
    succeeded(await run(), what);
    durations.push(performance.now() - start);
  }
  durations.sort((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)] ?? 0;
}

function succeeded(result: CommandResult, what: string): void {
  if (result.exitCode === 0) return;
  throw new Error(`${what} failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
