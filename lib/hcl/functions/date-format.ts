/** The format of `formatdate` (https://developer.hashicorp.com/terraform/language/functions/formatdate). */
import { type Civil, civil, MONTHS, offsetText, type Timestamp, two, WEEKDAYS } from './timestamp.ts';

type Formatted =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string };

/** The verbs: a letter, and the form for each number of times that it is repeated. */
const VERBS: Readonly<Record<string, Readonly<Record<number, (at: Civil, time: Timestamp) => string>>>> = {
  Y: { 2: ({ year }) => two(year % 100), 4: ({ year }) => String(year).padStart(4, '0') },
  M: {
    1: ({ month }) => String(month),
    2: ({ month }) => two(month),
    3: ({ month }) => (MONTHS[month - 1] ?? '').slice(0, 3),
    4: ({ month }) => MONTHS[month - 1] ?? '',
  },
  D: { 1: ({ day }) => String(day), 2: ({ day }) => two(day) },
  E: {
    3: ({ weekday }) => (WEEKDAYS[weekday] ?? '').slice(0, 3),
    4: ({ weekday }) => WEEKDAYS[weekday] ?? '',
  },
  h: { 1: ({ hour }) => String(hour), 2: ({ hour }) => two(hour) },
  H: { 1: ({ hour }) => String(hour % 12 || 12), 2: ({ hour }) => two(hour % 12 || 12) },
  A: { 2: ({ hour }) => (hour < 12 ? 'AM' : 'PM') },
  a: { 2: ({ hour }) => (hour < 12 ? 'am' : 'pm') },
  m: { 1: ({ minute }) => String(minute), 2: ({ minute }) => two(minute) },
  s: { 1: ({ second }) => String(second), 2: ({ second }) => two(second) },
  Z: {
    1: (_, time) => (time.offset === 0 ? 'Z' : offsetText(time, ':')),
    3: (_, time) => (time.offset === 0 ? 'UTC' : offsetText(time, '')),
    4: (_, time) => offsetText(time, ''),
    5: (_, time) => offsetText(time, ':'),
  },
};

/** A point in time by a format; letters are verbs, and text stands between `'`, of which two are one. */
export function formatTime(format: string, time: Timestamp): Formatted {
  const at = civil(time);
  let text = '';
  for (const token of tokens(format)) {
    const [first = ''] = token;
    if (first === "'") {
      if (token.length === 1 || !token.endsWith("'")) return { ok: false, message: "a text in ' has no end" };
      text += token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'");
    } else if (/[A-Za-z]/.test(first)) {
      const form = VERBS[first]?.[token.length];
      if (form === undefined) return { ok: false, message: notAVerb(first, token) };
      text += form(at, time);
    } else text += token;
  }
  return { ok: true, value: text };
}

function notAVerb(letter: string, token: string): string {
  const forms = Object.keys(VERBS[letter] ?? {}).map((count) => letter.repeat(Number(count)));
  const known =
    forms.length === 0
      ? "letters stand for parts of the time, and texts are put in ' signs"
      : `there is ${forms.join(', ')}`;
  return `"${token}" is no part of a time: ${known}`;
}

/** Texts in quotes, repeated letters, and what is between them. */
function tokens(format: string): readonly string[] {
  return format.match(/''|'(?:''|[^'])*'?|([A-Za-z])\1*|[^'A-Za-z]+/g) ?? [];
}
