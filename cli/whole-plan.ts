/** A plan of everything a builds.yaml has, whatever was selected: what a lock file and `validate` are about. */
import type { BuildSet, Result } from '../lib/model/mod.ts';
import type { PreparedPlan } from '../lib/prepare/mod.ts';
import type { Io } from './io.ts';

/** Plans every build of a set. */
export async function planWhole(set: BuildSet, io: Io): Promise<Result<PreparedPlan>> {
  const { preparePlan } = await import('../lib/prepare/mod.ts');
  return preparePlan(set, { patterns: [...set.builds.keys()] }, io.cwd);
}
