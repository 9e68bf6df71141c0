/** Calls of functions. */
import { didYouMean } from '../util/suggest.ts';
import {
  checkSize,
  type Evaluation,
  Exceeded,
  type Failure,
  failure,
  failures,
  type Outcome,
  spend,
  UNKNOWN,
  weightOf,
} from './evaluation.ts';
import { variablesOf } from './references.ts';
import type { Call, Expression } from './syntax.ts';
import type { Argument, FunctionResult, HclFunction, Value } from './value.ts';

/** `name(args)`; functions convert their arguments and report which one is invalid. */
export function evaluateCall(call: Call, evaluation: Evaluation): Outcome {
  const found = evaluation.scope.function(call.name);
  if (found === undefined) return unknownFunction(call, evaluation);
  const given = argumentsOf(call, evaluation);
  if ('kind' in given) return given;
  if ('callLazy' in found && dependsOnUnknown(call, evaluation)) return UNKNOWN;
  const result =
    'call' in found
      ? callWithValues(call, found, given.args, evaluation)
      : found.callLazy(given.args.map(lazily(evaluation)));
  if ('kind' in result) return result;
  if (result.ok) return checkSize(result.value, evaluation.budget, call.span);
  const at = result.argument === undefined ? undefined : given.args[result.argument];
  const what = at === undefined ? `${call.name}() fails` : `${call.name}()`;
  const { problems = [] } = result;
  const hint = problems[0]?.hint;
  const failed = failure(at?.expression.span ?? call.span, `${what}: ${result.message}`, {
    ...(hint === undefined ? {} : { hint }),
    // For a function of the file, also the place inside it, innermost call first.
    related: problems.flatMap(({ message, span, related = [] }) => [
      { message, ...(span === undefined ? {} : { span }) },
      ...related,
    ]),
  });
  const [problem] = failed.problems;
  // `try` must not catch it: bake has a value here.
  if (result.isLimit === true && problem !== undefined) throw new Exceeded(problem);
  return failed;
}

function dependsOnUnknown(call: Call, { unknown }: Evaluation): boolean {
  return unknown !== undefined && variablesOf(call).some(({ root }) => unknown.has(root));
}

/** An argument as written, or an item of the list before `...`. */
interface Given {
  readonly expression: Expression;
  readonly value?: Value;
}

function argumentsOf(call: Call, evaluation: Evaluation): { readonly args: readonly Given[] } | Failure {
  const args = call.args.map((expression) => ({ expression }));
  const last = call.args.at(-1);
  if (!call.expand || last === undefined) return { args };
  const outcome = evaluation.outcomeOf(last, evaluation);
  if (outcome.kind === 'failure') return failures([outcome]);
  if (outcome.kind === 'sequence') {
    return { args: [...args.slice(0, -1), ...outcome.items.map((value) => ({ expression: last, value }))] };
  }
  return failure(
    last.span,
    `"..." expands a list, but this is ${outcome.kind === 'null' ? 'null' : 'not one'}`,
    {
      hint: 'Remove "...", or write the arguments in brackets.',
    },
  );
}

function callWithValues(
  call: Call,
  found: Extract<HclFunction, { readonly call: unknown }>,
  args: readonly Given[],
  evaluation: Evaluation,
): FunctionResult | Failure {
  const outcomes = args.map(({ expression, value }) => value ?? evaluation.outcomeOf(expression, evaluation));
  const values = outcomes.filter((one) => one.kind !== 'failure');
  if (values.length < outcomes.length) return failures(outcomes);
  for (const value of values) spend(evaluation.budget, weightOf(value), call.span);
  return found.call(values);
}

function lazily(evaluation: Evaluation): (given: Given) => Argument {
  return ({ expression, value }) => ({
    expression,
    evaluate: () => {
      const outcome = value ?? evaluation.outcomeOf(expression, evaluation);
      if (outcome.kind !== 'failure') return { ok: true, value: outcome };
      const [first] = outcome.problems;
      return { ok: false, message: first?.message ?? 'it has no value', problems: outcome.problems };
    },
  });
}

function unknownFunction(call: Call, { scope }: Evaluation): Failure {
  const names = [...scope.functionNames()];
  return failure(call.nameSpan, `There is no function ${call.name}`, { hint: didYouMean(call.name, names) });
}
