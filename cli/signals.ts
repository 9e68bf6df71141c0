/** Ctrl-C: the first one stops cleanly, the second one at once. */
import { EXIT, type ExitCode, exitCodeOfSignal } from './exit-codes.ts';
import type { Io } from './io.ts';

/** A cancellation by signals. */
export interface Cancellation {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal, if one came. */
  readonly stoppedBy: () => string | undefined;
}

/** Runs work that needs no cleanup: the first signal ends the process and the programs that it started. */
export async function withHardStop<T>(io: Io, work: () => Promise<T>): Promise<T> {
  const dispose = io.onSignal((signal) => io.exit(exitCodeOfSignal(signal)));
  try {
    return await work();
  } finally {
    dispose();
  }
}

/**
 * Runs work that can be cancelled. `onHardStop` is called before a second signal ends the process, and must release the
 * terminal. `onStop` reports the first signal; by default with a line after Ctrl-C.
 *
 * @returns the exit code of the work; that of the signal if one came and the work failed
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
