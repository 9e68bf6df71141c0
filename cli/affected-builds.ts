/** Finds the builds that changed since a git revision, for `affected` and `run --since`. */
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
 * Plans the selected builds. If no build is named, or builds are only excluded, it plans all builds instead of the
 * group `default`, because a change may affect any build.
 */
export function planTouchable(args: ParsedArgs, io: Io): Promise<Result<SelectedPlan>> {
  const { patterns, ...selection } = selectionOf(args);
  const isOpen = patterns.every((one) => one.startsWith('!'));
  return planSelected(args, io, { ...selection, patterns, whole: isOpen });
}

/**
 * Finds the builds of a plan that changed since a revision (`main...`: since this branch left `main`).
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

/** The plan of a run. */
export interface RunPlan extends SelectedPlan {
  /** Why there is nothing to do, in one line. This is not an error. */
  readonly nothing?: string;
}

/**
 * Plans what `run` was requested to build. With `--since` these are only the affected builds and their dependencies.
 * Reports problems.
 *
 * @returns the exit code if there is no plan
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
