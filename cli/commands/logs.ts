import { existsSync } from 'node:fs';
import {
  BuildLog,
  findRun,
  followEvents,
  type KeptRun,
  logFileOf,
  readEvents,
} from '../../lib/history/mod.ts';
import { type BakeEvent, type Problem, problem } from '../../lib/model/mod.ts';
import { formatDuration, type Palette, padEnd, plainText, widthOf } from '../../lib/report/mod.ts';
import { shellWord } from '../../lib/util/shell.ts';
import { didYouMean } from '../../lib/util/suggest.ts';
import { commandFor } from '../again.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { buildResultText, countBuilds, resultText, whenText } from '../history-text.ts';
import type { Io } from '../io.ts';
import { keptRunsDirectory } from '../kept-run.ts';
import { formatTable, paletteFor, reportProblems, wantsColor } from '../output.ts';
import { withHardStop } from '../signals.ts';

/** Longer names do not widen the column of the others. */
const WIDEST_NAME = 28;
/** How many last lines of a single log are shown below the list. */
const LAST_LINES = 30;

/** Reads the command line of a run; undefined if this version cannot. */
type ReadRun = (words: readonly string[]) => ParsedArgs | undefined;

/** `bake-ts logs [build]` */
export async function runCommand(args: ParsedArgs, io: Io, readRun: ReadRun): Promise<ExitCode> {
  const found = await findRun(await keptRunsDirectory(args, io), textOf(args, 'run'));
  if (!found.ok) return reportProblems([found.error], args, io);
  const run = found.value;
  const planned = await readPlanned(run);
  const [named] = args.positionals;
  if (named !== undefined && !planned.includes(named))
    return reportProblems([unknownBuild(named, run, planned)], args, io);
  if (isSet(args, 'follow')) return withHardStop(io, () => followLog(run, planned, named, args, io));
  if (named !== undefined) {
    const lines = await readLog(run, named, args, io);
    if (lines.length === 0) return reportProblems([noLog(named, run)], args, io);
    io.stdout.write(`${lines.join('\n')}\n`);
    sayAgain(run, named, readRun, io);
    return EXIT.ok;
  }
  const palette = paletteFor(args, io, io.stdout);
  io.stdout.write(listLogs(run, planned, io.now(), palette));
  const failed = run.builds.filter(({ result }) => result === 'failed');
  const [{ build } = { build: '' }] = failed;
  if (failed.length !== 1) return EXIT.ok;
  const lines = await readLog(run, build, args, io);
  const more = lines.length > LAST_LINES ? palette.dim(` (all of it: bake-ts logs ${shellWord(build)})`) : '';
  io.stdout.write(`\n${palette.bold(`the end of the log of ${build}`)}${more}\n`);
  io.stdout.write(`${lines.slice(-LAST_LINES).join('\n')}\n`);
  sayAgain(run, build, readRun, io);
  return EXIT.ok;
}

/** How to run a failed build again. Goes to stderr, because the log may go into a file. */
function sayAgain(run: KeptRun, build: string, readRun: ReadRun, io: Io): void {
  const { result } = run.builds.find((one) => one.build === build) ?? {};
  if (result !== 'failed') return;
  // Sensitive values are hidden in it already.
  const ran = readRun(run.command ?? []) ?? { positionals: [], values: new Map(), flags: new Map() };
  io.stderr.write(`run it again: ${plainText(commandFor(ran, [build], new Map()))}\n`);
}

/** Names of the builds that the run planned. */
async function readPlanned(run: KeptRun): Promise<readonly string[]> {
  for await (const event of readEvents(run))
    if (event.type === 'planned') return event.nodes.map(({ build }) => build);
  return run.builds.map(({ build }) => build);
}

function unknownBuild(build: string, { runId }: KeptRun, planned: readonly string[]): Problem {
  return problem('state/unknown-build', `run ${runId} has no build "${build}"`, {
    hint:
      didYouMean(build, planned) ??
      '`bake-ts logs` lists the builds of the run, `bake-ts history` the runs; --run selects another one.',
  });
}

function noLog(build: string, run: KeptRun): Problem {
  const why = run.result === 'running' ? 'has not started it yet' : 'ended before it started';
  return problem('state/no-log', `there is no log of "${build}": run ${run.runId} ${why}`, {
    hint: run.result === 'running' ? 'Wait for it with --follow.' : '`bake-ts history` lists other runs.',
  });
}

/** The log of one build, line by line. */
async function readLog(run: KeptRun, build: string, args: ParsedArgs, io: Io): Promise<readonly string[]> {
  const log = new BuildLog(Date.parse(run.startedAt), wantsColor(args, io, io.stdout));
  const lines: string[] = [];
  for await (const event of readEvents(run, build)) for (const line of log.take(event)) lines.push(line);
  return [...lines, ...log.rest()];
}

/** Prints log lines until the run or the named build is done. Without a name, each line starts with its build's name. */
async function followLog(
  run: KeptRun,
  planned: readonly string[],
  named: string | undefined,
  args: ParsedArgs,
  io: Io,
): Promise<ExitCode> {
  const color = wantsColor(args, io, io.stdout);
  const palette = paletteFor(args, io, io.stdout);
  const logs = new Map<string, BuildLog>();
  const width = Math.min(WIDEST_NAME, Math.max(0, ...planned.map(widthOf)));
  const write = (build: string, lines: readonly string[]): void => {
    const lead =
      named === undefined ? `${palette.name(build, padEnd(build, width))} ${palette.dim('|')} ` : '';
    for (const line of lines) io.stdout.write(`${lead}${line}`.trimEnd().concat('\n'));
  };
  for await (const event of followEvents(run)) {
    const build = buildOf(event);
    if (build === undefined || (named !== undefined && build !== named)) continue;
    const log = logs.get(build) ?? new BuildLog(Date.parse(run.startedAt), color);
    logs.set(build, log);
    write(build, log.take(event));
    if (named !== undefined && event.type === 'node-finished') return EXIT.ok;
  }
  for (const [build, log] of logs) write(build, log.rest());
  return EXIT.ok;
}

function buildOf(event: BakeEvent): string | undefined {
  return 'build' in event ? event.build : undefined;
}

/** The logs of a run: a line for each build with a log. Failed builds come last, nearest to the prompt. */
function listLogs(run: KeptRun, planned: readonly string[], nowMs: number, palette: Palette): string {
  const ended = new Map(run.builds.map((one) => [one.build, one]));
  const all = [...new Set([...ended.keys(), ...planned])].map((build) => {
    return { build, one: ended.get(build), file: logFileOf(run.dir, build) };
  });
  const logged = all.filter(({ file }) => existsSync(file));
  // The most important rows come last: failed builds, and the unfinished ones of a killed run.
  const rank = ({ one }: (typeof all)[number]): number =>
    one === undefined ? 1 : one.result === 'failed' ? 2 : 0;
  const open = palette.warning(run.result === 'running' ? 'running' : 'was running');
  const rows = logged
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ build, one, file }) => [
      build,
      one === undefined ? open : buildResultText(one, palette),
      one === undefined ? '' : formatDuration(one.durationMs),
      file,
    ]);
  const counts = countBuilds(run.builds);
  const head = `run ${run.runId}, ${whenText(run.startedAt, nowMs)}: ${resultText(run, palette)}`;
  const rest = all.length - logged.length;
  return [
    `${head}${counts === '' ? '' : ` (${counts})`}\n`,
    rows.length === 0 ? '' : `\n${formatTable(['BUILD', 'RESULT', '>TIME', 'LOG'], rows, palette)}`,
    rest === 0 ? '' : palette.dim(`${rows.length === 0 ? '' : '\n'}${noFileText(rest)}\n`),
  ].join('');
}

function noFileText(count: number): string {
  const many =
    count === 1
      ? 'One build has no log because nothing ran'
      : `${count} builds have no logs because nothing ran`;
  return `${many}; bake-ts logs NAME says why`;
}
