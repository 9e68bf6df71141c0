/** What a reporter is, and what it is told when it is made. */
import type { EventSink } from '../model/mod.ts';
import type { GroupFrame } from './grouped.ts';
import type { TakeTerminal } from './terminal.ts';
import type { Writer } from './writer.ts';

/** `auto`: `tty` if `err` is a terminal, otherwise `plain`. */
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'grouped' | 'json' | 'quiet';

/** What a reporter needs. */
export interface ReporterOptions {
  readonly mode: ProgressMode;
  readonly out: Writer;
  readonly err: Writer;
  readonly color: boolean;
  /** Milliseconds since 1970; asked only for elapsed times of the live view. */
  readonly now: () => number;
  /** Text of a file that a problem names, for its code frame. */
  readonly sourceOf?: (path: string) => string | undefined;
  /** Milliseconds between two frames of the live view. Default: 100. */
  readonly frameMs?: number;
  /** The live view has the terminal for itself by this; without it, what else writes there gets in its way. */
  readonly takeTerminal?: TakeTerminal;
  /** Each line of `plain` and `grouped` starts with its time. */
  readonly timestamps?: boolean;
  /** What stands around the lines of a build with `grouped`. Default: its last line before them. */
  readonly frame?: GroupFrame;
  /** Milliseconds of silence after which `grouped` says what still runs. Default: one minute. */
  readonly lifeSignMs?: number;
  /** Path of the whole log of a build, for the recap. */
  readonly logOf?: (build: string) => string | undefined;
  /** The command that runs these builds again, for the recap; undefined: all of those that were asked for. */
  readonly commandFor?: (builds: readonly string[] | undefined) => string;
}

/** Takes events until it is closed. */
export interface Reporter {
  readonly onEvent: EventSink;
  /** Says at once that a signal is stopping the run; its event need not have come yet. */
  interrupt(signal: string): void;
  /** Clears the live view and gives the terminal back; safe to call twice. */
  close(): void;
  /** The same where the run will not come to its end: what failed so far must not be lost. */
  abandon(): void;
}
