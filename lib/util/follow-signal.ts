/** Signals that many things at a time wait for. */
import { setMaxListeners } from 'node:events';

/** A signal that follows another one. */
export interface FollowingSignal {
  readonly signal: AbortSignal;
  /** Follows no more. */
  readonly release: () => void;
}

/**
 * A signal of our own that any number of listeners may wait for; of a signal that was handed in Node warns where more than
 * ten do, and its limit is not ours to lift.
 */
export function followSignal(outer: AbortSignal | undefined): FollowingSignal {
  const stopper = new AbortController();
  allowListeners(stopper.signal);
  const stop = () => stopper.abort(outer?.reason);
  if (outer?.aborted === true) stop();
  outer?.addEventListener('abort', stop, { once: true });
  return { signal: stopper.signal, release: () => outer?.removeEventListener('abort', stop) };
}

/** Any number of listeners may wait for a signal of bake-ts. */
export function allowListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
