/**
 * Where the embedded engine keeps its things. All of it is private to one user and one home: two homes are two engines
 * that know nothing of each other, and nothing is shared with a containerd or a Docker of the machine.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Environment } from '../model/mod.ts';
import { homeDirectory, ownUid } from '../system/mod.ts';

/** Absolute paths of everything the engine owns. */
export interface EnginePaths {
  /** Binaries: `versions/<id>/bin`, the link `current`, unfinished downloads. */
  readonly dataDir: string;
  /** What the daemons keep: images, snapshots, caches, logs, configuration. */
  readonly stateDir: string;
  /** Sockets and pid files. Short enough for a unix socket's address. */
  readonly runtimeDir: string;
  /** Folders of installed versions, one each. */
  readonly versionsDir: string;
  /** Symbolic link to the version in use. */
  readonly currentLink: string;
  /** Downloads that are not finished. */
  readonly downloadsDir: string;
  /** Output of the daemons, a file each. */
  readonly logDir: string;
  /** Where buildkitd listens. */
  readonly buildkitSocket: string;
  /** Where containerd listens. */
  readonly containerdSocket: string;
  /** containerd's own namespace for BuildKit's images. */
  readonly namespace: string;
}

/** Bytes that fit a unix socket's address on Linux, without the closing zero (unix(7), `sun_path`). */
const SOCKET_PATH_LIMIT = 107;

/**
 * Works out the paths: below `BAKE_TS_HOME` if it is set, else by the XDG base directories (data and state).
 * The runtime directory follows from the state directory alone (never from XDG_RUNTIME_DIR, which differs between a
 * login shell, `sudo` and a service): the same state must never get two sets of daemons.
 */
export function enginePaths(env: Environment): EnginePaths {
  const home = homeDirectory(env);
  const own = absolute(env['BAKE_TS_HOME']);
  const dataDir =
    own ?? path.join(absolute(env['XDG_DATA_HOME']) ?? path.join(home, '.local/share'), 'bake-ts');
  const stateBase =
    own === undefined
      ? path.join(absolute(env['XDG_STATE_HOME']) ?? path.join(home, '.local/state'), 'bake-ts')
      : own;
  const stateDir = path.join(stateBase, 'engine-state');
  const runtimeDir = pickRuntimeDir(stateDir);
  const engineDir = path.join(dataDir, 'engine');
  return {
    dataDir: engineDir,
    stateDir,
    runtimeDir,
    versionsDir: path.join(engineDir, 'versions'),
    currentLink: path.join(engineDir, 'current'),
    downloadsDir: path.join(engineDir, 'downloads'),
    logDir: path.join(stateDir, 'logs'),
    buildkitSocket: path.join(runtimeDir, 'buildkitd.sock'),
    containerdSocket: path.join(runtimeDir, 'containerd.sock'),
    namespace: 'buildkit',
  };
}

function absolute(value: string | undefined): string | undefined {
  // The XDG specification wants relative values ignored; an empty one counts as unset everywhere.
  return value !== undefined && path.isAbsolute(value) ? path.normalize(value) : undefined;
}

function pickRuntimeDir(stateDir: string): string {
  const beside = path.join(stateDir, 'run');
  const longest = path.join(beside, 'containerd.sock.ttrpc');
  if (new TextEncoder().encode(longest).length <= SOCKET_PATH_LIMIT) return beside;
  const mark = createHash('sha256').update(stateDir).digest('hex').slice(0, 12);
  const uid = ownUid();
  return uid === 0 ? `/run/bake-ts-${mark}` : `/tmp/bake-ts-${uid}-${mark}`;
}
