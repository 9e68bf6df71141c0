/** Finds programs. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { missingPermissions } from '../util/permission.ts';
import { type System, thisSystem, variableName } from './platform.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** File types that Windows runs without a shell. Scripts (`.cmd`, `.bat`) need one, and Node refuses them. */
const WINDOWS_ENDINGS = ['.exe', '.com'] as const;

/**
 * Possible paths of a program, in search order. A name with a directory is used directly; others are looked up only on
 * PATH, never in the working directory. On Windows the name ends in `.exe` or `.com`, which may be omitted, and PATH
 * may be spelled `Path`.
 */
export function programCandidates(
  name: string,
  env: Environment,
  system: System,
  paths: path.PlatformPath = path,
): readonly string[] {
  const names = system === 'win32' ? withEnding(name) : [name];
  if (paths.basename(name) !== name) return names.map((one) => paths.resolve(one));
  return searchPath(env, system)
    .split(paths.delimiter)
    .filter((dir) => paths.isAbsolute(dir))
    .flatMap((dir) => names.map((one) => paths.join(dir, one)));
}

function withEnding(name: string): readonly string[] {
  const isWritten = WINDOWS_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));
  return isWritten ? [name] : WINDOWS_ENDINGS.map((ending) => name + ending);
}

/** The variable PATH. On Windows names of variables ignore case, but a copy of the environment does not. */
function searchPath(env: Environment, system: System): string {
  const exact = env['PATH'];
  if (exact !== undefined || system !== 'win32') return exact ?? '';
  return Object.entries(env).find(([name]) => variableName(name, system) === 'PATH')?.[1] ?? '';
}

/**
 * The absolute path of the first executable of that name on PATH; a name with a directory is used directly. Returns the
 * name unchanged if the runtime may not read all of PATH: the system finds it when it is run.
 */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  return findProgramNow(name, env);
}

/** The same, synchronous. */
export function findProgramNow(
  name: string,
  env: Environment,
  system: System = thisSystem(),
): string | undefined {
  let isHidden = false;
  for (const candidate of programCandidates(name, env, system)) {
    const found = lookAt(candidate, system);
    if (found === 'hidden') isHidden = true;
    else if (found === 'executable' && !isHidden) return candidate;
  }
  return isHidden ? name : undefined;
}

/** True for an executable file (not a directory), and for one that the runtime may not check. */
export async function isExecutable(file: string): Promise<boolean> {
  return lookAt(file, thisSystem()) !== 'none';
}

function lookAt(file: string, system: System): 'executable' | 'hidden' | 'none' {
  let found: Stats;
  try {
    found = statSync(file);
  } catch (error) {
    return missingPermissions(error) === undefined ? 'none' : 'hidden';
  }
  if (!found.isFile()) return 'none';
  // Windows has no permission bits; the file's extension decides.
  if (system === 'win32') return 'executable';
  try {
    // Synchronous, because without the permission to read user ids, Deno would otherwise throw later where it cannot be caught.
    accessSync(file, constants.X_OK);
    return 'executable';
  } catch (error) {
    if (missingPermissions(error) === undefined) return 'none';
    return (found.mode & ANY_MAY_RUN) === 0 ? 'none' : 'executable';
  }
}

/** Executable for its owner, the group or others. */
const ANY_MAY_RUN = 0o111;
