/** Which file BuildKit reads as the Dockerfile of a build: where symlinks lead in its directory, and whatever the case. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { followInside } from '../system/mod.ts';

/**
 * The file that BuildKit reads for a Dockerfile of this machine (buildkit frontend/dockerui/config.go, `ReadEntrypoint`). It
 * has the file's directory alone, so symlinks are followed in that. `Dockerfile`, whether it is named or not, and in whatever
 * directory, may be `dockerfile` instead: if there is none, or one that cannot be read, a directory or a symlink that leads
 * out. The ignore file keeps its name, `Dockerfile.dockerignore`.
 *
 * @param file absolute path
 * @returns the file itself where there is none that BuildKit could read
 */
export function findRead(file: string): string {
  const found = findInside(file);
  if (found !== undefined) return found;
  if (path.basename(file) !== 'Dockerfile') return file;
  return findInside(path.join(path.dirname(file), 'dockerfile')) ?? file;
}

/** Where a path leads in its directory; undefined: to no file. */
export function findInside(file: string): string | undefined {
  try {
    const found = followInside(path.dirname(file), path.basename(file));
    return found === undefined || lstatSync(found).isDirectory() ? undefined : found;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Of anything else, reading it says why.
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : file;
  }
}
