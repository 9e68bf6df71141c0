/** How buildctl gets to an engine. */
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
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(\S+)$/.exec(address) ?? [];
  return ENGINE_SCHEMES.includes(scheme) ? { scheme, rest } : undefined;
}

/** What an address starts with, in words. */
export function engineSchemesInWords(): string {
  return `it starts with one of ${ENGINE_SCHEMES.map((one) => `${one}://`).join(', ')}`;
}
