/** Times as text by a pattern, with the letters of HCL's `formatdate` (https://developer.hashicorp.com/terraform/language/functions/formatdate). */
import { FunctionFailure } from './cel-failures.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** A time with the offset of the clock that shows it. */
interface Moment {
  /** What the clock shows, as if it were UTC. */
  readonly clock: Date;
  readonly offsetMinutes: number;
}

const PARTS: Readonly<Record<string, (clock: Date, offsetMinutes: number) => string>> = {
  YYYY: (time) => String(time.getUTCFullYear()).padStart(4, '0'),
  YY: (time) => two(time.getUTCFullYear() % 100),
  MMMM: (time) => monthOf(time),
  MMM: (time) => monthOf(time).slice(0, 3),
  MM: (time) => two(time.getUTCMonth() + 1),
  M: (time) => String(time.getUTCMonth() + 1),
  DD: (time) => two(time.getUTCDate()),
  D: (time) => String(time.getUTCDate()),
  EEEE: (time) => dayOf(time),
  EEE: (time) => dayOf(time).slice(0, 3),
  hh: (time) => two(time.getUTCHours()),
  h: (time) => String(time.getUTCHours()),
  HH: (time) => two(time.getUTCHours() % 12 || 12),
  H: (time) => String(time.getUTCHours() % 12 || 12),
  AA: (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM'),
  aa: (time) => (time.getUTCHours() < 12 ? 'am' : 'pm'),
  mm: (time) => two(time.getUTCMinutes()),
  m: (time) => String(time.getUTCMinutes()),
  ss: (time) => two(time.getUTCSeconds()),
  s: (time) => String(time.getUTCSeconds()),
  ZZZZZ: (_, offset) => offsetText(offset, ':'),
  ZZZZ: (_, offset) => offsetText(offset, ''),
  ZZZ: (_, offset) => (offset === 0 ? 'UTC' : offsetText(offset, '')),
  Z: (_, offset) => (offset === 0 ? 'Z' : offsetText(offset, ':')),
};

function offsetText(offset: number, between: string): string {
  const size = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${between}${two(size % 60)}`;
}

const RFC_3339 =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;

/** A time as RFC 3339 writes it, by the clock of its offset. */
function readMoment(text: string): Moment {
  const found = RFC_3339.exec(text);
  const clock = new Date(`${found?.[1] ?? ''}Z`);
  if (found === null || Number.isNaN(clock.getTime()))
    throw new FunctionFailure(`format: "${text}" is no time like 2026-01-31T08:00:00Z`);
  const size = Number(found[3] ?? 0) * 60 + Number(found[4] ?? 0);
  return { clock, offsetMinutes: found[2] === '-' ? -size : size };
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

function monthOf(time: Date): string {
  return MONTHS[time.getUTCMonth()] ?? '';
}

function dayOf(time: Date): string {
  return DAYS[time.getUTCDay()] ?? '';
}

/**
 * The time by a pattern: runs of letters stand for parts of the time, text between `'` and everything else for itself. A
 * time as text (RFC 3339) keeps its offset, any other is in UTC.
 *
 * @throws FunctionFailure for letters that stand for nothing, for a `'` without another, and for a text that is no time
 */
export function formatTime(time: Date | string, pattern: string): string {
  const { clock, offsetMinutes } =
    typeof time === 'string' ? readMoment(time) : { clock: time, offsetMinutes: 0 };
  return pattern.replaceAll(/'((?:[^']|'')*)'|'|([A-Za-z])\2*/g, (written, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    if (written === "'") throw new FunctionFailure(`format: a ' is not closed in "${pattern}"`);
    const part = Object.hasOwn(PARTS, written) ? PARTS[written] : undefined;
    if (part === undefined)
      throw new FunctionFailure(`format: "${written}" in "${pattern}" stands for no part of a time`);
    return part(clock, offsetMinutes);
  });
}
