/** How runs access an engine. */
import type { Engine, FindOptions } from '../engine/mod.ts';
import type { Digest, Result } from '../model/mod.ts';
import type { RunProgram } from '../system/mod.ts';
import type { KnownEngines } from './known-engines.ts';
import type { PoolAccess } from './pool-access.ts';

/** The content of an engine's image store. */
export interface StoreListing {
  /** Name → digest of the images. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Digests of all existing manifests, configs and layers; undefined: not known. */
  readonly content?: ReadonlySet<Digest>;
}

/** How to find an engine and its images; replaced in tests. */
export interface EngineAccess {
  readonly find: (options: FindOptions) => Promise<Result<Engine>>;
  /** Lists the engine's store; undefined if it cannot be read. */
  readonly listImages: (
    engine: Engine,
    env: FindOptions['env'],
    signal?: AbortSignal,
  ) => Promise<StoreListing | undefined>;
  /** Replaces running buildctl. */
  readonly run?: RunProgram;
  /** What earlier runs of this process found out about engines. */
  readonly known?: KnownEngines;
  /** How the engines of a pool are found and queried; if absent, only the first one is used. */
  readonly pool?: PoolAccess;
}

/**
 * The engines of this machine. Their package is loaded on demand, since a run in which nothing changed needs no engine.
 *
 * @param known for consecutive runs; default: each run queries again
 */
export function engineAccess(known?: KnownEngines): EngineAccess {
  return {
    find: async (options) => (await import('../engine/mod.ts')).findEngine(options),
    listImages: async (engine, env, signal) => {
      const listing = await listStore(engine, env, signal, known);
      // The remembered containerd may be outdated.
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

/** The engines of this machine, for a single run. */
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
