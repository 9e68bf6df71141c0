import path from 'node:path';
import { findRun, readEvents } from '../../lib/history/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { collectLogs, renderPage } from '../../lib/page/mod.ts';
import { describeFileFault, writeFileWhole, writeNamedFile } from '../../lib/system/mod.ts';
import { createTimeline } from '../../lib/timeline/mod.ts';
import { throwDenied } from '../../lib/util/permission.ts';
import { rerunOf } from '../again.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { keptRunsDirectory } from '../kept-run.ts';
import { reportProblems } from '../output.ts';
import { previousBuilds } from '../previous-builds.ts';

/**
 * `bake-ts report`: makes the page of a recorded run.
 *
 * @param readRun reads the command line of a run; undefined if this version cannot
 */
export async function runCommand(
  args: ParsedArgs,
  io: Io,
  readRun: (words: readonly string[]) => ParsedArgs | undefined,
): Promise<ExitCode> {
  const runsDir = await keptRunsDirectory(args, io);
  const found = await findRun(runsDir, textOf(args, 'run'));
  if (!found.ok) return reportProblems([found.error], args, io);
  const { dir, commit } = found.value;
  const maker = createTimeline();
  const logs = collectLogs();
  for await (const event of readEvents(found.value)) {
    maker.take(event);
    logs.onEvent(event);
  }
  const run = maker.timeline();
  // Sensitive values are hidden in it already.
  const ran = readRun(run.command ?? []);
  const page = await renderPage(run, {
    logs: logs.logs(),
    ...(ran === undefined ? {} : { rerun: rerunOf(ran, run, new Map()) }),
    previous: await previousBuilds(runsDir, run),
    ...(commit === undefined
      ? {}
      : { environment: [['Commit', `${commit.id}${commit.clean === false ? ' and changes' : ''}`]] }),
  });
  const wanted = textOf(args, 'output');
  if (wanted === '-') {
    io.stdout.write(page);
    return EXIT.ok;
  }
  const target = wanted === undefined ? path.join(dir, 'report.html') : path.resolve(io.cwd, wanted);
  try {
    // Recorded runs are readable only by their owner.
    if (wanted === undefined) await writeFileWhole(target, page, { isPrivate: true });
    else await writeNamedFile(target, page);
  } catch (error) {
    throwDenied(error);
    const why = await describeFileFault(error, target);
    const unwritten = problem('cli/unwritable-file', `${wanted ?? target} cannot be written: ${why}`, {
      hint: 'Choose another file with -o FILE, or -o - for stdout.',
    });
    return reportProblems([unwritten], args, io);
  }
  io.stdout.write(`${target}\n`);
  return EXIT.ok;
}
