/** `for` in expressions and templates, and splats. */
import type { Span } from '../model/mod.ts';
import { convert } from './conversion.ts';
import {
  checkSize,
  type Evaluation,
  type Failure,
  failure,
  failures,
  type Outcome,
  type Scope,
  spend,
} from './evaluation.ts';
import { type Expression, type For, SPLAT_ELEMENT, type Splat, type TemplatePart } from './syntax.ts';
import { typeOfEach, typeOfSplat } from './type-of.ts';
import { BOOL, DYNAMIC, listType, objectType, STRING, tupleType, typeName } from './types.ts';
import type { Type, Value } from './value.ts';
import { haveOneType, listOf, listOfSame, numberValue, objectOf, textValue, tupleOf } from './values.ts';

/** A scope with one or two more names. */
function scopeWith(outer: Scope, names: ReadonlyMap<string, Value>): Scope {
  return {
    variable: (name) => names.get(name) ?? outer.variable(name),
    function: outer.function,
    variableNames: function* () {
      for (const name of names.keys()) if (name !== SPLAT_ELEMENT) yield name;
      yield* outer.variableNames();
    },
    functionNames: outer.functionNames,
    ...(outer.budget === undefined ? {} : { budget: outer.budget }),
  };
}

interface Names {
  readonly keyName?: string;
  readonly valueName: string;
}

/** The elements of a loop, or why it is impossible. */
function rounds(
  loop: Names & { readonly over: Expression },
  evaluation: Evaluation,
): readonly Evaluation[] | Failure {
  const over = evaluation.outcomeOf(loop.over, evaluation);
  if (over.kind === 'failure') return failures([over]);
  if (over.kind === 'null') {
    return failure(loop.over.span, '"for" cannot loop over null', {
      hint: 'Give it an empty list: … != null ? … : [].',
    });
  }
  if (over.kind === 'mapping') {
    return [...over.entries].map(([name, value]) => round(loop, evaluation, value, () => textValue(name)));
  }
  if (over.kind === 'sequence') {
    const isSet = over.type.kind === 'set';
    return over.items.map((value, at) =>
      round(loop, evaluation, value, () => (isSet ? value : numberValue(at))),
    );
  }
  return failure(loop.over.span, `"for" cannot loop over a ${typeName(over.type)}`, {
    hint: 'Use a list, set, map or object; for a string, split(",", …).',
  });
}

function round(loop: Names, evaluation: Evaluation, value: Value, keyOf: () => Value): Evaluation {
  const names = new Map<string, Value>();
  if (loop.keyName !== undefined) names.set(loop.keyName, keyOf());
  return bind(evaluation, names.set(loop.valueName, value));
}

/** The evaluation inside a loop. */
function bind(evaluation: Evaluation, names: ReadonlyMap<string, Value>): Evaluation {
  const scope = scopeWith(evaluation.scope, names);
  if (evaluation.unknown === undefined) return { ...evaluation, scope };
  const unknown = new Set([...evaluation.unknown].filter((name) => !names.has(name)));
  return { ...evaluation, scope, unknown };
}

/** `[for …]` and `{for …}` */
export function evaluateFor(loop: For, evaluation: Evaluation): Outcome {
  const all = rounds(loop, evaluation);
  if ('kind' in all) return all;
  const early = checkCondition(loop, evaluation);
  if (early !== undefined) return early;
  return loop.key === undefined
    ? makeTuple(loop, all, evaluation)
    : makeObject(loop, loop.key, all, evaluation);
}

/** Problems of a condition that do not depend on the elements; HCL reports them even if there are none. */
function checkCondition(loop: For, evaluation: Evaluation): Failure | undefined {
  if (loop.when === undefined) return undefined;
  const unknown = new Set(evaluation.unknown).add(loop.valueName);
  if (loop.keyName !== undefined) unknown.add(loop.keyName);
  const included = isIncluded(loop, { ...evaluation, unknown });
  return typeof included === 'boolean' || included.problems.length === 0 ? undefined : included;
}

function isIncluded({ when }: For, round: Evaluation): boolean | Failure {
  if (when === undefined) return true;
  const outcome = round.outcomeOf(when, round);
  if (outcome.kind === 'failure') return failures([outcome]);
  if (outcome.kind === 'null') return failure(when.span, 'The condition after "if" is null');
  const converted = convert(outcome, BOOL);
  if (!converted.ok) return failure(when.span, `This is not a condition: ${converted.message}`);
  return converted.value.kind === 'bool' && converted.value.value;
}

function makeTuple(loop: For, all: readonly Evaluation[], evaluation: Evaluation): Outcome {
  const outcomes: Outcome[] = [];
  const failed: Failure[] = [];
  for (const round of all) {
    const included = isIncluded(loop, round);
    if (included === false) continue;
    if (included !== true) failed.push(included);
    else outcomes.push(round.outcomeOf(loop.value, round));
  }
  if (failed.length > 0) return failures([...failed, ...outcomes]);
  const values = outcomes.filter((one) => one.kind !== 'failure');
  if (values.length < outcomes.length) return failures(outcomes, tupleType(outcomes.map(({ type }) => type)));
  return checkSize(tupleOf(values), evaluation.budget, loop.span);
}

function makeObject(loop: For, key: Expression, all: readonly Evaluation[], evaluation: Evaluation): Outcome {
  const grouped = new Map<string, Outcome[]>();
  const failed: Failure[] = [];
  let hasAllKeys = true;
  for (const round of all) {
    const included = isIncluded(loop, round);
    if (included === false) continue;
    const name = included === true ? nameOf(key, round) : included;
    if (typeof name !== 'string') {
      hasAllKeys = false;
      failed.push(name);
      continue;
    }
    const outcome = round.outcomeOf(loop.value, round);
    if (outcome.kind === 'failure') failed.push(outcome);
    const group = grouped.get(name);
    if (group === undefined) grouped.set(name, [outcome]);
    else if (loop.group) group.push(outcome);
    else failed.push(repeatedKey(key, name));
  }
  if (failed.length > 0) return failures(failed, hasAllKeys ? typeOfGroups(loop, grouped) : DYNAMIC);
  const entries = [...grouped].flatMap(([name, outcomes]): [string, Value][] => {
    const values = outcomes.filter((one) => one.kind !== 'failure');
    const [first] = values;
    if (loop.group) return [[name, tupleOf(values)]];
    return first === undefined ? [] : [[name, first]];
  });
  return checkSize(objectOf(entries), evaluation.budget, loop.span);
}

function typeOfGroups(loop: For, grouped: ReadonlyMap<string, readonly Outcome[]>): Type {
  const types = [...grouped].map(([name, outcomes]): [string, Type] => [
    name,
    loop.group ? tupleType(outcomes.map(({ type }) => type)) : (outcomes[0]?.type ?? DYNAMIC),
  ]);
  return objectType(new Map(types));
}

function repeatedKey(key: Expression, name: string): Failure {
  return failure(key.span, `The key ${JSON.stringify(name)} appears twice`, {
    hint: 'Write "..." after the value to collect the values of equal keys in a list.',
  });
}

function nameOf(key: Expression, round: Evaluation): string | Failure {
  const outcome = round.outcomeOf(key, round);
  if (outcome.kind === 'failure') return failures([outcome]);
  if (outcome.kind === 'null') return failure(key.span, 'The key is null');
  const converted = convert(outcome, STRING);
  if (!converted.ok) return failure(key.span, `The key cannot be used: ${converted.message}`);
  return converted.value.kind === 'string' ? converted.value.value : '';
}

/** `%{ for … }`: the concatenated texts of all iterations. */
export function evaluateTemplateFor(
  part: Extract<TemplatePart, { kind: 'for' }>,
  evaluation: Evaluation,
  textOfParts: (parts: readonly TemplatePart[], span: Span, evaluation: Evaluation) => Outcome,
): Outcome {
  const all = rounds(part, evaluation);
  if ('kind' in all) return failures([all], STRING);
  let text = '';
  const failed: Outcome[] = [];
  for (const round of all) {
    spend(evaluation.budget, 1, part.span);
    const outcome = textOfParts(part.parts, part.span, round);
    if (outcome.kind === 'failure') failed.push(outcome);
    else if (outcome.kind === 'string') text += outcome.value;
  }
  if (failed.length > 0) return failures(failed, STRING);
  return checkSize(textValue(text), evaluation.budget, part.span);
}

/** `of[*]` and what follows. A value that is not a list is treated as a list of one; null as an empty list. */
export function evaluateSplat(splat: Splat, evaluation: Evaluation): Outcome {
  const of = evaluation.outcomeOf(splat.of, evaluation);
  if (of.kind === 'failure') return failures([of]);
  const isSequence = of.type.kind === 'list' || of.type.kind === 'set' || of.type.kind === 'tuple';
  if (of.kind === 'null') {
    if (!isSequence) return tupleOf([]);
    return failure(splat.of.span, 'The list before [*] is null', {
      hint: 'Give it an empty list: … != null ? … : [].',
    });
  }
  const items = of.kind === 'sequence' ? of.items : [of];
  const outcomes = items.map((item) => {
    return evaluation.outcomeOf(splat.each, bind(evaluation, new Map([[SPLAT_ELEMENT, item]])));
  });
  const values = outcomes.filter((one) => one.kind !== 'failure');
  if (values.length < outcomes.length) return failures(outcomes, typeOfSplat(splat, of.type));
  if (of.type.kind !== 'list' && of.type.kind !== 'set') return tupleOf(values);
  if (values.length === 0) return emptyList(splat, of.type.of);
  if (haveOneType(values)) return listOfSame(values);
  return failure(splat.each.span, 'The elements that [*] returns have different types', {
    hint: 'Use a for expression instead: [for one in … : …].',
  });
}

/** A splat of an empty list has the type that its elements would have. */
function emptyList(splat: Splat, of: Type): Outcome {
  const type = typeOfEach(splat.each, of);
  if (type !== undefined) return listOf(type, []);
  return failure(
    splat.each.span,
    `The elements of this list, of type ${typeName(of)}, have no such attribute`,
    { type: listType(DYNAMIC) },
  );
}
