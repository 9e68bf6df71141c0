/**
 * Options that keep git from running programs named in a repository: a directory that only looks like a bare repository
 * is not used as one, and no setting names a program to watch files with (git-config(1): `safe.bareRepository`,
 * `core.fsmonitor`).
 */
export const SAFE_GIT: readonly string[] = [
  '-c',
  'safe.bareRepository=explicit',
  '-c',
  'core.fsmonitor=false',
];
