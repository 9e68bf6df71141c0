/** Publishes built images. */
import type { Merged, PartResult } from '../merge/mod.ts';
import { ok, type Problem, type Result } from '../model/mod.ts';
import type { Promotion } from '../promote/mod.ts';
import type { PushedBuild } from '../run/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { VERSION } from '../util/version.ts';
import { PLANNED_OPTIONS, type PlannedOptions, planOf, workOf } from './builds.ts';
import { CALL_SETTINGS, type CallSettings, callSettingsOf } from './call-settings.ts';
import { permitted } from './permitted.ts';

/** What to promote, and to where. */
export interface PromoteOptions extends PlannedOptions {
  /** `REGISTRY[/PREFIX]`, or `FROM=TO`, each side of which is `REGISTRY[/PREFIX]`. */
  readonly to: readonly string[];
  /** Also copy signatures, SBOMs and other manifests that refer to the images. */
  readonly referrers?: boolean;
  /** Only check; write nothing. */
  readonly dryRun?: boolean;
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

/**
 * Copies the images of the selected builds to another place and moves their tags there: first all bytes by digest, then all tags or none.
 *
 * @returns the result for each tag. If there are problems (`registry/…`, `run/…`, `plan/…`), nothing was sent, or every tag is where it was
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { tags } = unwrap(await promote({ to: ['registry.example.com/live'] }));
 * for (const { target, digest, action } of tags) console.log(target, digest, action);
 * ```
 */
export function promote(options: PromoteOptions): Promise<Result<Promotion>> {
  return permitted(async () => {
    checkOptions('promote', options, {
      ...PLANNED_OPTIONS,
      to: 'texts',
      referrers: 'flag',
      dryRun: 'flag',
      signal: 'signal',
    });
    const { to, referrers, dryRun, signal } = options;
    if (to === undefined) throw new TypeError('promote() needs the option "to"');
    const { promote: promotePlan, readDestinations } = await import('../promote/mod.ts');
    const destinations = readDestinations(to);
    if (!destinations.ok) return destinations;
    const planned = await planOf(options);
    if (!planned.ok) return planned;
    const { plan, env } = workOf(planned.value);
    return promotePlan({
      plan,
      env,
      to: destinations.value,
      userAgent: `bake-ts/${VERSION}`,
      ...(referrers === undefined ? {} : { referrers }),
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(signal === undefined ? {} : { signal }),
    });
  }, options);
}

/** What to join. */
export interface MergeOptions extends PlannedOptions {
  /** Results of the runs of single platforms, `run({ byDigest: true })`: the outcomes of their summaries, in any order. */
  readonly results: readonly PartResult[];
  /** Only check; write nothing. */
  readonly dryRun?: boolean;
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

/**
 * Joins platforms of the selected builds that were built separately, and moves the builds' tags to the joined images: first all indexes by
 * digest, then all tags or none.
 *
 * @returns the result for each build. If there are problems (`registry/…`, `run/…`, `plan/…`), nothing was sent, or every tag is where
 *   it was
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const results = [];
 * for (const platform of ['linux/amd64', 'linux/arm64']) {
 *   const { outcomes } = unwrap(await run({ patterns: ['api'], set: [`*.platforms=${platform}`], byDigest: true }));
 *   results.push(...outcomes);
 * }
 * for (const { build, digest } of unwrap(await merge({ patterns: ['api'], results })).builds) console.log(build, digest);
 * ```
 */
export function merge(options: MergeOptions): Promise<Result<Merged>> {
  return permitted(async () => {
    checkOptions('merge', options, {
      ...PLANNED_OPTIONS,
      results: 'objects',
      dryRun: 'flag',
      signal: 'signal',
    });
    const { results, dryRun, signal } = options;
    if (results === undefined) throw new TypeError('merge() needs the option "results"');
    const { merge: mergePlan } = await import('../merge/mod.ts');
    const planned = await planOf(options);
    if (!planned.ok) return planned;
    const { plan, env } = workOf(planned.value);
    return mergePlan({
      plan,
      env,
      results,
      userAgent: `bake-ts/${VERSION}`,
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(signal === undefined ? {} : { signal }),
    });
  }, options);
}

/** How a push ended: `ok` if all selected builds with tags are at their tags. */
export type PushResult =
  | { readonly ok: true; readonly value: readonly PushedBuild[] }
  | {
      readonly ok: false;
      /** Why builds were not pushed. */
      readonly error: readonly Problem[];
      /** The result for each build; absent if the push could not begin. */
      readonly builds?: readonly PushedBuild[];
    };

/** What to push. */
export interface PushOptions extends PlannedOptions, CallSettings {}

/**
 * Pushes images that the selected builds made earlier, from the engine's store to their tags. Builds nothing.
 *
 * @returns the result for each build; problems if one could not be pushed (`run/not-built`, `registry/…`, `engine/…`)
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * for (const { build, result, digest } of unwrap(await push({ patterns: ['api'] }))) console.log(build, result, digest);
 * ```
 */
export function push(options: PushOptions = {}): Promise<PushResult> {
  return permitted(async () => {
    checkOptions('push', options, { ...PLANNED_OPTIONS, ...CALL_SETTINGS });
    const planned = await planOf(options);
    if (!planned.ok) return planned;
    const { pushBuilds } = await import('../run/mod.ts');
    const { builds, problems } = await pushBuilds({ ...workOf(planned.value), ...callSettingsOf(options) });
    return problems.some(({ severity }) => severity === 'error')
      ? { ok: false, error: problems, builds }
      : ok(builds);
  }, options);
}
