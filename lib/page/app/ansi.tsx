/** Text with ANSI colours as elements. It never becomes markup: colours become classes, text stays text. */
import Anser from 'anser';
import type { ComponentChildren } from 'preact';

const ESC = String.raw`\u001b`;
/** Escape sequences other than CSI ones, which the parser knows: titles, links, and two-character ones. */
const OTHER_SEQUENCES = new RegExp(
  String.raw`${ESC}(?:\][^\u0007${ESC}]*(?:\u0007|${ESC}\\)?|[PX^_][^${ESC}]*(?:${ESC}\\)?|[^[\]PX^_])`,
  'g',
);
/** All but line feeds, tabs, carriage returns and {@link ESC}. */
const CONTROL = new RegExp(`[${String.raw`\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f`}]`, 'g');
const LINES_IN_BLOCK = 100;

/** The text as a terminal shows it in the end: of a line that was overwritten, only the last state. */
export function settleText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\n]*\r(?=[^\n])/g, '')
    .replaceAll('\r', '')
    .replaceAll(OTHER_SEQUENCES, '')
    .replaceAll(CONTROL, '');
}

/** Coloured text, in blocks that are laid out only when visible. */
export function AnsiText({ text }: { readonly text: string }) {
  const anser = new Anser();
  const lines = settleText(text).replace(/\n$/, '').split('\n');
  const blocks = [];
  for (let from = 0; from < lines.length; from += LINES_IN_BLOCK) {
    const own = lines.slice(from, from + LINES_IN_BLOCK);
    blocks.push(
      <div class="log-block" key={from} style={{ containIntrinsicHeight: `auto ${own.length * 1.5}em` }}>
        {toSpans(anser, `${own.join('\n')}\n`)}
      </div>,
    );
  }
  return <>{blocks}</>;
}

function toSpans(anser: Anser, text: string): ComponentChildren {
  return anser.ansiToJson(text, { use_classes: true, remove_empty: true, json: true }).map((part, at) => {
    const classes = classesOf(part);
    const style = styleOf(part);
    if (classes === '' && style === undefined) return part.content;
    return (
      <span key={at} class={classes} {...(style === undefined ? {} : { style })}>
        {part.content}
      </span>
    );
  });
}

function classesOf({ fg, bg, decorations }: Anser.AnserJsonEntry): string {
  const classes = decorations.map((one) => `ansi-${one}`);
  if (fg && !isFree(fg)) classes.push(`fg-${fg.slice(5)}`);
  if (bg && !isFree(bg)) classes.push(`bg-${bg.slice(5)}`);
  return classes.join(' ');
}

function isFree(name: string): boolean {
  return name === 'ansi-truecolor' || name.startsWith('ansi-palette-');
}

/** Colours beyond the 16 standard ones, as the arguments of a color function made here. */
function styleOf(part: Anser.AnserJsonEntry): { color?: string; backgroundColor?: string } | undefined {
  const color = freeColour(part.fg, part.fg_truecolor);
  const backgroundColor = freeColour(part.bg, part.bg_truecolor);
  if (color === undefined && backgroundColor === undefined) return undefined;
  return {
    // Lightness is limited, so that colours meant for a black terminal are readable on white, and vice versa.
    ...(color === undefined
      ? {}
      : { color: `oklch(from rgb(${color}) clamp(var(--ansi-min), l, var(--ansi-max)) c h)` }),
    ...(backgroundColor === undefined ? {} : { backgroundColor: `rgb(${backgroundColor} / 0.35)` }),
  };
}

function freeColour(name: string | null, truecolor: string | null): string | undefined {
  if (name === 'ansi-truecolor') {
    const numbers = (truecolor ?? '').split(',').map(Number);
    return numbers.length === 3 && numbers.every((one) => one >= 0 && one <= 255)
      ? numbers.join(' ')
      : undefined;
  }
  if (name?.startsWith('ansi-palette-')) return paletteColour(Number(name.slice(13)));
  return undefined;
}

/** Colours 16 to 255 of xterm: a cube, then greys. */
function paletteColour(index: number): string | undefined {
  if (!(index >= 16 && index <= 255)) return undefined;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `${grey} ${grey} ${grey}`;
  }
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(' ');
}
