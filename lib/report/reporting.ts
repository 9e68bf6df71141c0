/** The interface of a reporter, and what it gets when it is created. */
import type { EventSink } from '../model/mod.ts';
import type { GroupFrame } from './grouped.ts';
import type { TakeTerminal } from './terminal.ts';
import type { Writer } from './writer.ts';

/** `auto`: `tty` if `err` is a terminal, otherwise `plain`. */
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'grouped' | 'json' | 'quiet';

/** Options of a reporter. */
export interface ReporterOptions {
  readonly mode: ProgressMode;
  readonly out: Writer;
  readonly err: Writer;
  readonly color: boolean;
  /** Milliseconds since 1970; used only for elapsed times. */
  readonly now: () => number;
  /** Text of a file in a problem, for its code frame. */
  readonly sourceOf?: (path: string) => string | undefined;
  /** Milliseconds between two frames of the live view. Default: 100. */
  readonly frameMs?: number;
  /** Acquires the terminal for the live view; without it, other output interferes. */
  readonly takeTerminal?: TakeTerminal;
  /** Each line of `plain` and `grouped` starts with its time. */
  readonly timestamps?: boolean;
  /** Lines around those of a build with `grouped`. Default: its last line before them. */
  readonly frame?: GroupFrame;
  /** Milliseconds without output after which `grouped` reports what still runs. Default: one minute. */
  readonly lifeSignMs?: number;
  /** Path of the whole log of a build, for the recap. */
  readonly logOf?: (build: string) => string | undefined;
  /** The command that runs these builds again, for the recap; undefined: all requested builds. */
  readonly commandFor?: (builds: readonly string[] | undefined) => string;
}

/** Reports events until closed. */
export interface Reporter {
  readonly onEvent: EventSink;
  /** Reports at once that a signal is stopping the run, possibly before its event. */
  interrupt(signal: string): void;
  /** Removes the live view and releases the terminal; may be called twice. */
  close(): void;
  /** The same if the run will not reach its end: also writes the failures so far. */
  abandon(): void;
}
