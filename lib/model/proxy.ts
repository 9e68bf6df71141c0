/**
 * Proxies for RUN. BuildKit passes some build arguments to each step even if no ARG declares them, and keeps them out of
 * its cache and of the image (buildkit frontend/dockerfile/dockerfile2llb, `proxyEnvFromBuildArgs`;
 * solver/llbsolver/ops/exec.go).
 */

/** Names of these arguments. BuildKit accepts them in upper and lower case. */
export const PROXY_ARGUMENTS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
];

/** What RUN gets unless a build sets other values: name in upper case → value, never empty. */
export type StepProxies = ReadonlyMap<string, string>;

/** Whether an argument is a proxy argument. */
export function isProxyArgument(name: string): boolean {
  return PROXY_ARGUMENTS.includes(name.toUpperCase());
}

/** Whether a proxy URL contains a user, with or without a password: it is then a secret. */
export function namesUser(proxy: string): boolean {
  return proxy.includes('@');
}

/** What to hide in all output about proxies: URLs with a user, and the user with its password. */
export function sensitiveOfProxies(proxies: StepProxies): readonly string[] {
  return [...proxies.values()].filter(namesUser).flatMap((proxy) => {
    const user = proxy.replace(/^\w+:\/\//, '').replace(/@[^@]*$/, '');
    const password = user.slice(user.indexOf(':') + 1);
    return [proxy, ...[user, password].flatMap((text) => [text, decoded(text)])];
  });
}

/** Clients send percent-encoded characters decoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
