import { formatDuration } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInstallSources } from '../install-sources.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { formatTable, paletteFor, reportProblems } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts engine install` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { formatSource, installEngine, neededParts, tellOutdated } = await import('../../lib/engine/mod.ts');
  const sources = await readInstallSources(args);
  if (!sources.ok) return reportProblems(sources.error, args, io);
  const view = createNoticeView(args, io);
  return withCancellation(
    io,
    async ({ signal }) => {
      const report = await installEngine({
        ...sources.value,
        env: io.env,
        signal,
        notify: view.notify,
        force: isSet(args, 'force'),
        ...(isSet(args, 'registry') ? { parts: [...neededParts(), 'registry'] as const } : {}),
      }).finally(() => view.close());
      if (!report.ok) return reportProblems(report.error, args, io);
      const { installation, changed, durationMs } = report.value;
      const palette = paletteFor(args, io, io.stdout);
      const rows = [...installation.parts.values()].map((part) => [
        part.part,
        part.version,
        formatSource(part.source),
        part.origin,
      ]);
      io.stdout.write(formatTable(['PROGRAM', 'VERSION', 'FROM', 'ORIGIN'], rows, palette));
      const what = changed
        ? `installed in ${formatDuration(durationMs)}`
        : 'everything was already installed';
      io.stdout.write(`\n${palette.good(what)}: ${installation.dir}\n`);
      // Programs on PATH are taken first, and may be old.
      const outdated = tellOutdated(installation);
      if (outdated !== undefined) io.stderr.write(`${outdated}\n`);
      return EXIT.ok;
    },
    () => view.close(),
  );
}
