/** Which files are read if none are named. */
import { statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Environment, Problem } from '../model/mod.ts';
import { missingPermissions, permissionProblem } from '../util/permission.ts';
import { BAKE_NAMES } from './bake-files.ts';

/**
 * Names that are looked for, in this order, in the working directory and above. `builds.js` is not included: it may be an
 * unrelated script, which would be run.
 */
export const DEFAULT_FILES: readonly string[] = [
  'builds.yaml',
  'builds.yml',
  'builds.json',
  'builds.ts',
  'builds.mts',
  'builds.mjs',
];

/**
 * The root of the project of a working directory, without reading any file: the directory of the first file, or the
 * working directory itself if there is none.
 */
export async function findRoot({
  cwd,
  env = {},
  files = [],
}: {
  readonly cwd: string;
  readonly env?: Environment;
  readonly files?: readonly string[];
}): Promise<string> {
  const [first] = files.length > 0 ? files : locate(cwd, env).files;
  return first === undefined || first === '-' ? cwd : dirname(resolve(cwd, first));
}

/** Files that were found, absolute; all of bake's and Compose's are read. */
export interface Located {
  readonly files: readonly string[];
  readonly isBake: boolean;
  /** Found by bake's default names, and not named by an environment variable. */
  readonly isSearched: boolean;
}

/** Finds a builds file, or bake's and Compose's files if there is none. */
export function locate(cwd: string, env: Environment, findsBake = true): Located {
  const files = nearest(cwd, DEFAULT_FILES);
  if (files.length > 0 || !findsBake) return { files, isBake: false, isSearched: true };
  const named = env['BUILDX_BAKE_FILE']?.split(env['BUILDX_BAKE_PATH_SEPARATOR'] || delimiter) ?? [];
  const chosen = named.map((file) => file.trim()).filter((file) => file !== '');
  if (chosen.length > 0)
    return { files: chosen.map((file) => resolve(cwd, file)), isBake: true, isSearched: false };
  return { files: nearestBake(cwd), isBake: true, isSearched: true };
}

/**
 * Looks above the working directory only within a repository: names like compose.yaml are common, and a file in a home
 * directory is unrelated to what is below.
 */
function nearestBake(cwd: string): readonly string[] {
  const found = nearest(cwd, BAKE_NAMES);
  const [first] = found;
  if (first === undefined || dirname(first) === cwd) return found;
  return isInRepository(dirname(first)) ? found : [];
}

function isInRepository(start: string): boolean {
  for (let dir = start; ; dir = dirname(dir)) {
    if (look(join(dir, '.git')) === 'there') return true;
    if (dirname(dir) === dir) return false;
  }
}

/** All files with these names in the nearest directory that has any. */
function nearest(cwd: string, names: readonly string[]): readonly string[] {
  for (let dir = cwd; ; dir = dirname(dir)) {
    const found = names.map((name) => join(dir, name)).filter((file) => look(file) === 'there');
    if (found.length > 0) return found;
    if (dirname(dir) === dir || look(join(dir, '.git')) !== 'absent') return [];
  }
}

/**
 * The problem that makes an unsuccessful search unreliable: the runtime does not permit access to a directory on the way
 * up.
 */
export function findHidden(cwd: string): Problem | undefined {
  for (let dir = cwd; ; dir = dirname(dir)) {
    for (const name of [...DEFAULT_FILES, '.git']) {
      const found = look(join(dir, name));
      if (found === 'hidden') return permissionProblem([{ kind: 'read', what: dir }]);
      if (found === 'there') return undefined;
    }
    if (dirname(dir) === dir) return undefined;
  }
}

/** `hidden`: the runtime does not permit access. */
function look(path: string): 'there' | 'hidden' | 'absent' {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? 'absent' : 'there';
  } catch (error) {
    return missingPermissions(error) === undefined ? 'absent' : 'hidden';
  }
}
