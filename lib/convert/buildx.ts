/** What the user's own buildx makes of a bake file in HCL: `bake --print`, which evaluates and builds nothing. */
import { fail, ok, type Result } from '../model/mod.ts';
import { findProgram, type ProgramEnd, type RunProgram, runProgram, whyFailed } from '../system/mod.ts';
import type { SourceText } from './bake.ts';
import { asList, isRecord, scalarText, textList } from './draft.ts';
import { isHcl } from './sources.ts';

/** Where buildx runs. */
export interface BuildxSurroundings {
  /** The directory with the bake files. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run?: RunProgram;
}

/** What was printed, and by which program. */
export interface Printed {
  readonly text: string;
  /** As a person would call it: `docker buildx bake --print`. */
  readonly command: string;
}

const TIMEOUT_MS = 60_000;

/**
 * Lets buildx print all targets and groups of the bake files in a directory. `default` holds what it holds in the files.
 *
 * @returns the JSON; `missing` where there is no buildx, else its last words
 */
export async function printWithBuildx(
  files: readonly SourceText[],
  surroundings: BuildxSurroundings,
): Promise<Result<Printed, string>> {
  const program = await findBuildx(surroundings);
  if (program === undefined) return fail('missing');
  const print = (names: readonly string[]): Promise<ProgramEnd> =>
    call(surroundings, [
      ...program,
      'bake',
      '--print',
      ...files.flatMap(({ name }) => ['-f', name]),
      ...names,
    ]);
  const byDefault = await print([]);
  const names = readNames(files);
  const all = names.all.size === 0 ? byDefault : await print([...names.all]);
  if (!isGood(all)) return fail(lastWords(all));
  const isTemplate = (name: string): boolean => names.parents.has(name) && !names.members.has(name);
  return ok({
    text: tidy(textOf(all), isGood(byDefault) ? textOf(byDefault) : '', isTemplate),
    command: `${program.join(' ')} bake --print`,
  });
}

function textOf({ stdout }: ProgramEnd): string {
  return stdout.toString('utf8');
}

function lastWords(end: ProgramEnd): string {
  const line = end.stderr.split('\n').findLast((one) => one.trim() !== '');
  return line === undefined ? whyFailed(end) : line.trim().replace(/^ERROR: /, '');
}

async function findBuildx(surroundings: BuildxSurroundings): Promise<readonly string[] | undefined> {
  const { env } = surroundings;
  if ((await findProgram('docker', env)) !== undefined) {
    // docker without its plugin knows no such command.
    if (isGood(await call(surroundings, ['docker', 'buildx', 'version']))) return ['docker', 'buildx'];
  }
  return (await findProgram('buildx', env)) === undefined ? undefined : ['buildx'];
}

async function call(
  { directory, env, run = runProgram }: BuildxSurroundings,
  [program = '', ...argv]: readonly string[],
): Promise<ProgramEnd> {
  const path = (await findProgram(program, env)) ?? program;
  return run({ program: path, argv, env: withoutValues(env), cwd: directory, timeoutMs: TIMEOUT_MS });
}

/** What buildx needs to run at all. */
const NEEDED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'BUILDX_CONFIG',
] as const;

/** A variable of a bake file takes the environment's value of its name, which must not end up in a file: a token, say. */
function withoutValues(env: BuildxSurroundings['env']): Readonly<Record<string, string | undefined>> {
  const needed = NEEDED.map((name) => [name, env[name]] as const);
  return { ...Object.fromEntries(needed), BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP: '1' };
}

function isGood({ ended, exitCode }: ProgramEnd): boolean {
  return ended === 'by-itself' && exitCode === 0;
}

interface Names {
  /** Targets and groups to ask for: without names only `default` is printed. */
  readonly all: Set<string>;
  /** Targets that others inherit from. */
  readonly parents: Set<string>;
  /** What a group lists or another target reads. */
  readonly members: Set<string>;
}

function readNames(files: readonly SourceText[]): Names {
  const names: Names = { all: new Set(), parents: new Set(), members: new Set() };
  for (const file of files)
    if (isHcl(file)) readHclNames(file.text, names);
    else readJsonNames(file.text, names);
  for (const name of names.all) {
    // By custom an underscore marks what is only inherited from.
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name) || name === 'default') names.all.delete(name);
  }
  return names;
}

function readHclNames(text: string, { all, parents, members }: Names): void {
  const plain = text.replaceAll(/^\s*(?:#|\/\/).*$/gm, '');
  for (const [, name = ''] of plain.matchAll(/^[ \t]*(?:target|group)[ \t]+"([^"]*)"[ \t]*\{/gm))
    all.add(name);
  for (const [, key, list = ''] of plain.matchAll(/\b(inherits|targets)\s*=\s*\[([^\]]*)\]/g)) {
    for (const [, one = ''] of list.matchAll(/"([^"]*)"/g)) (key === 'targets' ? members : parents).add(one);
  }
  for (const [, one = ''] of plain.matchAll(/"target:([^"]*)"/g)) members.add(one);
}

function readJsonNames(text: string, { all, parents, members }: Names): void {
  const file = parse(text);
  for (const part of [file['target'], file['group']].flatMap(asList)) {
    for (const [name, body] of Object.entries(isRecord(part) ? part : {})) {
      all.add(name);
      for (const one of asList(body)) {
        if (!isRecord(one)) continue;
        for (const parent of textList(one['inherits'])) parents.add(parent);
        for (const member of textList(one['targets'])) members.add(member);
        for (const source of Object.values(isRecord(one['contexts']) ? one['contexts'] : {}))
          members.add((scalarText(source) ?? '').replace(/^target:/, ''));
      }
    }
  }
}

/** Bake adds what was asked for by name to `default`; and asking for all names prints what is only inherited from. */
function tidy(all: string, byDefault: string, isTemplate: (name: string) => boolean): string {
  const file = parse(all);
  const groups = isRecord(file['group']) ? file['group'] : {};
  const { default: _asked, ...others } = groups;
  const meant = parse(byDefault)['group'];
  const real = isRecord(meant) ? meant['default'] : undefined;
  const targets = Object.entries(isRecord(file['target']) ? file['target'] : {}).filter(
    ([name, target]) =>
      !isTemplate(name) || !isRecord(target) || RESULTS.some((key) => target[key] !== undefined),
  );
  return JSON.stringify({
    group: real === undefined ? others : { default: real, ...others },
    target: Object.fromEntries(targets),
  });
}

/** Keys of a target that is more than a template for others. */
const RESULTS = ['tags', 'output', 'target'] as const;

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
