/** Calls of buildctl with one of our own Dockerfiles, which run nothing and read no files: they change or query the engine's store. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type EngineTarget, engineArgv } from '../model/mod.ts';
import type { ProgramEnd } from '../system/mod.ts';
import { type Buildctl, callBuildctl } from './tool.ts';

/** A Dockerfile of our own. */
export interface OwnDockerfile {
  /** Name of its local source. The source has the same file in every call, so that concurrent calls cannot mix up files. */
  readonly source: string;
  readonly text: string;
}

/** The first arguments of `buildctl`. */
export function ownDockerfileArgv(
  engine: EngineTarget,
  { source }: OwnDockerfile,
  workDir: string,
): readonly string[] {
  return [
    ...engineArgv(engine),
    ...['build', '--progress=rawjson', '--frontend', 'dockerfile.v0'],
    ...['--opt', `dockerfilekey=${source}`, '--local', `${source}=${workDir}`],
  ];
}

/** Writes the Dockerfile into the directory of the call and calls buildctl. */
export async function callOwnDockerfile(
  tool: Buildctl,
  { text }: OwnDockerfile,
  argv: readonly string[],
  {
    workDir,
    signal,
    timeoutMs,
  }: { readonly workDir: string; readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<ProgramEnd> {
  await mkdir(workDir, { recursive: true });
  await writeFile(path.join(workDir, 'Dockerfile'), text);
  return callBuildctl(tool, {
    argv,
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}
