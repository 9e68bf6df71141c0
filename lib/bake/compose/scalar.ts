/**
 * What a plain scalar means to the YAML package that Compose uses (go.yaml.in/yaml v4, internal/libyaml/resolver.go), and
 * how Go prints the value: `010` is 8, `1e3` is 1000, `2024-01-01` a date.
 */

/** A meaning: its type and Go's text for it. */
export interface Meaning {
  readonly type: 'string' | 'int' | 'float' | 'bool' | 'null' | 'time';
  readonly text: string;
  readonly rfc3339?: string;
}

const WORDS: ReadonlyMap<string, Meaning> = new Map(
  [
    words('bool', 'true', 'true True TRUE'),
    words('bool', 'false', 'false False FALSE'),
    words('null', '<nil>', ' ~ null Null NULL'),
    words('float', 'NaN', '.nan .NaN .NAN'),
    words('float', '+Inf', '.inf .Inf .INF +.inf +.Inf +.INF'),
    words('float', '-Inf', '-.inf -.Inf -.INF'),
    words('float', '-0', '-0 -0.0'),
  ].flat(),
);

function words(type: Meaning['type'], text: string, list: string): readonly (readonly [string, Meaning])[] {
  return list.split(' ').map((word) => [word, { type, text }]);
}

/** The meaning of a scalar without quotes and without a tag. */
export function meaningOf(text: string): Meaning {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (/^[-+.0-9]/.test(text)) {
    const other = text.startsWith('.') ? floatOf(text) : (timeOf(text) ?? integerOf(text) ?? floatOf(text));
    if (other !== undefined) return other;
  }
  return { type: 'string', text };
}

const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/;

function integerOf(text: string): Meaning | undefined {
  const found = INTEGER.exec(text.replaceAll('_', ''));
  if (found === null) return undefined;
  const [, sign = '', digits = ''] = found;
  const amount = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -amount : amount;
  const isSmall = value >= -(1n << 63n) && value < 1n << 63n;
  if (!isSmall && (sign !== '' || value >= 1n << 64n)) return undefined;
  return { type: 'int', text: String(value) };
}

function floatOf(text: string): Meaning | undefined {
  const digits = text.replaceAll('_', '');
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isFinite(value) ? { type: 'float', text: goFloat(value) } : undefined;
}

/** A number as Go's `%v` prints it: with an exponent from 1e+06 on. */
export function goFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (value === 0) return '0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const size = Number(exponent);
  if (size >= -4 && size < FLOAT_LIMIT) return plainDigits(value);
  return `${mantissa}e${size < 0 ? '-' : '+'}${String(Math.abs(size)).padStart(2, '0')}`;
}

const FLOAT_LIMIT = 6;

function plainDigits(value: number): string {
  const text = String(value);
  const small = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text);
  if (small === null) return text;
  const [, sign = '', first = '', rest = '', zeros = ''] = small;
  return `${sign}0.${'0'.repeat(Number(zeros) - 1)}${first}${rest}`;
}

const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?(Z|[-+]\d{2}:\d{2})?)?$/;

function timeOf(text: string): Meaning | undefined {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [, year = '', month = '', day = '', mark, hour = '0', minute = '0', second = '0', part = '', zone] =
    found;
  // With T a zone is needed, with a space there can be none.
  if (mark !== undefined && (mark === ' ') !== (zone === undefined)) return undefined;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const [zoneHours = 0, zoneMinutes = 0] =
    zone === undefined || zone === 'Z' ? [] : zone.slice(1).split(':').map(Number);
  const isThere =
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= days &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60 &&
    zoneHours <= 24 &&
    zoneMinutes < 60;
  if (!isThere) return undefined;
  const two = (digits: string): string => digits.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  const nanoseconds = part.slice(0, 9).replace(/0+$/, '');
  const clock = `${two(hour)}:${two(minute)}:${two(second)}${nanoseconds === '' ? '' : `.${nanoseconds}`}`;
  const isUtc = zoneHours === 0 && zoneMinutes === 0;
  const offset = isUtc ? '+0000 UTC' : `${zone?.replace(':', '')} ${zone?.replace(':', '')}`;
  return {
    type: 'time',
    text: `${date} ${clock} ${offset}`,
    rfc3339: `${date}T${clock}${isUtc ? 'Z' : zone}`,
  };
}
