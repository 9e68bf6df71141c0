/** Ctrl-C: the first one stops cleanly, the second one at once. */
import { EXIT, type ExitCode, exitCodeOfSignal } from './exit-codes.ts';
import type { Io } from './io.ts';

/** A cancellation that signals bring about. */
export interface Cancellation {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  readonly stoppedBy: () => string | undefined;
}

/**
 * Runs something that has nothing to put in order: the first signal ends the process, and with it the programs that it
 * started.
 */
export async function withHardStop<T>(io: Io, work: () => Promise<T>): Promise<T> {
  const dispose = io.onSignal((signal) => io.exit(exitCodeOfSignal(signal)));
  try {
    return await work();
  } finally {
    dispose();
  }
}

/**
 * Runs something that can be cancelled. `onHardStop` is called before a second signal ends the process: it must give
 * the terminal back. `onStop` says that the first one came; default: a line for whoever pressed Ctrl-C.
 *
 * @returns the exit code of the work; that of the signal where one came and the work did not end well
 */
export async function withCancellation(
  io: Io,
  work: (cancellation: Cancellation) => Promise<ExitCode>,
  onHardStop: () => void = () => {},
  onStop: (signal: string) => void = (signal) => sayStopping(io, signal),
): Promise<ExitCode> {
  const controller = new AbortController();
  let stoppedBy: string | undefined;
  const dispose = io.onSignal((signal) => {
    if (stoppedBy === undefined) {
      stoppedBy = signal;
      onStop(signal);
      controller.abort(signal);
      return;
    }
    onHardStop();
    io.exit(exitCodeOfSignal(signal));
  });
  try {
    const code = await work({ signal: controller.signal, stoppedBy: () => stoppedBy });
    return stoppedBy === undefined || code === EXIT.ok ? code : exitCodeOfSignal(stoppedBy);
  } finally {
    dispose();
  }
}

function sayStopping({ stderr }: Io, signal: string): void {
  if (signal !== 'SIGINT' || stderr.isTTY !== true) return;
  (stderr.writeRaw ?? stderr.write).call(stderr, `\rstopping; press Ctrl-C again to stop at once\n`);
}
