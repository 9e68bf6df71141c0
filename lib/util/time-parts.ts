/**
 * Formats parts of a time, by the letters of HCL's `formatdate`
 * (https://developer.hashicorp.com/terraform/language/functions/formatdate).
 */

export const MONTHS: readonly string[] = [
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
];
export const WEEKDAYS: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

/** The fields of a date and time. */
export interface ClockTime {
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** @param offset from UTC, in seconds */
type Part = (clock: ClockTime, offset: number) => string;

const PARTS: Readonly<Record<string, Part>> = {
  YYYY: ({ year }) => String(year).padStart(4, '0'),
  YY: ({ year }) => two(year % 100),
  MMMM: ({ month }) => MONTHS[month - 1] ?? '',
  MMM: ({ month }) => (MONTHS[month - 1] ?? '').slice(0, 3),
  MM: ({ month }) => two(month),
  M: ({ month }) => String(month),
  DD: ({ day }) => two(day),
  D: ({ day }) => String(day),
  EEEE: ({ weekday }) => WEEKDAYS[weekday] ?? '',
  EEE: ({ weekday }) => (WEEKDAYS[weekday] ?? '').slice(0, 3),
  hh: ({ hour }) => two(hour),
  h: ({ hour }) => String(hour),
  HH: ({ hour }) => two(hour % 12 || 12),
  H: ({ hour }) => String(hour % 12 || 12),
  AA: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  aa: ({ hour }) => (hour < 12 ? 'am' : 'pm'),
  mm: ({ minute }) => two(minute),
  m: ({ minute }) => String(minute),
  ss: ({ second }) => two(second),
  s: ({ second }) => String(second),
  ZZZZZ: (_, offset) => offsetText(offset, ':'),
  ZZZZ: (_, offset) => offsetText(offset, ''),
  ZZZ: (_, offset) => (offset === 0 ? 'UTC' : offsetText(offset, '')),
  Z: (_, offset) => (offset === 0 ? 'Z' : offsetText(offset, ':')),
};

/** The formatter for a sequence of equal letters; undefined: invalid. */
export function timePart(letters: string): Part | undefined {
  return Object.hasOwn(PARTS, letters) ? PARTS[letters] : undefined;
}

/** The valid sequences of a letter, shortest first. */
export function formsOf(letter: string): readonly string[] {
  return Object.keys(PARTS)
    .filter((form) => form.startsWith(letter))
    .sort((one, other) => one.length - other.length);
}

/** `+02:00` of an offset in seconds. */
export function offsetText(offset: number, between: ':' | ''): string {
  const minutes = Math.trunc(Math.abs(offset) / 60);
  return `${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}${between}${two(minutes % 60)}`;
}

/** Pads to two digits with a zero. */
export function two(value: number): string {
  return String(value).padStart(2, '0');
}
