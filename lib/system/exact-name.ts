/**
 * What a directory calls its entries. macOS and Windows, and what is mounted from them (WSL, Lima's `~`), find a file by other
 * spellings of its name: in other letters' case, composed otherwise (Unicode), on Windows with dots and blanks at its end or as
 * `PROGRA~1`. An engine gets names as the directory has them, and finds them by these alone.
 */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type System, thisSystem } from './platform.ts';

/**
 * Whether an entry that was found by a name is called so. Its directory is read only where the system finds it by another spelling,
 * too.
 *
 * @param name of one entry, without a directory
 * @throws what the system throws
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

/** The same name with small and capital letters changed about, and composed otherwise, where that makes another text. */
export function otherSpellings(name: string): readonly string[] {
  const swapped = Array.from(name, (char) => {
    const upper = char.toUpperCase();
    return upper === char ? char.toLowerCase() : upper;
  }).join('');
  const spellings = [swapped, name.normalize('NFC'), name.normalize('NFD')];
  return [...new Set(spellings)].filter((one) => one !== name);
}
