/** Removes files of the daemons. Without root some belong to users that exist only in a namespace, and are removed from within one. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { findProgram, runProgram, whyFailed } from '../system/mod.ts';
import { fileProblem } from './host.ts';
import { readInstallation } from './installation.ts';
import type { EngineOptions } from './notice.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { isRootless, onceInNamespace } from './rootless.ts';

/** Long enough for the files of a large cache on a slow disk. */
const REMOVE_TIMEOUT_MS = 30 * 60_000;

/**
 * Removes a file or a directory with its contents. Links are removed, not followed. The caller must have checked that nothing is
 * mounted below it. Succeeds if it does not exist. Problems: `engine/cannot-write`, `engine/cannot-remove`.
 */
export async function removeTree(
  target: string,
  options: EngineOptions,
): Promise<Result<undefined, Problem>> {
  try {
    await rm(target, { recursive: true, force: true });
    return ok(undefined);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isRootless() || (code !== 'EACCES' && code !== 'EPERM')) return fail(fileProblem(target, error));
  }
  const inside = await findInside(enginePaths(options.env), options);
  const remove = await findProgram('rm', options.env);
  const [program, ...before] = inside;
  if (program === undefined || remove === undefined) {
    return fail(
      problem('engine/cannot-remove', `${target} has files of users that exist only in a user namespace`, {
        hint: 'install rootlesskit, which is needed to remove them: bake-ts engine install',
      }),
    );
  }
  const removed = await runProgram({
    program,
    argv: [...before, remove, '-rf', '--', target],
    env: options.env,
    timeoutMs: REMOVE_TIMEOUT_MS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (removed.exitCode === 0) return ok(undefined);
  return fail(
    problem('engine/cannot-remove', `${target} could not be removed`, {
      hint: 'check user namespaces: bake-ts engine doctor',
      detail: removed.stderr.trim().slice(-1_000) || whyFailed(removed),
    }),
  );
}

/** The command prefix that runs a program in a namespace: rootlesskit of the installation, or else on PATH; empty if there is none. */
async function findInside(paths: EnginePaths, options: EngineOptions): Promise<readonly string[]> {
  const installed = (await readInstallation(paths))?.parts.get('rootlesskit')?.file;
  const rootlesskit = installed ?? (await findProgram('rootlesskit', options.env));
  return rootlesskit === undefined ? [] : onceInNamespace(path.resolve(rootlesskit));
}
