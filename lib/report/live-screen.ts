/**
 * A part of the terminal that is drawn again at a steady pace until it is closed. Meanwhile it has the terminal: whatever else the
 * process writes there is put above it, and stopping and continuing leave it clean. Knows nothing of builds.
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
  /** The terminal is had by this; without it, what else writes there gets in the way. */
  readonly takeTerminal?: TakeTerminal;
  /** The moving lines as they are to be now; none may be wider than the terminal. */
  readonly paint: (size: TerminalSize) => readonly string[];
}

const FRAME_MS = 100;
const DEFAULT_ROWS = 24;

/** Draws until it is closed. */
export class LiveScreen {
  readonly #options: LiveScreenOptions;
  readonly #taken: ReturnType<TakeTerminal> | undefined;
  readonly #err: Writer;
  readonly #screen: Screen;
  #pending: string[] = [];
  /** What others wrote without a line break so far. */
  #unbroken = '';
  #open = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveScreenOptions) {
    this.#options = options;
    this.#taken = options.takeTerminal?.({
      onText: (text) => {
        const lines = `${this.#unbroken}${text}`.split('\n');
        this.#unbroken = lines.pop() ?? '';
        // Each line begins at the left anyway.
        this.#pending.push(...lines.map((line) => line.replace(/^\r+/, '')));
      },
      onSuspend: () => {
        this.#stop();
        this.draw();
        this.#screen.close();
      },
      onResume: () => {
        if (!this.#open) return;
        // Whoever stopped the process without asking (SIGSTOP) has left the last frame where it was.
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

  /** Puts lines above the moving ones with the next frame; they stay. */
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

  /** Takes the moving lines away and gives the terminal back; safe to call twice. */
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
    // A timer of bake-ts must not keep a process alive that is done.
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
