/** An embedded engine of a test's own, below a home of its own, gone after the test. Needs root. */
import assert from 'node:assert/strict';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {
  downEngine,
  ENGINE_PARTS,
  installEngine,
  type RunningEngine,
  upEngine,
} from '../../lib/engine/mod.ts';
import { type CommandOptions, type CommandResult, DENO_CACHE, runBakeTs, runCommand } from './command.ts';
import { realEngine } from './real-engine.ts';
import { type Cleanup, removeTree } from './temp.ts';

/** Where a test works with an engine of its own. */
export interface OwnEngine {
  /** What `BAKE_TS_HOME` says. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts it, or finds it running. */
  readonly up: () => Promise<RunningEngine>;
  /** Names in its store, asked of its containerd without our code. */
  readonly images: () => Promise<readonly string[]>;
  /** Runs bake-ts as a process of this runtime. */
  readonly run: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
}

/**
 * Installs one, from the programs of the test run; it is not started.
 *
 * @param home where everything of it lies; default: a directory of its own
 * @param first a directory whose programs are taken before those of the test run
 */
export async function makeOwnEngine(t: Cleanup, home?: string, first?: string): Promise<OwnEngine> {
  const dir = home ?? (await realpath(await mkdtemp(path.join(tmpdir(), 'engine-'))));
  const env: Record<string, string> = {
    PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}`,
    HOME: dir,
    BAKE_TS_HOME: dir,
    DOCKER_CONFIG: path.join(dir, 'docker'),
    ...DENO_CACHE,
  };
  t.after(async () => {
    const down = await downEngine({ env });
    if (home === undefined) await removeTree(dir);
    assert(down.ok, JSON.stringify(down));
  });
  const searched = first === undefined ? env : { ...env, PATH: `${first}:${env['PATH']}` };
  const installed = await installEngine({ env: searched, from: 'path', parts: ENGINE_PARTS });
  assert(installed.ok, JSON.stringify(installed));
  // By its address rather than by looking, since the machine may have an engine of its own.
  const address = `unix://${path.join(dir, 'engine-state/run/buildkitd.sock')}`;
  return {
    home: dir,
    env,
    async up() {
      const running = await upEngine({ env });
      assert(running.ok, JSON.stringify(running));
      assert.equal(running.value.address, address);
      return running.value;
    },
    async images() {
      const socket = path.join(dir, 'engine-state/run/containerd.sock');
      const ctr = path.join(realEngine.binDir, 'ctr');
      const listed = await runCommand([
        ctr,
        '--address',
        socket,
        '--namespace',
        'buildkit',
        'images',
        'ls',
        '-q',
      ]);
      assert.equal(listed.exitCode, 0, listed.stderr);
      return listed.stdout
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    },
    run: (args, options = {}) =>
      runBakeTs(args, { ...options, env: { ...env, BUILDKIT_HOST: address, ...options.env } }),
  };
}
