/** Functions of numbers. */
import {
  absolute,
  add,
  compareNumbers,
  divide,
  isInfinite,
  modulo,
  multiply,
  negate,
  numberFromFloat,
  numberFromInt,
  subtract,
  toFloat,
  toInteger,
  truncated,
  withPrecision,
} from '../number.ts';
import { equalNumbers } from '../number-text.ts';
import { DYNAMIC, NUMBER, typeName } from '../types.ts';
import type { FunctionResult, HclNumber, Value } from '../value.ts';
import { boolValue, numberValue } from '../values.ts';
import {
  beyond,
  type Definition,
  type Definitions,
  done,
  failed,
  NOT_WHOLE,
  textOf,
  wholeOf,
} from './define.ts';
import { goLog, goPow } from './float.ts';

const A = { name: 'a', type: NUMBER };
const B = { name: 'b', type: NUMBER };
const NUM = { name: 'num', type: NUMBER };

export const NUMBER_FUNCTIONS: Definitions = {
  absolute: unary((of) => absolute(of)),
  negate: unary((of) => negate(of)),
  int: unary((of) => {
    if (isInfinite(of)) return undefined;
    return toInteger(of) === undefined ? numberFromInt(truncated(of)) : of;
  }),
  ceil: unary((of) => towards(of, 1n)),
  floor: unary((of) => towards(of, -1n)),
  add: binary(add, 'infinite numbers of different signs have no sum'),
  subtract: binary(subtract, 'an infinite number cannot be subtracted from itself'),
  multiply: binary(multiply, '0 cannot be multiplied with an infinite number'),
  divide: binary(divide, '0 cannot be divided by 0, nor an infinite number by another'),
  modulo: binary(modulo, 'a remainder of 0 and an infinite number is not defined'),
  greaterthan: comparison((a, b) => compareNumbers(a, b) > 0),
  greaterthanorequalto: comparison((a, b) => compareNumbers(a, b) > 0 || equalNumbers(a, b)),
  lessthan: comparison((a, b) => compareNumbers(a, b) < 0),
  lessthanorequalto: comparison((a, b) => compareNumbers(a, b) < 0 || equalNumbers(a, b)),
  min: extreme((order) => order < 0),
  max: extreme((order) => order > 0),
  log: floating('base', (num, base) => goLog(num) / goLog(base)),
  pow: floating('power', goPow),
  signum: {
    parameters: [NUM],
    run: ([num]) => {
      const whole = wholeOf(num);
      return whole === undefined ? failed(NOT_WHOLE, 0) : done(numberValue(Math.sign(whole) + 0));
    },
  },
  parseint: {
    parameters: [
      { name: 'number', type: DYNAMIC },
      { name: 'base', type: NUMBER },
    ],
    run: ([number, base]) => {
      if (number?.kind !== 'string')
        return failed(`a string is required, not a ${number === undefined ? '' : typeName(number.type)}`, 0);
      const whole = wholeOf(base);
      if (whole === undefined || whole < 2 || whole > 62)
        return failed('the base must be a whole number from 2 to 62', 1);
      const parsed = parseInteger(textOf(number), whole);
      if (parsed === 'too long') return beyond(`it has more than ${MOST_DIGITS} digits`, 0);
      if (parsed === undefined) return failed(`it is not a whole number of base ${whole}`, 0);
      return done(numberValue(parsed));
    },
  },
};

/** Digits of a number that is read in another base. */
const MOST_DIGITS = 10_000;
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function parseInteger(text: string, base: number): bigint | 'too long' | undefined {
  const negative = text.startsWith('-');
  const digits = negative || text.startsWith('+') ? text.slice(1) : text;
  if (digits === '') return undefined;
  if (digits.length > MOST_DIGITS) return 'too long';
  let sum = 0n;
  for (const char of digits) {
    const digit = DIGITS.indexOf(base <= 36 ? char.toLowerCase() : char);
    if (digit === -1 || digit >= base) return undefined;
    sum = sum * BigInt(base) + BigInt(digit);
  }
  return negative ? -sum : sum;
}

function numberOf(value: Value | undefined): HclNumber {
  if (value?.kind !== 'number') throw new Error('an argument that should be a number is not one');
  return value.value;
}

function result(value: HclNumber | undefined, otherwise: string): FunctionResult {
  return value === undefined ? failed(otherwise) : done(numberValue(value));
}

function unary(run: (of: HclNumber) => HclNumber | undefined): Definition {
  return { parameters: [NUM], run: ([num]) => result(run(numberOf(num)), 'the number must be finite') };
}

function binary(run: (a: HclNumber, b: HclNumber) => HclNumber | undefined, otherwise: string): Definition {
  return {
    parameters: [A, B],
    run: ([a, b]) => {
      const [left, right] = [numberOf(a), numberOf(b)];
      const plain = !isInfinite(left) && !isInfinite(right) && right.mantissa !== 0n;
      return result(run(left, right), plain ? 'the result is too large or too small' : otherwise);
    },
  };
}

function comparison(holds: (a: HclNumber, b: HclNumber) => boolean): Definition {
  return {
    parameters: [A, B],
    run: ([a, b]) => done(boolValue(holds(numberOf(a), numberOf(b)))),
  };
}

function extreme(better: (order: number) => boolean): Definition {
  return {
    parameters: [],
    rest: { name: 'numbers', type: NUMBER },
    run: (args) => {
      const [first, ...others] = args.map(numberOf);
      if (first === undefined) return failed('it needs at least one number');
      return done(
        numberValue(others.reduce((best, one) => (better(compareNumbers(one, best)) ? one : best), first)),
      );
    },
  };
}

/** The whole number at or next to it in a direction, with the precision that it has. */
function towards(of: HclNumber, direction: 1n | -1n): HclNumber | undefined {
  if (isInfinite(of)) return of;
  const whole = truncated(of);
  const nearer = of.exponent >= 0 || of.mantissa === 0n || of.negative === (direction === 1n);
  return withPrecision(nearer ? whole : whole + direction, of.precision);
}

function floating(second: string, run: (a: number, b: number) => number): Definition {
  return {
    parameters: [NUM, { name: second, type: NUMBER }],
    run: (args) => {
      const floats: number[] = [];
      for (const [at, value] of args.entries()) {
        const float = toFloat(numberOf(value));
        if (!Number.isFinite(float) && !isInfinite(numberOf(value)))
          return failed('the number is too large', at);
        floats.push(float);
      }
      const [a = 0, b = 0] = floats;
      return result(numberFromFloat(run(a, b)), 'the result is not defined');
    },
  };
}

/** For `range`: 1 and -1, as they are counted. */
export const ONE: HclNumber = numberFromInt(1);
export const MINUS_ONE: HclNumber = numberFromInt(-1);
