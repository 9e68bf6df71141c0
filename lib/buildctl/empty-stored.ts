/** Letting go of images in the engine's own store, which buildctl cannot delete: their names are given to an empty one. */
import type { EngineTarget } from '../model/mod.ts';
import { formatCsv } from '../util/csv.ts';
import { callOwnDockerfile, type OwnDockerfile, ownDockerfileArgv } from './own-dockerfile.ts';
import type { Buildctl } from './tool.ts';

/** What empties names. */
export interface EmptyCall {
  /** Names in the store. */
  readonly names: readonly string[];
  /** A directory of this call alone; removed by the caller. */
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

/** Gives names to an image of nothing, so that the engine may collect what they named. */
export async function emptyStored(tool: Buildctl, call: EmptyCall): Promise<void> {
  await callOwnDockerfile(tool, NOTHING, emptyArgv(tool, call), call);
}
