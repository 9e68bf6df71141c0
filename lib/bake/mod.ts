/** bake's rules over HCL and Compose files: from files to targets as `docker buildx bake --print` has them. */
import { fail, ok, type Result, type SourceFile } from '../model/mod.ts';
import type { ComposeModel, ComposeModelOptions } from './compose/model.ts';
import type { Config } from './config.ts';
import type { BakeDefinition, BakeFile, ReadBakeOptions, ResolveBakeOptions } from './definition.ts';
import { readFiles } from './read.ts';
import { resolveConfig } from './resolve.ts';
import type { BakeResult } from './target.ts';

export type { ComposeModel, ComposeModelOptions } from './compose/model.ts';
export type { Entry as ComposeEntry, Node as ComposeNode } from './compose/node.ts';
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

/**
 * Reads Compose files, later ones over earlier ones, as far as they concern builds, with their variables kept: for who writes
 * down elsewhere what they say. Problems: `bake/compose`.
 */
export async function readComposeModel(
  files: readonly SourceFile[],
  options: ComposeModelOptions,
): Promise<Result<ComposeModel>> {
  return (await import('./compose/model.ts')).readComposeModel(files, options);
}
