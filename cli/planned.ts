/** From options to a plan: what is selected, or everything that a builds.yaml has. */
import { type BuildSet, fail, ok, type Problem, type Result } from '../lib/model/mod.ts';
import type { Selection } from '../lib/plan/mod.ts';
import type { PreparedPlan } from '../lib/prepare/mod.ts';
import type { ParsedArgs } from './args.ts';
import { readInputs, selectionOf } from './inputs.ts';
import type { Io } from './io.ts';

/** A plan with what was noticed while builds.yaml was read. */
export interface SelectedPlan extends PreparedPlan {
  readonly warnings: readonly Problem[];
}

/** Reads builds.yaml and plans what is selected. Problems: those of both, the warnings of reading among them. */
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

/** Plans every build of a set, whatever is selected: what a lock file and `validate` are about. */
export async function planWhole(set: BuildSet, io: Io): Promise<Result<PreparedPlan>> {
  const { preparePlan } = await import('../lib/prepare/mod.ts');
  return preparePlan(set, { patterns: [], whole: true }, io.cwd);
}
