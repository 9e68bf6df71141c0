/**
 * Proxies for RUN. BuildKit hands some build arguments to each step though no ARG declares them, and keeps them out of its
 * cache and of the image (buildkit frontend/dockerfile/dockerfile2llb, `proxyEnvFromBuildArgs`; solver/llbsolver/ops/exec.go).
 */

/** Names of these arguments; BuildKit knows them in upper and lower case. */
export const PROXY_ARGUMENTS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
];

/** What RUN gets unless a build says otherwise: name in upper case → value, none of them empty. */
export type StepProxies = ReadonlyMap<string, string>;

/** Whether an argument is one of those for proxies. */
export function isProxyArgument(name: string): boolean {
  return PROXY_ARGUMENTS.includes(name.toUpperCase());
}

/** Whether the URL of a proxy has a user in it, with or without a password: a secret. */
export function namesUser(proxy: string): boolean {
  return proxy.includes('@');
}

/** What is to be hidden of proxies wherever it shows: URLs with a user, and the user with the password. */
export function sensitiveOfProxies(proxies: StepProxies): readonly string[] {
  return [...proxies.values()].filter(namesUser).flatMap((proxy) => {
    const user = proxy.replace(/^\w+:\/\//, '').replace(/@[^@]*$/, '');
    const password = user.slice(user.indexOf(':') + 1);
    return [proxy, ...[user, password].flatMap((text) => [text, decoded(text)])];
  });
}

/** Clients send what percent signs stand for. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
