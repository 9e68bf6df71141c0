/** bake's rules over HCL and Compose files: from files to targets as `docker buildx bake --print` has them. */
import { fail, ok, type Result } from '../model/mod.ts';
import type { Config } from './config.ts';
import type { BakeDefinition, BakeFile, ReadBakeOptions, ResolveBakeOptions } from './definition.ts';
import { readFiles } from './read.ts';
import { resolveConfig } from './resolve.ts';
import type { BakeResult } from './target.ts';

export type * from './definition.ts';
export { formatBake, printBake } from './print.ts';
export type * from './target.ts';

/** The files that bake looks for, in the order in which it puts them together: all that are there count. */
export const DEFAULT_BAKE_FILES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

/** What a definition was made of. */
const configs = new WeakMap<BakeDefinition, Config>();

/** Reads and evaluates files as one, in order; all problems at once, each with its place. */
export async function readBake(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<Result<BakeDefinition>> {
  const read = await readFiles(files, options);
  if (!read.ok) return read;
  configs.set(read.value.definition, read.value.config);
  return ok(read.value.definition);
}

/**
 * Resolves targets and groups to what is built: parents, overrides, links, defaults. Without names it is `default`.
 *
 * @param definition what {@link readBake} gave
 */
export function resolveBake(definition: BakeDefinition, options: ResolveBakeOptions): Result<BakeResult> {
  const config = configs.get(definition);
  if (config === undefined) return fail([]);
  return resolveConfig(config, options);
}
