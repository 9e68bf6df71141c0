/** Paths as contexts and images have them: relative, joined by `/`. */
import { sep } from 'node:path';

/** A path of this machine (of the working directory's system) with `/` between its parts. */
export function withSlashes(path: string, separator: string = sep): string {
  return separator === '/' ? path : path.replaceAll(separator, '/');
}

/** The directories above a path, the nearest last; the root is left out. */
export function directoriesAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
