/**
 * Bake and Compose files as a source of the language: read and evaluated by lib/bake, made into a tree whose values are
 * final and stand where the files have them. Loaded for such files only.
 */
import { existsSync } from 'node:fs';
import { arch } from 'node:os';
import {
  type BakeDefinition,
  type BakeResult,
  type BakeTarget,
  type BakeTargetHead,
  formatBake,
  readBake,
  resolveBake,
} from '../bake/mod.ts';
import { type Grants, type Json, type Problem, problem, type Span, type Variable } from '../model/mod.ts';
import { goArchitecture, type RealPaths } from '../system/mod.ts';
import { asksOnly, type ConvertedBuild, convertToBuild, createEnvironmentCheck } from '../targets/mod.ts';
import { splitBakeOverrides } from './bake-overrides.ts';
import {
  type BakeSources,
  createReader,
  createSources,
  visibleEnvironment,
  withheldVariable,
} from './bake-surroundings.ts';
import { type BakeMembers, createTree } from './bake-tree.ts';
import type { Problems } from './problems.ts';
import type { MapNode, Origin } from './tree.ts';
import { type FileValue, readVarFiles, type VariableInputs } from './var-files.ts';

/** What reading them needs to know. */
export interface BakeSurroundings {
  readonly inputs: VariableInputs & { readonly overrides?: readonly string[]; readonly now?: Date };
  readonly grants: Grants;
  readonly realPaths: RealPaths;
  readonly problems: Problems;
  /** Absolute: where bake would run. */
  readonly runDir: string;
  /** There are builds files among the files: overrides go by the rules of the language then, over all of them. */
  readonly isMixed: boolean;
}

/** What the files say. */
export interface BakeReading {
  /** `builds` and `groups`, all values final. */
  readonly root: MapNode;
  readonly origins: readonly Origin[];
  /** What no key of the language says of a build. */
  readonly traits: ReadonlyMap<string, BuildTraits>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** Names of groups. */
  readonly groups: ReadonlySet<string>;
  /** Values of `--var-file`, for builds files beside them. */
  readonly fileValues: ReadonlyMap<string, FileValue>;
  /** Overrides that are not bake's. */
  readonly overrides: readonly string[];
  /** Files that they name and that are not there, as a person would name them. */
  readonly absent: readonly string[];
}

/** See {@link BakeReading}. */
export interface BuildTraits {
  readonly matrix?: { readonly name: string; readonly row: { readonly [axis: string]: Json } };
  readonly byNameOnly?: true;
  readonly cautions?: readonly Problem[];
}

/** The files evaluated, before anything is asked of them. */
interface OpenedBake {
  readonly definition: BakeDefinition;
  readonly read: readonly Origin[];
  readonly absent: readonly string[];
  readonly fileValues: ReadonlyMap<string, FileValue>;
  readonly sources: BakeSources;
}

/** Reads and evaluates the files; undefined: what is wrong is with the problems. */
async function openBake(
  files: readonly Origin[],
  { inputs, grants, realPaths, problems, runDir }: BakeSurroundings,
): Promise<OpenedBake | undefined> {
  const fileValues = await readVarFiles(inputs, undefined, problems, { grants, realPaths });
  const reader = createReader(inputs.cwd, runDir, grants, realPaths, problems);
  const sources = createSources(files, inputs.cwd, runDir);
  const environment = visibleEnvironment(inputs.env, grants);
  const before = problems.errors.length;
  const read = await readBake(
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
  if (!read.ok) {
    problems.addAll(read.error.map(sources.place));
    return undefined;
  }
  problems.addAll(read.value.warnings.map(sources.place));
  if (problems.errors.length > before) return undefined;
  return {
    definition: read.value,
    read: [...files, ...reader.origins],
    absent: reader.absent,
    fileValues,
    sources,
  };
}

/** What `local` means among platforms. */
function localPlatform(): string {
  return `linux/${goArchitecture(arch())}`;
}

/** Reads the files as a source of builds; undefined: what is wrong is with the problems. */
export async function readBakeSource(
  files: readonly Origin[],
  surroundings: BakeSurroundings,
): Promise<BakeReading | undefined> {
  const { inputs, problems, isMixed, runDir } = surroundings;
  const opened = await openBake(files, surroundings);
  if (opened === undefined) return undefined;
  const { definition, fileValues, absent, sources } = opened;
  const { bake, own } = splitBakeOverrides(isMixed ? [] : (inputs.overrides ?? []), inputs.cwd, problems);
  const resolved = resolveBake(definition, { targets: [...definition.targets.keys()], overrides: bake });
  if (!resolved.ok) {
    problems.addAll(resolved.error.map(sources.place));
    return undefined;
  }
  const result = inOrder(resolved.value, definition);
  const matrices = rowsOf(definition);
  const tree = createTree(opened.read, sources.shown);
  const checkEnvironment = createEnvironmentCheck({ env: inputs.env, runDir, exists: existsSync });
  const converted = new Map(
    [...result.targets].map(([name, target]) => [
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
  const groups = membersOf(definition, result, matrices, problems);
  return {
    root: tree.rootOf(result, converted, groups),
    origins: opened.read,
    traits: traitsOf(definition, result, converted),
    variables: variablesOf(definition, surroundings, fileValues),
    matrices,
    groups: new Set(groups.keys()),
    fileValues,
    overrides: isMixed ? (inputs.overrides ?? []) : own,
    absent,
  };
}

/**
 * What bake prints of the files; undefined: what is wrong is with the problems.
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
  if (opened === undefined) return undefined;
  const { bake, own } = splitBakeOverrides(inputs.overrides ?? [], inputs.cwd, problems);
  // What is none of bake's keys is bake's to refuse.
  const resolved = resolveBake(opened.definition, { targets, overrides: [...bake, ...own] });
  if (!resolved.ok) {
    problems.addAll(resolved.error.map(opened.sources.place));
    return undefined;
  }
  return formatBake(resolved.value);
}

/** As the files have them: bake sorts them by name. */
function inOrder({ targets, groups }: BakeResult, definition: BakeDefinition): BakeResult {
  const ordered = [...definition.targets.keys(), ...targets.keys()].flatMap((name) => {
    const target = targets.get(name);
    return target === undefined ? [] : [[name, target] as const];
  });
  return { targets: new Map(ordered), groups };
}

function textOfValue(value: Json): string {
  if (typeof value === 'string') return value;
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function rowsOf({ targets }: BakeDefinition): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>();
  for (const { name, matrix } of targets.values()) {
    if (matrix === undefined || matrix.name === name) continue;
    const known = rows.get(matrix.name);
    if (known === undefined) rows.set(matrix.name, [name]);
    else known.push(name);
  }
  return rows;
}

/**
 * What each group comes to by bake's rules: a group that lists its own name means the target of that name. Left out are
 * groups that say no more than a name does already, and targets that are not built.
 */
function membersOf(
  definition: BakeDefinition,
  result: BakeResult,
  matrices: ReadonlyMap<string, readonly string[]>,
  problems: Problems,
): ReadonlyMap<string, BakeMembers> {
  const found = new Map<string, BakeMembers>();
  for (const [name, { description, place }] of definition.groups) {
    const all = targetsOf(name, definition);
    const unknown = all.filter((one) => !definition.targets.has(one));
    // bake refuses such a group when it is asked for. Without `default` all would be built: that one is refused at once.
    if (unknown.length > 0 && name !== 'default') {
      problems.add(broken(name, unknown, place));
      continue;
    }
    const members = all.filter((one) => {
      const target = result.targets.get(one);
      return target === undefined || !asksOnly(target);
    });
    const left = all.filter((one) => !members.includes(one));
    if (left.length > 0) problems.add(leftOut(name, left, place));
    const isRows = matrices.get(name)?.join('\0') === members.join('\0');
    const isItself = members.length === 1 && members[0] === name;
    if (isRows || (isItself && left.length === 0)) continue;
    found.set(name, {
      members,
      ...(description === undefined ? {} : { description }),
      ...(place === undefined ? {} : { place }),
    });
  }
  return found;
}

/** The targets of a group and of the groups in it; within a group its name means the target of that name. */
function targetsOf(name: string, { groups }: BakeDefinition): readonly string[] {
  const found = new Set<string>();
  const open = new Set<string>();
  const done = new Set<string>();
  // A stack of our own: groups may nest as deep as files are long. What was opened is closed behind its members.
  const left: { readonly group: string; readonly isEnd?: true }[] = [{ group: name }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { group, isEnd } = next;
    const inner = groups.get(group);
    if (isEnd) open.delete(group);
    else if (inner === undefined || open.has(group)) found.add(group);
    else if (!done.has(group)) {
      open.add(group);
      done.add(group);
      left.push({ group, isEnd: true });
      for (const one of [...inner.targets].reverse()) left.push({ group: one });
    }
  }
  return [...found];
}

function broken(group: string, unknown: readonly string[], span: Span | undefined): Problem {
  const names = unknown.map((one) => `\`${one}\``).join(', ');
  return problem('bake/target', `The group \`${group}\` cannot be built: there is no target ${names}`, {
    severity: 'warning',
    hint: 'Correct its `targets`; until then the group is not there.',
    ...(span === undefined ? {} : { span }),
  });
}

function leftOut(group: string, names: readonly string[], span: Span | undefined): Problem {
  const shown = names.map((one) => `\`${one}\``).join(' and ');
  return problem(
    'bake/unsupported',
    `The group \`${group}\` is taken without ${shown}, which ${names.length === 1 ? 'asks' : 'ask'} the frontend and ${names.length === 1 ? 'builds' : 'build'} nothing (\`call\`)`,
    {
      severity: 'warning',
      hint: `bake-ts lint ${names.join(' ')} checks Dockerfiles.`,
      ...(span === undefined ? {} : { span }),
    },
  );
}

/** What says that a target is an image of its own, and not only what others have in common. */
const SOURCES = ['context', 'dockerfile', 'dockerfile-inline', 'target'] as const;

function traitsOf(
  definition: BakeDefinition,
  result: BakeResult,
  converted: ReadonlyMap<string, ConvertedBuild>,
): ReadonlyMap<string, BuildTraits> {
  const parents = new Set([...definition.targets.values()].flatMap(({ inherits }) => inherits));
  const used = new Set(['default', ...[...definition.groups.values()].flatMap(({ targets }) => targets)]);
  for (const { values } of result.targets.values()) {
    for (const source of Object.values(values.contexts ?? {})) used.add(source.replace(/^target:/, ''));
  }
  const isHidden = (target: BakeTarget, { name, matrix }: BakeTargetHead): boolean => {
    if (used.has(name) || (matrix !== undefined && used.has(matrix.name) && !name.startsWith('_')))
      return false;
    if (asksOnly(target) || name.startsWith('_')) return true;
    return parents.has(name) && SOURCES.every((key) => !target.places.has(key));
  };
  const traits = new Map<string, BuildTraits>();
  for (const [name, target] of result.targets) {
    const head = definition.targets.get(name);
    const cautions = converted.get(name)?.cautions ?? [];
    traits.set(name, {
      ...(head?.matrix === undefined ? {} : { matrix: head.matrix }),
      ...(head !== undefined && isHidden(target, head) ? { byNameOnly: true as const } : {}),
      ...(cautions.length === 0 ? {} : { cautions }),
    });
  }
  return traits;
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
