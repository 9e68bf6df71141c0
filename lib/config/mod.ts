/**
 * The builds.yaml language: from files, variables and overrides to a {@link BuildSet} with every value final.
 * Stages: read (read.ts, parse.ts) → shape (validate.ts) → merge (merge.ts) → variables → names (enumerate.ts,
 * matrix.ts) → overrides → values (layers.ts, values.ts, resolve.ts) → groups. docs/language.md is the reference.
 */
import { type BuildSet, fail, ok, type Problem, type Result } from '../model/mod.ts';
import { orDenied } from '../util/permission.ts';
import type { GrantOptions } from './grants.ts';
import { createProblems } from './problems.ts';
import { loadFiles, printBake, type ReadOptions } from './read.ts';
import { type ResolveOptions, resolveSet } from './resolve-set.ts';
import { withoutTrust } from './untrusted.ts';

export {
  type BuildDefinition,
  type BuildsDefinition,
  type BuildsModule,
  defineBuilds,
  type Expression,
  type ModuleContext,
  type PoolDefinition,
  type TemplateDefinition,
  type VariableDefinition,
} from './define.ts';
export { KEY_RULES as overridableKeys } from './keys.ts';
export { findRoot } from './locate.ts';
export { formatPrinted, type PrintedSet, printBuilds } from './print.ts';
export { buildsSchema } from './schema.ts';
export { readUserGrants } from './user-config.ts';

/** Options of {@link readBuilds}. Paths are relative to `cwd`, which is absolute. */
export interface ReadBuildsOptions extends ReadOptions, Omit<ResolveOptions, 'now'>, GrantOptions {
  /** The value of `now` in expressions; default: the time of the call. */
  readonly now?: Date;
}

/** A set, and warnings about it. */
export interface ReadBuildsValue {
  readonly set: BuildSet;
  readonly warnings: readonly Problem[];
  /** Bake and Compose files that were found and read because there is no builds.yaml. */
  readonly foundBake?: readonly string[];
}

/**
 * Reads, checks and resolves the builds of a repository. All problems (`config/…`) are reported at once, in the order of
 * the file; if one is an error, there is no set. No network, no engine; git runs only for expressions that use `git.…`.
 */
export async function readBuilds(options: ReadBuildsOptions): Promise<Result<ReadBuildsValue>> {
  return orDenied(
    () => readSet(options),
    (denied) => fail([denied]),
  );
}

async function readSet(options: ReadBuildsOptions): Promise<Result<ReadBuildsValue>> {
  const problems = createProblems();
  const now = options.now ?? new Date();
  const loaded = await loadFiles({ ...options, now }, problems);
  const isReadable = loaded.files.length > 0;
  const resolved = isReadable ? await resolveSet(loaded, { ...options, now }, problems) : undefined;
  const set = resolved?.grants.untrusted === true ? withoutTrust(resolved, problems) : resolved;
  if (set === undefined || problems.errors.length > 0) {
    return fail([
      ...inFileOrder(problems.errors, loaded.files),
      ...inFileOrder(problems.warnings, loaded.files),
    ]);
  }
  const { foundBake } = loaded;
  return ok({
    set,
    warnings: inFileOrder(problems.warnings, loaded.files),
    ...(foundBake === undefined ? {} : { foundBake }),
  });
}

/**
 * The output of `docker buildx bake --print` for a repository's bake and Compose files.
 *
 * @param targets names of targets and groups, and patterns
 * @returns the JSON with a line break at its end, and warnings; no JSON if builds files are among the files
 */
export async function printBakeFiles(
  options: ReadBuildsOptions,
  targets: readonly string[],
): Promise<Result<{ readonly text: string | undefined; readonly warnings: readonly Problem[] }>> {
  const problems = createProblems();
  return orDenied(
    async () => {
      const text = await printBake({ ...options, now: options.now ?? new Date() }, targets, problems);
      const { errors, warnings } = problems;
      return errors.length > 0 ? fail([...errors, ...warnings]) : ok({ text, warnings });
    },
    (denied) => fail([denied]),
  );
}

/** Problems without a place first, then by file and place, the order in which a person fixes them. */
function inFileOrder(
  problems: readonly Problem[],
  files: readonly { readonly origin: { readonly source: object } }[],
): readonly Problem[] {
  const order = new Map<object, number>(files.map((file, index) => [file.origin.source, index]));
  const rank = (found: Problem): number =>
    found.span === undefined ? -1 : (order.get(found.span.source) ?? files.length);
  return [...problems].sort((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0));
}

export type { Text, TextList, TextMap, TypedText } from './define.ts';
