/** Releases images in the engine's own store. buildctl cannot delete them, so their names are given to an empty image. */
import type { EngineTarget } from '../model/mod.ts';
import { formatCsv } from '../util/csv.ts';
import { callOwnDockerfile, type OwnDockerfile, ownDockerfileArgv } from './own-dockerfile.ts';
import type { Buildctl } from './tool.ts';

/** The input of {@link emptyStored}. */
export interface EmptyCall {
  /** Names in the store. */
  readonly names: readonly string[];
  /** A directory for this call only; removed by the caller. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

const NOTHING: OwnDockerfile = { source: 'bake-ts-empty', text: 'FROM scratch\n' };

/** The arguments of `buildctl` for it. */
export function emptyArgv(
  engine: EngineTarget,
  { names, workDir }: Omit<EmptyCall, 'signal'>,
): readonly string[] {
  return [
    ...ownDockerfileArgv(engine, NOTHING, workDir),
    ...['--opt', 'build-arg:SOURCE_DATE_EPOCH=0'],
    ...['--output', formatCsv(['type=image', `name=${names.join(',')}`])],
  ];
}

/** Moves names to an empty image, so that the engine can garbage-collect the images that they named. */
export async function emptyStored(tool: Buildctl, call: EmptyCall): Promise<void> {
  await callOwnDockerfile(tool, NOTHING, emptyArgv(tool, call), call);
}
