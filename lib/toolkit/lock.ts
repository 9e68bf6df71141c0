/** builds.lock for scripts: the digests that external images are pinned to. */
import type { Locked, LockedImage, LockOptions as LockWork, UpdatedImage } from '../lock/mod.ts';
import { fail, ok, type Plan, type Result } from '../model/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import { PLANNED_OPTIONS, type PlannedOptions, planOf, select, workOf } from './builds.ts';
import { permitted } from './permitted.ts';

/** What to lock. */
export interface LockOptions extends PlannedOptions {
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

const LOCK_OPTIONS: KnownOptions<LockOptions> = { ...PLANNED_OPTIONS, signal: 'signal' };

interface Locking {
  readonly work: LockWork;
  /** The plan of the selected builds; without patterns, the whole plan. */
  readonly selected: Plan;
}

/**
 * Writes builds.lock: adds missing external images with the current digests of their tags, and removes images that no build reads any more.
 *
 * @returns the images that were added and removed; problems: those of reading and planning, `registry/…`, `run/lock-unwritten`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { added, dropped, kept } = unwrap(await lock());
 * console.log(`${added.length} new, ${dropped.length} gone, ${kept} as they were`);
 * ```
 */
export function lock(options: LockOptions = {}): Promise<Result<Locked>> {
  return permitted(async () => {
    const begun = await begin('lock', options);
    if (!begun.ok) return begun;
    const { lockImages } = await import('../lock/mod.ts');
    return lockImages(begun.value.work, begun.value.selected);
  }, options);
}

/**
 * Checks whether builds.lock is complete. Writes nothing.
 *
 * @returns the locked images, if {@link lock} would change nothing; problems: `run/lock-stale` otherwise, or if there is no file;
 *   those of reading and planning
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const checked = await checkLocked();
 * if (!checked.ok) console.error(formatProblems(checked.error));
 * ```
 */
export function checkLocked(options: LockOptions = {}): Promise<Result<Locked>> {
  return permitted(
    async () => {
      const begun = await begin('checkLocked', options);
      if (!begun.ok) return begun;
      const { checkLock } = await import('../lock/mod.ts');
      return checkLock(begun.value.work, begun.value.selected);
    },
    options,
    true,
  );
}

/**
 * Compares builds.lock with the registries. Nothing is written.
 *
 * @returns each locked image with the current digest of its tag, or `unknown` if a registry did not answer properly; problems: those of
 *   reading and planning, `run/no-lock`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * for (const { image, state, locked, now } of unwrap(await outdated())) {
 *   if (state !== 'same') console.log(image, state, locked, now ?? '');
 * }
 * ```
 */
export function outdated(options: LockOptions = {}): Promise<Result<readonly LockedImage[]>> {
  return permitted(
    async () => {
      const begun = await begin('outdated', options);
      if (!begun.ok) return begun;
      const { compareLock } = await import('../lock/mod.ts');
      return compareLock(begun.value.work);
    },
    options,
    true,
  );
}

/** What to update in builds.lock. */
export interface UpdateOptions extends LockOptions {
  /** Names of images, or patterns with `*`; default: all. */
  readonly images?: readonly string[];
}

/**
 * Updates locked images in builds.lock to the current digests of their tags.
 *
 * @returns each image that moved, with the builds that have to be built again; problems: those of reading and planning,
 *   `registry/…`, `run/lock-unwritten`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * for (const { image, to, builds, above } of unwrap(await update({ images: ['registry.example.com/*'] }))) {
 *   console.log(image, to, [...builds, ...above].join(' '));
 * }
 * ```
 */
export function update(options: UpdateOptions = {}): Promise<Result<readonly UpdatedImage[]>> {
  return permitted(async () => {
    checkOptions('update', options, { ...LOCK_OPTIONS, images: 'texts' });
    const { images, ...rest } = options;
    const begun = await begin('update', rest);
    if (!begun.ok) return begun;
    // An empty list of a script means no images, not all.
    if (images?.length === 0) return ok([]);
    const { updateLock } = await import('../lock/mod.ts');
    return updateLock(begun.value.work, images ?? []);
  }, options);
}

/** A lock file covers every build of a set, whatever is selected. */
async function begin(caller: string, options: LockOptions): Promise<Result<Locking>> {
  checkOptions(caller, options, LOCK_OPTIONS);
  const planned = await planOf(options, ['*']);
  if (!planned.ok) return planned;
  const { builds } = planned.value;
  const whole = select(builds, { patterns: ['*'] });
  if (!whole.ok) return whole;
  const { signal } = options;
  if (whole.value.missing.length > 0) return fail(whole.value.missing);
  return ok({
    work: {
      whole: whole.value.plan,
      env: workOf(whole.value).env,
      ...(signal === undefined ? {} : { signal }),
    },
    selected: planned.value.plan,
  });
}
