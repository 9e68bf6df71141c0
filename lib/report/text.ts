/**
 * Text as a terminal shows it. Text from files, logs or registries must pass through `plainText` before it reaches a
 * terminal, so that escape sequences in a build's log cannot move the cursor or fake output.
 */
import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';
import { CONTROL, hasControls } from '../util/control-characters.ts';

/** Width of a tab. It rarely matters in Dockerfiles and YAML (which forbids tabs), but must be the same within code frames. */
const TAB = '    ';

const PRINTABLE_ASCII = /^[ -~]*$/;

let segmenter: Intl.Segmenter | undefined;

/** User-perceived characters. The segmenter is slow, so it is used only for text with combined characters. */
function graphemes(text: string): Iterable<string> {
  // Without any of these, every code point is one character (except old Hangul).
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

/** Terminal columns of a text; escape sequences have none. */
export function widthOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  const bare = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  for (const grapheme of graphemes(bare)) width += graphemeWidth(grapheme);
  return width;
}

/** Makes every character of a line visible: tabs as spaces, control and hidden characters as `·`. */
export function visibleText(line: string): string {
  return PRINTABLE_ASCII.test(line) ? line : line.replaceAll('\t', TAB).replace(CONTROL, '·');
}

/**
 * One line that is safe for a terminal: without escape sequences, the rest as in `visibleText`. If carriage returns
 * overwrite the line (progress bars in RUN steps), only the last state remains.
 */
export function plainText(line: string): string {
  if (PRINTABLE_ASCII.test(line)) return line;
  const bare = stripVTControlCharacters(line).replace(/\r+$/, '');
  return visibleText(bare.slice(bare.lastIndexOf('\r') + 1));
}

/** Matches palette colours, line breaks and tabs first, then control characters. */
const KEPT_OR_CONTROL = new RegExp(
  String.raw`(\u001b\[(?:1|2|22|39|[39][0-7])m|[\n\t])|${CONTROL.source}`,
  'g',
);

/**
 * Text with palette colours that is safe for a terminal: other control characters except line breaks and tabs become
 * `·`. A last safeguard for text that was not cleaned before.
 */
export function harmlessText(text: string): string {
  if (!hasControls(text)) return text;
  return text.replace(KEPT_OR_CONTROL, (_, kept: string | undefined) => kept ?? '·');
}

/** Pads a text on the right; longer texts are unchanged. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** The text padded on its left. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Truncates an unstyled text to `width` columns, with `…` at the cut. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? '' : `${sliceColumns(text, 0, width - 1)}…`;
}

/** The characters of an unstyled text that fit completely between two columns. */
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

/** Wraps an unstyled text at spaces; longer words stay whole. */
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

/** The common parent directory of all these paths; undefined: they differ, or there are none. */
export function directoryOf(paths: readonly string[]): string | undefined {
  const found = new Set(paths.map((one) => one.replace(/[\\/][^\\/]*$/, '')));
  return found.size === 1 ? [...found][0] : undefined;
}
