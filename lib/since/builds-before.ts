/**
 * What builds.yaml said at an earlier commit: its files are laid out as they were then in a directory of their own, and
 * read with the variables and overrides of now. So only what the files say can differ.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ReadBuildsOptions, readBuilds } from '../config/mod.ts';
import type { BuildSet } from '../model/mod.ts';
import { withWorkDir } from '../run/mod.ts';
import { fileAt, type GitState } from './git.ts';

/** The files that say what the builds are. */
export interface Definition {
  /** Absolute paths: builds.yaml with what it includes and reads, files of variables, scripts with what they import. */
  readonly files: ReadonlySet<string>;
  /** True where an expression or a script reads files whose names cannot be seen. */
  readonly readsUnknown: boolean;
}

/** An earlier state, and what it is compared with. */
export interface Comparison {
  readonly state: GitState;
  /** Files (absolute) that differ from it now. */
  readonly changed: readonly string[];
  /** How the files are read now. */
  readonly reading: ReadBuildsOptions;
  /** Real path of the working directory. */
  readonly cwd: string;
}

const SCRIPT = /\.[cm]?[jt]s$/;

/**
 * Finds the files that a set was made of.
 *
 * @param varFiles files of variables that it was read with
 * @param cwd the real path of the working directory
 */
export async function findDefinition(
  set: BuildSet,
  varFiles: readonly string[],
  cwd: string,
): Promise<Definition> {
  const files = new Set<string>();
  let readsUnknown = false;
  // A file that is gone, or comes, changes what the others say, too.
  const { absentFiles = [] } = set;
  const named = [...set.files.filter((file) => file !== '-'), ...absentFiles, ...varFiles];
  const open = named.map((file) => path.resolve(cwd, file));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = await readFile(file, 'utf8').catch(() => '');
    const from = path.dirname(file);
    if (SCRIPT.test(file)) {
      const imported = text.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g);
      for (const [, , name = ''] of imported) open.push(path.resolve(from, name));
      readsUnknown ||= /\b(?:node:)?fs\b|\bDeno\.read|\bimport\s*\(\s*[^'"\s]/.test(text);
      continue;
    }
    for (const [, call = ''] of text.matchAll(/\bread(?:Text|JSON)\s*\(([^)]*)/g)) {
      const literal = /^\s*(\\?['"])([^'"\\]+)\1\s*$/.exec(call)?.[2];
      if (literal === undefined) readsUnknown = true;
      else files.add(path.resolve(from, literal));
    }
  }
  return { files, readsUnknown };
}

/** The set as it was; undefined where it cannot be read any more. */
export async function readBuildsBefore(
  definition: Definition,
  { state, changed, reading, cwd }: Comparison,
): Promise<BuildSet | undefined> {
  const { files = [], varFiles = [], env } = reading;
  if (definition.readsUnknown || files.includes('-')) return undefined;
  const isChanged = new Set(changed);
  const read = await withWorkDir(async (copy) => {
    // builds.yaml is looked for upwards, up to the root of the repository.
    await mkdir(path.join(copy, '.git'));
    await mkdir(path.join(copy, path.relative(state.top, cwd)), { recursive: true });
    const moved = (file: string): string => {
      const relative = path.relative(state.top, path.resolve(cwd, file));
      return relative.startsWith('..') ? path.resolve(cwd, file) : path.join(copy, relative);
    };
    for (const file of definition.files) {
      const target = moved(file);
      if (target === file) continue;
      await mkdir(path.dirname(target), { recursive: true });
      const earlier = await fileAt(state, env, file);
      if (earlier !== undefined) await writeFile(target, earlier);
      // Files that git ignores have no earlier state to speak of.
      else if (!isChanged.has(file)) await copyFile(file, target).catch(() => undefined);
    }
    const before = await readBuilds({
      ...reading,
      cwd: moved('.'),
      // `git.…` in expressions means the repository, now as before.
      env: { ...env, GIT_DIR: state.gitDir, GIT_WORK_TREE: state.top },
      files: files.map(moved),
      varFiles: varFiles.map(moved),
    });
    return before.ok ? before.value.set : undefined;
  });
  return read.ok ? read.value : undefined;
}
