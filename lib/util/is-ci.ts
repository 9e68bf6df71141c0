/** Where nobody sits at the machine. */

/** Variables of which a CI system sets one at least. */
const VARIABLES = ['CI', 'GITHUB_ACTIONS', 'GITLAB_CI'];
/** What says no as nothing does. */
const NO: readonly string[] = ['', 'false', '0'];

/** Whether this runs in CI. */
export function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return VARIABLES.some((name) => !NO.includes(env[name] ?? ''));
}
