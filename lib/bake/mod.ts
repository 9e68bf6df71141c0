/** bake's rules for HCL and Compose files: from files to the targets that `docker buildx bake --print` shows. */
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

/** The files that bake looks for; all that exist are merged, in this order. */
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

/** The configuration behind a definition. */
const configs = new WeakMap<BakeDefinition, Config>();

/** What could be read, and the problems. */
export interface PartlyRead {
  /** If only single values have problems: everything else. */
  readonly definition?: BakeDefinition;
  readonly problems: readonly Problem[];
}

/** Reads and evaluates files in order and merges them; all problems are reported at once, each with its place. */
export async function readBake(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<Result<BakeDefinition>> {
  const { definition, problems } = await readBakePartly(files, options);
  return definition === undefined || problems.length > 0 ? fail(problems) : ok(definition);
}

/** Like {@link readBake}, but also finds further problems if values of some targets are invalid. */
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
 * Resolves the requested targets and groups: parents, overrides, links, defaults. Without names, `default`.
 *
 * @param definition result of {@link readBake}
 */
export function resolveBake(definition: BakeDefinition, options: ResolveBakeOptions): Result<BakeResult> {
  const config = configs.get(definition);
  return config === undefined ? fail([]) : resolveConfig(config, options);
}

/**
 * Resolves every target and group separately, with their problems. The problems of the result are those of the overrides.
 *
 * @param definition result of {@link readBake}
 */
export function resolveBakeEach(
  definition: BakeDefinition,
  overrides: readonly string[],
): Result<ResolvedTargets> {
  const config = configs.get(definition);
  return config === undefined ? fail([]) : resolveEach(config, overrides);
}

/**
 * Reads the build-related content of Compose files (later ones override earlier ones) without substituting variables, for
 * converting it to another format. Problems: `bake/compose`.
 */
export async function readComposeModel(
  files: readonly SourceFile[],
  options: ComposeModelOptions,
): Promise<Result<ComposeModel>> {
  return (await import('./compose/model.ts')).readComposeModel(files, options);
}
