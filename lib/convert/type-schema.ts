/** Types of bake variables as JSON Schemas: lists, maps and objects are not only that, but have elements and attributes of types. */
import { type Expression, readType, type Type } from '../hcl/mod.ts';
import type { Json } from '../model/mod.ts';
import { asWritten } from './bake-file.ts';
import { isRecord } from './draft.ts';
import type { Marked } from './marks.ts';

type Schema = Readonly<Record<string, Json>>;

/**
 * The type that a constraint names, where the words for types (`list`, `map`, …) do not say it all.
 *
 * @returns undefined where they do, and where it cannot be read
 */
export function structureOf(constraint: Expression): Type | undefined {
  const read = readType(asWritten(constraint));
  return read.ok && isStructured(read.value) ? read.value : undefined;
}

/** Lists and maps of texts are what they are without a schema, and of any type nothing is known. */
function isStructured(type: Type): boolean {
  if (type.kind === 'object' || type.kind === 'tuple') return true;
  return 'of' in type && type.of.kind !== 'string' && type.of.kind !== 'dynamic';
}

/** A schema that takes what bake takes for the type, and makes the same of it; `value` is a default that has to fit. */
export function schemaOf(type: Type, value: Marked): Schema {
  return toSchema(type, hasNull(value));
}

/** In bake anything may be null. Saying so everywhere would tell nobody anything, so that it is said where null occurs. */
function hasNull(value: Marked): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.some(hasNull);
  return isRecord(value) && Object.values(value as Readonly<Record<string, Marked>>).some(hasNull);
}

function toSchema(type: Type, orNull: boolean): Schema {
  const inner = (of: Type): Schema => nullable(toSchema(of, orNull), orNull);
  switch (type.kind) {
    case 'string':
    case 'number':
      return { type: type.kind };
    case 'bool':
      return { type: 'boolean' };
    case 'dynamic':
      return {};
    case 'list':
    case 'set':
      return { type: 'array', items: inner(type.of) };
    case 'map':
      return { type: 'object', additionalProperties: inner(type.of) };
    case 'tuple':
      return {
        type: 'array',
        prefixItems: type.items.map(inner),
        items: false,
        minItems: type.items.length,
      };
    case 'object': {
      const optional = type.optional ?? new Set<string>();
      const required = [...type.attributes.keys()].filter((name) => !optional.has(name));
      const properties = [...type.attributes].map(([name, of]): readonly [string, Schema] => [
        name,
        // Of one that is left out bake makes null.
        optional.has(name) ? { ...nullable(toSchema(of, orNull), true), default: null } : inner(of),
      ]);
      return {
        type: 'object',
        ...(required.length === 0 ? {} : { required }),
        additionalProperties: false,
        properties: Object.fromEntries(properties),
      };
    }
  }
}

function nullable(schema: Schema, orNull: boolean): Schema {
  const { type } = schema;
  return orNull && typeof type === 'string' ? { ...schema, type: [type, 'null'] } : schema;
}

/** A default without the attributes that its type has not: bake drops them. */
export function withoutOthers(value: Marked, type: Type): Marked {
  if (Array.isArray(value)) {
    const items = value as readonly Marked[];
    if (type.kind === 'tuple')
      return items.map((item, at) => {
        const of = type.items[at];
        return of === undefined ? item : withoutOthers(item, of);
      });
    return 'of' in type ? items.map((item) => withoutOthers(item, type.of)) : value;
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value as Readonly<Record<string, Marked>>);
  if (type.kind === 'map')
    return Object.fromEntries(entries.map(([name, one]) => [name, withoutOthers(one, type.of)]));
  if (type.kind !== 'object') return value;
  return Object.fromEntries(
    entries.flatMap(([name, one]) => {
      const of = type.attributes.get(name);
      return of === undefined ? [] : [[name, withoutOthers(one, of)] as const];
    }),
  );
}
