/**
 * Options that keep git from running what the files of a repository name: a directory that only looks like a bare
 * repository is none, and no setting names a program to watch files with (git-config(1): `safe.bareRepository`,
 * `core.fsmonitor`).
 */
export const SAFE_GIT: readonly string[] = [
  '-c',
  'safe.bareRepository=explicit',
  '-c',
  'core.fsmonitor=false',
];
