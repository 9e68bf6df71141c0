/**
 * Code frames: the lines of a file with a problem, underlined.
 *
 * All marks of a file share one frame, so that "written twice" shows both lines. Columns are counted as the terminal
 * draws them: tabs, wide characters and escape sequences in the file do not shift a caret.
 */
import { hideInLine } from '../model/mod.ts';
import type { Palette } from './palette.ts';
import { sliceColumns, visibleText, widthOf } from './text.ts';

/** A place to underline. Lines and columns are one-based; the end is exclusive. */
export interface Mark {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The problem itself (`^`), or a place that explains it (`-`). */
  readonly primary: boolean;
  readonly label?: string;
}

/** How a frame is drawn. */
export interface FrameStyle {
  readonly palette: Palette;
  /** Colour of primary marks: red for errors, yellow for warnings. */
  readonly primary: (text: string) => string;
  /** Width of the terminal. */
  readonly columns: number;
  /** Width of the line numbers, so that several frames of one problem are aligned. */
  readonly gutter: number;
}

/** Number of lines shown at the start and at the end of a long range. */
const RANGE_HEAD = 3;
const RANGE_TAIL = 2;

/** The highest line number in a frame of these marks, for the width of the line numbers. */
export function lastLineOf(marks: readonly Mark[], lineCount: number): number {
  return Math.min(lineCount, Math.max(1, ...marks.map((mark) => mark.endLine + 1)));
}

/** Draws the lines around the marks. Returns lines without line breaks. */
export function formatFrame(text: string, marks: readonly Mark[], style: FrameStyle): readonly string[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  // A file that ends in a line break has no line after it, but a mark at its very end needs one.
  const lineCount = lines.length > 1 && lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const clamped = marks.map((mark) => clampMark(mark, lines));
  const shown = shownLines(clamped, lines, lineCount);
  const { palette, gutter } = style;
  const bar = palette.info('│');
  const blank = `${' '.repeat(gutter)} ${bar}`;
  // A column for the brackets of multi-line ranges, only if there are any.
  const ranged = clamped.filter((mark) => mark.endLine > mark.line);
  const railWidth = ranged.length > 0 ? 2 : 0;
  const room = Math.max(20, style.columns - gutter - 3 - railWidth);
  const out: string[] = [];
  let before = 0;
  for (const number of shown) {
    if (before !== 0 && number > before + 1) {
      out.push(`${' '.repeat(gutter)} ${palette.info('·')}`);
    }
    before = number;
    const isMarked = clamped.some((mark) => mark.line <= number && number <= mark.endLine);
    const line = lines[number - 1] ?? '';
    // Neighbouring lines are only for orientation, so secrets in them are hidden; marked lines are shown as they are.
    const source = isMarked ? line : hideInLine(line);
    const here = clamped.filter((mark) => mark.line === number && mark.endLine === number);
    const window = windowFor(source, here, room);
    const rail = railAt(number, ranged, style);
    out.push(trimEnd(`${palette.info(String(number).padStart(gutter))} ${bar} ${rail}${window.shown}`));
    const under = ' '.repeat(railWidth);
    for (const mark of here)
      out.push(...underline(mark, { source, window, lead: `${blank} ${under}` }, style));
    for (const mark of ranged) {
      if (mark.endLine === number && mark.label !== undefined) {
        out.push(`${blank} ${under}${paintOf(mark, style)(mark.label)}`);
      }
    }
  }
  return out;
}

/** Clamps a mark to the file. An end at the start of a line means the end of the line before. */
function clampMark(mark: Mark, lines: readonly string[]): Mark {
  const line = Math.min(Math.max(1, mark.line), lines.length);
  let endLine = Math.min(Math.max(line, mark.endLine), lines.length);
  let endColumn = mark.endColumn;
  while (endLine > line && (endColumn <= 1 || (lines[endLine - 1] ?? '').trim() === '')) {
    endLine -= 1;
    endColumn = (lines[endLine - 1] ?? '').length + 1;
  }
  return { ...mark, line, endLine, endColumn };
}

/** Line numbers to show: the marked ones (long ranges without the middle), and one line before and after the problem. */
function shownLines(marks: readonly Mark[], lines: readonly string[], lineCount: number): readonly number[] {
  const wanted = new Set<number>();
  for (const mark of marks) {
    const long = mark.endLine - mark.line + 1 > RANGE_HEAD + RANGE_TAIL + 1;
    for (let line = mark.line; line <= mark.endLine; line += 1) {
      if (!long || line < mark.line + RANGE_HEAD || line > mark.endLine - RANGE_TAIL) wanted.add(line);
    }
    for (const beside of mark.primary ? [mark.line - 1, mark.endLine + 1] : []) {
      if (beside >= 1 && beside <= lineCount && (lines[beside - 1] ?? '').trim() !== '') wanted.add(beside);
    }
  }
  const sorted = [...wanted].sort((a, b) => a - b);
  // A single omitted line is shown, because an ellipsis would take as much space.
  return sorted.flatMap((line, at) => {
    const next = sorted[at + 1];
    return next === line + 2 ? [line, line + 1] : [line];
  });
}

/** The bracket left of a multi-line range. */
function railAt(line: number, ranged: readonly Mark[], style: FrameStyle): string {
  if (ranged.length === 0) return '';
  const mark = ranged.find((one) => one.line <= line && line <= one.endLine);
  if (mark === undefined) return '  ';
  const sign = line === mark.line ? '╭' : line === mark.endLine ? '╰' : '│';
  return `${paintOf(mark, style)(sign)} `;
}

interface Window {
  /** The part of the line that fits, with `…` at cut ends. */
  readonly shown: string;
  /** First shown column of the line (zero-based). */
  readonly from: number;
  /** Width of the `…` in front of it. */
  readonly shift: number;
  readonly to: number;
}

/** Cuts a long line so that the start of its first mark is in view with some text before it. */
function windowFor(source: string, here: readonly Mark[], room: number): Window {
  const visible = visibleText(source);
  const width = widthOf(visible);
  if (width <= room) return { shown: visible, from: 0, shift: 0, to: width };
  const start = here[0] === undefined ? 0 : columnOf(source, here[0].column);
  const end = here[0] === undefined ? 0 : columnOf(source, here[0].endColumn);
  const fromStart = end < room - 1;
  const lead = Math.floor(room / 3);
  const from = fromStart ? 0 : Math.max(0, Math.min(start - lead, width - (room - 1)));
  const shift = from > 0 ? 1 : 0;
  const rest = room - shift;
  const to = width - from <= rest ? width : from + rest - 1;
  const middle = sliceColumns(visible, from, to);
  return { shown: `${shift > 0 ? '…' : ''}${middle}${to < width ? '…' : ''}`, from, shift, to };
}

/** A displayed line of a file. */
interface ShownLine {
  readonly source: string;
  readonly window: Window;
  /** Text in front of the line below it. */
  readonly lead: string;
}

/** The carets under a mark, with its label beside them if it fits, else below. */
function underline(mark: Mark, { source, window, lead }: ShownLine, style: FrameStyle): readonly string[] {
  const start = Math.max(columnOf(source, mark.column), window.from);
  const end = Math.min(Math.max(columnOf(source, mark.endColumn), start + 1), Math.max(window.to, start + 1));
  const paint = paintOf(mark, style);
  const indent = ' '.repeat(start - window.from + window.shift);
  const carets = (mark.primary ? '^' : '-').repeat(end - start);
  if (mark.label === undefined) return [`${lead}${indent}${paint(carets)}`];
  const fits = widthOf(lead) + widthOf(indent) + carets.length + 1 + widthOf(mark.label) <= style.columns;
  if (fits) return [`${lead}${indent}${paint(`${carets} ${mark.label}`)}`];
  return [`${lead}${indent}${paint(carets)}`, `${lead}${paint(mark.label)}`];
}

function paintOf(mark: Mark, style: FrameStyle): (text: string) => string {
  return mark.primary ? style.primary : style.palette.info;
}

/** Zero-based terminal column of a one-based character position. */
function columnOf(source: string, column: number): number {
  return widthOf(visibleText(source.slice(0, Math.max(0, column - 1))));
}

function trimEnd(line: string): string {
  return line.replace(/ +$/, '');
}
