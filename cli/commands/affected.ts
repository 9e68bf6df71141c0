import path from 'node:path';
import type { AffectedBuild } from '../../lib/inspect/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { plainText } from '../../lib/report/mod.ts';
import { findSince, planTouchable } from '../affected-builds.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { type ExitCode, exitCodeOfSignal } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts affected`: writes names to stdout, one per line, for the matrix of a CI system. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const since = textOf(args, 'since');
  if (since === undefined) {
    return reportProblems(
      [
        problem('cli/missing-value', '"affected" needs --since', {
          hint: 'Write --since main, or --since main... for changes since the branch left main.',
        }),
      ],
      args,
      io,
    );
  }
  const planned = await planTouchable(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { warnings, missing } = planned.value;
  // Builds with unreadable Dockerfiles are listed too, but the problem is reported.
  const code = reportProblems([...warnings, ...missing], args, io);
  return withCancellation(io, async ({ signal, stoppedBy }) => {
    const affected = await findSince(since, planned.value, { args, io, signal });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    if (!affected.ok) return reportProblems(affected.error, args, io);
    const { top, commit, changed, builds } = affected.value;
    const shown = builds.map((one) => withShortPaths(one, top));
    if (isSet(args, 'json')) {
      writeJson({ version: 1, since, commit, files: changed.length, builds: shown }, io);
      return code;
    }
    for (const one of shown) {
      if (one.role !== 'asked') continue;
      io.stdout.write(`${one.build}\n`);
      if (isSet(args, 'verbose'))
        for (const { text } of one.reasons) io.stdout.write(`  ${plainText(text)}\n`);
    }
    return code;
  });
}

/** Paths as git shows them. */
function withShortPaths(one: AffectedBuild, top: string): AffectedBuild {
  const reasons = one.reasons.map((reason) =>
    reason.path === undefined ? reason : { ...reason, path: path.relative(top, reason.path) },
  );
  return { ...one, reasons };
}
