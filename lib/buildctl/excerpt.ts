/**
 * The file excerpts that buildctl prints with an error (buildkit solver/errdefs/source.go, `Source.Print`):
 *
 * ```text
 * Dockerfile:2
 * --------------------
 *    1 |     FROM scratch
 *    2 | >>> RUN exit 7
 * --------------------
 * ```
 */
import { type SourceFile, type Span, spanOfLine } from '../model/mod.ts';

/** A range of lines, one-based and inclusive. */
export interface Excerpt {
  /** The engine's path: relative to the source that it received. */
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

const HEAD = /^(.+):(\d+)$/;
const RULE = /^-{20}$/;
const MARKED = /^ *(\d+) \| >>>(?: |$)/;
const NUMBERED = /^ *\d+ \| (?:>>>| {3})/;

/** Separates the excerpts from the other lines of an output. */
export function takeExcerpts(lines: readonly string[]): {
  readonly excerpts: readonly Excerpt[];
  readonly rest: readonly string[];
} {
  const excerpts: Excerpt[] = [];
  const rest: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const head = HEAD.exec(line);
    if (head === null || !RULE.test(lines[at + 1] ?? '')) {
      rest.push(line);
      continue;
    }
    let end = at + 2;
    while (NUMBERED.test(lines[end] ?? '')) end++;
    if (!RULE.test(lines[end] ?? '')) {
      rest.push(line);
      continue;
    }
    const marked = lines.slice(at + 2, end).flatMap((one) => Number(MARKED.exec(one)?.[1] ?? Number.NaN));
    const numbers = marked.filter((one) => !Number.isNaN(one));
    const fallback = Number(head[2]);
    excerpts.push({
      file: head[1] ?? '',
      firstLine: numbers[0] ?? fallback,
      lastLine: numbers.at(-1) ?? fallback,
    });
    at = end;
  }
  return { excerpts, rest };
}

/** The span of an excerpt in our copy of the file, without surrounding blanks; undefined if it has no such line. */
export function spanOfExcerpt(source: SourceFile, excerpt: Excerpt): Span | undefined {
  const start = spanOfLine(source, excerpt.firstLine).start;
  const end = spanOfLine(source, excerpt.lastLine).end;
  const text = source.text.slice(start, end);
  if (text.trim() === '') return undefined;
  return {
    source,
    start: start + text.length - text.trimStart().length,
    end: end - (text.length - text.trimEnd().length),
  };
}
