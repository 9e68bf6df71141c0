/** Deletes data of an engine and this machine: cache, images, and leftovers of gone builds and checkouts. */
import {
  type CacheRecord,
  keepRoom,
  listImages,
  makeRoom,
  openStore,
  type PruneLimits,
  pruneCache,
  removeImages,
} from '../engine/mod.ts';
import { fail, ok, type Problem, type Result } from '../model/mod.ts';
import { forgetBuild, forgetProject, stateDirectory } from '../state/mod.ts';
import type { OwnedImage } from './owners.ts';
import {
  type Leftovers,
  type StateLeftover,
  type StorageUsage,
  type SurveyOptions,
  surveyEngine,
} from './survey.ts';

/** What to delete. By default nothing is deleted. */
export interface PruneChoice {
  /** Cache to delete, by these limits. `{}`: everything that no running build needs. Absent: nothing. */
  readonly cache?: PruneLimits;
  /** Images of this repository's builds that builds.yaml no longer names. */
  readonly images?: boolean;
  /**
   * Leftovers of builds that are gone from builds.yaml, and of checkouts that are gone from this machine: images kept
   * for them, copies of their directories, and their state.
   */
  readonly gone?: boolean;
}

/** What was deleted. */
export interface PruneReport {
  /** Cache records that were deleted. */
  readonly cache: readonly CacheRecord[];
  /** Images that were deleted. */
  readonly images: readonly OwnedImage[];
  /** State that was deleted. */
  readonly state: readonly StateLeftover[];
  /** Leftovers that were not requested to be deleted. */
  readonly left: Leftovers;
  /** Why images could not be read. */
  readonly imagesUnreadable?: Problem;
}

/**
 * Inspects an engine before pruning. If its disk is too full even for that, frees the space reserved for this case.
 * Problems as of `surveyEngine`, `engine/disk-full`.
 */
export async function surveyForPrune(options: SurveyOptions): Promise<Result<StorageUsage>> {
  return withRoom(options, () => surveyEngine(options));
}

/** Repeats the work if the disk of the embedded engine was full and reserved space could be freed. */
async function withRoom<T>(options: SurveyOptions, work: () => Promise<Result<T>>): Promise<Result<T>> {
  const done = await work();
  const isFull = !done.ok && done.error.some(({ code }) => code === 'engine/disk-full');
  return isFull && (await makeRoom(options.engine.address, options.env)) ? work() : done;
}

/**
 * Deletes the chosen data. Images go first, because records that they share with the cache become free.
 *
 * @param shown the survey that the user has confirmed: other images and leftovers are not deleted. Default: the current
 *   state
 * @returns what was deleted; problems: `engine/unreachable`, `engine/images-failed`, `engine/disk-full`,
 *   `run/cancelled`
 */
export async function pruneStorage(
  options: SurveyOptions,
  choice: PruneChoice,
  shown?: StorageUsage,
): Promise<Result<PruneReport>> {
  const surveyed = shown === undefined ? await surveyForPrune(options) : ok(shown);
  if (!surveyed.ok) return surveyed;
  const done = await withRoom(options, () => pruneSurveyed(options, choice, surveyed.value));
  await keepRoom(options.engine.address, options.env);
  return done;
}

async function pruneSurveyed(
  options: SurveyOptions,
  choice: PruneChoice,
  surveyed: StorageUsage,
): Promise<Result<PruneReport>> {
  const { leftovers, imagesUnreadable } = surveyed;
  const images = [
    ...(choice.images === true ? leftovers.unnamed : []),
    ...(choice.gone === true ? leftovers.images : []),
  ];
  const removed = await removeAll(images, options);
  if (!removed.ok) return removed;
  const cache: CacheRecord[] = [];
  const sources = choice.gone === true ? leftovers.sources.map(({ id }) => id) : [];
  for (const limits of [{ only: sources }, ...(choice.cache === undefined ? [] : [choice.cache])]) {
    const pruned = await pruneCache(options.engine, limits, options);
    if (!pruned.ok) return pruned;
    cache.push(...pruned.value);
  }
  const state = choice.gone === true ? leftovers.state : [];
  for (const one of state) await forget(one, options);
  return ok({
    cache,
    images: removed.value,
    state,
    left: {
      unnamed: choice.images === true ? [] : leftovers.unnamed,
      ...(choice.gone === true
        ? { images: [], sources: [], state: [] }
        : { images: leftovers.images, sources: leftovers.sources, state: leftovers.state }),
    },
    ...(imagesUnreadable === undefined ? {} : { imagesUnreadable }),
  });
}

/** Skips names that point at another image by now. */
async function removeAll(
  images: readonly OwnedImage[],
  options: SurveyOptions,
): Promise<Result<readonly OwnedImage[]>> {
  if (images.length === 0) return ok([]);
  const { containerd, unreadable } = await openStore(options.engine, options);
  if (containerd === undefined) return fail(unreadable === undefined ? [] : [unreadable]);
  const now = await listImages(containerd, options);
  if (!now.ok) return now;
  const digests = new Map(now.value.map(({ name, digest }) => [name, digest]));
  const same = images.filter(({ name, digest }) => digests.get(name) === digest);
  const names = same.map(({ name }) => name);
  const removed = await removeImages(containerd, names, options);
  return removed.ok ? ok(same) : removed;
}

async function forget({ project, build }: StateLeftover, { env }: SurveyOptions): Promise<void> {
  const stateDir = stateDirectory(env);
  if (build === undefined) await forgetProject(stateDir, project);
  else await forgetBuild(stateDir, project, build);
}
