/**
 * Places in files. A span refers to its file's content, so that a problem that is found late (in planning, in a build)
 * can still show the line of builds.yaml or of the Dockerfile that caused it.
 */

/** A file that was read, or text from elsewhere (`-` for stdin, `--set` for an override). */
export interface SourceFile {
  /** Path, relative to the working directory if that is shorter. */
  readonly path: string;
  /** Its whole content. */
  readonly text: string;
  /** It comes from the command line and not from a file. */
  readonly isCommandLine?: true;
}

/** Half-open range of UTF-16 offsets in a file. */
export interface Span {
  /** The file. */
  readonly source: SourceFile;
  /** Offset of its first character. */
  readonly start: number;
  /** Offset after its last character. */
  readonly end: number;
}

/** One-based line and column, as editors count. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1; UTF-16 units, as editors count. */
  readonly column: number;
}

const lineStartsByText = new WeakMap<SourceFile, readonly number[]>();

/** Offsets of the starts of a file's lines; computed once for each file. */
export function lineStarts(source: SourceFile): readonly number[] {
  const known = lineStartsByText.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf('\n'); at !== -1; at = source.text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  lineStartsByText.set(source, starts);
  return starts;
}

/** Converts an offset to line and column; offsets past the end mean the end. */
export function positionAt(source: SourceFile, offset: number): Position {
  const starts = lineStarts(source);
  const at = Math.max(0, Math.min(offset, source.text.length));
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: at - (starts[low] ?? 0) + 1 };
}

/** The span of a whole line (one-based), without its line break. */
export function spanOfLine(source: SourceFile, line: number): Span {
  const starts = lineStarts(source);
  const start = starts[line - 1] ?? source.text.length;
  const next = starts[line];
  return { source, start, end: next === undefined ? source.text.length : Math.max(start, next - 1) };
}

/** `file:line:column` of the start of a span. */
export function formatPlace(span: Span): string {
  const { line, column } = positionAt(span.source, span.start);
  return `${span.source.path}:${line}:${column}`;
}

/** Longer pieces are not searched: lists may have thousands of items. */
const MAX_SEARCHED_CHARS = 10_000;

/** The place of a text (with its quotes) inside a span, if it occurs there exactly once; otherwise the whole span. */
export function narrowSpan(span: Span, text: string): Span {
  const { source, start, end } = span;
  if (text === '' || end - start > MAX_SEARCHED_CHARS) return span;
  const piece = source.text.slice(start, end);
  const written = `"${text}"`;
  const at = piece.indexOf(written);
  if (at === -1 || piece.indexOf(written, at + 1) !== -1) return span;
  return { source, start: start + at, end: start + at + written.length };
}
