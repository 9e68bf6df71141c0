/** Problems formatted for people, editors and CI systems. */
import {
  type PlaceJson,
  type Problem,
  type ProblemJson,
  placeOfSpan,
  problemToJson,
  type Span,
} from '../model/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import { formatFrame, lastLineOf, type Mark } from './frame.ts';
import { createPalette, type Paint, type Palette } from './palette.ts';
import { plainText, wrap } from './text.ts';
import { plural } from './units.ts';
import { DEFAULT_COLUMNS } from './writer.ts';

/** How to format problems. */
export interface ProblemStyle {
  /** Use terminal colours. Default: no. */
  readonly color?: boolean;
  /** Width of the terminal; 120 if not given. */
  readonly columns?: number;
  /** False: one line for each problem (`file:line:column: error[code]: message`), for editors and grep. Default: true. */
  readonly frames?: boolean;
  /**
   * Returns the text of a file by the path in a problem, or undefined if it cannot be read. Needed only for problems in
   * JSON form (those of events), which contain places but no text.
   */
  readonly sourceOf?: (path: string) => string | undefined;
  /** How many lines of `detail` (logs, bodies) to show, from its end. Default: 40. */
  readonly detailLines?: number;
}

const STYLE: KnownOptions<ProblemStyle> = {
  color: 'flag',
  columns: 'count',
  frames: 'flag',
  sourceOf: 'function',
  detailLines: 'number',
};

/** Either form of a problem. */
export type AnyProblem = Problem | ProblemJson;

/** Problems written out in full; the rest is counted. */
const MOST_SHOWN = 100;
/** Most builds named for a shared problem, such as one of the rows of a matrix. */
const MOST_BUILDS = 5;
const MOST_DETAIL = 40;

interface Located {
  readonly place: PlaceJson;
  readonly text: string | undefined;
}

/** One problem: code, message, code frames, related places, external text, and hint. Without a final line break. */
export function formatProblem(found: AnyProblem, style: ProblemStyle = {}): string {
  return formatFor(found, found.build === undefined ? [] : [found.build], style);
}

function formatFor(found: AnyProblem, builds: readonly string[], style: ProblemStyle): string {
  const palette = createPalette(style.color ?? false);
  if (style.frames === false) return formatLine(found, palette);
  const columns = Math.max(40, style.columns ?? DEFAULT_COLUMNS);
  const paint = found.severity === 'error' ? palette.error : palette.warning;
  const [head = '', ...more] = wrap(`${found.severity}[${found.code}]: ${oneLine(found.message)}`, columns);
  const label = `${found.severity}[${found.code}]`;
  const lines = [
    paint(label) + palette.bold(head.slice(label.length)),
    ...more.map((line) => palette.bold(`  ${line}`)),
  ];

  const main = located(found, style);
  const places = relatedPlaces(found, style);
  const blocks = groupByFile(main, places);
  const gutter = Math.max(
    1,
    ...blocks.map(({ text, marks }) =>
      text === undefined ? 0 : String(lastLineOf(marks, text.split('\n').length)).length,
    ),
  );
  const pad = ' '.repeat(gutter);
  blocks.forEach((block, at) => {
    const corner = at === 0 ? '┌─' : '├─';
    lines.push(`${pad} ${palette.info(corner)} ${block.title}`);
    if (block.text === undefined) {
      for (const { label: words } of block.marks) {
        if (words !== undefined) lines.push(`${pad} ${palette.info('│')} ${words}`);
      }
      return;
    }
    lines.push(`${pad} ${palette.info('│')}`);
    lines.push(...formatFrame(block.text, block.marks, { palette, primary: paint, columns, gutter }));
  });
  const notes: string[] = [];
  const note = (word: string, text: string, color: Paint): void => {
    notes.push(...formatNote(word, text, { paint: color, gutter, columns }));
  };
  for (const { message, located: where } of places) {
    if (where === undefined) note('note', message, palette.info);
  }
  // A bare word of the message may equal a build's name by chance; only a quoted one names the build.
  if (
    builds.some((build) => !found.message.includes(`\`${build}\``) && !found.message.includes(`"${build}"`))
  ) {
    const names = `${builds.slice(0, MOST_BUILDS).join(', ')}${builds.length > MOST_BUILDS ? ` and ${builds.length - MOST_BUILDS} more` : ''}`;
    note(builds.length === 1 ? 'build' : 'builds', names, palette.info);
  }
  if (found.hint !== undefined) note('hint', found.hint, palette.hint);
  const detail =
    found.detail === undefined ? [] : detailLines(found.detail, style.detailLines ?? MOST_DETAIL);
  if (blocks.length > 0 && (notes.length > 0 || detail.length > 0)) lines.push(`${pad} ${palette.info('│')}`);
  for (const line of detail) lines.push(`${pad} ${palette.dim('┆')} ${line}`);
  lines.push(...notes);
  return lines.join('\n');
}

/**
 * Formats problems as the command line shows them: those without a place first, then file by file from top to bottom, and their
 * number at the end. A problem that several builds share appears once.
 *
 * @throws TypeError for invalid problems and unknown options
 * @returns text of several lines, without a line break at its end; empty if there are no problems
 * @example
 * ```ts
 * const result = await plan({ patterns: ['api'] });
 * if (!result.ok) console.error(formatProblems(result.error, { color: true }));
 * ```
 */
export function formatProblems(found: readonly AnyProblem[], style: ProblemStyle = {}): string {
  if (!Array.isArray(found))
    throw new TypeError(
      'formatProblems() takes a list of problems, such as the `error` of a result that is not `ok`',
    );
  checkOptions('formatProblems', style, STYLE);
  const buildsOf = foldBuilds(found);
  const sorted = [...buildsOf.keys()];
  if (sorted.length === 0) return '';
  const between = style.frames === false ? '\n' : '\n\n';
  const shown = sorted.slice(0, MOST_SHOWN).map((one) => formatFor(one, buildsOf.get(one) ?? [], style));
  if (sorted.length > MOST_SHOWN) shown.push(`… and ${plural(sorted.length - MOST_SHOWN, 'more problem')}`);
  if (sorted.length > 1) shown.push(createPalette(style.color ?? false).bold(countProblems(sorted)));
  return shown.join(between);
}

/** `3 errors and 1 warning in 2 files`. */
function countProblems(found: readonly AnyProblem[]): string {
  const errors = found.filter((one) => one.severity === 'error').length;
  const warnings = found.length - errors;
  const files = new Set(found.flatMap((one) => placeOfProblem(one)?.file ?? []));
  const counts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  return counts.join(' and ') + (files.size > 1 ? ` in ${files.size} files` : '');
}

/** Sorts problems without duplicates: first those without a place, then by file (in order of appearance) and position. */
export function sortProblems<P extends AnyProblem>(found: readonly P[]): readonly P[] {
  const seen = new Set<string>();
  const fileOrder = new Map<string, number>();
  const keyed = found.flatMap((one) => {
    const place = placeOfProblem(one);
    const identity = JSON.stringify([one.code, one.message, place, one.build]);
    if (seen.has(identity)) return [];
    seen.add(identity);
    if (place !== undefined && !fileOrder.has(place.file)) fileOrder.set(place.file, fileOrder.size + 1);
    const order = place === undefined ? 0 : (fileOrder.get(place.file) ?? 0);
    return [{ one, order, line: place?.line ?? 0, column: place?.column ?? 0 }];
  });
  keyed.sort((a, b) => a.order - b.order || a.line - b.line || a.column - b.column);
  return keyed.map(({ one }) => one);
}

/**
 * Sorted problems (see `sortProblems`) with their builds: problems that differ only in the build are one, however many
 * rows a matrix has.
 */
export function foldBuilds<P extends AnyProblem>(found: readonly P[]): ReadonlyMap<P, readonly string[]> {
  const firsts = new Map<string, P>();
  const builds = new Map<P, string[]>();
  for (const one of sortProblems(found)) {
    const { build, ...rest } = toProblemJson(one);
    const identity = JSON.stringify(rest);
    const first = firsts.get(identity) ?? one;
    if (first === one) {
      firsts.set(identity, one);
      builds.set(one, []);
    }
    if (build !== undefined) builds.get(first)?.push(build);
  }
  return builds;
}

/** The JSON form for `--json`, with places instead of spans. */
export function toProblemJson(found: AnyProblem): ProblemJson {
  return 'span' in found || hasSpans(found) ? problemToJson(found) : found;
}

function hasSpans(found: AnyProblem): found is Problem {
  return (found.related ?? []).some((one) => 'span' in one);
}

function placeOfProblem(found: AnyProblem): PlaceJson | undefined {
  return toProblemJson(found).place;
}

function located(found: AnyProblem, style: ProblemStyle): Located | undefined {
  if ('span' in found && found.span !== undefined) return ofSpan(found.span);
  const place = placeOfProblem(found);
  return place === undefined ? undefined : { place, text: style.sourceOf?.(place.file) };
}

function ofSpan(span: Span): Located {
  return { place: placeOfSpan(span), text: span.source.text };
}

interface Related {
  readonly message: string;
  readonly located: Located | undefined;
}

function relatedPlaces(found: AnyProblem, style: ProblemStyle): readonly Related[] {
  return (found.related ?? []).map((one) => {
    if ('span' in one && one.span !== undefined) return { message: one.message, located: ofSpan(one.span) };
    const place = 'place' in one ? one.place : undefined;
    return {
      message: one.message,
      located: place === undefined ? undefined : { place, text: style.sourceOf?.(place.file) },
    };
  });
}

interface Block {
  readonly file: string;
  readonly title: string;
  readonly text: string | undefined;
  readonly marks: Mark[];
}

/** One block per file, the problem's own file first. */
function groupByFile(main: Located | undefined, related: readonly Related[]): readonly Block[] {
  const blocks: Block[] = [];
  const add = ({ place, text }: Located, primary: boolean, label: string | undefined): void => {
    let block = blocks.find((one) => one.file === place.file && one.text === text);
    if (block === undefined) {
      block = {
        file: place.file,
        title: plainText(`${place.file}:${place.line}:${place.column}`),
        text,
        marks: [],
      };
      blocks.push(block);
    }
    const { line, column, endLine, endColumn } = place;
    block.marks.push({
      line,
      column,
      endLine,
      endColumn,
      primary,
      ...(label === undefined ? {} : { label: oneLine(label) }),
    });
  };
  if (main !== undefined) add(main, true, undefined);
  for (const one of related) {
    if (one.located !== undefined) add(one.located, false, one.message);
  }
  for (const block of blocks) block.marks.sort((a, b) => a.line - b.line || a.column - b.column);
  return blocks;
}

interface NoteStyle {
  readonly paint: Paint;
  readonly gutter: number;
  readonly columns: number;
}

function formatNote(word: string, text: string, { paint, gutter, columns }: NoteStyle): readonly string[] {
  const lead = `${' '.repeat(gutter)} = ${word}: `;
  const follow = ' '.repeat(lead.length);
  const lines = text
    .split('\n')
    .flatMap((line) => wrap(plainText(line), Math.max(20, columns - lead.length)));
  return lines.map((line, at) =>
    at === 0 ? `${' '.repeat(gutter)} ${paint(`= ${word}:`)} ${line}` : `${follow}${line}`.trimEnd(),
  );
}

function detailLines(detail: string, most: number): readonly string[] {
  const lines = detail.replace(/\n+$/, '').split('\n').map(plainText);
  if (lines.length <= most) return lines;
  return [`… ${plural(lines.length - most, 'line')} before`, ...lines.slice(-most)];
}

function formatLine(found: AnyProblem, palette: Palette): string {
  const place = placeOfProblem(found);
  const paint = found.severity === 'error' ? palette.error : palette.warning;
  const where = place === undefined ? '' : `${plainText(`${place.file}:${place.line}:${place.column}`)}: `;
  return `${where}${paint(`${found.severity}[${found.code}]`)}: ${oneLine(found.message)}`;
}

function oneLine(text: string): string {
  return text.split('\n').map(plainText).join(' ');
}
