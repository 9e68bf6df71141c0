import { formatBytes, type Palette, plainText, plural } from '../../lib/report/mod.ts';
import { type StorageUsage, sumBytes, surveyEngine } from '../../lib/storage/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';
import { findStorage, surveyToJson, tellLeftovers } from '../storage.ts';

/** The most builds that are shown; `--json` has all. */
const MOST_BUILDS = 50;

/** `bake-ts engine du`: shows what the engine of a run stores. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const found = await findStorage(args, io);
  if (!found.ok) return reportProblems(found.error, args, io);
  const { engine, repository } = found.value;
  return withCancellation(io, async ({ signal }) => {
    const surveyed = await surveyEngine({ engine, repository, env: io.env, signal });
    if (!surveyed.ok) return reportProblems(surveyed.error, args, io);
    if (isSet(args, 'json')) writeJson(surveyToJson(engine, surveyed.value), io);
    else {
      const palette = paletteFor(args, io, io.stdout);
      io.stdout.write(`${plainText(engine.address)} (${plainText(engine.source)})\n\n`);
      io.stdout.write(formatSurvey(surveyed.value, palette));
    }
    return EXIT.ok;
  });
}

function formatSurvey(survey: StorageUsage, palette: Palette): string {
  const { records, kinds, images, imagesUnreadable, leftovers } = survey;
  const total = (key: 'records' | 'sizeBytes' | 'inUseBytes' | 'sharedBytes' | 'reclaimableBytes') =>
    kinds.reduce((sum, one) => sum + one[key], 0);
  const bytes = (value: number): string => (value === 0 ? '-' : formatBytes(value));
  const rows = kinds.map((one) => [
    one.kind.replace('-', ' '),
    String(one.records),
    ...[one.sizeBytes, one.sharedBytes, one.inUseBytes, one.reclaimableBytes].map(bytes),
  ]);
  rows.push([
    'together',
    String(records.length),
    ...[total('sizeBytes'), total('sharedBytes'), total('inUseBytes'), total('reclaimableBytes')].map(bytes),
  ]);
  const titles = ['CACHE', '>RECORDS', '>SIZE', '>SHARED', '>IN USE', '>RECLAIMABLE'];
  const parts = [records.length === 0 ? 'the cache is empty\n' : formatTable(titles, rows, palette)];
  if (records.length > 0) parts.push(formatBuilds(survey, palette));
  if (images !== undefined) parts.push(`${tellImages(images)}\n`);
  else if (imagesUnreadable !== undefined)
    parts.push(`images: not known, since ${plainText(imagesUnreadable.message)}\n`);
  const left = tellLeftovers(leftovers);
  if (left.length > 0) parts.push(`${left.join('\n')}\n`);
  return parts.join('\n');
}

function formatBuilds({ builds, elsewhere }: StorageUsage, palette: Palette): string {
  const rows = builds
    .slice(0, MOST_BUILDS)
    .map((one) => [
      `${plainText(one.build)}${one.gone ? ' (gone)' : ''}`,
      String(one.records),
      formatBytes(one.sizeBytes),
      formatBytes(one.ownBytes),
    ]);
  const table = rows.length === 0 ? '' : formatTable(['BUILD', '>RECORDS', '>SIZE', '>ALONE'], rows, palette);
  const more = builds.length - rows.length;
  const rest = [
    ...(more > 0 ? [`and ${plural(more, 'build')} more: --json`] : []),
    ...(elsewhere.records > 0
      ? [
          `not from a build that is known here: ${formatBytes(elsewhere.sizeBytes)} in ${plural(elsewhere.records, 'record')}`,
        ]
      : []),
  ];
  return [table, ...rest.map((line) => `${line}\n`)].join('');
}

function tellImages(images: NonNullable<StorageUsage['images']>): string {
  const count = (owner: (typeof images)[number]['owner'], words: string): readonly string[] => {
    const all = images.filter((one) => one.owner === owner);
    return all.length === 0 ? [] : [`${all.length} ${words} (${formatBytes(sumBytes(all))})`];
  };
  if (images.length === 0) return 'images: none';
  // Layers that several images share are counted for each image.
  const parts = [
    ...count('build', 'of builds here'),
    ...count('unnamed', 'no longer named'),
    ...count('gone', 'leftovers'),
    ...count('other', 'of others'),
  ];
  return `images: ${parts.join(', ')}`;
}
