/** Which builds are gone from a builds.yaml. Not every build that is not in it is: several files may lie in one directory. */
import path from 'node:path';
import type { BuildSet } from '../model/mod.ts';

/** What is known of a build that there was. */
export interface KnownBuild {
  /** Names of the files that it was read from last; absent: no run of it is kept. */
  readonly files?: readonly string[];
}

/**
 * Builds that were of the files that are read now, and are not in them any more. A build whose files nobody knows counts only where
 * no other files are known of.
 *
 * @param set undefined: nothing is gone, as far as anybody can tell
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
