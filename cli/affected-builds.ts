/** Which builds changes since a git revision touch, for `affected` and `run --since`. */
import { fail, ok, type Result } from '../lib/model/mod.ts';
import type { PreparedPlan } from '../lib/prepare/mod.ts';
import { plural } from '../lib/report/mod.ts';
import type { AffectedSince } from '../lib/since/mod.ts';
import { type ParsedArgs, textOf } from './args.ts';
import { EXIT, type ExitCode, exitCodeOfSignal } from './exit-codes.ts';
import { readingOf, selectionOf } from './inputs.ts';
import type { Io } from './io.ts';
import { reportProblems } from './output.ts';
import { planSelected, type SelectedPlan } from './planned.ts';
import { withCancellation } from './signals.ts';

/**
 * Plans what is selected. Where nothing is named, or only what is left out, that is taken from everything and not from the
 * group `default`: a change may touch any build.
 */
export function planTouchable(args: ParsedArgs, io: Io): Promise<Result<SelectedPlan>> {
  const { patterns, ...selection } = selectionOf(args);
  const isOpen = patterns.every((one) => one.startsWith('!'));
  return planSelected(args, io, { ...selection, patterns, whole: isOpen });
}

/**
 * Finds the builds of a plan that differ from a revision (`main...`: where this branch left `main`).
 *
 * Problems: those of git, `run/no-temp`.
 */
export async function findSince(
  revision: string,
  { plan, dockerfiles }: PreparedPlan,
  { args, io, signal }: { readonly args: ParsedArgs; readonly io: Io; readonly signal: AbortSignal },
): Promise<Result<AffectedSince>> {
  const reading = await readingOf(args, io);
  if (!reading.ok) return reading;
  const { findAffectedSince } = await import('../lib/since/mod.ts');
  return findAffectedSince({
    revision,
    plan,
    dockerfiles,
    reading: reading.value,
    hostArchitecture: io.architecture,
    signal,
  });
}

/** What a run is about. */
export interface RunPlan extends SelectedPlan {
  /** Set where there is nothing to do, which is no error: why, in one line. */
  readonly nothing?: string;
}

/**
 * Plans what `run` is asked for; with `--since` only what of it is affected, and what that needs. Reports what is wrong.
 *
 * @returns the exit code where there is no plan
 */
export async function planRun(args: ParsedArgs, io: Io): Promise<RunPlan | ExitCode> {
  const since = textOf(args, 'since');
  const planned = await (since === undefined ? planSelected(args, io) : planTouchable(args, io));
  if (!planned.ok) return reportProblems(planned.error, args, io);
  if (since === undefined) return planned.value;
  let narrowed: Result<RunPlan> | undefined;
  const code = await withCancellation(io, async ({ signal, stoppedBy }) => {
    const affected = await findSince(since, planned.value, { args, io, signal });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    if (!affected.ok) return reportProblems(affected.error, args, io);
    narrowed = await narrowPlan(since, planned.value, affected.value, io);
    return narrowed.ok ? EXIT.ok : reportProblems(narrowed.error, args, io);
  });
  return narrowed?.ok === true ? narrowed.value : code;
}

async function narrowPlan(
  since: string,
  planned: SelectedPlan,
  { builds, changed }: AffectedSince,
  io: Io,
): Promise<Result<RunPlan>> {
  const { plan, warnings } = planned;
  const { planAffected } = await import('../lib/since/mod.ts');
  const prepared = planAffected(planned, builds, io.cwd);
  if (!prepared.ok) return fail([...warnings, ...prepared.error]);
  if (prepared.value.plan.nodes.size > 0) return ok({ ...prepared.value, warnings });
  const none =
    plan.nodes.size === 1
      ? 'the build does not depend on that'
      : `none of ${plan.nodes.size} builds depends on that`;
  const nothing = `nothing to do: ${plural(changed.length, 'file')} changed since ${since}, and ${none}`;
  return ok({ ...prepared.value, warnings, nothing });
}
