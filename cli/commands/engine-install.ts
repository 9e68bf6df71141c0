import type { EnginePackage, EngineSource } from '../../lib/engine/mod.ts';
import { fail, ok, problem, type Result } from '../../lib/model/mod.ts';
import { formatDuration } from '../../lib/report/mod.ts';
import { isSet, listOf, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfSignal } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { formatTable, paletteFor, reportProblems } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts engine install` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { formatSource, installEngine, neededParts, PACKAGES } = await import('../../lib/engine/mod.ts');
  const names = PACKAGES.map((one) => one.name);
  const files = readPairs('file', listOf(args, 'file'), names);
  const checksums = readPairs('checksum', listOf(args, 'checksum'), names);
  if (!files.ok) return reportProblems(files.error, args, io);
  if (!checksums.ok) return reportProblems(checksums.error, args, io);
  const from = textOf(args, 'from') as EngineSource | undefined;
  const mirror = textOf(args, 'mirror');
  const view = createNoticeView(args, io);
  return withCancellation(
    io,
    async ({ signal, stoppedBy }) => {
      const report = await installEngine({
        env: io.env,
        signal,
        notify: view.notify,
        files: files.value,
        checksums: checksums.value,
        force: isSet(args, 'force'),
        ...(isSet(args, 'registry') ? { parts: [...neededParts(), 'registry'] as const } : {}),
        ...(from === undefined ? {} : { from }),
        ...(mirror === undefined ? {} : { mirror }),
      }).finally(() => view.close());
      const stopped = stoppedBy();
      if (!report.ok) {
        const code = reportProblems(report.error, args, io);
        return stopped === undefined ? code : exitCodeOfSignal(stopped);
      }
      const { installation, changed, durationMs } = report.value;
      const palette = paletteFor(args, io, io.stdout);
      const rows = [...installation.parts.values()].map((part) => [
        part.part,
        part.version,
        formatSource(part.source),
        part.origin,
      ]);
      io.stdout.write(formatTable(['PROGRAM', 'VERSION', 'FROM', 'ORIGIN'], rows, palette));
      const what = changed ? `installed in ${formatDuration(durationMs)}` : 'all of it was there already';
      io.stdout.write(`\n${palette.good(what)}: ${installation.dir}\n`);
      return EXIT.ok;
    },
    () => view.close(),
  );
}

/** `buildkit=./buildkit.tar.gz` and the like. Problem: `cli/bad-value`. */
function readPairs(
  option: string,
  written: readonly string[],
  names: readonly EnginePackage[],
): Result<Readonly<Partial<Record<EnginePackage, string>>>> {
  const pairs: Partial<Record<EnginePackage, string>> = {};
  for (const one of written) {
    const equals = one.indexOf('=');
    const name = names.find((known) => known === one.slice(0, Math.max(0, equals)));
    if (name === undefined || equals === one.length - 1) {
      return fail([
        problem('cli/bad-value', `--${option} cannot be "${one}"`, {
          hint: `write --${option} PACKAGE=…, where PACKAGE is one of ${names.join(', ')}`,
        }),
      ]);
    }
    pairs[name] = one.slice(equals + 1);
  }
  return ok(pairs);
}
