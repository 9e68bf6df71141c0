/** Signals with many listeners. */
import { setMaxListeners } from 'node:events';

/** A signal that follows another one. */
export interface FollowingSignal {
  readonly signal: AbortSignal;
  /** Stops following. */
  readonly release: () => void;
}

/**
 * Creates a signal for any number of listeners. Node warns if a signal has more than ten, and bake-ts must not change
 * that limit for a caller's signal.
 */
export function followSignal(outer: AbortSignal | undefined): FollowingSignal {
  const stopper = new AbortController();
  allowListeners(stopper.signal);
  const stop = () => stopper.abort(outer?.reason);
  if (outer?.aborted === true) stop();
  outer?.addEventListener('abort', stop, { once: true });
  return { signal: stopper.signal, release: () => outer?.removeEventListener('abort', stop) };
}

/** Allows any number of listeners for a signal of bake-ts. */
export function allowListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
