/** The registry client for scripts. Settings that a script omits come from its process. */

import path from 'node:path';
import type { Environment, RegistrySettings, Result } from '../model/mod.ts';
import {
  createRegistryClient as createClient,
  type Layout,
  openLayout as open,
  type RegistryClient,
  type SignIn,
} from '../registry/mod.ts';
import { checkArgument, checkOptions, type KnownOptions, type OptionKind } from '../util/check-options.ts';
import { VERSION } from '../util/version.ts';
import { permitted } from './permitted.ts';
import { directoryOf, environmentOf } from './surroundings.ts';

/** How the client reaches registries. */
export interface RegistryOptions {
  /** The environment: DOCKER_CONFIG, HOME, PATH (for credential helpers), proxies, SSL_CERT_FILE. Default: that of the process. */
  readonly env?: Environment;
  /** Settings by host, as under `registries:` in builds.yaml: an object, or the map of a set of builds. */
  readonly registries?: Readonly<Record<string, RegistrySettings>> | ReadonlyMap<string, RegistrySettings>;
  /** Credentials for one registry, instead of the Docker config. They are sent to no other registry. */
  readonly signIn?: SignIn;
  /** Stops everything in progress. */
  readonly signal?: AbortSignal;
}

const SETTINGS: KnownOptions<RegistrySettings> = {
  http: 'flag',
  ca: 'text',
  cert: 'text',
  key: 'text',
  insecure: 'flag',
  mirrors: 'texts',
  concurrency: 'count',
};
/** Settings of registries by host, for the checks of calls. */
export const REGISTRIES: OptionKind = { each: SETTINGS };
const SIGN_IN: KnownOptions<SignIn> = { registry: 'text', username: 'text', password: 'text' };

/** Converts the settings of registries by host. */
export function registriesOf(
  given: NonNullable<RegistryOptions['registries']>,
): ReadonlyMap<string, RegistrySettings> {
  return given instanceof Map ? given : new Map(Object.entries(given));
}

/**
 * Makes a client of the distribution API. It can query (`head`, `inspect`, `listTags`, `referrers`), read and write (`getManifest`,
 * `getBlob`, `putManifest`, …), tag and copy (`tagManifest`, `copyImage`), and push (`pushLayout`). It signs in with the credentials of
 * the Docker config, and sends nothing before the first request. Close it at the end.
 *
 * @throws TypeError for unknown options
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
    registries: REGISTRIES,
    signIn: { options: SIGN_IN, needs: Object.keys(SIGN_IN) },
    signal: 'signal',
  });
  const { registries = {}, ...rest } = options;
  return createClient({
    userAgent: `bake-ts/${VERSION}`,
    ...rest,
    registries: registriesOf(registries),
    env: environmentOf(options.env),
  });
}

/**
 * Opens an OCI image layout on disk, a directory or a tar archive, for `pushLayout` of a client.
 *
 * @param file path, relative to the working directory
 * @returns problem: `registry/bad-layout`
 * @throws TypeError if it is not a string
 * @example
 * ```ts
 * const layout = unwrap(await openLayout('out/api'));
 * const registry = createRegistryClient();
 * unwrap(await registry.pushLayout(layout, unwrap(readImageRef('localhost:5000/shop/api:1'))));
 * await registry.close();
 * ```
 */
export function openLayout(file: string): Promise<Result<Layout>> {
  return permitted(async () => {
    checkArgument('openLayout', 'text', file);
    return open(path.isAbsolute(file) ? file : path.resolve(directoryOf(undefined), file), file);
  });
}
