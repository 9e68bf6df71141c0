/** Puts the envelope on events: a number, a time, one sink. */
import type { EventBody, EventSink } from '../model/mod.ts';

/** Takes the body of an event. */
export type Emit = (event: EventBody) => void;

/** An emitter that numbers events from 0 and stamps them with a clock (milliseconds since 1970). */
export function createEmitter(sink: EventSink | undefined, clock: () => number): Emit {
  let seq = 0;
  return (event) => {
    const stamped = { ...event, seq: seq++, atMs: clock() };
    sink?.(stamped);
  };
}
