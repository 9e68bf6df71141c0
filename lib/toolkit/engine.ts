/** Engines for scripts: installs, starts and stops the embedded one, queries and prunes any engine, and calls its buildctl. */
import {
  type BuiltImage,
  type CacheRecord,
  type Diagnosis,
  type DownReport,
  engineDoctor as diagnose,
  downEngine as down,
  ENGINE_PARTS,
  type Engine,
  type EngineOptions,
  type EngineStatus,
  findEngine,
  type InstallOptions,
  type InstallReport,
  installEngine as install,
  type LocalImage,
  listCache,
  listHistory,
  listImages,
  type NotifyEngine,
  openStore,
  PACKAGES,
  type PruneLimits,
  pruneCache,
  type RunningEngine,
  engineStatus as statusOf,
  type UpgradeOptions,
  type UpgradeReport,
  type UpOptions,
  upEngine as up,
  upgradeEngine as upgrade,
} from '../engine/mod.ts';
import { type Environment, engineArgv, fail, ok, type Result } from '../model/mod.ts';
import { type ProgramEnd, runProgram, withoutTracing } from '../system/mod.ts';
import { checkArgument, checkOptions, type KnownOptions } from '../util/check-options.ts';
import { permitted } from './permitted.ts';
import { REGISTRIES, type RegistryOptions, registriesOf } from './registry.ts';
import { environmentOf } from './surroundings.ts';

/** Which engine to open, and how. */
export interface OpenEngineOptions {
  /** Address of the engine; no other is used. Default: the engine that a run would find. */
  readonly address?: string;
  /** Start the embedded engine if it is installed and no other was found. Default: true. */
  readonly autoStart?: boolean;
  /** The environment. Default: that of the process. */
  readonly env?: Environment;
  /** Stops everything in progress. */
  readonly signal?: AbortSignal;
  /** Gets progress messages. If it throws, the call rejects with that error. */
  readonly notify?: NotifyEngine;
}

/** An engine that answers. It holds no resources and need not be closed. */
export interface EngineClient {
  /** Where the engine is, and how it was found. */
  readonly engine: Engine;
  /** Images in its store. Problems: `engine/store-unreadable`, `engine/images-failed`, … if its containerd does not answer. */
  readonly images: () => Promise<Result<readonly LocalImage[]>>;
  /** Recently built images, by name. Problems: `engine/unreachable`, `run/cancelled`. */
  readonly histories: () => Promise<Result<readonly BuiltImage[]>>;
  /** Records of its build cache. Problems: `engine/unreachable`, `run/cancelled`. */
  readonly cache: () => Promise<Result<readonly CacheRecord[]>>;
  /** Deletes records of the build cache and returns them. Images are kept. */
  readonly prune: (limits?: PruneLimits) => Promise<Result<readonly CacheRecord[]>>;
  /** Runs its buildctl with your arguments, without a shell. Check the exit code yourself: it rejects only if `argv` is not a list of strings. */
  readonly buildctl: (argv: readonly string[]) => Promise<ProgramEnd>;
}

/**
 * Finds an engine, as a run does: `address`, `BUILDKIT_HOST`, the well-known sockets, the embedded engine.
 *
 * @returns problems: `engine/…`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const engine = unwrap(await openEngine());
 * const cache = unwrap(await engine.cache());
 * console.log(cache.reduce((sum, one) => sum + one.sizeBytes, 0));
 * ```
 */
export function openEngine(options: OpenEngineOptions = {}): Promise<Result<EngineClient>> {
  return permitted(async () => {
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
      prune: async (limits = {}) => {
        checkPruneLimits('prune', limits);
        return pruneCache(engine, limits, asking);
      },
      buildctl: async (argv) => {
        checkArgument('buildctl', 'texts', argv);
        return runProgram({
          ...asking,
          program: engine.buildctl,
          argv: [...engineArgv(engine), ...argv],
          env: withoutTracing(env),
        });
      },
    });
  }, options);
}

/**
 * A misspelt or undefined limit would be no limit: everything would be deleted.
 *
 * @throws TypeError
 */
export function checkPruneLimits(caller: string, limits: PruneLimits): void {
  checkOptions(caller, limits, { keepBytes: 'number', keepMs: 'number', all: 'flag', only: 'texts' });
  for (const [name, value] of Object.entries(limits))
    if (value === undefined) throw new TypeError(`the option "${name}" of ${caller}() is undefined`);
}

/** Options of every call about the embedded engine. */
export interface EngineCallOptions extends Omit<EngineOptions, 'env'> {
  /** The environment: where the engine is (`BAKE_TS_HOME`, `HOME`, `XDG_…`), and proxies. Default: that of the process. */
  readonly env?: Environment;
}

const ENGINE_OPTIONS: KnownOptions<EngineCallOptions> = {
  env: 'object',
  signal: 'signal',
  notify: 'function',
};

function withEnvironment<T extends EngineCallOptions>(options: T): Omit<T, 'env'> & EngineOptions {
  return { ...options, env: environmentOf(options.env) };
}

const PACKAGE_NAMES = PACKAGES.map(({ name }) => name);
const SOURCES = [...new Set(PACKAGES.flatMap(({ sources }) => sources))];

/** What to install, and from where. */
export interface InstallEngineOptions extends Omit<InstallOptions, 'env'>, EngineCallOptions {}

/**
 * Installs the embedded engine for this user, as `bake-ts engine install` does: containerd, buildkitd, buildctl, runc.
 *
 * @returns what was installed, and from where; problems: `engine/…`, with every source that was tried
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { installed } = unwrap(await installEngine({ notify: ({ part, text }) => console.log(part, text) }));
 * unwrap(await upEngine());
 * console.log(installed);
 * ```
 */
export function installEngine(options: InstallEngineOptions = {}): Promise<Result<InstallReport>> {
  return permitted(async () => {
    checkOptions('installEngine', options, {
      ...ENGINE_OPTIONS,
      parts: { listOf: ENGINE_PARTS },
      from: { oneOf: SOURCES },
      mirror: 'text',
      files: { textsBy: PACKAGE_NAMES },
      checksums: { textsBy: PACKAGE_NAMES },
      force: 'flag',
      onlyPinned: 'flag',
    });
    return install(withEnvironment(options));
  }, options);
}

/** How to upgrade the embedded engine. */
export interface UpgradeEngineOptions extends Omit<UpgradeOptions, 'env'>, EngineCallOptions {}

/**
 * Upgrades the embedded engine to the versions that this bake-ts pins, as `bake-ts engine upgrade` does. A running engine is restarted
 * with the new versions if it is not building. Images and cache are kept.
 *
 * @returns what was outdated, and the state of the engine; problems: `engine/…`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { outdated, engine } = unwrap(await upgradeEngine({ check: true }));
 * for (const one of outdated) console.log(one.package, one.installed, one.pinned);
 * console.log(engine);
 * ```
 */
export function upgradeEngine(options: UpgradeEngineOptions = {}): Promise<Result<UpgradeReport>> {
  return permitted(async () => {
    checkOptions('upgradeEngine', options, {
      ...ENGINE_OPTIONS,
      from: 'text',
      mirror: 'text',
      files: 'object',
      checksums: 'object',
      check: 'flag',
      restart: 'flag',
    });
    return upgrade(withEnvironment(options));
  }, options);
}

/** How to start the embedded engine. */
export interface UpEngineOptions extends Omit<UpOptions, 'env' | 'registries'>, EngineCallOptions {
  /** Settings of registries for buildkitd, added to those of earlier starts; as in {@link RegistryOptions}. */
  readonly registries?: NonNullable<RegistryOptions['registries']>;
}

/**
 * Starts the embedded engine, or finds it running.
 *
 * @returns its address; problems: `engine/…`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { address, registry } = unwrap(await upEngine({ registry: 5000 }));
 * unwrap(await run({ address }));
 * console.log(`pushed to ${registry}`);
 * ```
 */
export function upEngine(options: UpEngineOptions = {}): Promise<Result<RunningEngine>> {
  return permitted(async () => {
    checkOptions('upEngine', options, { ...ENGINE_OPTIONS, registry: 'port', registries: REGISTRIES });
    const { registries, ...rest } = withEnvironment(options);
    return up({ ...rest, ...(registries === undefined ? {} : { registries: registriesOf(registries) }) });
  }, options);
}

/**
 * Stops the embedded engine and everything that belongs to it. Its data stays on disk.
 *
 * @returns what was stopped; problems: `engine/…`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { stopped } = unwrap(await downEngine());
 * console.log(stopped.map(({ name }) => name));
 * ```
 */
export function downEngine(options: EngineCallOptions = {}): Promise<Result<DownReport>> {
  return permitted(async () => {
    checkOptions('downEngine', options, ENGINE_OPTIONS);
    return down(withEnvironment(options));
  }, options);
}

/** What to report about the embedded engine. */
export interface EngineStatusOptions extends EngineCallOptions {
  /** Also report its disk use, which takes a while. */
  readonly diskUse?: boolean;
}

/**
 * Reports the state of the embedded engine. Never fails.
 *
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { running, address } = await engineStatus();
 * console.log(running ? address : 'it does not run');
 * ```
 */
export async function engineStatus(options: EngineStatusOptions = {}): Promise<EngineStatus> {
  checkOptions('engineStatus', options, { ...ENGINE_OPTIONS, diskUse: 'flag' });
  return statusOf(withEnvironment(options));
}

/** Which engine to check. */
export interface EngineDoctorOptions extends EngineCallOptions {
  /** Address of the engine, or those of a pool. Default: the engine that a run would find. */
  readonly address?: string | readonly string[];
}

/**
 * Runs every check, as `bake-ts engine doctor` does. Changes nothing (one overlay is mounted for a moment). If another
 * engine is used, problems of the embedded one are not failures.
 *
 * @returns the engine that a run would use, and the results of the checks; the call itself never fails
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { serving, checks } = await engineDoctor();
 * console.log(serving.ok ? serving.value.address : 'no engine');
 * for (const { name, status, hint } of checks) if (status !== 'ok') console.log(status, name, hint ?? '');
 * ```
 */
export async function engineDoctor(options: EngineDoctorOptions = {}): Promise<Diagnosis> {
  checkOptions('engineDoctor', options, { ...ENGINE_OPTIONS, address: 'text or texts' });
  const { address, ...rest } = withEnvironment(options);
  return diagnose({ ...rest, ...(address === undefined ? {} : { flagAddress: address }) });
}
