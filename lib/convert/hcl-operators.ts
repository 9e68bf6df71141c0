/** Converts operations of HCL to CEL, which has stricter types. */
import {
  asCondition,
  BINDING,
  literalOf,
  loose,
  negated,
  operation,
  print,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { BOOL, INT, NUMBER } from './static-type.ts';

/** Writes an operation of one value. */
export function writeUnary(operator: '!' | '-', of: Written): Written {
  if (operator === '!') return negated(asCondition(of));
  const inner = asNumber(of);
  if (typeof inner.constant === 'number') return literalOf(-inner.constant);
  return loose(`${operator}${print(inner, BINDING.unary)}`, BINDING.unary, inner.type);
}

const ARITHMETIC: Readonly<Record<string, number>> = {
  '+': BINDING.add,
  '-': BINDING.add,
  '*': BINDING.multiply,
  '/': BINDING.multiply,
  '%': BINDING.multiply,
};

/** Writes a binary operation; also for functions that are operators (`equal(a, b)`). */
export function writeBinary(operator: string, a: Written, b: Written): Written {
  if (operator === '&&' || operator === '||') return writeLogic(operator, asCondition(a), asCondition(b));
  if (a.matches !== undefined && b.constant === 0) {
    if (operator === '>' || operator === '!=') return a.matches;
    if (operator === '==' || operator === '<=') return negated(a.matches);
  }
  if (operator === '==' || operator === '!=') return writeEquality(operator, a, b);
  const [left, right] = sameNumbers(operator, asNumber(a), asNumber(b));
  const isInt = left.type.isInt === true && right.type.isInt === true;
  const binding = ARITHMETIC[operator];
  if (binding === undefined) return operation(left, operator, right, BINDING.compare, BOOL);
  return operation(left, operator, right, binding, isInt ? INT : NUMBER);
}

function writeLogic(operator: '&&' | '||', a: Written, b: Written): Written {
  const deciding = operator === '||';
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (one.constant === deciding) return literalOf(deciding);
    if (one.constant === !deciding) return other;
  }
  return operation(a, operator, b, operator === '||' ? BINDING.or : BINDING.and, BOOL);
}

/** In HCL, values of different types are never equal. */
function writeEquality(operator: '==' | '!=', a: Written, b: Written): Written {
  // `equal("x", name)` is written in the usual order.
  if (a.constant !== undefined && b.constant === undefined) return writeEquality(operator, b, a);
  const isSame = operator === '==';
  if (a.constant !== undefined && b.constant !== undefined)
    return literalOf((a.constant === b.constant) === isSame);
  const isLoose = ({ type }: Written): boolean => type.kind === 'any' || type.nullable === true;
  if (!isLoose(a) && !isLoose(b) && a.type.kind !== b.type.kind) return literalOf(!isSame);
  if (a.constant === null && !isLoose(b)) return literalOf(!isSame);
  if (b.constant === null && !isLoose(a)) return literalOf(!isSame);
  if (typeof b.constant === 'boolean' && a.type.kind === 'bool' && a.type.nullable !== true)
    return b.constant === isSame ? a : negated(a);
  const isList = a.type.kind === 'list' || b.type.kind === 'list';
  if (isList && a.constant !== null && b.constant !== null)
    throw new Untranslatable('lists are compared, for which HCL also compares types');
  return operation(a, operator, b, BINDING.compare, BOOL);
}

/** Converts to a number; a text is parsed. */
export function asNumber(written: Written): Written {
  const { type, constant } = written;
  if (type.kind === 'number') return written;
  if (typeof constant === 'string' && /^-?[0-9]+(?:\.[0-9]+)?$/.test(constant))
    return literalOf(Number(constant));
  if (type.kind === 'any' || type.kind === 'text') return tight(`double(${print(written)})`, NUMBER);
  throw new Untranslatable('a number is needed');
}

/** CEL requires two integers or two doubles; dividing integers has no fraction. */
function sameNumbers(operator: string, left: Written, right: Written): readonly [Written, Written] {
  const isInt = (side: Written): boolean => side.type.isInt === true;
  if (isInt(left) && isInt(right) && operator !== '/') return [left, right];
  const wide = (side: Written): Written => {
    if (typeof side.constant === 'number' && isInt(side)) return { ...tight(`${side.constant}.0`, NUMBER) };
    return isInt(side) || side.type.isMixed === true ? tight(`double(${print(side)})`, NUMBER) : side;
  };
  if (operator === '%')
    throw new Untranslatable('the remainder of a division with fractions has no equivalent');
  return [wide(left), wide(right)];
}
