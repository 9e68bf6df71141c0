import { isSet, type ParsedArgs } from '../args.ts';
import { type ExitCode, exitCodeOfProblems, exitCodeOfSignal } from '../exit-codes.ts';
import { formatExplanations } from '../explain-text.ts';
import { addressesOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, reportProblems, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts explain`: shows what a run would do, and why. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { explainBuilds } = await import('../../lib/inspect/mod.ts');
  const { plan, dockerfiles, warnings } = planned.value;
  reportProblems(warnings, args, io);
  return withCancellation(io, async ({ signal, stoppedBy }) => {
    const report = await explainBuilds({
      plan,
      dockerfiles,
      env: io.env,
      hostArchitecture: io.architecture,
      signal,
      ...addressesOf(args),
    });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    if (isSet(args, 'json')) writeJson({ version: 1, builds: report.builds }, io);
    else {
      const palette = paletteFor(args, io, io.stdout);
      // Named builds are explained in full; otherwise a summary of what would happen comes first.
      const whole = args.positionals.length > 0;
      io.stdout.write(formatExplanations(report.builds, { palette, whole, now: new Date(io.now()) }));
    }
    // A problem of only one build may have been reported with that build already.
    const own = report.builds.flatMap((one) => one.problem ?? []);
    return Math.max(reportProblems(report.problems, args, io), exitCodeOfProblems(own));
  });
}
