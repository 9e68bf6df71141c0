import { GITHUB_LIMITS, printGithub } from '../../lib/ci/mod.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { printPipeline } from '../pipeline.ts';

/** `bake-ts ci github`: a workflow on stdout. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const action = textOf(args, 'action');
  return printPipeline(args, io, { limits: GITHUB_LIMITS, runners: 'labels' }, ({ pipeline, settings }) =>
    printGithub(pipeline, { ...settings, ...(action === undefined ? {} : { action }) }),
  );
}
