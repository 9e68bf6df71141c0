/** Ending the embedded engine so that nothing of it is left: no process, no container, no mount, no socket. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, problem, type Result } from '../model/mod.ts';
import { type DaemonName, readDaemon, removePidFile } from './daemon.ts';
import { mountsBelow } from './host.ts';
import { readInstallation } from './installation.ts';
import { takeLock } from './lock.ts';
import type { EngineOptions } from './notice.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import {
  childrenOf,
  endProcess,
  findProgram,
  identifyProcess,
  listProcesses,
  runCommand,
  signalProcess,
  waitForEnd,
} from './process.ts';
import { probeSocket } from './socket.ts';

/** What `down` found and ended. */
export interface DownReport {
  /** False where nothing ran. */
  readonly wasRunning: boolean;
  /** Daemons, and whether they had to be killed. */
  readonly stopped: readonly { readonly name: DaemonName; readonly how: 'terminated' | 'killed' }[];
  /** Containers of builds that were still there. */
  readonly removedContainers: number;
  /** Processes that outlived their daemon (shims, containers, daemons without a pid file). */
  readonly killedProcesses: number;
  /** Mount points that had been left. */
  readonly unmounted: readonly string[];
  readonly durationMs: number;
}

const GRACE_MS = 5_000;

/** Where containerd's shims keep their sockets, whatever its state directory is (containerd pkg/shim/util_unix.go). */
const SHIM_SOCKET_DIR = '/run/containerd/s/';

/**
 * Ends the engine. Builds that run fail: BuildKit would wait for them, and `down` does so for five seconds only.
 * Images and caches stay. Nothing to end is a success. Problems: `engine/leftovers`, `engine/locked`, `engine/aborted`.
 */
export async function downEngine(options: EngineOptions): Promise<Result<DownReport>> {
  const startedMs = Date.now();
  const paths = enginePaths(options.env);
  const exists = await stat(paths.runtimeDir).then(
    () => true,
    () => false,
  );
  const nothing = { wasRunning: false, stopped: [], removedContainers: 0, killedProcesses: 0, unmounted: [] };
  if (!exists) return ok({ ...nothing, durationMs: Date.now() - startedMs });
  const lock = await takeLock(path.join(paths.runtimeDir, 'engine.lock'), {
    timeoutMs: 2 * 60_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onWait: (pid) =>
      options.notify?.({
        part: 'engine',
        step: 'waiting',
        text: `process ${pid} is starting or stopping it`,
      }),
  });
  if (!lock.ok) return lock;
  try {
    const stopped: { name: DaemonName; how: 'terminated' | 'killed' }[] = [];
    const stop = async (name: DaemonName): Promise<void> => {
      const known = await readDaemon(paths, name);
      if (known?.alive === true) {
        options.notify?.({ part: name, step: 'stopping', text: `stopping ${name}` });
        const how = await endProcess(known.record, GRACE_MS);
        if (how === 'terminated' || how === 'killed') stopped.push({ name, how });
      }
      await removePidFile(paths, name);
    };
    await stop('registry');
    await stop('buildkitd');
    const shimSockets = await findShimSockets(paths);
    const removedContainers = await removeContainers(paths, options);
    await stop('containerd');
    const killedProcesses = await killLeftovers(paths);
    const unmounted = await unmountAll(paths, options);

    const left = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
    if (left.length > 0) {
      // Deleting would reach through the mounts into what is mounted.
      return fail([
        problem('engine/leftovers', `${left.length} mounts below the engine's folder cannot be unmounted`, {
          hint: 'see who uses them (fuser -m), and run bake-ts engine down again',
          detail: left.join('\n'),
        }),
      ]);
    }
    for (const socket of shimSockets) await rm(socket, { force: true });
    for (const name of [
      'containerd',
      'runc',
      'tmp',
      'buildkitd.sock',
      'containerd.sock',
      'containerd.sock.ttrpc',
    ]) {
      await rm(path.join(paths.runtimeDir, name), { recursive: true, force: true });
    }
    return ok({
      wasRunning: stopped.length > 0 || killedProcesses > 0,
      stopped,
      removedContainers,
      killedProcesses,
      unmounted,
      durationMs: Date.now() - startedMs,
    });
  } finally {
    await lock.value.release();
  }
}

/** Directories of containers that containerd knows a task of: `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`. */
async function findBundles(
  paths: EnginePaths,
): Promise<readonly { namespace: string; id: string; dir: string }[]> {
  const base = path.join(paths.runtimeDir, 'containerd/io.containerd.runtime.v2.task');
  const found: { namespace: string; id: string; dir: string }[] = [];
  for (const namespace of await readdir(base).catch(() => [])) {
    for (const id of await readdir(path.join(base, namespace)).catch(() => [])) {
      found.push({ namespace, id, dir: path.join(base, namespace, id) });
    }
  }
  return found;
}

async function findShimSockets(paths: EnginePaths): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { dir } of await findBundles(paths)) {
    for (const name of ['bootstrap.json', 'address']) {
      const text = await readFile(path.join(dir, name), 'utf8').catch(() => '');
      const socket = /unix:\/\/([^"\s]+)/.exec(text)?.[1];
      if (socket?.startsWith(SHIM_SOCKET_DIR) === true) found.push(socket);
    }
  }
  return found;
}

/** Has containerd end what still runs: it then also unmounts and forgets it. */
async function removeContainers(paths: EnginePaths, options: EngineOptions): Promise<number> {
  const bundles = await findBundles(paths);
  if (bundles.length === 0) return 0;
  const ctr = (await readInstallation(paths))?.parts.get('ctr')?.file;
  if (ctr === undefined || (await probeSocket({ path: paths.containerdSocket })).kind !== 'accepts') return 0;
  let removed = 0;
  for (const { namespace, id } of bundles) {
    const base = ['--address', paths.containerdSocket, '--namespace', namespace];
    const run = (args: readonly string[]) =>
      runCommand(ctr, [...base, ...args], { env: options.env, timeoutMs: 10_000 });
    const task = await run(['tasks', 'delete', '--force', id]);
    await run(['containers', 'delete', id]);
    if (task.code === 0) removed += 1;
  }
  return removed;
}

/** Kills what belongs to this engine and has no daemon any more, children before parents. */
async function killLeftovers(paths: EnginePaths): Promise<number> {
  let killed = 0;
  for (const { pid, argv } of await listProcesses()) {
    const program = path.basename(argv[0] ?? '');
    const isShim = program === 'containerd-shim-runc-v2' && argv.includes(paths.containerdSocket);
    const isDaemon =
      ['containerd', 'buildkitd', 'registry', 'docker-registry'].includes(program) &&
      argv.some((one) => path.dirname(one) === paths.stateDir);
    if (!isShim && !isDaemon) continue;
    if (isShim) for (const child of await childrenOf(pid)) killed += await kill(child);
    killed += await kill(pid);
  }
  return killed;
}

async function kill(pid: number): Promise<number> {
  const identity = await identifyProcess(pid);
  if (identity === undefined || !signalProcess(pid, 'SIGKILL')) return 0;
  await waitForEnd(identity, GRACE_MS);
  return 1;
}

async function unmountAll(paths: EnginePaths, options: EngineOptions): Promise<readonly string[]> {
  const umount = await findProgram('umount', options.env);
  const points = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
  const done: string[] = [];
  for (const point of new Set(points)) {
    if (umount === undefined) break;
    const first = await runCommand(umount, [point], { env: options.env, timeoutMs: 10_000 });
    // Still used by somebody: taken out of the tree now, freed when they let go.
    const end =
      first.code === 0
        ? first
        : await runCommand(umount, ['-l', point], { env: options.env, timeoutMs: 10_000 });
    if (end.code === 0) done.push(point);
  }
  return done;
}
