/** Where programs lie. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { missingPermissions } from '../util/permission.ts';
import { type System, thisSystem, variableName } from './platform.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What Windows runs without a shell. Scripts (`.cmd`, `.bat`) need one, and Node refuses them. */
const WINDOWS_ENDINGS = ['.exe', '.com'] as const;

/**
 * Where a program may lie, in the order in which it is looked for: a name with a directory stands for itself, any other one is looked
 * for on PATH alone, never in the working directory. On Windows its name ends in `.exe` or `.com`, written or not, and PATH may be
 * written `Path`.
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

/** The variable PATH; on Windows names of variables have no case, but a copy of the environment does. */
function searchPath(env: Environment, system: System): string {
  const exact = env['PATH'];
  if (exact !== undefined || system !== 'win32') return exact ?? '';
  return Object.entries(env).find(([name]) => variableName(name, system) === 'PATH')?.[1] ?? '';
}

/**
 * The first executable of that name on PATH, as an absolute path; a name with a directory stands for itself. The name as it is where
 * the runtime does not let us look into all of PATH: the system finds it when it is run.
 */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  return findProgramNow(name, env);
}

/** The same, for callers that cannot wait. */
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

/** True for a file (not a directory) that may be run, and for one that the runtime does not let us look at. */
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
  // Windows has no such bits: what a file is says its name.
  if (system === 'win32') return 'executable';
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
