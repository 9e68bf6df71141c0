/** Where nobody sits at the machine. */

/** Whether this runs in CI, whose systems all set `CI`. `false` and nothing say no. */
export function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  const value = env['CI'] ?? '';
  return value !== '' && value !== 'false';
}
