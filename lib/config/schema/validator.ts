/**
 * The one file that runs ajv. What an untrusted file could make of it is bounded: every check of a schema within the
 * schema counts as steps, regular expressions are RE2's, and what would compare all with all compares texts.
 */
import type { _, Ajv2020, ErrorObject, KeywordCxt } from 'ajv/dist/2020.js';
import { type Budget, OverBudget } from '../cel-budget.ts';
import type { Matcher } from '../regex.ts';
import { FORMATS, hasFormat } from './formats.ts';
import { type Part, type ReadSchema, WEIGHT } from './part.ts';

/** What ajv says, verbose. */
export type SchemaError = ErrorObject<string, Record<string, unknown>, unknown>;

/** Checks values. All throw OverBudget, and EvalError where the runtime forbids code to be generated. */
export interface Validator {
  /** What is wrong with a value, by the schema or the part of it at a pointer. */
  readonly errorsOf: (value: unknown, pointer?: string) => readonly SchemaError[];
  /** The part that an error's `parentSchema` is. */
  readonly partOf: (schema: unknown) => Part | undefined;
  /** The keys that the schema names. */
  readonly names: ReadonlySet<string>;
}

/** Errors that count as one step of each check that comes after them: they are copied from part to part. */
const ERRORS_OF_A_STEP = 8;
/** Steps for compiling one part: some two tenths of a millisecond. */
const STEPS_OF_COMPILING = 2000;
const KEY = 'schema';

/** What is used of ajv. */
export interface AjvLibrary {
  readonly Ajv2020: typeof Ajv2020;
  readonly _: typeof _;
}

/** Loads ajv: 20 ms, so only where there is a schema. */
export async function loadAjv(): Promise<AjvLibrary> {
  return import('ajv/dist/2020.js');
}

/** Makes a schema ready to check values. It is compiled when the first one comes. */
export function createValidator(
  library: AjvLibrary,
  schema: ReadSchema,
  { budget, matches }: { readonly budget: Budget; readonly matches: Matcher },
): Validator {
  const ajv = new library.Ajv2020({
    allErrors: true,
    verbose: true,
    messages: false,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    inlineRefs: false,
    ownProperties: true,
    code: { optimize: false, regExp: regExpOf(matches) },
  });
  addKeywords(library, ajv, budget);
  for (const name of Object.keys(FORMATS)) ajv.addFormat(name, (text: string) => hasFormat(name, text));
  ajv.addSchema(schema.plain as object, KEY);
  budget.spend(schema.parts.size * STEPS_OF_COMPILING);

  function errorsOf(value: unknown, pointer = '#'): readonly SchemaError[] {
    const path = pointer.split('/').slice(1).map(encodeURIComponent);
    return run(ajv, path.length === 0 ? KEY : `${KEY}#/${path.join('/')}`, value);
  }

  const byPlain = plainParts(schema);
  const names = new Set([...schema.parts.values()].flatMap(({ properties }) => [...properties.keys()]));
  return { errorsOf, partOf: (plain) => byPlain.get(plain), names };
}

function run(ajv: Ajv2020, key: string, value: unknown): readonly SchemaError[] {
  try {
    const check = ajv.getSchema(key);
    if (check === undefined) throw new Error(`unsupported schema: ${key}`);
    if (check(value) === true) return [];
    return (check.errors ?? []) as readonly SchemaError[];
  } catch (thrown) {
    // The stack is full: references that lead from one to the next, level by level of the value.
    if (thrown instanceof RangeError) throw new OverBudget('its schemas are nested too deeply');
    throw thrown;
  }
}

/** The parts by the objects that ajv has of them. */
function plainParts({ plain, parts }: ReadSchema): ReadonlyMap<unknown, Part> {
  const found = new Map<unknown, Part>();
  for (const part of parts.values()) {
    let inner: unknown = plain;
    for (const segment of part.pointer.split('/').slice(1)) {
      const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      inner = (inner as Readonly<Record<string, unknown>> | undefined)?.[key];
    }
    if (typeof inner === 'object') found.set(inner, part);
  }
  return found;
}

/** ajv's expressions by our engine; what is compiled is kept there. */
function regExpOf(matches: Matcher): {
  (
    pattern: string,
    flags: string,
  ): { readonly test: (text: string) => boolean; readonly toString: () => string };
  code: string;
} {
  const make = (pattern: string) => ({
    test: (text: string) => matches(pattern, text),
    toString: () => `/${pattern}/`,
  });
  return Object.assign(make, { code: 'unused' });
}

/** Keywords of ours, and ajv's with other insides. */
function addKeywords({ _ }: AjvLibrary, ajv: Ajv2020, budget: Budget): void {
  const step = (data: unknown, weight: number, errors: number): void => {
    budget.spend(weight + sizeOf(data) + Math.floor(errors / ERRORS_OF_A_STEP));
  };
  ajv.addKeyword({
    keyword: WEIGHT,
    before: '$ref',
    code: (cxt: KeywordCxt) => {
      const { gen, data, schema } = cxt;
      const call = gen.scopeValue('func', { ref: step });
      gen.code(_`${call}(${data}, ${Number(schema)}, errors)`);
    },
  });
  const same = (values: readonly unknown[]) => {
    const texts = new Set(values.map((value) => canonical(value, budget)));
    return (data: unknown) => texts.has(canonical(data, budget));
  };
  for (const keyword of ['enum', 'const', 'uniqueItems']) ajv.removeKeyword(keyword);
  ajv.addKeyword({ keyword: 'enum', errors: false, compile: (values: readonly unknown[]) => same(values) });
  ajv.addKeyword({ keyword: 'const', errors: false, compile: (value: unknown) => same([value]) });
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    errors: false,
    compile: (isAsked: boolean) => (data: readonly unknown[]) =>
      !isAsked || findTwin(data, budget) === undefined,
  });
  for (const keyword of ['anyOf', 'oneOf', 'contains']) withoutInnerErrors(ajv, keyword);
}

/** Has a keyword say that it failed, and nothing of the schemas within it, of which no one can tell which was meant. */
function withoutInnerErrors(ajv: Ajv2020, keyword: string): void {
  const own = ajv.getKeyword(keyword);
  if (typeof own === 'boolean' || !('code' in own) || own.code === undefined)
    throw new Error(`unsupported keyword: ${keyword}`);
  const { code } = own;
  ajv.removeKeyword(keyword);
  ajv.addKeyword({
    ...own,
    keyword,
    code: (cxt: KeywordCxt) => {
      const report = cxt.error.bind(cxt);
      cxt.error = (...words) => {
        cxt.reset();
        report(...words);
      };
      code(cxt);
    },
  });
}

/** How much a check goes over at least. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return data.length >> 2;
  if (Array.isArray(data)) return data.length;
  let count = 0;
  if (typeof data === 'object' && data !== null) for (const _key in data) count++;
  return count;
}

/** A text that is the same for the same value, whatever the order of keys. */
function canonical(value: unknown, budget: Budget): string {
  budget.spend(1 + sizeOf(value));
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, budget)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner, budget)}`).join()}}`;
}

/** The first item of a list that is there before, and where; undefined: each is there once. */
export function findTwin(
  list: readonly unknown[],
  budget: Budget,
): { readonly first: number; readonly second: number } | undefined {
  const seen = new Map<string, number>();
  for (const [second, item] of list.entries()) {
    const text = canonical(item, budget);
    const first = seen.get(text);
    if (first !== undefined) return { first, second };
    seen.set(text, second);
  }
  return undefined;
}
