/**
 * Files that grow: what is to be written is gathered and goes to the disk a few times a second, at one go. The calls are
 * synchronous: they take microseconds, keep the order, and the last one works when a process ends at once. After the first that
 * fails nothing more is written.
 */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';

/** What could not be done. */
export interface WriteFault {
  readonly error: unknown;
  readonly file: string;
}

/** As long as a reader who follows hardly notices. */
const FLUSH_MS = 150;
/** More than this is written without waiting. */
const FLUSH_CHARS = 1 << 20;
/** For their owner's eyes only. */
const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

/** Appends to files, and replaces them. */
export class Appender {
  readonly #pending = new Map<string, string[]>();
  #chars = 0;
  #timer: NodeJS.Timeout | undefined;
  #fault: WriteFault | undefined;

  /** The first thing that went wrong, if something did. */
  get fault(): WriteFault | undefined {
    return this.#fault;
  }

  /** Makes a directory, at once, and those above it. */
  makeDirectory(dir: string): void {
    this.#attempt(dir, () => mkdirSync(dir, { recursive: true, mode: DIR_MODE }));
  }

  /** Adds to the end of a file, soon. */
  append(file: string, text: string): void {
    if (this.#fault !== undefined || text === '') return;
    const texts = this.#pending.get(file);
    if (texts === undefined) this.#pending.set(file, [text]);
    else texts.push(text);
    this.#chars += text.length;
    if (this.#chars > FLUSH_CHARS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Replaces a file, at once: whoever reads it sees the old content or the new one. */
  replace(file: string, text: string): void {
    this.#attempt(file, () => {
      writeFileSync(`${file}.tmp`, text, { mode: FILE_MODE });
      renameSync(`${file}.tmp`, file);
    });
  }

  /** Writes what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#chars = 0;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [file, texts] of pending)
      this.#attempt(file, () => appendFileSync(file, texts.join(''), { mode: FILE_MODE }));
  }

  #attempt(file: string, work: () => void): void {
    if (this.#fault !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#fault = { error, file };
    }
  }
}
