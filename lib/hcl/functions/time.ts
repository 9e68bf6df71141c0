/** Functions of points in time. */
import { MONTHS, WEEKDAYS } from '../../util/time-parts.ts';
import { toInt64 } from '../number.ts';
import { DYNAMIC, NUMBER, STRING } from '../types.ts';
import type { FunctionResult, Value } from '../value.ts';
import { numberValue, objectOf, textValue } from '../values.ts';
import { formatTime } from './date-format.ts';
import { type Definitions, done, failed, textOf } from './define.ts';
import { civil, parseDuration, parseTimestamp, type Timestamp, timestampText } from './timestamp.ts';

const NANOS = 1_000_000_000n;
const NO_SECONDS = 'a whole number of seconds since 1970 is required, of at most 285 million years';
const NOT_A_TIME = 'it is not a time of the form 2026-01-31T12:30:00Z (RFC 3339)';

/** The functions of time; `now` is what `timestamp` gives. */
export function timeFunctions(now: Date): Definitions {
  return {
    formatdate: {
      parameters: [
        { name: 'format', type: STRING },
        { name: 'time', type: STRING },
      ],
      run: ([format, time]) => formatted(textOf(format), textOf(time)),
    },
    formattimestamp: {
      parameters: [
        { name: 'format', type: STRING },
        { name: 'time', type: DYNAMIC },
      ],
      run: ([format, time]) => formatTimestamp(textOf(format), time as Value),
    },
    timeadd: {
      parameters: [
        { name: 'timestamp', type: STRING },
        { name: 'duration', type: STRING },
      ],
      run: ([start, duration]) => {
        const from = parseTimestamp(textOf(start));
        if (from === undefined) return failed(NOT_A_TIME, 0);
        const nanos = parseDuration(textOf(duration));
        if (nanos === undefined) return failed('it is not a duration such as "1h30m" or "-10s"', 1);
        const sum = BigInt(from.seconds) * NANOS + BigInt(from.nanos) + nanos;
        const whole = sum / NANOS;
        const seconds = sum % NANOS < 0n ? whole - 1n : whole;
        return done(textValue(timestampText({ ...from, seconds: Number(seconds), nanos: 0 })));
      },
    },
    timestamp: {
      parameters: [],
      run: () => {
        const seconds = Math.floor(now.getTime() / 1000);
        return done(textValue(timestampText({ seconds, nanos: 0, offset: 0 })));
      },
    },
    unixtimestampparse: {
      parameters: [{ name: 'unix_timestamp', type: NUMBER }],
      run: ([value]) => {
        const time = unixTime(value as Value);
        return time === undefined ? failed(NO_SECONDS, 0) : done(parts(time));
      },
    },
  };
}

/** Seconds since 1970; beyond some hundred million years they are not counted exactly. */
function unixTime(value: Value): Timestamp | undefined {
  const seconds = value.kind === 'number' ? toInt64(value.value) : undefined;
  if (seconds === undefined || !Number.isSafeInteger(Number(seconds))) return undefined;
  return { seconds: Number(seconds), nanos: 0, offset: 0 };
}

function formatted(format: string, time: string): FunctionResult {
  const parsed = parseTimestamp(time);
  if (parsed === undefined) return failed(NOT_A_TIME, 1);
  const text = formatTime(format, parsed);
  return text.ok ? done(textValue(text.value)) : failed(text.message, 0);
}

function formatTimestamp(format: string, time: Value): FunctionResult {
  if (time.kind === 'string') {
    if (format !== 'X') return formatted(format, time.value);
    const parsed = parseTimestamp(time.value, 'lenient');
    return parsed === undefined ? failed(NOT_A_TIME, 1) : done(textValue(String(parsed.seconds)));
  }
  if (time.kind !== 'number') return failed('a string or a number of seconds since 1970 is required', 1);
  const whole = toInt64(time.value);
  if (format === 'X' && whole !== undefined) return done(textValue(String(whole)));
  const parsed = unixTime(time);
  if (parsed === undefined) return failed(NO_SECONDS, 1);
  return formatted(format, timestampText(parsed));
}

function parts(time: Timestamp): Value {
  const { year, month, day, hour, minute, second, weekday, yearDay } = civil(time);
  const week = isoWeek(time);
  const numbers = {
    year,
    year_day: yearDay,
    day,
    month,
    weekday,
    hour,
    minute,
    second,
    iso_year: week.year,
    iso_week: week.week,
  };
  return objectOf([
    ...Object.entries(numbers).map(([name, value]) => [name, numberValue(value)] as const),
    ['month_name', textValue(MONTHS[month - 1] ?? '')],
    ['weekday_name', textValue(WEEKDAYS[weekday] ?? '')],
    ['rfc3339', textValue(timestampText(time))],
  ]);
}

/** The week by ISO 8601: it belongs to the year of its Thursday. */
function isoWeek(time: Timestamp): { readonly year: number; readonly week: number } {
  const { weekday } = civil(time);
  const thursday = civil({ ...time, seconds: time.seconds + (4 - (weekday === 0 ? 7 : weekday)) * 86_400 });
  return { year: thursday.year, week: Math.floor((thursday.yearDay - 1) / 7) + 1 };
}
