import type { BuiltImage, LocalImage } from '../../lib/engine/mod.ts';
import type { Problem } from '../../lib/model/mod.ts';
import { formatBytes, plainText, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { engineOfFile } from '../inputs.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { withHardStop } from '../signals.ts';

/**
 * `bake-ts images`: lists the images in the engine's containerd or, if that cannot be queried from here, what the
 * engine built recently.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { findEngine, listHistory, listImages, openStore } = await import('../../lib/engine/mod.ts');
  const address = textOf(args, 'addr');
  const found = await findEngine({
    env: io.env,
    autoStart: false,
    ...(address === undefined ? {} : { flagAddress: address }),
    ...(await engineOfFile(args, io)),
  });
  if (!found.ok) return reportProblems(found.error, args, io);
  return withHardStop(io, async () => {
    const store = await openStore(found.value, { env: io.env });
    if (store.containerd !== undefined) {
      const images = await listImages(store.containerd, { env: io.env });
      if (!images.ok) return reportProblems(images.error, args, io);
      return show(images.value, args, io);
    }
    const built = await listHistory(found.value, { env: io.env });
    if (!built.ok) return reportProblems([built.error], args, io);
    if (store.unreadable !== undefined) reportProblems([asNote(store.unreadable)], args, io);
    return show(built.value, args, io);
  });
}

function asNote(unreadable: Problem): Problem {
  return {
    ...unreadable,
    severity: 'warning',
    message: `${unreadable.message}; instead, the list has the builds of the last two days that buildkitd remembers, and their images may be gone`,
  };
}

function show(images: readonly (LocalImage | BuiltImage)[], args: ParsedArgs, io: Io): ExitCode {
  if (isSet(args, 'json')) {
    const rows = images.map((one) => ({ ...one, source: 'builtAt' in one ? 'history' : 'store' }));
    writeJson(rows, io);
    return EXIT.ok;
  }
  if (images.length === 0) {
    io.stderr.write('no images in the store of the engine; builds that are only pushed are not kept there\n');
    return EXIT.ok;
  }
  const palette = paletteFor(args, io, io.stdout);
  const isHistory = images.some((one) => 'builtAt' in one);
  const rows = images.map((one) => [
    plainText(one.name),
    shortDigest(one.digest),
    ...('builtAt' in one ? [one.builtAt] : [formatBytes(one.sizeBytes), one.platforms.join(', ')]),
  ]);
  const titles = ['NAME', 'DIGEST', ...(isHistory ? ['BUILT'] : ['>SIZE', 'PLATFORMS'])];
  io.stdout.write(formatTable(titles, rows, palette));
  return EXIT.ok;
}
