/** Colours in the output of steps, as far as they are harmless on any terminal. */
import { plainText } from '../report/mod.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is for
const COLOUR_SEQUENCE = /(\u001b\[[\d;]*m)/;
const RESET: readonly number[] = [22, 39];

/**
 * A line as `plainText` returns it, but with its text colours, bold and dim, each in its own sequence and ended with
 * the line. Colours of 256 and more become the nearest of the 16 standard ones; backgrounds are removed.
 */
export function colouredText(line: string): string {
  if (!line.includes('\u001b[')) return plainText(line);
  // A carriage return discards the text before it, with its colours.
  const bare = line.replace(/\r+$/, '');
  const parts = bare.slice(bare.lastIndexOf('\r') + 1).split(COLOUR_SEQUENCE);
  let isOpen = false;
  const shown = parts.map((part, at) => {
    if (at % 2 === 0) return plainText(part);
    const codes = simpleCodes(part.slice(2, -1));
    if (codes.length > 0) isOpen = codes.some((code) => !RESET.includes(code));
    return codes.map(sequence).join('');
  });
  return `${shown.join('')}${isOpen ? RESET.map(sequence).join('') : ''}`;
}

function sequence(code: number): string {
  return `\u001b[${code}m`;
}

/** The codes in a sequence (ECMA-48, SGR) for bold, dim and text colours; 0 resets both. */
function simpleCodes(written: string): readonly number[] {
  const numbers = written.split(';').map(Number);
  const codes: number[] = [];
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 0) codes.push(...RESET);
    else if (code === 38 || code === 48) {
      const isIndexed = numbers[at + 1] === 5;
      const values = numbers.slice(at + 2, at + (isIndexed ? 3 : 5));
      if (code === 38) codes.push(isIndexed ? colourOfIndex(values[0] ?? 0) : nearest(values));
      at += 1 + values.length;
    } else if ([1, 2, 22, 39].includes(code) || (code >= 30 && code <= 37) || (code >= 90 && code <= 97))
      codes.push(code);
  }
  return codes;
}

/** One of 256 colours: the 16 standard ones, a 6×6×6 cube, and greys. */
function colourOfIndex(index: number): number {
  if (index < 16) return index < 8 ? 30 + index : 82 + index;
  if (index >= 232) return nearest([0, 0, 0].map(() => 8 + 10 * (index - 232)));
  const cube = index - 16;
  return nearest([cube / 36, (cube / 6) % 6, cube % 6].map((part) => Math.floor(part) * 51));
}

/** Red, green and blue, each from 0 to 255. */
function nearest([red = 0, green = 0, blue = 0]: readonly number[]): number {
  const most = Math.max(red, green, blue);
  const bit = (part: number): number => (part > 0 && part * 2 > most ? 1 : 0);
  if (most < 64) return 90;
  return (most > 200 ? 90 : 30) + bit(red) + 2 * bit(green) + 4 * bit(blue);
}
