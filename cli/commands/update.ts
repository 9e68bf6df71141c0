import { plural, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { planWhole } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts update`: pins images in the lock to what their tags point at now. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  const { updateLock } = await import('../../lib/lock/mod.ts');
  const whole = await planWhole(read.value.set, io);
  if (!whole.ok) return reportProblems(whole.error, args, io);
  return withCancellation(io, async ({ signal }) => {
    const updated = await updateLock({ whole: whole.value.plan, env: io.env, signal }, args.positionals);
    if (!updated.ok) return reportProblems(updated.error, args, io);
    const images = updated.value;
    if (isSet(args, 'json')) {
      writeJson(images, io);
      return EXIT.ok;
    }
    const palette = paletteFor(args, io, io.stdout);
    if (images.length === 0) {
      io.stdout.write('builds.lock: nothing to update\n');
      return EXIT.ok;
    }
    const rows = images.map(({ image, from, to, builds, above }) => [
      image,
      `${shortDigest(from)} → ${shortDigest(to)}`,
      listNames(builds),
      listNames(above),
    ]);
    const table = formatTable(['IMAGE', 'DIGEST', 'BUILDS', 'BASED ON THEM'], rows, palette);
    const builds = new Set(images.flatMap((one) => [...one.builds, ...one.above]));
    io.stdout.write(
      `${table}\nbuilds.lock: ${plural(images.length, 'image')} updated; the next run builds ${plural(builds.size, 'build')} again\n`,
    );
    return EXIT.ok;
  });
}

function listNames(names: readonly string[]): string {
  const more = names.length - 4;
  return names.slice(0, 4).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
