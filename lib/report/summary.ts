/**
 * The end of a run: a row for each build (what became of it, and why), totals, and what went wrong.
 */
import type { AuditResult, AuditSummary, Outcome, ProblemJson, RunSummary, TagResult } from '../model/mod.ts';
import type { LogLine } from './lines.ts';
import { explainOutcome, outcomeWord } from './outcome.ts';
import { createPalette, type Palette } from './palette.ts';
import { formatProblem, type ProblemStyle } from './problem.ts';
import { padEnd, padStart, widthOf, wrap } from './text.ts';
import { formatBytes, formatDuration, plural, shortDigest } from './units.ts';
import { DEFAULT_COLUMNS } from './writer.ts';

/** How the end of a run is written out. */
export interface SummaryStyle extends ProblemStyle {
  /** The last log lines of a build, for failures that carry none themselves. */
  readonly tailOf?: (build: string) => readonly LogLine[];
}

/**
 * The table, the totals, and then each failure with its words, lines and last output. Ends with a line break; lines
 * fit the given width, except where a name alone is wider.
 */
export function formatSummary(summary: RunSummary, style: SummaryStyle = {}): string {
  const palette = createPalette(style.color ?? false);
  const columns = Math.max(60, style.columns ?? DEFAULT_COLUMNS);
  const sections = [
    formatTable(summary.outcomes, columns, palette),
    formatTotals(summary, columns, palette),
    ...formatFailures(summary, style),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

interface Column {
  readonly title: string;
  readonly right?: boolean;
  readonly cell: (outcome: Outcome) => string;
  readonly paint?: (outcome: Outcome, text: string) => string;
}

/** The columns that have something to show for these outcomes. */
function columnsFor(outcomes: readonly Outcome[], palette: Palette): Column[] {
  const any = (has: (outcome: Outcome) => boolean): boolean => outcomes.some(has);
  const columns: readonly (readonly [boolean, Column])[] = [
    [true, { title: 'BUILD', cell: (one) => one.build, paint: (one, text) => palette.name(one.build, text) }],
    [
      true,
      {
        title: 'RESULT',
        cell: (one) => outcomeWord(one, palette).word,
        paint: (one, text) => outcomeWord(one, palette).paint(text),
      },
    ],
    [
      any((one) => one.digest !== undefined),
      { title: 'DIGEST', cell: (one) => shortDigest(one.digest ?? '') },
    ],
    [
      any((one) => one.sizeBytes !== undefined),
      {
        title: 'SIZE',
        right: true,
        cell: (one) => (one.sizeBytes === undefined ? '' : formatBytes(one.sizeBytes)),
      },
    ],
    [
      any((one) => one.kind !== 'blocked'),
      {
        title: 'TIME',
        right: true,
        cell: (one) => (one.kind === 'blocked' ? '' : formatDuration(one.durationMs)),
      },
    ],
    [
      any((one) => one.kind === 'built' && one.steps !== undefined),
      {
        title: 'CACHED',
        right: true,
        cell: (one) =>
          one.kind !== 'built' || one.steps === undefined ? '' : `${one.steps.cached}/${one.steps.total}`,
      },
    ],
    [any((one) => one.tags.length > 0), { title: 'TAGS', cell: (one) => countTags(one.tags) }],
  ];
  return columns.flatMap(([isShown, column]) => (isShown ? [column] : []));
}

/** A row for each build. */
function formatTable(outcomes: readonly Outcome[], columns: number, palette: Palette): string {
  if (outcomes.length === 0) return '';
  const cells = columnsFor(outcomes, palette);
  const measure = (column: Column): number =>
    Math.max(widthOf(column.title), ...outcomes.map((one) => widthOf(column.cell(one))));
  const measureAll = (): number => cells.reduce((sum, column) => sum + measure(column) + 2, 0);
  // What a narrow terminal can do without, the least telling first.
  for (const title of ['CACHED', 'TIME', 'SIZE']) {
    const at = cells.findIndex((column) => column.title === title);
    if (at !== -1 && measureAll() - 2 > columns) cells.splice(at, 1);
  }
  const widths = cells.map(measure);
  const used = measureAll();
  const whys = outcomes.map(explainOutcome);
  const longest = Math.max(0, ...whys.map(widthOf));
  // The reason stands in a column of its own where all of them fit; otherwise on lines of their own below each row.
  const beside = longest > 0 && used + longest <= columns;
  const indent = (widths[0] ?? 0) + 2;
  const head = cells.map((column, at) => align(column, column.title, widths[at] ?? 0)).join('  ');
  const lines = [palette.dim(`${head}${beside ? '  WHY' : ''}`.trimEnd())];
  outcomes.forEach((one, row) => {
    const painted = cells.map((column, at) => {
      const text = align(column, column.cell(one), widths[at] ?? 0);
      return column.paint === undefined ? text : column.paint(one, text);
    });
    const why = whys[row] ?? '';
    lines.push(`${painted.join('  ')}${beside ? `  ${palette.dim(why)}` : ''}`.trimEnd());
    if (beside || why === '') return;
    wrap(why, columns - indent - 2).forEach((line, at) => {
      lines.push(`${' '.repeat(indent)}${palette.dim(`${at === 0 ? '└ ' : '  '}${line}`)}`);
    });
  });
  return lines.join('\n');
}

function align(column: Column, text: string, width: number): string {
  return column.right === true ? padStart(text, width) : padEnd(text, width);
}

function countTags(tags: readonly TagResult[]): string {
  const count = (action: TagResult['action']): number => tags.filter((tag) => tag.action === action).length;
  return [
    [count('pushed'), 'pushed'],
    [count('retagged'), 'retagged'],
    [count('there'), 'in place'],
  ]
    .flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`]))
    .join(', ');
}

/** Two lines (more on a narrow terminal): what became of the builds and their tags, and what it took. */
function formatTotals(summary: RunSummary, columns: number, palette: Palette): string {
  const { outcomes } = summary;
  const kinds: readonly Outcome['kind'][] = [
    'failed',
    'blocked',
    'cancelled',
    'built',
    'retagged',
    'unchanged',
  ];
  const counts = kinds.flatMap((kind) => {
    const found = outcomes.filter((one) => one.kind === kind);
    const [first] = found;
    if (first === undefined) return [];
    const { word, paint } = outcomeWord(first, palette);
    return [paint(first.dryRun === true ? `${found.length} ${word}` : `${found.length} ${kind}`)];
  });
  const tags = countTags(outcomes.flatMap((one) => one.tags));
  const verdict = summary.cancelled
    ? palette.warning('cancelled')
    : summary.ok
      ? palette.good(outcomes.some((one) => one.dryRun === true) ? 'dry run done' : 'done')
      : palette.error('failed');
  const { reads, writes } = summary.registryRequests;
  const total = reads + writes;
  return [
    `${verdict} in ${palette.bold(formatDuration(summary.durationMs))}: ${counts.length === 0 ? 'nothing was built' : counts.join(', ')}`,
    ...wrap(
      [
        ...(tags === '' ? [] : [`tags: ${tags}`]),
        plural(summary.buildctlCalls, 'buildctl call'),
        `${plural(total, 'registry request')}${writes > 0 ? ` (${plural(writes, 'write')})` : ''}`,
      ].join(' · '),
      columns,
    ).map(palette.dim),
    ...(summary.audit === undefined
      ? []
      : wrap(formatAudit(summary.audit, outcomes), columns).map(palette.dim)),
  ].join('\n');
}

/** `audited 2 of 40 unchanged: 1 same bytes, 1 different · the same ones again: --audit-seed 123` */
function formatAudit({ seed, candidates, builds }: AuditSummary, outcomes: readonly Outcome[]): string {
  if (candidates === 0) return 'audit: no build was unchanged';
  const words: readonly (readonly [AuditResult['result'], string])[] = [
    ['different', 'different'],
    ['not-compared', 'not compared'],
    ['same-files', 'same files'],
    ['same-bytes', 'same bytes'],
  ];
  const counts = words.flatMap(([result, word]) => {
    const count = outcomes.filter((one) => one.audit?.result === result).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return `audited ${builds.length} of ${candidates} unchanged: ${counts.join(', ')} · the same ones again: --audit-seed ${seed}`;
}

/** Problems of the run, warnings among them, then the failure of each build with the end of its output where the problem has none. */
export function formatFailures(summary: RunSummary, style: SummaryStyle): readonly string[] {
  const failures = summary.outcomes.flatMap((one) =>
    one.kind === 'failed' && one.problem !== undefined ? [withTail(one, one.problem, style)] : [],
  );
  return [...summary.problems, ...failures].map((one) => formatProblem(one, style));
}

function withTail(outcome: Outcome, found: ProblemJson, style: SummaryStyle): ProblemJson {
  const named = found.build === undefined ? { ...found, build: outcome.build } : found;
  if (found.detail !== undefined) return named;
  const tail = style.tailOf?.(outcome.build) ?? [];
  return tail.length === 0 ? named : { ...named, detail: tail.map((line) => line.text).join('\n') };
}
