/** Converts bake's validations of a variable to rules. */
import type { Expression } from '../hcl/mod.ts';
import type { Json } from '../model/mod.ts';
import type { BakeImport } from './bake-context.ts';
import { type BakeBlock, sourceOf } from './bake-file.ts';
import { asCondition, print, tight, Untranslatable, type Written } from './cel-text.ts';
import { write } from './hcl-cel.ts';
import { type Names, reduce, type Writing } from './hcl-writing.ts';
import type { StaticType } from './static-type.ts';

/** Rules of a variable. */
export interface Rules {
  readonly keys: Readonly<Record<string, Json>>;
  /** bake's message for a violated condition. */
  readonly message?: string;
}

/** Reads the conditions of a variable; `drop` is called for those that cannot be converted. */
export function readRules(
  block: BakeBlock,
  context: BakeImport,
  drop: (text: string, why: string) => void,
): Rules {
  const keys: Record<string, Json> = {};
  const checks: string[] = [];
  const messages: string[] = [];
  const type = context.typeOf(block.name);
  const w = ofValue(block.name, type, context);
  for (const attributes of block.validations) {
    const condition = attributes.find(({ name }) => name === 'condition')?.value;
    const message = attributes.find(({ name }) => name === 'error_message')?.value;
    if (condition === undefined) continue;
    try {
      const simple = simpleRule(condition, w, type);
      if (simple !== undefined && Object.keys(simple).every((key) => keys[key] === undefined))
        Object.assign(keys, simple);
      else checks.push(print(asCondition(write(condition, w)), checks.length === 0 ? 1 : 3));
      const words = message === undefined ? undefined : textOf(message, context.writing());
      if (words !== undefined) messages.push(words);
    } catch (thrown) {
      if (!(thrown instanceof Untranslatable)) throw thrown;
      drop(sourceOf(condition), thrown.message);
    }
  }
  if (checks.length > 0)
    keys['check'] =
      `\${{ ${checks.map((check) => (checks.length > 1 && / \|\| | \? /.test(check) ? `(${check})` : check)).join(' && ')} }}`;
  const message = messages.length === 0 ? undefined : messages.join(' ');
  return { keys, ...(message === undefined ? {} : { message }) };
}

function textOf(expression: Expression, w: Writing): string | undefined {
  const { constant } = write(expression, w);
  return typeof constant === 'string' ? constant : undefined;
}

/** In a check the variable is called `value`. */
function ofValue(variable: string, type: StaticType, context: BakeImport): Writing {
  const w = context.writing();
  const lookup: Names['lookup'] = (name) =>
    name === variable ? { kind: 'cel', written: tight('value', type) } : w.names.lookup(name);
  return { ...w, names: { lookup, global: lookup }, inPlace: 'all' };
}

/** A condition that has a key of its own. */
function simpleRule(
  condition: Expression,
  w: Writing,
  type: StaticType,
): Readonly<Record<string, Json>> | undefined {
  const { expression } = reduce(condition, w);
  if (expression.kind === 'call') return oneOf(expression, w, type) ?? pattern(expression, w);
  if (expression.kind !== 'binary') return undefined;
  const { operator, left, right } = expression;
  if (operator === '&&') {
    const [a, b] = [simpleRule(left, w, type), simpleRule(right, w, type)];
    if (a === undefined || b === undefined) return undefined;
    return Object.keys(a).some((key) => key in b) ? undefined : { ...a, ...b };
  }
  if (operator === '||') return eitherOf(expression, w, type);
  const [a, b] = [write(left, w), write(right, w)];
  const isValue = a.text === 'value';
  if (isValue && operator === '!=' && b.constant === '' && type.kind === 'text' && type.nullable !== true)
    return { required: true };
  if (typeof b.constant !== 'number' || !Number.isInteger(b.constant)) return undefined;
  const isMeasured =
    (isValue && type.kind === 'number') ||
    (a.text === 'size(value)' && (type.kind === 'list' || type.kind === 'text'));
  if (!isMeasured) return undefined;
  switch (operator) {
    case '>=':
      return { minimum: b.constant };
    case '<=':
      return { maximum: b.constant };
    case '>':
      return type.kind === 'number' && type.isInt !== true ? undefined : { minimum: b.constant + 1 };
    case '<':
      return type.kind === 'number' && type.isInt !== true ? undefined : { maximum: b.constant - 1 };
    default:
      return undefined;
  }
}

/** `X == "a" || X == "b"` */
function eitherOf(
  expression: Expression,
  w: Writing,
  type: StaticType,
): Readonly<Record<string, Json>> | undefined {
  const values: Json[] = [];
  const collect = (one: Expression): boolean => {
    const { expression: inner } = reduce(one, w);
    if (inner.kind !== 'binary') return false;
    if (inner.operator === '||') return collect(inner.left) && collect(inner.right);
    if (inner.operator !== '==') return false;
    const [a, b] = [write(inner.left, w), write(inner.right, w)];
    if (a.text !== 'value' || typeof b.constant !== 'string') return false;
    values.push(b.constant);
    return true;
  };
  return type.kind === 'text' && type.nullable !== true && collect(expression)
    ? { oneOf: values }
    : undefined;
}

function oneOf(
  call: Extract<Expression, { kind: 'call' }>,
  w: Writing,
  type: StaticType,
): Readonly<Record<string, Json>> | undefined {
  const [list, item] = call.args;
  if (call.name !== 'contains' || list === undefined || item === undefined || type.nullable === true)
    return undefined;
  if (write(item, w).text !== 'value' || (type.kind !== 'text' && type.kind !== 'number')) return undefined;
  const { expression } = reduce(list, w);
  if (expression.kind !== 'tuple') return undefined;
  const values = expression.items.map((one) => write(one, w).constant);
  const isSame = values.every((value) => typeof value === (type.kind === 'text' ? 'string' : 'number'));
  return isSame ? { oneOf: values as Json[] } : undefined;
}

/** `pattern` must match the whole text. */
function pattern(
  call: Extract<Expression, { kind: 'call' }>,
  w: Writing,
): Readonly<Record<string, Json>> | undefined {
  const [inner] = call.args;
  if (call.name !== 'can' || inner?.kind !== 'call' || inner.name !== 'regex') return undefined;
  const [expression, text] = inner.args;
  if (expression === undefined || text === undefined || write(text, w).text !== 'value') return undefined;
  const { constant } = write(expression, w) as Written;
  if (typeof constant !== 'string') return undefined;
  const whole = /^\^(.*)\$$/s.exec(constant)?.[1];
  if (whole === undefined || whole.endsWith('\\') || hasLooseBar(whole) || /\(\?[a-z]*m/.test(whole))
    return undefined;
  return { pattern: whole };
}

/** `a|b` outside of parentheses binds less tightly than `^` and `$`. */
function hasLooseBar(expression: string): boolean {
  let depth = 0;
  const bare = expression.replaceAll(/\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]])*\]/gs, '');
  for (const sign of bare) {
    if (sign === '(') depth++;
    else if (sign === ')') depth--;
    else if (sign === '|' && depth === 0) return true;
  }
  return false;
}
