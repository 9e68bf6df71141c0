/** Paths in contexts and images: relative, separated by `/`. */
import { sep } from 'node:path';

/** Converts a path of this system to `/` as separator. */
export function withSlashes(path: string, separator: string = sep): string {
  return separator === '/' ? path : path.replaceAll(separator, '/');
}

/** The directories above a path, nearest last, without the root. */
export function directoriesAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
