import type { LockedImage } from '../../lib/lock/mod.ts';
import { type Palette, plural, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems } from '../exit-codes.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { planWhole } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts outdated`: exits with code 1 if an image moved or is gone, else with 6 if a registry did not answer. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  const { compareLock } = await import('../../lib/lock/mod.ts');
  const whole = await planWhole(read.value.set, io);
  if (!whole.ok) return reportProblems(whole.error, args, io);
  return withCancellation(io, async ({ signal }) => {
    const compared = await compareLock({ whole: whole.value.plan, env: io.env, signal });
    if (!compared.ok) return reportProblems(compared.error, args, io);
    const images = compared.value;
    if (isSet(args, 'json')) {
      writeJson(
        images.map(({ problem, ...rest }) => ({
          ...rest,
          ...(problem === undefined ? {} : { why: problem.message }),
        })),
        io,
      );
    } else {
      io.stdout.write(formatImages(images, paletteFor(args, io, io.stdout)));
      const unknown = images.flatMap((one) => (one.state === 'unknown' ? (one.problem ?? []) : []));
      reportProblems(unknown, args, io);
    }
    if (images.some((one) => one.state === 'moved' || one.state === 'gone')) return EXIT.buildFailed;
    return exitCodeOfProblems(images.flatMap((one) => (one.state === 'unknown' ? (one.problem ?? []) : [])));
  });
}

function formatImages(images: readonly LockedImage[], palette: Palette): string {
  const rows = images.map(({ image, locked, now, state }) => [
    image,
    shortDigest(locked),
    now === undefined ? '' : shortDigest(now),
    wordOf(state, palette),
  ]);
  const count = (state: LockedImage['state']): number => images.filter((one) => one.state === state).length;
  const counts = [
    ...(count('moved') > 0 ? [`${count('moved')} moved on`] : []),
    ...(count('gone') > 0 ? [`${count('gone')} gone`] : []),
    ...(count('unknown') > 0 ? [`${count('unknown')} not known`] : []),
    `${count('same')} up to date`,
  ];
  const table =
    rows.length === 0 ? '' : `${formatTable(['IMAGE', 'LOCKED', 'NOW', 'STATE'], rows, palette)}\n`;
  return `${table}${plural(images.length, 'locked image')}: ${counts.join(', ')}\n`;
}

function wordOf(state: LockedImage['state'], palette: Palette): string {
  switch (state) {
    case 'same':
      return palette.good('up to date');
    case 'moved':
      return palette.warning('moved on');
    case 'gone':
      return palette.error('no longer in its registry');
    case 'unknown':
      return palette.error('not known');
  }
}
