/** Why a path is no directory to work in. */
import { stat } from 'node:fs/promises';
import { throwDenied } from '../util/permission.ts';

/**
 * In words, what keeps a path from being a directory that is there; undefined: nothing.
 *
 * @throws what says that the runtime does not permit to look
 */
export async function directoryFault(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isDirectory() ? undefined : `${path} is not a directory`;
  } catch (error) {
    throwDenied(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' ? `There is no directory ${path}` : `${path} cannot be read: ${code}`;
  }
}
