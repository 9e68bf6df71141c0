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

const PARTS: Readonly<Record<string, (time: Date) => string>> = {
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
  ZZZZZ: () => '+00:00',
  ZZZZ: () => '+0000',
  ZZZ: () => 'UTC',
  Z: () => 'Z',
};

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
 * The time, in UTC, by a pattern: runs of letters stand for parts of the time, text between `'` and everything else for
 * itself.
 *
 * @throws FunctionFailure for letters that stand for nothing, and for a `'` without another
 */
export function formatTime(time: Date, pattern: string): string {
  return pattern.replaceAll(/'((?:[^']|'')*)'|'|([A-Za-z])\2*/g, (written, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    if (written === "'") throw new FunctionFailure(`format: a ' is not closed in "${pattern}"`);
    const part = Object.hasOwn(PARTS, written) ? PARTS[written] : undefined;
    if (part === undefined)
      throw new FunctionFailure(`format: "${written}" in "${pattern}" stands for no part of a time`);
    return part(time);
  });
}
