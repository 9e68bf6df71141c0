/** Paths as Go's path/filepath treats them, joined by `/` on Windows too: they are not resolved against the working directory. */
import { isAbsolute } from 'node:path';
import { cleanPath } from '../go-text.ts';

/** Paths behind one another; nothing where all are empty. */
export function joinPath(...paths: readonly string[]): string {
  const joined = paths.filter((path) => path !== '').join('/');
  return joined === '' ? '' : cleanPath(joined);
}

/** The directory a path is in. */
export function directoryOf(path: string): string {
  return cleanPath(path.slice(0, path.lastIndexOf('/') + 1));
}

/** True for a path from the root; on Windows also from that of a drive. */
export function isAbsolutePath(path: string): boolean {
  return isAbsolute(path);
}

/** The relative path from a directory to a path; undefined if their names alone do not give one. */
export function relativePath(base: string, target: string): string | undefined {
  const from = cleanPath(base);
  const to = cleanPath(target);
  if (from === to) return '.';
  if (isAbsolutePath(from) !== isAbsolutePath(to)) return undefined;
  const above = from === '.' ? [] : from.split('/').filter((part) => part !== '');
  const below = to.split('/').filter((part) => part !== '' && part !== '.');
  let same = 0;
  while (same < above.length && same < below.length && above[same] === below[same]) same++;
  const rest = above.slice(same);
  if (rest.includes('..')) return undefined;
  return [...rest.map(() => '..'), ...below.slice(same)].join('/');
}
