/** Caches that work only in a certain environment. */
import type { TypedAttributes } from './build.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether a cache is available here. The cache of GitHub Actions needs a token and an address, which only jobs have.
 * Without them buildctl fails, and bake continues without the cache (docker/buildx build/opt.go, `isActive`).
 */
export function isActiveCache({ type, attributes }: TypedAttributes, env: Environment): boolean {
  if (type !== 'gha') return true;
  const given = (name: string, ...variables: readonly string[]): string =>
    attributes.get(name) ?? variables.map((one) => env[one]).find((one) => one !== undefined) ?? '';
  // If only the address of version 2 is set, it is used for version 1, too (buildx build/opt.go, `addGithubToken`).
  const address = given('url', 'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL') + (attributes.get('url_v2') ?? '');
  return given('token', 'ACTIONS_RUNTIME_TOKEN') !== '' && address !== '';
}
