/**
 * Reading what is kept of earlier runs. Nothing here throws over a file that is damaged or half-written: a run may be killed,
 * its disk may have been full, and another run may be removing it right now.
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

/** A kept run. */
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

/** A run that nobody can be asked about any more is taken to run no longer than this after its last sign. */
const SILENT_MS = 24 * 60 * 60 * 1000;

async function readNames(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throwDenied(error);
    return [];
  }
}

/** All runs of a project that are kept, the newest first. */
export async function listRuns(runsDir: string): Promise<readonly KeptRun[]> {
  const names = await readNames(runsDir);
  const runs = await Promise.all(names.toSorted().map((name) => readRun(path.join(runsDir, name))));
  return runs.filter((run) => run !== undefined).reverse();
}

/**
 * The run that is meant: by `-1` (the last one, also where nothing is named), `-2` (the one before), or its id, of which the
 * start is enough. Problems: `state/no-runs`, `state/unknown-run`.
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
        hint: 'bake-ts run keeps what happens; dry runs and untrusted ones are not kept',
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
      hint: `it is one of ${found.map(({ runId }) => runId).join(', ')}`,
    });
  const many = known.length === 1 ? 'one run is' : `${known.length} runs are`;
  return problem('state/unknown-run', `there is no run "${which}"; ${many} kept`, {
    hint: didYouMean(which, ids) ?? 'bake-ts history lists them; -1 is the last one',
  });
}

/** One run, by its directory; undefined where it is none, or is gone. */
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

/** What summary.json says; undefined where it is not there or cannot be believed. */
export async function readSummary(dir: string): Promise<SummaryFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(filesOf(dir).summary, 'utf8'));
    return isSummaryFile(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a run without an end goes on. Where nobody can tell (another machine or container, no Linux), one that gave a sign
 * within the last day counts as one that does.
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

/** What the events say of a run whose summary does not say how it ended. */
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

/** What its first event says of a run. */
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
 * The events of a run as they were kept, in order; what is damaged, or cut off at the end, is passed over.
 *
 * @param which only events of this build, or only those of which the line passes
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

/** An event from its line; undefined: it is none, or one of a later version. */
export function parseEvent(line: string): BakeEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Lines of a file, without what comes after the last line break; none where it cannot be read. */
async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch {
    // Gone, or never there.
  }
}
