/**
 * Growing files: text is buffered and written to disk in batches a few times a second. The calls are synchronous: they
 * take microseconds, keep the order, and work right before the process ends. After the first failure nothing more is
 * appended to a file.
 */
import { appendFileSync, chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';
import { ownUid, renameOverSync } from '../system/mod.ts';

/** A failed write. */
export interface WriteFault {
  readonly error: unknown;
  readonly file: string;
}

/** Short enough for somebody who follows the file. */
const FLUSH_MS = 150;
/** More text is written at once. */
const FLUSH_CHARS = 1 << 20;
/** Accessible only to the owner. */
const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
/** All permissions of the group and others. */
const OTHERS = 0o077;

/** Closes a directory of bake-ts to other users if an earlier version, or a user, left it open. */
export function shutDirectory(dir: string): void {
  try {
    const { mode, uid } = statSync(dir);
    if ((mode & OTHERS) !== 0 && uid === ownUid()) chmodSync(dir, DIR_MODE);
  } catch {
    // The directory does not exist yet, or may not be changed.
  }
}

/** Appends to files, and replaces them. */
export class Appender {
  readonly #pending = new Map<string, string[]>();
  #chars = 0;
  #timer: NodeJS.Timeout | undefined;
  /** In the order of detection. */
  readonly #faults = new Map<string, WriteFault>();

  /** The first fault, if any. */
  get fault(): WriteFault | undefined {
    const [first] = this.#faults.values();
    return first;
  }

  /** Whether a write to this file failed. */
  hasFault(file: string): boolean {
    return this.#faults.has(file);
  }

  /** Creates a directory and its parents at once. */
  makeDirectory(dir: string): void {
    this.#attempt(dir, () => mkdirSync(dir, { recursive: true, mode: DIR_MODE }));
  }

  /** Appends to a file with the next batch. */
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
   * Replaces a file atomically and at once. Also tried after an earlier failure, because there may be free space again.
   */
  replace(file: string, text: string): void {
    this.#attempt(file, () => {
      writeFileSync(`${file}.tmp`, text, { mode: FILE_MODE });
      renameOverSync(`${file}.tmp`, file);
    });
  }

  /** Writes the buffered text. */
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
