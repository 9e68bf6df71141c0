/** Detects CI systems. */

/** Every CI system sets at least one of these. */
const VARIABLES = ['CI', 'GITHUB_ACTIONS', 'GITLAB_CI'];
/** Values that mean no. */
const NO: readonly string[] = ['', 'false', '0'];

/** Whether this runs in CI. */
export function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return VARIABLES.some((name) => !NO.includes(env[name] ?? ''));
}
