/** The file of a frontend that may read whatever it is offered. */
import { existsSync } from 'node:fs';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { followInside, isWithin, readRegularFile } from '../system/mod.ts';
import { type BuildCall, provideDockerfile } from './build.ts';

/**
 * The directory that is offered with the file of a foreign frontend: its own where that is a part of the context, which may
 * be read anyway, else one that holds copies of the file and its ignore file alone. Copied is what the engine would see of
 * the directory: no symlink leads out of it, and what is no regular file is not there. Undefined: it comes with a remote
 * context.
 *
 * @param staged a copy of the context that is offered in its place
 * @throws where a copy cannot be made
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

/** What a frontend like that of Dockerfiles looks for (buildkit frontend/dockerui/config.go, `ReadEntrypoint`). */
function namesOf(filename: string): readonly string[] {
  const others = filename === 'Dockerfile' ? ['dockerfile'] : [];
  return [filename, `${filename}.dockerignore`, ...others];
}

/** As in other places that read them: more than either of them has. */
const MAX_BYTES = 8 * 1024 * 1024;

/** A regular file of a directory, symlinks followed in it alone; undefined: there is none. */
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

/** Where a directory lies in another one, symlinks followed; undefined: it does not, or is not there. */
async function placeWithin(root: string, dir: string): Promise<string | undefined> {
  if (!existsSync(root) || !existsSync(dir)) return undefined;
  const [realRoot, realDir] = await Promise.all([realpath(root), realpath(dir)]);
  return isWithin(realDir, [realRoot]) ? path.relative(realRoot, realDir) : undefined;
}
