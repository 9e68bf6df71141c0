/** Which builds are affected by changes since a git revision: compares git's changes with what the builds read. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ReadBuildsOptions } from '../config/mod.ts';
import { type AffectedBuild, type AffectedOptions, findAffected } from '../inspect/mod.ts';
import { LOCK_NAME, parseLock } from '../lock/mod.ts';
import { fail, ok, type Result } from '../model/mod.ts';
import { type PreparedPlan, prepareNothing, preparePlan } from '../prepare/mod.ts';
import { type Comparison, findDefinition, readBuildsBefore } from './builds-before.ts';
import { changedFiles, fileAt, openGitState } from './git.ts';

/** A plan, and what to compare it with. */
export interface SinceOptions
  extends Pick<AffectedOptions, 'plan' | 'dockerfiles' | 'hostArchitecture' | 'signal'> {
  /** A commit in any form that git accepts; `main...` is the merge base with `main`. */
  readonly revision: string;
  /** How the builds of the plan were read. */
  readonly reading: ReadBuildsOptions;
}

/** What changed, and which builds that affects. */
export interface AffectedSince {
  /** Full id of the commit that was compared. */
  readonly commit: string;
  /** Real path of the work tree. */
  readonly top: string;
  /** Files that differ from the commit: absolute paths. */
  readonly changed: readonly string[];
  /** In the order of the plan. */
  readonly builds: readonly AffectedBuild[];
}

/**
 * Finds the builds of a plan that differ from a revision. Problems: `cli/no-git`, `cli/unknown-revision`, `run/no-temp`.
 */
export async function findAffectedSince(options: SinceOptions): Promise<Result<AffectedSince>> {
  const { revision, reading, plan, signal } = options;
  const { env } = reading;
  const state = await openGitState(reading.cwd, env, revision, signal);
  if (!state.ok) return state;
  const changed = await changedFiles(state.value, env, signal);
  if (!changed.ok) return changed;
  const cwd = await realpath(reading.cwd);
  const comparison: Comparison = { state: state.value, changed: changed.value, reading, cwd };
  const found = await findAffected({
    ...options,
    env,
    changed: changed.value,
    ...(await readBefore(plan.set, comparison)),
  });
  if (!found.ok) return fail([found.error]);
  const { commit, top } = state.value;
  return ok({ commit, top, changed: changed.value, builds: found.value });
}

/**
 * The affected part of a plan with its dependencies; no builds if nothing is affected. Problems: those of planning.
 *
 * @param cwd absolute; paths in messages are relative to it
 */
export function planAffected(
  { plan }: PreparedPlan,
  affected: readonly AffectedBuild[],
  cwd: string,
): Result<PreparedPlan> {
  const patterns = affected.flatMap(({ role, build }) => (role === 'asked' ? build : []));
  return patterns.length === 0 ? ok(prepareNothing(plan.set, cwd)) : preparePlan(plan.set, { patterns }, cwd);
}

/** The earlier content of builds.yaml and builds.lock, if one of them changed. */
async function readBefore(
  set: AffectedOptions['plan']['set'],
  comparison: Comparison,
): Promise<Pick<AffectedOptions, 'before' | 'lockBefore'>> {
  const { state, changed, reading, cwd } = comparison;
  if (changed.length === 0) return {};
  const definition = await findDefinition(set, reading.varFiles ?? [], cwd);
  const isTouched = definition.readsUnknown || changed.some((file) => definition.files.has(file));
  const lockFile = path.join(await realpath(set.root), LOCK_NAME);
  const lockText = changed.includes(lockFile) ? await fileAt(state, reading.env, lockFile) : undefined;
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
