/** `format` and `formatlist` (https://github.com/zclconf/go-cty/blob/main/cty/function/stdlib/format.go says what each verb means). */
import { convert } from '../conversion.ts';
import { jsonString, toJsonText } from '../json.ts';
import { isInfinite, toInteger } from '../number.ts';
import { formatNumber } from '../number-text.ts';
import { BOOL, DYNAMIC, NUMBER, STRING } from '../types.ts';
import type { FunctionResult, HclNumber, Value } from '../value.ts';
import { listOf, nullOf, textValue } from '../values.ts';
import { clusters } from './characters.ts';
import { beyond, type Definitions, done, failed, itemsOf, MOST_TEXT, textOf, tooLong } from './define.ts';

const FORMAT = { name: 'format', type: STRING };
const ARGS = { name: 'args', type: DYNAMIC, nullable: true };
/** Texts that `formatlist` makes. */
const MOST_TEXTS = 10_000;
/** Characters to which a value is filled up, and digits behind the point. */
const MOST_WIDTH = 100_000;

const VERB = /%([0#\-+ ]*)([1-9]\d*)?(?:\.(\d*))?(?:\[([1-9]\d*)\])?([a-zA-Z])/y;

export const FORMAT_FUNCTIONS: Definitions = {
  format: {
    parameters: [FORMAT],
    rest: ARGS,
    run: ([pattern, ...args]) => {
      const text = formatted(textOf(pattern), args);
      return typeof text === 'string' ? done(textValue(text)) : text;
    },
  },
  formatlist: {
    parameters: [FORMAT],
    rest: ARGS,
    run: ([pattern, ...args]) => formatList(textOf(pattern), args),
  },
};

function formatList(pattern: string, args: readonly Value[]): FunctionResult {
  let length: number | undefined;
  for (const [at, arg] of args.entries()) {
    if (arg.kind !== 'sequence') continue;
    length ??= arg.items.length;
    if (arg.items.length !== length)
      return failed(`it has ${arg.items.length} elements, but another list has ${length}`, at + 1);
  }
  const count = length ?? 1;
  if (count > MOST_TEXTS) return beyond(`there would be more than ${MOST_TEXTS} strings`);
  const texts: Value[] = [];
  for (let index = 0; index < count; index++) {
    const own = args.map((arg) => (arg.kind === 'sequence' ? (itemsOf(arg)[index] ?? nullOf()) : arg));
    const text = formatted(pattern, own);
    if (typeof text !== 'string') return text;
    texts.push(textValue(text));
  }
  return done(listOf(STRING, texts));
}

/** `%-08.3[2]d`, taken apart. */
interface Verb {
  readonly raw: string;
  readonly flags: string;
  readonly width: number;
  readonly digits: number | undefined;
  readonly mode: string;
}

function formatted(pattern: string, args: readonly Value[]): string | FunctionResult {
  let text = '';
  let next = 1;
  let highest = 0;
  for (let at = 0; at < pattern.length; ) {
    const percent = pattern.indexOf('%', at);
    if (percent === -1) {
      text += pattern.slice(at);
      break;
    }
    text += pattern.slice(at, percent);
    if (pattern[percent + 1] === '%') {
      text += '%';
      at = percent + 2;
      continue;
    }
    VERB.lastIndex = percent;
    const found = VERB.exec(pattern);
    if (found === null) return failed(`what follows the "%" at character ${percent + 1} is not a verb`, 0);
    const [raw, flags = '', width, digits, index, mode = ''] = found;
    const place = index === undefined ? next : Number(index);
    const arg = args[place - 1];
    if (arg === undefined)
      return failed(`there is no value for "${raw}": there are only ${args.length} arguments`);
    const verb: Verb = {
      raw,
      flags,
      width: Number(width ?? -1),
      digits: digits === undefined ? undefined : Number(digits),
      mode,
    };
    const one = formatOne(verb, arg, place);
    if (typeof one !== 'string') return one;
    text += one;
    if (text.length > MOST_TEXT) return tooLong();
    at = percent + raw.length;
    next = place + 1;
    highest = Math.max(highest, place);
  }
  if (highest < args.length) return failed('the format has no verb for it', highest + 1);
  return text;
}

function formatOne(verb: Verb, arg: Value, place: number): string | FunctionResult {
  if (verb.width > MOST_WIDTH || (verb.digits ?? 0) > MOST_WIDTH)
    return beyond(`"${verb.raw}" requests more than ${MOST_WIDTH} characters`, 0);
  if (verb.mode === 'v') return asItIs(verb, arg, place);
  if (arg.kind === 'null') return failed(`it must not be null for "${verb.raw}"`, place);
  const type = verb.mode === 't' ? BOOL : /[sq]/.test(verb.mode) ? STRING : NUMBER;
  if (!/^[tsqbdoxXeEfgG]$/.test(verb.mode)) return failed(`"${verb.raw}" is not a known verb of format`, 0);
  const converted = convert(arg, type);
  if (!converted.ok) return failed(`${converted.message}, for "${verb.raw}"`, place);
  const { value } = converted;
  if (value.kind === 'bool') return String(value.value);
  if (value.kind === 'string') return ofText(verb, value.value);
  if (value.kind !== 'number') return failed('it does not have the form of that type', place);
  if (/[eEfgG]/.test(verb.mode)) return ofNumber(verb, value.value);
  const whole = toInteger(value.value);
  if (whole === undefined) return failed(`a whole number is required, for "${verb.raw}"`, place);
  return ofInteger(verb, whole);
}

function asItIs(verb: Verb, arg: Value, place: number): string | FunctionResult {
  const plain = !verb.flags.includes('#');
  if (plain && arg.kind === 'string') return padded(verb, arg.value);
  if (plain && arg.kind === 'number') return padded(verb, formatNumber(arg.value, 'g', undefined));
  const json = toJsonText(arg);
  if (json === undefined) return failed('JSON cannot hold an infinite number', place);
  return padded(verb, json);
}

function ofText(verb: Verb, text: string): string {
  const cut =
    verb.digits === undefined || verb.digits === 0 ? text : clusters(text).slice(0, verb.digits).join('');
  return padded(verb, verb.mode === 'q' ? jsonString(cut) : cut);
}

function padded({ flags, width }: Verb, text: string): string {
  const missing = width - clusters(text).length;
  if (missing <= 0) return text;
  const fill = (flags.includes('0') ? '0' : ' ').repeat(missing);
  return flags.includes('-') ? text + fill : fill + text;
}

/** As Go's fmt does it for a math/big.Float. */
function ofNumber({ flags, width, digits, mode }: Verb, value: HclNumber): string {
  const general = mode === 'g' || mode === 'G';
  const text = formatNumber(value, mode as 'e', digits ?? (general ? undefined : 6));
  const negative = text.startsWith('-');
  const bare = /^[+-]/.test(text) ? text.slice(1) : text;
  const plus = flags.includes('+') || (isInfinite(value) && !flags.includes(' '));
  const sign = negative ? '-' : plus ? '+' : flags.includes(' ') ? ' ' : '';
  const missing = Math.max(0, width - sign.length - bare.length);
  const left = flags.includes('-');
  // Unlike elsewhere, 0 counts for more than -.
  if (flags.includes('0') && !isInfinite(value)) return sign + '0'.repeat(missing) + bare;
  const fill = ' '.repeat(missing);
  return left ? sign + bare + fill : fill + sign + bare;
}

const BASES: Readonly<Record<string, { readonly base: number; readonly prefix: string }>> = {
  b: { base: 2, prefix: '0b' },
  o: { base: 8, prefix: '0' },
  d: { base: 10, prefix: '' },
  x: { base: 16, prefix: '0x' },
  X: { base: 16, prefix: '0X' },
};

/** As Go's fmt does it for a math/big.Int. */
function ofInteger({ flags, width, digits: least, mode }: Verb, value: bigint): string {
  const { base, prefix: mark } = BASES[mode] as { base: number; prefix: string };
  const negative = value < 0n;
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const prefix = flags.includes('#') ? mark : '';
  const lower = (negative ? -value : value).toString(base);
  const digits = mode === 'X' ? lower.toUpperCase() : lower;
  if (least === 0 && value === 0n) return '';
  const number = digits.padStart(least ?? 0, '0');
  const missing = Math.max(0, width - sign.length - prefix.length - number.length);
  if (flags.includes('-')) return sign + prefix + number + ' '.repeat(missing);
  if (flags.includes('0') && least === undefined) return sign + prefix + '0'.repeat(missing) + number;
  return ' '.repeat(missing) + sign + prefix + number;
}
