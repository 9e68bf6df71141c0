/** Engines as a part: the embedded one installed, started and stopped, any of them asked, cleaned, and its buildctl called. */
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

/** Which engine, and how to query it. */
export interface OpenEngineOptions {
  /** Its address: it and no other is taken; default: the one that a run would find. */
  readonly address?: string;
  /** Starts the embedded engine where it is installed and no other was found; default: true. */
  readonly autoStart?: boolean;
  /** Default: that of the process. */
  readonly env?: Environment;
  /** Stops the call. */
  readonly signal?: AbortSignal;
  /** Called with steps that take a while. Where it throws, the call rejects with that. */
  readonly notify?: NotifyEngine;
}

/** An engine that answers. Nothing is held: there is nothing to close. */
export interface EngineClient {
  /** Where it is, and what led to it. */
  readonly engine: Engine;
  /** Images in its store. Problems: `engine/store-unreadable`, `engine/images-failed`, … where its containerd cannot be asked. */
  readonly images: () => Promise<Result<readonly LocalImage[]>>;
  /** What it built lately, by name. Problems: `engine/unreachable`, `run/cancelled`. */
  readonly histories: () => Promise<Result<readonly BuiltImage[]>>;
  /** What it keeps of earlier builds. Problems: `engine/unreachable`, `run/cancelled`. */
  readonly cache: () => Promise<Result<readonly CacheRecord[]>>;
  /** Deletes what it keeps of earlier builds; gives what is gone. Images stay. */
  readonly prune: (limits?: PruneLimits) => Promise<Result<readonly CacheRecord[]>>;
  /** Calls its buildctl with arguments of one's own, without a shell. Its exit code is the caller's to judge; it rejects only for what is no list of texts. */
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
 * A misspelt limit is none, and so is one that was forgotten to be set: everything would go.
 *
 * @throws TypeError
 */
export function checkPruneLimits(caller: string, limits: PruneLimits): void {
  checkOptions(caller, limits, { keepBytes: 'number', keepMs: 'number', all: 'flag', only: 'texts' });
  for (const [name, value] of Object.entries(limits))
    if (value === undefined) throw new TypeError(`the option "${name}" of ${caller}() is undefined`);
}

/** What every call about the embedded engine takes. */
export interface EngineCallOptions extends Omit<EngineOptions, 'env'> {
  /** Where it is (`BAKE_TS_HOME`, `HOME`, `XDG_…`), and proxies; default: that of the process. */
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

/** What to install and from where. */
export interface InstallEngineOptions extends Omit<InstallOptions, 'env'>, EngineCallOptions {}

/**
 * Installs the embedded engine for this user, as `bake-ts engine install` does: containerd, buildkitd, buildctl, runc.
 *
 * @returns what was installed from where; problems: `engine/…`, with every source that was tried
 * @throws TypeError for options that there are not
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

/** How the embedded engine is upgraded. */
export interface UpgradeEngineOptions extends Omit<UpgradeOptions, 'env'>, EngineCallOptions {}

/**
 * Upgrades the embedded engine to the versions that this bake-ts pins, as `bake-ts engine upgrade` does. An engine that runs is changed
 * over where it does not build; images and cache stay.
 *
 * @returns what was older, and what became of the engine; problems: `engine/…`
 * @throws TypeError for options that there are not
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

/** How the embedded engine is started. */
export interface UpEngineOptions extends Omit<UpOptions, 'env' | 'registries'>, EngineCallOptions {
  /** What buildkitd is to know of registries, on top of the settings of earlier starts: as of {@link RegistryOptions}. */
  readonly registries?: NonNullable<RegistryOptions['registries']>;
}

/**
 * Starts the embedded engine, or finds it running.
 *
 * @returns its address; problems: `engine/…`
 * @throws TypeError for options that there are not
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
 * Stops the embedded engine with everything that belongs to it; what it has stays on disk.
 *
 * @returns what was stopped; problems: `engine/…`
 * @throws TypeError for options that there are not
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

/** What to do with the embedded engine. */
export interface EngineStatusOptions extends EngineCallOptions {
  /** Also how much it has on disk, which takes a while. */
  readonly diskUse?: boolean;
}

/**
 * What the embedded engine is and does now. Never a failure.
 *
 * @throws TypeError for options that there are not
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

/** Which engine to inspect. */
export interface EngineDoctorOptions extends EngineCallOptions {
  /** Its address, or those of a pool; default: the one that a run would find. */
  readonly address?: string | readonly string[];
}

/**
 * Runs every check, as `bake-ts engine doctor` does. Changes nothing (one overlay is mounted for a moment). Where another
 * engine serves, nothing fails for what the embedded one lacks.
 *
 * @returns the engine that a run would use, and what was found; it is never a failure itself
 * @throws TypeError for options that there are not
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
