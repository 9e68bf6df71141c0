/**
 * Where kept runs lie: below the state directory, one directory for a run, for its owner's eyes only.
 *
 * ```
 * runs/<project>/<time of its start>-<run id>/
 *   summary.json          what the run is, and at its end what came of it: all that `history` reads
 *   events.ndjson         its events, one a line, without what would be much for nothing (thin.ts)
 *   logs/<build>.log      the log of each build for which something was done, as plain text; odd names are shortened
 * ```
 */
import path from 'node:path';
import { projectName, stateDirectory } from '../state/mod.ts';
import { fileNameOf } from '../util/file-name.ts';

const NAME = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3}Z)-(.+)$/;

/** What the name of a run's directory says. */
export interface RunName {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly runId: string;
}

/** Directory of the runs of all projects. */
export function allRunsDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return path.join(stateDirectory(env), 'runs');
}

/**
 * Directory of the runs of one project.
 *
 * @param root the project's root: the directory of the first file
 */
export function runsDirectory(env: Readonly<Record<string, string | undefined>>, root: string): string {
  return path.join(allRunsDirectory(env), projectName(root));
}

/** Name of a run's directory; the later run comes later in the order of names. */
export function nameRun(startedAtMs: number, runId: string): string {
  return `${new Date(startedAtMs).toISOString().replaceAll(':', '-')}-${encodeURIComponent(runId)}`;
}

/** Reads a name; undefined: it is not one of bake-ts. */
export function parseRunName(name: string): RunName | undefined {
  const [, day, hour, minute, second, id] = NAME.exec(name) ?? [];
  const startedAt = `${day}${hour}:${minute}:${second}`;
  if (id === undefined || Number.isNaN(Date.parse(startedAt))) return undefined;
  try {
    return { startedAt, runId: decodeURIComponent(id) };
  } catch {
    return undefined;
  }
}

/** The files of a run. */
export function filesOf(dir: string): {
  readonly summary: string;
  readonly events: string;
  readonly logs: string;
} {
  return {
    summary: path.join(dir, 'summary.json'),
    events: path.join(dir, 'events.ndjson'),
    logs: path.join(dir, 'logs'),
  };
}

/** The log of a build; there is none where nothing was done for it. */
export function logFileOf(dir: string, build: string): string {
  return path.join(filesOf(dir).logs, `${fileNameOf(build)}.log`);
}
