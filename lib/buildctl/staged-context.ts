/**
 * A copy of a context with times that no other file has: for frontends and engines that know no names for local sources
 * (see `lib/fingerprint/source-name.ts`), so that all of it is sent. Times do not count for BuildKit's cache.
 */
import { randomInt } from 'node:crypto';
import { cp, lutimes, mkdir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Seconds; times of change that files can have anywhere. */
const LATEST = 2 ** 31 - 1;

/**
 * Copies a directory.
 *
 * @param paths what is copied of it, directories without what is in them; undefined: everything
 */
export async function stageContext(context: string, to: string, paths?: readonly string[]): Promise<void> {
  // It may be a symlink itself, which would be copied as one.
  const from = await realpath(context);
  await mkdir(to, { recursive: true });
  if (paths === undefined) await cp(from, to, { recursive: true, verbatimSymlinks: true });
  else {
    for (const one of paths) {
      await makeAbove(from, to, one);
      await cp(path.join(from, one), path.join(to, one), {
        recursive: true,
        verbatimSymlinks: true,
        // Of a directory only itself: what counts in it is a path of its own.
        filter: (source) => source === path.join(from, one),
      });
    }
  }
  await setTimes(to, randomInt(1, LATEST) + Math.random());
}

/** Directories above a path, with the modes that they have. */
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
