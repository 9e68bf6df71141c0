/**
 * A copy of a context with unique modification times, so that all files are sent. It is for frontends and engines without support
 * for local source cache keys (see `lib/fingerprint/source-name.ts`). BuildKit's cache ignores times.
 */
import { randomInt } from 'node:crypto';
import { cp, lutimes, mkdir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';

/** The latest modification time (seconds) that every file system supports. */
const LATEST = 2 ** 31 - 1;

/**
 * Copies a directory.
 *
 * @param paths the paths to copy, directories without their contents; undefined: everything
 */
export async function stageContext(context: string, to: string, paths?: readonly string[]): Promise<void> {
  // A context that is a symlink would be copied as a symlink.
  const from = await realpath(context);
  await mkdir(to, { recursive: true });
  if (paths === undefined) await cp(from, to, { recursive: true, verbatimSymlinks: true });
  else {
    for (const one of paths) {
      await makeAbove(from, to, one);
      await cp(path.join(from, one), path.join(to, one), {
        recursive: true,
        verbatimSymlinks: true,
        // A directory without its contents, which have their own paths.
        filter: (source) => source === path.join(from, one),
      });
    }
  }
  await setTimes(to, randomInt(1, LATEST) + Math.random());
}

/** Creates the parent directories of a path with their original modes. */
async function makeAbove(from: string, to: string, file: string): Promise<void> {
  const above = path.dirname(file);
  if (above === '.') return;
  await makeAbove(from, to, above);
  await cp(path.join(from, above), path.join(to, above), {
    recursive: true,
    filter: (source) => source === path.join(from, above),
  });
}

async function setTimes(directory: string, time: number): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isDirectory()) await lutimes(path.join(entry.parentPath, entry.name), time, time);
  }
}
