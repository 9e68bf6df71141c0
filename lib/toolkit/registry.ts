/** The registry client as a part, with what a script does not say taken from its process. */
import {
  createRegistryClient as createClient,
  type RegistryClient,
  type RegistryClientOptions,
} from '../registry/mod.ts';
import { VERSION } from '../util/version.ts';
import { environmentOf } from './surroundings.ts';

/**
 * Makes a client of the distribution API: what is there (`head`, `inspect`, `referrers`), read and put (`getManifest`,
 * `getBlob`, `putManifest`, …), tag and copy (`tagManifest`, `copyImage`), push (`pushLayout`). It signs in with the credentials of
 * the Docker config. Nothing is sent before the first question. Close it at the end.
 *
 * @example
 * ```ts
 * const registry = createRegistryClient();
 * const presence = await registry.head(readImageRef('ghcr.io/acme/api:1.2'));
 * console.log(presence.kind === 'present' ? presence.digest : presence.kind);
 * await registry.close();
 * ```
 */
export function createRegistryClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return createClient({
    userAgent: `bake-ts/${VERSION}`,
    ...options,
    env: environmentOf(options.env),
  });
}
