/**
 * Owners of the engine's directories. Engines of root and of users never share state, and nothing in another user's directory is
 * trusted or deleted.
 */
import { lstat, stat } from 'node:fs/promises';
import { type Problem, problem } from '../model/mod.ts';
import { ownUid } from '../system/mod.ts';
import type { EnginePaths } from './paths.ts';

/**
 * Checks that the engine's existing directories belong to this user. Problems: `engine/other-user`, `engine/unsafe-directory`.
 *
 * @throws the runtime's error if it does not permit reading
 */
export async function checkOwnership(paths: EnginePaths): Promise<Problem | undefined> {
  // It may be a link to another disk, so its target is checked.
  const state = await stat(paths.stateDir).catch(unlessThere);
  const runtime = await lstat(paths.runtimeDir).catch(unlessThere);
  if (state === undefined && runtime === undefined) return undefined;
  const uid = ownUid();
  if (uid < 0) return undefined;
  if (state !== undefined && state.uid !== uid) {
    return problem(
      'engine/other-user',
      `the engine in ${paths.stateDir} belongs to ${nameUser(state.uid)}, and you are ${nameUser(uid)}`,
      {
        hint: `run this as ${nameUser(state.uid)}, or use your own engine: set BAKE_TS_HOME to another directory`,
      },
    );
  }
  // Its parent may be world-writable, where somebody else could create a link to any place.
  if (runtime !== undefined && (!runtime.isDirectory() || runtime.uid !== uid)) {
    return problem(
      'engine/unsafe-directory',
      runtime.uid === uid
        ? `${paths.runtimeDir} is not a directory`
        : `${paths.runtimeDir} belongs to somebody else`,
      { hint: 'remove it, or set BAKE_TS_HOME to another (short) directory' },
    );
  }
  return undefined;
}

function nameUser(uid: number): string {
  return uid === 0 ? 'root' : `user ${uid}`;
}

/** Ignores directories that do not exist or may not be read; the latter are detected by other checks. */
function unlessThere(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP') return undefined;
  throw error;
}
