/** Finds buildctl. */
import { type Environment, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { findProgram, type System, thisSystem } from '../system/mod.ts';
import { buildctlElsewhere } from './elsewhere.ts';
import type { Installation } from './installation.ts';

/**
 * Returns the buildctl to use: `BUILDCTL`, the embedded engine's, or the first on PATH. Problem: `engine/no-buildctl`.
 */
export async function findBuildctl(
  env: Environment,
  installation: Installation | undefined,
  system: System = thisSystem(),
): Promise<Result<string, Problem>> {
  const wanted = env['BUILDCTL'] ?? '';
  if (wanted !== '') {
    const found = await findProgram(wanted, env);
    if (found !== undefined) return ok(found);
    return fail(
      problem('engine/no-buildctl', `BUILDCTL is "${wanted}", which does not exist`, {
        hint: 'set it to the path of buildctl, or unset it',
      }),
    );
  }
  const own = installation?.parts.get('buildctl')?.file ?? (await findProgram('buildctl', env));
  if (own !== undefined) return ok(own);
  if (system !== 'linux') {
    return fail(
      problem('engine/no-buildctl', 'buildctl is not on PATH', { hint: buildctlElsewhere(system) }),
    );
  }
  return fail(
    problem('engine/no-buildctl', 'buildctl is neither installed with the engine nor on PATH', {
      hint: 'install it: bake-ts engine install (or set BUILDCTL to its path)',
    }),
  );
}
