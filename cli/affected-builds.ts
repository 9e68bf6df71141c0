/** Which builds changes since a git revision touch, for `affected` and `run --since`. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { AffectedBuild, AffectedOptions } from '../lib/inspect/mod.ts';
import { fail, ok, type Result } from '../lib/model/mod.ts';
import type { PreparedPlan } from '../lib/prepare/mod.ts';
import { plural } from '../lib/report/mod.ts';
import { type ParsedArgs, textOf } from './args.ts';
import { type Comparison, findDefinition, readBuildsBefore } from './builds-before.ts';
import { EXIT, type ExitCode, exitCodeOfSignal } from './exit-codes.ts';
import { changedFiles, fileAt, type GitState, openGitState } from './git.ts';
import { selectionOf } from './inputs.ts';
import type { Io } from './io.ts';
import { reportProblems } from './output.ts';
import { planSelected, type SelectedPlan } from './planned.ts';
import { withCancellation } from './signals.ts';

/** What changed, and what that touches. */
export interface Affected {
  readonly state: GitState;
  /** Absolute paths. */
  readonly changed: readonly string[];
  /** In the order of the plan. */
  readonly builds: readonly AffectedBuild[];
}

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
export async function findAffectedSince(
  revision: string,
  { plan, dockerfiles }: PreparedPlan,
  { args, io, signal }: { readonly args: ParsedArgs; readonly io: Io; readonly signal: AbortSignal },
): Promise<Result<Affected>> {
  const state = await openGitState(io.cwd, io.env, revision, signal);
  if (!state.ok) return state;
  const changed = await changedFiles(state.value, io.env, signal);
  if (!changed.ok) return changed;
  const cwd = await realpath(io.cwd);
  const comparison: Comparison = { state: state.value, changed: changed.value, args, io, cwd };
  const { findAffected } = await import('../lib/inspect/mod.ts');
  const found = await findAffected({
    plan,
    dockerfiles,
    env: io.env,
    hostArchitecture: io.architecture,
    signal,
    changed: changed.value,
    ...(await readBefore(plan.set, comparison)),
  });
  if (!found.ok) return fail([found.error]);
  return ok({ state: state.value, changed: changed.value, builds: found.value });
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
    const affected = await findAffectedSince(since, planned.value, { args, io, signal });
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
  { builds, changed }: Affected,
  io: Io,
): Promise<Result<RunPlan>> {
  const { plan, warnings } = planned;
  const patterns = builds.filter(({ role }) => role === 'asked').map(({ build }) => build);
  if (patterns.length === 0) {
    const nothing = `nothing to do: ${plural(changed.length, 'file')} changed since ${since}, and ${plan.nodes.size === 1 ? 'the build does not depend on that' : `none of ${plan.nodes.size} builds depends on that`}`;
    return ok({ ...planned, missing: [], plan: { ...plan, nodes: new Map() }, nothing });
  }
  const { preparePlan } = await import('../lib/prepare/mod.ts');
  const prepared = preparePlan(plan.set, { patterns }, io.cwd);
  return prepared.ok ? ok({ ...prepared.value, warnings }) : fail([...warnings, ...prepared.error]);
}

/** What builds.yaml and builds.lock said before, where one of them changed. */
async function readBefore(
  set: AffectedOptions['plan']['set'],
  comparison: Comparison,
): Promise<Pick<AffectedOptions, 'before' | 'lockBefore'>> {
  const { state, changed, args, io, cwd } = comparison;
  if (changed.length === 0) return {};
  const definition = await findDefinition(set, args, cwd);
  const isTouched = definition.readsUnknown || changed.some((file) => definition.files.has(file));
  const { LOCK_NAME, parseLock } = await import('../lib/lock/mod.ts');
  const lockFile = path.join(await realpath(set.root), LOCK_NAME);
  const lockText = changed.includes(lockFile) ? await fileAt(state, io.env, lockFile) : undefined;
  const lock =
    lockText === undefined
      ? undefined
      : await parseLock({ path: LOCK_NAME, text: new TextDecoder().decode(lockText) });
  return {
    ...(isTouched ? { before: { set: await readBuildsBefore(definition, comparison) } } : {}),
    ...(changed.includes(lockFile)
      ? { lockBefore: { lock: lock?.ok === true ? lock.value : undefined } }
      : {}),
  };
}
