/** Bringing images that are built to where they are wanted, from a script. */
import { fail, ok, type Result } from '../model/mod.ts';
import { type Promotion, promote as promotePlan, readDestinations } from '../promote/mod.ts';
import { type PushedBuild, pushBuilds } from '../run/mod.ts';
import { VERSION } from '../util/version.ts';
import { originOf, PLANNED_OPTIONS, type PlannedOptions, planOf, preparedOf } from './builds.ts';
import { checkOptions } from './check-options.ts';
import { CALL_SETTINGS, type CallSettings } from './inspect.ts';

/** What to promote, and where to. */
export interface PromoteOptions extends PlannedOptions {
  /** `REGISTRY[/PREFIX]`, or `FROM=TO`, each side of which is `REGISTRY[/PREFIX]`. */
  readonly to: readonly string[];
  /** Signatures, SBOMs and other manifests that refer to the images come along. */
  readonly referrers?: boolean;
  /** Only asks; writes nothing. */
  readonly dryRun?: boolean;
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the tags of the selected builds stand for the same images elsewhere: all bytes by digest, then all tags or none.
 *
 * @returns what became of each tag; problems before anything is sent, or with every tag where it was (`registry/…`,
 *   `run/…`, `plan/…`)
 * @throws TypeError for options that there are not
 * @example
 * ```ts
 * const { tags } = unwrap(await promote({ to: ['staging.example.com=prod.example.com'] }));
 * ```
 */
export async function promote(options: PromoteOptions): Promise<Result<Promotion>> {
  checkOptions('promote', options, {
    ...PLANNED_OPTIONS,
    to: 'texts',
    referrers: 'flag',
    dryRun: 'flag',
    signal: 'signal',
  });
  const { to, referrers, dryRun, signal } = options;
  const destinations = readDestinations(to);
  if (!destinations.ok) return destinations;
  const planned = await planOf(options);
  if (!planned.ok) return planned;
  return promotePlan({
    plan: preparedOf(planned.value).plan,
    to: destinations.value,
    env: originOf(planned.value.builds).surroundings.env,
    userAgent: `bake-ts/${VERSION}`,
    ...(referrers === undefined ? {} : { referrers }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** What to push. */
export interface PushOptions extends PlannedOptions, CallSettings {}

/**
 * Pushes what the selected builds made earlier, from the engine's store to their tags. Nothing is built.
 *
 * @returns what became of each build; problems where one could not be pushed (`run/not-built`, `registry/…`, `engine/…`)
 * @throws TypeError for options that there are not
 */
export async function push(options: PushOptions = {}): Promise<Result<readonly PushedBuild[]>> {
  checkOptions('push', options, { ...PLANNED_OPTIONS, ...CALL_SETTINGS });
  const planned = await planOf(options);
  if (!planned.ok) return planned;
  const { address, signal } = options;
  const { plan, dockerfiles } = preparedOf(planned.value);
  const { builds, problems } = await pushBuilds({
    plan,
    dockerfiles,
    env: originOf(planned.value.builds).surroundings.env,
    ...(address === undefined ? {} : { address }),
    ...(signal === undefined ? {} : { signal }),
  });
  return problems.some(({ severity }) => severity === 'error') ? fail(problems) : ok(builds);
}
