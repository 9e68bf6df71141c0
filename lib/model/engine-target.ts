/** How buildctl connects to an engine. */
import type { EngineSettings, EngineTls } from './engine-settings.ts';

/** An engine's address with its connection settings. */
export interface EngineTarget {
  /** Address of the engine, in the form that buildctl uses. */
  readonly address: string;
  /** Absent: no TLS. */
  readonly tls?: EngineTls;
}

/** Address schemes that buildctl supports (buildkit client/connhelper, and the dialers of the client itself). */
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

/** Splits an address into scheme and rest; undefined if buildctl does not support it. */
export function parseEngineAddress(
  address: string,
): { readonly scheme: string; readonly rest: string } | undefined {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.+)$/s.exec(address) ?? [];
  return ENGINE_SCHEMES.includes(scheme) ? { scheme, rest } : undefined;
}

/** The supported schemes, as text for messages. */
export function engineSchemesInWords(): string {
  return `it starts with one of ${ENGINE_SCHEMES.map((one) => `${one}://`).join(', ')}`;
}

/**
 * The global options of every buildctl call, which precede its command. Only paths of TLS files are passed. Without a
 * server name, buildctl uses the host of the address (buildkit cmd/buildctl/common).
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
 * `engine.tls` for an address; undefined if TLS does not apply. Only `tcp://` uses TLS: all other schemes end at a local
 * socket of buildkitd, which has none.
 */
export function tlsFor(
  address: string,
  settings: Pick<EngineSettings, 'tls'> | undefined,
): EngineTls | undefined {
  return address.startsWith('tcp://') ? settings?.tls : undefined;
}

/** Only the connection settings of an object that may have more. */
export function targetOf({ address, tls }: EngineTarget): EngineTarget {
  return { address, ...(tls === undefined ? {} : { tls }) };
}
