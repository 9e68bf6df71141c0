/** Letting go of images in the engine's own store, which buildctl cannot delete: their names are given to an empty one. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatCsv } from './argv.ts';
import { type Buildctl, callBuildctl } from './tool.ts';

/** What empties names. */
export interface EmptyCall {
  /** Names in the store. */
  readonly names: readonly string[];
  /** A directory of this call alone; removed by the caller. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

/** A local source that holds the same file in every call, so no two calls get one another's. */
const SOURCE = 'bake-ts-empty';
const DOCKERFILE = 'FROM scratch\n';

/** The arguments of `buildctl` for it. */
export function emptyArgv(address: string, { names, workDir }: Omit<EmptyCall, 'signal'>): readonly string[] {
  return [
    ...['--addr', address, 'build', '--progress=rawjson', '--frontend', 'dockerfile.v0'],
    ...['--opt', `dockerfilekey=${SOURCE}`, '--local', `${SOURCE}=${workDir}`],
    ...['--opt', 'build-arg:SOURCE_DATE_EPOCH=0'],
    ...['--output', formatCsv(['type=image', `name=${names.join(',')}`])],
  ];
}

/** Gives names to an image of nothing, so that the engine may collect what they named. */
export async function emptyStored(tool: Buildctl, call: EmptyCall): Promise<void> {
  await mkdir(call.workDir, { recursive: true });
  await writeFile(path.join(call.workDir, 'Dockerfile'), DOCKERFILE);
  await callBuildctl(tool, {
    argv: emptyArgv(tool.address, call),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
}
