/** Kept runs from a script: what `bake-ts run` did lately, and everything that happened in it. */
import { findRoot } from '../config/mod.ts';
import { type KeptRun, listRuns, readEvents, runsDirectory } from '../history/mod.ts';
import { type BakeEvent, fail, ok, type Result } from '../model/mod.ts';
import { directoryFault } from '../system/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { missingDirectory } from './builds.ts';
import { permitted } from './permitted.ts';
import { type SurroundingsOptions, surroundingsOf } from './surroundings.ts';

/** Whose runs. */
export interface KeptRunsOptions extends SurroundingsOptions {
  /** Those of the project of these files; default: of the builds.yaml of `cwd` or of a directory above it. */
  readonly files?: readonly string[];
}

/**
 * The runs of a project that are kept, as `bake-ts history` lists them. Runs of the command line are; those of the library are not.
 *
 * @returns the newest first; empty where none is kept
 * @throws TypeError for options that there are not
 * @example
 * ```ts
 * const [last] = unwrap(await keptRuns());
 * for (const { build, result, durationMs } of last?.builds ?? []) console.log(build, result, durationMs);
 * ```
 */
export function keptRuns(options: KeptRunsOptions = {}): Promise<Result<readonly KeptRun[]>> {
  return permitted(async () => {
    checkOptions('keptRuns', options, { cwd: 'directory', env: 'object', files: 'texts' });
    const { cwd, env } = surroundingsOf(options);
    const fault = await directoryFault(cwd);
    if (fault !== undefined) return fail([missingDirectory(fault)]);
    const root = await findRoot({ cwd, env, files: options.files ?? [] });
    return ok(await listRuns(runsDirectory(env, root)));
  });
}

/**
 * The events of a kept run, in order, as far as they were kept: what is damaged is passed over, and for a run in progress it ends where
 * that is now. Nothing is thrown for files that are gone.
 *
 * @param run one of {@link keptRuns}
 * @param build only the events of this build
 * @throws TypeError for what is no run
 * @example
 * ```ts
 * const [last] = unwrap(await keptRuns());
 * if (last !== undefined)
 *   for await (const event of keptEvents(last)) if (event.type === 'log') console.log(event.build, event.text);
 * ```
 */
export function keptEvents(run: KeptRun, build?: string): AsyncIterable<BakeEvent> {
  if (typeof run?.dir !== 'string') throw new TypeError('keptEvents() takes a run that keptRuns() returned');
  return readEvents(run, build);
}
