/** Temporary directories and trees of files that are gone when the test is over. */
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { runProgram } from '../../lib/system/mod.ts';

/** What the rig needs of a test: a place to hang its cleaning up on. */
export interface Cleanup {
  after(fn: () => void | Promise<void>): void;
}

/** A file of a tree: its text, or its text and mode, or where it points. */
export type TreeEntry =
  | string
  | { readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly symlink: string };

/** Makes an empty directory and removes it after the test. Symlinks in its path are resolved. */
export async function makeTempDir(t: Cleanup, prefix = 'bake-ts-test-'): Promise<string> {
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), prefix)));
  t.after(() => removeTree(dir));
  return dir;
}

/**
 * Removes a directory with all that is in it. overlayfs leaves directories behind that not even their owner may read, and only root and
 * Node's own removal pass over that.
 */
export async function removeTree(dir: string): Promise<void> {
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await runProgram({ program: 'chmod', argv: ['-R', 'u+rwX', dir], env: process.env });
    await remove();
  }
}

/** Writes files below `dir`, parents included. A key that ends in `/` is an empty directory. */
export async function writeTree(dir: string, tree: Readonly<Record<string, TreeEntry>>): Promise<void> {
  for (const [name, entry] of Object.entries(tree)) {
    const file = path.join(dir, name);
    if (name.endsWith('/')) {
      await mkdir(file, { recursive: true });
      continue;
    }
    await mkdir(path.dirname(file), { recursive: true });
    if (typeof entry === 'string') await writeFile(file, entry);
    else if ('symlink' in entry) await symlink(entry.symlink, file);
    else {
      await writeFile(file, entry.content);
      // chmod, because the mode given to writeFile is cut by the umask.
      if (entry.mode !== undefined) await chmod(file, entry.mode);
    }
  }
}

/** A temporary directory with files in it. */
export async function makeTree(t: Cleanup, tree: Readonly<Record<string, TreeEntry>>): Promise<string> {
  const dir = await makeTempDir(t);
  await writeTree(dir, tree);
  return dir;
}

/** Makes `dir` the place for temporary files of this process until the test is over. */
export function useTempDir(t: Cleanup, dir: string): void {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = dir;
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
}
