/**
 * Bake and Compose files as a source of builds: read and evaluated by lib/bake, and converted to a tree of final values
 * with their places in the files. Loaded only for such files.
 */
import { existsSync } from 'node:fs';
import { arch } from 'node:os';
import {
  type BakeDefinition,
  type BakeTarget,
  formatBake,
  readBakePartly,
  resolveBake,
  resolveBakeEach,
} from '../bake/mod.ts';
import type { Grants, Json, Problem, Variable } from '../model/mod.ts';
import { goArchitecture, type RealPaths } from '../system/mod.ts';
import { convertToBuild, createEnvironmentCheck } from '../targets/mod.ts';
import { BAKE_KEY_NAMES, splitBakeOverrides } from './bake-overrides.ts';
import {
  type BakeSources,
  createReader,
  createSources,
  secretsIn,
  visibleEnvironment,
  withheldVariable,
} from './bake-surroundings.ts';
import { type BuildTraits, membersOf, rowsOf, traitsOf } from './bake-traits.ts';
import { createTree } from './bake-tree.ts';
import type { Problems } from './problems.ts';
import type { MapNode, Origin } from './tree.ts';
import { type FileValue, readVarFiles, type VariableInputs } from './var-files.ts';

/** What reading them needs. */
export interface BakeSurroundings {
  readonly inputs: VariableInputs & { readonly overrides?: readonly string[]; readonly now?: Date };
  readonly grants: Grants;
  readonly realPaths: RealPaths;
  readonly problems: Problems;
  /** Absolute: where bake would run. */
  readonly runDir: string;
  /** There are also builds files: overrides then follow bake-ts's rules for all files. */
  readonly isMixed: boolean;
}

/** The result of reading the files. */
export interface BakeReading {
  /** `builds` and `groups`, all values final. */
  readonly root: MapNode;
  readonly origins: readonly Origin[];
  /** Properties of builds that no key expresses. */
  readonly traits: ReadonlyMap<string, BuildTraits>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** Groups and their problems. */
  readonly groups: ReadonlyMap<string, readonly Problem[]>;
  /** There are Compose files, which use variables without declaring them. */
  readonly hasCompose: boolean;
  /** Some values have problems: further ones are reported, and nothing is built. */
  readonly isPartial: boolean;
  /** Values of `--var-file`, for builds files that are read as well. */
  readonly fileValues: ReadonlyMap<string, FileValue>;
  /** Overrides that are not bake's. */
  readonly overrides: readonly string[];
  /** Keys of bake's overrides, for hints. */
  readonly keysOfOverrides: readonly string[];
  /** Missing files that they name, as a person would name them. */
  readonly absent: readonly string[];
}

/** The evaluated files, before targets are resolved. */
interface OpenedBake {
  readonly isPartial: boolean;
  readonly definition: BakeDefinition;
  readonly read: readonly Origin[];
  readonly absent: readonly string[];
  readonly fileValues: ReadonlyMap<string, FileValue>;
  readonly sources: BakeSources;
}

/** Reads and evaluates the files; undefined: a problem was reported. */
async function openBake(
  files: readonly Origin[],
  { inputs, grants, realPaths, problems, runDir }: BakeSurroundings,
): Promise<OpenedBake | undefined> {
  const fileValues = await readVarFiles(inputs, undefined, problems, { grants, realPaths });
  const reader = createReader(inputs.cwd, runDir, grants, realPaths, problems);
  const sources = createSources(files, inputs.cwd, runDir);
  const environment = visibleEnvironment(inputs.env, grants);
  const before = problems.errors.length;
  const { definition, problems: wrong } = await readBakePartly(
    files.map(({ source, dir }) => ({ source: sources.given(source), dir })),
    {
      env: environment.env,
      vars: new Map([
        ...[...fileValues].map(([name, { value }]) => [name, textOfValue(value)] as const),
        ...(inputs.vars ?? []),
      ]),
      cmdContext: 'cwd://',
      localPlatform: localPlatform(),
      now: inputs.now ?? new Date(),
      readFile: reader.read,
      isDirectory: reader.isDirectory,
      onUnset: environment.onUnset,
    },
  );
  for (const name of environment.withheld) problems.add(withheldVariable(name));
  const origins = [...files, ...reader.origins];
  for (const text of secretsIn(origins, [environment.env, ...givenIn(inputs, fileValues)]))
    problems.hide(text);
  const isRefused = problems.errors.length > before;
  problems.addAll([...wrong, ...(definition?.warnings ?? [])].map(sources.place));
  if (definition === undefined || isRefused) return undefined;
  return {
    definition,
    isPartial: wrong.length > 0,
    read: origins,
    absent: reader.absent,
    fileValues,
    sources,
  };
}

function givenIn(
  { vars }: VariableInputs,
  fileValues: ReadonlyMap<string, FileValue>,
): readonly Readonly<Record<string, string>>[] {
  const ofFiles = [...fileValues].map(([name, { value }]) => [name, textOfValue(value)] as const);
  return [Object.fromEntries(vars ?? []), Object.fromEntries(ofFiles)];
}

/** The platform that `local` means. */
function localPlatform(): string {
  return `linux/${goArchitecture(arch())}`;
}

/** Reads the files as a source of builds; undefined: a problem was reported. */
export async function readBakeSource(
  files: readonly Origin[],
  surroundings: BakeSurroundings,
): Promise<BakeReading | undefined> {
  const { inputs, problems, isMixed, runDir } = surroundings;
  const opened = await openBake(files, surroundings);
  if (opened === undefined) return undefined;
  const { definition, fileValues, absent, sources } = opened;
  const { bake, own } = splitBakeOverrides(isMixed ? [] : (inputs.overrides ?? []), inputs.cwd, problems);
  const resolved = resolveBakeEach(definition, bake);
  if (!resolved.ok) {
    problems.addAll(resolved.error.map(sources.place));
    return undefined;
  }
  const place = (found: Problem): Problem => problems.shown(sources.place(found));
  const targets = inOrder(definition, resolved.value.targets, resolved.value.mistakes);
  const matrices = rowsOf(definition);
  const tree = createTree(opened.read, sources.shown);
  const checkEnvironment = createEnvironmentCheck({ env: inputs.env, runDir, exists: existsSync });
  const converted = new Map(
    [...targets].map(([name, target]) => [
      name,
      convertToBuild(target, {
        dir: tree.dirOf(target.place),
        exists: existsSync,
        localPlatform: localPlatform(),
        env: inputs.env,
        checkEnvironment,
      }),
    ]),
  );
  const groups = membersOf(definition, resolved.value, matrices);
  return {
    root: tree.rootOf(targets, converted, groups),
    origins: opened.read,
    traits: placeTraits(traitsOf(definition, { ...resolved.value, targets }, converted), place),
    variables: variablesOf(definition, surroundings, fileValues),
    matrices,
    groups: new Map([...groups].map(([name, { mistakes = [] }]) => [name, mistakes.map(place)])),
    isPartial: opened.isPartial,
    hasCompose: definition.hasCompose,
    fileValues,
    keysOfOverrides: BAKE_KEY_NAMES,
    overrides: isMixed ? (inputs.overrides ?? []) : own,
    absent,
  };
}

function placeTraits(
  traits: ReadonlyMap<string, BuildTraits>,
  place: (found: Problem) => Problem,
): ReadonlyMap<string, BuildTraits> {
  return new Map(
    [...traits].map(([name, { cautions, mistakes, ...rest }]) => [
      name,
      {
        ...rest,
        ...(cautions === undefined ? {} : { cautions: cautions.map(place) }),
        ...(mistakes === undefined ? {} : { mistakes: mistakes.map(place) }),
      },
    ]),
  );
}

/**
 * The output of bake's `--print` for the files; undefined: a problem was reported.
 *
 * @param targets names of targets and groups, and patterns
 */
export async function printBakeSource(
  files: readonly Origin[],
  surroundings: BakeSurroundings,
  targets: readonly string[],
): Promise<string | undefined> {
  const { inputs, problems } = surroundings;
  const opened = await openBake(files, surroundings);
  if (opened === undefined || opened.isPartial) return undefined;
  const { bake, own } = splitBakeOverrides(inputs.overrides ?? [], inputs.cwd, problems);
  // Bake itself rejects unknown keys.
  const resolved = resolveBake(opened.definition, { targets, overrides: [...bake, ...own] });
  if (!resolved.ok) {
    problems.addAll(resolved.error.map(opened.sources.place));
    return undefined;
  }
  const { targets: printed } = resolved.value;
  for (const [name, { warnings = [] }] of opened.definition.targets)
    if (printed.has(name)) problems.addAll(warnings.map(opened.sources.place));
  return formatBake(resolved.value);
}

/** As the files have them; nothing is known of what one that cannot be put together says. */
function inOrder(
  { targets }: BakeDefinition,
  resolved: ReadonlyMap<string, BakeTarget>,
  mistakes: ReadonlyMap<string, readonly Problem[]>,
): ReadonlyMap<string, BakeTarget> {
  const ordered = new Map<string, BakeTarget>();
  for (const { name, place } of targets.values()) {
    const target = resolved.get(name);
    if (target !== undefined) ordered.set(name, target);
    else if (mistakes.has(name)) {
      const at = place === undefined ? {} : { place };
      ordered.set(name, { name, values: {}, places: new Map(), linked: false, ...at });
    }
  }
  return ordered;
}

function textOfValue(value: Json): string {
  if (typeof value === 'string') return value;
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function variablesOf(
  definition: BakeDefinition,
  { inputs }: BakeSurroundings,
  fileValues: ReadonlyMap<string, FileValue>,
): ReadonlyMap<string, Variable> {
  return new Map(
    [...definition.variables].map(([name, { value, description, isGiven, place }]) => {
      const file = fileValues.get(name);
      const origin: Variable['origin'] =
        inputs.vars?.has(name) === true
          ? { kind: 'flag' }
          : file !== undefined
            ? { kind: 'file', path: file.path }
            : isGiven
              ? { kind: 'env', variable: name }
              : { kind: 'default', ...(place === undefined ? {} : { span: place }) };
      const shown = description === undefined ? {} : { description };
      return [name, { name, value, origin, sensitive: false, ...shown }];
    }),
  );
}
