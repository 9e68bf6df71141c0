/** The builds of a run as Markdown tables. */
import type { Outcome } from '../model/mod.ts';
import {
  createPalette,
  formatBytes,
  formatDuration,
  outcomeWord,
  plural,
  shortDigest,
} from '../report/mod.ts';
import type { BuildTimeline } from '../timeline/mod.ts';
import { code, details, inlineText, table } from './markdown.ts';

/** Most rows of one table. */
const MOST_ROWS = 300;
/** More unchanged builds than this get their own table, folded by default. */
const MOST_UNCHANGED = 10;
const MOST_TAGS = 3;

const ORDER: readonly Outcome['kind'][] = [
  'failed',
  'blocked',
  'cancelled',
  'built',
  'retagged',
  'unchanged',
];

/** `2 failed, 3 built, 187 unchanged`; empty for none. */
export function countOutcomes(outcomes: readonly Outcome[]): string {
  return ORDER.flatMap((kind) => {
    const [first, ...rest] = outcomes.filter((one) => one.kind === kind);
    return first === undefined ? [] : [`${rest.length + 1} ${wordOf(first)}`];
  }).join(', ');
}

/** Every build in one or two tables; empty for none. */
export function buildTable(builds: readonly BuildTimeline[]): string {
  if (builds.length === 0) return '';
  const isUnchanged = ({ outcome }: BuildTimeline): boolean => outcome?.kind === 'unchanged';
  const unchanged = builds.filter(isUnchanged);
  const isFolded = unchanged.length > MOST_UNCHANGED;
  const shown = isFolded ? builds.filter((one) => !isUnchanged(one)) : builds;
  return [
    '### Builds',
    ...(shown.length === 0 ? [] : [tableOf(shown)]),
    ...(isFolded ? [details(`${unchanged.length} unchanged`, tableOf(unchanged))] : []),
  ].join('\n\n');
}

interface Column {
  readonly title: string;
  readonly cell: (build: BuildTimeline, outcome: Outcome | undefined) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'Build', cell: ({ build }) => `**${inlineText(build)}**` },
  { title: 'Result', cell: (_, outcome) => (outcome === undefined ? 'not finished' : signed(outcome)) },
  {
    title: '>Time',
    cell: (_, outcome) =>
      outcome === undefined || outcome.kind === 'blocked' ? '' : formatDuration(outcome.durationMs),
  },
  {
    title: '>Queued',
    cell: (_, outcome) => ((outcome?.queuedMs ?? 0) < 1000 ? '' : formatDuration(outcome?.queuedMs ?? 0)),
  },
  {
    title: '>Cached',
    cell: (_, outcome) =>
      outcome?.kind !== 'built' || outcome.steps === undefined
        ? ''
        : `${outcome.steps.cached}/${outcome.steps.total}`,
  },
  { title: '>Size', cell: (_, outcome) => (outcome === undefined ? '' : sizeOf(outcome)) },
  { title: 'Digest', cell: (_, outcome) => code(shortDigest(outcome?.digest ?? '')) },
  { title: 'Tags', cell: (_, outcome) => tagsOf(outcome) },
];

/** A table with only the columns that have content. */
function tableOf(builds: readonly BuildTimeline[]): string {
  const rows = builds.slice(0, MOST_ROWS);
  const columns = COLUMNS.map(({ title, cell }) => ({
    title,
    cells: rows.map((one) => cell(one, one.outcome)),
  })).filter(({ cells }) => cells.some((cell) => cell !== ''));
  const text = table(
    columns.map(({ title }) => title),
    rows.map((_, row) => columns.map(({ cells }) => cells[row] ?? '')),
  );
  const more = builds.length - rows.length;
  return more > 0 ? `${text}\n\nand ${plural(more, 'more build')}` : text;
}

function signed(outcome: Outcome): string {
  const { sign, word } = outcomeWord(outcome, createPalette(false));
  return outcome.kind === 'blocked' && outcome.blockedBy !== undefined
    ? `${inlineText(sign)} ${word} by ${inlineText(outcome.blockedBy)}`
    : `${inlineText(sign)} ${word}`;
}

function wordOf(outcome: Outcome): string {
  return outcomeWord(outcome, createPalette(false)).word;
}

/** `48.0 MB (+1.2 MB)`: compared with the last result, if its size differs. */
function sizeOf({ sizeBytes, lastSizeBytes }: Outcome): string {
  if (sizeBytes === undefined) return '';
  const grown = sizeBytes - (lastSizeBytes ?? sizeBytes);
  if (grown === 0) return formatBytes(sizeBytes);
  return `${formatBytes(sizeBytes)} (${grown > 0 ? '+' : '−'}${formatBytes(Math.abs(grown))})`;
}

function tagsOf(outcome: Outcome | undefined): string {
  const tags = outcome?.tags ?? [];
  const shown = tags.slice(0, MOST_TAGS).map(({ ref }) => code(ref));
  return [...shown, ...(tags.length > MOST_TAGS ? [`and ${tags.length - MOST_TAGS} more`] : [])].join('<br>');
}
