/** Finds the type to which values of several types can be converted, by go-cty's rules (cty/convert, Unify). */
import {
  DYNAMIC,
  equalTypes,
  isCollection,
  isPrimitive,
  listType,
  mapType,
  type ObjectType,
  objectType,
  type TupleType,
  tupleType,
} from './types.ts';
import type { Type } from './value.ts';

/** Available conversions, from conversion.ts, which in turn needs this file. */
export interface Rules {
  /** Also those that depend on the value, such as from text to number. */
  readonly unsafe: boolean;
  readonly canConvert: (from: Type, to: Type, unsafe: boolean) => boolean;
}

/** The most general of the types, or a combined one; undefined if there is none, or if no types are given. */
export function unifyBy(types: readonly Type[], rules: Rules): Type | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  if (types.every((type) => type === first || (isPrimitive(type) && type.kind === first.kind))) return first;
  const structural = unifyStructures(types, rules);
  if (structural !== 'other') return structural;
  return inOrderOfPreference(types).find((wanted) =>
    types.every((type) => equalTypes(type, wanted) || rules.canConvert(type, wanted, rules.unsafe)),
  );
}

/** If all types are of related kinds, a combined type may be created; otherwise one of them must fit. */
function unifyStructures(types: readonly Type[], rules: Rules): Type | undefined | 'other' {
  const count = (kind: Type['kind']): number => types.filter((type) => type.kind === kind).length;
  const dynamic = count('dynamic');
  const all = (...kinds: readonly Type['kind'][]): boolean =>
    kinds.reduce((sum, kind) => sum + count(kind), dynamic) === types.length;
  for (const kind of ['map', 'list', 'set'] as const)
    if (count(kind) > 0 && all(kind)) return dynamic > 0 ? DYNAMIC : unifyCollections(kind, types, rules);
  if (count('map') > 0 && all('map', 'object')) return asCollection('map', types, rules) ?? 'other';
  if (count('list') > 0 && all('list', 'tuple')) return asCollection('list', types, rules) ?? 'other';
  if (count('object') > 0 && all('object'))
    return dynamic > 0 ? DYNAMIC : unifyObjects(types.filter(isObject), rules);
  if (count('tuple') > 0 && all('tuple'))
    return dynamic > 0 ? DYNAMIC : unifyTuples(types.filter(isTuple), rules);
  if (count('object') > 0 && count('tuple') > 0) return undefined;
  return 'other';
}

function isObject(type: Type): type is ObjectType {
  return type.kind === 'object';
}

function isTuple(type: Type): type is TupleType {
  return type.kind === 'tuple';
}

function unifyCollections(
  kind: 'list' | 'set' | 'map',
  types: readonly Type[],
  rules: Rules,
): Type | undefined {
  const of = unifyBy(
    types.filter(isCollection).map((type) => type.of),
    rules,
  );
  return of === undefined ? undefined : convertible(types, { kind, of }, rules);
}

/** Converts objects next to maps to maps, and tuples next to lists to lists. */
function asCollection(kind: 'map' | 'list', types: readonly Type[], rules: Rules): Type | undefined {
  const made =
    kind === 'map' ? objectsToMap(types.filter(isObject), rules) : tuplesToList(types.filter(isTuple), rules);
  if (made === undefined) return undefined;
  const unified = unifyBy(
    types.map((type) => (isObject(type) || isTuple(type) ? made : type)),
    rules,
  );
  return unified?.kind === kind ? unified : undefined;
}

function unifyObjects(types: readonly ObjectType[], rules: Rules): Type | undefined {
  const first = types[0] as ObjectType;
  const alike = types.every(
    ({ attributes }) =>
      attributes.size === first.attributes.size &&
      [...attributes.keys()].every((name) => first.attributes.has(name)),
  );
  if (!alike) return objectsToMap(types, rules);
  const attributes = new Map<string, Type>();
  for (const name of first.attributes.keys()) {
    const of = unifyBy(
      types.map((type) => type.attributes.get(name) as Type),
      rules,
    );
    if (of === undefined) return undefined;
    attributes.set(name, of);
  }
  return convertible(types, objectType(attributes), rules) ?? objectsToMap(types, rules);
}

function objectsToMap(types: readonly ObjectType[], rules: Rules): Type | undefined {
  const of = unifyBy(
    types.flatMap(({ attributes }) => [...attributes.values()]),
    rules,
  );
  return of === undefined ? undefined : convertible(types, mapType(of), rules);
}

function unifyTuples(types: readonly TupleType[], rules: Rules): Type | undefined {
  const first = types[0] as TupleType;
  if (types.some(({ items }) => items.length !== first.items.length)) return tuplesToList(types, rules);
  const items: Type[] = [];
  for (const at of first.items.keys()) {
    const of = unifyBy(
      types.map((type) => type.items[at] as Type),
      rules,
    );
    if (of === undefined) return undefined;
    items.push(of);
  }
  return convertible(types, tupleType(items), rules) ?? tuplesToList(types, rules);
}

function tuplesToList(types: readonly TupleType[], rules: Rules): Type | undefined {
  const of = unifyBy(
    types.flatMap(({ items }) => items),
    rules,
  );
  return of === undefined ? undefined : convertible(types, listType(of), rules);
}

function convertible(types: readonly Type[], to: Type, rules: Rules): Type | undefined {
  return types.every((type) => equalTypes(type, to) || rules.canConvert(type, to, rules.unsafe))
    ? to
    : undefined;
}

/** Sorts more general types first; types that cannot be compared keep their order. */
function inOrderOfPreference(types: readonly Type[]): readonly Type[] {
  // Many values have few types: only the first of equal types is needed.
  const distinct = types.filter((type, at) => types.findIndex((other) => equalTypes(type, other)) === at);
  const above = distinct.map((type) => distinct.filter((other) => compareTypes(other, type) < 0).length);
  const left = new Set(distinct.keys());
  const order: Type[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((at) => above[at] === 0);
    if (ready.length === 0) break;
    for (const at of ready) {
      left.delete(at);
      order.push(distinct[at] as Type);
      for (const other of left)
        if (compareTypes(distinct[at] as Type, distinct[other] as Type) < 0)
          above[other] = (above[other] ?? 1) - 1;
    }
  }
  return order;
}

/** Negative: `a` is more general; positive: `b`; 0: neither. */
function compareTypes(a: Type, b: Type): number {
  if (a.kind === 'dynamic' || b.kind === 'dynamic')
    return Number(a.kind === 'dynamic') - Number(b.kind === 'dynamic');
  if (isPrimitive(a) && isPrimitive(b)) return Number(b.kind === 'string') - Number(a.kind === 'string');
  if (isCollection(a) && isCollection(b) && a.kind === b.kind) return compareTypes(a.of, b.of);
  const more = generality(a);
  const other = generality(b);
  if (more !== undefined && other !== undefined && more.family === other.family && more.rank !== other.rank)
    return more.rank - other.rank;
  if (isObject(a) && isObject(b)) {
    if (a.attributes.size !== b.attributes.size) return 0;
    const pairs: [Type, Type][] = [];
    for (const [name, type] of a.attributes) {
      const same = b.attributes.get(name);
      if (same === undefined) return 0;
      pairs.push([type, same]);
    }
    return compareAll(pairs);
  }
  if (!isTuple(a) || !isTuple(b) || a.items.length !== b.items.length) return 0;
  return compareAll(a.items.map((item, at) => [item, b.items[at] as Type]));
}

function generality(type: Type): { readonly family: string; readonly rank: number } | undefined {
  const ranks: Partial<Record<Type['kind'], { readonly family: string; readonly rank: number }>> = {
    list: { family: 'sequence', rank: 0 },
    tuple: { family: 'sequence', rank: 1 },
    set: { family: 'sequence', rank: 2 },
    map: { family: 'mapping', rank: 0 },
    object: { family: 'mapping', rank: 1 },
  };
  return ranks[type.kind];
}

/** The more general of two types whose parts are compared: only if no part of the other one is more general. */
function compareAll(pairs: readonly (readonly [Type, Type])[]): number {
  const results = pairs.map(([a, b]) => compareTypes(a, b));
  const less = results.some((result) => result < 0);
  const more = results.some((result) => result > 0);
  if (less === more) return 0;
  return less ? -1 : 1;
}
