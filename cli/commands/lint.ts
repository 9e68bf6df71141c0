import { plural } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems, exitCodeOfSignal } from '../exit-codes.ts';
import { addressesOf, readInputs, selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, reportProblems, writeFindings } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts lint`: prints findings to stdout, because they are its result. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  reportProblems(read.value.warnings, args, io);
  const { preparePlan } = await import('../../lib/prepare/mod.ts');
  const { lintPlan } = await import('../../lib/inspect/mod.ts');
  // Without a selection all builds are checked, not only the group `default`, because this is about the files.
  const selection = selectionOf(args);
  const isOpen = selection.patterns.length === 0 && (selection.filters ?? []).length === 0;
  const prepared = preparePlan(read.value.set, { ...selection, whole: isOpen }, io.cwd);
  if (!prepared.ok) return reportProblems(prepared.error, args, io);
  reportProblems(
    prepared.value.missing.filter(({ severity }) => severity === 'warning'),
    args,
    io,
  );
  return withCancellation(
    io,
    async ({ signal, stoppedBy }) => {
      const linted = await lintPlan({
        prepared: prepared.value,
        env: io.env,
        signal,
        notify: (text) => io.stderr.write(`${text}\n`),
        ...addressesOf(args),
      });
      const stopped = stoppedBy();
      if (stopped !== undefined) return exitCodeOfSignal(stopped);
      if (!linted.ok) return reportProblems(linted.error, args, io);
      const { problems, builds, dockerfiles, passedOver } = linted.value;
      await writeFindings(problems, args, io);
      if (passedOver.length > 0)
        io.stderr.write(`not checked, because their frontend is not Docker's: ${passedOver.join(', ')}\n`);
      if (problems.length === 0 && ['text', 'lines'].includes(textOf(args, 'format') ?? 'text')) {
        const good = paletteFor(args, io, io.stdout).good('nothing found');
        io.stdout.write(`${good}: ${plural(dockerfiles, 'Dockerfile')} of ${plural(builds, 'build')}\n`);
      }
      const code = exitCodeOfProblems(problems);
      return code === EXIT.ok && isSet(args, 'strict') && problems.length > 0 ? EXIT.buildFailed : code;
    },
    () => {},
  );
}
