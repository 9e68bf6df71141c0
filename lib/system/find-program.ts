/** Where programs lie. */
import { accessSync, constants, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { missingPermissions } from '../util/permission.ts';

/**
 * The first executable of that name on PATH, as an absolute path; a name with a slash stands for itself. The name as it is where
 * the runtime does not let us look into all of PATH: the system finds it when it is run.
 */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [path.resolve(name)]
    : (env['PATH'] ?? '')
        .split(path.delimiter)
        .filter((dir) => path.isAbsolute(dir))
        .map((dir) => path.join(dir, name));
  let isHidden = false;
  for (const candidate of candidates) {
    const found = await lookAt(candidate);
    if (found === 'hidden') isHidden = true;
    else if (found === 'executable' && !isHidden) return candidate;
  }
  return isHidden ? name : undefined;
}

/** True for a file (not a directory) that may be run, and for one that the runtime does not let us look at. */
export async function isExecutable(file: string): Promise<boolean> {
  return (await lookAt(file)) !== 'none';
}

async function lookAt(file: string): Promise<'executable' | 'hidden' | 'none'> {
  let found: Stats;
  try {
    found = await stat(file);
  } catch (error) {
    return missingPermissions(error) === undefined ? 'none' : 'hidden';
  }
  if (!found.isFile()) return 'none';
  try {
    // At once: later, Deno throws where nobody can catch it if it may not ask who runs this.
    accessSync(file, constants.X_OK);
    return 'executable';
  } catch (error) {
    if (missingPermissions(error) === undefined) return 'none';
    return (found.mode & ANY_MAY_RUN) === 0 ? 'none' : 'executable';
  }
}

/** Its owner, the group or others may run it. */
const ANY_MAY_RUN = 0o111;
