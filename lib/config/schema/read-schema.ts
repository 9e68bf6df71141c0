/**
 * Reads the schema of a variable from the tree of its file and checks it: every mistake with its place. Nothing but what
 * KEYWORDS knows gets through, so that ajv meets no surprises.
 */
import { type Json, type Problem, problem } from '../../model/mod.ts';
import { didYouMean, suggest } from '../../util/suggest.ts';
import { hasExpression } from '../expression.ts';
import { at, atKey, isNull, kindOf, type MapEntry, type MapNode, type Node, scalarJson } from '../tree.ts';
import { FORMATS } from './formats.ts';
import { FOREIGN_KEYWORDS, FOREIGN_TYPES, type Holds, KEYWORDS, TYPES } from './keywords.ts';
import { newPart, type Part, type ReadSchema, WEIGHT } from './part.ts';
import { convert, typeOf } from './types.ts';

/** Schemas within one schema. */
const MAX_PARTS = 2000;
/** Schemas within schemas within schemas. */
const MAX_DEPTH = 50;
/** Values in the whole schema, those of `enum` and `const` among them. */
const MAX_VALUES = 50_000;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** What is gathered while a schema is read. */
interface Reading {
  readonly variable: string;
  readonly problems: Problem[];
  readonly parts: Map<string, Part>;
  readonly references: { readonly from: Part; readonly to: string; readonly node: Node }[];
  /** Whether an expression can be used; undefined: it can; else why not. */
  readonly findRegexFault: (expression: string) => string | undefined;
  values: number;
  isTooBig: boolean;
  hasPatterns: boolean;
  hasUnevaluated: boolean;
}

/**
 * Reads a schema.
 *
 * @param findRegexFault why a regular expression cannot be used; undefined: it can
 * @returns the schema, where no problem is an error
 */
export function readSchema(
  variable: string,
  node: MapNode,
  findRegexFault: (expression: string) => string | undefined,
): { readonly schema?: ReadSchema; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const reading: Reading = {
    variable,
    problems,
    parts: new Map(),
    references: [],
    findRegexFault,
    values: 0,
    isTooBig: false,
    hasPatterns: false,
    hasUnevaluated: false,
  };
  const plain = readPart(reading, node, '#', 0);
  const root = reading.parts.get('#');
  if (root === undefined || plain === undefined) return { problems };
  link(reading);
  if (root.fallback !== undefined) {
    const entry = node.entries.get('default') as MapEntry;
    const hint = 'Write it beside `schema`.';
    const message = `The default of ${variable} belongs beside its schema, not inside`;
    problems.push(problem('config/bad-schema', message, { hint, ...atKey(node, entry) }));
  }
  findLoop(reading);
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  const { parts, hasPatterns, hasUnevaluated } = reading;
  return { schema: { root, parts, plain, hasPatterns, hasUnevaluated }, problems };
}

function readPart(reading: Reading, node: Node, pointer: string, depth: number): Json | undefined {
  if (reading.isTooBig) return undefined;
  if (reading.parts.size >= MAX_PARTS)
    return tooBig(reading, node, `more than ${MAX_PARTS} schemas within it`);
  if (depth > MAX_DEPTH) return tooBig(reading, node, `schemas nested more than ${MAX_DEPTH} deep`);
  const part = newPart(pointer, node);
  reading.parts.set(pointer, part);
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  if (node.kind !== 'map') {
    wrong(reading, node, `A schema must be a map of keywords, or true or false, not ${kindOf(node)}`);
    return undefined;
  }
  const plain: Record<string, Json> = {};
  let weight = 1;
  for (const [keyword, entry] of node.entries) {
    const holds = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    const keepsNull = holds === 'value' || holds === 'default';
    if (keyword.startsWith('x-') || (isNull(entry.value) && !keepsNull)) continue;
    if (holds === undefined) {
      unknownKeyword(reading, node, entry);
      continue;
    }
    const value = readValue({ reading, part, map: node, keyword, node: entry.value, depth }, holds);
    if (value === undefined) continue;
    plain[keyword] = value;
    if (typeof value === 'object' && value !== null) weight += Object.keys(value).length;
  }
  if (part.types.length === 0) part.types = typesOfLiterals(plain);
  plain[WEIGHT] = weight;
  return plain;
}

/** A keyword while it is read. */
interface Keyword {
  readonly reading: Reading;
  readonly part: Part;
  readonly map: MapNode;
  readonly keyword: string;
  readonly node: Node;
  readonly depth: number;
}

/** The value for ajv; undefined where it has no need of it, or something is wrong with it. */
function readValue(word: Keyword, holds: Holds): Json | undefined {
  const { reading, part, keyword, node } = word;
  const isText = node.kind === 'scalar' && typeof node.value === 'string';
  switch (holds) {
    case 'note':
      return undefined;
    case 'schema': {
      if (keyword.startsWith('unevaluated')) reading.hasUnevaluated = true;
      if (keyword === 'items' && node.kind === 'list')
        return wrong(
          reading,
          node,
          '"items" must be one schema',
          'For one schema per position use `prefixItems`.',
        );
      return readWithin(word, node, placeOf(part, keyword));
    }
    case 'schemas':
      return readSchemas(word);
    case 'schema map':
    case 'pattern map':
      return readSchemaMap(word, holds === 'pattern map');
    case 'reference': {
      if (!isText) return mistaken(word, 'text such as "#/$defs/NAME"');
      const to = pointerOf(node.text);
      reading.references.push({ from: part, to, node });
      return to.split('/').map(encodeURIComponent).join('/').replace(/^%23/, '#');
    }
    case 'draft': {
      if (isText && node.text.replace(/#$/, '') === DRAFT) return undefined;
      return wrong(
        reading,
        node,
        `The schema must be of draft 2020-12`,
        `Write $schema: "${DRAFT}", or remove the key.`,
      );
    }
    case 'id':
      if (part.pointer === '#') return undefined;
      return wrong(
        reading,
        node,
        '"$id" is allowed at the top of the schema only',
        'Write references as `#/$defs/NAME`.',
      );
    case 'types':
      return readTypes(word);
    case 'values': {
      if (node.kind !== 'list' || node.items.length === 0) return mistaken(word, 'a list of values');
      return node.items.map((item) => literal(word, item));
    }
    case 'value':
      return literal(word, node);
    case 'default':
      part.fallback = literal(word, node);
      return undefined;
    default:
      return readLimit(word, holds);
  }
}

/** Keywords with a number, a text or names. */
function readLimit(word: Keyword, holds: Holds): Json | undefined {
  const { reading, keyword, node } = word;
  const { value } = node.kind === 'scalar' ? node : { value: undefined };
  switch (holds) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : mistaken(word, 'a number');
    case 'positive number': {
      const isFit = typeof value === 'number' && Number.isFinite(value) && value > 0;
      return isFit ? value : mistaken(word, 'a number above 0');
    }
    case 'count': {
      const isFit = Number.isSafeInteger(value) && Number(value) >= 0;
      return isFit ? Number(value) : mistaken(word, 'an integer of at least 0');
    }
    case 'flag':
      return typeof value === 'boolean' ? value : mistaken(word, 'true or false');
    case 'pattern':
      if (typeof value !== 'string') return mistaken(word, 'a regular expression');
      return isUsable(reading, value, at(node)) ? value : undefined;
    case 'format':
      return readFormat(word);
    case 'names':
      return namesOf(word, node);
    default: {
      if (node.kind !== 'map') return mistaken(word, 'a map of a key to the keys that it requires');
      const lists: Record<string, Json> = {};
      for (const [key, entry] of node.entries) {
        const names = isName(reading, node, entry) ? namesOf({ ...word, keyword }, entry.value) : undefined;
        if (names !== undefined) lists[key] = names;
      }
      return lists;
    }
  }
}

function namesOf(word: Keyword, node: Node): Json | undefined {
  const isList = node.kind === 'list' && node.items.every(({ kind }) => kind === 'scalar');
  if (!isList) return mistaken({ ...word, node }, 'a list of keys');
  const names = node.items
    .filter((item) => !isNull(item))
    .map((item) => (item.kind === 'scalar' ? item.text : ''));
  word.reading.values += names.length;
  return [...new Set(names)];
}

/** Where the schema of a keyword is put in its part. */
function placeOf(part: Part, keyword: string): (found: Part) => void {
  const lists: Readonly<Record<string, Part[]>> = {
    items: part.items,
    unevaluatedItems: part.items,
    contains: part.everyItem,
    additionalProperties: part.others,
    unevaluatedProperties: part.others,
    not: part.possible,
    if: part.possible,
    // biome-ignore lint/suspicious/noThenProperty: a keyword
    then: part.possible,
    else: part.possible,
  };
  return (found) => lists[keyword]?.push(found);
}

function readWithin(
  word: Keyword,
  node: Node,
  place: (found: Part) => void,
  ...more: string[]
): Json | undefined {
  const { reading, part, keyword, depth } = word;
  const pointer = [part.pointer, ...[keyword, ...more].map(escapeSegment)].join('/');
  const plain = readPart(reading, node, pointer, depth + 1);
  const found = reading.parts.get(pointer);
  if (found !== undefined) place(found);
  return plain;
}

function escapeSegment(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1');
}

function readSchemas(word: Keyword): Json | undefined {
  const { part, keyword, node } = word;
  if (node.kind !== 'list' || node.items.length === 0) return mistaken(word, 'a list of schemas');
  const place = keyword === 'prefixItems' ? part.prefix : keyword === 'allOf' ? part.certain : part.possible;
  const all: Json[] = [];
  for (const [index, item] of node.items.entries()) {
    const plain = readWithin(word, item, (found) => place.push(found), String(index));
    if (plain !== undefined) all.push(plain);
  }
  return all;
}

function readSchemaMap(word: Keyword, hasPatterns: boolean): Json | undefined {
  const { reading, part, keyword, node } = word;
  if (node.kind !== 'map') return mistaken(word, 'a map of names to schemas');
  const schemas: Record<string, Json> = {};
  for (const [name, entry] of node.entries) {
    if (isNull(entry.value) || !isName(reading, node, entry)) continue;
    if (hasPatterns && !isUsable(reading, name, atKey(node, entry))) continue;
    const place = (found: Part) => {
      if (keyword === 'properties') part.properties.set(name, found);
      else if (keyword === 'patternProperties') part.patterns.set(name, found);
      else if (keyword === 'dependentSchemas') part.possible.push(found);
    };
    const plain = readWithin(word, entry.value, place, name);
    if (plain !== undefined) schemas[name] = plain;
  }
  return schemas;
}

/** `__proto__` is no key of an object like others. */
function isName(reading: Reading, map: MapNode, entry: MapEntry): boolean {
  if (entry.key !== '__proto__') return true;
  reading.problems.push(
    problem('config/bad-schema', '"__proto__" cannot be a key in a schema', {
      hint: 'Use another name.',
      ...atKey(map, entry),
    }),
  );
  return false;
}

function isUsable(reading: Reading, expression: string, place: object): boolean {
  reading.hasPatterns = true;
  const fault = reading.findRegexFault(expression);
  if (fault === undefined) return true;
  reading.problems.push(
    problem('config/bad-schema', `The regular expression cannot be used: ${fault}`, {
      hint: 'Use the syntax of RE2, without look-around and back references.',
      ...place,
    }),
  );
  return false;
}

function readFormat(word: Keyword): Json | undefined {
  const { reading, node } = word;
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return mistaken(word, 'the name of a format');
  if (Object.hasOwn(FORMATS, node.text)) return node.text;
  const hint =
    didYouMean(node.text, Object.keys(FORMATS)) ?? `Checked formats: ${Object.keys(FORMATS).join(', ')}.`;
  const message = `The format "${node.text}" is not checked`;
  reading.problems.push({
    ...problem('config/bad-schema', message, { hint, ...at(node) }),
    severity: 'warning',
  });
  return undefined;
}

function readTypes(word: Keyword): Json | undefined {
  const { reading, part, node } = word;
  const items = node.kind === 'list' ? node.items : [node];
  const types: string[] = [];
  for (const item of items) {
    // `type: null`, where nobody thinks of quotes.
    const text = item.kind === 'scalar' ? item.text : '';
    if (Object.hasOwn(TYPES, text)) types.push(text);
    else {
      const known = Object.keys(TYPES);
      const foreign = Object.hasOwn(FOREIGN_TYPES, text) ? FOREIGN_TYPES[text] : undefined;
      const meant = foreign ?? (text === '' ? undefined : suggest(text, known));
      const hint = meant === undefined ? `Valid types: ${known.join(', ')}.` : `Did you mean "${meant}"?`;
      wrong(reading, item, `A type of a schema cannot be ${kindOf(item)}`, hint);
    }
  }
  if (types.length === 0)
    return node.kind === 'list' && items.length === 0 ? mistaken(word, 'a type') : undefined;
  part.types = [...new Set(types)];
  return part.types;
}

function typesOfLiterals(plain: Readonly<Record<string, Json>>): readonly string[] {
  const { enum: values, const: value } = plain;
  if (value !== undefined) return [typeOf(value)];
  return Array.isArray(values) ? [...new Set(values.map(typeOf))] : [];
}

/** A value in a schema, by the rules of the language and the type that stands beside it: `enum: [3.10]` is text. */
function literal(word: Keyword, node: Node): Json {
  const { map } = word;
  const type = map.entries.get('type')?.value;
  const named = type?.kind === 'list' ? type.items : type === undefined ? [] : [type];
  const types = named.flatMap((item) => (item.kind === 'scalar' ? [item.text] : []));
  return convert(literalOf(word, node, 0), new Set(types));
}

function literalOf(word: Keyword, node: Node, depth: number): Json {
  const { reading } = word;
  reading.values++;
  if (reading.values > MAX_VALUES) {
    tooBig(reading, node, `more than ${MAX_VALUES.toLocaleString('en')} values`);
    return null;
  }
  if (depth > MAX_DEPTH) {
    tooBig(reading, node, `values nested more than ${MAX_DEPTH} deep`);
    return null;
  }
  if (node.kind === 'list') return node.items.map((item) => literalOf(word, item, depth + 1));
  if (node.kind === 'map') {
    const result: Record<string, Json> = Object.create(null);
    for (const [key, entry] of node.entries) result[key] = literalOf(word, entry.value, depth + 1);
    return result;
  }
  if (typeof node.value === 'string' && node.literal !== true && hasExpression(node.text))
    wrong(reading, node, 'A schema cannot have expressions', 'Write a fixed value; use `check` to compute.');
  return scalarJson(node);
}

/** References to their parts; ajv finds the same. */
function link({ references, parts, problems, isTooBig }: Reading): void {
  if (isTooBig) return;
  for (const { from, to, node } of references) {
    const target = parts.get(to);
    if (target !== undefined) {
      from.certain.push(target);
      continue;
    }
    const isLocal = to.startsWith('#');
    const near = isLocal ? didYouMean(to, parts.keys()) : undefined;
    const message = isLocal
      ? `There is no schema at "${to}"`
      : `"${to}" is outside of the schema; references must be inside`;
    const hint = near ?? 'Put shared parts below `$defs` and write "#/$defs/NAME".';
    problems.push(problem('config/bad-schema', message, { hint, ...at(node) }));
  }
}

function pointerOf(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}

/** A reference that comes back without having gone into the value would never end. */
function findLoop({ parts, references, problems }: Reading): void {
  const done = new Set<Part>();
  const open = new Set<Part>();
  function isInLoop(part: Part): boolean {
    if (open.has(part)) return true;
    if (done.has(part)) return false;
    open.add(part);
    const found = part.certain.some(isInLoop) || part.possible.some(isInLoop);
    if (!found) open.delete(part);
    done.add(part);
    return found;
  }
  if (![...parts.values()].some(isInLoop)) return;
  const reference = references.find(({ from }) => open.has(from));
  problems.push(
    problem('config/bad-schema', 'The schema refers to itself at the same value, without end', {
      hint: 'Put a reference to a surrounding schema below `properties`, `items` or the like.',
      ...(reference === undefined ? {} : at(reference.node)),
    }),
  );
}

function unknownKeyword({ problems }: Reading, map: MapNode, entry: MapEntry): void {
  const { key } = entry;
  const foreign = Object.hasOwn(FOREIGN_KEYWORDS, key) ? FOREIGN_KEYWORDS[key] : undefined;
  const hint =
    foreign ?? didYouMean(key, Object.keys(KEYWORDS)) ?? 'Put the keys of a map below `properties`.';
  problems.push(
    problem('config/bad-schema', `JSON Schema has no keyword "${key}"`, {
      hint,
      ...atKey(map, entry),
    }),
  );
}

function mistaken({ reading, keyword, node }: Keyword, wanted: string): undefined {
  const isEmpty = node.kind === 'list' && node.items.length === 0;
  const is = isEmpty ? 'an empty list' : kindOf(node);
  const isDraft3 = keyword === 'required' && node.kind === 'scalar' && typeof node.value === 'boolean';
  const hint = isDraft3 ? 'Write `required: [NAME]` in the schema of the map.' : undefined;
  return wrong(reading, node, `"${keyword}" of a schema must be ${wanted}, not ${is}`, hint);
}

function wrong({ problems, variable }: Reading, node: Node, message: string, hint?: string): undefined {
  const about = hint ?? `It is the schema of ${variable}.`;
  problems.push(problem('config/bad-schema', message, { hint: about, ...at(node) }));
  return undefined;
}

function tooBig(reading: Reading, node: Node, what: string): undefined {
  if (reading.isTooBig) return undefined;
  reading.isTooBig = true;
  wrong(reading, node, `The schema of ${reading.variable} has ${what}`, 'Move repeated parts below `$defs`.');
  return undefined;
}
