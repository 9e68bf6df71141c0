/** From merged files to a BuildSet: variables, builds, overrides, groups, registries, in this order. */
import {
  type Build,
  type BuildSet,
  type Grants,
  type Json,
  type Problem,
  problem,
  type SourceFile,
  type Span,
  sensitiveForms,
} from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import type { PathOptions } from './absolute-path.ts';
import { markUnsetSecrets } from './bake-secrets.ts';
import type { BuildTraits } from './bake-traits.ts';
import { Budget } from './cel-budget.ts';
import { resolveEngine } from './engine.ts';
import { enumerateBuilds, type Instance, type Instances } from './enumerate.ts';
import {
  createEvaluator,
  createPlainEvaluator,
  type Evaluator,
  FAILED,
  hasExpression,
  type Scope,
} from './expression.ts';
import { readFunctions } from './functions.ts';
import { createGit } from './git.ts';
import { resolveGroups } from './groups.ts';
import { createLayerFinder, lastOf } from './layers.ts';
import { hasOnlyMembers } from './member.ts';
import { type Merged, mergeFiles } from './merge.ts';
import { layOverrides } from './overrides.ts';
import type { Problems } from './problems.ts';
import type { Loaded, LoadedFile } from './read.ts';
import { loadRegex, NO_REGEX } from './regex.ts';
import { resolveRegistries } from './registries.ts';
import { resolveBuild } from './resolve.ts';
import { at, atKey, type Node } from './tree.ts';
import { createValues, plainText } from './values.ts';
import { readVarFiles, type VariableInputs } from './var-files.ts';
import { declareVariables, readSchemas, resolveVariables } from './variables.ts';

/** Further input besides the files. */
export interface ResolveOptions extends VariableInputs {
  readonly overrides?: readonly string[];
  /** The value of `now` in expressions. */
  readonly now: Date;
}

/** Resolves what was loaded. Problems go to `problems`, and the set then contains what could be read. */
export async function resolveSet(
  loaded: Loaded,
  options: ResolveOptions,
  problems: Problems,
): Promise<BuildSet> {
  const merged = mergeFiles(loaded, problems);
  const { bake } = loaded;
  const declared = new Set([...merged.variables.keys(), ...(bake?.variables.keys() ?? [])]);
  const budget = new Budget();
  const regex = loaded.files.some(mayHaveRegex) ? await loadRegex(budget) : NO_REGEX;
  const evaluator = loaded.files.some(mayHaveExpression)
    ? await createEvaluator({
        problems,
        variables: declared,
        onlyMembers: needsNoLibrary(loaded),
        grants: loaded.grants,
        realPaths: loaded.realPaths,
        regex,
        budget,
        functions: readFunctions(merged.functions, problems),
      })
    : createPlainEvaluator(regex.matches);
  const paths: PathOptions = { root: loaded.root, env: options.env };
  const outer: Scope = {
    env: visibleEnvironment(options.env, loaded.grants),
    git: createGit(loaded.root, options.env),
    now: options.now,
  };
  const fileValues = bake?.fileValues ?? (await readVarFiles(options, declared, problems, loaded));
  const inputs = { ...options, grants: loaded.grants };
  const given = bake?.variables ?? new Map();
  const isBake = loaded.files.every(({ isFinal }) => isFinal === true);
  const unknown = bake?.hasCompose === true ? 'any' : isBake ? 'bake' : 'own';
  const declarations = declareVariables(merged);
  const schemas = await readSchemas(declarations, problems);
  const declaring = { declarations, schemas, given, unknown } as const;
  const variables = resolveVariables(declaring, inputs, fileValues, outer, evaluator, problems);
  for (const variable of variables.all.values()) {
    if (!variable.sensitive) continue;
    for (const text of [...textsIn(variable.value), ...sensitiveForms(variable.value)]) problems.hide(text);
  }
  const scope: Scope = { ...outer, vars: variables.scope };

  const instances = withRows(enumerateBuilds(merged, scope, evaluator, problems), bake);
  const overrides = layOverrides(
    bake?.overrides ?? options.overrides ?? [],
    options.cwd,
    { builds: instances.builds.keys(), matrices: instances.matrices },
    problems,
    isBake ? bake?.keysOfOverrides : undefined,
  );
  const finder = createLayerFinder(merged, evaluator, problems);
  const known = { ...instances, builds: new Set(instances.builds.keys()) };
  const builds = new Map<string, Build>();
  const written: ReadonlySet<SourceFile> = new Set(
    loaded.files.flatMap(({ origin, isFinal }) => (isFinal ? [] : [origin.source])),
  );
  const bakeSecrets = { env: options.env, isBakes: isOutside(written) };
  for (const instance of instances.builds.values()) {
    const layers = withOverrides(
      finder.layersOf(instance.definition, instance.scope),
      overrides.get(instance.name),
    );
    const traits = bake?.traits.get(instance.name);
    const own = traits === undefined ? problems : problems.apart();
    const values = createValues(instance.name, layers, instance.scope, evaluator, own);
    const build = resolveBuild(headOf(instance, evaluator), values, known, paths, own);
    builds.set(
      instance.name,
      traits === undefined
        ? build
        : markUnsetSecrets(
            withTraits(build, traits, own, written, bake?.isPartial === true, problems),
            bakeSecrets,
          ),
    );
  }
  checkUnused(merged, evaluator);
  if (merged.builds.size === 0 && problems.errors.length === 0) problems.add(noBuilds(loaded));
  const groups = resolveGroups(merged, instances, scope, evaluator, problems, bake?.groups);
  const registries = resolveRegistries(merged, scope, evaluator, problems, paths);
  const engine = resolveEngine(merged.engine, { scope, evaluator, problems, paths });
  return {
    root: loaded.root,
    builds,
    groups,
    matrices: instances.matrices,
    variables: variables.all,
    registries,
    ...(engine === undefined ? {} : { engine }),
    ...settingsOf(merged, scope, evaluator),
    grants: loaded.grants,
    files: loaded.files.flatMap((file) => (file.isInMemory === true ? [] : file.origin.source.path)),
    ...(isBake ? { isBake: true as const } : {}),
    ...(loaded.absent.length === 0 ? {} : { absentFiles: loaded.absent }),
  };
}

/** Whether a place is in a bake file rather than a builds file; for overrides, whether there is a builds file. */
function isOutside(written: ReadonlySet<SourceFile>): (source: SourceFile | undefined) => boolean {
  return (source) =>
    source === undefined || source.isCommandLine === true ? written.size === 0 : !written.has(source);
}

/**
 * A target of bake with its problems, which are reported when it is planned: bake itself checks nothing else. Problems in
 * builds files are always reported.
 */
function withTraits(
  build: Build,
  traits: BuildTraits,
  { errors, warnings }: Problems,
  written: ReadonlySet<SourceFile>,
  isPartial: boolean,
  problems: Problems,
): Build {
  const known = traits.mistakes ?? [];
  const mistakes = [...(traits.mistakes ?? [])];
  for (const found of [...errors, ...warnings]) {
    if (found.span !== undefined && written.has(found.span.source)) problems.add(found);
    // Bake's rules and bake-ts's may report the same mistake.
    else if (!known.some((one) => isWithin(found.span, one.span) || isWithin(one.span, found.span)))
      mistakes.push(found);
  }
  // Nothing of the file is built, so all problems are reported.
  if (isPartial) problems.addAll(mistakes);
  const { mistakes: _, ...rest } = traits;
  return { ...build, ...rest, ...(mistakes.length === 0 ? {} : { mistakes }) };
}

function isWithin(inner: Span | undefined, outer: Span | undefined): boolean {
  if (inner === undefined || outer === undefined) return false;
  return inner.source === outer.source && inner.start >= outer.start && inner.end <= outer.end;
}

/** Adds the matrices of bake files, whose rows are separate builds. */
function withRows(instances: Instances, bake: Loaded['bake']): Instances {
  if (bake === undefined || bake.matrices.size === 0) return instances;
  return { ...instances, matrices: new Map([...instances.matrices, ...bake.matrices]) };
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** CEL is loaded only if some text needs it. A module's text does not contain its values. */
function mayHaveExpression({ root, origin, isFinal }: LoadedFile): boolean {
  return isFinal !== true && (hasExpression(origin.source.text) || root.start < 0);
}

/** The library for regular expressions is loaded only if some text may need it. */
function mayHaveRegex({ root, origin, isFinal }: LoadedFile): boolean {
  if (isFinal === true) return false;
  return root.start < 0 || /matches|pattern|replaceRegex|findAll/.test(origin.source.text);
}

/** True if CEL is not needed. Overrides are literal; only files have expressions. */
function needsNoLibrary({ files }: Loaded): boolean {
  return files.every(
    ({ root, origin, isFinal }) =>
      isFinal === true || (root.start >= 0 && hasOnlyMembers(origin.source.text)),
  );
}

/** `env` in expressions; for an untrusted file, only the variables that are granted by name. */
function visibleEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { untrusted, variables }: Grants,
): Readonly<Record<string, string>> {
  const visible = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (!untrusted || variables.includes(name))) visible[name] = value;
  return visible;
}

function withOverrides(
  layers: ReadonlyMap<string, readonly Node[]>,
  overrides: ReadonlyMap<string, readonly Node[]> | undefined,
): ReadonlyMap<string, readonly Node[]> {
  if (overrides === undefined) return layers;
  const merged = new Map(layers);
  for (const [key, nodes] of overrides) merged.set(key, [...(layers.get(key) ?? []), ...nodes]);
  return merged;
}

function headOf(instance: Instance, evaluator: Evaluator): Parameters<typeof resolveBuild>[0] {
  const { definition, name, matrix, scope } = instance;
  const { map, entry } = definition.keyOf;
  const node = lastOf(definition, 'description');
  const value = node?.kind === 'scalar' ? evaluator.scalar(node, scope) : FAILED;
  const description = node === undefined || value === FAILED ? undefined : plainText({ value, node });
  return {
    name,
    ...atKey(map, entry),
    ...(description === undefined ? {} : { description }),
    ...(matrix === undefined ? {} : { matrix }),
    origin: map.origin,
  };
}

/** Also checks expressions that no build evaluated (in unused functions and templates, and in replaced layers). */
function checkUnused(merged: Merged, evaluator: Evaluator): void {
  for (const { entry } of merged.functions.values()) evaluator.check(entry.value);
  for (const definitions of [merged.templates, merged.builds]) {
    for (const definition of definitions.values())
      for (const layer of definition.layers) evaluator.check(layer);
  }
}

function noBuilds(loaded: Loaded): Problem {
  const [first] = loaded.files;
  if (loaded.bake !== undefined) {
    const names = loaded.files.map(({ origin }) => origin.source.path).join(', ');
    const isOne = first !== undefined && loaded.files.length === 1;
    const [bare] = [...loaded.bake.matrices.keys()];
    const what = bare === undefined ? '' : `; the matrix of \`${bare}\` has no rows`;
    return problem(
      'config/no-builds',
      `There is no target, and no service with \`build\`, in ${names}${what}`,
      {
        hint: `Name another file with ${option('-f FILE')}, or run bake-ts init to create a builds.yaml.`,
        ...(isOne
          ? {
              span: {
                source: first.origin.source,
                start: 0,
                end: Math.min(1, first.origin.source.text.length),
              },
            }
          : {}),
      },
    );
  }
  return problem('config/no-builds', 'The file declares no builds', {
    hint: 'Add one: builds: { app: { context: . } }',
    ...(first === undefined ? {} : at(first.root)),
  });
}

function settingsOf(
  merged: Merged,
  scope: Scope,
  evaluator: Evaluator,
): Pick<BuildSet, 'record' | 'publish' | 'immutable'> {
  const text = (key: string): string | undefined => textOf(merged.settings.get(key), scope, evaluator);
  const list = merged.settings.get('immutable');
  const items = list?.kind === 'list' ? list.items : list === undefined ? [] : [list];
  const immutable = items.flatMap((item) => textOf(item, scope, evaluator) ?? []);
  const record = text('record');
  return {
    ...(record === undefined ? {} : { record }),
    ...(text('publish') === 'together' ? { publish: 'together' as const } : {}),
    ...(immutable.length === 0 ? {} : { immutable }),
  };
}

/** A scalar outside of builds as text; undefined if it is not set, null, empty or failed. */
function textOf(node: Node | undefined, scope: Scope, evaluator: Evaluator): string | undefined {
  if (node?.kind !== 'scalar') return undefined;
  const value = evaluator.scalar(node, scope);
  if (value === FAILED || value === null) return undefined;
  const text = plainText({ value, node });
  return text === '' ? undefined : text;
}
