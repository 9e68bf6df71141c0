/** Recorded runs for scripts: the last runs of `bake-ts run`, and their events. */
import { findRoot } from '../config/mod.ts';
import { type KeptRun, listRuns, readEvents, runsDirectory } from '../history/mod.ts';
import { type BakeEvent, fail, ok, type Result } from '../model/mod.ts';
import { directoryFault } from '../system/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { missingDirectory } from './builds.ts';
import { permitted } from './permitted.ts';
import { type SurroundingsOptions, surroundingsOf } from './surroundings.ts';

/** Which runs to list. */
export interface KeptRunsOptions extends SurroundingsOptions {
  /** Runs of the project of these files. Default: of the builds.yaml in `cwd` or in a directory above it. */
  readonly files?: readonly string[];
}

/**
 * Lists the kept runs of a project, as `bake-ts history` does. Runs of the command line are kept, runs of the library are not.
 *
 * @returns the newest run first; an empty list if none is kept
 * @throws TypeError for unknown options
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
 * The events of a kept run, in order, as far as they were kept. Damaged events are skipped. For a run in progress, it ends with the
 * latest event. Missing files do not cause an exception.
 *
 * @param run a result of {@link keptRuns}
 * @param build only the events of this build
 * @throws TypeError if it is not a run
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
