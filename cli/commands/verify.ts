import { fail, ok, problem, problemToJson, type Result } from '../../lib/model/mod.ts';
import { createReporter } from '../../lib/report/mod.ts';
import { type PathPattern, readPathPattern } from '../../lib/util/path-pattern.ts';
import { VERSION } from '../../lib/util/version.ts';
import type { Verification } from '../../lib/verify/mod.ts';
import { isSet, listOf, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems, exitCodeOfSignal } from '../exit-codes.ts';
import { addressesOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, progressMode, reportProblems, sourceReader, wantsColor, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { type Cancellation, withCancellation } from '../signals.ts';

/**
 * `bake-ts verify`: exits with code 0 only if every build was compared and has the same files and config as its tag,
 * apart from known noise and ignored files.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const ignore = readIgnored(listOf(args, 'ignore'));
  if (!ignore.ok) return reportProblems(ignore.error, args, io);
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { verifyBuilds } = await import('../../lib/verify/mod.ts');
  const { plan, dockerfiles, missing } = planned.value;
  const code = reportProblems([...planned.value.warnings, ...missing], args, io);
  if (missing.some((one) => one.severity === 'error')) return code;
  const reporter = createReporter({
    mode: progressMode(args, io),
    out: io.stdout,
    err: io.stderr,
    color: wantsColor(args, io, io.stderr),
    now: io.now,
    sourceOf: sourceReader(io.cwd),
    ...(io.takeTerminal === undefined ? {} : { takeTerminal: io.takeTerminal }),
  });
  const work = async ({ signal, stoppedBy }: Cancellation): Promise<ExitCode> => {
    const { builds, problems, warnings } = await verifyBuilds({
      plan,
      dockerfiles,
      env: io.env,
      signal,
      hostArchitecture: io.architecture,
      onEvent: reporter.onEvent,
      version: VERSION,
      runtime: io.runtime,
      rules: { isStrict: isSet(args, 'strict'), ignore: ignore.value },
      ...addressesOf(args),
    }).finally(() => reporter.close());
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    const failed = [...problems, ...builds.flatMap((one) => one.problem ?? [])];
    if (isSet(args, 'json')) writeJson(builds.map(verificationToJson), io);
    else if (builds.length > 0) {
      const { formatVerifications } = await import('../verify-text.ts');
      const style = { palette: paletteFor(args, io, io.stdout), verbose: isSet(args, 'verbose') };
      io.stdout.write(formatVerifications(builds, style));
    }
    reportProblems([...warnings, ...failed], args, io);
    if (builds.some((one) => one.verdict === 'different')) return EXIT.buildFailed;
    return exitCodeOfProblems(failed);
  };
  return withCancellation(io, work, reporter.abandon, reporter.interrupt);
}

function readIgnored(texts: readonly string[]): Result<readonly PathPattern[]> {
  const patterns = texts.map(readPathPattern);
  const bad = texts.filter((_, at) => patterns[at] === undefined);
  if (bad.length === 0) return ok(patterns.flatMap((one) => one ?? []));
  return fail(
    bad.map((text) =>
      problem('cli/bad-value', `--ignore cannot be "${text}"`, {
        hint: 'Use a path in the image such as /var/cache/**, or a name at any depth such as *.pyc. It cannot be negated.',
      }),
    ),
  );
}

function verificationToJson({ platforms, problem, ...rest }: Verification) {
  return {
    ...rest,
    platforms: platforms.map(({ comparison, ...one }) => ({
      ...one,
      config: comparison?.config ?? [],
      layers: comparison?.layers ?? [],
    })),
    ...(problem === undefined ? {} : { problem: problemToJson(problem) }),
  };
}
