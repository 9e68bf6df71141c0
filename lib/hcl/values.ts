/** Creates and compares values of HCL (https://github.com/zclconf/go-cty). */
import { compareNumbers, numberFromInt } from './number.ts';
import { equalNumbers, formatNumber } from './number-text.ts';
import {
  BOOL,
  DYNAMIC,
  equalTypes,
  listType,
  mapType,
  NUMBER,
  objectType,
  STRING,
  setType,
  tupleType,
} from './types.ts';
import type { HclNumber, Type, Value } from './value.ts';

export type SequenceValue = Extract<Value, { readonly kind: 'sequence' }>;
export type MappingValue = Extract<Value, { readonly kind: 'mapping' }>;

export const TRUE: Value = { type: BOOL, kind: 'bool', value: true };
export const FALSE: Value = { type: BOOL, kind: 'bool', value: false };

/** A text, in Unicode's form NFC as all of HCL's. */
export function textValue(value: string): Value {
  return { type: STRING, kind: 'string', value: value.normalize('NFC') };
}

/** A number; a JavaScript number must be whole. */
export function numberValue(value: HclNumber | number | bigint): Value {
  return {
    type: NUMBER,
    kind: 'number',
    value: typeof value === 'object' ? value : numberFromInt(value),
  };
}

export function boolValue(value: boolean): Value {
  return value ? TRUE : FALSE;
}

/** `null` of a type; by default the literal `null`. */
export function nullOf(type: Type = DYNAMIC): Value {
  return { type, kind: 'null' };
}

/** A list; the items must already have that type. */
export function listOf(of: Type, items: readonly Value[]): SequenceValue {
  return { type: listType(of), kind: 'sequence', items: items.map((item) => typed(of, item)) };
}

/** A null has the type of its container's elements. */
function typed(of: Type, item: Value): Value {
  return item.kind === 'null' && item.type.kind === 'dynamic' && of.kind !== 'dynamic' ? nullOf(of) : item;
}

/** A list of the items' {@link commonType}. */
export function listOfSame(items: readonly Value[]): SequenceValue {
  return listOf(commonType(items) ?? DYNAMIC, items);
}

/** A set of the items, sorted and without duplicates; they must already have that type. */
export function setOf(of: Type, items: readonly Value[]): SequenceValue {
  return {
    type: setType(of),
    kind: 'sequence',
    items: inOrder(of, unique(items.map((item) => typed(of, item)))),
  };
}

export function tupleOf(items: readonly Value[]): SequenceValue {
  return { type: tupleType(items.map(({ type }) => type)), kind: 'sequence', items };
}

/** A map; the values must already have that type. For duplicate names, the last value is used. */
export function mapOf(of: Type, entries: Iterable<readonly [string, Value]>): MappingValue {
  const kept = [...entries].map(([name, item]) => [name, typed(of, item)] as const);
  return { type: mapType(of), kind: 'mapping', entries: ordered(kept) };
}

/** An object. For duplicate names, the last value is used. */
export function objectOf(entries: Iterable<readonly [string, Value]>): MappingValue {
  const kept = ordered(entries);
  const types = new Map([...kept].map(([name, { type }]) => [name, type]));
  return { type: objectType(types), kind: 'mapping', entries: kept };
}

function ordered(entries: Iterable<readonly [string, Value]>): ReadonlyMap<string, Value> {
  const kept = new Map<string, Value>();
  for (const [name, value] of entries) kept.set(name.normalize('NFC'), value);
  return new Map([...kept].sort(([a], [b]) => compareTexts(a, b)));
}

/**
 * The one type of all items, where there is one: a `null` without a type goes with any. Undefined: their types differ, or all are
 * such nulls.
 */
export function commonType(items: Iterable<Value>): Type | undefined {
  let common: Type | undefined;
  for (const { type } of items) {
    if (type.kind === 'dynamic') continue;
    if (common === undefined) common = type;
    else if (!equalTypes(common, type)) return undefined;
  }
  return common;
}

/** Whether values of these types can be in one list, map or set. */
export function haveOneType(items: Iterable<Value>): boolean {
  const typed = [...items].filter(({ type }) => type.kind !== 'dynamic');
  const [first] = typed;
  return first === undefined || typed.every(({ type }) => equalTypes(first.type, type));
}

/** Order of the bytes in UTF-8, which is that of the code points. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    // Halves of characters beyond U+FFFF come after all others.
    const [leftHalf, rightHalf] = [isSurrogate(left), isSurrogate(right)];
    if (leftHalf !== rightHalf) return leftHalf ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Whether two values are equal, as `==` says it: of one type and with the same content, or both null. */
export function equalValues(a: Value, b: Value): boolean {
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  if (a === b) return true;
  return equalTypes(a.type, b.type) && sameContent(a, b);
}

function sameContent(a: Value, b: Value): boolean {
  if (a.kind === 'number') return b.kind === 'number' && equalNumbers(a.value, b.value);
  if (a.kind === 'sequence') {
    if (b.kind !== 'sequence' || a.items.length !== b.items.length) return false;
    // Sets keep their items in order, so that they can be compared as lists are.
    return a.items.every((item, at) => equalValues(item, b.items[at] as Value));
  }
  if (a.kind === 'mapping') {
    if (b.kind !== 'mapping' || a.entries.size !== b.entries.size) return false;
    return [...a.entries].every(([name, value]) => {
      const other = b.entries.get(name);
      return other !== undefined && equalValues(value, other);
    });
  }
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  return a.kind === b.kind && 'value' in b && a.value === b.value;
}

function unique(items: readonly Value[]): readonly Value[] {
  const kept = new Map<string, Value[]>();
  for (const item of items) {
    const key = sortKey(item);
    const same = kept.get(key);
    if (same === undefined) kept.set(key, [item]);
    else if (!same.some((one) => equalValues(one, item))) same.push(item);
  }
  return [...kept.values()].flat();
}

/** Texts by their bytes, numbers by size, false before true, others by a text made of their content; null is last. */
function inOrder(of: Type, items: readonly Value[]): readonly Value[] {
  if (items.length < 2) return items;
  const keyed = items.map((item) => ({ item, key: sortKey(item) }));
  keyed.sort((a, b) => {
    const nulls = Number(a.item.kind === 'null') - Number(b.item.kind === 'null');
    if (nulls !== 0) return nulls;
    if (of.kind === 'number' && a.item.kind === 'number' && b.item.kind === 'number')
      return compareNumbers(a.item.value, b.item.value);
    if (of.kind === 'string' && a.item.kind === 'string' && b.item.kind === 'string')
      return compareTexts(a.item.value, b.item.value);
    return compareTexts(a.key, b.key);
  });
  return keyed.map(({ item }) => item);
}

/** The text by which go-cty sorts values in a set that have no order of their own (cty/set_internals.go). */
function sortKey(value: Value): string {
  switch (value.kind) {
    case 'null':
      return '~';
    case 'string':
      return quoted(value.value);
    case 'number':
      return formatNumber(value.value, 'g', 10);
    case 'bool':
      return value.value ? 'T' : 'F';
    case 'sequence': {
      const inner = value.items.map((item) => `${sortKey(item)};`).join('');
      return value.type.kind === 'tuple' ? `<${inner}>` : `[${inner}]`;
    }
    case 'mapping': {
      const named = value.type.kind === 'map';
      const inner = [...value.entries].map(([name, item]) =>
        named ? `${quoted(name)}:${sortKey(item)};` : `${sortKey(item)};`,
      );
      return named ? `{${inner.join('')}}` : `<${inner.join('')}>`;
    }
  }
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u000b': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** A text in quotes, with escapes as in Go's `%q`. */
export function quoted(text: string): string {
  const inner = text.replace(/["\\]|[\p{C}\p{Z}]/gu, (char) => {
    if (char === ' ') return char;
    const short = SHORT_ESCAPES[char];
    if (short !== undefined) return short;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${inner}"`;
}
