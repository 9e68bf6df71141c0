/**
 * Text as a terminal shows it. Nothing that came from a file, a log or a registry reaches a terminal without passing
 * through `plainText` first: an escape sequence in a build's log must not move our cursor or fake our output.
 */
import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';
import { CONTROL, hasControls } from '../util/control-characters.ts';

/** How wide a tab is drawn; Dockerfiles and YAML (which forbids tabs) rarely care, code frames must only agree with themselves. */
const TAB = '    ';

const PRINTABLE_ASCII = /^[ -~]*$/;

let segmenter: Intl.Segmenter | undefined;

/** User-perceived characters. The segmenter is slow, so only text that has characters made of several asks for it. */
function graphemes(text: string): Iterable<string> {
  // Without any of these, every code point is a character of its own (but for old Hangul, which nobody writes here).
  if (!/\p{Mark}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d/u.test(text)) return text;
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), (one) => one.segment);
}

function graphemeWidth(grapheme: string): number {
  const first = grapheme.codePointAt(0) ?? 0;
  if (first < 0x7f) return first < 0x20 ? 0 : 1;
  if (/^(?:\p{Mark}|\u200d)+$/u.test(grapheme)) return 0;
  const isPicture = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u.test(grapheme);
  return isPicture ? 2 : eastAsianWidth(first);
}

/** Columns a text takes on a terminal; escape sequences take none. */
export function widthOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  const bare = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  for (const grapheme of graphemes(bare)) width += graphemeWidth(grapheme);
  return width;
}

/** The line with every character drawn: tabs as spaces, each character a terminal would obey or hide as `·`. */
export function visibleText(line: string): string {
  return PRINTABLE_ASCII.test(line) ? line : line.replaceAll('\t', TAB).replace(CONTROL, '·');
}

/**
 * One line without anything a terminal would obey: escape sequences gone, the rest as `visibleText` draws it. Of a line that was overwritten by carriage returns (progress bars in RUN
 * steps) the last state counts.
 */
export function plainText(line: string): string {
  if (PRINTABLE_ASCII.test(line)) return line;
  const bare = stripVTControlCharacters(line).replace(/\r+$/, '');
  return visibleText(bare.slice(bare.lastIndexOf('\r') + 1));
}

/** Colours of the palette, line breaks and tabs; then the rest. */
const KEPT_OR_CONTROL = new RegExp(
  String.raw`(\u001b\[(?:1|2|22|39|[39][0-7])m|[\n\t])|${CONTROL.source}`,
  'g',
);

/**
 * Text with our own colours, as it may go to a terminal: what it would obey besides them, line breaks and tabs is drawn as
 * `·`. The last door: whatever was forgotten on the way ends here.
 */
export function harmlessText(text: string): string {
  if (!hasControls(text)) return text;
  return text.replace(KEPT_OR_CONTROL, (_, kept: string | undefined) => kept ?? '·');
}

/** The text padded with spaces to a width; longer texts stay whole. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** The text padded on its left. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** At most `width` columns of an unstyled text; what was cut off is marked by `…`. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? '' : `${sliceColumns(text, 0, width - 1)}…`;
}

/** The characters of an unstyled text that lie wholly between two columns. */
export function sliceColumns(text: string, from: number, to: number): string {
  if (PRINTABLE_ASCII.test(text)) return text.slice(from, to);
  let at = 0;
  let out = '';
  for (const grapheme of graphemes(text)) {
    const next = at + graphemeWidth(grapheme);
    if (next > to) break;
    if (at >= from) out += grapheme;
    at = next;
  }
  return out;
}

/** Breaks an unstyled text at spaces so that each line fits; words longer than a line stay whole. */
export function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    if (widthOf(paragraph) <= width) return [paragraph];
    const lines: string[] = [];
    const indent = /^ */.exec(paragraph)?.[0] ?? '';
    let line = '';
    for (const word of paragraph.trim().split(/ +/)) {
      if (line !== '' && widthOf(indent) + widthOf(line) + 1 + widthOf(word) > width) {
        lines.push(indent + line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(indent + line);
    return lines;
  });
}

/** The directory that all of these paths lie in directly; undefined: they lie in several, or there are none. */
export function directoryOf(paths: readonly string[]): string | undefined {
  const found = new Set(paths.map((one) => one.replace(/[\\/][^\\/]*$/, '')));
  return found.size === 1 ? [...found][0] : undefined;
}
