import type { Registries } from '../../lib/engine/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { formatDuration } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInputs, readNumber } from '../inputs.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { paletteFor, reportProblems, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts engine up` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const writtenPort = textOf(args, 'registry-port');
  const port = writtenPort === undefined ? undefined : readNumber('registry-port', writtenPort, 1, 65_535);
  if (port !== undefined && !port.ok) return reportProblems(port.error, args, io);
  const registry = port?.value ?? (isSet(args, 'registry') ? true : undefined);
  const registries = await readRegistries(args, io);
  const { enginePaths, readInstallation, tellOutdated, upEngine } = await import('../../lib/engine/mod.ts');
  const view = createNoticeView(args, io);
  return withCancellation(
    io,
    async ({ signal }) => {
      const up = await upEngine({
        env: io.env,
        signal,
        notify: view.notify,
        ...(registry === undefined ? {} : { registry }),
        registries,
      }).finally(() => view.close());
      if (!up.ok) return reportProblems(up.error, args, io);
      const engine = up.value;
      reportProblems(engine.warnings, args, io);
      if (isSet(args, 'json')) {
        writeJson(engine, io);
        return EXIT.ok;
      }
      const palette = paletteFor(args, io, io.stdout);
      const how =
        engine.started.length === 0
          ? 'was already running'
          : `is up after ${formatDuration(engine.durationMs)}`;
      io.stdout.write(`${palette.good(`the engine ${how}`)}: ${engine.address}\n`);
      if (engine.registry !== undefined) {
        // Pushes to loopback use plain http and need no sign-in. This is the name for tags.
        io.stdout.write(`registry for tags: ${engine.registry.replace(/^127\.0\.0\.1:/, 'localhost:')}\n`);
      }
      const installation = await readInstallation(enginePaths(io.env));
      const outdated = installation === undefined ? undefined : tellOutdated(installation);
      if (outdated !== undefined) io.stderr.write(`${outdated}\n`);
      return EXIT.ok;
    },
    () => view.close(),
  );
}

/** The `registries:` of the builds.yaml of this directory, if there is one. */
async function readRegistries(args: ParsedArgs, io: Io): Promise<Registries> {
  const read = await readInputs(args, io, { onlySettings: true });
  if (read.ok) return read.value.set.registries;
  if (!read.error.some((one) => one.code === 'config/no-file')) {
    const unread = problem(
      'engine/registries-untold',
      'the builds.yaml here has errors, so the engine does not get its registries',
      {
        severity: 'warning',
        hint: '`bake-ts validate` shows what is wrong.',
      },
    );
    reportProblems([unread], args, io);
  }
  return new Map();
}
