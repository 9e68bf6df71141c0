/** Names of files as annotations of CI systems need them. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { FileInRepository } from '../lib/ci/mod.ts';

/**
 * Names files relative to the root of the checked-out repository, which need not be the workspace (`actions/checkout`
 * with `path`).
 */
export function repositoryFiles(cwd: string, workspace: string | undefined): FileInRepository {
  if (workspace === undefined || workspace === '') return (file) => file;
  const roots = [...new Set([workspace, realPath(workspace)])];
  return (file) => {
    const full = path.resolve(cwd, file);
    const names = [...new Set([full, path.join(realPath(path.dirname(full)), path.basename(full))])];
    for (const root of roots) {
      for (const name of names) {
        const relative = path.relative(root, name);
        if (relative === '' || relative.split(path.sep)[0] === '..' || path.isAbsolute(relative)) continue;
        return fromRepository(root, relative.split(path.sep)).join('/');
      }
    }
    return undefined;
  };
}

/** The part below the first directory on the path that is a repository; unchanged if there is none. */
function fromRepository(root: string, names: readonly string[]): readonly string[] {
  for (let depth = 0; depth < names.length; depth++)
    if (existsSync(path.join(root, ...names.slice(0, depth), '.git'))) return names.slice(depth);
  return names;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
