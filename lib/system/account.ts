/**
 * Whose process this is. Also where the system knows no name for a number: in a root file system without /etc/passwd, and for the
 * numbers that clusters make up for their containers. There `userInfo` and `homedir` of node:os throw.
 */
import { homedir } from 'node:os';
import process from 'node:process';
import { throwDenied } from '../util/permission.ts';

/** The number of the user; -1 where the system has none. */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}

/** `HOME`, else what the system says; where it says nothing, what is usual. */
export function homeDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const given = env['HOME'];
  if (given !== undefined) return given;
  try {
    return homedir();
  } catch (error) {
    throwDenied(error);
    return ownUid() === 0 ? '/root' : '/';
  }
}
