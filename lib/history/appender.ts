/**
 * Files that grow: what is to be written is gathered and goes to the disk a few times a second, at one go. The calls are
 * synchronous: they take microseconds, keep the order, and the last one works when a process ends at once. Nothing more is added
 * to a file after the first time that fails.
 */
import { appendFileSync, chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';
import { ownUid, renameOverSync } from '../system/mod.ts';

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
/** Whatever the group and others may do. */
const OTHERS = 0o077;

/** Closes a directory of our own to other users where an earlier version, or a hand, left it open. */
export function shutDirectory(dir: string): void {
  try {
    const { mode, uid } = statSync(dir);
    if ((mode & OTHERS) !== 0 && uid === ownUid()) chmodSync(dir, DIR_MODE);
  } catch {
    // Not there yet, or nothing that we may change.
  }
}

/** Appends to files, and replaces them. */
export class Appender {
  readonly #pending = new Map<string, string[]>();
  #chars = 0;
  #timer: NodeJS.Timeout | undefined;
  /** In the order in which they were noticed. */
  readonly #faults = new Map<string, WriteFault>();

  /** The first thing that went wrong, if something did. */
  get fault(): WriteFault | undefined {
    const [first] = this.#faults.values();
    return first;
  }

  /** Whether something went wrong with this file. */
  hasFault(file: string): boolean {
    return this.#faults.has(file);
  }

  /** Makes a directory, at once, and those above it. */
  makeDirectory(dir: string): void {
    this.#attempt(dir, () => mkdirSync(dir, { recursive: true, mode: DIR_MODE }));
  }

  /** Adds to the end of a file, soon. */
  append(file: string, text: string): void {
    if (text === '' || this.#faults.has(file)) return;
    const texts = this.#pending.get(file);
    if (texts === undefined) this.#pending.set(file, [text]);
    else texts.push(text);
    this.#chars += text.length;
    if (this.#chars > FLUSH_CHARS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /**
   * Replaces a file, at once: whoever reads it sees the old content or the new one. Tried also where it failed before, since
   * there may be room again.
   */
  replace(file: string, text: string): void {
    this.#attempt(file, () => {
      writeFileSync(`${file}.tmp`, text, { mode: FILE_MODE });
      renameOverSync(`${file}.tmp`, file);
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
    try {
      work();
    } catch (error) {
      if (!this.#faults.has(file)) this.#faults.set(file, { error, file });
    }
  }
}
