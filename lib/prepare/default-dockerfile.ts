/**
 * Finds the file that BuildKit reads as the Dockerfile of a build: symlinks inside its directory, and upper or lower
 * case.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { followInside } from '../system/mod.ts';

/**
 * The file that BuildKit reads as a Dockerfile on this machine (buildkit frontend/dockerui/config.go, `ReadEntrypoint`).
 * BuildKit sees only the file's directory, so symlinks are followed only inside it. In place of `Dockerfile`, given or
 * default and in any directory, `dockerfile` is read if the former is missing, unreadable, a directory, or a symlink that
 * leads outside. The ignore file is still `Dockerfile.dockerignore`.
 *
 * @param file absolute path
 * @returns the file itself if BuildKit could read neither
 */
export function findRead(file: string): string {
  const found = findInside(file);
  if (found !== undefined) return found;
  if (path.basename(file) !== 'Dockerfile') return file;
  return findInside(path.join(path.dirname(file), 'dockerfile')) ?? file;
}

/** Resolves a path inside its directory; undefined: it leads to no file. */
export function findInside(file: string): string | undefined {
  try {
    const found = followInside(path.dirname(file), path.basename(file));
    return found === undefined || lstatSync(found).isDirectory() ? undefined : found;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // For other errors, reading the file reports the reason.
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : file;
  }
}
