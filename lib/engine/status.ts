/** What is installed of the embedded engine and what runs. Changes nothing. */
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type DaemonRecord, readDaemons } from './daemon.ts';
import { type Installation, readInstallation } from './installation.ts';
import { isServing } from './is-serving.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { type EnginePaths, enginePaths } from './paths.ts';

/** State of a daemon. */
export interface DaemonStatus extends DaemonRecord {
  /** `ended`: its pid file exists, but not its process. `silent`: it runs, but does not answer. */
  readonly state: 'running' | 'silent' | 'ended';
}

/** State of the embedded engine. */
export interface EngineStatus {
  /** Paths of all its files. */
  readonly paths: EnginePaths;
  /** The version in use; absent: none is installed. */
  readonly installation?: Installation;
  /** Daemons that were started and not ended by `down`. */
  readonly daemons: readonly DaemonStatus[];
  /** containerd and buildkitd run and answer. */
  readonly running: boolean;
  /** `unix://…`, whether or not anybody listens. */
  readonly address: string;
  /** `127.0.0.1:PORT` of the registry if it runs. */
  readonly registry?: string;
  /** Bytes on disk. Only if requested, because walking a large cache takes a while. */
  readonly diskUse?: { readonly binariesBytes: number; readonly stateBytes: number };
}

/**
 * Inspects the embedded engine. Nothing is started, and nothing can fail.
 *
 * @param options `diskUse` also measures disk usage, which takes a while
 */
export async function engineStatus(
  options: EngineOptions & { readonly diskUse?: boolean },
): Promise<EngineStatus> {
  const paths = enginePaths(options.env);
  // Files of another user are not trusted.
  const isOurs = (await checkOwnership(paths)) === undefined;
  const [installation, known] = await Promise.all([
    readInstallation(paths),
    isOurs ? readDaemons(paths) : [],
  ]);
  const daemons = await Promise.all(
    known.map(async ({ record, alive }): Promise<DaemonStatus> => {
      const serving = alive && (await isServing(record.name, record.address));
      return { ...record, state: serving ? 'running' : alive ? 'silent' : 'ended' };
    }),
  );
  const runs = (name: string): DaemonStatus | undefined =>
    daemons.find((one) => one.name === name && one.state === 'running');
  const registry = runs('registry');
  return {
    paths,
    ...(installation === undefined ? {} : { installation }),
    daemons,
    running: runs('containerd') !== undefined && runs('buildkitd') !== undefined,
    address: `unix://${paths.buildkitSocket}`,
    ...(registry === undefined ? {} : { registry: registry.address }),
    ...(options.diskUse === true
      ? {
          diskUse: {
            binariesBytes: await measure(paths.dataDir),
            stateBytes: await measure(paths.stateDir),
          },
        }
      : {}),
  };
}

/** Disk usage of the files below a directory in bytes. Files that disappear or cannot be read are ignored. */
async function measure(dir: string): Promise<number> {
  let bytes = 0;
  const open = [dir];
  const { dev } = await lstat(dir).catch(() => ({ dev: -1 }));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const file = path.join(at, entry.name);
      const found = await lstat(file).catch(() => undefined);
      // Another device is a mount: a running container's view of layers that are counted already.
      if (found === undefined || found.dev !== dev) continue;
      bytes += found.blocks * 512;
      if (entry.isDirectory()) open.push(file);
    }
  }
  return bytes;
}
