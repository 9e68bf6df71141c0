/** The terminal while somebody draws on it: what else in the process writes to it is handed over, and stopping and continuing are reported. */
import type { Writer } from './writer.ts';

/** Who draws on a terminal. */
export interface TerminalUser {
  /** Something else in the process wrote this; nothing of it is on the terminal yet. */
  readonly onText: (text: string) => void;
  /** The process is about to be stopped (Ctrl-Z): the terminal must be as it was. */
  readonly onSuspend: () => void;
  /** The process continues (`fg`). */
  readonly onResume: () => void;
  /** The process ends. */
  readonly onExit: () => void;
}

/** The way to the terminal that is left to its user. */
export interface TakenTerminal {
  readonly writer: Writer;
  /** Everybody writes for themselves again. */
  readonly release: () => void;
}

/** Takes the terminal for somebody, until it is released. */
export type TakeTerminal = (user: TerminalUser) => TakenTerminal;
