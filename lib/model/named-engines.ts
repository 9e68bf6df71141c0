/** Which engines are configured, in order of precedence: by a flag, in the environment, in builds.yaml. */
import type { EngineSettings, PoolEntry } from './engine-settings.ts';
import type { Environment } from './environment.ts';

/** Everything that can name an engine. */
export interface EngineNames {
  /** All values of `--addr`, or `address` of a script. */
  readonly flagAddresses: string | readonly string[] | undefined;
  readonly env: Environment;
  /** `engine` of builds.yaml; undefined: not set. */
  readonly settings: EngineSettings | undefined;
}

/** Default number of builds at a time for an engine of a pool: BuildKit does not report its number of processors. */
export const MEMBER_JOBS = 4;

/** Where an address comes from. */
export type NamedIn = 'flag' | 'environment' | 'file';

/**
 * The one configured engine.
 *
 * @returns undefined if none or several are configured
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
 * The engines that are configured as a pool: two or more addresses, or the entries of `engine.pool`. Engines that are
 * given by address keep the platforms, jobs and labels that builds.yaml has for the same address.
 *
 * @returns undefined if one engine or none is configured
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

/** Distinct addresses of the flag or of the environment. */
function addressesOf({ flagAddresses = [], env }: EngineNames): {
  readonly addresses: readonly string[];
  readonly kind: NamedIn;
} {
  const flags = [flagAddresses].flat().filter((address) => address !== '');
  if (flags.length > 0) return { addresses: [...new Set(flags)], kind: 'flag' };
  // Paths may contain blanks, so addresses are split only before a scheme.
  const fromEnv = (env['BUILDKIT_HOST'] ?? '').trim().split(/\s+(?=[a-z-]+:\/\/)/);
  return { addresses: [...new Set(fromEnv.filter((address) => address !== ''))], kind: 'environment' };
}
