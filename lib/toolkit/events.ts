/** Work whose events go to a callback and to iterators. */
import type { BakeEvent, EventSink } from '../model/mod.ts';

/**
 * Work in progress: a promise of its result that is also the stream of its events. A loop that begins in the same turn of the event
 * loop gets all events, a later one the events from then on. The loop ends with the work, and throws
 * if the work failed or the promise is rejected. Leaving the loop early stops the work and waits until it has ended.
 */
export type Running<R> = Promise<R> & AsyncIterable<BakeEvent>;

/** The work to do. */
export interface Work<R> {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
  /** Obeys the signal, and sends events to the sink. */
  readonly start: (sink: EventSink, signal: AbortSignal) => Promise<R>;
  /** The error that iteration throws at the end. */
  readonly failureOf: (result: R) => Error | undefined;
}

/** Starts the work in the next microtask, so that an immediate iteration gets all events. */
export function startWork<R>({ signal, onEvent, start, failureOf }: Work<R>): Running<R> {
  const stopper = new AbortController();
  const stop = () => stopper.abort(signal?.reason);
  const readers = new Set<Reader>();
  const sink: EventSink = (event) => {
    for (const reader of readers) reader.push(event);
    return onEvent?.(event);
  };
  let ended: { readonly failure: unknown } | undefined;
  const end = (failure: unknown) => {
    ended = { failure };
    for (const reader of readers) reader.end(failure);
  };
  const promise = Promise.resolve()
    .then(() => {
      if (signal?.aborted === true) stop();
      signal?.addEventListener('abort', stop, { once: true });
      return start(sink, stopper.signal);
    })
    .finally(() => signal?.removeEventListener('abort', stop))
    // In the returned promise, so that a rejection without a handler is reported as unhandled.
    .then(
      (result) => {
        end(failureOf(result));
        return result;
      },
      (error: unknown) => {
        end(error);
        throw error;
      },
    );
  const iterate = (): AsyncIterator<BakeEvent> => {
    const reader = new Reader(async () => {
      readers.delete(reader);
      stopper.abort();
      await promise.catch(() => undefined);
    });
    readers.add(reader);
    // The iteration throws the error.
    promise.catch(() => undefined);
    if (ended !== undefined) reader.end(ended.failure);
    return reader;
  };
  return Object.assign(promise, { [Symbol.asyncIterator]: iterate });
}

interface Waiter {
  readonly resolve: (result: IteratorResult<BakeEvent, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** One iteration: buffers events that were not requested yet. */
class Reader implements AsyncIterator<BakeEvent, undefined> {
  #events: BakeEvent[] = [];
  /** Number of consumed events at the front. They are removed in batches, because shifting a long list is slow. */
  #taken = 0;
  readonly #waiting: Waiter[] = [];
  readonly #leave: () => Promise<void>;
  #ended: { failure: unknown } | undefined;
  #hasLeft = false;

  constructor(leave: () => Promise<void>) {
    this.#leave = leave;
  }

  push(event: BakeEvent): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#events.push(event);
    else waiter.resolve({ done: false, value: event });
  }

  end(failure: unknown): void {
    this.#ended = { failure };
    for (const waiter of this.#waiting.splice(0)) this.#settle(waiter);
  }

  next(): Promise<IteratorResult<BakeEvent, undefined>> {
    const event = this.#take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    return new Promise((resolve, reject) => {
      if (this.#ended === undefined) this.#waiting.push({ resolve, reject });
      else this.#settle({ resolve, reject });
    });
  }

  async return(): Promise<IteratorResult<BakeEvent, undefined>> {
    this.#events = [];
    this.#taken = 0;
    if (!this.#hasLeft) {
      this.#hasLeft = true;
      await this.#leave();
    }
    this.#ended = { failure: undefined };
    return { done: true, value: undefined };
  }

  #take(): BakeEvent | undefined {
    const event = this.#events[this.#taken];
    if (event === undefined) return undefined;
    this.#taken++;
    if (this.#taken > 1000 && this.#taken * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#taken);
      this.#taken = 0;
    }
    return event;
  }

  /** An error is thrown once; then the iteration is done. */
  #settle({ resolve, reject }: Waiter): void {
    const failure = this.#ended?.failure;
    this.#ended = { failure: undefined };
    if (failure === undefined) resolve({ done: true, value: undefined });
    else reject(failure);
  }
}
