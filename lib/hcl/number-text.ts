/**
 * Decimal texts of numbers: the shortest that means the same, and those with a given number of digits, as Go writes them
 * (https://pkg.go.dev/math/big#Float.Text).
 */
import { bitLength, isInfinite, toInteger } from './number.ts';
import type { HclNumber } from './value.ts';

/** `0.digits × 10^point`, without zeros at either end; no digits are 0. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** The shortest decimal text without an exponent, for texts and JSON; `+Inf` and `-Inf` for infinite numbers. */
export function numberText(of: HclNumber): string {
  if (isInfinite(of)) return of.negative ? '-Inf' : '+Inf';
  const whole = toInteger(of);
  const sign = of.negative ? '-' : '';
  // A whole number that fits is not shortened: its neighbours differ by at least 1.
  if (whole !== undefined && bitLength(of.mantissa) + of.exponent <= of.precision)
    return `${sign}${whole < 0n ? -whole : whole}`;
  return `${sign}${plain(shortest(of), undefined)}`;
}

/** Whether two numbers are equal for `==` and `>=`: whole numbers by value, others by their texts. */
export function equalNumbers(a: HclNumber, b: HclNumber): boolean {
  const [left, right] = [toInteger(a), toInteger(b)];
  if (left !== undefined || right !== undefined) return left === right;
  return a.negative === b.negative && numberText(a) === numberText(b);
}

/**
 * With an exponent (`e`, `E`), without (`f`) or the shorter form (`g`, `G`). `digits` are those after the point, for `g`
 * all digits; undefined: the fewest that identify the number.
 */
export function formatNumber(
  of: HclNumber,
  form: 'e' | 'E' | 'f' | 'g' | 'G',
  digits: number | undefined,
): string {
  if (isInfinite(of)) return of.negative ? '-Inf' : '+Inf';
  const sign = of.negative ? '-' : '';
  if (form === 'f') {
    const decimal = digits === undefined ? shortest(of) : exact(of);
    return `${sign}${plain(digits === undefined ? decimal : cut(decimal, decimal.point + digits), digits)}`;
  }
  if (form === 'e' || form === 'E') {
    const decimal = digits === undefined ? shortest(of) : cut(exact(of), 1 + digits);
    return `${sign}${scientific(decimal, digits, form)}`;
  }
  return `${sign}${general(of, form, digits)}`;
}

function general(of: HclNumber, form: 'g' | 'G', digits: number | undefined): string {
  const wanted = digits === 0 ? 1 : digits;
  const decimal = wanted === undefined ? shortest(of) : cut(exact(of), wanted);
  const length = decimal.digits.length;
  let most = wanted ?? 6;
  if (wanted !== undefined && most > length && length >= decimal.point) most = length;
  const exponent = decimal.point - 1;
  if (exponent >= -4 && exponent < most) return plain(decimal, Math.max(length - decimal.point, 0));
  const shown = wanted === undefined ? length : Math.min(wanted, length);
  return scientific(decimal, Math.max(shown - 1, 0), form === 'g' ? 'e' : 'E');
}

function plain({ digits, point }: Decimal, behind: number | undefined): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  const rest = point > 0 ? digits.slice(point) : digits === '' ? '' : '0'.repeat(-point) + digits;
  const fraction = behind === undefined ? rest : rest.slice(0, behind).padEnd(behind, '0');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function scientific({ digits, point }: Decimal, behind: number | undefined, sign: 'e' | 'E'): string {
  const exponent = digits === '' ? 0 : point - 1;
  const first = digits[0] ?? '0';
  const fraction = digits.slice(1);
  const shown = behind === undefined ? fraction : fraction.slice(0, behind).padEnd(behind, '0');
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${first}${shown === '' ? '' : `.${shown}`}${sign}${exponent < 0 ? '-' : '+'}${size}`;
}

/** Every digit. */
function exact(of: HclNumber): Decimal {
  return decimalOf(of.mantissa, of.exponent);
}

function decimalOf(mantissa: bigint, exponent: number): Decimal {
  if (mantissa === 0n) return { digits: '', point: 0 };
  const digits =
    exponent >= 0
      ? (mantissa << BigInt(exponent)).toString()
      : (mantissa * 5n ** BigInt(-exponent)).toString();
  const point = digits.length + Math.min(0, exponent);
  return { digits: digits.replace(/0+$/, ''), point };
}

/** The first `count` digits, rounded half to even. */
function cut(decimal: Decimal, count: number): Decimal {
  const { digits } = decimal;
  if (count < 0) return { digits: '', point: 0 };
  if (count >= digits.length) return decimal;
  const next = digits.charCodeAt(count) - 48;
  const tie = next === 5 && count + 1 === digits.length;
  const up = tie ? count > 0 && (digits.charCodeAt(count - 1) - 48) % 2 === 1 : next >= 5;
  return up ? roundedUp(decimal, count) : roundedDown(decimal, count);
}

function roundedDown({ digits, point }: Decimal, count: number): Decimal {
  const kept = digits.slice(0, count).replace(/0+$/, '');
  return kept === '' ? { digits: '', point: 0 } : { digits: kept, point };
}

function roundedUp({ digits, point }: Decimal, count: number): Decimal {
  const kept = digits.slice(0, count).replace(/9+$/, '');
  if (kept === '') return { digits: '1', point: point + 1 };
  const last = kept.charCodeAt(kept.length - 1) - 48;
  return { digits: `${kept.slice(0, -1)}${last + 1}`, point };
}

/** The fewest digits that are closer to this number than to any other of its precision. */
function shortest(of: HclNumber): Decimal {
  const decimal = exact(of);
  if (of.mantissa === 0n) return decimal;
  // Half the distance to the neighbours is one unit of this mantissa.
  const shift = of.precision + 1 - bitLength(of.mantissa);
  const mantissa = of.mantissa << BigInt(shift);
  const lower = decimalOf(mantissa - 1n, of.exponent - shift);
  const upper = decimalOf(mantissa + 1n, of.exponent - shift);
  // The limits are this number only if its last bit is 0, since ties are rounded to even.
  const inclusive = (mantissa & 2n) === 0n;
  for (let at = 0; at < decimal.digits.length; at++) {
    const digit = decimal.digits.charCodeAt(at) - 48;
    const low = digitAt(lower, at);
    const high = digitAt(upper, at);
    const down = low !== digit || (inclusive && at + 1 === lower.digits.length);
    const up = digit !== high && (inclusive || digit + 1 < high || at + 1 < upper.digits.length);
    if (down && up) return cut(decimal, at + 1);
    if (down) return roundedDown(decimal, at + 1);
    if (up) return roundedUp(decimal, at + 1);
  }
  return decimal;
}

function digitAt(decimal: Decimal, at: number): number {
  return at < decimal.digits.length ? decimal.digits.charCodeAt(at) - 48 : 0;
}
