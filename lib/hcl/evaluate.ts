/**
 * Evaluates expressions (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#expressions). Where the
 * specification leaves details open, it follows HCL's Go implementation: both alternatives of a conditional are
 * evaluated, but only problems of the selected one are reported; `&&` and `||` can be decided by either side alone.
 */
import { type Problem, problem, type Span } from '../model/mod.ts';
import { attributeOf, elementOf } from './access.ts';
import { evaluateCall } from './call.ts';
import { convert, unify } from './conversion.ts';
import {
  checkSize,
  type Evaluation,
  Exceeded,
  type Failure,
  failure,
  failures,
  newBudget,
  type Outcome,
  type Scope,
  spend,
  suggestName,
  UNKNOWN,
  weightOf,
} from './evaluation.ts';
import { evaluateFor, evaluateSplat, evaluateTemplateFor } from './loops.ts';
import { parseNumber } from './number.ts';
import { negated, operate, typesOf } from './operators.ts';
import type {
  Binary,
  Conditional,
  Expression,
  Literal,
  ObjectLiteral,
  Template,
  TemplatePart,
  Unary,
} from './syntax.ts';
import { typeOfAttribute, typeOfElement } from './type-of.ts';
import { BOOL, DYNAMIC, equalTypes, NUMBER, objectType, STRING, tupleType, typeName } from './types.ts';
import type { Type, Value } from './value.ts';
import { boolValue, nullOf, numberValue, objectOf, textValue, tupleOf } from './values.ts';

/** Deeper than expressions can be written, for functions that call functions. */
const MAX_DEPTH = 800;

/** Current depth over all nested evaluations: it limits the use of the stack. */
let depth = 0;

/** The value of an expression, or all its problems. */
export function evaluate(
  expression: Expression,
  scope: Scope,
):
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly isLimit?: boolean } {
  const before = depth;
  try {
    const outcome = outcomeOf(expression, { scope, budget: scope.budget ?? newBudget(), outcomeOf });
    return outcome.kind === 'failure'
      ? { ok: false, problems: outcome.problems }
      : { ok: true, value: outcome };
  } catch (error) {
    if (!(error instanceof Exceeded)) throw error;
    return { ok: false, problems: [error.problem], isLimit: true };
  } finally {
    depth = before;
  }
}

function outcomeOf(expression: Expression, evaluation: Evaluation): Outcome {
  spend(evaluation.budget, 1, expression.span);
  if (depth >= MAX_DEPTH) {
    const hint = 'Nest calls of functions less deeply.';
    throw new Exceeded(
      problem('bake/expression', `Evaluation is nested deeper than ${MAX_DEPTH} levels`, {
        hint,
        span: expression.span,
      }),
    );
  }
  depth++;
  const outcome = dispatch(expression, evaluation);
  depth--;
  return outcome;
}

/** Literals are parsed once, and not in every iteration of a loop. */
const literals = new WeakMap<Literal, Outcome>();

function outcomeOfLiteral(literal: Literal): Outcome {
  const known = literals.get(literal);
  if (known !== undefined) return known;
  const outcome = valueOfLiteral(literal.value, literal.span);
  literals.set(literal, outcome);
  return outcome;
}

function dispatch(expression: Expression, evaluation: Evaluation): Outcome {
  switch (expression.kind) {
    case 'literal':
      return outcomeOfLiteral(expression);
    case 'template':
      return evaluateTemplate(expression, evaluation);
    case 'variable':
      return evaluateVariable(expression.name, expression.span, evaluation);
    case 'attribute': {
      const of = outcomeOf(expression.of, evaluation);
      if (of.kind !== 'failure') return attributeOf(of, expression.name, expression.span);
      return failures([of], typeOfAttribute(of.type, expression.name));
    }
    case 'index': {
      const of = outcomeOf(expression.of, evaluation);
      const key = outcomeOf(expression.key, evaluation);
      if (of.kind === 'failure' || key.kind === 'failure') {
        return failures([of, key], typeOfElement(of.type, expression.key));
      }
      return elementOf(of, key, expression.span);
    }
    case 'splat':
      return evaluateSplat(expression, evaluation);
    case 'call':
      return evaluateCall(expression, evaluation);
    case 'unary':
      return evaluateUnary(expression, evaluation);
    case 'binary':
      return evaluateBinary(expression, evaluation);
    case 'conditional':
      return evaluateConditional(expression, evaluation);
    case 'tuple': {
      const items = expression.items.map((item) => outcomeOf(item, evaluation));
      if (items.every(isValue)) return checkSize(tupleOf(items), evaluation.budget, expression.span);
      return failures(items, tupleType(items.map(({ type }) => type)));
    }
    case 'object':
      return evaluateObject(expression, evaluation);
    case 'for':
      return evaluateFor(expression, evaluation);
    case 'parentheses':
      return outcomeOf(expression.inner, evaluation);
    default:
      return { kind: 'failure', type: DYNAMIC, problems: expression.problems };
  }
}

function isValue(outcome: Outcome): outcome is Value {
  return outcome.kind !== 'failure';
}

/** Numbers that were already parsed, for loops. */
const numbers = new WeakMap<{ readonly number: string }, Value>();

function valueOfLiteral(value: boolean | null | { readonly number: string }, span: Span): Outcome {
  if (value === null) return nullOf();
  if (typeof value === 'boolean') return boolValue(value);
  const known = numbers.get(value);
  if (known !== undefined) return known;
  const number = parseNumber(value.number);
  if (number === undefined) {
    const shown = `${value.number.slice(0, 40)}${value.number.length > 40 ? '…' : ''}`;
    throw new Exceeded(problem('bake/expression', `${shown} is too large`, { span }));
  }
  const made = numberValue(number);
  numbers.set(value, made);
  return made;
}

function evaluateVariable(name: string, span: Span, { scope, unknown, budget }: Evaluation): Outcome {
  if (unknown?.has(name)) return UNKNOWN;
  const value = scope.variable(name);
  if (value !== undefined) return value;
  const names = [...scope.variableNames()];
  return failure(span, `There is no variable ${name}`, {
    hint:
      suggestName(name, names, budget) ??
      (/^[A-Z_a-z]/.test(name) && !isInTemplate(span) ? `Put a string in quotes: "${name}".` : undefined),
  });
}

/** Maximum number of characters that are searched for the start of a template. */
const MOST_BEFORE = 300;

/** Whether a name is inside `${…}` on its line: then it is not a text whose quotes are missing. */
function isInTemplate({ source, start }: Span): boolean {
  const before = source.text.slice(Math.max(0, start - MOST_BEFORE), start);
  const line = before.slice(before.lastIndexOf('\n') + 1);
  return Math.max(line.lastIndexOf('${'), line.lastIndexOf('%{')) > line.lastIndexOf('}');
}

function evaluateUnary(expression: Unary, evaluation: Evaluation): Outcome {
  const type = expression.operator === '-' ? NUMBER : BOOL;
  const of = operand(outcomeOf(expression.of, evaluation), type, expression.of, expression.operator);
  if (of.kind === 'failure') return failures([of], type);
  if (of.kind === 'number') return negated(of.value);
  if (of.kind === 'bool') return boolValue(!of.value);
  return failure(expression.of.span, `The operand of ${expression.operator} is null`, { type });
}

/** The operand, converted to the operator's type. */
function operand(of: Outcome, type: Type, expression: Expression, operator: string): Outcome {
  if (of.kind === 'failure') {
    return canBe(of.type, type)
      ? of
      : failures([wrongOperand(expression, operator, type, of.type), of], type);
  }
  if (type === DYNAMIC || of.type === type) return of;
  const converted = convert(of, type);
  if (converted.ok) return converted.value;
  return failure(expression.span, `${operator} cannot be applied here: ${converted.message}`, { type });
}

function canBe(type: Type, wanted: Type): boolean {
  return (
    wanted.kind === 'dynamic' ||
    type.kind === 'dynamic' ||
    type.kind === wanted.kind ||
    type.kind === 'string'
  );
}

function wrongOperand(expression: Expression, operator: string, wanted: Type, type: Type): Failure {
  return failure(expression.span, `${operator} takes a ${typeName(wanted)}, not a ${typeName(type)}`);
}

function evaluateBinary(expression: Binary, evaluation: Evaluation): Outcome {
  const { operator } = expression;
  const { takes, gives } = typesOf(operator);
  const givenLeft = outcomeOf(expression.left, evaluation);
  const givenRight = outcomeOf(expression.right, evaluation);
  const left = operand(givenLeft, takes, expression.left, operator);
  const right = operand(givenRight, takes, expression.right, operator);
  const isOfWrongType =
    (left.kind === 'failure' && left !== givenLeft) || (right.kind === 'failure' && right !== givenRight);
  if ((operator === '&&' || operator === '||') && !isOfWrongType) {
    const decisive = operator === '||';
    if (decides(left, decisive) || decides(right, decisive)) return boolValue(decisive);
    // If the first side has no problems, the second may never be evaluated.
    if (left.kind === 'failure' && left.problems.length === 0 && right.kind === 'failure') return left;
  }
  if (left.kind === 'failure' || right.kind === 'failure') return failures([left, right], gives);
  spend(evaluation.budget, weightOf(left), expression.span);
  const result = operate(operator, left, right);
  return typeof result === 'string' ? failure(expression.span, result, { type: gives }) : result;
}

/** Whether one side decides `&&` (false) or `||` (true), whatever the other is. For `&&`, null means false. */
function decides(side: Outcome, decisive: boolean): boolean {
  return side.kind === 'bool' ? side.value === decisive : side.kind === 'null' && !decisive;
}

function evaluateConditional(expression: Conditional, evaluation: Evaluation): Outcome {
  const yes = outcomeOf(expression.yes, evaluation);
  const no = outcomeOf(expression.no, evaluation);
  for (const side of [yes, no]) if (isValue(side)) spend(evaluation.budget, weightOf(side), expression.span);
  const type = typeOfBoth(yes, no);
  if (type === undefined) {
    const span = { ...expression.yes.span, end: expression.no.span.end };
    return failure(
      span,
      `The two sides of this conditional have different types: ${difference(yes.type, no.type)}`,
      {
        hint: 'Give both the same type, or types that convert to one another.',
      },
    );
  }
  const test = conditionOf(outcomeOf(expression.test, evaluation), expression.test);
  if (test.kind === 'failure') return failures([test], type);
  const taken = test.kind === 'bool' && test.value ? yes : no;
  if (taken.kind === 'failure') return failures([taken], type);
  return asType(taken, type, taken === yes ? expression.yes : expression.no);
}

/** A condition as a bool. */
export function conditionOf(test: Outcome, expression: Expression): Outcome {
  if (test.kind === 'failure' || test.kind === 'bool') return test;
  if (test.kind === 'null') {
    return failure(expression.span, 'The condition is null', {
      hint: 'Use a condition that is true or false.',
    });
  }
  const converted = convert(test, BOOL);
  if (converted.ok) return converted.value;
  return failure(expression.span, `This is not a condition: ${converted.message}`, {
    hint: 'A condition must be true or false. Compare with ==, != or another operator.',
  });
}

/**
 * The type of a conditional; undefined if its alternatives have no common type. Dynamic: the selected alternative keeps
 * its own.
 */
function typeOfBoth(yes: Outcome, no: Outcome): Type | undefined {
  if (isUntypedNull(yes)) return no.type;
  if (isUntypedNull(no)) return yes.type;
  if (yes.type.kind === 'dynamic' || no.type.kind === 'dynamic') return DYNAMIC;
  if (equalTypes(yes.type, no.type)) return yes.type;
  return unify([yes.type, no.type], true);
}

function isUntypedNull(outcome: Outcome): boolean {
  return outcome.kind === 'null' && outcome.type.kind === 'dynamic';
}

function asType(value: Value, type: Type, expression: Expression): Outcome {
  if (type.kind === 'dynamic' || equalTypes(value.type, type)) return value;
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  return failure(
    expression.span,
    `This side of the conditional cannot be converted to the type of the other: ${converted.message}`,
    { type },
  );
}

/** How two types differ, if their names are equal. */
function difference(yes: Type, no: Type): string {
  if (yes.kind === 'tuple' && no.kind === 'tuple' && yes.items.length !== no.items.length) {
    return `the lists have ${yes.items.length} and ${no.items.length} elements`;
  }
  if (yes.kind === 'object' && no.kind === 'object') {
    for (const [one, other] of [
      [yes, no],
      [no, yes],
    ] as const) {
      const missing = [...one.attributes.keys()].find((name) => !other.attributes.has(name));
      if (missing !== undefined) return `only one of the objects has ${JSON.stringify(missing)}`;
    }
  }
  const [left, right] = [typeName(yes), typeName(no)];
  return left === right ? `the elements of the ${left}s differ` : `${left} and ${right}`;
}

function evaluateObject(expression: ObjectLiteral, evaluation: Evaluation): Outcome {
  const entries = new Map<string, Value>();
  const types = new Map<string, Type>();
  const failed: Failure[] = [];
  let hasAllKeys = true;
  for (const { key, value } of expression.items) {
    const name = keyOf(key, evaluation);
    const outcome = outcomeOf(value, evaluation);
    if (typeof name !== 'string') {
      failed.push(name);
      hasAllKeys = false;
    } else if (key.kind === 'template' && key.form === 'json' && types.has(name)) {
      failed.push(failure(key.span, `The name ${JSON.stringify(name)} appears twice in this object`));
    } else {
      types.set(name, outcome.type);
      if (isValue(outcome)) entries.set(name, outcome);
    }
    if (outcome.kind === 'failure') failed.push(outcome);
  }
  if (failed.length > 0) return failures(failed, hasAllKeys ? objectType(types) : DYNAMIC);
  return checkSize(objectOf(entries), evaluation.budget, expression.span);
}

function keyOf(key: Expression, evaluation: Evaluation): string | Failure {
  if (isBareTraversal(key)) {
    return failure(key.span, 'A key with dots or brackets could be a name or a reference', {
      hint: 'Put it in quotes for a name, or in parentheses for the value of a reference.',
    });
  }
  const outcome = outcomeOf(key, evaluation);
  if (outcome.kind === 'failure') return outcome;
  if (outcome.kind === 'null') return failure(key.span, 'The key of an entry is null');
  const converted = convert(outcome, STRING);
  if (!converted.ok) return failure(key.span, `The key of an entry cannot be used: ${converted.message}`);
  return converted.value.kind === 'string' ? converted.value.value : '';
}

function isBareTraversal(key: Expression): boolean {
  let at = key;
  let steps = 0;
  while (at.kind === 'attribute' || (at.kind === 'index' && isConstant(at.key))) {
    at = at.of;
    steps++;
  }
  return steps > 0 && at.kind === 'variable';
}

function isConstant(key: Expression): boolean {
  return (
    key.kind === 'literal' || (key.kind === 'template' && key.parts.every(({ kind }) => kind === 'text'))
  );
}

function evaluateTemplate(expression: Template, evaluation: Evaluation): Outcome {
  const { parts } = expression;
  const [first] = parts;
  if (parts.length === 1 && first?.kind === 'interpolation') return outcomeOf(first.value, evaluation);
  return textOfParts(parts, expression.span, evaluation);
}

/** The text of a template's parts. */
export function textOfParts(parts: readonly TemplatePart[], span: Span, evaluation: Evaluation): Outcome {
  const [first] = parts;
  if (first === undefined) return textValue('');
  if (parts.length === 1 && first.kind === 'text') return textValue(first.value);
  let text = '';
  const failed: Failure[] = [];
  for (const part of parts) {
    const outcome = part.kind === 'text' ? part.value : textOfPart(part, evaluation);
    if (typeof outcome === 'string') text += outcome;
    else failed.push(outcome);
    spend(evaluation.budget, 1, part.span);
  }
  if (failed.length > 0) return failures(failed, STRING);
  return checkSize(textValue(text), evaluation.budget, span);
}

function textOfPart(part: Exclude<TemplatePart, { kind: 'text' }>, evaluation: Evaluation): string | Failure {
  const outcome =
    part.kind === 'interpolation'
      ? outcomeOf(part.value, evaluation)
      : part.kind === 'if'
        ? evaluateTemplateIf(part, evaluation)
        : evaluateTemplateFor(part, evaluation, textOfParts);
  if (outcome.kind === 'failure') return outcome;
  if (outcome.kind === 'string') return outcome.value;
  const span = part.kind === 'interpolation' ? part.value.span : part.span;
  if (outcome.kind === 'null') {
    const isVariable = part.kind === 'interpolation' && part.value.kind === 'variable';
    const what = isVariable ? `${part.value.name} is null, so it` : 'null';
    return failure(span, `${what} cannot be inserted into a string`, {
      hint: 'Check it first: ${NAME != null ? NAME : ""}, or give the variable a default.',
    });
  }
  const converted = convert(outcome, STRING);
  if (converted.ok) return converted.value.kind === 'string' ? converted.value.value : '';
  return failure(span, `This cannot be inserted into a string: ${converted.message}`, {
    hint: 'Use join(",", …) for a list, or jsonencode(…).',
  });
}

function evaluateTemplateIf(part: Extract<TemplatePart, { kind: 'if' }>, evaluation: Evaluation): Outcome {
  const yes = textOfParts(part.yes, part.span, evaluation);
  const no = textOfParts(part.no, part.span, evaluation);
  const test = conditionOf(outcomeOf(part.test, evaluation), part.test);
  if (test.kind === 'failure') return failures([test], STRING);
  return test.kind === 'bool' && test.value ? yes : no;
}
