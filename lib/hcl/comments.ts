/** Assigns comments: to the item below, to the item before them on the line, or to nothing. */
import type { Span } from '../model/mod.ts';
import { type Reader, spanOf } from './reader.ts';
import type { Token } from './scan.ts';
import type { Comments } from './syntax.ts';

/** Comments directly above the token at `index`, each first on its line, without an empty line between. */
export function commentsAbove(reader: Reader, index: number): readonly string[] {
  const { tokens, taken } = reader;
  const found: Token[] = [];
  let below = tokens[index];
  for (let at = index - 1; at >= 0 && below !== undefined; at--) {
    const token = tokens[at];
    if (token?.kind === 'newline') continue;
    if (token?.kind !== 'comment' || taken.has(at)) break;
    if (!isFirstOnLine(reader.text, token.start) || !isNextLine(reader.text, token.end, below.start)) break;
    found.unshift(token);
    taken.add(at);
    below = token;
  }
  return found.flatMap((token) => linesOf(reader.text.slice(token.start, token.end)));
}

/** The comment after what was read last, on the same line. */
export function commentBehind(reader: Reader): string | undefined {
  const { tokens, text, taken } = reader;
  const at = firstAfterLast(reader);
  const comment = tokens[at];
  if (comment?.kind !== 'comment' || taken.has(at)) return undefined;
  if (text.slice(tokens[at - 1]?.end ?? 0, comment.start).includes('\n')) return undefined;
  taken.add(at);
  return linesOf(text.slice(comment.start, comment.end)).join(' ');
}

/** Index of the token directly after the last significant one. */
function firstAfterLast(reader: Reader): number {
  let at = reader.at;
  while (at > 0 && isTrivia(reader.tokens[at - 1])) at--;
  return at;
}

function isTrivia(token: Token | undefined): boolean {
  return token?.kind === 'comment' || token?.kind === 'newline';
}

/** Unassigned comments before the token at `end` and after the previous item. */
export function untakenComments(reader: Reader, end: number): readonly string[] {
  let start = end;
  while (start > 0 && isTrivia(reader.tokens[start - 1])) start--;
  return takeComments(reader, start, end).flatMap(({ lines }) => lines);
}

/** Unassigned comments in a range of tokens; those on consecutive lines are joined. */
export function takeComments(
  reader: Reader,
  start: number,
  end: number,
): readonly { readonly lines: readonly string[]; readonly span: Span }[] {
  const { tokens, text, taken } = reader;
  const found: { lines: string[]; start: number; end: number }[] = [];
  for (let at = start; at < end; at++) {
    const token = tokens[at];
    if (token?.kind !== 'comment' || taken.has(at)) continue;
    taken.add(at);
    const lines = [...linesOf(text.slice(token.start, token.end))];
    const last = found.at(-1);
    const contentEnd = text[token.end - 1] === '\n' ? token.end - 1 : token.end;
    if (last !== undefined && isNextLine(text, last.end, token.start)) {
      last.lines.push(...lines);
      last.end = contentEnd;
    } else {
      found.push({ lines, start: token.start, end: contentEnd });
    }
  }
  return found.map((one) => ({ lines: one.lines, span: spanOf(reader, one.start, one.end) }));
}

/** Combines comments; the empty result is a shared object. */
export function commentsOf(above: readonly string[], behind: string | undefined): Comments {
  if (behind !== undefined) return { above, behind };
  return above.length === 0 ? NO_COMMENTS : { above };
}

const NO_COMMENTS: Comments = { above: [] };

function isFirstOnLine(text: string, start: number): boolean {
  let at = start - 1;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\ufeff') at--;
  return at < 0 || text[at] === '\n';
}

/** Whether `start` is on the line directly below `end`, with nothing between. */
function isNextLine(text: string, end: number, start: number): boolean {
  const between = text[end - 1] === '\n' ? text.slice(end - 1, start) : text.slice(end, start);
  return /^[ \t]*\r?\n[ \t]*$/.test(between);
}

/** The lines of a comment without comment characters and common indentation. */
function linesOf(comment: string): readonly string[] {
  // A line that only consists of comment characters is a separator.
  if (/^##+\s*$/.test(comment)) return [comment.trimEnd().slice(1)];
  if (comment.startsWith('#')) return [comment.replace(/^#+ ?/, '').trimEnd()];
  if (comment.startsWith('//')) return [comment.slice(2).replace(/^ /, '').trimEnd()];
  const lines = comment
    .slice(2, -2)
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd());
  while (lines[0] === '') lines.shift();
  while (lines.at(-1) === '') lines.pop();
  return lines;
}
