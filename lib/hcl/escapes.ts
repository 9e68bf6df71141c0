/** Resolves the escapes in the text of a template. */
import type { Fault } from './scan.ts';

/** An invalid escape, with its position in the text. */
export interface EscapeFault extends Fault {
  readonly at: number;
  readonly length: number;
}

const SIMPLE: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
const QUOTED = /\\(?:u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|[^uU])|\$\$\{|%%\{/gu;
const PLAIN = /\$\$\{|%%\{/g;

/** Resolves `$${`, `%%{` and, in quotes, backslash escapes. */
export function resolveEscapes(
  text: string,
  isQuoted: boolean,
): { readonly value: string; readonly faults: readonly EscapeFault[] } {
  if (!/[\\$%]/.test(text)) return { value: text, faults: [] };
  const faults: EscapeFault[] = [];
  const value = text.replace(isQuoted ? QUOTED : PLAIN, (written: string, at: number) => {
    if (written[0] !== '\\') return written.slice(1);
    const selector = written.slice(1, 2);
    const simple = SIMPLE[selector];
    if (simple !== undefined) return simple;
    const fault = selector === 'u' || selector === 'U' ? faultOfCodePoint(written) : faultOfEscape(written);
    if (fault === undefined) return String.fromCodePoint(Number.parseInt(written.slice(2), 16));
    faults.push({ ...fault, at, length: written.length });
    return written;
  });
  return { value, faults };
}

function faultOfCodePoint(written: string): Fault | undefined {
  const digits = written[1] === 'u' ? 4 : 8;
  if (written.length !== digits + 2) {
    return {
      message: `\\${written[1]} needs ${digits} hexadecimal digits`,
      hint: 'For a backslash write \\\\.',
    };
  }
  const point = Number.parseInt(written.slice(2), 16);
  if (point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)) return undefined;
  return {
    message: `${written} is not a valid character`,
    hint: 'Characters above U+FFFF are written as \\U and eight digits, not as two halves.',
  };
}

function faultOfEscape(written: string): Fault {
  return {
    message: `Invalid escape ${written}`,
    hint: 'Valid escapes are \\n, \\r, \\t, \\", \\\\, \\uXXXX and \\UXXXXXXXX. For a backslash write \\\\.',
  };
}
