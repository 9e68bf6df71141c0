/** Finds builds that are gone from a builds.yaml. A missing build need not be gone, because a directory may have several files. */
import path from 'node:path';
import type { BuildSet } from '../model/mod.ts';

/** What is known about a past build. */
export interface KnownBuild {
  /** Names of the files that it was last read from; absent: no run of it is recorded. */
  readonly files?: readonly string[];
}

/**
 * Builds that were in the files that are read now, and no longer are. A build with unknown files is gone only if no
 * other files are known.
 *
 * @param set undefined: nothing is gone, because nothing is known
 */
export function findGone(
  known: ReadonlyMap<string, KnownBuild>,
  set: BuildSet | undefined,
): ReadonlySet<string> {
  if (set === undefined) return new Set();
  const read = new Set(set.files.map((file) => path.basename(file)));
  const isRead = (files: readonly string[]): boolean => files.every((file) => read.has(file));
  const hasOthers = [...known.values()].some(({ files }) => files !== undefined && !isRead(files));
  return new Set(
    [...known].flatMap(([build, { files }]) => {
      if (set.builds.has(build)) return [];
      return (files === undefined ? hasOthers : !isRead(files)) ? [] : build;
    }),
  );
}
