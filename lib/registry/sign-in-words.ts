/** What to do about credentials that are missing or refused, in words: also where there is no Docker. */

/** Where the credentials for a registry were looked for. */
export type Sought =
  /** A user gave a name and a password for it. */
  | { readonly kind: 'given'; readonly username: string }
  /** Files and variables that were read, and the `config.json` that is not there. */
  | { readonly kind: 'config'; readonly read: readonly string[]; readonly absent?: string };

/** How one signs in to a host, with Docker and without. */
export function howToSignIn(host: string): string {
  return `\`docker login ${host}\`; without Docker write them into config.json (docs/from-buildctl.md shows how), or give \`-u NAME --password-stdin\` to a command that takes it (\`signIn\` of a script's client)`;
}

/** Why nothing was sent: there are no credentials. */
export function noCredentials(host: string, sought: Sought | undefined): string {
  return `No credentials were found for ${host} in the Docker config${whereOf(sought)}: sign in, e.g. ${howToSignIn(host)}`;
}

/**
 * What was sent was not accepted.
 *
 * @param why what may be wrong with it
 */
export function refusedCredentials(host: string, sought: Sought | undefined, why: string): string {
  if (sought?.kind === 'given')
    return `${host} refused this password for ${sought.username}: name and password ${why}`;
  return `The credentials for ${host}${whereOf(sought)} were sent and not accepted: they ${why}. Sign in again, e.g. ${howToSignIn(host)}`;
}

function whereOf(sought: Sought | undefined): string {
  if (sought?.kind !== 'config') return '';
  const words = [...sought.read, ...(sought.absent === undefined ? [] : [`${sought.absent} is not there`])];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
