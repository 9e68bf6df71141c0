/** Logarithms and powers of floating point as Go computes them, so that the last digit is the same (https://pkg.go.dev/math). */

/** `base ^ power` */
export function goPow(base: number, power: number): number {
  if (power === 0 || base === 1) return 1;
  if (power === 1) return base;
  if (Number.isNaN(base) || Number.isNaN(power)) return Number.NaN;
  if (base === 0 || !Number.isFinite(power) || !Number.isFinite(base)) return specialPow(base, power);
  if (power === 0.5) return Math.sqrt(base);
  if (power === -0.5) return 1 / Math.sqrt(base);
  let whole = Math.trunc(Math.abs(power));
  let fraction = Math.abs(power) - whole;
  if (fraction !== 0 && base < 0) return Number.NaN;
  if (whole >= 2 ** 63) {
    if (base === -1) return 1;
    return Math.abs(base) < 1 === power > 0 ? 0 : Number.POSITIVE_INFINITY;
  }
  let mantissa = 1;
  if (fraction !== 0) {
    if (fraction > 0.5) {
      fraction--;
      whole++;
    }
    mantissa = Math.exp(fraction * goLog(base));
  }
  return bySquares(base, power, whole, mantissa);
}

function bySquares(base: number, power: number, whole: number, start: number): number {
  let mantissa = start;
  let exponent = 0;
  let [square, scale] = split(base);
  for (let left = whole; left !== 0; left = Math.floor(left / 2)) {
    if (scale < -(2 ** 12) || scale > 2 ** 12) {
      exponent += scale;
      break;
    }
    if (left % 2 === 1) {
      mantissa *= square;
      exponent += scale;
    }
    square *= square;
    scale *= 2;
    if (square < 0.5) {
      square += square;
      scale--;
    }
  }
  if (power < 0) {
    mantissa = 1 / mantissa;
    exponent = -exponent;
  }
  return join(mantissa, exponent);
}

function specialPow(base: number, power: number): number {
  const odd = Number.isInteger(power) && Math.abs(power) < 2 ** 53 && Math.abs(power) % 2 === 1;
  if (base === 0) {
    const size = power < 0 ? Number.POSITIVE_INFINITY : 0;
    return odd && Object.is(base, -0) ? -size : size;
  }
  if (!Number.isFinite(power)) {
    if (base === -1) return 1;
    return Math.abs(base) < 1 === power > 0 ? 0 : Number.POSITIVE_INFINITY;
  }
  const size = power < 0 ? 0 : Number.POSITIVE_INFINITY;
  return odd && base < 0 ? -size : size;
}

/** Natural logarithm, as in FreeBSD's e_log.c. */
export function goLog(of: number): number {
  if (Number.isNaN(of) || of === Number.POSITIVE_INFINITY) return of;
  if (of < 0) return Number.NaN;
  if (of === 0) return Number.NEGATIVE_INFINITY;
  let [fraction, exponent] = split(of);
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    exponent--;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const odd =
    s2 *
    (0.6666666666666735 + s4 * (0.2857142874366239 + s4 * (0.1818357216161805 + s4 * 0.14798198605116586)));
  const even = s4 * (0.3999999999940942 + s4 * (0.22222198432149784 + s4 * 0.15313837699209373));
  const half = 0.5 * f * f;
  return (
    exponent * 0.6931471803691238 -
    (half - (s * (half + (odd + even)) + exponent * 1.9082149292705877e-10) - f)
  );
}

/** `mantissa × 2^exponent` with a mantissa from 0.5 to 1. */
function split(of: number): [mantissa: number, exponent: number] {
  let mantissa = of;
  let exponent = 0;
  if (Math.abs(mantissa) < 2 ** -1022) {
    mantissa *= 2 ** 52;
    exponent = -52;
  }
  const power = Math.floor(Math.log2(Math.abs(mantissa))) + 1;
  mantissa = join(mantissa, -power);
  exponent += power;
  // The logarithm is rounded, so that it may be off by one.
  if (Math.abs(mantissa) >= 1) return [mantissa / 2, exponent + 1];
  if (Math.abs(mantissa) < 0.5) return [mantissa * 2, exponent - 1];
  return [mantissa, exponent];
}

function join(mantissa: number, exponent: number): number {
  let value = mantissa;
  let left = exponent;
  for (; left > 1000 && Number.isFinite(value) && value !== 0; left -= 1000) value *= 2 ** 1000;
  for (; left < -1000 && value !== 0; left += 1000) value *= 2 ** -1000;
  if (value === 0 || !Number.isFinite(value)) return value;
  return value * 2 ** left;
}
