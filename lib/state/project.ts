import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileNameOf } from '../util/file-name.ts';

/** Directories in the state directory with one file per build of a project. */
export const BY_BUILD = ['last', 'results', 'documents'] as const;

/** Name of a project in the state directory: two checkouts of one repository are two projects. */
export function projectName(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 16);
}

/** The file of a build of a project in one of {@link BY_BUILD}. */
export function fileOfBuild(
  stateDir: string,
  kind: (typeof BY_BUILD)[number],
  project: string,
  build: string,
): string {
  return path.join(stateDir, kind, project, `${fileNameOf(build)}.json`);
}
