/** The registry client as a part, with what a script does not say taken from its process. */
import type { Environment, RegistrySettings } from '../model/mod.ts';
import { createRegistryClient as createClient, type RegistryClient, type SignIn } from '../registry/mod.ts';
import { VERSION } from '../util/version.ts';
import { checkOptions } from './check-options.ts';
import { environmentOf } from './surroundings.ts';

/** What a client goes by. */
export interface RegistryOptions {
  /** DOCKER_CONFIG, HOME, PATH (for credential helpers), proxies, SSL_CERT_FILE; default: that of the process. */
  readonly env?: Environment;
  /** Settings by host, as `registries:` of builds.yaml has them. */
  readonly registries?: ReadonlyMap<string, RegistrySettings>;
  /** For its registry in place of the Docker config; sent to no other. */
  readonly signIn?: SignIn;
  /** Stops everything under way. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a client of the distribution API: what is there (`head`, `inspect`, `listTags`, `referrers`), read and put (`getManifest`,
 * `getBlob`, `putManifest`, …), tag and copy (`tagManifest`, `copyImage`), push (`pushLayout`). It signs in with the credentials of
 * the Docker config. Nothing is sent before the first question. Close it at the end.
 *
 * @throws TypeError for options that there are not
 * @example
 * ```ts
 * const registry = createRegistryClient();
 * const presence = await registry.head(unwrap(readImageRef('ghcr.io/acme/api:1.2')));
 * console.log(presence.kind === 'present' ? presence.digest : presence.kind);
 * await registry.close();
 * ```
 */
export function createRegistryClient(options: RegistryOptions = {}): RegistryClient {
  checkOptions('createRegistryClient', options, {
    env: 'object',
    registries: 'object',
    signIn: 'object',
    signal: 'signal',
  });
  return createClient({ userAgent: `bake-ts/${VERSION}`, ...options, env: environmentOf(options.env) });
}
