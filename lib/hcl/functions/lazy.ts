/** Functions whose arguments are not values: `try` and `can`, which evaluate them, and `convert`, which reads a type. */
import { convert } from '../conversion.ts';
import { readType } from '../type-expression.ts';
import type { Argument, FunctionResult, HclFunction } from '../value.ts';
import { boolValue } from '../values.ts';
import { done, failed } from './define.ts';

/** The functions by their names. */
export const LAZY_FUNCTIONS: Readonly<Record<string, HclFunction>> = {
  try: { callLazy: firstThatWorks },
  can: {
    callLazy: (args) => {
      const [expression] = args;
      if (expression === undefined || args.length > 1) return failed('it takes one expression');
      return done(boolValue(expression.evaluate().ok));
    },
  },
  convert: {
    callLazy: ([value, type, ...more]) => {
      if (value === undefined || type === undefined || more.length > 0)
        return failed('it takes a value and a type');
      const read = readType(type.expression);
      if (!read.ok) return failed(read.error[0]?.message ?? 'it is not a type', 1);
      const evaluated = value.evaluate();
      if (!evaluated.ok) return evaluated;
      const first = convert(evaluated.value, read.value);
      if (!first.ok) return failed(first.message, 0);
      // Bake converts again, to the type of the result, in which no attribute is optional: one that is missing is an error.
      const second = convert(evaluated.value, first.value.type);
      return second.ok ? second : failed(second.message, 0);
    },
  },
};

function firstThatWorks(args: readonly Argument[]): FunctionResult {
  const messages: string[] = [];
  for (const argument of args) {
    const result = argument.evaluate();
    if (result.ok) return result;
    messages.push(result.message);
  }
  if (messages.length === 0) return failed('it needs at least one expression');
  return failed(`none of the expressions has a value: ${messages.join('; ')}`);
}
