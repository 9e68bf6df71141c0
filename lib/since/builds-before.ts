/**
 * The builds of builds.yaml at an earlier commit: its files as of that commit are written to a separate directory and
 * read with the current variables and overrides, so that only the files can cause differences.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ReadBuildsOptions, readBuilds } from '../config/mod.ts';
import type { BuildSet } from '../model/mod.ts';
import { withWorkDir } from '../run/mod.ts';
import { fileAt, type GitState } from './git.ts';

/** The files that define the builds. */
export interface Definition {
  /**
   * Absolute paths: builds.yaml with everything that it includes and reads, files of variables, scripts and their
   * imports.
   */
  readonly files: ReadonlySet<string>;
  /** True if an expression or a script reads files whose names cannot be determined. */
  readonly readsUnknown: boolean;
}

/** An earlier state, and what is compared with it. */
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
 * Finds the files that define a set.
 *
 * @param varFiles files of variables with which it was read
 * @param cwd the real path of the working directory
 */
export async function findDefinition(
  set: BuildSet,
  varFiles: readonly string[],
  cwd: string,
): Promise<Definition> {
  const files = new Set<string>();
  let readsUnknown = false;
  // Adding or removing one of these files changes what the others mean.
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

/** The earlier set; undefined if it cannot be read any more. */
export async function readBuildsBefore(
  definition: Definition,
  { state, changed, reading, cwd }: Comparison,
): Promise<BuildSet | undefined> {
  const { files = [], varFiles = [], env } = reading;
  if (definition.readsUnknown || files.includes('-')) return undefined;
  const isChanged = new Set(changed);
  const read = await withWorkDir(async (copy) => {
    // builds.yaml is searched upwards, to the root of the repository.
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
      // Files that git ignores have no earlier state.
      else if (!isChanged.has(file)) await copyFile(file, target).catch(() => undefined);
    }
    const before = await readBuilds({
      ...reading,
      cwd: moved('.'),
      // `git.…` in expressions refers to the repository, then as now.
      env: { ...env, GIT_DIR: state.gitDir, GIT_WORK_TREE: state.top },
      files: files.map(moved),
      varFiles: varFiles.map(moved),
    });
    return before.ok ? before.value.set : undefined;
  });
  return read.ok ? read.value : undefined;
}
