/** Puts the envelope on events: a number, a time, one sink. */
import {
  type EventBody,
  type EventSink,
  type Hider,
  hideInOption,
  hideInWord,
  hideUsers,
  hideUsersIn,
} from '../model/mod.ts';

/** Takes the body of an event. */
export type Emit = (event: EventBody) => void;

/**
 * Words that programs go by, digests and the like, and names of builds, which are keys of builds.yaml: no sensitive value
 * is taken out of them.
 */
export const KEPT_WORDS: ReadonlySet<string> = new Set([
  ...[
    'type',
    'kind',
    'code',
    'severity',
    'state',
    'action',
    'decision',
    'phase',
    'result',
    'compared',
    'role',
    'stream',
  ],
  ...['build', 'builds', 'needs', 'blockedBy', 'digest', 'vertex', 'key', 'runId'],
]);

/**
 * An emitter that numbers events from 1 and stamps them with a clock (milliseconds since 1970). Sensitive values are in
 * none of them, nor values of arguments and the like whose names sound secret.
 *
 * @param onFault gets what the sink threw, or what a promise that it gave was rejected with; it gets no more events then
 */
export function createEmitter(
  sink: EventSink | undefined,
  clock: () => number,
  hider: Hider,
  onFault: (fault: SinkFault) => void,
): Emit {
  let seq = 1;
  let isBroken = sink === undefined;
  const fail = (error: unknown) => {
    if (isBroken) return;
    isBroken = true;
    onFault({ error });
  };
  return (event) => {
    if (isBroken) return;
    const shown = withoutSoundingSecret(event, hider);
    const stamped = { ...hider.hide(shown, KEPT_WORDS), seq: seq++, atMs: clock() };
    try {
      const given: unknown = sink?.(stamped);
      if (isPromiseLike(given)) given.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
}

/**
 * Says once that a signal from outside asks a run to stop, from now on until what it gives is called.
 *
 * @param signal with the name of a signal of the system as its reason, or any other one
 */
export function tellInterruption(signal: AbortSignal | undefined, emit: Emit): () => void {
  const tell = () => emit({ type: 'interrupted', signal: nameOfReason(signal?.reason) });
  if (signal?.aborted === true) tell();
  else signal?.addEventListener('abort', tell, { once: true });
  return () => signal?.removeEventListener('abort', tell);
}

/** What a program that uses the library aborts with is mostly a DOMException: `AbortError`, `TimeoutError`. */
function nameOfReason(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  return reason instanceof Error ? reason.name : 'AbortError';
}

/**
 * Command lines may hold values that nobody called sensitive, and whose names sound as if they were; every text, a context
 * with a token in its address. The many events of steps and their output are not searched for the latter but for names.
 */
function withoutSoundingSecret(event: EventBody, hider: Hider): EventBody {
  switch (event.type) {
    case 'log':
    case 'transfer':
      return event;
    case 'vertex':
      return { ...event, name: hideUsers(event.name) };
    case 'node-started':
      return { ...event, argv: event.argv.map(hideInWord) };
    case 'run-started': {
      const { command, ...rest } = event;
      const hidden = command?.map((word) => hideInOption(word, hider));
      return { ...hideUsersIn(rest), ...(hidden === undefined ? {} : { command: hidden }) };
    }
    default:
      return hideUsersIn(event);
  }
}

/** What the receiver of events threw. */
export interface SinkFault {
  readonly error: unknown;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Works with an emitter. Where the receiver of its events throws, the signal says so, the work is to come to its end, and
 * then the error is thrown.
 *
 * @param work gets the emitter, and the signal that everything it does goes by
 */
export async function withEmitter<T>(
  options: { readonly onEvent?: EventSink; readonly signal?: AbortSignal },
  hider: Hider,
  work: (emit: Emit, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stopper = new AbortController();
  const faults: SinkFault[] = [];
  const emit = createEmitter(options.onEvent, Date.now, hider, (fault) => {
    faults.push(fault);
    stopper.abort('onEvent threw');
  });
  const throwFault = () => {
    for (const { error } of faults) throw error;
  };
  const { signal } = options;
  const cancel = () => stopper.abort(signal?.reason);
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const result = await work(emit, stopper.signal);
    throwFault();
    return result;
  } catch (error) {
    throwFault();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
