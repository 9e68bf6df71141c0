/** How runs get at an engine. */
import type { Engine, FindOptions } from '../engine/mod.ts';
import type { Digest, Result } from '../model/mod.ts';
import type { RunProgram } from '../system/mod.ts';

/** How to find an engine and its images; tests put another one in its place. */
export interface EngineAccess {
  readonly find: (options: FindOptions) => Promise<Result<Engine>>;
  /** Name → digest of the images in the engine's store; undefined where it cannot be read. */
  readonly listImages: (
    engine: Engine,
    env: FindOptions['env'],
    signal?: AbortSignal,
  ) => Promise<ReadonlyMap<string, Digest> | undefined>;
  /** Runs buildctl; where absent, it is really run. */
  readonly run?: RunProgram;
}

/** The engines of this machine. Their package is loaded when one is asked for: a run in which nothing changed needs none. */
export const ENGINES: EngineAccess = {
  find: async (options) => (await import('../engine/mod.ts')).findEngine(options),
  listImages: async (engine, env, signal) => {
    const { listImages, openStore } = await import('../engine/mod.ts');
    const options = { env, ...(signal === undefined ? {} : { signal }) };
    const { containerd } = await openStore(engine, options);
    const images = containerd === undefined ? undefined : await listImages(containerd, options);
    return images?.ok === true ? new Map(images.value.map(({ name, digest }) => [name, digest])) : undefined;
  },
};
