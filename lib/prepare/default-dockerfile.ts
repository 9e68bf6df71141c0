/** The Dockerfile of a build that names none. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { Build } from '../model/mod.ts';
import { followInside } from '../system/mod.ts';

/** Whether nobody says which file it is. */
export function isDefault({ dockerfile, context }: Build): boolean {
  return (
    context.ref.kind === 'local' &&
    dockerfile.kind === 'file' &&
    dockerfile.written === 'Dockerfile' &&
    dockerfile.span === undefined
  );
}

/**
 * The file that BuildKit reads where none is named: `dockerfile`, if there is no `Dockerfile`, or one that it cannot read: a
 * directory, or a symlink that leads out of the context (buildkit frontend/dockerui/config.go, `ReadEntrypoint`). A
 * `dockerfile` that is a symlink is not looked for. The ignore file keeps its name, `Dockerfile.dockerignore`.
 *
 * @param file absolute path of `Dockerfile`
 */
export function findDefault(file: string): string {
  if (leadsToFile(file)) return file;
  const other = path.join(path.dirname(file), 'dockerfile');
  try {
    return lstatSync(other, { throwIfNoEntry: false })?.isFile() === true ? other : file;
  } catch {
    return file;
  }
}

function leadsToFile(file: string): boolean {
  try {
    const found = followInside(path.dirname(file), path.basename(file));
    return found !== undefined && !lstatSync(found).isDirectory();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Of anything else, reading it says why.
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
