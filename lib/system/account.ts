/**
 * The user of this process, also if the system has no name for its number: in a root file system without /etc/passwd,
 * and for numbers that clusters assign to containers. `userInfo` and `homedir` of node:os throw there.
 */
import { homedir } from 'node:os';
import process from 'node:process';
import { throwDenied } from '../util/permission.ts';
import { type System, thisSystem } from './platform.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user id; -1 if the system has none. */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}

/**
 * The home directory in the environment: `HOME`. On Windows `USERPROFILE` comes first, as buildctl and docker do it
 * (Go's os.UserHomeDir), because Unix-like shells set `HOME` differently there.
 */
export function homeOf(env: Environment, system: System = thisSystem()): string | undefined {
  const names = system === 'win32' ? ['USERPROFILE', 'HOME'] : ['HOME', 'USERPROFILE'];
  return names.map((name) => env[name]).find((home) => home !== undefined && home !== '');
}

/** The home directory in the environment, else that of the system, else the usual one. */
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
