/** How buildctl gets to an engine. */
import type { EngineSettings, EngineTls } from './engine-settings.ts';

/** An engine by its address, with what connections to it need. */
export interface EngineTarget {
  /** Address of the engine, in the form that buildctl uses. */
  readonly address: string;
  /** Absent: no TLS. */
  readonly tls?: EngineTls;
}

/** Schemes of addresses that buildctl knows (buildkit client/connhelper, and the dialers of the client itself). */
export const ENGINE_SCHEMES: readonly string[] = [
  'unix',
  'tcp',
  'npipe',
  'ssh',
  'docker-container',
  'podman-container',
  'nerdctl-container',
  'kube-pod',
];

/** An address in its two parts; undefined where it is none that buildctl knows. */
export function parseEngineAddress(
  address: string,
): { readonly scheme: string; readonly rest: string } | undefined {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.+)$/s.exec(address) ?? [];
  return ENGINE_SCHEMES.includes(scheme) ? { scheme, rest } : undefined;
}

/** What an address starts with, in words. */
export function engineSchemesInWords(): string {
  return `it starts with one of ${ENGINE_SCHEMES.map((one) => `${one}://`).join(', ')}`;
}

/**
 * The first arguments of every call of buildctl, before its command. Files are named, never read. buildctl takes the name that the engine's
 * certificate must have from the address where none is given (buildkit cmd/buildctl/common).
 */
export function engineArgv({ address, tls }: EngineTarget): readonly string[] {
  if (tls === undefined) return ['--addr', address];
  const named = [
    ['--tlscacert', tls.ca],
    ['--tlscert', tls.cert],
    ['--tlskey', tls.key],
    ['--tlsservername', tls.serverName],
  ] as const;
  return [
    '--addr',
    address,
    ...named.flatMap(([option, value]) => (value === undefined ? [] : [option, value])),
  ];
}

/**
 * `engine.tls` for an address; undefined where it is not for it. Only `tcp://` has TLS: all others end at a socket of buildkitd's own machine,
 * where it speaks none.
 */
export function tlsFor(
  address: string,
  settings: Pick<EngineSettings, 'tls'> | undefined,
): EngineTls | undefined {
  return address.startsWith('tcp://') ? settings?.tls : undefined;
}

/** No more than how to get there. */
export function targetOf({ address, tls }: EngineTarget): EngineTarget {
  return { address, ...(tls === undefined ? {} : { tls }) };
}
