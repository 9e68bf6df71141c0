/**
 * Old runs go: of each project all but the last ones, and of all projects together the oldest until what is left is small enough.
 * A run in progress is never touched.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { filesOf, parseRunName } from './place.ts';
import { isRunning, readSummary } from './read.ts';

/** Runs of a project that are kept, unless the user says otherwise. */
export const MOST_RUNS = 20;
/** Of the runs of all projects. */
export const MOST_BYTES = 200_000_000;
/** The logs hold what the events hold, in fewer bytes, so that one file says enough. */
const BYTES_FOR_EVENT_BYTE = 2;

/** What stays. */
export interface Keeping {
  /** Directory of the runs of all projects. */
  readonly allRuns: string;
  /** The project that a run is begun in, by its name, and how many of its runs stay. */
  readonly project: string;
  readonly mostRuns: number;
  /** Default: `MOST_BYTES`. */
  readonly mostBytes?: number;
  /** The run that is being written. */
  readonly own?: string;
}

interface Found {
  readonly dir: string;
  /** Starts with the time. */
  readonly name: string;
  readonly project: string;
  readonly bytes: number;
}

/** Removes what is too old or too much. Never fails: what stays goes with another run. */
export async function pruneRuns({
  allRuns,
  project,
  mostRuns,
  mostBytes = MOST_BYTES,
  own,
}: Keeping): Promise<void> {
  const projects = await readdir(allRuns).catch(() => []);
  const found = (await Promise.all(projects.map((one) => findRuns(allRuns, one)))).flat();
  // The oldest first.
  found.sort((one, other) => (one.name < other.name ? -1 : 1));
  // Of the project, starting with the current one.
  let runs = found.filter((one) => one.project === project).length;
  let bytes = found.reduce((sum, one) => sum + one.bytes, 0);
  for (const one of found) {
    const isTooOld = one.project === project && runs-- > mostRuns;
    const isTooMuch = isTooOld || bytes > mostBytes;
    if (!isTooMuch || one.dir === own) continue;
    const summary = await readSummary(one.dir);
    if (summary?.end === undefined && (await isRunning(one.dir, summary))) continue;
    bytes -= one.bytes;
    await rm(one.dir, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function findRuns(allRuns: string, project: string): Promise<readonly Found[]> {
  const names = await readdir(path.join(allRuns, project)).catch(() => []);
  const all = names.map(async (name) => {
    const dir = path.join(allRuns, project, name);
    if (parseRunName(name) === undefined) return [];
    const events = await stat(filesOf(dir).events).catch(() => undefined);
    return [{ dir, name, project, bytes: BYTES_FOR_EVENT_BYTE * (events?.size ?? 0) }];
  });
  return (await Promise.all(all)).flat();
}
