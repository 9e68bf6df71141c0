/** How runs get at an engine. */
import type { Engine, FindOptions } from '../engine/mod.ts';
import type { Digest, Result } from '../model/mod.ts';
import type { RunProgram } from '../system/mod.ts';
import type { KnownEngines } from './known-engines.ts';
import type { PoolAccess } from './pool-access.ts';

/** What an engine's image store has. */
export interface StoreListing {
  /** Name → digest of the images. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Digests of all that is there of them, manifests, configs and layers; undefined: not known. */
  readonly content?: ReadonlySet<Digest>;
}

/** How to find an engine and its images; tests put another one in its place. */
export interface EngineAccess {
  readonly find: (options: FindOptions) => Promise<Result<Engine>>;
  /** What the engine's store has; undefined where it cannot be read. */
  readonly listImages: (
    engine: Engine,
    env: FindOptions['env'],
    signal?: AbortSignal,
  ) => Promise<StoreListing | undefined>;
  /** Runs buildctl; where absent, it is really run. */
  readonly run?: RunProgram;
  /** What earlier runs of this process found out. */
  readonly known?: KnownEngines;
  /** How the engines of a pool are found and asked; where absent, only the first one that is named is used. */
  readonly pool?: PoolAccess;
}

/**
 * The engines of this machine. Their package is loaded when one is asked for: a run in which nothing changed needs none.
 *
 * @param known where runs follow one another; default: each run asks anew
 */
export function engineAccess(known?: KnownEngines): EngineAccess {
  return {
    find: async (options) => (await import('../engine/mod.ts')).findEngine(options),
    listImages: async (engine, env, signal) => {
      const listing = await listStore(engine, env, signal, known);
      // What is known may not be so any more.
      if (listing !== undefined || known?.forgetContainerd(engine.address) !== true) return listing;
      return listStore(engine, env, signal, known);
    },
    ...(known === undefined ? {} : { known }),
    pool: {
      list: async (entries, options) => (await import('../engine/mod.ts')).listMembers(entries, options),
      ask: async (member, options) => (await import('../engine/mod.ts')).askMember(member, options),
      running: async (member, { buildctl, ...options }) => {
        const { countRunningBuilds } = await import('../engine/mod.ts');
        const counted = await countRunningBuilds({ ...member, buildctl }, options);
        return counted.ok ? counted.value : undefined;
      },
      findBuildctl: async (env) => {
        const { enginePaths, findBuildctl, readInstallation } = await import('../engine/mod.ts');
        return findBuildctl(env, await readInstallation(enginePaths(env)));
      },
      registryHint: async (registries) => (await import('../engine/mod.ts')).registriesHint(registries),
    },
  };
}

/** The engines of this machine, for a run by itself. */
export const ENGINES: EngineAccess = engineAccess();

async function listStore(
  engine: Engine,
  env: FindOptions['env'],
  signal?: AbortSignal,
  known?: KnownEngines,
): Promise<StoreListing | undefined> {
  const { listContent, listImages, openStore } = await import('../engine/mod.ts');
  const options = { env, ...(signal === undefined ? {} : { signal }) };
  const find = async () => (await openStore(engine, options)).containerd;
  const containerd = await (known === undefined ? find() : known.containerd(engine.address, find));
  if (containerd === undefined) return undefined;
  const [images, content] = await Promise.all([
    listImages(containerd, options),
    listContent(containerd, options),
  ]);
  if (!images.ok || !content.ok) return undefined;
  return {
    digests: new Map(images.value.map(({ name, digest }) => [name, digest])),
    content: content.value,
  };
}
