import { problemToJson } from '../../lib/model/mod.ts';
import { type Palette, plural, shortDigest, stalledText, waitingText } from '../../lib/report/mod.ts';
import type { Verification } from '../../lib/verify/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems, exitCodeOfSignal } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts verify`: ends with 0 only where every build was compared and has the same files and config as its tag. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { verifyBuilds } = await import('../../lib/verify/mod.ts');
  const { plan, dockerfiles, missing } = planned.value;
  const code = reportProblems([...planned.value.warnings, ...missing], args, io);
  if (missing.some((one) => one.severity === 'error')) return code;
  const address = textOf(args, 'addr');
  return withCancellation(io, async ({ signal, stoppedBy }) => {
    const { builds, problems, warnings } = await verifyBuilds({
      plan,
      dockerfiles,
      env: io.env,
      signal,
      hostArchitecture: io.architecture,
      onEvent: (event) => {
        if (event.type === 'node-started') io.stderr.write(`${event.build}: building without cache\n`);
        if (event.type === 'retry') io.stderr.write(`${event.build}: again, ${event.why}\n`);
        if (event.type === 'stalled') io.stderr.write(`${event.build}: ${stalledText(event)}\n`);
        if (event.type === 'engine-waiting') io.stderr.write(`${waitingText(event)}\n`);
      },
      ...(address === undefined ? {} : { address }),
    });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    const failed = [...problems, ...builds.flatMap((one) => one.problem ?? [])];
    if (isSet(args, 'json')) writeJson(builds.map(verificationToJson), io);
    else if (builds.length > 0) io.stdout.write(formatBuilds(builds, paletteFor(args, io, io.stdout)));
    reportProblems([...warnings, ...failed], args, io);
    if (builds.some((one) => one.verdict === 'different')) return EXIT.buildFailed;
    return exitCodeOfProblems(failed);
  });
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

function formatBuilds(builds: readonly Verification[], palette: Palette): string {
  const rows = builds.map((one) => [
    one.build,
    wordOf(one.verdict, palette),
    one.ref ?? '',
    one.digest === undefined ? '' : shortDigest(one.digest),
  ]);
  const table = formatTable(['BUILD', 'RESULT', 'TAG', 'DIGEST'], rows, palette);
  const lists = builds.flatMap(({ build, differences }) =>
    differences.length === 0
      ? []
      : [
          `${palette.name(build, build)}: ${plural(differences.length, 'difference')}`,
          ...differences.map((line) => `  ${line}`),
        ],
  );
  return lists.length === 0 ? table : `${table}\n${lists.join('\n')}\n`;
}

function wordOf(verdict: Verification['verdict'], palette: Palette): string {
  switch (verdict) {
    case 'same-bytes':
      return palette.good('same bytes');
    case 'same-files':
      return palette.good('same files, other times');
    case 'different':
      return palette.error('different');
    case 'unknown':
      return palette.warning('not compared');
  }
}
