/**
 * A run as Markdown for the job summary of GitHub Actions: result, failures with the end of their logs, a table,
 * reasons, the graph, warnings, and how to repeat the run.
 */
import type { Outcome, ProblemJson } from '../model/mod.ts';
import { formatDuration, plural } from '../report/mod.ts';
import type { BuildTimeline, RunTimeline, WaitSpan } from '../timeline/mod.ts';
import { buildTable, countOutcomes } from './build-table.ts';
import { type Folded, foldFailures, foldProblems, nameBuilds } from './fold-problems.ts';
import type { FileInRepository } from './github-annotations.ts';
import { lastLines, logOfProblem } from './log-end.ts';
import { code, details, htmlText, inlineText, preBlock, table } from './markdown.ts';
import { drawRun } from './run-graph.ts';

/** Options of a job summary. */
export interface JobSummaryStyle {
  /** Most bytes of UTF-8: GitHub accepts 1 MiB from a step, and shows nothing if there is more. */
  readonly roomBytes: number;
  /** The last output of the steps of a build. */
  readonly tailOf?: (build: string) => readonly string[];
  readonly fileOf?: FileInRepository;
  /** The web page that shows a line of a file. */
  readonly linkOf?: (file: string, line: number) => string;
  /** Commands that repeat the run locally. */
  readonly again?: readonly string[];
  /** Text instead of the table if there was nothing to do. */
  readonly nothing?: string;
}

/** Most failures with logs; others get one line. */
const MOST_FAILURES = 20;
const MOST_LOG_LINES = 40;
/** Most characters of one log. */
const MOST_LOG = 12_000;
/** Most failures without logs. */
const MOST_LINES = 100;
const MOST_REASONS = 100;
const MOST_ITEMS = 5;
const MOST_WAITS = 50;
const MOST_WARNINGS = 20;
/** If there are more failures, all of them are folded. */
const MOST_OPEN = 3;

/** Formats the summary, with a final line break. */
export function formatJobSummary(run: RunTimeline, style: JobSummaryStyle): string {
  const outcomes = run.builds.flatMap(({ outcome }) => outcome ?? []);
  const failures = foldFailures(run.summary?.problems ?? [], outcomes);
  const warnings = foldProblems(
    run.warnings.map(({ build, problem }) => ({ ...problem, ...(build === undefined ? {} : { build }) })),
  );
  const graph = drawRun(run.builds);
  // In display order. The number is the priority if not everything fits.
  const sections: readonly (readonly [number, string])[] = [
    [0, formatHead(run, outcomes, style)],
    [1, formatFailures(failures, style)],
    [2, buildTable(run.builds)],
    [4, formatReasons(run.builds)],
    [6, graph === undefined ? '' : `### Graph\n\n\`\`\`mermaid\n${graph}\n\`\`\``],
    [3, formatWaits(run)],
    [5, formatWarnings(warnings, style)],
    [3, formatAgain(style.again ?? [])],
  ];
  return fit(sections, style.roomBytes);
}

/** Keeps the most important sections that fit, in display order. */
function fit(sections: readonly (readonly [number, string])[], room: number): string {
  const note = '*The rest did not fit into this summary.*';
  let left = room - note.length - 2;
  const shown = new Set<string>();
  let isWhole = true;
  for (const [, text] of [...sections].sort(([a], [b]) => a - b)) {
    const size = sizeOf(text) + 2;
    if (text === '') continue;
    if (size <= left) {
      shown.add(text);
      left -= size;
    } else isWhole = false;
  }
  const kept = sections.flatMap(([, text]) => (shown.has(text) ? [text] : []));
  if (kept.length === 0) return '';
  return `${[...kept, ...(isWhole ? [] : [note])].join('\n\n')}\n`;
}

function formatHead(run: RunTimeline, outcomes: readonly Outcome[], style: JobSummaryStyle): string {
  const { summary } = run;
  const dry = run.dryRun ? ' (dry run)' : '';
  if (style.nothing !== undefined && run.builds.length === 0 && summary?.ok === true)
    return `## ✅ bake-ts: nothing to do\n\n${inlineText(style.nothing)}`;
  const sign = summary === undefined || summary.cancelled ? '⚠️' : summary.ok ? '✅' : '❌';
  const counts = countOutcomes(outcomes);
  const result = counts === '' ? 'nothing was built' : counts;
  const ended =
    summary === undefined ? 'the run did not finish' : summary.cancelled ? 'cancelled' : undefined;
  const title = `## ${sign} bake-ts${dry}: ${ended === undefined ? '' : `${ended}, `}${result} in ${formatDuration(run.durationMs)}`;
  const facts = [
    ...(run.interruptedBy === undefined ? [] : [`stopped by ${inlineText(run.interruptedBy)}`]),
    `${plural(run.concurrency, 'build')} at a time`,
    ...(summary === undefined
      ? []
      : [
          plural(summary.buildctlCalls, 'buildctl call'),
          plural(summary.registryRequests.reads + summary.registryRequests.writes, 'registry request'),
        ]),
    ...(run.engine === undefined
      ? []
      : [
          `engine ${code(run.engine.address)}${run.engine.version === undefined ? '' : ` ${inlineText(run.engine.version)}`}`,
        ]),
    `bake-ts ${inlineText(run.version)} on ${inlineText(run.runtime)}`,
  ];
  return `${title}\n\n${facts.join(' · ')}`;
}

/** Failures with their logs in at most half of the space, then one line each. */
function formatFailures(all: readonly Folded[], style: JobSummaryStyle): string {
  if (all.length === 0) return '';
  const shown: string[] = [];
  let left = style.roomBytes / 2;
  for (const one of all.slice(0, MOST_FAILURES)) {
    const text = formatFailure(one, style, all.length <= MOST_OPEN);
    left -= sizeOf(text);
    if (left < 0) break;
    shown.push(text);
  }
  const rest = all
    .slice(shown.length, shown.length + MOST_LINES)
    .map(({ problem, builds }) => `- **${nameOf(builds)}** ${inlineText(problem.message)}`);
  const more = all.length - shown.length - rest.length;
  const lines = [...rest, ...(more > 0 ? [`- and ${more} more`] : [])];
  return ['### What failed', ...shown, ...(lines.length === 0 ? [] : [lines.join('\n')])].join('\n\n');
}

function formatFailure({ problem, builds }: Folded, style: JobSummaryStyle, isOpen: boolean): string {
  const log = lastLines(logOfProblem(problem, builds, style.tailOf), MOST_LOG_LINES, MOST_LOG);
  const content = [
    [...placeOf(problem, style), code(problem.code)].join(' · '),
    ...(problem.hint === undefined ? [] : [problem.hint.split('\n').map(inlineText).join('<br>')]),
    ...(log.length === 0 ? [] : [preBlock(log)]),
  ].join('\n\n');
  const name = builds.length === 0 ? 'the run' : nameBuilds(builds);
  return details(`<b>${htmlText(name)}</b>: ${htmlText(problem.message)}`, content, isOpen);
}

function placeOf({ place }: ProblemJson, { fileOf, linkOf }: JobSummaryStyle): readonly string[] {
  if (place === undefined) return [];
  const file = fileOf?.(place.file);
  const shown = code(`${file ?? place.file}:${place.line}`);
  const link = file === undefined ? undefined : linkOf?.(file, place.line);
  return [link === undefined ? shown : `[${shown}](${link})`];
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function nameOf(builds: readonly string[]): string {
  return builds.length === 0 ? 'the run' : inlineText(nameBuilds(builds));
}

/** Why each build that is not unchanged was made. */
function formatReasons(builds: readonly BuildTimeline[]): string {
  const made = builds.flatMap(({ build, decision, outcome }) => {
    const reason = outcome?.reason ?? decision?.reason;
    const isUnchanged = decision?.kind === 'unchanged' || outcome?.kind === 'unchanged';
    return reason === undefined || isUnchanged ? [] : [{ build, reason }];
  });
  if (made.length === 0) return '';
  const rows = made.slice(0, MOST_REASONS).map(({ build, reason: { text, items = [] } }) => {
    const shown = items.slice(0, MOST_ITEMS).map((item) => `\n  - ${code(item)}`);
    const more = items.length > MOST_ITEMS ? `\n  - and ${items.length - MOST_ITEMS} more` : '';
    return `- **${inlineText(build)}**: ${inlineText(text)}${shown.join('')}${more}`;
  });
  const more = made.length > rows.length ? [`- and ${made.length - rows.length} more`] : [];
  const title =
    made.length === 1 ? 'Why 1 build was not skipped' : `Why ${made.length} builds were not skipped`;
  return details(title, [...rows, ...more].join('\n'));
}

const WAITS: Readonly<Record<WaitSpan['kind'], string>> = {
  retry: 'tried again',
  stalled: 'no progress',
  engine: 'engine lost',
  registry: 'registry',
};

/** Waits that should not have taken time. */
function formatWaits(run: RunTimeline): string {
  const waits = [
    ...run.waits.map((wait) => ({ wait, build: '' })),
    ...run.builds.flatMap(({ build, waits: own }) => own.map((wait) => ({ wait, build }))),
  ].sort((a, b) => a.wait.fromMs - b.wait.fromMs);
  if (waits.length === 0) return '';
  const rows = waits
    .slice(0, MOST_WAITS)
    .map(({ wait, build }) => [
      formatDuration(wait.fromMs),
      inlineText(build),
      WAITS[wait.kind],
      formatDuration(wait.toMs - wait.fromMs),
      inlineText(wait.text),
    ]);
  const more = waits.length > MOST_WAITS ? `\n\nand ${waits.length - MOST_WAITS} more` : '';
  return `### Waits\n\n${table(['>After', 'Build', 'What', '>For', 'Why'], rows)}${more}`;
}

function formatWarnings(warnings: readonly Folded[], style: JobSummaryStyle): string {
  if (warnings.length === 0) return '';
  const rows = warnings.slice(0, MOST_WARNINGS).map(({ problem, builds }) => {
    const where = placeOf(problem, style).map((place) => `${place} `);
    const who = builds.length === 0 ? '' : `**${inlineText(nameBuilds(builds))}**: `;
    return `- ${who}${inlineText(problem.message)} ${where.join('')}${code(problem.code)}`;
  });
  const more = warnings.length > MOST_WARNINGS ? [`- and ${warnings.length - MOST_WARNINGS} more`] : [];
  return details(plural(warnings.length, 'warning'), [...rows, ...more].join('\n'));
}

function formatAgain(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `### Run it on your machine\n\n${preBlock(lines)}`;
}
