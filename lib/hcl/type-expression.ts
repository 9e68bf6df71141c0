/** Reads types in `variable` blocks and `convert` (https://github.com/hashicorp/hcl/tree/main/ext/typeexpr). */
import { fail, ok, type Problem, problem, type Result, type Span } from '../model/mod.ts';
import type { Call, Expression, ObjectLiteral } from './syntax.ts';
import { BOOL, DYNAMIC, listType, mapType, NUMBER, objectType, STRING, setType, tupleType } from './types.ts';
import type { Type } from './value.ts';

const SIMPLE: Readonly<Record<string, Type>> = { string: STRING, number: NUMBER, bool: BOOL, any: DYNAMIC };
const COLLECTIONS: Readonly<Record<string, (of: Type) => Type>> = {
  list: listType,
  set: setType,
  map: mapType,
};
const EXAMPLES =
  'write string, number, bool, any, list(string), map(string), object({ name = string }) or the like';

/** The type that an expression names, or its problems with their places. */
export function readType(expression: Expression): Result<Type> {
  const problems: Problem[] = [];
  const type = read(expression, problems);
  return problems.length > 0 ? fail(problems) : ok(type);
}

/** Like all functions here: problems go to `problems`, and the type is then "any", so that all problems are found. */
function read(expression: Expression, problems: Problem[]): Type {
  const wrong = (message: string, span: Span = expression.span): Type => {
    problems.push(problem('bake/value', message, { span, hint: EXAMPLES }));
    return DYNAMIC;
  };
  if (expression.kind === 'variable') {
    const { name } = expression;
    const simple = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
    if (simple !== undefined) return simple;
    if (Object.hasOwn(COLLECTIONS, name))
      return wrong(`"${name}" needs the type of its elements: ${name}(string)`);
    if (name === 'object')
      return wrong('"object" needs the types of its attributes: object({ name = string })');
    if (name === 'tuple') return wrong('"tuple" needs the types of its elements: tuple([string, number])');
    return wrong(`"${name}" is not a type`);
  }
  if (expression.kind !== 'call') return wrong('this is not a type');
  const { name, args } = expression;
  if (Object.hasOwn(SIMPLE, name)) return wrong(`the type "${name}" takes no parentheses`);
  if (name === 'optional') return wrong('"optional" is only for attributes of objects', expression.nameSpan);
  const collection = Object.hasOwn(COLLECTIONS, name) ? COLLECTIONS[name] : undefined;
  if (collection === undefined && name !== 'object' && name !== 'tuple')
    return wrong(`"${name}" is not a type`, expression.nameSpan);
  const [inner] = args;
  if (inner === undefined || args.length > 1) return wrong(`"${name}" takes one type in its parentheses`);
  if (collection !== undefined) return collection(read(inner, problems));
  if (name === 'tuple') {
    if (inner.kind !== 'tuple')
      return wrong('"tuple" takes a list of types: tuple([string, number])', inner.span);
    return tupleType(inner.items.map((item) => read(item, problems)));
  }
  if (inner.kind !== 'object')
    return wrong('"object" takes attributes with their types: object({ name = string })', inner.span);
  return readObject(inner, problems);
}

function readObject(literal: ObjectLiteral, problems: Problem[]): Type {
  const attributes = new Map<string, Type>();
  const optional = new Set<string>();
  const wrong = (message: string, span: Span): void => {
    problems.push(problem('bake/value', message, { span }));
  };
  for (const { key, value } of literal.items) {
    const name = nameOf(key);
    if (name === undefined) {
      wrong('an attribute of an object type has a plain name', key.span);
      continue;
    }
    if (attributes.has(name)) {
      wrong(`the attribute "${name}" appears twice`, key.span);
      continue;
    }
    const call = optionalCall(value);
    if (call !== undefined) {
      if (call.args.length === 0) wrong('"optional" takes a type: optional(string)', call.span);
      if (call.args.length > 1)
        wrong('"optional" takes only the type: attributes have no default values in bake', call.span);
      optional.add(name);
    }
    const type = call === undefined ? value : call.args[0];
    attributes.set(name, type === undefined ? DYNAMIC : read(type, problems));
  }
  return objectType(attributes, optional);
}

function optionalCall(value: Expression): Call | undefined {
  return value.kind === 'call' && value.name === 'optional' ? value : undefined;
}

/** An identifier; quoted texts are not names here. */
function nameOf(key: Expression): string | undefined {
  if (key.kind === 'variable') return key.name;
  if (key.kind !== 'template' || key.parts.length > 1) return undefined;
  const [part] = key.parts;
  return part?.kind === 'text' ? part.value : undefined;
}
