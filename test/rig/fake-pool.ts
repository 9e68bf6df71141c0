/** Several fake engines as a pool. */
import assert from 'node:assert/strict';
import { registriesHint } from '../../lib/engine/mod.ts';
import { fail, ok, type Problem, problem } from '../../lib/model/mod.ts';
import type { EngineAccess, PoolAccess } from '../../lib/run/mod.ts';
import { FakeEngine } from './fake-engine.ts';
import type { BakeIn, FakeWorld } from './fake-world.ts';

/** A pool, its engines by their names: `tcp://NAME:1`. */
export interface FakePool {
  readonly engines: ReadonlyMap<string, FakeEngine>;
  readonly of: (name: string) => FakeEngine;
  readonly access: EngineAccess;
  /** Those of the engines that are found by `kubernetes`, as `ci/NAME`; a test changes them. */
  readonly pods: Set<string>;
  /** Why kubectl lists nothing; undefined: it does. */
  kubectlFails: Problem | undefined;
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
  const pods = new Set<string>();
  const pool: PoolAccess = {
    listMs: 0,
    findBuildctl: async () => ok('/fake/buildctl'),
    registryHint: async (registries) => registriesHint(registries),
    list: async (entries) => {
      const { kubectlFails } = made;
      const found = entries.flatMap(({ address, kubernetes, platforms, jobs = 4, labels }) => {
        const rest = { platforms, jobs, labels };
        if (kubernetes === undefined) return [{ id: address ?? '', address: address ?? '', ...rest }];
        if (kubectlFails !== undefined) return [];
        return [...pods].map((name) => ({ id: `ci/${name}`, address: `kube-pod://${name}`, ...rest }));
      });
      return { members: found, problems: kubectlFails === undefined ? [] : [kubectlFails] };
    },
    ask: async ({ address, platforms: wanted }) => {
      const engine = at(address);
      if (engine.isDown)
        return fail([
          problem('engine/unreachable', `there is no buildkitd at ${address}`, { temporary: true }),
        ]);
      return ok({
        version: 'v0.0.0',
        platforms: wanted.length > 0 ? wanted : [engine.platform],
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
  const made: FakePool = {
    engines,
    pods,
    kubectlFails: undefined,
    of: (name) => at(`tcp://${name}:1`),
    access,
    hosts,
    bake: (world, options = {}) =>
      world.bake({ access, ...options, env: { BUILDKIT_HOST: hosts, ...options.env } }),
  };
  return made;
}

function nameOf(address: string): string {
  return address.replace(/^(?:tcp|kube-pod):\/\/|:1$/g, '');
}
