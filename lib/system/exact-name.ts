/**
 * Exact names of directory entries. macOS, Windows and their mounts (WSL, Lima's `~`) find files by other spellings: in
 * other case, in another Unicode normalisation, and on Windows with dots and spaces at the end or as `PROGRA~1`. An
 * engine gets the exact names and finds files only by these.
 */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type System, thisSystem } from './platform.ts';

/**
 * Whether an entry has exactly this name. Reads its directory only if the system finds it by another spelling, too.
 *
 * @param name of one entry, without a directory
 * @throws errors of the system
 */
export function isExactName(directory: string, name: string, system: System = thisSystem()): boolean {
  const isNamed = (): boolean => readdirSync(directory).includes(name);
  if (system === 'win32') return isNamed();
  const spellings = otherSpellings(name);
  if (spellings.length === 0) return true;
  const twins = spellings.flatMap((one) => look(path.join(directory, one)) ?? []);
  if (twins.length === 0) return true;
  const found = look(path.join(directory, name));
  const hasTwin = twins.some((one) => one.ino === found?.ino && one.dev === found.dev);
  return !hasTwin || isNamed();
}

function look(file: string): BigIntStats | undefined {
  return lstatSync(file, { bigint: true, throwIfNoEntry: false });
}

/** The name with swapped case, and in other Unicode normalisations, if these differ. */
export function otherSpellings(name: string): readonly string[] {
  const swapped = Array.from(name, (char) => {
    const upper = char.toUpperCase();
    return upper === char ? char.toLowerCase() : upper;
  }).join('');
  const spellings = [swapped, name.normalize('NFC'), name.normalize('NFD')];
  return [...new Set(spellings)].filter((one) => one !== name);
}
