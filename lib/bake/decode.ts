/**
 * Converts attributes of a target from the values of their expressions, and back for references (gohcl's rules; buildx
 * util/buildflags/*_cty.go).
 */
import {
  BOOL,
  convert,
  listOf,
  listType,
  mapOf,
  mapType,
  NUMBER,
  nullOf,
  numberText,
  objectOf,
  objectType,
  STRING,
  type Type,
  textValue,
  toInt64,
  typeName,
  type Value,
} from '../hcl/mod.ts';
import { fail, ok } from '../model/mod.ts';
import { type DraftValues, ENTRY_BYTES, RESOURCE_KEYS, type Resources } from './draft.ts';
import {
  type AttestEntry,
  type CacheEntry,
  type OutputEntry,
  type Parsed,
  type PolicyEntry,
  parseAttest,
  parseCache,
  parseOutput,
  parsePolicy,
  parseSecret,
  parseSsh,
  policyOf,
  type SecretEntry,
  type SshEntry,
} from './entries.ts';
import { parseBool } from './go-text.ts';
import { append, type Slice, sliceOf } from './slice.ts';
import type { TargetKey } from './target.ts';

/** Attributes of a target. */
export type AttributeName = TargetKey | 'inherits';

/** All attributes of a target, in bake's order; `name` and `matrix` are not values. */
export const TARGET_ATTRIBUTES: readonly AttributeName[] = [
  'description',
  'inherits',
  'annotations',
  'attest',
  'context',
  'contexts',
  'dockerfile',
  'dockerfile-inline',
  'args',
  'labels',
  'tags',
  'cache-from',
  'cache-to',
  'target',
  'secret',
  'ssh',
  'platforms',
  'output',
  'pull',
  'no-cache',
  'network',
  'no-cache-filter',
  'shm-size',
  'ulimits',
  'resources',
  'call',
  'entitlements',
  'extra-hosts',
  'policy',
];

/** The result of an attribute: what it sets (nothing for null), and its value for references. */
export interface Decoded {
  readonly set: Partial<DraftValues> & { readonly inherits?: readonly string[] };
  readonly value: Value;
}

const TEXTS: Type = listType(STRING);
const TEXT_MAP: Type = mapType(STRING);
const SECRET: Type = optionals(['id', 'src', 'env'].map((name) => [name, STRING]));
const SSH: Type = optionals([
  ['id', STRING],
  ['paths', TEXTS],
]);
const RESOURCES: Type = optionals(
  RESOURCE_KEYS.map((name) => [name, name.startsWith('cpu-') ? NUMBER : STRING]),
);

function optionals(attributes: readonly (readonly [string, Type])[]): Type {
  return objectType(new Map(attributes), new Set(attributes.map(([name]) => name)));
}

/** The value of an attribute that is not set; entries are maps or objects. */
export function valueWhenUnset(name: AttributeName): Value {
  switch (name) {
    case 'description':
      return textValue('');
    case 'attest':
    case 'cache-from':
    case 'cache-to':
    case 'output':
    case 'policy':
      return listOf(TEXT_MAP, []);
    case 'secret':
      return listOf(SECRET, []);
    case 'ssh':
      return listOf(SSH, []);
    case 'resources':
      return nullOf(RESOURCES);
    default:
      return nullOf(PLAIN[name] ?? STRING);
  }
}

/** Attributes whose values are those of their expressions, converted to a type. */
const PLAIN: Readonly<Partial<Record<AttributeName, Type>>> = {
  description: STRING,
  inherits: TEXTS,
  annotations: TEXTS,
  context: STRING,
  contexts: TEXT_MAP,
  dockerfile: STRING,
  'dockerfile-inline': STRING,
  args: TEXT_MAP,
  labels: TEXT_MAP,
  tags: TEXTS,
  target: STRING,
  platforms: TEXTS,
  pull: BOOL,
  'no-cache': BOOL,
  network: STRING,
  'no-cache-filter': TEXTS,
  'shm-size': STRING,
  ulimits: TEXTS,
  call: STRING,
  entitlements: TEXTS,
  'extra-hosts': TEXT_MAP,
};

/** Decodes an attribute; a problem is text that follows its name. */
export function decodeAttribute(name: AttributeName, value: Value): Parsed<Decoded> {
  const type = PLAIN[name];
  if (type !== undefined) return decodePlain(name, type, value);
  if (value.kind === 'null') return fail('it is null');
  if (name === 'resources') return decodeResources(value);
  return decodeEntries(name, value);
}

function decodePlain(name: AttributeName, type: Type, written: Value): Parsed<Decoded> {
  const converted = convert(written, type);
  if (!converted.ok) return fail(converted.message);
  const { value } = converted;
  if (value.kind === 'null') return name === 'description' ? fail('it is null') : ok({ set: {}, value });
  if (value.kind === 'string') return ok({ set: { [name]: value.value }, value });
  if (value.kind === 'bool') return ok({ set: { [name]: value.value }, value });
  if (value.kind === 'sequence') {
    const texts = textsOf(value.items);
    if (texts === undefined) return fail('one of its elements is null');
    return ok({ set: { [name]: name === 'tags' || name === 'platforms' ? sliceOf(texts) : texts }, value });
  }
  if (value.kind !== 'mapping') return fail('it does not have the form of that type');
  const entries = Array.from(value.entries, ([key, one]) => [key, textOf(one)] as const);
  const isNull = name === 'contexts' && entries.find(([, text]) => text === undefined);
  if (isNull) return fail(`"${isNull[0]}" of it is null`);
  return ok({ set: { [name]: new Map(entries.map(([key, text]) => [key, text ?? null])) }, value });
}

function textsOf(values: readonly Value[]): readonly string[] | undefined {
  const texts = values.map(textOf);
  return texts.some((text) => text === undefined) ? undefined : (texts as readonly string[]);
}

function textOf(value: Value | undefined): string | undefined {
  return value?.kind === 'string' ? value.value : undefined;
}

/** Elements of a list without empty texts, which result from conditions. */
function elementsOf(value: Value): Parsed<readonly Value[]> {
  if (value.kind !== 'sequence' || value.type.kind === 'set')
    return fail(`a list is required, not ${typeName(value.type)}`);
  if (value.items.some(({ kind }) => kind === 'null')) return fail('one of its entries is null');
  return ok(value.items.filter((item) => textOf(item) !== ''));
}

function decodeEntries(name: AttributeName, value: Value): Parsed<Decoded> {
  const elements = elementsOf(value);
  if (!elements.ok) return elements;
  const written = value.kind === 'sequence' ? value.items.length : 0;
  switch (name) {
    case 'cache-from':
    case 'cache-to':
      return decodeCaches(name, elements.value, written);
    case 'output':
      return decodeEach(elements.value, outputOf, outputValue, TEXT_MAP, (entries) => ({
        output: sliceOf(entries, written),
      }));
    case 'attest':
      return decodeEach(elements.value, attestOf, attestValue, TEXT_MAP, (attest) => ({ attest }));
    case 'secret':
      return decodeEach(elements.value, secretOf, secretValue, SECRET, (secret) => ({ secret }));
    case 'ssh':
      return decodeEach(elements.value, sshOf, sshValue, SSH, (ssh) => ({ ssh }));
    default:
      return decodeEach(elements.value, policyEntry, policyValue, TEXT_MAP, (policy) => ({ policy }));
  }
}

function decodeEach<T>(
  elements: readonly Value[],
  read: (element: Value) => Parsed<T>,
  toValue: (entry: T) => Value,
  type: Type,
  set: (entries: readonly T[]) => Decoded['set'],
): Parsed<Decoded> {
  const entries: T[] = [];
  for (const element of elements) {
    const entry = read(element);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return ok({ set: set(entries), value: listOf(type, entries.map(toValue)) });
}

function decodeCaches(
  name: 'cache-from' | 'cache-to',
  elements: readonly Value[],
  written: number,
): Parsed<Decoded> {
  let slice: Slice<CacheEntry> = { store: [], length: 0, capacity: written };
  for (const element of elements) {
    const text = textOf(element);
    const entries = text === undefined ? cacheOf(element) : parseCache(text);
    if (!entries.ok) return entries;
    slice = append(slice, entries.value, ENTRY_BYTES) as Slice<CacheEntry>;
  }
  const all = slice.store.slice(0, slice.length);
  const value = listOf(
    TEXT_MAP,
    all.map(({ type, attributes }) => textMap([...attributes, ['type', type]])),
  );
  return ok({ set: { [name]: slice }, value });
}

function textMap(entries: Iterable<readonly [string, string]>): Value {
  return mapOf(
    STRING,
    Array.from(entries, ([key, text]) => [key, textValue(text)] as const),
  );
}

/** An object or map as texts by name. */
function fieldsOf(element: Value): Parsed<Map<string, string>> {
  const converted = convert(element, TEXT_MAP);
  if (!converted.ok) return fail(converted.message);
  if (converted.value.kind !== 'mapping') return fail('one of its entries is null');
  const fields = new Map<string, string>();
  for (const [key, value] of converted.value.entries) {
    const text = textOf(value);
    if (text === undefined) return fail(`"${key}" of an entry is null`);
    fields.set(key, text);
  }
  return ok(fields);
}

/** Removes and returns a field. */
function take(fields: Map<string, string>, key: string): string {
  const value = fields.get(key) ?? '';
  fields.delete(key);
  return value;
}

function cacheOf(element: Value): Parsed<readonly CacheEntry[]> {
  const fields = fieldsOf(element);
  if (!fields.ok) return fields;
  const type = take(fields.value, 'type');
  return type === '' ? fail('an entry has no type') : ok([{ type, attributes: fields.value }]);
}

function outputOf(element: Value): Parsed<OutputEntry> {
  const text = textOf(element);
  if (text !== undefined) return parseOutput(text);
  const fields = fieldsOf(element);
  if (!fields.ok) return fields;
  const type = take(fields.value, 'type');
  const destination = take(fields.value, 'dest');
  return type === '' ? fail('an entry has no type') : ok({ type, destination, attributes: fields.value });
}

function outputValue({ type, destination, attributes }: OutputEntry): Value {
  return textMap([...attributes, ['type', type], ['dest', destination]]);
}

function attestOf(element: Value): Parsed<AttestEntry> {
  const text = textOf(element);
  if (text !== undefined) return parseAttest(text);
  const fields = fieldsOf(element);
  if (!fields.ok) return fields;
  const type = take(fields.value, 'type');
  const disabled = fields.value.has('disabled') ? parseBool(take(fields.value, 'disabled')) : false;
  return disabled === undefined
    ? fail('disabled must be true or false')
    : ok({ type, disabled, attributes: fields.value });
}

function attestValue({ type, disabled, attributes }: AttestEntry): Value {
  return textMap([...attributes, ['type', type], ...(disabled ? [['disabled', 'true'] as const] : [])]);
}

function secretOf(element: Value): Parsed<SecretEntry> {
  const text = textOf(element);
  if (text !== undefined) return parseSecret(text);
  const converted = convert(element, SECRET);
  if (!converted.ok) return fail(converted.message);
  if (converted.value.kind !== 'mapping') return fail('one of its entries is null');
  const { entries } = converted.value;
  return ok({
    id: textOf(entries.get('id')) ?? '',
    source: textOf(entries.get('src')) ?? '',
    env: textOf(entries.get('env')) ?? '',
  });
}

function secretValue({ id, source, env }: SecretEntry): Value {
  return objectOf([
    ['id', textValue(id)],
    ['src', textValue(source)],
    ['env', textValue(env)],
  ]);
}

function sshOf(element: Value): Parsed<SshEntry> {
  const text = textOf(element);
  if (text !== undefined) return ok(parseSsh(text));
  const converted = convert(element, SSH);
  if (!converted.ok) return fail(converted.message);
  if (converted.value.kind !== 'mapping') return fail('one of its entries is null');
  const list = converted.value.entries.get('paths');
  const paths = list?.kind === 'sequence' ? textsOf(list.items) : [];
  if (paths === undefined) return fail('one of the paths is null');
  return ok({ id: textOf(converted.value.entries.get('id')) ?? '', paths });
}

function sshValue({ id, paths }: SshEntry): Value {
  return objectOf([
    ['id', textValue(id)],
    ['paths', listOf(STRING, paths.map(textValue))],
  ]);
}

function policyEntry(element: Value): Parsed<PolicyEntry> {
  const text = textOf(element);
  if (text !== undefined) return parsePolicy(text);
  if (element.kind !== 'mapping')
    return fail(`an entry must be a string or an object, not ${typeName(element.type)}`);
  const pairs: (readonly [string, string])[] = [];
  for (const [key, value] of element.entries) {
    if (value.kind === 'null' || textOf(value) === '') continue;
    if (value.kind === 'string') pairs.push([key, value.value]);
    else if (value.kind === 'bool') pairs.push([key, String(value.value)]);
    else if (value.kind === 'number') pairs.push([key, numberText(value.value)]);
    else return fail(`"${key}" of an entry cannot be ${typeName(value.type)}`);
  }
  return policyOf(pairs);
}

function policyValue(policy: PolicyEntry): Value {
  const fields: (readonly [string, string])[] = [];
  const [file] = policy.files;
  if (file !== undefined) fields.push(['filename', file]);
  if (policy.reset) fields.push(['reset', 'true']);
  if (policy.disabled) fields.push(['disabled', 'true']);
  if (policy.strict !== undefined) fields.push(['strict', String(policy.strict)]);
  if (policy.logLevel !== undefined) fields.push(['log-level', policy.logLevel]);
  return textMap(fields);
}

function decodeResources(written: Value): Parsed<Decoded> {
  const converted = convert(written, RESOURCES);
  if (!converted.ok) return fail(converted.message);
  const { value } = converted;
  if (value.kind !== 'mapping') return fail('it is null');
  const set: Record<string, string | number> = {};
  for (const key of RESOURCE_KEYS) {
    const one = value.entries.get(key);
    if (one?.kind === 'string') set[key] = one.value;
    if (one?.kind !== 'number') continue;
    const whole = Number(toInt64(one.value) ?? Number.NaN);
    if (!Number.isSafeInteger(whole)) return fail(`${key} must be a whole number`);
    set[key] = whole;
  }
  return ok({ set: { resources: set as Resources }, value });
}
