/**
 * Deletes old runs: all but the last ones of a project, and then the oldest of all projects until the rest is small
 * enough. Never touches a run in progress.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { filesOf, parseRunName } from './place.ts';
import { isRunning, readSummary } from './read.ts';

/** Default number of recorded runs of a project. */
export const MOST_RUNS = 20;
/** Limit for the runs of all projects. */
export const MOST_BYTES = 200_000_000;
/** Logs hold the same as the events in fewer bytes, so the size of the event file is enough for an estimate. */
const BYTES_FOR_EVENT_BYTE = 2;

/** What to keep. */
export interface Keeping {
  /** Directory of the runs of all projects. */
  readonly allRuns: string;
  /** Name of the current run's project, and how many of its runs are kept. */
  readonly project: string;
  readonly mostRuns: number;
  /** Default: `MOST_BYTES`. */
  readonly mostBytes?: number;
  /** The current run. */
  readonly own?: string;
}

interface Found {
  readonly dir: string;
  /** Starts with the time. */
  readonly name: string;
  readonly project: string;
  readonly bytes: number;
}

/** Deletes runs that are too old or too many. Never fails: what could not be deleted is deleted by a later run. */
export async function pruneRuns({
  allRuns,
  project,
  mostRuns,
  mostBytes = MOST_BYTES,
  own,
}: Keeping): Promise<void> {
  const projects = await readdir(allRuns).catch(() => []);
  const found = (await Promise.all(projects.map((one) => findRuns(allRuns, one)))).flat();
  // Oldest first.
  found.sort((one, other) => (one.name < other.name ? -1 : 1));
  // Runs of the project from `one` on.
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
