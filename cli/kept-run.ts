/** Records the run for `logs`, `history` and `report`. */
import type { RecordedRound, RunRecorder } from '../lib/history/mod.ts';
import { fail, ok, type Plan, problem, type Result } from '../lib/model/mod.ts';
import { isSet, listOf, type ParsedArgs } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';

/** How many runs of a project are kept; 0: none. */
const KEEP_VARIABLE = 'BAKE_TS_KEEP_RUNS';

/** Records a run, and knows where. */
export interface RunKeeper extends EventReader {
  readonly logFileOf: RunRecorder['logFileOf'];
}

/** How many runs to keep; undefined: the default. Problem: `cli/bad-value`. */
export function readKeptRuns({ env }: Pick<Io, 'env'>): Result<number | undefined> {
  const written = env[KEEP_VARIABLE] ?? '';
  if (written === '') return ok(undefined);
  if (/^\d{1,4}$/.test(written)) return ok(Number(written));
  return fail([
    problem('cli/bad-value', `${KEEP_VARIABLE} cannot be "${written}"`, {
      hint: 'Set the number of runs to keep per project: a whole number up to 9999. 0 keeps none.',
    }),
  ]);
}

/** The run to record. */
export interface KeptCall {
  readonly plan: Plan;
  /** If it is a round of a watch. */
  readonly round?: RecordedRound;
}

/**
 * Opens the recorder of a run. Undefined: not recorded, because it is a dry run, or because output of untrusted builds
 * is not kept on this machine.
 */
export async function keepRun(
  { plan, round }: KeptCall,
  args: ParsedArgs,
  io: Io,
): Promise<RunKeeper | undefined> {
  const { root, grants } = plan.set;
  if (isSet(args, 'dry-run') || grants.untrusted) return undefined;
  const { RunRecorder } = await import('../lib/history/mod.ts');
  const most = readKeptRuns(io);
  const mostRuns = most.ok && most.value !== undefined ? { mostRuns: most.value } : {};
  const recorder = new RunRecorder({
    env: io.env,
    root,
    ...mostRuns,
    ...(round === undefined ? {} : { round }),
  });
  return {
    name: 'the kept run',
    onEvent: (event) => recorder.onEvent(event),
    flush: () => recorder.flush(),
    close: () => recorder.close(),
    logFileOf: (build) => recorder.logFileOf(build),
  };
}

/** Where the runs of this project are (or would be) recorded. */
export async function keptRunsDirectory(args: ParsedArgs, io: Io): Promise<string> {
  const { findRoot } = await import('../lib/config/mod.ts');
  const { runsDirectory } = await import('../lib/history/mod.ts');
  return runsDirectory(io.env, await findRoot({ cwd: io.cwd, env: io.env, files: listOf(args, 'file') }));
}
