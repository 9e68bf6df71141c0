import { plural, toProblemJson } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInstallSources } from '../install-sources.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';

const ENGINE = {
  stopped: 'the engine does not run; start it with `bake-ts engine up`',
  current: 'the running engine is up to date',
  restarted: 'the engine was restarted; images and cache are unchanged',
  pending: 'the running engine is another version than the installed one',
};

/** `bake-ts engine upgrade`: upgrades installed programs to the versions that this bake-ts pins. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { upgradeEngine } = await import('../../lib/engine/mod.ts');
  const sources = await readInstallSources(args);
  if (!sources.ok) return reportProblems(sources.error, args, io);
  const view = createNoticeView(args, io);
  return withCancellation(
    io,
    async ({ signal }) => {
      const upgraded = await upgradeEngine({
        ...sources.value,
        env: io.env,
        signal,
        notify: view.notify,
        check: isSet(args, 'check'),
        restart: isSet(args, 'restart'),
      }).finally(() => view.close());
      if (!upgraded.ok) return reportProblems(upgraded.error, args, io);
      const { outdated, remaining, installation, engine, warnings } = upgraded.value;
      reportProblems(warnings, args, io);
      if (isSet(args, 'json')) {
        const { parts, ...rest } = installation;
        const installed = { ...rest, parts: [...parts.values()] };
        const shown = warnings.map(toProblemJson);
        writeJson({ version: 1, outdated, remaining, installation: installed, engine, warnings: shown }, io);
        return EXIT.ok;
      }
      const palette = paletteFor(args, io, io.stdout);
      if (outdated.length === 0) io.stdout.write(`${palette.good('everything is up to date')}\n`);
      else {
        const rows = outdated.map((one) => {
          const stays = remaining.some((other) => other.package === one.package);
          const became = stays ? (isSet(args, 'check') ? 'older' : 'not upgraded') : 'upgraded';
          return [one.package, one.installed, one.pinned, became];
        });
        io.stdout.write(formatTable(['PACKAGE', 'INSTALLED', 'PINNED', 'RESULT'], rows, palette));
        const done = outdated.length - remaining.length;
        if (!isSet(args, 'check')) io.stdout.write(`\n${plural(done, 'package')} upgraded\n`);
      }
      io.stdout.write(`${ENGINE[engine]}\n`);
      return EXIT.ok;
    },
    () => view.close(),
  );
}
