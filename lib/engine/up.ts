/** Starts the daemons of the embedded engine that do not run yet, only once even for concurrent calls. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Problem, problem, type Result, type WorkerInfo } from '../model/mod.ts';
import {
  type DaemonName,
  type DaemonRecord,
  endDaemon,
  noteDaemon,
  readDaemon,
  readDaemons,
  readTail,
  removePidFile,
  startDaemon,
} from './daemon.ts';
import {
  buildkitdConfig,
  containerdConfig,
  daemonEnv,
  registryConfig,
  type Snapshotter,
} from './daemon-config.ts';
import { checkFreeSpace, keepReserve, makeRoomForStart, warnOfSpace } from './disk-space.ts';
import { fileProblem, findObstacles, tryOverlay } from './host.ts';
import { type Installation, readInstallation } from './installation.ts';
import { isServing, portOf, portTakenProblem } from './is-serving.ts';
import { findForeignFiles, killLeftovers, removeContainers, unmountAll } from './leftovers.ts';
import { takeEngineLock } from './lock.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { waitForEnd } from './process-identity.ts';
import { checkRegistrySettings, formatRegistries, mergeRegistries, type Registries } from './registries.ts';
import {
  findNamespaceTools,
  hideForeignContainerd,
  isRootless,
  type Launcher,
  type NamespaceTools,
  namespaceDir,
  namespaceEntry,
  namespaceMaker,
  neededParts,
  onceInNamespace,
} from './rootless.ts';
import { findRootlessObstacles, tryNamespaces } from './rootless-needs.ts';
import { probeSocket } from './socket.ts';
import { checkStateVersions, noteStateVersions } from './state-versions.ts';
import { isUnsynced, prepareDatabase } from './unsynced.ts';
import type { EnginePart } from './versions.ts';
import { readWorker, waitForContainerd } from './worker.ts';

/** What to start. */
export interface UpOptions extends EngineOptions {
  /** Also run a registry for tests: `true` for the running one or else on port 5000; or a port of loopback. */
  readonly registry?: boolean | number;
  /** Registry settings of buildkitd, in addition to those of earlier starts. */
  readonly registries?: Registries;
}

/** The engine that runs. */
export interface RunningEngine {
  /** `unix://…` */
  readonly address: string;
  /** Absolute path of its buildctl. */
  readonly buildctl: string;
  /** Where its containerd listens, BuildKit's namespace in it, and the absolute path of `ctr`. */
  readonly containerd: { readonly socket: string; readonly namespace: string; readonly ctr: string };
  /** Its worker. */
  readonly worker: WorkerInfo;
  /** `127.0.0.1:PORT` of the registry if it runs. */
  readonly registry?: string;
  /** All running daemons. */
  readonly daemons: readonly DaemonRecord[];
  /** Daemons that this call started. */
  readonly started: readonly DaemonName[];
  /** Warnings, such as a snapshotter that copies, or registry settings that came too late. */
  readonly warnings: readonly Problem[];
  /** How long starting took (milliseconds). */
  readonly durationMs: number;
}

const DEFAULT_REGISTRY_PORT = 5000;
const READY_TIMEOUT_MS = 30_000;

/**
 * Starts the embedded engine: containerd, buildkitd and (if requested) the registry, and waits until they serve. Running daemons
 * are kept. If a start fails, the daemons that this call started are ended.
 *
 * @returns the engine; problems: `engine/not-installed`, `engine/unsupported-platform`, `engine/no-privileges`,
 *   `engine/no-cgroups`, `engine/disk-full`, `engine/daemon-crashed`, `engine/daemon-silent`, `engine/port-taken`,
 *   `engine/registry-elsewhere`, `engine/registry-not-installed`, `engine/other-user`, `engine/unsafe-directory`,
 *   `engine/state-newer`, `engine/cannot-write`, `engine/locked`, `run/cancelled`; without root also `engine/no-uidmap`, `engine/no-subids`,
 *   `engine/no-namespaces`, `engine/no-proc`, `engine/no-null`, `engine/no-nsenter`
 */
export async function upEngine(options: UpOptions): Promise<Result<RunningEngine>> {
  const startedMs = Date.now();
  const paths = enginePaths(options.env);
  const obstacles = await findObstacles();
  const noSpace = await checkFreeSpace(paths.stateDir);
  if (noSpace !== undefined) obstacles.push(noSpace);
  if (obstacles.length === 0 && isRootless()) obstacles.push(...(await findRootlessObstacles(options.env)));
  if (obstacles.length > 0) return fail(obstacles);
  const notOurs = await checkOwnership(paths);
  if (notOurs !== undefined) return fail([notOurs]);
  const installation = await readInstallation(paths);
  const lacking = findLacking(installation, options);
  if (lacking !== undefined || installation === undefined) return fail([lacking ?? notInstalled([])]);
  const tools = isRootless() ? await findNamespaceTools(installation, options.env) : undefined;
  if (tools?.ok === false) return fail([tools.error]);
  try {
    const directories = await makeDirectories(paths);
    if (directories !== undefined) return fail([directories]);
    const lock = await takeEngineLock(paths, options);
    if (!lock.ok) return lock;
    const starter = new EngineStarter(paths, installation, options, tools?.value);
    try {
      const toStart = await notRunning(paths, installation);
      const newer = await checkStateVersions(paths, toStart);
      if (newer !== undefined) return fail([newer]);
      if (toStart.length > 0) await makeRoomForStart(paths);
      const running = await starter.start();
      if (!running.ok) {
        await starter.undo();
        return fail(await explain(running.error, tools?.value, options));
      }
      await noteStateVersions(paths, running.value.daemons);
      await keepReserve(paths);
      const low = await warnOfSpace(paths.stateDir);
      const warnings = [...running.value.warnings, ...(low === undefined ? [] : [low])];
      return ok({ ...running.value, warnings, durationMs: Date.now() - startedMs });
    } finally {
      await lock.value.release();
    }
  } catch (error) {
    return fail([fileProblem(paths.stateDir, error)]);
  }
}

/** Explains a failed start in more detail if namespaces cannot be created here. */
async function explain(
  problems: readonly Problem[],
  tools: NamespaceTools | undefined,
  options: UpOptions,
): Promise<readonly Problem[]> {
  const starting = ['engine/daemon-crashed', 'engine/daemon-silent', 'engine/unreachable'];
  if (tools === undefined || !problems.some(({ code }) => starting.includes(code))) return problems;
  const { problem: cause } = await tryNamespaces(tools.rootlesskit, options.env);
  return cause === undefined ? problems : [cause];
}

/** The daemons that would be started on the existing state, in their installed versions. */
async function notRunning(
  paths: EnginePaths,
  { parts }: Installation,
): Promise<readonly { readonly name: DaemonName; readonly version: string }[]> {
  const running = (await readDaemons(paths)).filter(({ alive }) => alive).map(({ record }) => record.name);
  return (['containerd', 'buildkitd'] as const).flatMap((name) => {
    const version = parts.get(name)?.version;
    return version === undefined || running.includes(name) ? [] : { name, version };
  });
}

/** One `up` call, with the daemons started so far. */
class EngineStarter {
  readonly #paths: EnginePaths;
  readonly #installation: Installation;
  readonly #options: UpOptions;
  /** Only without root. */
  readonly #tools: NamespaceTools | undefined;
  readonly #started: DaemonRecord[] = [];
  readonly #warnings: Problem[] = [];

  constructor(
    paths: EnginePaths,
    installation: Installation,
    options: UpOptions,
    tools: NamespaceTools | undefined,
  ) {
    this.#paths = paths;
    this.#installation = installation;
    this.#options = options;
    this.#tools = tools;
  }

  /** @param isAgain a daemon that was found running has ended since */
  async start(isAgain = false): Promise<Result<Omit<RunningEngine, 'durationMs'>>> {
    const wanted = this.#options.registry ?? false;
    const planned = wanted === false ? undefined : await this.#planRegistry(wanted);
    if (planned?.ok === false) return planned;

    // Without a running buildkitd, containers belong to no build: a killed buildkitd leaves its containers running, and the next
    // one does not know them.
    const idle = (await readDaemon(this.#paths, 'buildkitd'))?.alive !== true;
    if (idle) await this.#clearLeftovers();
    if (idle && (await readDaemon(this.#paths, 'containerd'))?.alive !== true) {
      const database = await prepareDatabase(this.#paths, this.#version('containerd'), this.#options);
      if (!database.ok) return fail([database.error]);
      if (database.value !== undefined) this.#warnings.push(database.value);
    }
    const containerd = await this.#startContainerd();
    if (!containerd.ok) return containerd;
    if (idle) await removeContainers(this.#paths, this.#options);
    const buildkitd = await this.#startBuildkitd(containerd.value.pid);
    if (!buildkitd.ok) return buildkitd;
    const registry =
      planned === undefined ? await this.#aliveRegistry() : await this.#startRegistry(planned.value);
    if (registry !== undefined && !registry.ok) return registry;

    const buildctl = this.#file('buildctl');
    const address = `unix://${this.#paths.buildkitSocket}`;
    const isNew = (name: DaemonName) => this.#started.some((one) => one.name === name);
    const worker = await readWorker({ buildctl, address }, this.#options);
    if (!worker.ok) {
      // One that was killed a moment ago still looked alive when it was found.
      if (!isAgain && !isNew('buildkitd') && (await waitForEnd(buildkitd.value, 1_000)))
        return this.start(true);
      const tail = await readTail(buildkitd.value.logFile, 20);
      return fail([{ ...worker.error, ...(tail === '' ? {} : { detail: tail }) }]);
    }
    if (isNew('containerd') && !isNew('buildkitd'))
      await waitForContainerd({ buildctl, address }, this.#options);
    const daemons = [containerd.value, buildkitd.value];
    if (registry !== undefined) daemons.push(registry.value);
    return ok({
      address,
      buildctl,
      containerd: {
        socket: this.#paths.containerdSocket,
        namespace: this.#paths.namespace,
        ctr: this.#file('ctr'),
      },
      worker: worker.value,
      ...(registry === undefined ? {} : { registry: registry.value.address }),
      daemons,
      started: this.#started.map((one) => one.name),
      warnings: this.#warnings,
    });
  }

  /** Removes what a killed engine left behind. */
  async #clearLeftovers(): Promise<void> {
    if ((await readDaemon(this.#paths, 'containerd'))?.alive === true) return;
    const foreignFiles = await findForeignFiles(this.#paths);
    // This also ends daemons without a pid file, except the registry.
    await killLeftovers(this.#paths, ['containerd', 'buildkitd']);
    await unmountAll(this.#paths, this.#options);
    for (const file of foreignFiles) await rm(file, { recursive: true, force: true });
  }

  /** Ends the started daemons in reverse order. */
  async undo(): Promise<void> {
    for (const record of [...this.#started].reverse()) {
      await endDaemon(record, 5_000);
      await removePidFile(this.#paths, record.name);
    }
  }

  #file(part: EnginePart): string {
    return path.join(this.#installation.binDir, part);
  }

  #version(part: EnginePart): string {
    return this.#installation.parts.get(part)?.version ?? 'unknown';
  }

  async #startContainerd(): Promise<Result<DaemonRecord>> {
    const config = path.join(this.#paths.stateDir, 'containerd.toml');
    const tools = this.#tools;
    return this.#startUnlessAlive(
      'containerd',
      this.#paths.containerdSocket,
      async () => {
        if (tools !== undefined) await rm(namespaceDir(this.#paths), { recursive: true, force: true });
        const settings = { version: this.#version('containerd'), unsynced: await isUnsynced(this.#paths) };
        await writeFile(config, containerdConfig(this.#paths, settings), { mode: 0o600 });
        return ['--config', config];
      },
      tools && namespaceMaker(tools, this.#paths),
    );
  }

  async #startBuildkitd(containerdPid: number): Promise<Result<DaemonRecord>> {
    const config = path.join(this.#paths.stateDir, 'buildkitd.toml');
    const wanted = this.#options.registries ?? new Map();
    let isNew = false;
    const tools = this.#tools;
    const daemon = await this.#startUnlessAlive(
      'buildkitd',
      this.#paths.buildkitSocket,
      async () => {
        isNew = true;
        if (tools !== undefined) await hideForeignContainerd(tools, containerdPid, this.#options.env);
        const registries = formatRegistries(await mergeRegistries(this.#paths, wanted));
        const snapshotter = await this.#pickSnapshotter();
        const worker = { snapshotter, runc: this.#file('runc'), rootless: tools !== undefined };
        await writeFile(config, buildkitdConfig(this.#paths, worker, registries), { mode: 0o600 });
        return ['--config', config];
      },
      tools && namespaceEntry(tools, containerdPid),
    );
    const outdated = isNew ? undefined : await checkRegistrySettings(this.#paths, wanted);
    if (outdated !== undefined) this.#warnings.push(outdated);
    return daemon;
  }

  async #pickSnapshotter(): Promise<Snapshotter> {
    const inside = this.#tools === undefined ? [] : onceInNamespace(this.#tools.rootlesskit);
    const why = await tryOverlay(path.join(this.#paths.stateDir, 'probe'), this.#options.env, inside);
    if (why === undefined) return 'overlayfs';
    this.#warnings.push({
      ...problem(
        'engine/no-overlayfs',
        'overlayfs does not work here: layers are copied, which is slow and takes space',
        {
          hint: 'load the kernel module (modprobe overlay), or set BAKE_TS_HOME to a directory on ext4 or xfs',
          detail: why,
        },
      ),
      severity: 'warning',
    });
    return 'native';
  }

  async #aliveRegistry(): Promise<Result<DaemonRecord> | undefined> {
    const known = await readDaemon(this.#paths, 'registry');
    return known?.alive === true ? ok(known.record) : undefined;
  }

  /** The address of the registry; checked before anything is started. */
  async #planRegistry(wanted: true | number): Promise<Result<string>> {
    const known = await readDaemon(this.#paths, 'registry');
    const port =
      typeof wanted === 'number' ? wanted : (portOf(known?.record.address) ?? DEFAULT_REGISTRY_PORT);
    const address = `127.0.0.1:${port}`;
    if (known?.alive === true) {
      if (known.record.address === address) return ok(address);
      return fail([
        problem(
          'engine/registry-elsewhere',
          `the engine's registry already runs at ${known.record.address}`,
          {
            hint: `use that one, or stop the engine first: bake-ts engine down && bake-ts engine up --registry-port ${port}`,
          },
        ),
      ]);
    }
    // The sockets of a registry that was just killed accept connections for a moment longer.
    const deadlineMs = Date.now() + (known?.record.address === address ? 3_000 : 0);
    for (;;) {
      const answer = await probeSocket({ host: '127.0.0.1', port });
      if (answer.kind !== 'accepts') return ok(address);
      if (Date.now() >= deadlineMs) return fail([await portTakenProblem(port)]);
      await sleep(50);
    }
  }

  async #startRegistry(address: string): Promise<Result<DaemonRecord>> {
    const config = path.join(this.#paths.stateDir, 'registry.json');
    return this.#startUnlessAlive('registry', address, async () => {
      const secret = randomBytes(24).toString('hex');
      await writeFile(config, registryConfig(this.#paths, address, secret), { mode: 0o600 });
      return ['serve', config];
    });
  }

  async #startUnlessAlive(
    name: DaemonName,
    address: string,
    prepare: () => Promise<readonly string[]>,
    launcher?: Launcher,
  ): Promise<Result<DaemonRecord>> {
    const isReady = (): Promise<boolean> => isServing(name, address);
    const known = await readDaemon(this.#paths, name);
    if (known?.alive === true) {
      if (await isReady()) {
        if (known.record.launcher !== undefined) await noteDaemon(this.#paths, known.record);
        return ok(known.record);
      }
      // It runs but does not serve: it hangs, or its socket was deleted. It must be restarted.
      await endDaemon(known.record, 5_000);
    }
    if (name !== 'registry') {
      await rm(address, { force: true });
      await rm(`${address}.ttrpc`, { force: true });
    }
    this.#options.notify?.({ part: name, step: 'starting', text: `starting ${name} ${this.#version(name)}` });
    const started = await startDaemon(
      {
        name,
        file: this.#file(name),
        args: await prepare(),
        ...(launcher === undefined ? {} : { launcher }),
        version: this.#version(name),
        address,
        env: daemonEnv(this.#options.env, this.#paths, this.#installation.binDir),
        cwd: this.#paths.stateDir,
        isReady,
        timeoutMs: READY_TIMEOUT_MS,
        ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      },
      this.#paths,
    );
    if (started.ok) {
      this.#started.push(started.value);
      this.#options.notify?.({ part: name, step: 'done', text: `${name} serves at ${address}` });
    }
    return started;
  }
}

function findLacking(installation: Installation | undefined, options: UpOptions): Problem | undefined {
  const missing = neededParts().filter((part) => installation?.parts.has(part) !== true);
  if (missing.length > 0) return notInstalled(installation === undefined ? [] : missing);
  const registry = options.registry ?? false;
  if (registry !== false && installation?.parts.has('registry') !== true) {
    return problem('engine/registry-not-installed', 'the registry is not installed', {
      hint: 'install it: bake-ts engine install --registry',
    });
  }
  return undefined;
}

/** The problem of a missing or incomplete installation. */
export function notInstalled(missing: readonly EnginePart[]): Problem {
  const what =
    missing.length === 0
      ? 'the embedded engine is not installed'
      : `the embedded engine lacks ${missing.join(', ')}`;
  return problem('engine/not-installed', what, {
    hint: 'install it (containerd, buildkitd, buildctl and runc, in its own directory): bake-ts engine install',
  });
}

/** Creates our directories. */
async function makeDirectories(paths: EnginePaths): Promise<Problem | undefined> {
  for (const dir of [paths.stateDir, paths.logDir, paths.runtimeDir])
    await mkdir(dir, { recursive: true, mode: 0o700 });
  // In a world-writable place, another user may have created them first.
  const notOurs = await checkOwnership(paths);
  if (notOurs !== undefined) return notOurs;
  await chmod(paths.runtimeDir, 0o700);
  await mkdir(path.join(paths.runtimeDir, 'tmp'), { recursive: true, mode: 0o700 });
  return undefined;
}
