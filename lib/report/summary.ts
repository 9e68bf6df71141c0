/**
 * The end of a run: a table with result and reason of each build, problems, totals, and finally the failures in a line
 * or two each. Many equal rows are folded into one.
 */
import type { AuditResult, AuditSummary, Outcome, ProblemJson, RunSummary, TagResult } from '../model/mod.ts';
import { nameSome } from './doing.ts';
import { groupFailures, withoutNames } from './failures.ts';
import type { LogLine } from './lines.ts';
import { explainOutcome, outcomeWord } from './outcome.ts';
import { createPalette, type Palette } from './palette.ts';
import { formatProblem, type ProblemStyle } from './problem.ts';
import { formatEngineLosses, formatRecap, formatWarnings, type RecapStyle } from './recap.ts';
import type { EngineLoss } from './state.ts';
import { stepLabel } from './step-names.ts';
import { padEnd, padStart, truncate, widthOf, wrap } from './text.ts';
import { formatBytes, formatDuration, plural, shortDigest } from './units.ts';
import { DEFAULT_COLUMNS } from './writer.ts';

/** How to format the end of a run. */
export interface SummaryStyle extends ProblemStyle, RecapStyle {
  /** The last log lines of a build, for failures without their own. */
  readonly tailOf?: (build: string) => readonly LogLine[];
  /** Warnings of the run, in order. */
  readonly warnings?: readonly ProblemJson[];
  /** Losses of the engine. */
  readonly engineLosses?: readonly EngineLoss[];
}

/** From this number on, equal rows that need no action are folded. */
const FOLD = 12;
/** The same in a run with too many builds for one screen. */
const FOLD_OF_MANY = 4;
const MANY = 24;
/** In a longer table, reasons are truncated to fit their rows and not put on separate lines. */
const TALL = 10;
const LEAST_WHY = 40;
/** Last lines of output of a failure; fewer if there are several. */
const LAST_LINES = 20;
const LAST_LINES_EACH = 10;
/** Failures written out in full; the others have their line in the recap. */
const MOST_FAILURES = 8;
/** Most builds named for a shared failure. */
const MOST_NAMED = 5;

/**
 * The table, warnings, each failure with message, code frame and last output, the totals, and the recap. With a final
 * line break. Lines fit the width, unless a single name is wider.
 */
export function formatSummary(summary: RunSummary, style: SummaryStyle = {}): string {
  const palette = createPalette(style.color ?? false);
  const columns = Math.max(60, style.columns ?? DEFAULT_COLUMNS);
  const sections = [
    formatRows(summary.outcomes, style, columns, palette),
    formatWarnings(style.warnings ?? [], columns, palette),
    ...formatFailures(summary, style),
    formatEngineLosses(style.engineLosses ?? [], columns, palette),
    formatTotals(summary, columns, palette),
    formatRecap(summary, style, columns, palette),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** The table, and how to see folded builds. */
function formatRows(
  outcomes: readonly Outcome[],
  { logOf, stoppedIn }: SummaryStyle,
  columns: number,
  palette: Palette,
): string {
  const rows = foldOutcomes(outcomes, stoppedIn);
  const table = formatTable(rows, { columns, palette, stoppedIn });
  if (rows.length === outcomes.length) return table;
  const where = logOf === undefined ? 'with --progress=plain' : 'bake-ts logs';
  return `${table}\n${palette.dim(`one build: ${where}`)}`;
}

/** A row of the table: one build, or several equal ones. */
interface TableRow {
  /** The outcome to show: that of the first one. */
  readonly outcome: Outcome;
  readonly outcomes: readonly Outcome[];
}

/** Rows in the order of the plan, with folded rows last. */
function foldOutcomes(
  outcomes: readonly Outcome[],
  stoppedIn: SummaryStyle['stoppedIn'],
): readonly TableRow[] {
  const groups = new Map<string, Outcome[]>();
  for (const one of outcomes) {
    const isAlone = one.kind === 'failed' || one.audit !== undefined;
    const stopped = one.kind === 'cancelled' ? stoppedIn?.(one.build) : undefined;
    const identity =
      isAlone || stopped !== undefined
        ? `1 ${one.build}`
        : JSON.stringify([
            one.kind,
            one.kind === 'cancelled' ? '' : one.reason?.code,
            one.blockedBy,
            one.dryRun,
          ]);
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, [one]);
    else group.push(one);
  }
  const least = outcomes.length < MANY ? FOLD : FOLD_OF_MANY;
  const folded = [...groups.values()].filter((group) => group.length >= least && group[0]?.kind !== 'failed');
  const inFold = new Set(folded.flat());
  const alone = outcomes.flatMap((one) => (inFold.has(one) ? [] : [{ outcome: one, outcomes: [one] }]));
  return [
    ...alone,
    ...folded.flatMap((group) => {
      const [outcome] = group;
      return outcome === undefined ? [] : [{ outcome, outcomes: group }];
    }),
  ];
}

interface Column {
  readonly title: string;
  readonly right?: boolean;
  readonly cell: (row: TableRow) => string;
  readonly paint?: (row: TableRow, text: string) => string;
}

/** The columns that have content in these rows. */
function columnsFor(
  rows: readonly TableRow[],
  palette: Palette,
  stoppedIn: SummaryStyle['stoppedIn'],
): Column[] {
  const any = (has: (outcome: Outcome) => boolean): boolean =>
    rows.some(({ outcomes }) => outcomes.some(has));
  const one = (of: (outcome: Outcome) => string) => (row: TableRow) =>
    row.outcomes.length > 1 ? '' : of(row.outcome);
  const columns: readonly (readonly [boolean, Column])[] = [
    [
      true,
      {
        title: 'BUILD',
        cell: ({ outcome, outcomes }) => (outcomes.length > 1 ? `${outcomes.length} builds` : outcome.build),
        paint: ({ outcome, outcomes }, text) =>
          outcomes.length > 1 ? palette.bold(text) : palette.name(outcome.build, text),
      },
    ],
    [
      true,
      {
        title: 'RESULT',
        cell: ({ outcome }) => outcomeWord(outcome, palette).word,
        paint: ({ outcome }, text) => outcomeWord(outcome, palette).paint(text),
      },
    ],
    [
      rows.some(({ outcome, outcomes }) => outcomes.length === 1 && outcome.digest !== undefined),
      { title: 'DIGEST', cell: one((outcome) => shortDigest(outcome.digest ?? '')) },
    ],
    [
      any((outcome) => outcome.sizeBytes !== undefined),
      {
        title: 'SIZE',
        right: true,
        cell: ({ outcomes }) => {
          const sizes = outcomes.flatMap((outcome) => outcome.sizeBytes ?? []);
          return sizes.length === 0 ? '' : formatBytes(sizes.reduce((sum, size) => sum + size, 0));
        },
      },
    ],
    [
      rows.some(({ outcome, outcomes }) => outcomes.length === 1 && hasTime(outcome, stoppedIn)),
      {
        title: 'TIME',
        right: true,
        cell: one((outcome) => (hasTime(outcome, stoppedIn) ? formatDuration(outcome.durationMs) : '')),
      },
    ],
    [
      any((outcome) => outcome.kind === 'built' && outcome.steps !== undefined),
      {
        title: 'CACHED',
        right: true,
        cell: ({ outcomes }) => {
          const steps = outcomes.flatMap(({ kind, steps: own }) => (kind === 'built' ? (own ?? []) : []));
          const sum = (of: (one: { total: number; cached: number }) => number): number =>
            steps.reduce((all, step) => all + of(step), 0);
          return steps.length === 0 ? '' : `${sum((step) => step.cached)}/${sum((step) => step.total)}`;
        },
      },
    ],
    [
      any((outcome) => outcome.tags.length > 0),
      { title: 'TAGS', cell: ({ outcomes }) => countTags(outcomes.flatMap((outcome) => outcome.tags)) },
    ],
  ];
  return columns.flatMap(([isShown, column]) => (isShown ? [column] : []));
}

/** Builds that never ran have no meaningful time. */
function hasTime({ kind, build }: Outcome, stoppedIn: SummaryStyle['stoppedIn']): boolean {
  if (kind !== 'cancelled' || stoppedIn === undefined) return kind !== 'blocked';
  const was = stoppedIn(build);
  return was !== undefined && was !== 'checking';
}

function wasStopped(what: string | undefined): string {
  return what === undefined ? 'not started' : `while ${what}`;
}

/** The reason of a row; failures are explained below the table. */
function explainRow({ outcome, outcomes }: TableRow, stoppedIn: SummaryStyle['stoppedIn']): string {
  if (outcome.kind === 'failed') return '';
  if (outcome.kind === 'cancelled' && stoppedIn !== undefined) return wasStopped(stoppedIn(outcome.build));
  if (outcomes.length === 1 || outcome.kind === 'blocked') return explainOutcome(outcome);
  const texts = new Set(outcomes.map((one) => withoutNames(one.reason?.text ?? '', one.build)));
  return texts.size === 1 ? [...texts].join('') : `${[...texts][0]}, or similar`;
}

/** Options of the table. */
interface TableStyle {
  readonly columns: number;
  readonly palette: Palette;
  readonly stoppedIn: SummaryStyle['stoppedIn'];
}

function formatTable(rows: readonly TableRow[], { columns, palette, stoppedIn }: TableStyle): string {
  if (rows.length === 0) return '';
  const cells = columnsFor(rows, palette, stoppedIn);
  const measure = (column: Column): number =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.cell(row))));
  const measureAll = (): number => cells.reduce((sum, column) => sum + measure(column) + 2, 0);
  // Drops columns that do not fit, the least important first.
  const drop = (titles: readonly string[], isTooWide: () => boolean): void => {
    for (const title of titles) {
      const at = cells.findIndex((column) => column.title === title);
      if (at !== -1 && isTooWide()) cells.splice(at, 1);
    }
  };
  drop(['CACHED', 'TIME', 'SIZE'], () => measureAll() - 2 > columns);
  const isTall = rows.length > TALL;
  const reasons = rows.map((row) => explainRow(row, stoppedIn));
  const least = Math.min(LEAST_WHY, ...[Math.max(0, ...reasons.map(widthOf))]);
  if (isTall) drop(['DIGEST', 'CACHED', 'SIZE', 'TAGS'], () => measureAll() + least > columns);
  const widths = cells.map(measure);
  const used = measureAll();
  const room = isTall && used + least <= columns ? columns - used : Number.POSITIVE_INFINITY;
  const whys = reasons.map((reason) => truncate(reason, room));
  const longest = Math.max(0, ...whys.map(widthOf));
  // Reasons have a column if all of them fit; otherwise they go below each row.
  const beside = longest > 0 && used + longest <= columns;
  const indent = (widths[0] ?? 0) + 2;
  const head = cells.map((column, at) => align(column, column.title, widths[at] ?? 0)).join('  ');
  const lines = [palette.dim(`${head}${beside ? '  WHY' : ''}`.trimEnd())];
  rows.forEach((row, number) => {
    const painted = cells.map((column, at) => {
      const text = align(column, column.cell(row), widths[at] ?? 0);
      return column.paint === undefined ? text : column.paint(row, text);
    });
    const why = whys[number] ?? '';
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
    [count('there'), 'current'],
  ]
    .flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`]))
    .join(', ');
}

/** Totals on two lines (more on a narrow terminal): results of builds and tags, and the effort. */
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

/** `audited 2 of 40 unchanged: 1 same bytes, 1 different · repeat with --audit-seed 123` */
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
  return `audited ${builds.length} of ${candidates} unchanged: ${counts.join(', ')} · repeat with --audit-seed ${seed}`;
}

/**
 * Problems and warnings of the run, then the first failures, with the end of the build's output if the problem has
 * none.
 */
export function formatFailures(summary: RunSummary, style: SummaryStyle): readonly string[] {
  const failed = summary.outcomes.filter((one) => one.kind === 'failed' && one.problem !== undefined);
  const palette = createPalette(style.color ?? false);
  const shown = groupFailures(failed, style.stepOf).slice(0, MOST_FAILURES);
  const detailLines = shown.length > 1 ? LAST_LINES_EACH : LAST_LINES;
  return [
    ...summary.problems.map((one) => formatProblem(one, style)),
    ...shown.flatMap(({ outcomes, problem }) => {
      const [first] = outcomes;
      if (first === undefined || problem === undefined) return [];
      const head = `${palette.error('✗')} ${headOf(outcomes, palette)}`;
      return [`${head}\n${formatProblem(shownFailure(first, problem, style), { ...style, detailLines })}`];
    }),
  ];
}

/** `base failed`; `6 builds failed the same way: base, web, … and 1 more; shown: base`. */
function headOf(outcomes: readonly Outcome[], palette: Palette): string {
  const builds = outcomes.map(({ build }) => build);
  const [first = ''] = builds;
  if (builds.length === 1) return `${palette.bold(first)} ${palette.error('failed')}`;
  const names = palette.bold(nameSome(builds, MOST_NAMED));
  return `${palette.error(`${builds.length} builds failed the same way`)}: ${names}; shown: ${first}`;
}

/** A failure as shown below its build: with the last output, and with the step's number if the code frame shows its line. */
function shownFailure({ build }: Outcome, found: ProblemJson, style: SummaryStyle): ProblemJson {
  const step = style.stepOf?.(build);
  const isShown = found.place !== undefined && style.sourceOf?.(found.place.file) !== undefined;
  const message =
    step === undefined || !isShown ? found.message : found.message.replace(step, () => stepLabel(step));
  const { build: _, ...rest } = found;
  if (found.detail !== undefined) return { ...rest, message };
  const tail = style.tailOf?.(build) ?? [];
  return tail.length === 0
    ? { ...rest, message }
    : { ...rest, message, detail: tail.map((line) => line.text).join('\n') };
}
