/**
 * Hiding `${{ … }}` from the `yaml` package, which would cut it at a comma, make a map of `? :` and a comment of ` #`.
 * The marks inside are replaced by characters that mean nothing to YAML, one for one, so that offsets stay right.
 */
import { Tokenizer } from './tokenizer.ts';

/** A text that the package can read, and how to take the marks back in what the package makes of it. */
export interface MaskedText {
  readonly text: string;
  readonly unmask: (text: string) => string;
}

/** Hides the marks inside the expressions of plain scalars. */
export function maskExpressions(text: string): MaskedText {
  const base = text.includes('${{') ? freeBlock(text) : undefined;
  if (base === undefined) return { text, unmask: (masked) => masked };
  let result = '';
  let copied = 0;
  const tokens = new Tokenizer(text, (start, end) => {
    result += text.slice(copied, start) + mask(text.slice(start, end), base);
    copied = end;
  });
  do tokens.next();
  while (tokens.kind !== 'end');
  const masked = blockAt(base);
  return {
    text: result + text.slice(copied),
    unmask: (some) => some.replace(masked, (char) => String.fromCharCode(char.charCodeAt(0) - base)),
  };
}

const BLOCK = 128;

/** Where 128 characters of private use begin of which the text has none; undefined: it has some of every 128. */
function freeBlock(text: string): number | undefined {
  for (let base = 0xe000; base + BLOCK <= 0xf900; base += BLOCK) if (!blockAt(base).test(text)) return base;
  return undefined;
}

function blockAt(base: number): RegExp {
  return new RegExp(`[${String.fromCharCode(base)}-${String.fromCharCode(base + BLOCK - 1)}]`, 'g');
}

function mask(expression: string, base: number): string {
  return expression.replace(/[!-/:-@[-`{-~]/g, (mark) => String.fromCharCode(base + mark.charCodeAt(0)));
}
