/** What ajv finds in a value, in words for people, with the place in the value. */
import type { Json } from '../../model/mod.ts';
import { didYouMean, suggest } from '../../util/suggest.ts';
import { type Budget, OverBudget } from '../cel-budget.ts';
import { jsonText } from '../tree.ts';
import { FORMATS } from './formats.ts';
import { TYPES } from './keywords.ts';
import { findTwin, type SchemaError, type Validator } from './validator.ts';

/** A place in a value: keys and positions from its top down. */
export type Path = readonly (string | number)[];

/** One thing that is wrong. */
export interface Finding {
  readonly path: Path;
  /** The place is this key of the map at `path`. */
  readonly key?: string;
  readonly message: string;
  readonly hint?: string;
}

/** What words are made of. */
export interface Wording {
  readonly variable: string;
  /** Nothing of the value may be shown: neither scalars nor keys that the schema does not name. */
  readonly isHidden: boolean;
  readonly validator: Validator;
  readonly budget: Budget;
}

/** More than anybody reads. */
const MAX_EXPLAINED = 1000;

/** Findings of which each is said; what follows from others is left out. */
export function explainErrors(
  errors: readonly SchemaError[],
  value: Json,
  wording: Wording,
): readonly Finding[] {
  return explainAt(errors.slice(0, MAX_EXPLAINED), value, [], wording);
}

/** Errors about the value at a path of the whole. */
function explainAt(
  errors: readonly SchemaError[],
  value: unknown,
  base: Path,
  wording: Wording,
): readonly Finding[] {
  return errors.flatMap((error) => {
    const inner = pathOf(error.instancePath, value);
    if (isOfKey(error, valueAt(value, inner))) return [];
    const about = { error, path: [...base, ...inner], wording, errors };
    if (error.keyword === 'anyOf' || error.keyword === 'oneOf') return explainUnion(about);
    const found = explain(about);
    return found === undefined ? [] : [found];
  });
}

/** One error while it is put into words. */
interface About {
  readonly error: SchemaError;
  readonly path: Path;
  readonly wording: Wording;
  /** All that were found with it. */
  readonly errors: readonly SchemaError[];
}

/** Errors about a key, which `propertyNames` sums up: what they are about is not what stands at their place. */
function isOfKey({ data }: SchemaError, value: unknown): boolean {
  return typeof data === 'string' && typeof value === 'object' && value !== null;
}

function pathOf(pointer: string, value: unknown): Path {
  let inner = value;
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => {
      const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(inner) ? Number(key) : key;
      inner = valueAt(inner, [step]);
      return step;
    });
}

function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const step of path) {
    const isThere = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step);
    inner = isThere ? (inner as Readonly<Record<string | number, unknown>>)[step] : undefined;
  }
  return inner;
}

function explain(about: About): Finding | undefined {
  const { error, path } = about;
  const { keyword, params } = error;
  switch (keyword) {
    // What is wrong by `then` or `else` is said for itself.
    case 'if':
      return undefined;
    case 'type':
      return wrongType(about);
    case 'required':
    case 'dependentRequired':
      return missingKey(about);
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownKey(about, String(params['additionalProperty'] ?? params['unevaluatedProperty']));
    case 'propertyNames':
      return badKey(about, String(params['propertyName']));
    case 'enum':
      return notOneOf(about);
    case 'uniqueItems': {
      const twin = findTwin(error.data as readonly unknown[], about.wording.budget);
      const { first = 0, second = 0 } = twin ?? {};
      const other = nameOf([...path, first], about.wording);
      return finding({ ...about, path: [...path, second] }, (name) => `${name} is the same as ${other}`);
    }
    case 'false schema': {
      const key = path.at(-1);
      if (typeof key !== 'string') return finding(about, (name) => `${name} is not allowed`);
      return { ...finding(about, (name) => `${name} is not allowed`), path: path.slice(0, -1), key };
    }
    default:
      return finding(about, (name) => `${name} ${demandOf(error)}${butIs(about)}`);
  }
}

/** What a keyword asks for. */
function demandOf({ keyword, params, schema }: SchemaError): string {
  const limit = Number(params['limit']);
  const many = (word: string) => `${limit} ${word}${limit === 1 ? '' : 's'}`;
  switch (keyword) {
    case 'const':
      return `must be ${shorten(jsonText(schema))}`;
    case 'pattern':
      return `must match ${shorten(String(schema))}`;
    case 'format':
      return `must be ${FORMATS[String(schema)]?.words ?? String(schema)}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be more than ${limit}`;
    case 'exclusiveMaximum':
      return `must be less than ${limit}`;
    case 'multipleOf':
      return `must be a multiple of ${String(params['multipleOf'])}`;
    case 'minLength':
      return `must have at least ${many('character')}`;
    case 'maxLength':
      return `must have at most ${many('character')}`;
    case 'minItems':
      return `must have at least ${many('item')}`;
    case 'maxItems':
    case 'items':
      return `must have at most ${many('item')}`;
    case 'minProperties':
      return `must have at least ${many('key')}`;
    case 'maxProperties':
      return `must have at most ${many('key')}`;
    case 'unevaluatedItems':
      return `must have at most ${String(params['len'])} items`;
    case 'contains': {
      const { minContains = 1, maxContains } = params;
      const most = maxContains === undefined ? '' : ` and at most ${String(maxContains)}`;
      return `must have at least ${String(minContains)}${most} of the items that \`contains\` describes`;
    }
    case 'not':
      return 'is excluded by `not` in its schema';
    default:
      return `does not match its schema (${keyword})`;
  }
}

/** What stands there instead. */
function butIs({ error, wording }: About): string {
  const { keyword, data } = error;
  if (wording.isHidden || keyword === 'not' || keyword === 'contains') return '';
  if (keyword.endsWith('Length') && typeof data === 'string') return `, not ${[...data].length}`;
  if (Array.isArray(data)) return `, not ${data.length}`;
  if (keyword.endsWith('Properties')) return `, not ${Object.keys(data as object).length}`;
  return `, not ${kindOfValue(data)}`;
}

function finding(about: About, words: (name: string) => string, hint?: string): Finding {
  const { path, wording } = about;
  const shown = hint ?? descriptionOf(about);
  const message = words(nameOf(path, wording));
  return { path, message, ...(shown === undefined ? {} : { hint: shown }) };
}

/** What the schema says that the value is for. */
function descriptionOf({ error, path, wording }: About): string | undefined {
  const part = wording.validator.partOf(error.parentSchema);
  const node = part?.node.kind === 'map' ? part.node.entries.get('description')?.value : undefined;
  if (node?.kind !== 'scalar' || node.value === null || typeof path.at(-1) !== 'string') return undefined;
  return `${nameOf(path.slice(-1), wording, '')}: ${shorten(node.text, 200)}`;
}

function wrongType(about: About): Finding {
  const { error, wording } = about;
  const types = [error.schema].flat().map(String);
  const is = wording.isHidden ? '' : `, not ${kindOfValue(error.data)}`;
  return finding(
    about,
    (name) => `${name} must be ${typeWords(types)}${is}`,
    wording.isHidden ? undefined : typeHint(error.data, types),
  );
}

function typeHint(data: unknown, types: readonly string[]): string | undefined {
  if (types.includes('array') && typeof data === 'string' && data !== '')
    return `Write it as a list: [${shorten(data)}]`;
  if (types.includes('object') && Array.isArray(data))
    return 'Write a map with a name for each value: { NAME: … }.';
  const [only, ...more] = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  if (types.includes('string') && only !== undefined && more.length === 0 && !Array.isArray(data))
    return `"${shorten(only)}: …" was read as a map with one key; a value that contains ": " needs quotes.`;
  return undefined;
}

/** Types in words: "text or a list". */
export function typeWords(types: readonly string[]): string {
  return [...new Set(types)].map((type) => TYPES[type] ?? type).join(' or ');
}

function missingKey(about: About): Finding {
  const { error, wording } = about;
  const { missingProperty, property } = error.params;
  const missing = String(missingProperty);
  const part = wording.validator.partOf(error.parentSchema);
  const named = new Set(part?.properties.keys() ?? []);
  const spare = Object.keys(error.data as object).filter((key) => !named.has(key));
  const near = wording.isHidden ? undefined : suggest(missing, spare);
  const hint = near === undefined ? undefined : `Is "${near}" misspelt?`;
  const because = property === undefined ? '' : `, which goes with "${String(property)}"`;
  const found = finding(about, (name) => `${name} has no "${missing}"${because}`, hint);
  const description = part?.properties.get(missing)?.node;
  const node = description?.kind === 'map' ? description.entries.get('description')?.value : undefined;
  if (hint !== undefined || node?.kind !== 'scalar' || node.value === null) return found;
  return { ...found, hint: `${missing}: ${shorten(node.text, 200)}` };
}

function unknownKey(about: About, key: string): Finding {
  const { error, path, wording } = about;
  const name = nameOf(path, wording);
  if (wording.isHidden) return { path, key, message: `${name} has a key that its schema does not have` };
  const known = [...(wording.validator.partOf(error.parentSchema)?.properties.keys() ?? [])];
  const listed = known.length === 0 ? undefined : `Valid keys: ${shorten(known.join(', '), 200)}.`;
  const hint = didYouMean(key, known) ?? listed;
  const message = `There is no key "${shorten(key)}" in ${name}`;
  return { path, key, message, ...(hint === undefined ? {} : { hint }) };
}

function badKey(about: About, key: string): Finding {
  const { path, wording, errors } = about;
  const name = nameOf(path, wording);
  if (wording.isHidden) return { path, key, message: `${name} has a key that its schema does not allow` };
  const cause = errors.find(({ data, keyword }) => data === key && keyword !== 'propertyNames');
  const hint = cause === undefined ? undefined : `It ${demandOf(cause)}.`;
  const message = `"${shorten(key)}" cannot be a key of ${name}`;
  return { path, key, message, ...(hint === undefined ? {} : { hint }) };
}

function notOneOf(about: About): Finding {
  const { error, wording } = about;
  const allowed = (error.schema as readonly Json[]).map(jsonText);
  const is = wording.isHidden ? '' : `, not ${kindOfValue(error.data)}`;
  const near =
    wording.isHidden || typeof error.data !== 'string' ? undefined : didYouMean(error.data, allowed);
  return finding(about, (name) => `${name} must be one of ${shorten(allowed.join(', '), 200)}${is}`, near);
}

/** A value fits none of several schemas, or too many: its faults by the schema that was probably meant, if one is likely. */
function explainUnion(about: About): readonly Finding[] {
  const { error, path, wording } = about;
  const passing = error.params['passingSchemas'];
  if (Array.isArray(passing)) {
    const [first, second] = passing.map((index) => Number(index) + 1);
    const words = (name: string) =>
      `${name} matches the schemas ${first} and ${second} of \`oneOf\`, but must match exactly one`;
    return [finding(about, words)];
  }
  const part = wording.validator.partOf(error.parentSchema);
  if (part === undefined) return [finding(about, (name) => `${name} ${demandOf(error)}`)];
  const ways = (error.schema as readonly unknown[]).map((_way, index) => {
    const pointer = `${part.pointer}/${error.keyword}/${index}`;
    return errorsWithin(pointer, error.data, wording.validator);
  });
  const types = ways.map(typesOfWhole);
  if (types.every((one) => one !== undefined)) {
    const schema = types.flat();
    return [wrongType({ ...about, error: { ...error, keyword: 'type', schema } })];
  }
  const left = ways.filter((_errors, index) => types[index] === undefined);
  const values = left.map(valuesOfWhole);
  if (values.every((one) => one !== undefined))
    return [notOneOf({ ...about, error: { ...error, keyword: 'enum', schema: values.flat() } })];
  const kind = kindsOf(left);
  if (kind !== undefined) {
    const { error: one, allowed } = kind;
    const inner = [...path, ...pathOf(one.instancePath, error.data)];
    return [notOneOf({ ...about, path: inner, error: { ...one, keyword: 'enum', schema: allowed } })];
  }
  const marked = left.filter((errors) => !errors.some(isOtherKind));
  const [meant, ...more] = marked.length === 0 ? left : marked;
  if (meant !== undefined && more.length === 0) return explainAt(meant, error.data, path, wording);
  const hint = [meant ?? [], ...more]
    .slice(0, 3)
    .flatMap((errors) => explainAt(errors, error.data, path, wording).slice(0, 1))
    .map(({ message }) => message);
  const count = ways.length;
  const either = hint.length === 0 ? undefined : `Either: ${hint.join('; or: ')}.`;
  return [finding(about, (name) => `${name} matches none of the ${count} allowed schemas`, either)];
}

/** Nothing where there are no steps left to look: then less is said. */
function errorsWithin(pointer: string, data: unknown, validator: Validator): readonly SchemaError[] {
  try {
    return validator.errorsOf(data, pointer);
  } catch (thrown) {
    if (!(thrown instanceof OverBudget)) throw thrown;
    return [];
  }
}

/** The types of a schema that a value is none of. */
function typesOfWhole(errors: readonly SchemaError[]): readonly string[] | undefined {
  const found = errors.find(({ keyword, instancePath }) => keyword === 'type' && instancePath === '');
  return found === undefined ? undefined : [found.schema].flat().map(String);
}

/** The values of a schema that names some, where nothing else is wrong. */
function valuesOfWhole(errors: readonly SchemaError[]): readonly Json[] | undefined {
  const [only, ...more] = errors;
  if (only === undefined || more.length > 0 || only.instancePath !== '') return undefined;
  if (only.keyword === 'const') return [only.schema as Json];
  return only.keyword === 'enum' ? (only.schema as readonly Json[]) : undefined;
}

/** A key that says of which kind a map is says another one. */
function isOtherKind({ keyword, instancePath }: SchemaError): boolean {
  return (keyword === 'const' || keyword === 'enum') && instancePath.split('/').length === 2;
}

/** The values of the key that says of which kind a map is, where it has none of those that any of the schemas knows. */
function kindsOf(
  ways: readonly (readonly SchemaError[])[],
): { readonly error: SchemaError; readonly allowed: readonly Json[] } | undefined {
  const found = ways.map((errors) => errors.find(isOtherKind));
  const [first] = found;
  if (first === undefined || found.some((one) => one?.instancePath !== first.instancePath)) return undefined;
  const allowed = found.flatMap((one) => {
    return one?.keyword === 'const' ? [one.schema as Json] : (one?.schema as readonly Json[]);
  });
  return { error: first, allowed };
}

/** `SERVICES[0].port`, as expressions have it. */
export function nameOf(
  path: Path,
  { variable, isHidden, validator }: Wording,
  start: string = variable,
): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    if (isHidden && !validator.names.has(step)) return `${name}[…]`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) return `${name}[${JSON.stringify(shorten(step))}]`;
    return name === '' ? step : `${name}.${step}`;
  }, start);
}

/** What a value is, in words. */
function kindOfValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value !== 'string') return String(value);
  return value === '' ? 'empty text' : `the text "${shorten(value).replaceAll('\n', '⏎')}"`;
}

function shorten(text: string, length = 40): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
