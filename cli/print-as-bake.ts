/** `run --print`: prints what `docker buildx bake --print` prints for bake and Compose files; builds nothing. */
import { problem } from '../lib/model/mod.ts';
import type { ParsedArgs } from './args.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { readingOf } from './inputs.ts';
import type { Io } from './io.ts';
import { reportProblems } from './output.ts';

/** Prints the named targets and groups; by default `default`. */
export async function printAsBake(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const reading = await readingOf(args, io);
  if (!reading.ok) return reportProblems(reading.error, args, io);
  const { printBakeFiles } = await import('../lib/config/mod.ts');
  const printed = await printBakeFiles(reading.value, args.positionals);
  if (!printed.ok) return reportProblems(printed.error, args, io);
  const { text, warnings } = printed.value;
  if (text === undefined) {
    return reportProblems(
      [
        problem('cli/conflict', '--print is for bake and Compose files, but builds.yaml was read', {
          hint: 'Use `bake-ts print` for builds.yaml, or name a bake file with -f docker-bake.hcl.',
        }),
      ],
      args,
      io,
    );
  }
  reportProblems(warnings, args, io);
  io.stdout.write(text);
  return EXIT.ok;
}
