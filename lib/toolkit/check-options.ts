/**
 * Options as they are called with, checked before anything is done: a misspelt name would be passed over without a word,
 * and a text in place of a list would be read letter by letter.
 */
import { didYouMean } from '../util/suggest.ts';

/** What an option takes. */
export type OptionKind =
  | 'text'
  | 'texts'
  | 'flag'
  /** A whole number from 1 on. */
  | 'count'
  /** A number from 0 on. */
  | 'number'
  /** A TCP port, or true for the usual one. */
  | 'port'
  | 'function'
  | 'signal'
  | 'object'
  | 'directory';

/** The options of a call. */
export type KnownOptions<T> = { readonly [Name in keyof Required<T>]: OptionKind };

interface Check {
  readonly isRight: (value: unknown) => boolean;
  readonly takes: string;
}

const CHECKS: Readonly<Record<OptionKind, Check>> = {
  text: { isRight: (value) => typeof value === 'string', takes: 'a text' },
  texts: {
    isRight: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
    takes: 'a list of texts',
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
  directory: {
    isRight: (value) => typeof value === 'string' || value instanceof URL,
    takes: 'a path or a file: URL',
  },
};

/**
 * Checks the options of a call.
 *
 * @param caller the function's name, as messages have it
 * @throws TypeError for one that there is not, and for a value that an option does not take
 */
export function checkOptions<T extends object>(caller: string, given: T, known: KnownOptions<T>): void {
  if (!CHECKS.object.isRight(given)) throw new TypeError(`${caller}() takes an object with options`);
  const kinds = known as Readonly<Record<string, OptionKind>>;
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const hint = didYouMean(name, Object.keys(kinds)) ?? `It has ${Object.keys(kinds).join(', ')}.`;
      throw new TypeError(`${caller}() has no option "${name}". ${hint}`);
    }
    if (value === undefined) continue;
    const { isRight, takes } = CHECKS[kind];
    if (!isRight(value))
      throw new TypeError(`the option "${name}" of ${caller}() takes ${takes}, and not ${shown(value)}`);
  }
}

/** Values may be secrets, so only numbers are repeated. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'this list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value === 'string' ? 'text' : typeof value}`;
}
