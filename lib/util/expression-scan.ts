/**
 * Finds `${{ … }}` in text. Both YAML readers and the evaluator use it, so that they agree where an expression ends: at
 * the first `}}` outside of quotes and of the expression's own braces.
 */

const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** End (exclusive) of an expression that starts at `start` (the offset of its `$`); -1 if it is not closed. */
export function endOfExpression(text: string, start: number, limit: number = text.length): number {
  let depth = 0;
  let at = start + 3;
  while (at < limit) {
    const code = text.charCodeAt(at);
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
      at = endOfQuoted(text, at, limit);
      if (at === -1) return -1;
      continue;
    }
    if (code === OPEN_BRACE) depth++;
    else if (code === CLOSE_BRACE) {
      if (depth > 0) depth--;
      else if (text.charCodeAt(at + 1) === CLOSE_BRACE && at + 1 < limit) return at + 2;
    }
    at++;
  }
  return -1;
}

function endOfQuoted(text: string, start: number, limit: number): number {
  const quote = text[start] as string;
  const raw = /[rR]/.test(text[start - 1] ?? '');
  const fence = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + fence.length; at < limit; at++) {
    if (text[at] === '\\' && !raw) at++;
    else if (text.startsWith(fence, at)) return at + fence.length;
  }
  return -1;
}

/** A piece of a text: a literal, or the content of an expression with its offset in the text. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'expression';
      readonly code: string;
      /** Offset of the first character after `${{`. */
      readonly codeStart: number;
      /** Offsets of the whole `${{ … }}`. */
      readonly start: number;
      readonly end: number;
    };

/** Splits a text into pieces; `$${{` is a literal `${{`. `unclosed` is the offset of an expression that is not closed. */
export function splitExpressions(text: string): {
  readonly pieces: readonly Piece[];
  readonly unclosed?: number;
} {
  const pieces: Piece[] = [];
  let literal = '';
  let from = 0;
  for (;;) {
    const open = text.indexOf('${{', from);
    if (open === -1) break;
    if (open > 0 && text[open - 1] === '$') {
      literal += `${text.slice(from, open - 1)}\${{`;
      from = open + 3;
      continue;
    }
    literal += text.slice(from, open);
    const end = endOfExpression(text, open);
    if (end === -1) return { pieces, unclosed: open };
    if (literal !== '') pieces.push({ kind: 'text', text: literal });
    literal = '';
    pieces.push({
      kind: 'expression',
      code: text.slice(open + 3, end - 2),
      codeStart: open + 3,
      start: open,
      end,
    });
    from = end;
  }
  literal += text.slice(from);
  if (literal !== '') pieces.push({ kind: 'text', text: literal });
  return { pieces };
}
