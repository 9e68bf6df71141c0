import { POD_LIMITS, printTekton } from '../../lib/ci/mod.ts';
import type { ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { printPipeline, readName } from '../pipeline.ts';

/** `bake-ts ci tekton`: a Task and a Pipeline on stdout. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const name = readName(args);
  if (!name.ok) return reportProblems(name.error, args, io);
  const system = { limits: POD_LIMITS, split: 'graph', runners: 'pods' } as const;
  return printPipeline(args, io, system, ({ pipeline, settings }) =>
    printTekton(pipeline, { ...settings, name: name.value }),
  );
}
