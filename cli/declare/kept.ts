/** Commands about earlier runs. */
import type { Command } from 'cac';
import type { ParsedArgs } from '../args.ts';
import type { Io } from '../io.ts';
import { type Declare, JSON_TEXT, lazily, REPEATS } from './shared.ts';

/** Reads the command line of a `run`. */
type ReadRun = (words: readonly string[]) => ParsedArgs | undefined;

const RUN = '--run <id>';
const RUN_TEXT = 'A run by its id in `bake-ts history`; -1 is the last run, -2 the one before';

/** `logs`, `history`, `report`. */
export function declareKept(command: Declare, readRun: ReadRun): void {
  const ofProject = (command: Command): Command =>
    command.option(
      '-f, --file <path>',
      'Show the runs of this builds file instead of builds.yaml (may be repeated)',
      REPEATS,
    );
  ofProject(command('logs [build]', 'Show the log of a build of the last or an earlier run', 'cli#logs'))
    .option(RUN, RUN_TEXT)
    .option('--follow', 'Wait for more output until the build, or the run, ends')
    .example('  bake-ts logs                results of all builds, and the end of the log that failed')
    .example('  bake-ts logs api --run -2   one build of the run before the last')
    .example('  bake-ts logs --follow       all builds of the current run')
    .action(async (args: ParsedArgs, io: Io) => {
      const { runCommand } = await import('../commands/logs.ts');
      return runCommand(args, io, readRun);
    });
  ofProject(command('history [build]', 'List the last runs, or the results of one build in them', 'history'))
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/history.ts')));
  ofProject(command('report', 'Write the report page of an earlier run and print its path', 'report'))
    .option(RUN, RUN_TEXT)
    .option('-o, --output <path>', 'Write to this file; - is stdout; default: beside the logs of the run')
    .action(async (args: ParsedArgs, io: Io) => {
      const { runCommand } = await import('../commands/report.ts');
      return runCommand(args, io, readRun);
    });
}
