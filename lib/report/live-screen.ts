/**
 * A part of the terminal that is redrawn regularly until closed. It owns the terminal: other output of the process is
 * put above it, and suspending and resuming leave it clean. Independent of builds.
 */
import { clearInterval, setInterval } from 'node:timers';
import { Screen } from './screen.ts';
import type { TakeTerminal } from './terminal.ts';
import { DEFAULT_COLUMNS, guardWriter, type Writer } from './writer.ts';

/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Where and how often to draw. */
export interface LiveScreenOptions {
  readonly err: Writer;
  /** Milliseconds between two frames. Default: 100. */
  readonly frameMs?: number;
  /** Acquires the terminal; without it, other output interferes. */
  readonly takeTerminal?: TakeTerminal;
  /** The current live lines; none may be wider than the terminal. */
  readonly paint: (size: TerminalSize) => readonly string[];
}

const FRAME_MS = 100;
const DEFAULT_ROWS = 24;

/** Redraws until closed. */
export class LiveScreen {
  readonly #options: LiveScreenOptions;
  readonly #taken: ReturnType<TakeTerminal> | undefined;
  readonly #err: Writer;
  readonly #screen: Screen;
  #pending: string[] = [];
  /** Output of others without a line break so far. */
  #unbroken = '';
  #open = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveScreenOptions) {
    this.#options = options;
    this.#taken = options.takeTerminal?.({
      onText: (text) => {
        const lines = `${this.#unbroken}${text}`.split('\n');
        this.#unbroken = lines.pop() ?? '';
        // Lines start at the left anyway.
        this.#pending.push(...lines.map((line) => line.replace(/^\r+/, '')));
      },
      onSuspend: () => {
        this.#stop();
        this.draw();
        this.#screen.close();
      },
      onResume: () => {
        if (!this.#open) return;
        // After SIGSTOP, which cannot be handled, the last frame is still on the terminal.
        this.#screen.forget();
        this.#start();
        this.draw();
      },
      onExit: () => this.close(),
    });
    this.#err = this.#taken === undefined ? options.err : guardWriter(this.#taken.writer);
    this.#screen = new Screen(this.#err);
    this.#start();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get columns(): number {
    return this.#err.columns ?? DEFAULT_COLUMNS;
  }

  /** Adds permanent lines above the live ones with the next frame. */
  say(lines: readonly string[]): void {
    this.#pending.push(...lines);
  }

  /** Draws a frame at once. */
  draw(): void {
    const lines = this.#pending;
    this.#pending = [];
    const size = { columns: this.columns, rows: this.#err.rows ?? DEFAULT_ROWS };
    this.#screen.draw(lines, this.#options.paint(size));
  }

  /** Removes the live lines and releases the terminal; may be called twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stop();
    if (this.#unbroken !== '') this.#pending.push(this.#unbroken);
    if (this.#pending.length > 0) this.#screen.draw(this.#pending, []);
    this.#screen.close();
    this.#taken?.release();
  }

  #start(): void {
    this.#timer ??= setInterval(() => this.draw(), this.#options.frameMs ?? FRAME_MS);
    // The timer must not keep the process alive.
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
