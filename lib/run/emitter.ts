/** Puts the envelope on events: a number, a time, one sink. */
import type { EventBody, EventSink, Hider } from '../model/mod.ts';

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
    'result',
    'compared',
    'role',
    'stream',
  ],
  ...['build', 'builds', 'needs', 'blockedBy', 'digest', 'vertex', 'key', 'runId'],
]);

/**
 * An emitter that numbers events from 0 and stamps them with a clock (milliseconds since 1970). Sensitive values are in
 * none of them.
 */
export function createEmitter(sink: EventSink | undefined, clock: () => number, { hide }: Hider): Emit {
  let seq = 0;
  return (event) => {
    const stamped = { ...hide(event, KEPT_WORDS), seq: seq++, atMs: clock() };
    sink?.(stamped);
  };
}
