/**
 * Numbers of HCL: binary floating point with a mantissa of up to 512 bits, as in go-cty
 * (https://pkg.go.dev/math/big#Float). number-text.ts writes them in decimal.
 */
import type { HclNumber } from './value.ts';

/** Precision of literals in bits. */
const WRITTEN = 512;
/** Precision of integers from lengths and indexes in bits. */
const COUNTED = 64;
/** Precision of JavaScript's numbers in bits. */
const FLOATING = 53;
/** Numbers beyond 2^±40,000 (12,000 decimal digits) are not supported, unlike in Go: printing them would take long. */
const MOST_EXPONENT = 40_000;
const MOST_DECIMAL_EXPONENT = 12_000;
/** Maximum length of a literal in characters. */
const MOST_WRITTEN = 20_000;

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:([eEpP])([+-]?\d+))?$/;

/** The literal 0. */
export const ZERO: HclNumber = { negative: false, mantissa: 0n, exponent: 0, precision: COUNTED };

/**
 * Parses a decimal number such as `12`, `-1.5e3`, `.5`, `1p3` (1 × 2^3) or `Inf`; undefined if it is invalid, or outside
 * of the supported range.
 */
export function parseNumber(text: string): HclNumber | undefined {
  if (text.length > MOST_WRITTEN) return undefined;
  const infinite = /^([+-]?)(?:Inf|inf)$/.exec(text);
  if (infinite !== null) return infinity(infinite[1] === '-');
  const found = DECIMAL.exec(text);
  if (found === null) return undefined;
  const [, sign, whole = '', fraction = found[4] ?? '', , base, exponent = '0'] = found;
  const negative = sign === '-';
  const digits = BigInt(`${whole}${fraction}` || '0');
  if (digits === 0n) return { negative, mantissa: 0n, exponent: 0, precision: WRITTEN };
  const power = Number(exponent);
  if (Math.abs(power) > MOST_EXPONENT) return undefined;
  const binary = base === 'p' || base === 'P' ? power : 0;
  const decimal = (binary === 0 ? power : 0) - fraction.length;
  if (Math.abs(decimal) > MOST_DECIMAL_EXPONENT + MOST_WRITTEN) return undefined;
  if (decimal >= 0) return rounded(negative, digits * 10n ** BigInt(decimal), binary, WRITTEN);
  return quotient(negative, digits, 10n ** BigInt(-decimal), binary, WRITTEN);
}

/** An integer from a length or index. */
export function numberFromInt(value: number | bigint): HclNumber {
  const whole = BigInt(value);
  const bits = bitLength(whole < 0n ? -whole : whole);
  const made = rounded(whole < 0n, whole < 0n ? -whole : whole, 0, Math.max(COUNTED, bits));
  return made ?? infinity(whole < 0n);
}

/** Converts a JavaScript number; undefined for NaN. */
export function numberFromFloat(value: number): HclNumber | undefined {
  if (Number.isNaN(value)) return undefined;
  if (!Number.isFinite(value)) return { ...infinity(value < 0), precision: FLOATING };
  const negative = value < 0 || Object.is(value, -0);
  let mantissa = Math.abs(value);
  let exponent = 0;
  for (; !Number.isInteger(mantissa); exponent--) mantissa *= 2;
  return rounded(negative, BigInt(mantissa), exponent, FLOATING);
}

/** The nearest JavaScript number; infinite if too large. */
export function toFloat(of: HclNumber): number {
  const sign = of.negative ? -1 : 1;
  if (!Number.isFinite(of.exponent)) return sign * Number.POSITIVE_INFINITY;
  if (of.mantissa === 0n) return of.negative ? -0 : 0;
  if (of.exponent >= 0) return sign * Number(of.mantissa << BigInt(of.exponent));
  // Below 2^-1022, precision would be lost twice; 1,100 bits are more than any of these numbers has.
  const top = bitLength(of.mantissa) + of.exponent;
  if (top < -1100) return sign * 0;
  const short = rounded(false, of.mantissa, of.exponent, top < -1021 ? Math.max(1, top + 1074) : FLOATING);
  if (short === undefined) return sign * 0;
  return sign * scaled(Number(short.mantissa), short.exponent);
}

function scaled(mantissa: number, exponent: number): number {
  let value = mantissa;
  let left = exponent;
  for (; left < -1000; left += 1000) value *= 2 ** -1000;
  return value * 2 ** left;
}

/** `a + b`; undefined: opposite infinities, or too large. */
export function add(a: HclNumber, b: HclNumber): HclNumber | undefined {
  const precision = Math.max(a.precision, b.precision);
  if (isInfinite(a) || isInfinite(b)) {
    if (isInfinite(a) && isInfinite(b) && a.negative !== b.negative) return undefined;
    return { ...(isInfinite(a) ? a : b), precision };
  }
  if (a.mantissa === 0n && b.mantissa === 0n)
    return { negative: a.negative && b.negative, mantissa: 0n, exponent: 0, precision };
  const exponent = Math.min(
    a.mantissa === 0n ? b.exponent : a.exponent,
    b.mantissa === 0n ? a.exponent : b.exponent,
  );
  const sum = signed(a, exponent) + signed(b, exponent);
  return rounded(sum < 0n, sum < 0n ? -sum : sum, exponent, precision);
}

/** `a - b`; undefined as for {@link add}. */
export function subtract(a: HclNumber, b: HclNumber): HclNumber | undefined {
  return add(a, negate(b));
}

/** `a × b`, with as many bits (up to 512) as needed; undefined: 0 × infinity, or too large. */
export function multiply(a: HclNumber, b: HclNumber): HclNumber | undefined {
  const negative = a.negative !== b.negative;
  const precision = Math.max(a.precision, b.precision);
  if (isInfinite(a) || isInfinite(b)) {
    if (a.mantissa === 0n || b.mantissa === 0n) return undefined;
    return { ...infinity(negative), precision };
  }
  const product = rounded(negative, a.mantissa * b.mantissa, a.exponent + b.exponent, WRITTEN);
  if (product === undefined) return undefined;
  return { ...product, precision: Math.max(precision, bitLength(product.mantissa)) };
}

/** `a / b`; undefined: 0 / 0, infinity / infinity, or too large. Other divisions by 0 are infinite. */
export function divide(a: HclNumber, b: HclNumber): HclNumber | undefined {
  const negative = a.negative !== b.negative;
  const precision = Math.max(a.precision, b.precision);
  if (a.mantissa === 0n && b.mantissa === 0n) return undefined;
  if (isInfinite(a) && isInfinite(b)) return undefined;
  if (isInfinite(a) || b.mantissa === 0n) return { ...infinity(negative), precision };
  if (isInfinite(b) || a.mantissa === 0n) return { negative, mantissa: 0n, exponent: 0, precision };
  return quotient(negative, a.mantissa, b.mantissa, a.exponent - b.exponent, precision);
}

/** The remainder of `a / b`, with the sign of `a`; `a` if `b` is 0. Undefined as for {@link multiply}. */
export function modulo(a: HclNumber, b: HclNumber): HclNumber | undefined {
  if (isInfinite(a) || isInfinite(b)) return multiply(a, b);
  if (b.mantissa === 0n) return a;
  const ratio = divide(a, b);
  if (ratio === undefined) return undefined;
  const whole = truncated(ratio);
  // Each step is rounded to the precision of `a`, as in Go.
  const factor = rounded(whole < 0n, whole < 0n ? -whole : whole, 0, a.precision);
  if (factor === undefined) return undefined;
  const product = rounded(
    factor.negative !== b.negative,
    factor.mantissa * b.mantissa,
    factor.exponent + b.exponent,
    a.precision,
  );
  if (product === undefined) return undefined;
  const rest = add(a, negate({ ...product, precision: a.precision }));
  return rest === undefined ? undefined : { ...rest, precision: a.precision };
}

/** `-of` */
export function negate(of: HclNumber): HclNumber {
  return { ...of, negative: !of.negative };
}

/** `of` without its sign. */
export function absolute(of: HclNumber): HclNumber {
  return { ...of, negative: false };
}

/** Negative, 0 or positive if `a` is less than, equal to or greater than `b`. */
export function compareNumbers(a: HclNumber, b: HclNumber): number {
  if (isInfinite(a) || isInfinite(b)) {
    const rank = (of: HclNumber): number => (isInfinite(of) ? (of.negative ? -1 : 1) : 0);
    return rank(a) - rank(b);
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const [left, right] = [signed(a, exponent), signed(b, exponent)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a number is infinite. */
export function isInfinite(of: HclNumber): boolean {
  return of.exponent === Number.POSITIVE_INFINITY;
}

/** Its value if it is a whole number, otherwise undefined. */
export function toInteger(of: HclNumber): bigint | undefined {
  if (isInfinite(of) || of.exponent < 0) return undefined;
  return truncated(of);
}

/** Its value if it is a whole number of 64 bits (Go's `int`), otherwise undefined. */
export function toInt64(of: HclNumber): bigint | undefined {
  const whole = toInteger(of);
  return whole !== undefined && BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

/** The integer part of a finite number. */
export function truncated(of: HclNumber): bigint {
  const size = of.exponent >= 0 ? of.mantissa << BigInt(of.exponent) : of.mantissa >> BigInt(-of.exponent);
  return of.negative ? -size : size;
}

/** A whole number with the precision of another. */
export function withPrecision(value: bigint, precision: number): HclNumber | undefined {
  return rounded(value < 0n, value < 0n ? -value : value, 0, precision);
}

/** Its length in bits. */
export function bitLength(value: bigint): number {
  return value === 0n
    ? 0
    : value.toString(16).length * 4 - Math.clz32(Number(`0x${value.toString(16)[0]}`)) + 28;
}

function infinity(negative: boolean): HclNumber {
  return { negative, mantissa: 1n, exponent: Number.POSITIVE_INFINITY, precision: WRITTEN };
}

function signed(of: HclNumber, exponent: number): bigint {
  const size = of.mantissa << BigInt(of.mantissa === 0n ? 0 : of.exponent - exponent);
  return of.negative ? -size : size;
}

/** `top / bottom × 2^exponent` */
function quotient(
  negative: boolean,
  top: bigint,
  bottom: bigint,
  exponent: number,
  precision: number,
): HclNumber | undefined {
  const shift = Math.max(0, precision + 2 + bitLength(bottom) - bitLength(top));
  const shifted = top << BigInt(shift);
  const whole = shifted / bottom;
  // One additional bit for the remainder, so that it is not taken for a tie.
  const sticky = whole * bottom === shifted ? 0n : 1n;
  return rounded(negative, (whole << 1n) | sticky, exponent - shift - 1, precision);
}

/** Rounds to that many bits, half to even; undefined: too large or too small. */
function rounded(
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  precision: number,
): HclNumber | undefined {
  if (mantissa === 0n) return { negative, mantissa, exponent: 0, precision };
  const surplus = bitLength(mantissa) - precision;
  let kept = mantissa;
  let scale = exponent;
  if (surplus > 0) {
    const lost = BigInt.asUintN(surplus, mantissa);
    const half = 1n << BigInt(surplus - 1);
    kept = mantissa >> BigInt(surplus);
    scale += surplus;
    if (lost > half || (lost === half && (kept & 1n) === 1n)) kept += 1n;
  }
  const zeros = trailingZeros(kept);
  kept >>= BigInt(zeros);
  scale += zeros;
  if (Math.abs(scale) > MOST_EXPONENT) return undefined;
  return { negative, mantissa: kept, exponent: scale, precision };
}

function trailingZeros(value: bigint): number {
  const digits = value.toString(2);
  return digits.length - 1 - digits.lastIndexOf('1');
}
