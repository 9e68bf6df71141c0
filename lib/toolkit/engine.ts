/** An engine as a part: found, asked, cleaned, and its buildctl called, from a script. */
import {
  type BuiltImage,
  type CacheRecord,
  type Engine,
  findEngine,
  type LocalImage,
  listCache,
  listHistory,
  listImages,
  type NotifyEngine,
  openStore,
  type PruneLimits,
  pruneCache,
} from '../engine/mod.ts';
import { type Environment, fail, ok, type Result } from '../model/mod.ts';
import { type ProgramEnd, runProgram, withoutTracing } from '../system/mod.ts';
import { checkOptions } from './check-options.ts';
import { environmentOf } from './surroundings.ts';

/** Which engine, and with what it is asked. */
export interface OpenEngineOptions {
  /** Its address: it and no other is taken; default: the one that a run would find. */
  readonly address?: string;
  /** Starts the embedded engine where it is installed and no other was found; default: true. */
  readonly autoStart?: boolean;
  /** Default: that of the process. */
  readonly env?: Environment;
  /** Stops whatever goes on. */
  readonly signal?: AbortSignal;
  /** Told of what takes a while. Where it throws, the call rejects with that. */
  readonly notify?: NotifyEngine;
}

/** An engine that answers. Nothing is held: there is nothing to close. */
export interface EngineClient {
  /** Where it is, and what led to it. */
  readonly engine: Engine;
  /** Images in its store. Problems: `engine/store-unreadable`, `engine/images-failed`, … where its containerd cannot be asked. */
  readonly images: () => Promise<Result<readonly LocalImage[]>>;
  /** What it built lately, by name. Problems: `engine/unreachable`, `engine/aborted`. */
  readonly histories: () => Promise<Result<readonly BuiltImage[]>>;
  /** What it keeps of earlier builds. Problems: `engine/unreachable`, `engine/aborted`. */
  readonly cache: () => Promise<Result<readonly CacheRecord[]>>;
  /** Lets go of what it keeps of earlier builds; gives what is gone. Images stay. */
  readonly prune: (limits?: PruneLimits) => Promise<Result<readonly CacheRecord[]>>;
  /** Calls its buildctl with arguments of one's own, without a shell. Never rejects; its exit code is the caller's to judge. */
  readonly buildctl: (argv: readonly string[]) => Promise<ProgramEnd>;
}

/**
 * Finds an engine, as a run does: `address`, `BUILDKIT_HOST`, the well-known sockets, the embedded engine.
 *
 * @returns problems: `engine/…`
 * @throws TypeError for options that there are not
 * @example
 * ```ts
 * const engine = unwrap(await openEngine());
 * const cache = unwrap(await engine.cache());
 * console.log(cache.reduce((sum, one) => sum + one.sizeBytes, 0));
 * ```
 */
export async function openEngine(options: OpenEngineOptions = {}): Promise<Result<EngineClient>> {
  checkOptions('openEngine', options, {
    address: 'text',
    autoStart: 'flag',
    env: 'object',
    signal: 'signal',
    notify: 'function',
  });
  const { address, autoStart = true, signal, notify } = options;
  const env = environmentOf(options.env);
  const asking = { env, ...(signal === undefined ? {} : { signal }) };
  const found = await findEngine({
    ...asking,
    autoStart,
    ...(address === undefined ? {} : { flagAddress: address }),
    ...(notify === undefined ? {} : { notify }),
  });
  if (!found.ok) return found;
  const engine = found.value;
  return ok({
    engine,
    images: async () => {
      const { containerd, unreadable } = await openStore(engine, asking);
      if (containerd !== undefined) return listImages(containerd, asking);
      return fail(unreadable === undefined ? [] : [unreadable]);
    },
    histories: async () => {
      const listed = await listHistory(engine, asking);
      return listed.ok ? listed : fail([listed.error]);
    },
    cache: () => listCache(engine, asking),
    prune: (limits = {}) => pruneCache(engine, limits, asking),
    buildctl: (argv) =>
      runProgram({
        ...asking,
        program: engine.buildctl,
        argv: ['--addr', engine.address, ...argv],
        env: withoutTracing(env),
      }),
  });
}
