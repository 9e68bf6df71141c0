/** Characters as Go counts and changes them. */

let segmenter: Intl.Segmenter | undefined;

/**
 * What people see as one character each (https://unicode.org/reports/tr29/, version 15.0 as in go-textseg): newer runtimes join
 * consonants of Indic scripts, which are taken apart again.
 */
export function clusters(text: string): readonly string[] {
  // Without joining characters and line ends every code point stands for itself.
  if (/^[\t\n -~]*$/.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter('und', { granularity: 'grapheme' });
  return [...segmenter.segment(text)].flatMap(({ segment }) =>
    segment.length === 1 ? [segment] : segment.split(/(?<=[\p{M}\u200d])(?=\p{Lo})/u),
  );
}

/** In upper case, each character on its own. */
export function upperCase(text: string): string {
  return mapCharacters(text, upperOf);
}

/** In lower case, each character on its own. */
export function lowerCase(text: string): string {
  return mapCharacters(text, (char) => {
    const lower = char.toLowerCase();
    return isOne(lower) ? lower : char === '\u0130' ? 'i' : char;
  });
}

/** With a capital at the start of each word; words end where no letter, digit or `_` follows, or at white space (Go's strings.Title). */
export function titleCase(text: string): string {
  let before = ' ';
  return mapCharacters(text, (char) => {
    const starts = endsWord(before);
    before = char;
    return starts ? titleOf(char) : char;
  });
}

/** Without white space at both ends. */
export function trimSpace(text: string): string {
  return trimmed(text, isSpace);
}

/** Without characters of a set at both ends. */
export function trimCharacters(text: string, set: string): string {
  const characters = new Set(set);
  return trimmed(text, (char) => characters.has(char));
}

function trimmed(text: string, out: (char: string) => boolean): string {
  const characters = [...text];
  let start = 0;
  let end = characters.length;
  while (start < end && out(characters[start] as string)) start++;
  while (end > start && out(characters[end - 1] as string)) end--;
  return characters.slice(start, end).join('');
}

function mapCharacters(text: string, map: (char: string) => string): string {
  let mapped = '';
  for (const char of text) mapped += map(char);
  return mapped;
}

function isOne(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff);
}

function upperOf(char: string): string {
  const upper = char.toUpperCase();
  if (isOne(upper)) return upper;
  const code = char.codePointAt(0) ?? 0;
  // Greek letters with an iota below have a capital of their own, which Unicode's full mapping does not use.
  if (code >= 0x1f80 && code <= 0x1faf && code % 16 < 8) return String.fromCodePoint(code + 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  return char;
}

/** As {@link upperOf}, but that letters which stand for two have only the first one as a capital, and Georgian has none. */
function titleOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  for (const middle of [0x1c5, 0x1c8, 0x1cb, 0x1f2])
    if (Math.abs(code - middle) <= 1) return String.fromCodePoint(middle);
  if ((code >= 0x10d0 && code <= 0x10fa) || (code >= 0x10fd && code <= 0x10ff)) return char;
  return upperOf(char);
}

function endsWord(char: string): boolean {
  if (char <= '\u007f') return !/[0-9A-Za-z_]/.test(char);
  return !/[\p{L}\p{Nd}]/u.test(char) && isSpace(char);
}

function isSpace(char: string): boolean {
  return /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(char);
}
