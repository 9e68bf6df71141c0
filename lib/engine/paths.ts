/**
 * Paths of the embedded engine. They are private to one user and one home: two homes are two independent engines, and nothing is
 * shared with the machine's containerd or Docker.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Environment } from '../model/mod.ts';
import { homeDirectory, ownUid } from '../system/mod.ts';

/** Absolute paths of everything the engine owns. */
export interface EnginePaths {
  /** Binaries: `versions/<id>/bin`, the link `current`, unfinished downloads. */
  readonly dataDir: string;
  /** Data of the daemons: images, snapshots, caches, logs, configuration. */
  readonly stateDir: string;
  /** Sockets and pid files. Short enough for a unix socket's address. */
  readonly runtimeDir: string;
  /** Folders of installed versions, one each. */
  readonly versionsDir: string;
  /** Symbolic link to the version in use. */
  readonly currentLink: string;
  /** Unfinished downloads. */
  readonly downloadsDir: string;
  /** Output of the daemons, one file each. */
  readonly logDir: string;
  /** Where buildkitd listens. */
  readonly buildkitSocket: string;
  /** Where containerd listens. */
  readonly containerdSocket: string;
  /** containerd's own namespace for BuildKit's images. */
  readonly namespace: string;
}

/** Longest path of a unix socket on Linux in bytes, without the final zero (unix(7), `sun_path`). */
const SOCKET_PATH_LIMIT = 107;

/**
 * Returns the paths: below `BAKE_TS_HOME` if it is set, otherwise in the XDG base directories (data and state). The runtime
 * directory depends only on the state directory (not on XDG_RUNTIME_DIR, which differs between a login shell, `sudo` and a
 * service), so that the same state never gets two sets of daemons.
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
  // The XDG specification requires that relative values are ignored; empty ones are treated as unset everywhere.
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
