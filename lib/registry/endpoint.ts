/** The URL and connection settings of a registry's API. */
import { type Environment, fail, ok, problem, type RegistrySettings, type Result } from '../model/mod.ts';
import { readRegularFile } from '../system/mod.ts';
import { isLoopback } from '../util/loopback.ts';
import { deniedProblem, type Permission } from '../util/permission.ts';
import { permissionFor, proxyFor } from './proxy.ts';

/** The endpoint of a registry. */
export interface Endpoint {
  /** As references write it: `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** `https://registry-1.docker.io`, without a path. */
  readonly origin: string;
  readonly settings: RegistrySettings;
}

/** PEM texts for a TLS connection; the runtime's defaults apply to absent ones. */
export interface TlsMaterial {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}

const NO_SETTINGS: RegistrySettings = {};

/**
 * Returns the endpoint of a host. Docker Hub's API has another host name. As in buildkit (util/resolver, `MatchLocalhost`),
 * loopback uses plain http unless settings say otherwise or have TLS material; everything else uses https unless `http: true`.
 */
export function endpointOf(host: string, registries: ReadonlyMap<string, RegistrySettings>): Endpoint {
  const settings = registries.get(host) ?? NO_SETTINGS;
  const wantsTls = settings.ca !== undefined || settings.cert !== undefined || settings.insecure === true;
  const http = settings.http ?? (!wantsTls && isLoopback(hostnameOf(host)));
  const authority = host === 'docker.io' || host === 'index.docker.io' ? 'registry-1.docker.io' : host;
  return { host, origin: `${http ? 'http' : 'https'}://${authority}`, settings };
}

/** The runtime permission that is required to access a registry. */
export function permissionOfRegistry(
  host: string,
  registries: ReadonlyMap<string, RegistrySettings>,
  env: Environment,
): Permission {
  const url = new URL(endpointOf(host, registries).origin);
  return permissionFor(url, proxyFor(url, env));
}

/** Host name without port and without the brackets of an IPv6 address. */
export function hostnameOf(host: string): string {
  return host.replace(/:[0-9]+$/, '').replace(/[[\]]/g, '');
}

/** All public authorities together take less than 1 MiB. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Reads the PEM files of the settings. Their authority is added to the public ones. */
export async function readTlsMaterial(
  host: string,
  settings: RegistrySettings,
  env: Environment,
): Promise<Result<TlsMaterial>> {
  const problems: ReturnType<typeof problem>[] = [];
  const read = async (what: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined || path === '') return undefined;
    try {
      return readRegularFile(path, MAX_PEM_BYTES).toString('utf8');
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      problems.push(
        deniedProblem(error) ??
          problem('registry/bad-settings', `The file ${path} (${what} for ${host}) cannot be read: ${why}`, {
            hint: 'Correct the path, or make the file readable',
          }),
      );
      return undefined;
    }
  };
  const own = await read('ca', settings.ca);
  // Go programs such as buildctl read their public authorities from here; Node does not.
  const system = await read('SSL_CERT_FILE', env['SSL_CERT_FILE']);
  const cert = await read('cert', settings.cert);
  const key = await read('key', settings.key);
  if ((settings.cert === undefined) !== (settings.key === undefined)) {
    problems.push(
      problem('registry/bad-settings', `registries.${host} names only one of cert and key`, {
        hint: 'Set both for a client certificate',
      }),
    );
  }
  if (problems.length > 0) return fail(problems);
  const extra = [own, system].filter((pem) => pem !== undefined);
  // Decoding some 150 certificates takes a while, so they are listed only if necessary.
  const { rootCertificates } = extra.length === 0 ? { rootCertificates: [] } : await import('node:tls');
  return ok({
    ...(extra.length === 0 ? {} : { ca: [...rootCertificates, ...extra] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(settings.insecure === true ? { rejectUnauthorized: false } : {}),
  });
}
