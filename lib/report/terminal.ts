/**
 * Access to the terminal while a live view uses it: other output of the process is passed to the user, and suspending
 * and resuming are reported.
 */
import type { Writer } from './writer.ts';

/** The user of a terminal. */
export interface TerminalUser {
  /** Other output of the process, which is not on the terminal yet. */
  readonly onText: (text: string) => void;
  /** The process is about to be suspended (Ctrl-Z): the terminal must be restored. */
  readonly onSuspend: () => void;
  /** The process continues (`fg`). */
  readonly onResume: () => void;
  /** The process ends. */
  readonly onExit: () => void;
}

/** Access to the terminal for its user. */
export interface TakenTerminal {
  readonly writer: Writer;
  /** Restores direct writing for everybody. */
  readonly release: () => void;
}

/** Acquires the terminal for a user until released. */
export type TakeTerminal = (user: TerminalUser) => TakenTerminal;
