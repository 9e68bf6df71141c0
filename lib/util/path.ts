/** Paths as contexts and images have them: relative, joined by `/`. */

/** The directories above a path, the nearest last; the root is left out. */
export function directoriesAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
