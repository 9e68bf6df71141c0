/** Parses JSON as a known type (https://pkg.go.dev/github.com/zclconf/go-cty/cty/json#Unmarshal). */
import {
  boolValue,
  type FunctionResult,
  listOf,
  mapOf,
  nullOf,
  numberValue,
  objectOf,
  parseNumber,
  setOf,
  type Type,
  textValue,
  tupleOf,
  typeName,
  type Value,
} from '../hcl/mod.ts';

/**
 * Parses a text as a value of a type. Bools and numbers may be strings; strings may be numbers, which keep their
 * spelling.
 */
export function readTypedJson(text: string, type: Type): FunctionResult {
  try {
    JSON.parse(text);
    return { ok: true, value: read(JSON.parse(marked(text)), type) };
  } catch (thrown) {
    if (thrown instanceof Mismatch) return { ok: false, message: thrown.message };
    return { ok: false, message: 'it is not valid JSON' };
  }
}

/** Only used inside this file. */
class Mismatch extends Error {}

/** Converts numbers to marked strings, so that they keep their spelling. */
function marked(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs, (found) =>
    found.startsWith('"') ? `"s${found.slice(1)}` : `"n${found}"`,
  );
}

function read(node: unknown, type: Type): Value {
  if (node === null) return nullOf(type);
  switch (type.kind) {
    case 'string':
      if (typeof node === 'boolean') return textValue(String(node));
      if (typeof node === 'string') return textValue(node.slice(1));
      break;
    case 'number': {
      const number = typeof node === 'string' ? parseNumber(node.slice(1)) : undefined;
      if (number !== undefined) return numberValue(number);
      break;
    }
    case 'bool': {
      if (typeof node === 'boolean') return boolValue(node);
      const is = typeof node === 'string' && /^s(?:true|1)$/.test(node);
      if (is || (typeof node === 'string' && /^s(?:false|0)$/.test(node))) return boolValue(is);
      break;
    }
    case 'list':
      if (Array.isArray(node)) return listOf(type.of, items(node, type.of));
      break;
    case 'set':
      if (Array.isArray(node)) return setOf(type.of, items(node, type.of));
      break;
    case 'tuple':
      if (Array.isArray(node) && node.length === type.items.length)
        return tupleOf(type.items.map((of, at) => read(node[at], of)));
      break;
    case 'map':
      if (isRecord(node))
        return mapOf(
          type.of,
          members(node).map(([name, one]) => [name, read(one, type.of)] as const),
        );
      break;
    case 'object':
      if (isRecord(node)) return readObject(node, type.attributes);
      break;
    default:
      throw new Mismatch('a variable of type any cannot be given as JSON');
  }
  throw new Mismatch(`${typeName(type)} required`);
}

function readObject(node: Readonly<Record<string, unknown>>, attributes: ReadonlyMap<string, Type>): Value {
  const given = new Map(members(node));
  for (const name of given.keys())
    if (!attributes.has(name)) throw new Mismatch(`it has no attribute "${name}"`);
  return objectOf(Array.from(attributes, ([name, of]) => [name, read(given.get(name) ?? null, of)] as const));
}

function items(node: readonly unknown[], of: Type): readonly Value[] {
  return node.map((one) => read(one, of));
}

function members(node: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(node).map(([name, value]) => [name.slice(1), value] as const);
}

function isRecord(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}
