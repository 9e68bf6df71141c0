/** The file of a frontend that may read whatever it is offered. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isWithin } from '../system/mod.ts';
import { type BuildCall, provideDockerfile } from './build.ts';

/**
 * The directory that is offered with the file of a foreign frontend: its own where that is a part of the context, which may
 * be read anyway, else one that holds the file and its ignore file alone. Undefined: it comes with a remote context.
 *
 * @param staged a copy of the context that is offered in its place
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
  for (const name of [filename, `${filename}.dockerignore`])
    if (existsSync(path.join(dir, name))) await copyFile(path.join(dir, name), path.join(alone, name));
  return { dir: alone, filename };
}

/** Where a directory lies in another one, symlinks followed; undefined: it does not, or is not there. */
async function placeWithin(root: string, dir: string): Promise<string | undefined> {
  if (!existsSync(root) || !existsSync(dir)) return undefined;
  const [realRoot, realDir] = await Promise.all([realpath(root), realpath(dir)]);
  return isWithin(realDir, [realRoot]) ? path.relative(realRoot, realDir) : undefined;
}
