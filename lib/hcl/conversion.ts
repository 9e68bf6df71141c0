/** Converts values to other types by go-cty's rules (https://github.com/zclconf/go-cty/blob/main/docs/convert.md). */
import { parseNumber } from './number.ts';
import { numberText } from './number-text.ts';
import {
  DYNAMIC,
  equalTypes,
  isCollection,
  isPrimitive,
  listType,
  mapType,
  type ObjectType,
  objectType,
  setType,
  type TupleType,
  tupleType,
  typeName,
  withoutOptional,
} from './types.ts';
import { unifyBy } from './unify.ts';
import type { FunctionResult, Type, Value } from './value.ts';
import {
  boolValue,
  commonType,
  haveOneType,
  listOf,
  mapOf,
  nullOf,
  numberValue,
  objectOf,
  setOf,
  textValue,
  tupleOf,
} from './values.ts';

/** Converts a value of one type to another. @throws Unconvertible */
type Conversion = (value: Value) => Value;

/** Thrown in this file if a value cannot be converted. */
class Unconvertible extends Error {}

/** Converts a value to another type. The message of a failure is part of a sentence: "a number is required". */
export function convert(value: Value, type: Type): FunctionResult {
  if (equalTypes(value.type, withoutOptional(type))) return { ok: true, value };
  const conversion = findConversion(value.type, type, true);
  if (conversion === undefined) return { ok: false, message: mismatch(value.type, type) };
  try {
    return { ok: true, value: conversion(value) };
  } catch (thrown) {
    if (thrown instanceof Unconvertible) return { ok: false, message: thrown.message };
    throw thrown;
  }
}

/** Whether values of a type can be converted to another: always or, with `unsafe`, depending on the value. */
export function canConvert(from: Type, to: Type, unsafe: boolean): boolean {
  return findConversion(from, to, unsafe) !== undefined;
}

/**
 * The most general type to which values of all these types can be converted; it may be a new type. Undefined if there is
 * none, or if no types are given. With `unsafe`, the conversion may depend on the value.
 */
export function unify(types: readonly Type[], unsafe: boolean): Type | undefined {
  return unifyBy(types, { unsafe, canConvert });
}

function findConversion(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  const known = findKnown(from, to, unsafe);
  if (known === undefined) return undefined;
  if (to.kind === 'dynamic') return (value) => value;
  return (value) => (value.kind === 'null' ? nullOf(filled(value.type, withoutOptional(to))) : known(value));
}

function findKnown(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  if (to.kind === 'dynamic') return (value) => value;
  if (from.kind === 'dynamic') return unsafe ? late(to) : undefined;
  if (isPrimitive(from) && isPrimitive(to)) return primitive(from, to, unsafe);
  if (to.kind === 'object') {
    if (from.kind === 'object') return objectToObject(from, to, unsafe);
    return from.kind === 'map' && unsafe ? mapToObject(from.of, to) : undefined;
  }
  if (to.kind === 'tuple') return from.kind === 'tuple' ? tupleToTuple(from, to, unsafe) : undefined;
  if (to.kind === 'map') {
    if (from.kind === 'map') return mapToMap(from.of, to.of, unsafe);
    return from.kind === 'object' ? objectToMap(from, to.of, unsafe) : undefined;
  }
  if (to.kind !== 'list' && to.kind !== 'set') return undefined;
  if (from.kind === 'tuple') return tupleToSequence(from, to.kind, to.of, unsafe);
  if (from.kind === 'list' && to.kind === 'set' && !unsafe) return undefined;
  if (from.kind !== 'list' && from.kind !== 'set') return undefined;
  return sequenceToSequence(from.of, to.kind, to.of, unsafe);
}

/** For a type that is only known with the value. */
function late(to: Type): Conversion {
  return (value) => {
    const converted = convert(value, to);
    if (!converted.ok) throw new Unconvertible(converted.message);
    return converted.value;
  };
}

function primitive(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  if (to.kind === from.kind) return undefined;
  if (to.kind === 'string') {
    return (value) => {
      if (value.kind === 'number') return textValue(numberText(value.value));
      return textValue(value.kind === 'bool' && value.value ? 'true' : 'false');
    };
  }
  if (from.kind !== 'string' || !unsafe) return undefined;
  return to.kind === 'number' ? textToNumber : textToBool;
}

function textToNumber(value: Value): Value {
  const number = value.kind === 'string' ? parseNumber(value.value) : undefined;
  if (number === undefined) throw new Unconvertible('a number is required');
  return numberValue(number);
}

function textToBool(value: Value): Value {
  const text = value.kind === 'string' ? value.value : '';
  if (text === 'true' || text === '1') return boolValue(true);
  if (text === 'false' || text === '0') return boolValue(false);
  const lower = text.toLowerCase();
  throw new Unconvertible(
    lower === 'true' || lower === 'false'
      ? `a bool is required; write "${lower}" in lower case`
      : 'a bool is required',
  );
}

function sequenceToSequence(
  from: Type,
  kind: 'list' | 'set',
  to: Type,
  unsafe: boolean,
): Conversion | undefined {
  const same = equalTypes(from, to);
  const each = same ? undefined : findConversion(from, to, unsafe);
  if (!same && each === undefined) return undefined;
  return (value) => {
    const items = itemsOf(value).map((item, at) => bare(each === undefined ? item : inside(at, each, item)));
    if (items.length === 0) return sequence(kind, to.kind === 'dynamic' ? from : withoutOptional(to), items);
    return sequenceOfOneType(kind, items);
  };
}

function tupleToSequence(
  from: TupleType,
  kind: 'list' | 'set',
  to: Type,
  unsafe: boolean,
): Conversion | undefined {
  if (from.items.length === 0) return () => sequence(kind, withoutOptional(to), []);
  let of = to;
  if (to.kind === 'dynamic') {
    const common = unify(from.items, unsafe);
    if (common === undefined) return undefined;
    if (common.kind === 'dynamic' && from.items.some((item) => item.kind !== 'dynamic')) return undefined;
    of = common;
  }
  const each: (Conversion | undefined)[] = [];
  for (const item of from.items) {
    const conversion = equalTypes(item, of) ? undefined : findConversion(item, of, unsafe);
    if (conversion === undefined && !equalTypes(item, of)) return undefined;
    each.push(conversion);
  }
  return (value) => {
    const items = itemsOf(value).map((item, at) => {
      const conversion = each[at];
      return conversion === undefined ? item : inside(at, conversion, item);
    });
    return sequenceOfOneType(kind, kind === 'set' ? items.map(bare) : unified(items, unsafe));
  };
}

function sequenceOfOneType(kind: 'list' | 'set', items: readonly Value[]): Value {
  if (!haveOneType(items)) throw new Unconvertible(`all elements of a ${kind} must have the same type`);
  return sequence(kind, commonType(items) ?? DYNAMIC, items);
}

function sequence(kind: 'list' | 'set', of: Type, items: readonly Value[]): Value {
  return kind === 'list' ? listOf(of, items) : setOf(of, items);
}

function mapToMap(from: Type, to: Type, unsafe: boolean): Conversion | undefined {
  const each = findConversion(from, to, unsafe);
  // A type has no conversion to itself unless it has parts.
  if (each === undefined) return undefined;
  return (value) => {
    const entries = entriesOf(value).map(([name, item]) => [name, inside(name, each, item)] as const);
    if (entries.length === 0) return mapOf(to.kind === 'dynamic' ? from : withoutOptional(to), []);
    return mapOfOneType(isCollection(to) || to.kind === 'object' ? unifiedEntries(entries, false) : entries);
  };
}

function objectToMap(from: ObjectType, to: Type, unsafe: boolean): Conversion | undefined {
  if (from.attributes.size === 0) return () => mapOf(withoutOptional(to), []);
  const of = to.kind === 'dynamic' ? unify([...from.attributes.values()], unsafe) : to;
  if (of === undefined) return undefined;
  const each = new Map<string, Conversion>();
  for (const [name, type] of from.attributes) {
    if (equalTypes(type, of)) continue;
    const conversion = findConversion(type, of, unsafe);
    if (conversion === undefined) return undefined;
    each.set(name, conversion);
  }
  return (value) => {
    const entries = entriesOf(value).map(([name, item]) => {
      const conversion = each.get(name);
      return [name, conversion === undefined ? item : inside(name, conversion, item)] as const;
    });
    return mapOfOneType(isCollection(of) || of.kind === 'object' ? unifiedEntries(entries, unsafe) : entries);
  };
}

function mapOfOneType(entries: readonly (readonly [string, Value])[]): Value {
  const items = entries.map(([, item]) => item);
  if (!haveOneType(items)) throw new Unconvertible('all elements of a map must have the same type');
  return mapOf(commonType(items) ?? DYNAMIC, entries);
}

function mapToObject(from: Type, to: ObjectType): Conversion | undefined {
  const each = new Map<string, Conversion | undefined>();
  for (const [name, type] of to.attributes) {
    if (equalTypes(type, from)) continue;
    const conversion = findConversion(from, type, true);
    if (conversion === undefined && to.optional?.has(name) !== true) return undefined;
    each.set(name, conversion);
  }
  return (value) => {
    const entries = new Map<string, Value>();
    for (const [name, item] of entriesOf(value)) {
      const type = to.attributes.get(name);
      if (type === undefined) continue;
      const conversion = each.get(name);
      if (conversion === undefined && each.has(name))
        throw new Unconvertible(
          `its element ${quotedName(name)} cannot be used: ${mismatch(item.type, type)}`,
        );
      entries.set(name, bare(conversion === undefined ? item : inside(name, conversion, item)));
    }
    for (const [name, type] of to.attributes) {
      if (entries.has(name)) continue;
      if (to.optional?.has(name) !== true)
        throw new Unconvertible(`the map has no element ${quotedName(name)}, which is required`);
      entries.set(name, nullOf(withoutOptional(type)));
    }
    return objectOf(entries);
  };
}

function objectToObject(from: ObjectType, to: ObjectType, unsafe: boolean): Conversion | undefined {
  const each = new Map<string, Conversion | undefined>();
  for (const [name, type] of to.attributes) {
    const given = from.attributes.get(name);
    if (given === undefined) {
      if (to.optional?.has(name) !== true) return undefined;
    } else if (equalTypes(given, type)) each.set(name, undefined);
    else {
      const conversion = findConversion(given, type, unsafe);
      if (conversion === undefined) return undefined;
      each.set(name, conversion);
    }
  }
  return (value) => {
    const entries = new Map<string, Value>();
    for (const [name, item] of entriesOf(value)) {
      if (!each.has(name)) continue;
      const conversion = each.get(name);
      entries.set(name, bare(conversion === undefined ? item : inside(name, conversion, item)));
    }
    for (const name of to.optional ?? [])
      if (!entries.has(name)) entries.set(name, nullOf(withoutOptional(to.attributes.get(name) ?? DYNAMIC)));
    return objectOf(entries);
  };
}

function tupleToTuple(from: TupleType, to: TupleType, unsafe: boolean): Conversion | undefined {
  if (from.items.length !== to.items.length) return undefined;
  const each: (Conversion | undefined)[] = [];
  for (const [at, type] of to.items.entries()) {
    const given = from.items[at] as Type;
    const conversion = equalTypes(given, type) ? undefined : findConversion(given, type, unsafe);
    if (conversion === undefined && !equalTypes(given, type)) return undefined;
    each.push(conversion);
  }
  return (value) =>
    tupleOf(
      itemsOf(value).map((item, at) => {
        const conversion = each[at];
        return conversion === undefined ? item : inside(at, conversion, item);
      }),
    );
}

/** Converts elements that still have different types, because a part was of any type, to a common type. */
function unified(items: readonly Value[], unsafe: boolean): readonly Value[] {
  const type = unify(
    items.map((item) => item.type),
    unsafe,
  );
  if (type === undefined) throw new Unconvertible('the elements have no common type');
  return items.map((item, at) => {
    if (equalTypes(item.type, type)) return item;
    const conversion = findConversion(item.type, type, unsafe);
    if (conversion === undefined) throw new Unconvertible('the elements have no common type');
    return inside(at, conversion, item);
  });
}

function unifiedEntries(
  entries: readonly (readonly [string, Value])[],
  unsafe: boolean,
): readonly (readonly [string, Value])[] {
  const items = unified(
    entries.map(([, item]) => item),
    unsafe,
  );
  return entries.map(([name], at) => [name, items[at] as Value] as const);
}

/** Adds the path to the message of a problem in a part. */
function inside(at: number | string, conversion: Conversion, item: Value): Value {
  try {
    return conversion(item);
  } catch (thrown) {
    if (!(thrown instanceof Unconvertible)) throw thrown;
    const step = typeof at === 'number' ? `[${at}]` : `[${quotedName(at)}]`;
    const deeper = /^in (\[.*?\]): /s.exec(thrown.message);
    if (deeper === null) throw new Unconvertible(`in ${step}: ${thrown.message}`);
    throw new Unconvertible(`in ${step}${thrown.message.slice(3)}`);
  }
}

function quotedName(name: string): string {
  return JSON.stringify(name);
}

/** A value's type has no optional attributes, unlike a constraint; only a null could still have them. */
function bare(value: Value): Value {
  return value.kind === 'null' ? nullOf(withoutOptional(value.type)) : value;
}

function itemsOf(value: Value): readonly Value[] {
  return value.kind === 'sequence' ? value.items : [];
}

function entriesOf(value: Value): readonly (readonly [string, Value])[] {
  return value.kind === 'mapping' ? [...value.entries] : [];
}

/** The requested type, with "any" replaced by the type of the value. */
function filled(given: Type, asked: Type): Type {
  if (given.kind === 'dynamic') return asked;
  if (asked.kind === 'dynamic') return given;
  if (asked.kind === 'map') {
    const of =
      given.kind === 'map'
        ? given.of
        : commonOf(given.kind === 'object' ? [...given.attributes.values()] : undefined);
    return of === undefined ? asked : mapType(filled(of, asked.of));
  }
  if (asked.kind === 'list' || asked.kind === 'set') {
    const make = asked.kind === 'list' ? listType : setType;
    if (given.kind === 'list' || given.kind === 'set') return make(filled(given.of, asked.of));
    const of = commonOf(given.kind === 'tuple' ? given.items : undefined);
    return of === undefined ? asked : make(filled(of, asked.of));
  }
  if (asked.kind === 'tuple' && given.kind === 'tuple')
    return tupleType(asked.items.map((item, at) => filled(given.items[at] ?? DYNAMIC, item)));
  if (asked.kind !== 'object') return asked;
  const attributes = [...asked.attributes].map(([name, type]) => {
    const from =
      given.kind === 'map' ? given.of : given.kind === 'object' ? given.attributes.get(name) : undefined;
    return [name, from === undefined ? type : filled(from, type)] as const;
  });
  return objectType(new Map(attributes));
}

function commonOf(types: readonly Type[] | undefined): Type | undefined {
  return types === undefined || types.length === 0 ? undefined : unify(types, true);
}

/** Why values of a type cannot be converted to another: part of a sentence. */
export function mismatch(given: Type, asked: Type): string {
  if (given.kind === 'object' && asked.kind === 'object') {
    for (const [name, type] of asked.attributes) {
      const has = given.attributes.get(name);
      if (has === undefined) {
        if (asked.optional?.has(name) !== true) return `the attribute ${quotedName(name)} is required`;
      } else if (!equalTypes(has, type) && !canConvert(has, type, true))
        return `in [${quotedName(name)}]: ${mismatch(has, type)}`;
    }
  }
  if (given.kind === 'tuple' && asked.kind === 'tuple' && given.items.length !== asked.items.length)
    return `a tuple of ${asked.items.length} elements is required, and this one has ${given.items.length}`;
  if (given.kind === 'tuple' && isCollection(asked) && asked.kind !== 'map') {
    if (asked.of.kind === 'dynamic') return `all elements of a ${asked.kind} must have the same type`;
    const at = given.items.findIndex(
      (item) => !equalTypes(item, asked.of) && !canConvert(item, asked.of, true),
    );
    if (at !== -1) return `in [${at}]: ${mismatch(given.items[at] as Type, asked.of)}`;
  }
  if (given.kind === 'object' && asked.kind === 'map') {
    if (asked.of.kind === 'dynamic') return 'all elements of a map must have the same type';
    for (const [name, type] of given.attributes)
      if (!equalTypes(type, asked.of) && !canConvert(type, asked.of, true))
        return `in [${quotedName(name)}]: ${mismatch(type, asked.of)}`;
  }
  const article = /^[aeiou]/.test(typeName(asked)) ? 'an' : 'a';
  return `${article} ${typeName(asked)} is required, not ${/^[aeiou]/.test(typeName(given)) ? 'an' : 'a'} ${typeName(given)}`;
}
