/**
 * Removes what a crash (of a daemon, a power failure, `kill -9`) leaves behind: containers whose daemon is gone, mounts below our
 * directories, sockets and pipes of shims.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, runProgram } from '../system/mod.ts';
import { DAEMON_NAMES, type DaemonName } from './daemon.ts';
import { mountsBelow } from './host.ts';
import { readInstallation } from './installation.ts';
import type { EngineOptions } from './notice.ts';
import type { EnginePaths } from './paths.ts';
import { childrenOf, identifyProcess, listProcesses, signalProcess, waitForEnd } from './process-identity.ts';
import { isRootless, namespaceDir } from './rootless.ts';
import { probeSocket } from './socket.ts';

/** Where containerd's shims keep their sockets, whatever its state directory is (containerd pkg/shim/util_unix.go). */
const SHIM_SOCKET_DIR = '/run/containerd/s/';

/** Where containerd's clients keep the pipes for a container's output (containerd defaults/defaults_unix.go). */
const FIFO_DIR = '/run/containerd/fifo';

const KILL_WAIT_MS = 5_000;

/** How often and at what interval removing a killed container is tried. */
const ENDED_ASKED = 20;
const ENDED_ASK_MS = 100;

/** How long the process that created a namespace may take to notice that its daemon has ended. */
const MAKER_WAIT_MS = 1_000;

/** Directories of containers with a task in containerd: `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`. */
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

/**
 * Finds files of our containers outside of our directories: sockets of shims and pipes of their output. Call it before the
 * containers are removed, and delete the files afterwards.
 */
export async function findForeignFiles(paths: EnginePaths): Promise<readonly string[]> {
  const found: string[] = [];
  // Without root they are in a /run that ends with its namespace; the ones here belong to root's containerd.
  if (isRootless()) return found;
  const bundles = await findBundles(paths);
  if (bundles.length === 0) return found;
  for (const pipeDir of await readdir(FIFO_DIR).catch(() => [])) {
    const names = await readdir(path.join(FIFO_DIR, pipeDir)).catch(() => []);
    if (names.some((name) => bundles.some(({ id }) => name.startsWith(`${id}-`)))) {
      found.push(path.join(FIFO_DIR, pipeDir));
    }
  }
  for (const { dir } of bundles) {
    for (const name of ['bootstrap.json', 'address']) {
      const text = await readFile(path.join(dir, name), 'utf8').catch(() => '');
      const socket = /unix:\/\/([^"\s]+)/.exec(text)?.[1];
      if (socket?.startsWith(SHIM_SOCKET_DIR) === true) found.push(socket);
    }
  }
  return found;
}

/**
 * Makes containerd end, unmount and remove every container of its BuildKit namespace. Call it only if no build runs. Returns how
 * many there were; 0 if containerd does not answer.
 */
export async function removeContainers(paths: EnginePaths, options: EngineOptions): Promise<number> {
  const ctr = (await readInstallation(paths))?.parts.get('ctr')?.file;
  if (ctr === undefined || (await probeSocket({ path: paths.containerdSocket })).kind !== 'accepts') return 0;
  const run = (...args: string[]) =>
    runProgram({
      program: ctr,
      argv: ['--address', paths.containerdSocket, '--namespace', paths.namespace, ...args],
      env: options.env,
      timeoutMs: 10_000,
    });
  const ids = (await run('containers', 'ls', '--quiet')).stdout
    .toString()
    .split('\n')
    .filter((id) => id !== '');
  for (const id of ids) {
    // `tasks delete --force` finds processes by their control group, which does not exist without root.
    await run('tasks', 'kill', '--signal', 'SIGKILL', id);
    for (let asked = 0; asked < ENDED_ASKED; asked++) {
      await run('tasks', 'delete', '--force', id);
      // Fails while there is a task.
      if ((await run('containers', 'delete', id)).exitCode === 0) break;
      await delay(ENDED_ASK_MS);
    }
  }
  return ids.length;
}

/** Kills processes of this engine whose daemon is gone, children before parents. */
export async function killLeftovers(
  paths: EnginePaths,
  daemons: readonly DaemonName[] = DAEMON_NAMES,
): Promise<number> {
  const shims: number[] = [];
  const alone: number[] = [];
  // Without root, everything in containerd's namespaces ends with it.
  const last: number[] = [];
  const makers: number[] = [];
  for (const { pid, argv } of await listProcesses()) {
    const program = path.basename(argv[0] ?? '');
    const isDaemon =
      daemons.some((name) => name === program) && argv.some((one) => path.dirname(one) === paths.stateDir);
    if (program === 'containerd-shim-runc-v2' && argv.includes(paths.containerdSocket)) shims.push(pid);
    else if (isDaemon) (program === 'containerd' ? last : alone).push(pid);
    else if (argv.includes(`--state-dir=${namespaceDir(paths)}`)) makers.push(pid);
  }
  let killed = 0;
  for (const pid of shims) {
    for (const child of await childrenOf(pid)) killed += await kill(child);
    killed += await kill(pid);
  }
  for (const pid of [...alone, ...last]) killed += await kill(pid);
  for (const pid of makers) {
    const identity = await identifyProcess(pid);
    if (identity !== undefined && !(await waitForEnd(identity, MAKER_WAIT_MS))) killed += await kill(pid);
  }
  return killed;
}

async function kill(pid: number): Promise<number> {
  const identity = await identifyProcess(pid);
  if (identity === undefined || !signalProcess(pid, 'SIGKILL')) return 0;
  await waitForEnd(identity, KILL_WAIT_MS);
  return 1;
}

/** Unmounts everything below the engine's directories, deepest first. Returns the unmounted points. */
export async function unmountAll(paths: EnginePaths, options: EngineOptions): Promise<readonly string[]> {
  const umount = await findProgram('umount', options.env);
  const points = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
  const done: string[] = [];
  for (const point of new Set(points)) {
    if (umount === undefined) break;
    const run = (...argv: readonly string[]) =>
      runProgram({ program: umount, argv, env: options.env, timeoutMs: 10_000 });
    const first = await run(point);
    // Still in use: detached now, and freed when no longer used.
    const end = first.exitCode === 0 ? first : await run('-l', point);
    if (end.exitCode === 0) done.push(point);
  }
  return done;
}
