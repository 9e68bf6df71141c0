/** From options to a plan: of the selected builds, or of all. */
import { type BuildSet, fail, ok, type Problem, type Result } from '../lib/model/mod.ts';
import type { Selection } from '../lib/plan/mod.ts';
import type { PreparedPlan } from '../lib/prepare/mod.ts';
import type { ParsedArgs } from './args.ts';
import { readInputs, selectionOf } from './inputs.ts';
import type { Io } from './io.ts';

/** A plan, with the warnings of reading builds.yaml. */
export interface SelectedPlan extends PreparedPlan {
  readonly warnings: readonly Problem[];
}

/** Reads builds.yaml and plans the selected builds. Problems: those of both; warnings of reading are included. */
export async function planSelected(
  args: ParsedArgs,
  io: Io,
  selection: Selection = selectionOf(args),
): Promise<Result<SelectedPlan>> {
  const read = await readInputs(args, io);
  if (!read.ok) return read;
  const { set, warnings } = read.value;
  const { preparePlan } = await import('../lib/prepare/mod.ts');
  const prepared = preparePlan(set, selection, io.cwd);
  return prepared.ok ? ok({ ...prepared.value, warnings }) : fail([...warnings, ...prepared.error]);
}

/** Plans every build of a set regardless of the selection, for lock files and `validate`. */
export async function planWhole(set: BuildSet, io: Io): Promise<Result<PreparedPlan>> {
  const { preparePlan } = await import('../lib/prepare/mod.ts');
  return preparePlan(set, { patterns: [], whole: true }, io.cwd);
}
