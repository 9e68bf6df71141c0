/** Why a path is no directory to work in. */
import { stat } from 'node:fs/promises';
import { missingPermissions } from '../util/permission.ts';

/**
 * As text, what keeps a path from being a directory that is there; undefined: nothing, or the runtime does not permit to look, of
 * which whoever reads in it says more.
 */
export async function directoryFault(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isDirectory() ? undefined : `${path} is not a directory`;
  } catch (error) {
    if (missingPermissions(error) !== undefined) return undefined;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' ? `There is no directory ${path}` : `${path} cannot be read: ${code}`;
  }
}
