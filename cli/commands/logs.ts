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
import { formatDuration, type Palette, padEnd, widthOf } from '../../lib/report/mod.ts';
import { didYouMean } from '../../lib/util/suggest.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { buildResultText, countBuilds, resultText, whenText } from '../history-text.ts';
import type { Io } from '../io.ts';
import { keptRunsDirectory } from '../kept-run.ts';
import { formatTable, paletteFor, reportProblems, wantsColor } from '../output.ts';
import { withHardStop } from '../signals.ts';

/** Longer names do not push the text of all others to the right. */
const WIDEST_NAME = 28;

/** `bake-ts logs [build]` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const found = await findRun(await keptRunsDirectory(args, io), textOf(args, 'run'));
  if (!found.ok) return reportProblems([found.error], args, io);
  const run = found.value;
  const planned = await readPlanned(run);
  const [named] = args.positionals;
  if (named !== undefined && !planned.includes(named))
    return reportProblems([unknownBuild(named, run, planned)], args, io);
  if (isSet(args, 'follow')) return withHardStop(io, () => followLog(run, planned, named, args, io));
  const failed = run.builds.filter(({ result }) => result === 'failed');
  const build = named ?? (failed.length === 1 ? failed[0]?.build : undefined);
  if (build === undefined) {
    io.stdout.write(listLogs(run, io.now(), paletteFor(args, io, io.stdout)));
    return EXIT.ok;
  }
  const lines = await showLog(run, build, args, io);
  return lines > 0 ? EXIT.ok : reportProblems([noLog(build, run)], args, io);
}

/** Names of the builds that a run was to go through. */
async function readPlanned(run: KeptRun): Promise<readonly string[]> {
  for await (const event of readEvents(run))
    if (event.type === 'planned') return event.nodes.map(({ build }) => build);
  return run.builds.map(({ build }) => build);
}

function unknownBuild(build: string, { runId }: KeptRun, planned: readonly string[]): Problem {
  return problem('state/unknown-build', `run ${runId} has no build "${build}"`, {
    hint:
      didYouMean(build, planned) ??
      'bake-ts logs without a name lists its builds, bake-ts history the runs; --run names another one',
  });
}

function noLog(build: string, run: KeptRun): Problem {
  const why = run.result === 'running' ? 'has not come to it yet' : 'ended before it came to it';
  return problem('state/no-log', `there is no log of "${build}": run ${run.runId} ${why}`, {
    hint: run.result === 'running' ? '--follow waits for it' : 'bake-ts history lists other runs',
  });
}

/** Prints the log of one build; gives the number of its lines. */
async function showLog(run: KeptRun, build: string, args: ParsedArgs, io: Io): Promise<number> {
  const log = new BuildLog(Date.parse(run.startedAt), wantsColor(args, io, io.stdout));
  let count = 0;
  const write = (lines: readonly string[]): void => {
    count += lines.length;
    if (lines.length > 0) io.stdout.write(`${lines.join('\n')}\n`);
  };
  for await (const event of readEvents(run, build)) write(log.take(event));
  write(log.rest());
  return count;
}

/** Prints what comes until the run, or the build, is done; without a name of all builds, each line with its build's. */
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

/** What there is to read of a run: a line for each build with a log, those that failed last, where a terminal ends. */
function listLogs(run: KeptRun, nowMs: number, palette: Palette): string {
  const files = run.builds.map((one) => ({ one, file: logFileOf(run.dir, one.build) }));
  const logged = files.filter(({ file }) => existsSync(file));
  const isFailed = ({ one }: (typeof files)[number]): boolean => one.result === 'failed';
  const sorted = [...logged.filter((each) => !isFailed(each)), ...logged.filter(isFailed)];
  const rows = sorted.map(({ one, file }) => [
    one.build,
    buildResultText(one, palette),
    formatDuration(one.durationMs),
    file,
  ]);
  const counts = countBuilds(run.builds);
  const head = `run ${run.runId}, ${whenText(run.startedAt, nowMs)}: ${resultText(run, palette)}`;
  const rest = run.builds.length - logged.length;
  return [
    `${head}${counts === '' ? '' : ` (${counts})`}\n`,
    rows.length === 0 ? '' : `\n${formatTable(['BUILD', 'RESULT', '>TIME', 'LOG'], rows, palette)}`,
    rest === 0 ? '' : palette.dim(`${rows.length === 0 ? '' : '\n'}${noFileText(rest)}\n`),
  ].join('');
}

function noFileText(count: number): string {
  const many =
    count === 1
      ? 'Of one build there is no file, since nothing ran'
      : `Of ${count} builds there are no files, since nothing ran`;
  return `${many}; bake-ts logs NAME says why`;
}
