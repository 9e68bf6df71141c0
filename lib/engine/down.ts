/** Ends the embedded engine completely: no process, container, mount or socket is left. */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, problem, type Result } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { type DaemonName, endDaemon, readDaemon, removePidFile } from './daemon.ts';
import { mountsBelow } from './host.ts';
import { findForeignFiles, killLeftovers, removeContainers, unmountAll } from './leftovers.ts';
import { takeEngineLock } from './lock.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { enginePaths } from './paths.ts';
import { removeTree } from './remove.ts';
import { settleDatabase } from './unsynced.ts';

/** What `down` found and stopped. */
export interface DownReport {
  /** False if nothing was running. */
  readonly wasRunning: boolean;
  /** Daemons, and whether they had to be killed. */
  readonly stopped: readonly { readonly name: DaemonName; readonly how: 'terminated' | 'killed' }[];
  /** Containers of builds that were still there. */
  readonly removedContainers: number;
  /** Processes that outlived their daemon (shims, containers, daemons without a pid file). */
  readonly killedProcesses: number;
  /** Mount points that were left over. */
  readonly unmounted: readonly string[];
  /** How long it took (milliseconds). */
  readonly durationMs: number;
}

const GRACE_MS = 5_000;

const NOTHING: DownReport = {
  wasRunning: false,
  stopped: [],
  removedContainers: 0,
  killedProcesses: 0,
  unmounted: [],
  durationMs: 0,
};

/**
 * Ends the embedded engine. Running builds fail: BuildKit would wait for them, but `down` waits only five seconds. Images and
 * caches are kept. Succeeds if nothing runs.
 *
 * @returns what was ended; problems: `engine/leftovers`, `engine/other-user`, `engine/unsafe-directory`, `engine/locked`, `run/cancelled`
 */
export async function downEngine(options: EngineOptions): Promise<Result<DownReport>> {
  const startedMs = Date.now();
  // It runs only on Linux.
  if (thisSystem() !== 'linux') return ok(NOTHING);
  const paths = enginePaths(options.env);
  const notOurs = await checkOwnership(paths);
  if (notOurs !== undefined) return fail([notOurs]);
  const exists = await stat(paths.runtimeDir).then(
    () => true,
    () => false,
  );
  if (!exists) {
    // Never started, or the directory was deleted; then the daemons still run and are found only by their arguments.
    const killedProcesses = await killLeftovers(paths);
    await settleDatabase(paths);
    return ok({
      wasRunning: killedProcesses > 0,
      stopped: [],
      removedContainers: 0,
      killedProcesses,
      unmounted: await unmountAll(paths, options),
      durationMs: Date.now() - startedMs,
    });
  }
  const lock = await takeEngineLock(paths, options);
  // On a completely full disk no other process can take the lock either, so continue without it.
  const isFull = !lock.ok && lock.error.every(({ code }) => code === 'engine/disk-full');
  if (!lock.ok && !isFull) return lock;
  try {
    const stopped: { name: DaemonName; how: 'terminated' | 'killed' }[] = [];
    const stop = async (name: DaemonName): Promise<void> => {
      const known = await readDaemon(paths, name);
      if (known?.alive === true) {
        options.notify?.({ part: name, step: 'stopping', text: `stopping ${name}` });
        const how = await endDaemon(known.record, GRACE_MS);
        if (how === 'terminated' || how === 'killed') stopped.push({ name, how });
      }
      await removePidFile(paths, name);
    };
    await stop('registry');
    await stop('buildkitd');
    const foreignFiles = await findForeignFiles(paths);
    const removedContainers = await removeContainers(paths, options);
    await stop('containerd');
    const killedProcesses = await killLeftovers(paths);
    await settleDatabase(paths);
    const unmounted = await unmountAll(paths, options);

    const left = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
    if (left.length > 0) {
      // Deleting would affect the mounted file systems.
      return fail([
        problem(
          'engine/leftovers',
          `${left.length} mounts below the engine's directory cannot be unmounted`,
          {
            hint: 'find out who uses them (fuser -m), and run bake-ts engine down again',
            detail: left.join('\n'),
          },
        ),
      ]);
    }
    for (const file of foreignFiles) await rm(file, { recursive: true, force: true });
    for (const name of [
      'containerd',
      'runc',
      'rootlesskit',
      'tmp',
      'buildkitd.sock',
      'otel-grpc.sock',
      'containerd.sock',
      'containerd.sock.ttrpc',
    ]) {
      const removed = await removeTree(path.join(paths.runtimeDir, name), options);
      if (!removed.ok) return fail([removed.error]);
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
    if (lock.ok) await lock.value.release();
  }
}
