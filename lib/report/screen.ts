/** The bottom of a terminal, which is redrawn below permanent lines. Independent of builds. */
import { stripVTControlCharacters } from 'node:util';
import { harmlessText, widthOf } from './text.ts';
import type { Writer } from './writer.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that support it draw a frame at once, without flicker; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
const ERASE_BELOW = '\u001b[J';
const ERASE_LINE_END = '\u001b[K';

/** Must be closed, or the cursor stays hidden. */
export class Screen {
  readonly #out: Writer;
  #drawn: readonly string[] = [];
  /** The last known size of the terminal. When it changes, the terminal moves and wraps the lines on it. */
  #size = '';
  #hidden = false;

  constructor(out: Writer) {
    this.#out = out;
  }

  /** Adds `permanent` lines above, and replaces the `live` lines. No live line may be wider than the terminal. */
  draw(permanent: readonly string[], live: readonly string[]): void {
    const size = `${this.#out.columns}x${this.#out.rows}`;
    if (permanent.length === 0 && size === this.#size && sameLines(live, this.#drawn)) return;
    this.#size = size;
    let text = BEGIN_FRAME;
    if (!this.#hidden && live.length > 0) {
      text += HIDE_CURSOR;
      this.#hidden = true;
    }
    text += this.#toTop();
    for (const line of [...permanent, ...live]) text += `${harmlessText(line)}${ERASE_LINE_END}\n`;
    text += ERASE_BELOW + END_FRAME;
    this.#write(text);
    this.#drawn = live;
  }

  /** Leaves the current lines on the terminal; the next frame is drawn below. */
  forget(): void {
    this.#drawn = [];
    this.#hidden = false;
  }

  /** Removes the live lines and shows the cursor; permanent lines stay. */
  close(): void {
    const text = this.#drawn.length > 0 ? this.#toTop() + ERASE_BELOW : '';
    this.#drawn = [];
    if (text === '' && !this.#hidden) return;
    this.#write(text + (this.#hidden ? SHOW_CURSOR : ''));
    this.#hidden = false;
  }

  #write(text: string): void {
    if (this.#out.writeRaw === undefined) this.#out.write(text);
    else this.#out.writeRaw(text);
  }

  /** Moves to the first live line. If the terminal became narrower, it has wrapped the lines. */
  #toTop(): string {
    if (this.#drawn.length === 0) return '';
    const columns = this.#out.columns ?? Number.POSITIVE_INFINITY;
    let rows = 0;
    for (const line of this.#drawn) {
      rows += Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / Math.max(1, columns)));
    }
    // Lines that scrolled off the top cannot be reached.
    const reachable = Math.min(rows, Math.max(1, (this.#out.rows ?? rows + 1) - 1));
    return `\u001b[${reachable}A\r`;
  }
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at]);
}
