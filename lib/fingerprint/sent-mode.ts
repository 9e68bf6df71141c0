/** File permissions as BuildKit's client sends them. */
import { type System, thisSystem } from '../system/mod.ts';

const PERMISSIONS = 0o7777;

/**
 * The permission bits that the engine gets for a file or directory. Windows only has "read-only": what is sent from there
 * is executable by everybody and writable only by its owner (tonistiigi/fsutil stat.go, `mkstat`).
 *
 * @param mode as reported by the system; may have type bits
 */
export function sentMode(mode: number, system: System = thisSystem()): number {
  return system === 'win32' ? ((mode & 0o777) | 0o111) & 0o755 : mode & PERMISSIONS;
}
