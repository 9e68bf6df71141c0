/** Which engines are named: one, or several as a pool. */
import type { EngineSettings, PoolEntry } from './engine-settings.ts';
import type { Environment } from './environment.ts';

/** Who may name engines. */
export interface NamedBy {
  /** `--addr`, as often as it was given. */
  readonly flagAddresses: readonly string[];
  readonly env: Environment;
  /** `engine:` of builds.yaml. */
  readonly settings: EngineSettings | undefined;
}

/** Builds at a time on an engine of which nothing says how many: BuildKit does not tell how many processors it has. */
export const MEMBER_JOBS = 4;

/**
 * The engines of the pool that is named. `--addr` wins over `BUILDKIT_HOST`, which may hold several separated by blanks, and that
 * over builds.yaml. An address that builds.yaml has too keeps the platforms, jobs and labels that it has there.
 *
 * @returns undefined: no pool is named, but one engine or none
 */
export function namedPool({ flagAddresses, env, settings }: NamedBy): readonly PoolEntry[] | undefined {
  const pool = settings?.pool ?? [];
  const named = namedAddresses({ flagAddresses, env });
  if (named.length === 0) return pool.length === 0 ? undefined : pool;
  if (named.length === 1) return undefined;
  return named.map(
    (address) => pool.find((entry) => entry.address === address) ?? { address, platforms: [], labels: [] },
  );
}

/** Addresses that `--addr` or else `BUILDKIT_HOST` name, each once. */
export function namedAddresses({ flagAddresses, env }: Omit<NamedBy, 'settings'>): readonly string[] {
  const flags = flagAddresses.filter((one) => one !== '');
  const words = flags.length > 0 ? flags : (env['BUILDKIT_HOST'] ?? '').split(/\s+/);
  return [...new Set(words.filter((one) => one !== ''))];
}
