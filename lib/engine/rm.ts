/** Removes the embedded engine's state from the disk, and its programs if requested. */
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { isWithin } from '../system/mod.ts';
import { readDaemons } from './daemon.ts';
import { downEngine } from './down.ts';
import { fileProblem, mountsBelow } from './host.ts';
import { takeEngineLock } from './lock.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { removeTree } from './remove.ts';

/** What to remove. */
export interface RemoveOptions extends EngineOptions {
  /** Also remove the installed programs. */
  readonly programs?: boolean;
}

/** The existing directories that `removeEngine` would remove. */
export async function findRemovable(options: RemoveOptions): Promise<readonly string[]> {
  const paths = enginePaths(options.env);
  const there: string[] = [];
  for (const dir of removableDirs(paths, options)) {
    const found = await lstat(dir).catch(() => undefined);
    if (found !== undefined) there.push(dir);
  }
  return there;
}

function removableDirs(paths: EnginePaths, options: RemoveOptions): readonly string[] {
  return [
    paths.stateDir,
    ...(isWithin(paths.runtimeDir, [paths.stateDir]) ? [] : [paths.runtimeDir]),
    ...(options.programs === true ? [paths.dataDir] : []),
  ];
}

/**
 * Ends the embedded engine and removes its images, caches, logs and settings. Links and mounts are not followed. Succeeds if
 * there is nothing to remove.
 *
 * @returns the directories that were removed; problems: those of `downEngine`, `engine/cannot-remove`, `engine/cannot-write`,
 *   `engine/restarted`
 */
export async function removeEngine(options: RemoveOptions): Promise<Result<readonly string[]>> {
  const paths = enginePaths(options.env);
  const notOurs = await checkOwnership(paths);
  if (notOurs !== undefined) return fail([notOurs]);
  const dirs = await findRemovable(options);
  if (dirs.length === 0) return ok([]);
  const down = await downEngine(options);
  if (!down.ok) return down;
  try {
    // The engine's own mounts were removed with it.
    const reaching = await findReaching(dirs);
    if (reaching !== undefined) return fail([reaching]);
    const lock = await takeEngineLock(paths, options);
    if (!lock.ok) return lock;
    try {
      if ((await readDaemons(paths)).some(({ alive }) => alive)) {
        return fail([
          problem('engine/restarted', 'the engine was started again while it was being removed', {
            hint: 'stop whatever starts it, such as a run, and try again',
          }),
        ]);
      }
      // The lock's directory may have just been created.
      const failed = await removeAll(await findRemovable(options), paths, options);
      if (failed !== undefined) return fail([failed]);
    } finally {
      await lock.value.release();
    }
  } catch (error) {
    return fail([fileProblem(paths.stateDir, error)]);
  }
  return ok(dirs);
}

/** Removes directories, the one with the lock last. */
async function removeAll(
  dirs: readonly string[],
  paths: EnginePaths,
  options: EngineOptions,
): Promise<Problem | undefined> {
  for (const dir of dirs) {
    for (const name of await readdir(dir)) {
      const entry = path.join(dir, name);
      if (entry === paths.runtimeDir || dir === paths.runtimeDir) continue;
      const removed = await removeTree(entry, options);
      if (!removed.ok) return removed.error;
    }
  }
  for (const dir of dirs) {
    const removed = await removeTree(dir, options);
    if (!removed.ok) return removed.error;
  }
  return undefined;
}

/** The problem if removing would affect files outside of the directories. */
async function findReaching(dirs: readonly string[]): Promise<Problem | undefined> {
  for (const dir of dirs) {
    if ((await lstat(dir)).isSymbolicLink()) {
      return problem('engine/cannot-remove', `${dir} is a link, and bake-ts follows no links`, {
        hint: `remove its target by hand if only the engine uses it: ${await realpath(dir).catch(() => 'nothing')}`,
      });
    }
    const real = await realpath(dir);
    const mounts = (await mountsBelow(path.dirname(real))).filter((point) => isWithin(point, [real]));
    if (mounts.length > 0) {
      return problem('engine/cannot-remove', `a file system is mounted in ${dir}`, {
        hint: 'unmount it first, or remove the files by hand',
        detail: mounts.join('\n'),
      });
    }
  }
  return undefined;
}
