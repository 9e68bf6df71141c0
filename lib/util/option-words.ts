/** Options as text: problems are read by people at a command line and by those who write scripts. */

/** What options of the command line are called in calls of the library. */
const SETTINGS = {
  '--addr': 'address',
  '--allow': 'allow',
  '--checksum': 'checksums',
  '--file': 'files',
  '--from': 'from',
  '--mirror': 'mirror',
  '--push': "set: ['*.push=true']",
  '--registry': 'registry',
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
 * An option as both know it.
 *
 * @param words as they are typed: `--addr`, `--var NAME=…`, `--registry=5001`
 * @returns with what scripts call it: "--addr (`address` in a script)"
 */
export function option(words: Flag | `${Flag} ${string}` | `${Flag}=${string}`): string {
  const flag = (/^[\w-]+/.exec(words)?.[0] ?? '') as Flag;
  return `${words} (\`${SETTINGS[flag]}\` in a script)`;
}
