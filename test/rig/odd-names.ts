/** Files whose names are not UTF-8. Deno cannot make them, so a shell does. */
import assert from 'node:assert/strict';
import { runCommand } from './command.ts';

/**
 * Runs a line of sh in a directory; `$(printf 'a\\377')` is a name with a byte that is no character.
 */
export async function runShell(dir: string, line: string): Promise<void> {
  const done = await runCommand(['/bin/sh', '-ec', line], { cwd: dir });
  assert.equal(done.exitCode, 0, done.stderr);
}
