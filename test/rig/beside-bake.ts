/** What benchmarks share in which `docker buildx bake` works on an engine and with a registry of its own. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { type CommandOptions, type CommandResult, runCommand } from './command.ts';
import { realEngine } from './real-engine.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

const peer = process.env['BAKE_TS_BENCH_PEER_BUILDKIT'] ?? '';
const buildx = process.env['BUILDX'] ?? '';

/** Where a benchmark works. */
export interface BenchPlace {
  /** The repository. */
  readonly root: string;
  readonly options: CommandOptions;
  /** Runs bake on the file `docker-bake.json`; undefined: there is no buildx, or no second engine. */
  readonly bake: ((progress: string) => Promise<CommandResult>) | undefined;
}

/** Makes one; says where there is no peer. */
export async function makeBenchPlace(t: Cleanup, name: string): Promise<BenchPlace> {
  const root = await makeTempDir(t, `${name}-`);
  const home = await makeTempDir(t, `${name}-home-`);
  const env = {
    BAKE_TS_HOME: home,
    HOME: home,
    BUILDKIT_HOST: realEngine.address,
    BUILDX_CONFIG: path.join(home, 'buildx'),
    DOCKER_CONFIG: path.join(home, 'docker'),
    PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}`,
  };
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  const options = { cwd: root, env, timeoutMs: 1_800_000 };
  if (buildx === '' || peer === '') {
    say('BUILDX is not set: no peer');
    return { root, options, bake: undefined };
  }
  const created = ['create', '--name', 'bench', '--driver', 'remote', peer];
  succeeded(await runCommand([buildx, ...created], { env }), 'buildx create');
  const bake = (progress: string) => {
    const words = ['bake', '--builder', 'bench', `--progress=${progress}`, '--file', 'docker-bake.json'];
    return runCommand([buildx, ...words], options);
  };
  return { root, options, bake };
}

/** How long a program takes, in milliseconds; throws where it fails. */
export async function timed(
  run: () => Promise<CommandResult>,
  what: string,
): Promise<{ readonly result: CommandResult; readonly ms: number }> {
  const start = performance.now();
  const result = await run();
  const ms = performance.now() - start;
  succeeded(result, what);
  return { result, ms };
}

function succeeded(result: CommandResult, what: string): void {
  if (result.exitCode === 0) return;
  throw new Error(`${what} failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
}

/** Milliseconds as seconds, for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A line of the benchmark. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
