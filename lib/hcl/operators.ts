/** Operators on values of the right types. */
import { add, compareNumbers, divide, modulo, multiply, negate, subtract } from './number.ts';
import { equalNumbers } from './number-text.ts';
import type { BinaryOperator } from './syntax.ts';
import { BOOL, DYNAMIC, NUMBER } from './types.ts';
import type { HclNumber, Type, Value } from './value.ts';
import { boolValue, equalValues, numberValue } from './values.ts';

/** The types of an operator's operands and result. */
export function typesOf(operator: BinaryOperator): { readonly takes: Type; readonly gives: Type } {
  switch (operator) {
    case '||':
    case '&&':
      return { takes: BOOL, gives: BOOL };
    case '==':
    case '!=':
      return { takes: DYNAMIC, gives: BOOL };
    case '<':
    case '<=':
    case '>':
    case '>=':
      return { takes: NUMBER, gives: BOOL };
    default:
      return { takes: NUMBER, gives: NUMBER };
  }
}

/** The value of `left operator right`, or why it has none. */
export function operate(operator: BinaryOperator, left: Value, right: Value): Value | string {
  if (operator === '==') return boolValue(equalValues(left, right));
  if (operator === '!=') return boolValue(!equalValues(left, right));
  if (left.kind === 'null' || right.kind === 'null') {
    return `${left.kind === 'null' ? 'The left operand of' : 'The right operand of'} ${operator} is null`;
  }
  if (left.kind === 'bool' && right.kind === 'bool') {
    return boolValue(operator === '&&' ? left.value && right.value : left.value || right.value);
  }
  if (left.kind !== 'number' || right.kind !== 'number') return `${operator} takes numbers`;
  const compared = compare(operator, left.value, right.value);
  if (compared !== undefined) return boolValue(compared);
  const result = calculate(operator, left.value, right.value);
  return result === undefined ? noResult(operator) : numberValue(result);
}

function compare(operator: BinaryOperator, left: HclNumber, right: HclNumber): boolean | undefined {
  switch (operator) {
    case '<':
      return compareNumbers(left, right) < 0;
    case '<=':
      return compareNumbers(left, right) < 0 || equalNumbers(left, right);
    case '>':
      return compareNumbers(left, right) > 0;
    case '>=':
      return compareNumbers(left, right) > 0 || equalNumbers(left, right);
    default:
      return undefined;
  }
}

function calculate(operator: BinaryOperator, left: HclNumber, right: HclNumber): HclNumber | undefined {
  switch (operator) {
    case '+':
      return add(left, right);
    case '-':
      return subtract(left, right);
    case '*':
      return multiply(left, right);
    case '/':
      return divide(left, right);
    default:
      return modulo(left, right);
  }
}

function noResult(operator: BinaryOperator): string {
  return operator === '/' || operator === '%'
    ? 'Zero cannot be divided by zero, nor an infinite number by an infinite one'
    : 'The result is not a number, or too large';
}

/** `-of` */
export function negated(of: HclNumber): Value {
  return numberValue(negate(of));
}
