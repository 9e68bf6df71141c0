/** A terminal for tests: a writer that keeps what is on the screen, for the few sequences our own code writes. */
import type { Writer } from '../../lib/report/mod.ts';

/** A writer with a size that remembers lines, and whether the cursor shows. */
export class ScreenEmulator implements Writer {
  columns: number;
  rows: number;
  readonly isTTY = true;
  cursorShown = true;
  writes = 0;
  #lines: string[] = [''];
  #row = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.writes += 1;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is for
    for (const token of text.match(/\u001b\[[?\d;]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g) ?? []) this.#take(token);
  }

  /** All lines ever shown that were not written over, the empty last one left out. */
  get lines(): readonly string[] {
    return this.#lines.at(-1) === '' ? this.#lines.slice(0, -1) : this.#lines;
  }

  #take(token: string): void {
    if (token === '\n') {
      this.#row += 1;
      this.#lines[this.#row] ??= '';
    } else if (token === '\r') return;
    else if (!token.startsWith('\u001b')) this.#lines[this.#row] = token;
    else if (token.endsWith('A')) {
      this.#row -= Number(token.slice(2, -1));
      this.#lines[this.#row] ??= '';
    } else if (token.endsWith('J')) {
      this.#lines.length = this.#row;
      this.#lines.push('');
    } else if (token === '\u001b[?25l') this.cursorShown = false;
    else if (token === '\u001b[?25h') this.cursorShown = true;
  }
}
