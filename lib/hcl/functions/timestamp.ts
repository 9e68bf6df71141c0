/** Points and spans of time as Go reads and writes them (https://pkg.go.dev/time). */
import { type ClockTime, offsetText, two } from '../../util/time-parts.ts';

/** A point in time with the offset from UTC in which it was written, all in seconds. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
  readonly offset: number;
}

/** What calendars and clocks show of it, at its offset. */
export interface Civil extends ClockTime {
  /** 1 is January 1. */
  readonly yearDay: number;
}

const DAY = 86_400;
const STRICT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;
const LENIENT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Reads RFC 3339; undefined where it is none, or no such day or time exists. Go's own reader, unlike cty's, is lenient: hours of one
 * digit, a comma before the fraction, offsets of 24 hours and 60 minutes.
 */
export function parseTimestamp(text: string, form: 'strict' | 'lenient' = 'strict'): Timestamp | undefined {
  const found = (form === 'strict' ? STRICT : LENIENT).exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const [, , , , , , , fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = found;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const extra = form === 'strict' ? 0 : 1;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (Number(offsetHours) > 23 + extra || Number(offsetMinutes) > 59 + extra) return undefined;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 * (sign === '-' ? -1 : 1);
  const seconds = daysBefore(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
  return { seconds, nanos: Number(fraction.slice(0, 9).padEnd(9, '0')), offset };
}

/** As RFC 3339, without fractions of a second. */
export function timestampText(time: Timestamp): string {
  const { year, month, day, hour, minute, second } = civil(time);
  const size = String(Math.abs(year)).padStart(4, '0');
  const date = `${year < 0 ? '-' : ''}${size}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${time.offset === 0 ? 'Z' : offsetText(time.offset, ':')}`;
}

/** What calendars show. */
export function civil(time: Timestamp): Civil {
  const local = time.seconds + time.offset;
  const days = Math.floor(local / DAY);
  const rest = local - days * DAY;
  // Years that begin in March have the leap day at their end (https://howardhinnant.github.io/date_algorithms.html).
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return {
    year,
    month,
    day: ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysBefore(year, 1, 1) + 1,
  };
}

/** Days from 1970-01-01. */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const days = ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear;
  return era * 146_097 + days - 719_468;
}

function daysIn(year: number, month: number): number {
  return daysBefore(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - daysBefore(year, month, 1);
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const SPAN = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** Nanoseconds of `1h30m`, `-1.5s`, `0`; undefined where it is none, or longer than 292 years. */
export function parseDuration(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (body === '') return undefined;
  let sum = 0n;
  for (SPAN.lastIndex = 0; SPAN.lastIndex < body.length; ) {
    const found = SPAN.exec(body);
    if (found === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = found;
    if (whole === '' && fraction === '') return undefined;
    const size = UNITS[unit] ?? 0;
    const part = fraction.slice(0, 18);
    sum +=
      BigInt(whole || '0') * BigInt(size) +
      BigInt(Math.trunc(Number(part || '0') * (size / 10 ** part.length)));
  }
  if (sum > 2n ** 63n || (sum === 2n ** 63n && !negative)) return undefined;
  return negative ? -sum : sum;
}
