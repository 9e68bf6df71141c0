/** Paths as a person would name them. */
import { relative } from 'node:path';

/** Relative where that is not longer. */
export function shownPath(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short !== '' && short.length <= path.length ? short : path;
}
