/** Inspects builds without running them. */
import path from 'node:path';
import type { AffectedBuild, ExplainReport, LintReport } from '../inspect/mod.ts';
import { fail, ok, type Result } from '../model/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import {
  cwdOf,
  originOf,
  PLANNED_OPTIONS,
  type PlannedOptions,
  planOf,
  preparedOf,
  workOf,
} from './builds.ts';
import { CALL_SETTINGS, type CallSettings, callSettingsOf } from './call-settings.ts';
import { permitted } from './permitted.ts';

/** What to explain. */
export interface ExplainOptions extends PlannedOptions, CallSettings {}

/**
 * Explains what a run would do with each build and why: the key and its inputs, differences from
 * the last success, what registries have. Builds, pushes and records nothing.
 *
 * @returns an explanation for each build, in the order of the plan; problems of reading and planning
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { builds } = unwrap(await explain({ patterns: ['api'] }));
 * for (const { build, decision, reason } of builds) console.log(build, decision, reason?.text);
 * ```
 */
export function explain(options: ExplainOptions = {}): Promise<Result<ExplainReport>> {
  return permitted(
    async () => {
      checkOptions('explain', options, { ...PLANNED_OPTIONS, ...CALL_SETTINGS });
      const planned = await planOf(options);
      if (!planned.ok) return planned;
      const { explainBuilds } = await import('../inspect/mod.ts');
      return ok(await explainBuilds({ ...workOf(planned.value), ...callSettingsOf(options) }));
    },
    options,
    true,
  );
}

/** What changed: since a commit, or a list of files. */
export interface AffectedOptions extends PlannedOptions {
  /** A commit, in any form that git accepts. `main...` is where this branch left `main`. */
  readonly since?: string;
  /** Instead of `since`: files that were changed, added or removed; paths relative to `cwd`. A directory stands for everything below it. */
  readonly changed?: readonly string[];
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

/**
 * Finds the builds that are affected by changes, and why. If in doubt, a build is included. Without patterns, all builds are considered.
 *
 * @returns the affected builds and their dependents, in the order of the plan; problems of git
 *   (`cli/no-git`, `cli/unknown-revision`), of reading and of planning
 * @throws TypeError for unknown options, and unless exactly one of `since` and `changed` is given
 * @example
 * ```ts
 * const builds = unwrap(await affected({ since: 'main...' }));
 * console.log(builds.map((one) => one.build));
 * ```
 */
export function affected(options: AffectedOptions): Promise<Result<readonly AffectedBuild[]>> {
  return permitted(
    async () => {
      checkOptions('affected', options, {
        ...PLANNED_OPTIONS,
        since: 'text',
        changed: 'texts',
        signal: 'signal',
      });
      const { since, changed } = options;
      if ((since === undefined) === (changed === undefined))
        throw new TypeError('affected() takes one of the options "since" and "changed"');
      const planned = await planOf(options, ['*']);
      if (!planned.ok) return planned;
      const work = { ...workOf(planned.value), ...callSettingsOf(options) };
      if (changed !== undefined) {
        const cwd = cwdOf(planned.value.builds);
        const { findAffected } = await import('../inspect/mod.ts');
        const found = await findAffected({
          ...work,
          changed: changed.map((file) => path.resolve(cwd, file)),
        });
        return found.ok ? found : fail([found.error]);
      }
      const { findAffectedSince } = await import('../since/mod.ts');
      const { reading } = originOf(planned.value.builds);
      const found = await findAffectedSince({ ...work, revision: since ?? '', reading });
      return found.ok ? ok(found.value.builds) : found;
    },
    options,
    true,
  );
}

/** What to check. */
export interface LintOptions extends PlannedOptions, CallSettings {
  /** How many calls of buildctl run at the same time. Default: two for each processor. */
  readonly jobs?: number;
}

/**
 * Checks the Dockerfiles of the selected builds with BuildKit's own rules. Builds nothing. Without patterns, all builds are checked.
 *
 * @returns the findings (`lint/…`), each with its place; problems of reading, planning, and of the engine
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { problems, builds } = unwrap(await lint());
 * console.log(problems.length === 0 ? `${builds} builds are fine` : formatProblems(problems));
 * ```
 */
export function lint(options: LintOptions = {}): Promise<Result<LintReport>> {
  return permitted(
    async () => {
      checkOptions('lint', options, { ...PLANNED_OPTIONS, ...CALL_SETTINGS, jobs: 'count' });
      const planned = await planOf(options, ['*']);
      if (!planned.ok) return planned;
      const { jobs } = options;
      const { lintPlan } = await import('../inspect/mod.ts');
      return lintPlan({
        prepared: preparedOf(planned.value),
        env: workOf(planned.value).env,
        ...callSettingsOf(options),
        ...(jobs === undefined ? {} : { jobs }),
      });
    },
    options,
    true,
  );
}
