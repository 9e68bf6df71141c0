/**
 * Checks options of calls before anything is done: otherwise a misspelt name would be ignored silently, and a string
 * instead of a list would be read character by character.
 */
import { didYouMean } from './suggest.ts';

/** Kinds of values that have a name. */
export type SimpleKind =
  | 'text'
  | 'texts'
  /** One string, or a list of strings. */
  | 'text or texts'
  | 'flag'
  /** An integer of at least 1. */
  | 'count'
  /** A number of at least 0. */
  | 'number'
  /** A TCP port, or true for the default. */
  | 'port'
  | 'function'
  | 'signal'
  | 'object'
  | 'objects'
  | 'directory';

/** The kind of value of an option. */
export type OptionKind =
  | SimpleKind
  | { readonly oneOf: readonly string[] }
  | { readonly listOf: readonly string[] }
  /** An object with its own options, some of them required. */
  | { readonly options: Kinds; readonly needs?: readonly string[] }
  /** An object or a Map with any names; each value is an object with these options. */
  | { readonly each: Kinds }
  /** An object with strings under some of these names. */
  | { readonly textsBy: readonly string[] };

type Kinds = Readonly<Record<string, OptionKind>>;

/** The options of a call. */
export type KnownOptions<T> = { readonly [Name in keyof Required<T>]: OptionKind };

interface Check {
  readonly isRight: (value: unknown) => boolean;
  readonly takes: string;
}

const CHECKS: Readonly<Record<SimpleKind, Check>> = {
  text: { isRight: (value) => typeof value === 'string', takes: 'a text' },
  texts: {
    isRight: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
    takes: 'a list of texts',
  },
  'text or texts': {
    isRight: (value) => CHECKS.text.isRight(value) || CHECKS.texts.isRight(value),
    takes: 'a text, or a list of texts',
  },
  flag: { isRight: (value) => typeof value === 'boolean', takes: 'true or false' },
  count: {
    isRight: (value) => Number.isSafeInteger(value) && Number(value) > 0,
    takes: 'a whole number from 1 on',
  },
  number: {
    isRight: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
    takes: 'a number from 0 on',
  },
  port: {
    isRight: (value) =>
      typeof value === 'boolean' ||
      (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 65_536),
    takes: 'true, false, or a port from 1 to 65535',
  },
  function: { isRight: (value) => typeof value === 'function', takes: 'a function' },
  signal: { isRight: (value) => value instanceof AbortSignal, takes: 'an AbortSignal' },
  object: {
    isRight: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    takes: 'an object',
  },
  objects: {
    isRight: (value) =>
      Array.isArray(value) &&
      value.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one)),
    takes: 'a list of objects',
  },
  directory: {
    isRight: (value) => typeof value === 'string' || value instanceof URL,
    takes: 'a path or a file: URL',
  },
};

/**
 * Checks the options of a call.
 *
 * @param caller the function's name, for messages
 * @throws TypeError for unknown options and invalid values
 */
export function checkOptions<T extends object>(caller: string, given: T, known: KnownOptions<T>): void {
  if (!CHECKS.object.isRight(given)) throw new TypeError(`${caller}() takes an object with options`);
  checkEntries(`${caller}()`, '', given, known as Kinds);
}

/** The error for an unknown option, with a similar one as suggestion. */
export function noSuchOption(caller: string, name: string, known: readonly string[]): TypeError {
  return noSuch(`${caller}()`, '', name, known);
}

/**
 * Checks a single argument.
 *
 * @throws TypeError for a value of another kind
 */
export function checkArgument(caller: string, kind: SimpleKind, value: unknown): void {
  const { isRight, takes } = CHECKS[kind];
  if (!isRight(value)) throw new TypeError(`${caller}() takes ${takes}, and not ${shown(value)}`);
}

/** @param at prefix for names: the option with the value `given`, and a dot; empty: `given` has the options themselves */
function checkEntries(caller: string, at: string, given: object, known: Kinds): void {
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw noSuch(caller, at, name, Object.keys(known));
    if (value !== undefined) checkValue(caller, `${at}${name}`, kind, value);
  }
}

function checkValue(caller: string, at: string, kind: OptionKind, value: unknown): void {
  if (typeof kind === 'string' || 'oneOf' in kind || 'listOf' in kind) {
    const { isRight, takes } = checkOf(kind);
    if (isRight(value)) return;
    // For a string that is not one of the allowed ones, the value is not repeated.
    const not = typeof kind === 'object' && typeof value === 'string' ? '' : `, and not ${shown(value)}`;
    throw new TypeError(`the option "${at}" of ${caller} takes ${takes}${not}`);
  }
  checkValue(caller, at, 'object', value);
  const entries = [...(value instanceof Map ? value : Object.entries(value as object))];
  if ('each' in kind) {
    for (const [name, one] of entries)
      checkValue(caller, `${at}.${String(name)}`, { options: kind.each }, one);
    return;
  }
  const known: Kinds =
    'options' in kind
      ? kind.options
      : Object.fromEntries(kind.textsBy.map((name) => [name, 'text' as const]));
  checkEntries(caller, `${at}.`, value as object, known);
  const needs = 'options' in kind ? (kind.needs ?? []) : [];
  const missing = needs.find((name) => (value as Readonly<Record<string, unknown>>)[name] === undefined);
  if (missing !== undefined) throw new TypeError(`the option "${at}" of ${caller} lacks "${missing}"`);
}

function checkOf(
  kind: SimpleKind | { readonly oneOf: readonly string[] } | { readonly listOf: readonly string[] },
): Check {
  if (typeof kind === 'string') return CHECKS[kind];
  if ('oneOf' in kind)
    return {
      isRight: (value) => typeof value === 'string' && kind.oneOf.includes(value),
      takes: kind.oneOf.join(', '),
    };
  const { isRight, takes } = CHECKS.texts;
  return {
    isRight: (value) =>
      isRight(value) && (value as readonly string[]).every((one) => kind.listOf.includes(one)),
    takes: `${takes}, each one of ${kind.listOf.join(', ')}`,
  };
}

function noSuch(caller: string, at: string, name: string, known: readonly string[]): TypeError {
  const hint = didYouMean(name, known) ?? `It has ${known.join(', ')}.`;
  const owner = at === '' ? caller : `the option "${at.slice(0, -1)}" of ${caller}`;
  return new TypeError(`${owner} has no ${at === '' ? 'option ' : ''}"${name}". ${hint}`);
}

/** Values may be secrets, so only numbers are shown. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'this list';
  if (value instanceof Promise) return 'a promise: await it first';
  return typeof value === 'object' ? 'an object' : `a ${typeof value === 'string' ? 'text' : typeof value}`;
}
