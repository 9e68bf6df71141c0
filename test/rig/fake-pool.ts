/** Several fake engines as a pool. */
import assert from 'node:assert/strict';
import { fail, ok, problem } from '../../lib/model/mod.ts';
import type { EngineAccess, PoolAccess } from '../../lib/run/mod.ts';
import { FakeEngine } from './fake-engine.ts';
import type { BakeIn, FakeWorld } from './fake-world.ts';

/** A pool, its engines by their names: `tcp://NAME:1`. */
export interface FakePool {
  readonly engines: ReadonlyMap<string, FakeEngine>;
  readonly of: (name: string) => FakeEngine;
  readonly access: EngineAccess;
  /** What `BUILDKIT_HOST` says. */
  readonly hosts: string;
  readonly bake: (world: FakeWorld, options?: BakeIn) => ReturnType<FakeWorld['bake']>;
}

/** Makes a pool. @param platforms of each engine */
export function makeFakePool(platforms: Readonly<Record<string, string>>): FakePool {
  const engines = new Map(
    Object.entries(platforms).map(([name, platform]) => [name, new FakeEngine(platform)]),
  );
  const at = (address: string): FakeEngine => {
    const found = engines.get(nameOf(address));
    assert(found !== undefined, address);
    return found;
  };
  const pool: PoolAccess = {
    findBuildctl: async () => ok('/fake/buildctl'),
    list: async (entries) => ({
      members: entries.map(({ address = '', jobs = 4, labels }) => ({
        id: address,
        address,
        platforms: [],
        jobs,
        labels,
      })),
      problems: [],
    }),
    ask: async ({ address }) => {
      const engine = at(address);
      if (engine.isDown)
        return fail([
          problem('engine/unreachable', `there is no buildkitd at ${address}`, { temporary: true }),
        ]);
      return ok({
        version: 'v0.0.0',
        platforms: [engine.platform],
        worker: { platforms: [engine.platform] },
      });
    },
  };
  const access: EngineAccess = {
    find: async () => fail([problem('engine/several', 'a pool is named')]),
    listImages: async () => undefined,
    run: (call) => {
      const address = call.argv[call.argv.indexOf('--addr') + 1] ?? '';
      return at(address).run(call);
    },
    pool,
  };
  const hosts = [...engines.keys()].map((name) => `tcp://${name}:1`).join(' ');
  return {
    engines,
    of: (name) => at(`tcp://${name}:1`),
    access,
    hosts,
    bake: (world, options = {}) =>
      world.bake({ access, ...options, env: { BUILDKIT_HOST: hosts, ...options.env } }),
  };
}

function nameOf(address: string): string {
  return address.replace(/^tcp:\/\/|:1$/g, '');
}
