/** Why a path is not a usable directory. */
import { stat } from 'node:fs/promises';
import { missingPermissions } from '../util/permission.ts';

/**
 * Why a path is not an existing directory, as text. Undefined: it is, or the runtime does not permit the check; then
 * reading in it reports more.
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
