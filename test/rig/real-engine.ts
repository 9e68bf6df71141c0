/**
 * The real engine that `.ci/test.mjs` starts and hands to the tests through the environment. Tests that need it say
 * so with `{ skip: realEngine.skip }`: a reason in words where there is none, and a skipped test in the totals.
 * (`t.skip()` inside a test counts as passed under Deno, so it is not used.)
 */
import process from 'node:process';
import { type RegistryOptions, type RunningRegistry, startRegistry } from './registry.ts';
import type { Cleanup } from './temp.ts';

/** Binaries and the address of a running buildkitd. */
export interface RealEngine {
  /** Directory with buildctl, buildkitd, containerd, containerd-shim-runc-v2, ctr, runc and registry. */
  readonly binDir: string;
  /** Address of a buildkitd that runs. */
  readonly address: string;
  /** containerd's socket behind it (namespace `buildkit`), for an independent look with ctr. */
  readonly containerdSocket: string;
  /** False where there is an engine, else why the test is skipped. */
  readonly skip: false | string;
}

/** The engine of this test run. */
export const realEngine: RealEngine = readRealEngine();

function readRealEngine(): RealEngine {
  const binDir = process.env['BAKE_TS_TEST_ENGINE_BIN'] ?? '';
  const address = process.env['BAKE_TS_TEST_BUILDKIT'] ?? '';
  const containerdSocket = process.env['BAKE_TS_TEST_CONTAINERD'] ?? '';
  const there = binDir !== '' && address !== '';
  return { binDir, address, containerdSocket, skip: there ? false : 'no engine: npm test starts one' };
}

/** A registry with a log of who asked it for what: `METHOD PATH` of each request. */
export type TestRegistry = RunningRegistry;

/** Starts a registry on a free port, with storage of its own, until the test is over; default: the engine's. */
export async function startTestRegistry(t: Cleanup, options: RegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startRegistry(t, options);
  const withoutStatus = (lines: readonly string[]) => lines.map((line) => line.replace(/ \d+$/, ''));
  return {
    ...registry,
    requests: async () => withoutStatus(await registry.requests()),
    writes: async () => withoutStatus(await registry.writes()),
  };
}
