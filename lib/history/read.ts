/**
 * Reads recorded runs. Damaged or incomplete files cause no exceptions: a run may have been killed, its disk may have
 * been full, and another run may be deleting it right now.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type BakeEvent, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { throwDenied } from '../util/permission.ts';
import { didYouMean } from '../util/suggest.ts';
import { isEvent } from './event-fields.ts';
import { filesOf, parseRunName, type RunName } from './place.ts';
import {
  isSummaryFile,
  type KeptBuild,
  type KeptResult,
  keptBuild,
  type RunHead,
  runEnd,
  type SummaryFile,
} from './shapes.ts';

/** A recorded run. */
export interface KeptRun extends RunHead {
  /** Where it is kept. */
  readonly dir: string;
  /** How it ended. */
  readonly result: KeptResult;
  /** Milliseconds. If it did not end: until its last event. */
  readonly durationMs: number;
  /** Builds in the order of the plan. If the run did not end: only those that did. */
  readonly builds: readonly KeptBuild[];
  /** Problems of the run as a whole, one sentence each. */
  readonly problems: readonly string[];
}

/** If its process cannot be checked, a run is assumed to have ended this long after its last event. */
const SILENT_MS = 24 * 60 * 60 * 1000;

async function readNames(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throwDenied(error);
    return [];
  }
}

/** All recorded runs of a project, newest first. */
export async function listRuns(runsDir: string): Promise<readonly KeptRun[]> {
  const names = await readNames(runsDir);
  const runs = await Promise.all(names.toSorted().map((name) => readRun(path.join(runsDir, name))));
  return runs.filter((run) => run !== undefined).reverse();
}

/**
 * The run named by `-1` (the last one, and the default), `-2` (the one before), or the start of its id. Problems:
 * `state/no-runs`, `state/unknown-run`.
 */
export async function findRun(runsDir: string, which = '-1'): Promise<Result<KeptRun, Problem>> {
  const names = [...(await readNames(runsDir))].sort().reverse();
  const known = names.flatMap((name) => {
    const parsed = parseRunName(name);
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
  if (known.length === 0)
    return fail(
      problem('state/no-runs', 'no run of this project is kept here', {
        hint: 'start one with bake-ts run; dry runs and untrusted ones are not kept',
      }),
    );
  const back = /^-\d+$/.test(which) ? -Number(which) : undefined;
  const found =
    back === undefined
      ? known.filter(({ runId }) => which !== '' && runId.startsWith(which))
      : known.slice(back - 1, back);
  const exact = found.find(({ runId }) => runId === which);
  const [one] = exact === undefined ? found : [exact];
  if (one !== undefined && (exact !== undefined || found.length === 1)) {
    const run = await readRun(path.join(runsDir, one.name));
    if (run !== undefined) return ok(run);
  }
  return fail(unknownRun(which, known, found));
}

function unknownRun(which: string, known: readonly RunName[], found: readonly RunName[]): Problem {
  const ids = known.map(({ runId }) => runId);
  if (found.length > 1)
    return problem('state/unknown-run', `"${which}" is the start of several runs`, {
      hint: `use one of ${found.map(({ runId }) => runId).join(', ')}`,
    });
  const many = known.length === 1 ? 'one run is' : `${known.length} runs are`;
  return problem('state/unknown-run', `there is no run "${which}"; ${many} kept`, {
    hint: didYouMean(which, ids) ?? 'list them with bake-ts history; -1 is the last one',
  });
}

/** One run, by its directory; undefined if it is not a run, or gone. */
async function readRun(dir: string): Promise<KeptRun | undefined> {
  const name = parseRunName(path.basename(dir));
  if (name === undefined) return undefined;
  const summary = await readSummary(dir);
  if (summary?.end !== undefined) {
    const { form: _, owner: __, end, ...head } = summary;
    return { ...head, ...end, dir };
  }
  const found = await scanEvents(dir, name);
  if (found === undefined) return undefined;
  if (found.end !== undefined) return { ...found.head, ...found.end, dir };
  const runs = await isRunning(dir, summary);
  return {
    ...found.head,
    ...(summary?.commit === undefined ? {} : { commit: summary.commit }),
    dir,
    result: runs ? 'running' : 'did-not-end',
    durationMs: found.durationMs,
    builds: found.builds,
    problems: [],
  };
}

/** The content of summary.json; undefined if it is missing or invalid. */
export async function readSummary(dir: string): Promise<SummaryFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(filesOf(dir).summary, 'utf8'));
    return isSummaryFile(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a run without an end is still running. If that cannot be checked (another machine or container, not Linux), a
 * run with an event in the last day counts as running.
 */
export async function isRunning(dir: string, summary: SummaryFile | undefined): Promise<boolean> {
  const lastSeenMs = await lastSignMs(dir);
  if (summary?.owner !== undefined) {
    const { livesOwner, ownerNow, readOwner } = await import('../engine/mod.ts');
    const owner = readOwner(summary.owner);
    const me = owner === undefined ? undefined : await ownerNow();
    const lives =
      owner === undefined || me === undefined ? undefined : await livesOwner(owner, me, lastSeenMs);
    if (lives !== undefined) return lives;
  }
  return Date.now() - lastSeenMs < SILENT_MS;
}

async function lastSignMs(dir: string): Promise<number> {
  const { events } = filesOf(dir);
  const found = await stat(events).catch(() => stat(dir).catch(() => undefined));
  return found?.mtimeMs ?? 0;
}

/** What the events tell about a run whose summary has no end. */
async function scanEvents(dir: string, name: RunName) {
  const builds = new Map<string, KeptBuild>();
  let head: RunHead | undefined;
  let end: ReturnType<typeof runEnd> | undefined;
  let firstMs: number | undefined;
  let lastMs = 0;
  for await (const event of readEventsIn(dir, (line) => !line.includes('"type":"log"'))) {
    firstMs ??= event.atMs;
    lastMs = event.atMs;
    if (event.type === 'run-started') head = runHead(event);
    if (event.type === 'node-finished') builds.set(event.build, keptBuild(event.outcome));
    if (event.type === 'run-finished') end = runEnd(event.summary);
  }
  if (firstMs === undefined) return undefined;
  const unknown = { ...name, version: '', runtime: '', root: '', files: [] };
  return { head: head ?? unknown, end, builds: [...builds.values()], durationMs: lastMs - firstMs };
}

/** The head of a run, from its first event. */
export function runHead(event: Extract<BakeEvent, { readonly type: 'run-started' }>): RunHead {
  const { runId, atMs, version, runtime, root = '', files, command, changed } = event;
  return {
    runId,
    startedAt: new Date(atMs).toISOString(),
    version,
    runtime,
    root,
    files,
    ...(command === undefined ? {} : { command }),
    ...(changed === undefined ? {} : { changed }),
  };
}

/**
 * The recorded events of a run, in order. Damaged and truncated ones are skipped.
 *
 * @param which only events of this build, or only those whose line passes
 */
export function readEvents(
  { dir }: Pick<KeptRun, 'dir'>,
  which?: string | ((line: string) => boolean),
): AsyncGenerator<BakeEvent> {
  if (typeof which !== 'string') return readEventsIn(dir, which);
  const build = which;
  const mark = `"build":${JSON.stringify(build)}`;
  return readEventsIn(dir, (line) => line.includes(mark), build);
}

async function* readEventsIn(
  dir: string,
  isWanted: (line: string) => boolean = () => true,
  build?: string,
): AsyncGenerator<BakeEvent> {
  for await (const line of readLines(filesOf(dir).events)) {
    const event = isWanted(line) ? parseEvent(line) : undefined;
    if (event === undefined) continue;
    if (build === undefined || ('build' in event && event.build === build)) yield event;
  }
}

/** Parses a line; undefined: invalid, or of a later version. */
export function parseEvent(line: string): BakeEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Complete lines of a file; none if it cannot be read. */
async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch {
    // Deleted, or never there.
  }
}
