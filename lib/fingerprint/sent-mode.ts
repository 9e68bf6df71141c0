/** Permissions of files as BuildKit's client sends them. */
import { type System, thisSystem } from '../system/mod.ts';

const PERMISSIONS = 0o7777;

/**
 * The permission bits that the engine gets of a file or directory. Windows has none but "read-only", and what is sent from there may
 * be run by everybody and written by its owner alone (tonistiigi/fsutil stat.go, `mkstat`).
 *
 * @param mode as the system gives it, which may have type bits
 */
export function sentMode(mode: number, system: System = thisSystem()): number {
  return system === 'win32' ? ((mode & 0o777) | 0o111) & 0o755 : mode & PERMISSIONS;
}
