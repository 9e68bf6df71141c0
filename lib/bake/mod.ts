/** bake's rules over HCL and Compose files: from files to targets as `docker buildx bake --print` has them. */
import { fail, ok, type Problem, type Result, type SourceFile } from '../model/mod.ts';
import type { ComposeModel, ComposeModelOptions } from './compose/model.ts';
import type { Config } from './config.ts';
import type { BakeDefinition, BakeFile, ReadBakeOptions, ResolveBakeOptions } from './definition.ts';
import { readFiles } from './read.ts';
import { resolveConfig, resolveEach } from './resolve.ts';
import type { BakeResult, ResolvedTargets } from './target.ts';

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

/** What could be read, and what is wrong with it. */
export interface PartlyRead {
  /** Where only single values are wrong: everything else. */
  readonly definition?: BakeDefinition;
  readonly problems: readonly Problem[];
}

/** Reads and evaluates files as one, in order; all problems at once, each with its place. */
export async function readBake(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<Result<BakeDefinition>> {
  const { definition, problems } = await readBakePartly(files, options);
  return definition === undefined || problems.length > 0 ? fail(problems) : ok(definition);
}

/** Like {@link readBake}, to tell what else is wrong where values of some targets are wrong. */
export async function readBakePartly(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<PartlyRead> {
  const read = await readFiles(files, options);
  if (!read.ok) return { problems: read.error };
  const { definition, config, problems } = read.value;
  configs.set(definition, config);
  return { definition, problems };
}

/**
 * Resolves targets and groups to what is built: parents, overrides, links, defaults. Without names it is `default`.
 *
 * @param definition what {@link readBake} gave
 */
export function resolveBake(definition: BakeDefinition, options: ResolveBakeOptions): Result<BakeResult> {
  const config = configs.get(definition);
  return config === undefined ? fail([]) : resolveConfig(config, options);
}

/**
 * Resolves every target and every group, each by itself, with what is wrong with it. Problems are those of the overrides.
 *
 * @param definition what {@link readBake} gave
 */
export function resolveBakeEach(
  definition: BakeDefinition,
  overrides: readonly string[],
): Result<ResolvedTargets> {
  const config = configs.get(definition);
  return config === undefined ? fail([]) : resolveEach(config, overrides);
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
