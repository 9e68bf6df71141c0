/** Values of variables from `--var` or the environment (buildx bake/hclparser/hclparser.go, `resolveValue`). */
import {
  boolValue,
  type FunctionResult,
  isPrimitive,
  listOf,
  mapOf,
  numberFromFloat,
  numberValue,
  setOf,
  type Type,
  textValue,
  tupleOf,
  typeName,
  type Value,
} from '../hcl/mod.ts';
import { readCsv } from './csv.ts';
import { parseBool } from './go-text.ts';
import { readTypedJson } from './typed-json.ts';

/** A value to parse, and the type of its variable. */
export interface GivenValue {
  readonly text: string;
  /** It was set as `NAME_JSON`. */
  readonly isJson: boolean;
  /** The declared type of the variable. */
  readonly type: Type | undefined;
  /** The value of its default, converted to that type. */
  readonly fallback: Value | undefined;
}

/**
 * Parses the text. The message of a failure follows the variable's name and never contains the text, which may be a
 * secret.
 */
export function readGiven({ text, isJson, type, fallback }: GivenValue): FunctionResult {
  if (type !== undefined) {
    if (isJson) return readTypedJson(text, type);
    if (['list', 'set', 'tuple', 'map'].includes(type.kind)) return readCollection(text, type);
    if (isPrimitive(type)) return readPrimitive(text, type);
    return failed(`its type, ${typeName(type)}, can only be given as JSON`);
  }
  if (fallback === undefined || fallback.type.kind === 'dynamic') return made(textValue(text));
  if (isPrimitive(fallback.type)) return readPrimitive(text, fallback.type);
  return failed('its default is not a string, number or bool, and it has no `type`');
}

function made(value: Value): FunctionResult {
  return { ok: true, value };
}

function failed(message: string): FunctionResult {
  return { ok: false, message };
}

function readPrimitive(text: string, type: Type): FunctionResult {
  if (type.kind === 'string') return made(textValue(text));
  if (type.kind === 'bool') {
    const is = parseBool(text);
    return is === undefined ? failed('it is neither true nor false') : made(boolValue(is));
  }
  const isNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
  const number = isNumber ? Number(text) : Number.NaN;
  const value = Number.isFinite(number) ? numberFromFloat(number) : undefined;
  return value === undefined ? failed('it is not a number') : made(numberValue(value));
}

/** Comma-separated values, and for maps `name:value`. */
function readCollection(text: string, type: Type): FunctionResult {
  const fields = readCsv(text);
  if (!fields.ok) return failed(`it is not a comma-separated list: ${fields.error}`);
  if (type.kind === 'tuple') {
    if (type.items.length !== fields.value.length)
      return failed(`it has ${type.items.length} elements, not ${fields.value.length}`);
    const items = readEach(fields.value, (at) => type.items[at]);
    return typeof items === 'string' ? failed(items) : made(tupleOf(items));
  }
  if (type.kind !== 'list' && type.kind !== 'set' && type.kind !== 'map')
    return failed('it does not have the form of that type');
  const { of } = type;
  if (type.kind === 'map') return readMap(fields.value, of);
  const items = readEach(fields.value, () => of);
  if (typeof items === 'string') return failed(items);
  return made(type.kind === 'list' ? listOf(of, items) : setOf(of, items));
}

function readEach(
  fields: readonly string[],
  typeAt: (at: number) => Type | undefined,
): readonly Value[] | string {
  const values: Value[] = [];
  for (const [at, field] of fields.entries()) {
    const type = typeAt(at);
    if (type === undefined || !isPrimitive(type))
      return 'its elements are not strings, numbers or bools, so it can only be given as JSON';
    const value = readPrimitive(field, type);
    if (!value.ok) return `element ${at + 1}: ${value.message}`;
    values.push(value.value);
  }
  return values;
}

function readMap(fields: readonly string[], of: Type): FunctionResult {
  const entries: (readonly [string, Value])[] = [];
  for (const field of fields) {
    const pair = readCsv(field, ':');
    if (!pair.ok || pair.value.length !== 2)
      return failed(`element ${entries.length + 1} must be name:value`);
    const [name = '', text = ''] = pair.value;
    const values = readEach([text], () => of);
    if (typeof values === 'string') return failed(values);
    entries.push(...values.map((value) => [name, value] as const));
  }
  return made(mapOf(of, entries));
}
