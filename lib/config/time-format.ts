/**
 * Formats times with the patterns of HCL's `formatdate`
 * (https://developer.hashicorp.com/terraform/language/functions/formatdate).
 */
import { type ClockTime, timePart } from '../util/time-parts.ts';
import { FunctionFailure } from './cel-failures.ts';

/** A time with its offset from UTC. */
interface Moment {
  /** The local time, stored as if it were UTC. */
  readonly clock: Date;
  /** In seconds. */
  readonly offset: number;
}

const RFC_3339 =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;

/** Parses a time in RFC 3339 and keeps its offset. */
function readMoment(text: string): Moment {
  const found = RFC_3339.exec(text);
  const clock = new Date(`${found?.[1] ?? ''}Z`);
  if (found === null || Number.isNaN(clock.getTime()))
    throw new FunctionFailure(`format: "${text}" is not a time such as 2026-01-31T08:00:00Z`);
  const size = (Number(found[3] ?? 0) * 60 + Number(found[4] ?? 0)) * 60;
  return { clock, offset: found[2] === '-' ? -size : size };
}

function clockTime(time: Date): ClockTime {
  return {
    year: time.getUTCFullYear(),
    month: time.getUTCMonth() + 1,
    day: time.getUTCDate(),
    hour: time.getUTCHours(),
    minute: time.getUTCMinutes(),
    second: time.getUTCSeconds(),
    weekday: time.getUTCDay(),
  };
}

/**
 * Formats a time by a pattern: runs of letters are parts of the time; text between `'` and everything else is literal. A
 * time given as text (RFC 3339) keeps its offset, other times are in UTC.
 *
 * @throws FunctionFailure for unknown letters, for a `'` without another, and for a text that is not a valid time
 */
export function formatTime(time: Date | string, pattern: string): string {
  const { clock, offset } = typeof time === 'string' ? readMoment(time) : { clock: time, offset: 0 };
  const shown = clockTime(clock);
  return pattern.replaceAll(/'((?:[^']|'')*)'|'|([A-Za-z])\2*/g, (written, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    if (written === "'") throw new FunctionFailure(`format: a ' is not closed in "${pattern}"`);
    const part = timePart(written);
    if (part === undefined)
      throw new FunctionFailure(`format: "${written}" in "${pattern}" is not a part of a time`);
    return part(shown, offset);
  });
}
