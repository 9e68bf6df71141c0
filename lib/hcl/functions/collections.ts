/** Functions of maps, objects and sets, and those of several kinds of collections. */
import { convert, unify } from '../conversion.ts';
import { DYNAMIC, equalTypes, listType, STRING, setType, tupleType } from '../types.ts';
import type { FunctionResult, Type, Value } from '../value.ts';
import {
  boolValue,
  equalValues,
  listOf,
  type MappingValue,
  mapOf,
  numberValue,
  objectOf,
  setOf,
  textValue,
  tupleOf,
} from '../values.ts';
import { beyond, type Definition, type Definitions, done, failed, itemsOf, textOf } from './define.ts';
import { at, elementType, isElementType } from './lists.ts';

const COLLECTION = { name: 'collection', type: DYNAMIC };
const KEY = { name: 'key', type: DYNAMIC };
const ANY_SET = setType(DYNAMIC);

/** Combinations that `setproduct` makes. */
const MOST_COMBINATIONS = 10_000;

export const COLLECTION_FUNCTIONS: Definitions = {
  hasindex: {
    parameters: [COLLECTION, KEY],
    run: ([of, key]) => {
      if (!isKeyed(of)) return failed('a list, tuple or map is required', 0);
      return done(boolValue(lookUp(of as Value, key as Value) !== undefined));
    },
  },
  index: {
    parameters: [COLLECTION, KEY],
    run: ([of, key]) => {
      if (!isKeyed(of)) return failed('a list, tuple or map is required', 0);
      const wanted = of?.kind === 'mapping' ? 'string' : 'number';
      if (key?.kind !== wanted) return failed(`the key must be a ${wanted}`, 1);
      const found = lookUp(of as Value, key);
      return found === undefined ? failed('there is no such element', 1) : done(found);
    },
  },
  keys: {
    parameters: [{ name: 'inputMap', type: DYNAMIC }],
    run: ([map]) => {
      if (map?.kind !== 'mapping') return failed('a map or object is required', 0);
      const names = [...map.entries.keys()].map(textValue);
      return done(map.type.kind === 'map' ? listOf(STRING, names) : tupleOf(names));
    },
  },
  length: {
    parameters: [COLLECTION],
    run: ([of]) => {
      if (of?.kind === 'sequence') return done(numberValue(of.items.length));
      if (of?.kind === 'mapping' && of.type.kind === 'map') return done(numberValue(of.entries.size));
      return failed('a list, tuple, set or map is required', 0);
    },
  },
  lookup: {
    parameters: [
      { name: 'inputMap', type: DYNAMIC },
      { name: 'key', type: STRING },
      { name: 'default', type: DYNAMIC },
    ],
    run: ([map, key, otherwise]) => {
      if (map?.kind !== 'mapping') return failed('a map or object is required', 0);
      const found = map.entries.get(textOf(key));
      if (map.type.kind !== 'map') return done(found ?? (otherwise as Value));
      const converted = convert(otherwise as Value, elementType(map));
      if (!converted.ok) return failed('it must have the type of the elements of the map', 2);
      return done(found ?? converted.value);
    },
  },
  merge: { parameters: [], rest: { name: 'maps', type: DYNAMIC, nullable: true }, run: merge },
  values: {
    parameters: [{ name: 'mapping', type: DYNAMIC }],
    run: ([map]) => {
      if (map?.kind !== 'mapping') return failed('a map or object is required', 0);
      const values = [...map.entries.values()];
      return done(map.type.kind === 'map' ? listOf(elementType(map), values) : tupleOf(values));
    },
  },
  zipmap: {
    parameters: [
      { name: 'keys', type: listType(STRING) },
      { name: 'values', type: DYNAMIC },
    ],
    run: zipmap,
  },
  sethaselement: {
    parameters: [
      { name: 'set', type: ANY_SET },
      { name: 'elem', type: DYNAMIC },
    ],
    run: ([set, value]) => {
      const has =
        isElementType(set as Value, (value as Value).type) &&
        itemsOf(set).some((item) => equalValues(item, value as Value));
      return done(boolValue(has));
    },
  },
  setproduct: { parameters: [], rest: { name: 'sets', type: DYNAMIC }, run: product },
  setunion: setOperation((a, b) => [...a, ...b]),
  setintersection: setOperation((a, b) => a.filter((item) => has(b, item))),
  setsubtract: setOperation((a, b) => a.filter((item) => !has(b, item)), 2),
  setsymmetricdifference: setOperation((a, b) => [
    ...a.filter((item) => !has(b, item)),
    ...b.filter((item) => !has(a, item)),
  ]),
};

function isKeyed(of: Value | undefined): boolean {
  return of?.type.kind === 'list' || of?.type.kind === 'tuple' || of?.type.kind === 'map';
}

function lookUp(of: Value, key: Value): Value | undefined {
  if (of.kind === 'mapping') return key.kind === 'string' ? of.entries.get(key.value) : undefined;
  return at(of, key);
}

function merge(args: readonly Value[]): FunctionResult {
  const mappings = args.filter((arg): arg is MappingValue => arg.kind === 'mapping');
  // Behind a null without a type nothing is looked at but what is in it (go-cty, `MergeFunc`).
  const unchecked = args.findIndex(({ kind, type }) => kind === 'null' && type.kind === 'dynamic');
  const wrong = args.findIndex((arg, index) => {
    if (arg.kind === 'mapping') return false;
    if (unchecked !== -1 && index >= unchecked)
      return arg.kind !== 'null' && !(arg.kind === 'sequence' && arg.items.length === 0);
    return arg.kind !== 'null' || !['map', 'object'].includes(arg.type.kind);
  });
  if (wrong !== -1) return failed('a map or object is required', wrong);
  const entries = mappings.flatMap(({ entries: own }) => [...own]);
  const [first] = args;
  if (first?.type.kind === 'map' && args.every(({ type }) => equalTypes(type, first.type)))
    return done(mapOf(elementType(first), entries));
  return done(objectOf(entries));
}

function zipmap([keys, values]: readonly Value[]): FunctionResult {
  if (values?.type.kind !== 'list' && values?.type.kind !== 'tuple')
    return failed('a list or tuple is required', 1);
  const [names, items] = [itemsOf(keys), itemsOf(values)];
  if (names.length !== items.length)
    return failed(`there are ${names.length} keys and ${items.length} values`);
  if (names.some(({ kind }) => kind === 'null')) return failed('a key must not be null', 0);
  const entries = names.map((name, index) => [textOf(name), items[index] as Value] as const);
  return done(values.type.kind === 'list' ? mapOf(elementType(values), entries) : objectOf(entries));
}

function product(args: readonly Value[]): FunctionResult {
  if (args.length < 2) return failed('it needs at least two sets or lists');
  const types: Type[] = [];
  for (const [index, arg] of args.entries()) {
    if (arg.kind !== 'sequence') return failed('a set or list is required', index);
    const { type, items } = arg;
    const of =
      type.kind !== 'tuple' ? elementType(arg) : items.length === 0 ? DYNAMIC : unify(type.items, true);
    if (of === undefined) return failed('all elements must have the same type', index);
    types.push(of);
  }
  const total = args.reduce((count, arg) => count * itemsOf(arg).length, 1);
  if (total > MOST_COMBINATIONS) return beyond(`there would be more than ${MOST_COMBINATIONS} combinations`);
  let rows: readonly (readonly Value[])[] = [[]];
  for (const [index, arg] of args.entries()) {
    const items: Value[] = [];
    for (const item of itemsOf(arg)) {
      const converted = convert(item, types[index] as Type);
      if (!converted.ok) return failed(converted.message, index);
      items.push(converted.value);
    }
    rows = rows.flatMap((row) => items.map((item) => [...row, item]));
  }
  const tuples = rows.map(tupleOf);
  const of = tuples[0]?.type ?? tupleType(types);
  if (tuples.some(({ type }) => !equalTypes(type, of))) return failed('all elements must have the same type');
  return done(args.some(({ type }) => type.kind === 'set') ? setOf(of, tuples) : listOf(of, tuples));
}

function has(items: readonly Value[], wanted: Value): boolean {
  return items.some((item) => equalValues(item, wanted));
}

/** An operation of sets that are converted to one type first; with `exactly` it takes that many. */
function setOperation(
  run: (a: readonly Value[], b: readonly Value[]) => readonly Value[],
  exactly?: 2,
): Definition {
  const parameters = exactly === undefined ? ['first_set'] : ['a', 'b'];
  return {
    parameters: parameters.map((name) => ({ name, type: ANY_SET })),
    ...(exactly === undefined ? { rest: { name: 'other_sets', type: ANY_SET } } : {}),
    run: (args) => {
      const types = args
        .filter((arg) => itemsOf(arg).length > 0 || elementType(arg).kind !== 'dynamic')
        .map(elementType);
      const of = types.length === 0 ? DYNAMIC : unify(types, true);
      if (of === undefined) return failed('the elements of all sets must have compatible types');
      const sets: Value[] = [];
      for (const [index, arg] of args.entries()) {
        const converted = convert(arg, setType(of));
        if (!converted.ok) return failed(converted.message, index);
        sets.push(converted.value);
      }
      const [first, ...others] = sets;
      if (others.some((set) => !equalTypes(set.type, (first as Value).type)))
        return failed('the elements of all sets must have the same type');
      const type = elementType(first);
      const items = others.reduce((sum, set) => itemsOf(setOf(type, run(sum, itemsOf(set)))), itemsOf(first));
      return done(setOf(type, items));
    },
  };
}
