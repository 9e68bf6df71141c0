/** Paths for display. */
import { relative } from 'node:path';

/** Relative if that is not longer. */
export function shownPath(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short !== '' && short.length <= path.length ? short : path;
}
