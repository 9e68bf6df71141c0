/** The command that runs builds of a kept run again. */
import type { KeptRun } from '../lib/history/mod.ts';
import { commandFor } from './again.ts';
import { matchCommand, readArgs, shapesOf } from './args.ts';
import { declareCli } from './declare.ts';

/** `bake-ts run NAME…` with the options of a kept run that say what its builds are; sensitive values are hidden in it. */
export function rerunOf({ command = [] }: Pick<KeptRun, 'command'>, builds: readonly string[]): string {
  const cli = declareCli();
  const { command: matched, rest } = matchCommand(cli, command);
  const read = readArgs(rest, shapesOf(cli, matched));
  const args = read.ok ? read.value : { positionals: [], values: new Map(), flags: new Map() };
  return commandFor(args, builds, new Map());
}
