/** Ctrl-C: the first one stops cleanly, the second one at once. */
import { exitCodeOfSignal } from './exit-codes.ts';
import type { Io } from './io.ts';

/** A cancellation that signals bring about. */
export interface Cancellation {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  readonly stoppedBy: () => string | undefined;
}

/**
 * Runs something that can be cancelled. `onHardStop` is called before a second signal ends the process: it must give
 * the terminal back.
 */
export async function withCancellation<T>(
  io: Io,
  work: (cancellation: Cancellation) => Promise<T>,
  onHardStop: () => void = () => {},
): Promise<T> {
  const controller = new AbortController();
  let stoppedBy: string | undefined;
  const dispose = io.onSignal((signal) => {
    if (stoppedBy === undefined) {
      stoppedBy = signal;
      if (signal === 'SIGINT' && io.stderr.isTTY === true) {
        io.stderr.write(`\rstopping; press Ctrl-C again to stop at once\n`);
      }
      controller.abort(signal);
      return;
    }
    onHardStop();
    io.exit(exitCodeOfSignal(signal));
  });
  try {
    return await work({ signal: controller.signal, stoppedBy: () => stoppedBy });
  } finally {
    dispose();
  }
}
