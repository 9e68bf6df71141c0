import { type KeptRun, listRuns } from '../../lib/history/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { didYouMean } from '../../lib/util/suggest.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBuildRuns, formatRuns } from '../history-text.ts';
import type { Io } from '../io.ts';
import { keptRunsDirectory } from '../kept-run.ts';
import { paletteFor, reportProblems, writeJson } from '../output.ts';

/** `bake-ts history [build]` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const all = await listRuns(await keptRunsDirectory(args, io));
  const [build] = args.positionals;
  const runs =
    build === undefined ? all : all.filter(({ builds }) => builds.some((one) => one.build === build));
  if (build !== undefined && runs.length === 0 && all.length > 0) {
    const names = new Set(all.flatMap(({ builds }) => builds.map((one) => one.build)));
    const unknown = problem('state/unknown-build', `no kept run has a build "${build}"`, {
      hint: didYouMean(build, names) ?? '`bake-ts list` shows all builds.',
    });
    return reportProblems([unknown], args, io);
  }
  if (isSet(args, 'json')) {
    writeJson({ version: 1, runs: runs.map((run) => describeRun(run, build)) }, io);
    return EXIT.ok;
  }
  if (runs.length === 0) {
    io.stderr.write('no kept run of this project\n');
    return EXIT.ok;
  }
  const palette = paletteFor(args, io, io.stdout);
  io.stdout.write(
    build === undefined
      ? formatRuns(runs, io.now(), palette)
      : formatBuildRuns(build, runs, io.now(), palette),
  );
  return EXIT.ok;
}

/** A run as JSON, as described in docs/history.md. */
function describeRun({ runId, version, builds, ...run }: KeptRun, build: string | undefined) {
  const shown = build === undefined ? builds : builds.filter((one) => one.build === build);
  return { id: runId, bakeTs: version, ...run, builds: shown };
}
