/**
 * Whose the engine's folders are. An engine of root and one of a user never share a state, and nothing is trusted or deleted that lies
 * in a folder of somebody else's.
 */
import { lstat, stat } from 'node:fs/promises';
import { type Problem, problem } from '../model/mod.ts';
import { ownUid } from '../system/mod.ts';
import type { EnginePaths } from './paths.ts';

/**
 * Whether the engine's folders, those that are there, are this user's. Problems: `engine/other-user`, `engine/unsafe-directory`.
 *
 * @throws what the runtime throws where it does not permit to look
 */
export async function checkOwnership(paths: EnginePaths): Promise<Problem | undefined> {
  // It may be a link to another disk; what it leads to counts.
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
  // It may lie where everybody may write, and there a link would lead us where its maker wants.
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

/** Nothing there is nobody's. A folder that may not be looked into is somebody else's, whom its own parts will show. */
function unlessThere(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP') return undefined;
  throw error;
}
