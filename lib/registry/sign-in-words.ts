/** Hints about missing or refused credentials, with and without Docker. */

/** Where the credentials for a registry were looked for. */
export type Sought =
  /** The user gave a name and a password. */
  | { readonly kind: 'given'; readonly username: string }
  /** Files and variables that were read, and the `config.json` that does not exist. */
  | { readonly kind: 'config'; readonly read: readonly string[]; readonly absent?: string };

/** How to sign in to a host, with and without Docker. */
export function howToSignIn(host: string): string {
  return `\`docker login ${host}\`; without Docker write config.json (see docs/from-buildctl.md), or use \`-u NAME --password-stdin\` of the command (\`signIn\` in a script)`;
}

/** The hint for missing credentials. */
export function noCredentials(host: string, sought: Sought | undefined): string {
  return `No credentials were found for ${host} in the Docker config${whereOf(sought)}: sign in, e.g. ${howToSignIn(host)}`;
}

/**
 * The hint for refused credentials.
 *
 * @param why what may be wrong with them
 */
export function refusedCredentials(host: string, sought: Sought | undefined, why: string): string {
  if (sought?.kind === 'given')
    return `${host} rejected the password of ${sought.username}: name and password ${why}`;
  return `The credentials for ${host}${whereOf(sought)} were rejected: they ${why}. Sign in again, e.g. ${howToSignIn(host)}`;
}

function whereOf(sought: Sought | undefined): string {
  if (sought?.kind !== 'config') return '';
  const words = [...sought.read, ...(sought.absent === undefined ? [] : [`${sought.absent} does not exist`])];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
