import { formatBytes, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { withHardStop } from '../signals.ts';

/** `bake-ts images`: what lies in containerd's namespace of BuildKit. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { findEngine, listImages } = await import('../../lib/engine/mod.ts');
  const address = textOf(args, 'addr');
  const found = await findEngine({
    env: io.env,
    autoStart: false,
    ...(address === undefined ? {} : { flagAddress: address }),
  });
  if (!found.ok) return reportProblems(found.error, args, io);
  const images = await withHardStop(io, () => listImages(found.value, { env: io.env }));
  if (!images.ok) return reportProblems(images.error, args, io);
  if (isSet(args, 'json')) {
    writeJson(images.value, io);
    return EXIT.ok;
  }
  const palette = paletteFor(args, io, io.stdout);
  const rows = images.value.map((image) => [
    image.name,
    shortDigest(image.digest),
    formatBytes(image.sizeBytes),
    image.platforms.join(', '),
  ]);
  io.stdout.write(formatTable(['NAME', 'DIGEST', '>SIZE', 'PLATFORMS'], rows, palette));
  return EXIT.ok;
}
