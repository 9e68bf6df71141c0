import { Buffer } from 'node:buffer';

/** Characters that need no quotes in any shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Quotes a word for a shell, on one line: line breaks and control characters as bash's `$'…'`. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  // Characters that a line of text cannot contain, or that some programs read as a line break. Created on demand, because it is slow.
  const noText = /[\p{C}\p{Zl}\p{Zp}]/gu;
  if (word.search(noText) === -1) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = word.replace(/[\\']/g, '\\$&').replace(noText, (one) => NAMED[one] ?? bytesOf(one));
  return `$'${escaped}'`;
}

/** As bytes, because the result of `\u` depends on the locale. */
function bytesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
