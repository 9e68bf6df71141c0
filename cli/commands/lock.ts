import type { LockedRef } from '../../lib/lock/mod.ts';
import { plural, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import { readInputs, selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { planWhole } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts lock`: writes builds.lock; with `--check` only reports whether it would change. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  const { preparePlan } = await import('../../lib/prepare/mod.ts');
  const { checkLock, lockImages } = await import('../../lib/lock/mod.ts');
  const whole = await planWhole(read.value.set, io);
  if (!whole.ok) return reportProblems(whole.error, args, io);
  const selection = selectionOf(args);
  const requested =
    selection.patterns.length === 0 && (selection.filters ?? []).length === 0
      ? whole
      : preparePlan(read.value.set, selection, io.cwd);
  if (!requested.ok) return reportProblems(requested.error, args, io);
  return withCancellation(io, async ({ signal }) => {
    const lock = isSet(args, 'check') ? checkLock : lockImages;
    const locked = await lock({ whole: whole.value.plan, env: io.env, signal }, requested.value.plan);
    // An unreadable Dockerfile may name images that are then missing from the lock.
    const code = reportProblems([...read.value.warnings, ...whole.value.missing], args, io);
    if (!locked.ok) return reportProblems(locked.error, args, io);
    const { added, dropped, kept } = locked.value;
    if (isSet(args, 'json')) {
      writeJson({ added: byName(added), dropped: byName(dropped), kept }, io);
      return code;
    }
    const palette = paletteFor(args, io, io.stdout);
    const rows = [
      ...added.map(({ written, digest }) => [palette.good('+'), written, shortDigest(digest)]),
      ...dropped.map(({ written, digest }) => [palette.error('-'), written, shortDigest(digest)]),
    ];
    if (rows.length > 0) io.stdout.write(`${formatTable(['', 'IMAGE', 'DIGEST'], rows, palette)}\n`);
    const counts = [
      ...(added.length > 0 ? [`${added.length} added`] : []),
      ...(dropped.length > 0 ? [`${dropped.length} dropped`] : []),
      `${plural(kept, 'image')} as before`,
    ];
    io.stdout.write(`builds.lock: ${counts.join(', ')}\n`);
    return code;
  });
}

function byName(images: readonly LockedRef[]): Readonly<Record<string, string>> {
  return Object.fromEntries(images.map(({ written, digest }) => [written, digest]));
}
