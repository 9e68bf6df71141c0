/** The types of variables: parses text as a type, and converts values to one. */
import type { Json } from '../model/mod.ts';
import { splitCsv } from '../util/csv.ts';

/** All types. The schema also lists them and the keys, but it is too large to load for that. */
export type VariableType = (typeof VARIABLE_TYPES)[number];

export const VARIABLE_TYPES = ['string', 'bool', 'int', 'number', 'list', 'map'] as const;

/** The keys of a variable's declaration. */
export const VARIABLE_KEYS: readonly string[] = [
  'default',
  'type',
  'env',
  'required',
  'optional',
  'oneOf',
  'pattern',
  'minimum',
  'maximum',
  'check',
  'schema',
  'sensitive',
  'description',
];

export function isVariableType(text: string): text is VariableType {
  return (VARIABLE_TYPES as readonly string[]).includes(text);
}

/** Types that accept an empty text. For others it means not set. */
export function hasEmptyValue(type: VariableType): boolean {
  return type === 'string' || type === 'list' || type === 'map';
}

/** The value of a variable that is not set. */
export function emptyOf(type: VariableType): Json {
  if (type === 'list') return [];
  if (type === 'map') return {};
  return type === 'string' ? '' : null;
}

/** Parses text from a flag, a file or the environment as a type; undefined: invalid. */
export function readAs(text: string, type: VariableType): Json | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      if (/^(?:true|t|1)$/i.test(text)) return true;
      return /^(?:false|f|0)$/i.test(text) ? false : undefined;
    case 'int':
      return /^[-+]?[0-9]+$/.test(text.trim()) && Number.isSafeInteger(Number(text))
        ? Number(text)
        : undefined;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'list': {
      if (text.trimStart().startsWith('[')) {
        const parsed = parseJson(text);
        return Array.isArray(parsed) ? parsed : undefined;
      }
      return text.trim() === '' ? [] : splitCsv(text)?.map((item) => item.trim());
    }
    case 'map': {
      if (text.trim() === '') return {};
      if (text.trimStart().startsWith('{')) {
        const parsed = parseJson(text);
        return isMap(parsed) ? parsed : undefined;
      }
      const pairs = (splitCsv(text) ?? []).map((field) => /^\s*([^=]+?)\s*=(.*)$/s.exec(field));
      if (pairs.some((pair) => pair === null)) return undefined;
      return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
    }
  }
}

/** Converts a value that is not text (from YAML or a default) to a type; undefined: not possible. */
export function fit(value: Json, type: VariableType): Json | undefined {
  if (value === null) return null;
  if (type === 'string') return typeof value === 'object' ? undefined : String(value);
  if (type === 'list') return Array.isArray(value) ? value : undefined;
  if (type === 'map') return isMap(value) ? value : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (typeof value === 'number') return type === 'number' || Number.isInteger(value) ? value : undefined;
  return typeof value === 'string' ? readAs(value, type) : undefined;
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A description of a type's values. */
export function typeWords(type: VariableType): string {
  const words: Readonly<Record<VariableType, string>> = {
    string: 'text',
    bool: 'true or false',
    int: 'an integer',
    number: 'a number',
    list: 'a list',
    map: 'a map',
  };
  return words[type];
}

/** How a value of a type is written on the command line. */
export function typeHint(type: VariableType): string {
  if (type === 'list') return 'Write a,b,c or a JSON array.';
  if (type === 'map') return 'Write a=1,b=2 or a JSON object.';
  if (type === 'int')
    return 'Quote the default for text, or add a `type`: without one, the type is that of the default.';
  return `It must be ${typeWords(type)}.`;
}
