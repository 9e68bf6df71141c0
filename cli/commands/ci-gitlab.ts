import { GITLAB_LIMITS, printGitlab } from '../../lib/ci/mod.ts';
import type { ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { printPipeline } from '../pipeline.ts';

/** `bake-ts ci gitlab`: a `.gitlab-ci.yml` on stdout. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  return printPipeline(args, io, { limits: GITLAB_LIMITS, runners: 'labels' }, ({ pipeline, settings }) =>
    printGitlab(pipeline, settings),
  );
}
