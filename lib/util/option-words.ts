/** Names of options in messages, which are read by users of the command line and by authors of scripts. */

/** Command-line options and their names in the library. */
const SETTINGS = {
  '--addr': 'address',
  '--allow': 'allow',
  '--checksum': 'checksums',
  '--file': 'files',
  '--from': 'from',
  '--mirror': 'mirror',
  '--push': "set: ['*.push=true']",
  '--registry-port': 'registry',
  '--set': 'set',
  '--stall-timeout': 'stallTimeoutMs',
  '--to': 'to',
  '--untrusted': 'untrusted',
  '--var': 'vars',
  '--var-file': 'varFiles',
  '-f': 'files',
  '-j': 'jobs',
} as const;

type Flag = keyof typeof SETTINGS;

/**
 * An option with both names.
 *
 * @param words as typed: `--addr`, `--var NAME=…`, `--registry-port 5001`
 * @returns with its name in scripts: "--addr (`address` in a script)"
 */
export function option(words: Flag | `${Flag} ${string}` | `${Flag}=${string}`): string {
  const flag = (/^[\w-]+/.exec(words)?.[0] ?? '') as Flag;
  return `${words} (\`${SETTINGS[flag]}\` in a script)`;
}
