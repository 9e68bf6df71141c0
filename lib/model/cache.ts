/** Caches that need a surrounding of their own. */
import type { TypedAttributes } from './build.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether a cache can be had here: that of GitHub Actions is there with a token and an address only, which a job has.
 * buildctl fails without them; bake goes on without the cache (docker/buildx build/opt.go, `isActive`).
 */
export function isActiveCache({ type, attributes }: TypedAttributes, env: Environment): boolean {
  if (type !== 'gha') return true;
  const given = (name: string, ...variables: readonly string[]): string =>
    attributes.get(name) ?? variables.map((one) => env[one]).find((one) => one !== undefined) ?? '';
  // An address of the second version is the first one, too, where there is no other (buildx build/opt.go, `addGithubToken`).
  const address = given('url', 'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL') + (attributes.get('url_v2') ?? '');
  return given('token', 'ACTIONS_RUNTIME_TOKEN') !== '' && address !== '';
}
