/** The file for a foreign frontend, which may read the whole directory that it gets. */
import { existsSync } from 'node:fs';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { followInside, isWithin, readRegularFile } from '../system/mod.ts';
import { type BuildCall, provideDockerfile } from './build.ts';

/**
 * Returns the directory to offer to a foreign frontend with its file. If the file's directory is part of the context, which may
 * be read anyway, that directory is used; otherwise one with copies of only the file and its ignore file. As in the engine's view
 * of the directory, symlinks are not followed out of it, and only regular files are copied. Undefined: the file is part of a
 * remote context.
 *
 * @param staged a copy of the context that is offered instead
 * @throws if a copy cannot be made
 */
export async function provideForeignFile(
  call: Pick<BuildCall, 'build' | 'workDir'>,
  staged?: string,
): Promise<{ readonly dir: string; readonly filename: string } | undefined> {
  const { build, workDir } = call;
  const file = await provideDockerfile(call);
  if (file === undefined || build.dockerfile.kind === 'inline') return file;
  const { dir, filename } = file;
  const { ref } = build.context;
  const below = ref.kind === 'local' ? await placeWithin(ref.path, dir) : undefined;
  if (below !== undefined) return { dir: staged === undefined ? dir : path.join(staged, below), filename };
  const alone = path.join(workDir, 'file');
  await mkdir(alone, { recursive: true });
  for (const name of namesOf(filename)) {
    const content = readInside(dir, name);
    if (content !== undefined) await writeFile(path.join(alone, name), content);
  }
  return { dir: alone, filename };
}

/** The files that a frontend like Dockerfile's looks for (buildkit frontend/dockerui/config.go, `ReadEntrypoint`). */
function namesOf(filename: string): readonly string[] {
  const others = filename === 'Dockerfile' ? ['dockerfile'] : [];
  return [filename, `${filename}.dockerignore`, ...others];
}

/** The same limit as in other places that read these files; real ones are smaller. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Reads a regular file of a directory, following symlinks only within it; undefined: there is none. */
function readInside(dir: string, name: string): Uint8Array | undefined {
  try {
    const found = followInside(dir, name);
    return found === undefined ? undefined : readRegularFile(found, MAX_BYTES);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (NO_FILE.has(code)) return undefined;
    throw error;
  }
}

const NO_FILE = new Set<unknown>(['ENOENT', 'ENOTDIR', 'EISDIR', 'not-regular']);

/** The path of a directory within another one, with symlinks resolved; undefined: it is outside or does not exist. */
async function placeWithin(root: string, dir: string): Promise<string | undefined> {
  if (!existsSync(root) || !existsSync(dir)) return undefined;
  const [realRoot, realDir] = await Promise.all([realpath(root), realpath(dir)]);
  return isWithin(realDir, [realRoot]) ? path.relative(realRoot, realDir) : undefined;
}
