/** Which engines somebody named: by a flag, by the environment, in builds.yaml. A flag wins over the environment, which wins over the file. */
import type { EngineSettings, PoolEntry } from './engine-settings.ts';
import type { Environment } from './environment.ts';

/** All that may name an engine. */
export interface EngineNames {
  /** `--addr`, each time that it was given; or `address` of a script. */
  readonly flagAddresses: string | readonly string[] | undefined;
  readonly env: Environment;
  /** `engine` of builds.yaml; undefined: it has none. */
  readonly settings: EngineSettings | undefined;
}

/** Builds at a time on an engine of a pool of which nothing says how many: BuildKit does not tell how many processors it has. */
export const MEMBER_JOBS = 4;

/** Where an address comes from. */
export type NamedIn = 'flag' | 'environment' | 'file';

/**
 * The one engine that is named.
 *
 * @returns undefined where none is, or several are
 */
export function namedEngine(
  names: EngineNames,
): { readonly address: string; readonly kind: NamedIn } | undefined {
  const { addresses, kind } = addressesOf(names);
  const [first] = addresses;
  if (first !== undefined) return addresses.length === 1 ? { address: first, kind } : undefined;
  const { address = '', pool = [] } = names.settings ?? {};
  return address === '' || pool.length > 0 ? undefined : { address, kind: 'file' };
}

/**
 * The engines that are named as a pool: two or more by address, or whatever stands under `engine.pool`. Those that are named by address keep
 * the platforms, jobs and labels that builds.yaml has for the same address.
 *
 * @returns undefined where one is named, or none
 */
export function namedPool(names: EngineNames): readonly PoolEntry[] | undefined {
  const { pool = [] } = names.settings ?? {};
  const { addresses } = addressesOf(names);
  if (addresses.length === 0) return pool.length === 0 ? undefined : pool;
  if (addresses.length === 1) return undefined;
  return addresses.map(
    (address) => pool.find((entry) => entry.address === address) ?? { address, platforms: [], labels: [] },
  );
}

/** Addresses of the flag or of the environment, each once. */
function addressesOf({ flagAddresses = [], env }: EngineNames): {
  readonly addresses: readonly string[];
  readonly kind: NamedIn;
} {
  const flags = [flagAddresses].flat().filter((address) => address !== '');
  if (flags.length > 0) return { addresses: [...new Set(flags)], kind: 'flag' };
  // A path may have blanks; what follows those between two addresses is a scheme.
  const fromEnv = (env['BUILDKIT_HOST'] ?? '').trim().split(/\s+(?=[a-z-]+:\/\/)/);
  return { addresses: [...new Set(fromEnv.filter((address) => address !== ''))], kind: 'environment' };
}
