/** Types of JSON Schema: which one a value has, and the values of one type as another. */
import type { Json } from '../../model/mod.ts';

/** The narrowest type that a value has. */
export function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Whether a value has one of the types. */
export function hasType(value: Json, types: ReadonlySet<string>): boolean {
  return types.has(typeOf(value)) || (typeof value === 'number' && types.has('number'));
}

/**
 * A value as the type that is due, by the rules of the language: numbers and booleans are text where only text will do,
 * and text that is a number, `true` or `false` is that. Whatever does not fit stays as it is.
 *
 * @param types those that are due; none: nobody says
 */
export function convert(value: Json, types: ReadonlySet<string>): Json {
  if (types.size === 0 || value === null || typeof value === 'object' || hasType(value, types)) return value;
  if (typeof value !== 'string') return types.has('string') ? String(value) : value;
  if (types.has('boolean') && /^(?:true|false)$/.test(value)) return value === 'true';
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(value)) return value;
  const number = Number(value);
  const isExact = Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number));
  return isExact && hasType(number, types) ? number : value;
}
