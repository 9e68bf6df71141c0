/**
 * What keeping a run costs: runs that are kept and runs that are not (`BAKE_TS_KEEP_RUNS=0`), in turns, on one engine and registry.
 *
 * Goals: less than 3 % of a run in which 200 builds are built, and 40 builds that are unchanged take at most 1.05 times as long.
 *
 * Environment: BAKE_TS_BENCH_BUILDKIT (address of a buildkitd; else BAKE_TS_TEST_BUILDKIT, else BUILDKIT_HOST),
 * BAKE_TS_TEST_ENGINE_BIN (directory with `registry` and `buildctl`), BAKE_TS_BENCH_RUNS (pairs of unchanged runs; default 15).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { listRuns, RunRecorder, readEvents, runsDirectory } from '../lib/history/mod.ts';
import type { BakeEvent } from '../lib/model/mod.ts';
import { runBakeTs, runCommand } from '../test/rig/command.ts';
import { generateRepository } from '../test/rig/generated-repository.ts';
import { startTestRegistry } from '../test/rig/real-engine.ts';
import { type Cleanup, writeTree } from '../test/rig/temp.ts';

const address =
  process.env['BAKE_TS_BENCH_BUILDKIT'] ??
  process.env['BAKE_TS_TEST_BUILDKIT'] ??
  process.env['BUILDKIT_HOST'] ??
  '';
const pairs = Number(process.env['BAKE_TS_BENCH_RUNS'] ?? '15');

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };

try {
  if (address === '') say('No buildkitd: set BUILDKIT_HOST, or run `npm run bench`, to measure kept runs');
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
    DOCKER_CONFIG: path.join(dir, 'docker'),
    PATH: `${process.env['BAKE_TS_TEST_ENGINE_BIN'] ?? ''}:${process.env['PATH'] ?? ''}`,
  };
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  const prepare = async (count: number) => {
    const root = path.join(dir, `flat-${count}`);
    await writeTree(root, generateRepository('flat', count, registry.host).tree);
    const time = async (keep: string, ...args: readonly string[]) => {
      const start = performance.now();
      const options = { cwd: root, env: { ...env, BAKE_TS_KEEP_RUNS: keep }, timeoutMs: 600_000 };
      const { exitCode, stderr } = await runBakeTs(['run', ...args], options);
      if (exitCode !== 0) throw new Error(`bake-ts run failed (${exitCode}):\n${stderr}`);
      return performance.now() - start;
    };
    const git = async (...argv: readonly string[]) => {
      const { exitCode, stderr } = await runCommand(['git', ...argv], { cwd: root, env });
      if (exitCode !== 0) throw new Error(stderr);
    };
    await git('init', '--quiet');
    await git('add', '.');
    await git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message=all');
    await time('0');
    return { root, time };
  };

  const many = await prepare(200);
  const runMs = await many.time('20', '--force');
  const [run] = await listRuns(runsDirectory(env, many.root));
  if (run === undefined) throw new Error('the run was not kept');
  const events: BakeEvent[] = [];
  for await (const event of readEvents(run)) events.push(event);
  const cost: number[] = [];
  for (let time = 0; time < 9; time++) cost.push(await replay(events, path.join(dir, 'replayed', `${time}`)));
  judge(
    `200 builds, all built: ${runMs.toFixed(0)} ms; keeping ${events.length} events and the logs took ${median(cost).toFixed(1)} ms of it`,
    median(cost) / runMs,
    0.03,
  );

  const few = await prepare(40);
  const [kept, not]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < pairs; pair++) {
    // Each of them first in half of the pairs, since a machine gets warmer.
    if (pair % 2 === 0) not.push(await few.time('0'));
    kept.push(await few.time('20'));
    if (pair % 2 === 1) not.push(await few.time('0'));
  }
  judge(
    `40 builds, unchanged, the fastest of ${pairs}: kept ${Math.min(...kept).toFixed(0)} ms, not kept ${Math.min(...not).toFixed(0)} ms`,
    Math.min(...kept) / Math.min(...not),
    1.05,
  );
}

/** Keeps the events once more, as fast as it goes; gives the milliseconds in which nothing else could be done. */
async function replay(events: readonly BakeEvent[], home: string): Promise<number> {
  const recorder = new RunRecorder({ env: { BAKE_TS_HOME: home, PATH: '/nowhere' }, root: home });
  const start = performance.now();
  for (const event of events) recorder.onEvent(event);
  recorder.flush();
  const took = performance.now() - start;
  await recorder.close();
  return took;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function judge(title: string, ratio: number, goal: number): void {
  say(`${title}: ${ratio.toFixed(3)} × (goal ≤ ${goal}: ${ratio <= goal ? 'met' : 'NOT met'})`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
