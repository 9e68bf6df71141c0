/** Finds the state of projects and builds in the state directory, to delete it once they are gone. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileFaultCode } from '../system/mod.ts';
import { fileNameOf } from '../util/file-name.ts';
import { BY_BUILD, fileOfBuild, projectName } from './project.ts';
import { isFigures, isLastResult, type LastResult } from './shapes.ts';

/** Directories with a subdirectory for each project. */
const BY_PROJECT = [...BY_BUILD, 'publishing', 'runs'] as const;

/** A project with state. */
export interface KnownProject {
  /** From `projectName`. */
  readonly name: string;
  /** Absolute path of its root; undefined: unknown. */
  readonly root?: string;
  /** The root is known and no longer exists. */
  readonly isGone: boolean;
}

/** All projects in a state directory, by name. */
export async function listProjects(stateDir: string): Promise<readonly KnownProject[]> {
  const names = new Set<string>();
  for (const dir of BY_PROJECT)
    for (const name of await namesIn(path.join(stateDir, dir))) if (isProject(name)) names.add(name);
  for (const file of await namesIn(path.join(stateDir, 'figures'))) {
    const name = path.basename(file, '.json');
    if (isProject(name)) names.add(name);
  }
  return Promise.all(
    [...names].sort().map(async (name) => {
      const root = (await rootByFigures(stateDir, name)) ?? (await rootByRuns(stateDir, name));
      // The root is valid only if it has this project name.
      if (root === undefined || projectName(root) !== name) return { name, isGone: false };
      return { name, root, isGone: await isAbsent(root) };
    }),
  );
}

/** It does not exist, rather than being inaccessible. */
async function isAbsent(file: string): Promise<boolean> {
  try {
    await stat(file);
    return false;
  } catch (error) {
    return fileFaultCode(error) === 'ENOENT';
  }
}

/**
 * Names of a project's builds with state. Files of builds with unusual names are skipped if no known name matches.
 *
 * @param names possible names, in addition to those in the project's figures
 */
export async function listKnownBuilds(
  stateDir: string,
  project: string,
  names: Iterable<string>,
): Promise<readonly string[]> {
  const nameOf = await readNames(stateDir, project, names);
  const builds = new Set<string>();
  for (const dir of BY_BUILD) {
    for (const stem of await stemsIn(path.join(stateDir, dir, project))) {
      const build = nameOf(stem);
      if (build !== undefined) builds.add(build);
    }
  }
  return [...builds].sort();
}

/** The last results of the builds of a project, by name, or by the file's name if the build's name is unknown. */
export async function listResults(
  stateDir: string,
  project: string,
  names: Iterable<string>,
): Promise<ReadonlyMap<string, LastResult>> {
  const nameOf = await readNames(stateDir, project, names);
  const dir = path.join(stateDir, 'results', project);
  const results = new Map<string, LastResult>();
  for (const stem of await stemsIn(dir)) {
    const value = await readValue(path.join(dir, `${stem}.json`));
    if (isLastResult(value)) results.set(nameOf(stem) ?? stem, value);
  }
  return results;
}

/** The build of a file, from its name without extension; undefined: unknown. */
async function readNames(
  stateDir: string,
  project: string,
  names: Iterable<string>,
): Promise<(stem: string) => string | undefined> {
  const figures = await readValue(figuresOf(stateDir, project));
  const known = [...names, ...(isFigures(figures) ? Object.keys(figures.builds) : [])];
  const byFile = new Map(known.map((name) => [fileNameOf(name), name]));
  return (stem) => (fileNameOf(stem) === stem ? stem : byFile.get(stem));
}

async function stemsIn(dir: string): Promise<readonly string[]> {
  return (await namesIn(dir)).flatMap((file) =>
    file.endsWith('.json') ? file.slice(0, -'.json'.length) : [],
  );
}

function figuresOf(stateDir: string, project: string): string {
  return path.join(stateDir, 'figures', `${project}.json`);
}

/** Deletes the state of a build; records by key stay, because other checkouts may have the same keys. */
export async function forgetBuild(stateDir: string, project: string, build: string): Promise<void> {
  for (const file of filesOfBuild(stateDir, project, build)) await rm(file, { force: true });
}

/** Bytes of a build's state. */
export function measureBuild(stateDir: string, project: string, build: string): Promise<number> {
  return measureFiles(filesOfBuild(stateDir, project, build));
}

function filesOfBuild(stateDir: string, project: string, build: string): readonly string[] {
  return BY_BUILD.map((dir) => fileOfBuild(stateDir, dir, project, build));
}

/** Deletes the state of a project, with its recorded runs. */
export async function forgetProject(stateDir: string, project: string): Promise<void> {
  for (const dir of BY_PROJECT) await rm(path.join(stateDir, dir, project), { recursive: true, force: true });
  await rm(figuresOf(stateDir, project), { force: true });
}

/** Bytes of a project's state. */
export async function measureProject(stateDir: string, project: string): Promise<number> {
  const files = [figuresOf(stateDir, project)];
  for (const dir of BY_PROJECT) {
    const below = path.join(stateDir, dir, project);
    const found = await readdir(below, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of found) if (entry.isFile()) files.push(path.join(entry.parentPath, entry.name));
  }
  return measureFiles(files);
}

async function measureFiles(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += (await stat(file).catch(() => undefined))?.size ?? 0;
  return bytes;
}

function isProject(name: string): boolean {
  return /^[0-9a-f]{16}$/.test(name);
}

async function rootByFigures(stateDir: string, project: string): Promise<string | undefined> {
  const value = await readValue(figuresOf(stateDir, project));
  return isFigures(value) ? value.root : undefined;
}

/** Summaries of recorded runs contain it, too; see lib/history/place.ts. */
async function rootByRuns(stateDir: string, project: string): Promise<string | undefined> {
  const dir = path.join(stateDir, 'runs', project);
  for (const run of (await namesIn(dir)).toSorted().reverse()) {
    const value = await readValue(path.join(dir, run, 'summary.json'));
    const root = typeof value === 'object' && value !== null && 'root' in value ? value.root : undefined;
    if (typeof root === 'string' && root !== '') return root;
  }
  return undefined;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch(() => []);
}

async function readValue(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
