/** From file names to trees: reads files, follows `include`, runs `builds.ts`, evaluates bake files. */
import { statSync } from 'node:fs';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { type Grants, needsGrant, notUntrusted, type Problem, problem } from '../model/mod.ts';
import { RealPaths, readNamedFile, readRegularFile } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { deniedProblem } from '../util/permission.ts';
import { BAKE_NAMES, isBakeFile, isNamedHcl } from './bake-files.ts';
import type { BakeReading } from './bake-source.ts';
import type { BuildsDefinition } from './define.ts';
import { type GrantOptions, mayRead, resolveGrants } from './grants.ts';
import { findHidden, type Located, locate } from './locate.ts';
import { type ModuleSurroundings, readDefinition, runModule } from './module.ts';
import { MAX_FILE_CHARS, parseText, tooBig } from './parse.ts';
import type { Problems } from './problems.ts';
import { shownPath } from './shown-path.ts';
import { at, emptyMap, isNull, type MapNode, type Node, type Origin } from './tree.ts';
import type { VariableInputs } from './var-files.ts';

/** The name of a definition without a file in messages. */
const DEFINITION = 'definition';

/** Options of reading. */
export interface ReadOptions extends GrantOptions, ModuleSurroundings {
  readonly cwd: string;
  /**
   * Paths from `-f`, relative to `cwd`; `-` is `stdin`. Empty or absent: look for a builds file, then for bake and
   * Compose files.
   */
  readonly files?: readonly string[];
  readonly stdin?: string;
  /** A definition from a program, instead of files; its paths are relative to `cwd`. */
  readonly definition?: BuildsDefinition;
  /** Only settings are needed, which bake and Compose files do not have: those are read only if they are named. */
  readonly onlySettings?: boolean;
}

/** Further options that affect the evaluation of bake files. */
export interface LoadOptions extends ReadOptions, VariableInputs {
  readonly overrides?: readonly string[];
  readonly now?: Date;
}

/** One valid file. */
export interface LoadedFile {
  readonly origin: Origin;
  readonly root: MapNode;
  /** It is a bake or Compose file: all its values are final. */
  readonly isFinal?: true;
  /** It comes from a program and is not a file. */
  readonly isInMemory?: true;
  /** Position among the `-f` files; included files have the position of the file that includes them. */
  readonly group: number;
}

/** All files in the order of merging (later ones take precedence), and the directory of the first `-f`. */
export interface Loaded {
  readonly files: readonly LoadedFile[];
  readonly root: string;
  readonly grants: Grants;
  readonly realPaths: RealPaths;
  /** The content of bake and Compose files; it is the tree of the first of these files. */
  readonly bake?: BakeReading;
  /** Bake and Compose files that were found by default, as a person would name them. */
  readonly foundBake?: readonly string[];
  /** Files that would be read if they existed, as a person would name them. */
  readonly absent: readonly string[];
}

/** Files that were read but not evaluated. */
interface Collected {
  readonly loader: Loader;
  readonly located: Located;
  readonly root: string;
}

/** Reads all files; problems go to `problems`. */
export async function loadFiles(options: LoadOptions, problems: Problems): Promise<Loaded> {
  const { cwd } = options;
  const { loader, located, root } = await collect(options, problems);
  const { grants, realPaths } = loader;
  const bake = await loadBake(loader);
  const expected = located.isBake && located.isSearched ? BAKE_NAMES.map((name) => join(root, name)) : [];
  const absent = expected.filter((file) => !loader.done.has(file)).map((file) => shownPath(cwd, file));
  return {
    files: loader.files,
    root,
    grants,
    realPaths,
    ...(bake === undefined ? {} : { bake }),
    ...(located.isBake ? { foundBake: loader.bake.map(({ origin }) => origin.source.path) } : {}),
    absent: [...absent, ...(bake?.absent ?? [])],
  };
}

/**
 * The output of `docker buildx bake --print` for the bake and Compose files, as JSON with a line break at its end.
 *
 * @param targets names of targets and groups, and patterns
 * @returns undefined if there are other files, or a problem was reported
 */
export async function printBake(
  options: LoadOptions,
  targets: readonly string[],
  problems: Problems,
): Promise<string | undefined> {
  const { loader } = await collect(options, problems);
  const { bake, files, grants, realPaths } = loader;
  if (files.length > 0 || bake.length === 0 || problems.errors.length > 0) return undefined;
  const { printBakeSource } = await import('./bake-source.ts');
  const { bakeDir: runDir } = loader;
  const surroundings = { inputs: options, grants, realPaths, problems, runDir, isMixed: false };
  return printBakeSource(
    bake.map(({ origin }) => origin),
    surroundings,
    targets,
  );
}

async function collect(options: LoadOptions, problems: Problems): Promise<Collected> {
  const { cwd } = options;
  // bake's prefix for local files.
  const named = (options.files ?? []).map((file) => file.replace(/^cwd:\/\//, ''));
  const { definition } = options;
  const located: Located =
    named.length > 0 || definition !== undefined
      ? { files: [], isBake: false, isSearched: false }
      : locate(cwd, options.env, options.onlySettings !== true);
  const found = named.length > 0 ? named : located.isBake ? located.files : located.files.slice(0, 1);
  const directories =
    definition === undefined
      ? found.map((file) => (file === '-' ? cwd : dirname(resolve(cwd, file))))
      : [cwd];
  const realPaths = new RealPaths();
  const [root = cwd] = directories;
  const loader: Loader = {
    options,
    grants: resolveGrants(directories, options, realPaths, problems),
    realPaths,
    isNamed: named.length > 0 && options.untrusted !== true,
    problems,
    files: [],
    bake: [],
    bakeDir: located.isBake && located.isSearched ? root : cwd,
    done: new Set(),
    open: [],
  };
  if (definition !== undefined) await loadDefinition(loader, definition);
  else if (found.length === 0) problems.add(findHidden(cwd) ?? nothingFound());
  for (const [group, file] of found.entries()) {
    if (file === '-') await loadStdin(loader, group);
    else await loadFile(loader, resolve(cwd, file), group, undefined);
  }
  const spare = located.isBake
    ? []
    : located.files.filter((file) => !loader.done.has(file) && !loader.open.includes(file));
  if (loader.done.size > 0 && spare.length > 0) problems.add(notRead(located.files[0] ?? '', spare, cwd));
  if (loader.bake.length === 0 || named.length === 0) return { loader, located, root };
  // Paths of bake files that are named are relative to the working directory, so access to its repository is free as
  // well.
  const grants = resolveGrants([...directories, cwd], options, realPaths, problems);
  return { loader: { ...loader, grants }, located, root };
}

/** Evaluates all bake and Compose files together; the result takes the position of the first one. */
async function loadBake(loader: Loader): Promise<BakeReading | undefined> {
  const { bake, files, problems, options, grants, realPaths } = loader;
  const [first] = bake;
  if (first === undefined || problems.errors.length > 0) return undefined;
  const { readBakeSource } = await import('./bake-source.ts');
  const reading = await readBakeSource(
    bake.map(({ origin }) => origin),
    { inputs: options, grants, realPaths, problems, runDir: loader.bakeDir, isMixed: files.length > 0 },
  );
  if (reading === undefined) return undefined;
  const { group, at: position } = first;
  const made = reading.origins.map((origin, index): LoadedFile => {
    return { origin, root: index === 0 ? reading.root : emptyMap(origin), isFinal: true, group };
  });
  files.splice(position, 0, ...made);
  return reading;
}

/** Warns about further files that are not read if one (with its includes) is read. */
function notRead(read: string, spare: readonly string[], cwd: string): Problem {
  const names = spare.map((file) => shownPath(cwd, file)).join(', ');
  return problem('config/several-files', `${shownPath(cwd, read)} is read; ${names} beside it is ignored`, {
    severity: 'warning',
    hint: `Remove the other file, or name one: ${option(`-f ${shownPath(cwd, read)}`)}.`,
  });
}

function nothingFound(): Problem {
  return problem(
    'config/no-file',
    'There is no builds.yaml, bake file or Compose file here or in a parent directory',
    {
      hint: `Name one with ${option('-f FILE')}, or run bake-ts init to create a builds.yaml.`,
    },
  );
}

interface Loader {
  readonly options: LoadOptions;
  readonly grants: Grants;
  readonly realPaths: RealPaths;
  /** The user named files that are not included, and is trusted to know where they lead. */
  readonly isNamed: boolean;
  readonly problems: Problems;
  readonly files: LoadedFile[];
  /** Bake and Compose files, each with the number of other files before it. */
  readonly bake: { readonly origin: Origin; readonly group: number; readonly at: number }[];
  /** Where bake would run and the base of its paths: the working directory, or where the files were found. */
  readonly bakeDir: string;
  /** Absolute paths that were already read: a file that is included twice is used at its first position. */
  readonly done: Set<string>;
  /** The current chain of includes. */
  readonly open: string[];
}

async function loadDefinition(loader: Loader, definition: BuildsDefinition): Promise<void> {
  const origin: Origin = { source: { path: DEFINITION, text: '' }, dir: loader.options.cwd };
  const node = readDefinition(definition, origin, loader.problems);
  if (node !== undefined) await accept(loader, origin, node, 0, true);
}

async function loadStdin(loader: Loader, group: number): Promise<void> {
  const { cwd, stdin } = loader.options;
  await loadText(loader, { source: { path: '-', text: stdin ?? '' }, dir: cwd }, group, false);
}

async function loadFile(loader: Loader, path: string, group: number, from: Node | undefined): Promise<void> {
  const { problems, open, done, options } = loader;
  const shown = shownPath(options.cwd, path);
  if (open.includes(path)) {
    const cycle = [...open.slice(open.indexOf(path)), path].map((one) => shownPath(options.cwd, one));
    problems.add(
      problem('config/include-loop', `Files include one another in a cycle: ${cycle.join(' → ')}`, {
        hint: 'Move what both need into a third file that includes neither.',
        ...(from === undefined ? {} : at(from)),
      }),
    );
    return;
  }
  if (done.has(path)) return;
  const isOwn = from === undefined && loader.isNamed;
  if (!isOwn && !mayRead(path, loader.grants, loader.realPaths)) {
    const grant = `read:${shown}`;
    problems.add(needsGrant({ what: `${shown} would be read`, grant }, from === undefined ? {} : at(from)));
    return;
  }
  const text = await readText(path, shown, from, isOwn);
  if (typeof text !== 'string') {
    problems.add(text);
    return;
  }
  open.push(path);
  const origin: Origin = { source: { path: shown, text }, dir: dirname(path) };
  if (/^\.[cm]?[jt]s$/.test(extname(path))) {
    if (loader.grants.untrusted) {
      problems.add(
        notUntrusted(
          `${shown} is code, which is not run for untrusted files`,
          `Use a builds.yaml instead, or read the code and omit ${option('--untrusted')}.`,
          from === undefined ? {} : at(from),
        ),
      );
      return;
    }
    const node = await runModule(origin, path, options, problems);
    if (node !== undefined) await accept(loader, origin, node, group);
  } else await loadText(loader, origin, group, from !== undefined);
  open.pop();
  done.add(path);
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  'not-regular': 'it is not a regular file',
};

/** @param isOwn the user named it, so it may be a pipe (`-f <(generate)`) */
async function readText(
  path: string,
  shown: string,
  from: Node | undefined,
  isOwn: boolean,
): Promise<string | Problem> {
  const location = from === undefined ? {} : at(from);
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_CHARS) return { ...tooBig(shown, size), ...location };
    const bytes = isOwn ? await readNamedFile(path) : readRegularFile(path, MAX_FILE_CHARS);
    if (bytes.includes(0)) {
      return problem('config/not-text', `${shown} is not a text file`, {
        hint: 'Use YAML or JSON in UTF-8.',
        ...location,
      });
    }
    const text = bytes.toString('utf8');
    if (text.includes('\uFFFD') && !Buffer.from(text).equals(bytes)) {
      const start = text.indexOf('\uFFFD');
      return problem('config/not-text', `${shown} is not in UTF-8`, {
        hint: 'Save the file as UTF-8; the marked character has another encoding.',
        span: { source: { path: shown, text }, start, end: start + 1 },
      });
    }
    return text.replace(/^\uFEFF/, '');
  } catch (thrown) {
    const denied = deniedProblem(thrown);
    if (denied !== undefined) return { ...denied, ...location };
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (code === 'ENOENT') {
      return problem('config/missing-file', `There is no file ${shown}`, {
        hint:
          from === undefined
            ? 'Check its name.'
            : 'Check the path: it is relative to the directory of the including file.',
        ...location,
      });
    }
    if (code === 'too-big') return { ...tooBig(shown, MAX_FILE_CHARS + 1), ...location };
    const why = READ_FAULTS[code] ?? code;
    return problem('config/unreadable-file', `${shown} cannot be read: ${why}`, {
      hint: 'Name a file that you may read.',
      ...location,
    });
  }
}

/** @param isIncluded paths in an included bake file are relative to that file */
async function loadText(loader: Loader, origin: Origin, group: number, isIncluded: boolean): Promise<void> {
  const { path, text } = origin.source;
  const { node, problems } = isNamedHcl(path) ? { node: undefined, problems: [] } : await parseText(origin);
  if (isBakeFile(path, text, node)) {
    const isRelative = /^(?:1|t|true)$/i.test(loader.options.env['BUILDX_BAKE_FILE_RELATIVE_PATHS'] ?? '');
    // If bake makes paths relative to the file, it uses the directory in which it runs.
    const dir = isIncluded && !isRelative ? origin.dir : loader.bakeDir;
    loader.bake.push({ origin: { ...origin, dir }, group, at: loader.files.length });
    return;
  }
  loader.problems.addAll(problems);
  if (node === undefined && problems.some((one) => one.severity === 'error')) return;
  if (node === undefined || isNull(node)) {
    loader.problems.add(
      problem('config/empty-file', `${path === '-' ? 'Standard input' : path} is empty`, {
        hint: 'Add at least one build: builds: { app: { context: . } }',
      }),
    );
    return;
  }
  await accept(loader, origin, node, group);
}

async function accept(
  loader: Loader,
  origin: Origin,
  node: Node,
  group: number,
  isInMemory = false,
): Promise<void> {
  const { validateShape } = await import('./validate.ts');
  const wrong = validateShape(node);
  loader.problems.addAll(wrong);
  if (node.kind !== 'map') return;
  const include = node.entries.get('include')?.value;
  if (include?.kind === 'list') {
    for (const item of include.items) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') continue;
      const path = isAbsolute(item.value) ? item.value : resolve(origin.dir, item.value);
      await loadFile(loader, path, group, item);
    }
  }
  const root = wrong.length > 0 ? keepSound(node, origin) : node;
  loader.files.push({ origin, root, group, ...(isInMemory ? { isInMemory } : {}) });
}

/**
 * A file with a mistake in its shape is not evaluated, but its names are known, so that its builds are not reported as
 * missing.
 */
function keepSound(node: MapNode, origin: Origin): MapNode {
  const entries = new Map(node.entries);
  for (const section of ['registries', 'engine', 'groups']) entries.delete(section);
  for (const [section, entry] of entries) if (entry.value.kind !== 'map') entries.delete(section);
  return { ...emptyMap(origin), entries };
}
