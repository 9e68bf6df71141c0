/** What the state directory has of projects and builds, found again to be removed once they are gone. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileFaultCode } from '../system/mod.ts';
import { fileNameOf } from '../util/file-name.ts';
import { BY_BUILD, fileOfBuild, projectName } from './project.ts';
import { isFigures, isLastResult, type LastResult } from './shapes.ts';

/** Directories with one below them for each project. */
const BY_PROJECT = [...BY_BUILD, 'publishing', 'runs'] as const;

/** A project that the state directory has something of. */
export interface KnownProject {
  /** As `projectName` gives it. */
  readonly name: string;
  /** Absolute path of its root; undefined: nothing here says it. */
  readonly root?: string;
  /** The root is known, and is not there any more. */
  readonly isGone: boolean;
}

/** All projects of a state directory, by name. */
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
      // A root counts only where it is the one that the name stands for.
      if (root === undefined || projectName(root) !== name) return { name, isGone: false };
      return { name, root, isGone: await isAbsent(root) };
    }),
  );
}

/** Not there, rather than not to be seen. */
async function isAbsent(file: string): Promise<boolean> {
  try {
    await stat(file);
    return false;
  } catch (error) {
    return fileFaultCode(error) === 'ENOENT';
  }
}

/**
 * Builds of a project that something is remembered of, by name. Files of odd names do not say which build they are of: those that are
 * of none of the names that are known are left out.
 *
 * @param names further names that there may be, beside those that the project's figures have
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

/** What the builds of a project gave the last time, by their names; where nobody knows that of an odd file, by the file's. */
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

/** Which build a file is of, by its name without the ending; undefined: nobody knows. */
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

/** Forgets a build of a project; what its keys gave stays, since other checkouts may have the same. */
export async function forgetBuild(stateDir: string, project: string, build: string): Promise<void> {
  for (const file of filesOfBuild(stateDir, project, build)) await rm(file, { force: true });
}

/** Bytes of what the state directory has of a build. */
export function measureBuild(stateDir: string, project: string, build: string): Promise<number> {
  return measureFiles(filesOfBuild(stateDir, project, build));
}

function filesOfBuild(stateDir: string, project: string, build: string): readonly string[] {
  return BY_BUILD.map((dir) => fileOfBuild(stateDir, dir, project, build));
}

/** Forgets a project, its kept runs included. */
export async function forgetProject(stateDir: string, project: string): Promise<void> {
  for (const dir of BY_PROJECT) await rm(path.join(stateDir, dir, project), { recursive: true, force: true });
  await rm(figuresOf(stateDir, project), { force: true });
}

/** Bytes of what the state directory has of a project. */
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

/** Summaries of kept runs have it, too; see lib/history/place.ts. */
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
