/** Data in engines: listed by build, and pruned. */
import { findRoot } from '../config/mod.ts';
import { type FindOptions, findEngine } from '../engine/mod.ts';
import { ok, type Result } from '../model/mod.ts';
import type { PruneChoice, PruneReport, StorageUsage, SurveyOptions } from '../storage/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import { type Builds, buildsOf, SOURCE_OPTIONS, type SourceOptions } from './builds.ts';
import { checkPruneLimits } from './engine.ts';
import { permitted } from './permitted.ts';
import { surroundingsOf } from './surroundings.ts';

/** Which engine to inspect, and which builds to attribute its data to. */
export interface EngineUsageOptions extends SourceOptions {
  /** The result of {@link readBuilds}, instead of the options of sources. */
  readonly builds?: Builds;
  /** Address of the engine; no other is used. Default: the engine that a run would find. It is not started. */
  readonly address?: string;
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

const USAGE_OPTIONS: KnownOptions<EngineUsageOptions> = {
  ...SOURCE_OPTIONS,
  builds: 'object',
  address: 'text',
  signal: 'signal',
};

/**
 * Lists what an engine keeps: its cache by kind and by build, the images of its store with their builds, and leftovers of builds
 * and checkouts that are gone. Changes nothing. Without a builds.yaml, nothing is attributed to builds.
 *
 * @returns problems: those of reading builds, `engine/…`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { builds, elsewhere } = unwrap(await engineUsage());
 * for (const { build, sizeBytes, ownBytes } of builds) console.log(build, sizeBytes, ownBytes);
 * console.log(`of others: ${elsewhere.sizeBytes}`);
 * ```
 */
export function engineUsage(options: EngineUsageOptions = {}): Promise<Result<StorageUsage>> {
  return permitted(async () => {
    checkOptions('engineUsage', options, USAGE_OPTIONS);
    const surveyed = await findSurveyed(options);
    if (!surveyed.ok) return surveyed;
    const { surveyEngine } = await import('../storage/mod.ts');
    return surveyEngine(surveyed.value);
  }, options);
}

/** What to delete, and from which engine. */
export interface PruneEngineOptions extends EngineUsageOptions, PruneChoice {}

/**
 * Deletes what an engine and this machine keep: cache, images that builds.yaml no longer
 * names, leftovers of builds and checkouts that are gone. Only what the options name is deleted.
 *
 * @returns what was deleted, and what is left of the kinds that were not requested; problems: those of reading builds, `engine/…`
 * @throws TypeError for unknown options and invalid limits
 * @example
 * ```ts
 * const { cache, images } = unwrap(await pruneEngine({ cache: { keepBytes: 10e9 }, images: true }));
 * console.log(`${cache.length} records, ${images.length} images`);
 * ```
 */
export function pruneEngine(options: PruneEngineOptions): Promise<Result<PruneReport>> {
  return permitted(async () => {
    const known = { ...USAGE_OPTIONS, cache: 'object', images: 'flag', gone: 'flag' } as const;
    checkOptions('pruneEngine', options, known);
    const { cache, images, gone, ...rest } = options;
    if (cache !== undefined) checkPruneLimits('pruneEngine', cache);
    const surveyed = await findSurveyed(rest);
    if (!surveyed.ok) return surveyed;
    const { pruneStorage } = await import('../storage/mod.ts');
    return pruneStorage(surveyed.value, {
      ...(cache === undefined ? {} : { cache }),
      images: images === true,
      gone: gone === true,
    });
  }, options);
}

/** The engine and the repository. */
async function findSurveyed(options: EngineUsageOptions): Promise<Result<SurveyOptions>> {
  const { address, signal, ...sources } = options;
  const { cwd, env } = surroundingsOf(options);
  const read = await buildsOf(sources);
  if (!read.ok && read.error.some(({ code }) => code !== 'config/no-file')) return read;
  const asking = { env, ...(signal === undefined ? {} : { signal }) };
  const settings = read.ok ? read.value.set.engine : undefined;
  const finding: FindOptions = {
    ...asking,
    autoStart: false,
    ...(address === undefined ? {} : { flagAddress: address }),
    ...(settings === undefined ? {} : { settings }),
  };
  const engine = await findEngine(finding);
  if (!engine.ok) return engine;
  if (read.ok) {
    const { set } = read.value;
    return ok({ ...asking, engine: engine.value, repository: { root: set.root, set } });
  }
  const root = await findRoot({ cwd, env, files: options.files ?? [] });
  return ok({ ...asking, engine: engine.value, repository: { root } });
}
