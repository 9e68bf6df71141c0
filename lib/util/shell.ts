import { Buffer } from 'node:buffer';

/** What needs no quotes in any shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A word as a shell reads it back, on one line: with line ends and control characters as bash's `$'…'`. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  // What a line of text cannot have in it, or what readers of text take for the end of a line. Not made before: it takes long.
  const noText = /[\p{C}\p{Zl}\p{Zp}]/gu;
  if (word.search(noText) === -1) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = word.replace(/[\\']/g, '\\$&').replace(noText, (one) => NAMED[one] ?? bytesOf(one));
  return `$'${escaped}'`;
}

/** By bytes, since what `\u` gives depends on the locale. */
function bytesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
