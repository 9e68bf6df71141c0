/**
 * What a crash (of a daemon, of the machine's power, of `kill -9`) leaves behind, and how it is removed: containers
 * whose daemon is gone, mounts below our folders, sockets and pipes of shims.
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

/** Where a client of containerd keeps the pipes to a container's output (containerd defaults/defaults_unix.go). */
const FIFO_DIR = '/run/containerd/fifo';

const KILL_WAIT_MS = 5_000;

/** How often, and between two times, a container whose processes were killed is asked to go. */
const ENDED_ASKED = 20;
const ENDED_ASK_MS = 100;

/** How long what made a namespace may take to see that its daemon has ended. */
const MAKER_WAIT_MS = 1_000;

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

/**
 * What containerd's parts keep of our containers outside of our folders: sockets of shims, pipes of their output.
 * To be asked before the containers are removed, and deleted when they are gone.
 */
export async function findForeignFiles(paths: EnginePaths): Promise<readonly string[]> {
  const found: string[] = [];
  // Without root they lie in a /run that goes with its namespace; here there are those of root's containerd.
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
 * Has containerd end and forget every container of its BuildKit namespace; it then also unmounts them. Only where no
 * build runs. Gives how many there were; none where containerd does not answer.
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
    // `tasks delete --force` kills all processes by their control group, and without root there is none to find them by.
    await run('tasks', 'kill', '--signal', 'SIGKILL', id);
    for (let asked = 0; asked < ENDED_ASKED; asked++) {
      await run('tasks', 'delete', '--force', id);
      // Refused while there is a task.
      if ((await run('containers', 'delete', id)).exitCode === 0) break;
      await delay(ENDED_ASK_MS);
    }
  }
  return ids.length;
}

/** Kills what belongs to this engine and has no daemon any more, children before parents. */
export async function killLeftovers(
  paths: EnginePaths,
  daemons: readonly DaemonName[] = DAEMON_NAMES,
): Promise<number> {
  const shims: number[] = [];
  const alone: number[] = [];
  // Without root the end of containerd is that of everything in its namespaces.
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

/** Unmounts everything below the engine's folders, deepest first; gives what it unmounted. */
export async function unmountAll(paths: EnginePaths, options: EngineOptions): Promise<readonly string[]> {
  const umount = await findProgram('umount', options.env);
  const points = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
  const done: string[] = [];
  for (const point of new Set(points)) {
    if (umount === undefined) break;
    const run = (...argv: readonly string[]) =>
      runProgram({ program: umount, argv, env: options.env, timeoutMs: 10_000 });
    const first = await run(point);
    // Still used by somebody: removed from the tree now, freed when they let go.
    const end = first.exitCode === 0 ? first : await run('-l', point);
    if (end.exitCode === 0) done.push(point);
  }
  return done;
}
