/**
 * Where runs are recorded: in the state directory, one directory per run, accessible only to its owner.
 *
 * ```
 * runs/<project>/<start time>-<run id>/
 *   summary.json          the run, and at its end the result: everything that `history` reads
 *   events.ndjson         its events, one per line, without most of the bulk (thin.ts)
 *   logs/<build>.log      the log of each build that did something, as plain text; unusual names are shortened
 * ```
 */
import path from 'node:path';
import { projectName, stateDirectory } from '../state/mod.ts';
import { fileNameOf } from '../util/file-name.ts';

const NAME = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3}Z)-(.+)$/;

/** The parts of a run directory's name. */
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
 * Directory of the runs of a project.
 *
 * @param root the project's root: the directory of the first file
 */
export function runsDirectory(env: Readonly<Record<string, string | undefined>>, root: string): string {
  return path.join(allRunsDirectory(env), projectName(root));
}

/** Name of a run's directory. Names sort by time. */
export function nameRun(startedAtMs: number, runId: string): string {
  return `${new Date(startedAtMs).toISOString().replaceAll(':', '-')}-${encodeURIComponent(runId)}`;
}

/** Parses a name; undefined: not a run of bake-ts. */
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

/** The log of a build; missing if nothing was done for it. */
export function logFileOf(dir: string, build: string): string {
  return path.join(filesOf(dir).logs, `${fileNameOf(build)}.log`);
}
