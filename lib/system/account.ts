/**
 * Whose process this is. Also where the system knows no name for a number: in a root file system without /etc/passwd, and for the
 * numbers that clusters make up for their containers. There `userInfo` and `homedir` of node:os throw.
 */
import { homedir } from 'node:os';
import process from 'node:process';
import { throwDenied } from '../util/permission.ts';
import { type System, thisSystem } from './platform.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The number of the user; -1 where the system has none. */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}

/**
 * The home that the environment names: `HOME`; on Windows `USERPROFILE` before it, which is what buildctl and docker go by there (Go's
 * os.UserHomeDir), while shells that come from Unix set `HOME` as they like.
 */
export function homeOf(env: Environment, system: System = thisSystem()): string | undefined {
  const names = system === 'win32' ? ['USERPROFILE', 'HOME'] : ['HOME', 'USERPROFILE'];
  return names.map((name) => env[name]).find((home) => home !== undefined && home !== '');
}

/** The home that the environment names, else what the system says; where it says nothing, what is usual. */
export function homeDirectory(env: Environment): string {
  const given = thisSystem() === 'win32' ? homeOf(env) : env['HOME'];
  if (given !== undefined) return given;
  try {
    return homedir();
  } catch (error) {
    throwDenied(error);
    return ownUid() === 0 ? '/root' : '/';
  }
}
