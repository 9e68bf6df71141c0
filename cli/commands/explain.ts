import { createPalette } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { type ExitCode, exitCodeOfProblems, exitCodeOfSignal } from '../exit-codes.ts';
import { formatExplanations } from '../explain-text.ts';
import { readInputs, selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { reportProblems, wantsColor, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts explain`: what a run would do, and everything that this rests on. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  const { preparePlan } = await import('../../lib/prepare/mod.ts');
  const { explainBuilds } = await import('../../lib/inspect/mod.ts');
  const prepared = preparePlan(read.value.set, selectionOf(args), io.cwd);
  if (!prepared.ok) return reportProblems([...read.value.warnings, ...prepared.error], args, io);
  reportProblems(read.value.warnings, args, io);
  const address = textOf(args, 'addr');
  return withCancellation(io, async ({ signal, stoppedBy }) => {
    const report = await explainBuilds({
      plan: prepared.value.plan,
      dockerfiles: prepared.value.dockerfiles,
      env: io.env,
      hostArchitecture: io.architecture,
      signal,
      ...(address === undefined ? {} : { address }),
    });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    if (isSet(args, 'json')) writeJson({ version: 1, builds: report.builds }, io);
    else {
      const palette = createPalette(wantsColor(args, io, io.stdout));
      // Whoever names builds wants to know everything about them; else what would happen comes first.
      const whole = args.positionals.length > 0;
      io.stdout.write(formatExplanations(report.builds, { palette, whole, now: new Date(io.now()) }));
    }
    // What hinders only one build may have been reported with it already.
    const own = report.builds.flatMap((one) => one.problem ?? []);
    return Math.max(reportProblems(report.problems, args, io), exitCodeOfProblems(own));
  });
}
