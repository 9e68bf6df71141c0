/** Results of `verify` as text: a table, then the differences, folded unless all are requested. */
import { counts, type FileChange, foldChanges } from '../lib/compare/mod.ts';
import { type Palette, plural, shortDigest } from '../lib/report/mod.ts';
import {
  CUT_OTHERWISE,
  describeChange,
  describeConfigChange,
  describeLayer,
  describeOnly,
  type NotCounted,
  type Verification,
} from '../lib/verify/mod.ts';
import { formatTable } from './output.ts';

/** Most lines for one layer. */
const GROUPS = 8;
/** Most files named in each group. */
const NAMED = 3;

type PlatformFound = Verification['platforms'][number];

/** How to format it. */
interface Style {
  readonly palette: Palette;
  /** Every difference, one per line. */
  readonly verbose: boolean;
}

/** The table and the lists, with a final line break. */
export function formatVerifications(builds: readonly Verification[], style: Style): string {
  const { palette } = style;
  const rows = builds.map((one) => [
    one.build,
    wordOf(one, palette),
    one.ref ?? '',
    one.digest === undefined ? '' : shortDigest(one.digest),
  ]);
  const table = formatTable(['BUILD', 'RESULT', 'TAG', 'DIGEST'], rows, palette);
  const lists = [...builds.flatMap((one) => listOf(one, style)), ...idlePatterns(builds)];
  return lists.length === 0 ? table : `${table}\n${lists.join('\n')}\n`;
}

/** A pattern that ignores nothing may be a typo. */
function idlePatterns(builds: readonly Verification[]): readonly string[] {
  const given = builds.flatMap(({ notCounted }) => notCounted.ignored);
  const patterns = new Set(given.map(({ pattern }) => pattern));
  for (const { pattern, count } of given) if (count > 0) patterns.delete(pattern);
  return [...patterns].map((pattern) => `--ignore '${pattern}' ignored nothing`);
}

function wordOf({ verdict, notCounted }: Verification, palette: Palette): string {
  switch (verdict) {
    case 'same-bytes':
      return palette.good('same bytes');
    case 'same-files':
      return palette.good('same files, other times');
    case 'same-but-noise':
      return palette.good(`same but for ${noiseWords(notCounted)}`);
    case 'different':
      return palette.error('different');
    case 'unknown':
      return palette.warning('not compared');
  }
}

function noiseWords({ knownNoise, ignored }: NotCounted): string {
  const left = ignored.reduce((sum, { count }) => sum + count, 0);
  return [
    ...(knownNoise === 0 ? [] : [`known noise (${plural(knownNoise, 'file')})`]),
    ...(left === 0 ? [] : [`what is ignored (${plural(left, 'file')})`]),
  ].join(' and ');
}

function listOf(verification: Verification, style: Style): readonly string[] {
  const { build, platforms, differences, notCounted } = verification;
  const lines = platforms.flatMap((one) => linesOf(one, style));
  const others = [
    ...(notCounted.knownNoise === 0 ? [] : [knownLine(verification)]),
    ...notCounted.ignored
      .filter(({ count }) => count > 0)
      .map(({ pattern, count }) => `${plural(count, 'difference')} ignored by --ignore '${pattern}'`),
  ];
  if (lines.length === 0 && others.length === 0) return [];
  const { palette, verbose } = style;
  const isWhole = verbose || (others.length === 0 && !platforms.some(isFolded));
  return [
    `${palette.name(build, build)}: ${plural(differences.length, 'difference')}`,
    ...[...lines, ...others].map((line) => `  ${line}`),
    ...(isWhole ? [] : [palette.dim('  --verbose lists every one')]),
  ];
}

function linesOf({ platform, only, comparison }: PlatformFound, style: Style): readonly string[] {
  if (only !== undefined) return [`${platform}: ${describeOnly(only, ['the tag', 'the new image'])}`];
  return [
    ...(comparison?.config ?? []).map((change) => `${platform} ${describeConfigChange(change)}`),
    ...(comparison?.layers ?? []).flatMap((layer) => {
      const files = layer.files.filter((file) => style.verbose || counts(file));
      const which = `${platform} ${describeLayer(layer)}`;
      const lines = listFiles(files, style).map((line) => `  ${line}`);
      if (layer.layer === 0 && !files.some(counts)) return [`${which}: ${CUT_OTHERWISE}`, ...lines];
      return lines.length === 0 ? [] : [`${which}:`, ...lines];
    }),
  ];
}

function isFolded({ comparison }: PlatformFound): boolean {
  return (comparison?.layers ?? []).some(({ files }) => {
    const counted = files.filter(counts);
    return foldChanges(counted, GROUPS).length < counted.length;
  });
}

/** `25 differences of known noise: 13 python-bytecode, 12 apt-log` */
function knownLine({ platforms, notCounted }: Verification): string {
  const names = platforms.flatMap(({ comparison }) =>
    (comparison?.layers ?? []).flatMap(({ files }) => files.flatMap(({ noise }) => noise ?? [])),
  );
  return `${plural(notCounted.knownNoise, 'difference')} of known noise: ${tally(names)}`;
}

function tally(words: readonly string[]): string {
  const numbers = new Map<string, number>();
  for (const word of words) numbers.set(word, (numbers.get(word) ?? 0) + 1);
  return [...numbers]
    .sort(([, one], [, other]) => other - one)
    .map(([word, number]) => `${number} ${word}`)
    .join(', ');
}

function listFiles(files: readonly FileChange[], { verbose, palette }: Style): readonly string[] {
  if (verbose) {
    return files.map((file) => {
      const { noise, ignored } = file;
      const why = noise === undefined ? `ignored by '${ignored}'` : `known noise: ${noise}`;
      return `${describeFile(file)}${counts(file) ? '' : palette.dim(` [${why}]`)}`;
    });
  }
  return foldChanges(files, GROUPS).map(({ path, changes }) => {
    const [only, ...others] = changes;
    if (only !== undefined && others.length === 0) return describeFile(only);
    const start = path.replace(/\*+$/, '').length;
    const named = changes.slice(0, NAMED).map((one) => one.path.slice(start) || one.path);
    const more = changes.length - named.length;
    const examples = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return `/${path}: ${tally(changes.map(kindOf))} ${palette.dim(`(${examples})`)}`;
  });
}

function describeFile(change: FileChange): string {
  return describeChange({ ...change, path: `/${change.path}` });
}

/** `differ in content and mode` */
function kindOf({ change, what }: FileChange): string {
  if (change !== 'changed') return change;
  const words = what.map((one) => (/^[a-z]+ → /.test(one) ? 'type' : one.replace(/ .*/, '')));
  return `differ in ${[...new Set(words)].join(' and ')}`;
}
