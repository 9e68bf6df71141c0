/** Creates, compares and names types of HCL values (https://github.com/zclconf/go-cty/blob/main/docs/types.md). */
import type { Type } from './value.ts';

export const STRING: Type = { kind: 'string' };
export const NUMBER: Type = { kind: 'number' };
export const BOOL: Type = { kind: 'bool' };
/** Any type; of a value, only for a `null` without a type. */
export const DYNAMIC: Type = { kind: 'dynamic' };

/** A list, set or map of elements of one type. */
export type CollectionType = Extract<Type, { readonly of: Type }>;
export type TupleType = Extract<Type, { readonly kind: 'tuple' }>;
export type ObjectType = Extract<Type, { readonly kind: 'object' }>;

export function listType(of: Type): CollectionType {
  return { kind: 'list', of };
}

export function setType(of: Type): CollectionType {
  return { kind: 'set', of };
}

export function mapType(of: Type): CollectionType {
  return { kind: 'map', of };
}

export function tupleType(items: readonly Type[]): TupleType {
  return { kind: 'tuple', items };
}

/** An object type with these attributes, some of which may be optional. */
export function objectType(
  attributes: ReadonlyMap<string, Type>,
  optional?: ReadonlySet<string>,
): ObjectType {
  if (optional === undefined || optional.size === 0) return { kind: 'object', attributes };
  return { kind: 'object', attributes, optional };
}

/** Whether it is a string, a number or a bool. */
export function isPrimitive(type: Type): boolean {
  return type.kind === 'string' || type.kind === 'number' || type.kind === 'bool';
}

/** Whether it is a list, a set or a map. */
export function isCollection(type: Type): type is CollectionType {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map';
}

/** Whether two types are the same, with the same optional attributes. */
export function equalTypes(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (isCollection(a)) return a.kind === b.kind && isCollection(b) && equalTypes(a.of, b.of);
  if (a.kind === 'tuple') {
    if (b.kind !== 'tuple' || a.items.length !== b.items.length) return false;
    return a.items.every((item, at) => equalTypes(item, b.items[at] as Type));
  }
  if (a.kind === 'object') return b.kind === 'object' && equalObjects(a, b);
  return a.kind === b.kind;
}

function equalObjects(a: ObjectType, b: ObjectType): boolean {
  if (a.attributes.size !== b.attributes.size || (a.optional?.size ?? 0) !== (b.optional?.size ?? 0))
    return false;
  for (const [name, type] of a.attributes) {
    const other = b.attributes.get(name);
    if (other === undefined || !equalTypes(type, other)) return false;
    if ((a.optional?.has(name) ?? false) !== (b.optional?.has(name) ?? false)) return false;
  }
  return true;
}

/** The type of a value of this type, in which every attribute is set. */
export function withoutOptional(type: Type): Type {
  if (isCollection(type)) return { kind: type.kind, of: withoutOptional(type.of) };
  if (type.kind === 'tuple') return tupleType(type.items.map(withoutOptional));
  if (type.kind !== 'object') return type;
  return objectType(new Map([...type.attributes].map(([name, of]) => [name, withoutOptional(of)])));
}

/** The name of a type in messages: `list of string`, `object`, `any type`. */
export function typeName(type: Type): string {
  if (type.kind === 'dynamic') return 'any type';
  if (isCollection(type)) return `${type.kind} of ${typeName(type.of)}`;
  return type.kind;
}

/** A type as written in a file: `list(object({ name = string, age = optional(number) }))`. */
export function typeText(type: Type): string {
  if (type.kind === 'dynamic') return 'any';
  if (isCollection(type)) return `${type.kind}(${typeText(type.of)})`;
  if (type.kind === 'tuple') return `tuple([${type.items.map(typeText).join(', ')}])`;
  if (type.kind !== 'object') return type.kind;
  if (type.attributes.size === 0) return 'object({})';
  const attributes = [...type.attributes].map(([name, of]) =>
    type.optional?.has(name) === true ? `${name} = optional(${typeText(of)})` : `${name} = ${typeText(of)}`,
  );
  return `object({ ${attributes.join(', ')} })`;
}
