/** Reads bake and Compose files (buildx bake/bake.go, `ParseFiles`). */
import {
  type Block,
  type Body,
  convert,
  loadRegex,
  parseHcl,
  parseHclJson,
  REGEX_FUNCTIONS,
  STRING,
  standardFunctions,
  toJsonText,
  typeName,
  type Value,
} from '../hcl/mod.ts';
import { fail, type Json, ok, type Problem, problem, type Result, type SourceFile } from '../model/mod.ts';
import { Blocks, type Instance } from './blocks.ts';
import { isComposeName } from './compose/name.ts';
import type { Config } from './config.ts';
import type {
  BakeDefinition,
  BakeFile,
  BakeTargetHead,
  BakeVariable,
  ReadBakeOptions,
} from './definition.ts';
import { readDefinitions, type VariableBlock } from './definitions.ts';
import { type Draft, mergeDraft } from './draft.ts';
import { parseBool } from './go-text.ts';
import { Names } from './names.ts';
import { dirOf, rebaseAll } from './rebase.ts';
import type { BakeGroup } from './target.ts';

/** The result of reading: what can be listed, and what can be resolved. */
export interface ReadFiles {
  readonly definition: BakeDefinition;
  readonly config: Config;
  /** Problems; only of single values of targets, otherwise there would be no result. */
  readonly problems: readonly Problem[];
}

/** Reads all files and merges them. All problems are returned at once. */
export async function readFiles(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<Result<ReadFiles>> {
  const problems: Problem[] = [];
  const { compose, bodies } = await sortFiles(files, options, problems);
  const fromCompose =
    compose.length === 0 ? ok({ targets: [], groups: [] }) : await readCompose(compose, options);
  if (!fromCompose.ok) problems.push(...fromCompose.error);
  if (!fromCompose.ok || problems.length > 0) return fail(problems);
  const env = lookupIn(options);
  const drafts = new Map<string, Draft>();
  // A Compose file without builds results in a group without a list.
  const groups = new Map<string, BakeGroup>(
    fromCompose.value.groups.map((group) => [
      group.name,
      group.targets.length === 0 ? { ...group, hasNoList: true } : group,
    ]),
  );
  for (const draft of fromCompose.value.targets) addDraft(drafts, draft);
  const isRelative = isFileRelative(options.env, problems);
  if (isRelative) startAtCompose(drafts.values(), compose);
  const written = await evaluateBodies(bodies, env, options, problems);
  if (written === undefined || problems.length > written.wrongValues) return fail(problems);
  for (const instance of written.instances) addInstance(instance, drafts, groups, written.ofBlocks);
  const allGroups = [...groups.values(), ...matrixGroups(written.instances)];
  if (isRelative) rebaseAll(drafts.values());
  const epoch = options.env['SOURCE_DATE_EPOCH'];
  const config: Config = {
    targets: drafts,
    groups: allGroups,
    // If the environment must not be read, an argument without a value is empty.
    lookup: env.isAllowed ? (name) => textIn(options.env, name) : () => '',
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
  };
  const definition = {
    variables: written.variables,
    targets: headsOf(drafts, written),
    groups: firstOfEach(allGroups),
    withoutRows: written.withoutRows,
    hasCompose: compose.length > 0,
    warnings: written.warnings,
  };
  return ok({ definition, config, problems });
}

/** Compose support and the YAML library are only loaded if there are such files. */
async function readCompose(...args: Parameters<typeof import('./compose/mod.ts').readComposeFiles>) {
  return (await import('./compose/mod.ts')).readComposeFiles(...args);
}

async function readsAsCompose(source: SourceFile, options: ReadBakeOptions): Promise<boolean> {
  return (await import('./compose/mod.ts')).readsAsCompose(source, options);
}

function firstOfEach(groups: readonly BakeGroup[]): ReadonlyMap<string, BakeGroup> {
  const first = new Map<string, BakeGroup>();
  for (const group of groups) if (!first.has(group.name)) first.set(group.name, group);
  return first;
}

interface Sorted {
  readonly compose: readonly SourceFile[];
  readonly bodies: readonly Body[];
}

/** Separates Compose files, by name or content, from the others, which are parsed. */
async function sortFiles(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
  problems: Problem[],
): Promise<Sorted> {
  const compose: SourceFile[] = [];
  const bodies: Body[] = [];
  for (const { source } of files) {
    if (isComposeName(source.path) ?? (await readsAsCompose(source, options))) {
      compose.push(source);
      continue;
    }
    const parsed = parseBody(source);
    bodies.push(parsed.body);
    problems.push(...parsed.problems);
  }
  return { compose, bodies };
}

function parseBody(source: SourceFile): { readonly body: Body; readonly problems: readonly Problem[] } {
  if (source.path.endsWith('.json')) return parseHclJson(source);
  const parsed = parseHcl(source);
  if (source.path.endsWith('.hcl') || parsed.problems.length === 0) return parsed;
  const json = parseHclJson(source);
  return json.problems.length === 0 ? json : parsed;
}

interface Lookup {
  readonly isAllowed: boolean;
  readonly given: (name: string) => string | undefined;
}

/** `--var`, then the environment, unless that is disabled. */
function lookupIn({ env, vars }: ReadBakeOptions): Lookup {
  const isAllowed = parseBool(env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] ?? '') !== true;
  return { isAllowed, given: (name) => vars.get(name) ?? (isAllowed ? textIn(env, name) : undefined) };
}

/** Inherited properties such as `constructor` are not values. */
function textIn(env: ReadBakeOptions['env'], name: string): string | undefined {
  const value: unknown = env[name];
  return typeof value === 'string' ? value : undefined;
}

function isFileRelative(env: ReadBakeOptions['env'], problems: Problem[]): boolean {
  const name = 'BUILDX_BAKE_FILE_RELATIVE_PATHS';
  const text = (env[name] ?? '').trim();
  if (text === '') return false;
  const is = parseBool(text);
  if (is === undefined)
    problems.push({
      severity: 'error',
      code: 'bake/value',
      message: `${name} must be true or false, not "${text}"`,
    });
  return is === true;
}

/** Paths of all Compose files are relative to the first of them. */
function startAtCompose(drafts: Iterable<Draft>, files: readonly SourceFile[]): void {
  const base = dirOf(files[0]?.path ?? '');
  if (base === undefined) return;
  for (const { values, bases } of drafts) {
    bases.own = base;
    if (values.context !== undefined) bases.context = base;
    for (const name of values.contexts?.keys() ?? []) bases.contexts.set(name, base);
  }
}

function addDraft(drafts: Map<string, Draft>, draft: Draft): void {
  const known = drafts.get(draft.name);
  if (known === undefined) drafts.set(draft.name, draft);
  else mergeDraft(known, draft);
}

/** The result of evaluating the HCL files. */
interface Written {
  readonly instances: readonly Instance[];
  readonly variables: ReadonlyMap<string, BakeVariable>;
  readonly warnings: readonly Problem[];
  readonly ofBlocks: ReadonlyMap<Block, readonly Problem[]>;
  /** Number of problems that concern single values and do not affect others. */
  readonly wrongValues: number;
  readonly withoutRows: readonly string[];
}

const NOTHING: Written = {
  instances: [],
  variables: new Map(),
  warnings: [],
  ofBlocks: new Map(),
  wrongValues: 0,
  withoutRows: [],
};

async function evaluateBodies(
  bodies: readonly Body[],
  env: Lookup,
  options: ReadBakeOptions,
  problems: Problem[],
): Promise<Written | undefined> {
  if (bodies.length === 0) return NOTHING;
  const builtIn = new Map([
    ['BAKE_CMD_CONTEXT', options.cmdContext],
    ['BAKE_LOCAL_PLATFORM', options.localPlatform],
  ]);
  const definitions = readDefinitions(bodies, new Set(builtIn.keys()), problems);
  if (problems.length > 0) return undefined;
  // The library for regular expressions is large, and few files need it. JSON may escape letters.
  const needsRegex = bodies.some(({ span: { source } }) =>
    ['\\u', ...REGEX_FUNCTIONS].some((name) => source.text.includes(name)),
  );
  const home = options.env['HOME'] ?? options.env['USERPROFILE'];
  const standard = standardFunctions({
    now: options.now,
    random: options.random ?? randomBytes,
    ...(home === undefined ? {} : { homedir: home }),
    ...(needsRegex ? { regex: await loadRegex() } : {}),
  });
  const names = new Names(definitions, { standard, builtIn, given: env.given });
  names.resolveVariables();
  names.resolveFunctions();
  const blocks = new Blocks(names, definitions.blocks);
  blocks.resolveAll();
  names.resolveAttributes();
  const variables = new Map(
    Array.from(definitions.variables.values(), (block) => [block.name, describe(block, names)] as const),
  );
  problems.push(...names.problems);
  return {
    instances: blocks.instances(),
    variables,
    warnings: definitions.warnings,
    ofBlocks: blocks.warnings,
    wrongValues: blocks.wrongValues,
    withoutRows: blocks.withoutRows,
  };
}

function randomBytes(size: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(size));
}

/** A variable for listing. */
function describe(block: VariableBlock, names: Names): BakeVariable {
  const { name, place } = block;
  const value = names.valueOf(name);
  const facts = names.facts.get(name);
  const written = block.description === undefined ? undefined : names.evaluateReady(block.description.value);
  const text = written === undefined ? undefined : convert(written, STRING);
  const description = text?.ok === true && text.value.kind === 'string' ? text.value.value : undefined;
  if (text?.ok === false)
    names.problems.push(
      problem('bake/value', `The description of variable "${name}" cannot be used: ${text.message}`, {
        ...(block.description === undefined ? {} : { span: block.description.value.span }),
      }),
    );
  const fallback = facts?.fallback;
  return {
    name,
    value: value === undefined ? null : toJson(value),
    isGiven: facts?.isGiven === true,
    place,
    ...(fallback === undefined ? {} : { default: toJson(fallback) }),
    ...(facts?.type === undefined ? {} : { type: typeName(facts.type) }),
    ...(description === undefined ? {} : { description }),
  };
}

function toJson(value: Value): Json {
  return JSON.parse(toJsonText(value) ?? 'null') as Json;
}

/** Merges a target over an existing one; a group replaces it. */
function addInstance(
  instance: Instance,
  drafts: Map<string, Draft>,
  groups: Map<string, BakeGroup>,
  warnings: Written['ofBlocks'],
): void {
  const { draft, type, name, block, targets } = instance;
  if (type === 'target') {
    draft.bases.own = dirOf(block.typeSpan.source.path) ?? '';
    addDraft(drafts, { ...draft, values: { ...draft.values }, places: new Map(draft.places) });
    return;
  }
  const { description } = draft.values;
  const ofBlock = warnings.get(block);
  groups.set(name, {
    name,
    targets: [...new Set(targets ?? [])],
    ...(targets === undefined ? { hasNoList: true as const } : {}),
    ...(description === undefined || description === '' ? {} : { description }),
    ...(draft.place === undefined ? {} : { place: draft.place }),
    ...(draft.listPlace === undefined ? {} : { listPlace: draft.listPlace }),
    ...(ofBlock === undefined ? {} : { warnings: ofBlock }),
  });
}

/** The name of a matrix block whose rows have other names is a group of the rows. */
function matrixGroups(instances: readonly Instance[]): readonly BakeGroup[] {
  const byLabel = new Map<string, Set<string>>();
  const places = new Map<string, Instance>();
  for (const instance of instances) {
    const label = instance.block.labels[0]?.value;
    if (label === undefined || instance.type !== 'target') continue;
    const names = byLabel.get(label) ?? new Set();
    byLabel.set(label, names.add(instance.name));
    places.set(label, places.get(label) ?? instance);
  }
  return [...byLabel]
    .filter(([label, names]) => names.size > 1 || !names.has(label))
    .map(([name, names]) => {
      const place = places.get(name)?.draft.place;
      return { name, targets: [...names], ...(place === undefined ? {} : { place }) };
    });
}

function headsOf(
  drafts: ReadonlyMap<string, Draft>,
  { instances, ofBlocks }: Written,
): ReadonlyMap<string, BakeTargetHead> {
  const rows = new Map<string, BakeTargetHead['matrix']>();
  const warnings = new Map<string, readonly Problem[]>();
  for (const { type, name, row, block } of instances) {
    const found = type === 'target' ? ofBlocks.get(block) : undefined;
    if (found !== undefined) warnings.set(name, [...(warnings.get(name) ?? []), ...found]);
    if (row === undefined) continue;
    const values = Array.from(row.variables, ([axis, value]) => [axis, toJson(value)] as const);
    rows.set(name, { name: block.labels[0]?.value ?? name, row: Object.fromEntries(values) });
  }
  return new Map(
    Array.from(drafts, ([name, draft]) => {
      const { description } = draft.values;
      const matrix = rows.get(name);
      const warned = warnings.get(name);
      return [
        name,
        {
          name,
          inherits: draft.inherits,
          ...(warned === undefined ? {} : { warnings: warned }),
          ...(description === undefined || description === '' ? {} : { description }),
          ...(draft.place === undefined ? {} : { place: draft.place }),
          ...(matrix === undefined ? {} : { matrix }),
        },
      ] as const;
    }),
  );
}
