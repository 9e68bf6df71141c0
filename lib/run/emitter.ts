/** Numbers events, adds times, and passes them to one sink. */
import {
  type EventBody,
  type EventSink,
  type Hider,
  hideInOption,
  hideInWord,
  hideUsers,
  hideUsersIn,
} from '../model/mod.ts';

/** Emits the body of an event. */
export type Emit = (event: EventBody) => void;

/**
 * Fields in which no sensitive values are hidden: values for programs, digests and the like, and build names, which are keys of
 * builds.yaml.
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
 * Creates an emitter that numbers events from 1 and adds the time of a clock (Unix time in milliseconds). It hides sensitive
 * values, and values of arguments and the like with secret-sounding names.
 *
 * @param onFault receives the error that the sink threw or rejected with; the sink gets no more events then
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
 * Reports once if an external signal stops the run, until the returned function is called.
 *
 * @param signal its reason may be the name of a system signal
 */
export function tellInterruption(signal: AbortSignal | undefined, emit: Emit): () => void {
  const tell = () => emit({ type: 'interrupted', signal: nameOfReason(signal?.reason) });
  if (signal?.aborted === true) tell();
  else signal?.addEventListener('abort', tell, { once: true });
  return () => signal?.removeEventListener('abort', tell);
}

/** Programs that use the library mostly abort with a DOMException: `AbortError`, `TimeoutError`. */
function nameOfReason(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  return reason instanceof Error ? reason.name : 'AbortError';
}

/**
 * Command lines may contain values that are not marked as sensitive but have secret-sounding names, and any text may contain a
 * URL with a token. The many events of steps and their output are searched only for the former.
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

/** The error of an event receiver. */
export interface SinkFault {
  readonly error: unknown;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Runs work with an emitter. If the receiver of events throws, the signal is aborted, and the error is thrown after the work has
 * ended.
 *
 * @param work receives the emitter and the signal that stops it
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
