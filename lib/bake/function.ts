/** Functions defined in bake files (buildx util/userfunc). */
import {
  type Expression,
  evaluate,
  expressionInJson,
  type HclFunction,
  type Scope,
  tupleOf,
  type Value,
} from '../hcl/mod.ts';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import type { FunctionBlock } from './definitions.ts';

/** Parameters and result of a function. */
export interface FunctionShape {
  readonly names: readonly string[];
  /** Receives all further arguments as a list. */
  readonly variadic?: string;
  readonly result: Expression;
}

/** Reads the block of a function. */
export function readParameters(block: FunctionBlock): Result<FunctionShape> {
  const problems: Problem[] = [];
  const missing = (what: string, example: string): void => {
    problems.push(
      problem('bake/target', `Function "${block.name}" has no ${what}`, {
        hint: `Add ${example}.`,
        span: block.place,
      }),
    );
  };
  if (block.params === undefined) missing('params', 'params = []');
  if (block.result === undefined) missing('result', 'result = …');
  const list = block.params?.value;
  if (list !== undefined && list.kind !== 'tuple')
    problems.push(
      problem('bake/target', `The params of function "${block.name}" are not a list`, {
        hint: 'Write params = [name, other].',
        span: list.span,
      }),
    );
  const nameOf = (expression: Expression): string => {
    const written = expressionInJson(expression) ?? expression;
    if (written.kind === 'variable') return written.name;
    problems.push(
      problem('bake/target', `A parameter of function "${block.name}" is not a plain name`, {
        hint: 'Write names without quotes, as in params = [name].',
        span: expression.span,
      }),
    );
    return '';
  };
  const names = list?.kind === 'tuple' ? list.items.map(nameOf) : [];
  const variadic = block.variadic === undefined ? undefined : nameOf(block.variadic.value);
  if (problems.length > 0 || block.result === undefined) return fail(problems);
  return ok({ names, ...(variadic === undefined ? {} : { variadic }), result: block.result.value });
}

/**
 * Makes the function.
 *
 * @param scopeOf the names that its result can use, including its arguments
 */
export function makeFunction(
  { names, variadic, result }: FunctionShape,
  scopeOf: (variables: ReadonlyMap<string, Value>) => Scope,
): HclFunction {
  return {
    call: (args) => {
      const few = args.length < names.length;
      if (few || (args.length > names.length && variadic === undefined)) {
        const wanted = `${variadic === undefined ? '' : 'at least '}${names.length}`;
        return {
          ok: false,
          message: `it takes ${wanted} ${names.length === 1 ? 'argument' : 'arguments'}, not ${args.length}`,
        };
      }
      const isNull = args.findIndex(({ kind }) => kind === 'null');
      if (isNull !== -1)
        return {
          ok: false,
          message: 'it is null, which functions of a bake file do not accept',
          argument: isNull,
        };
      const variables = new Map<string, Value>();
      for (const [at, parameter] of names.entries()) variables.set(parameter, args[at] as Value);
      if (variadic !== undefined) variables.set(variadic, tupleOf(args.slice(names.length)));
      const value = evaluate(result, scopeOf(variables));
      if (value.ok) return value;
      const { problems, isLimit = false } = value;
      return { ok: false, message: problems[0]?.message ?? 'it has no value', problems, isLimit };
    },
  };
}
