/** bake-ts's functions for texts, lists and times that CEL does not have. Documented in docs/language.md. */
import type { Environment } from '@marcbachmann/cel-js';
import { type Budget, OverBudget } from './cel-budget.ts';
import { FunctionFailure } from './cel-failures.ts';
import type { Regex } from './regex.ts';
import { formatTime } from './time-format.ts';

/** Names of these functions, for suggestions. */
export const GENERAL_FUNCTIONS: readonly string[] = [
  'trimPrefix',
  'trimSuffix',
  'truncate',
  'replaceRegex',
  'findAll',
  'sort',
  'merge',
  'range',
  'format',
];

/** Maximum number of items that `range` returns. */
const MAX_RANGE = 100_000;

/** Registers the functions with CEL. */
export function registerGeneral(environment: Environment, regex: Regex, budget: Budget): void {
  environment.registerFunction('string.trimPrefix(string): string', (text: string, prefix: string) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  );
  environment.registerFunction('string.trimSuffix(string): string', (text: string, suffix: string) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  );
  environment.registerFunction('string.truncate(int): string', truncate);
  environment.registerFunction(
    'string.replaceRegex(string, string): string',
    (text: string, expression: string, by: string) => regex.replace(expression, text, by),
  );
  environment.registerFunction('string.findAll(string): list<dyn>', (text: string, expression: string) => [
    ...regex.findAll(expression, text),
  ]);
  environment.registerFunction('list.sort(): list<dyn>', (list: unknown[]) => {
    budget.spend(list.length * 4);
    return sorted(list);
  });
  environment.registerFunction('list.merge(): map<string, dyn>', (list: unknown[]) => merged(list, budget));
  environment.registerFunction('range(int): list<int>', (length: bigint) => {
    if (length > MAX_RANGE)
      throw new OverBudget(`the result would be a list of more than ${MAX_RANGE.toLocaleString('en')} items`);
    return Array.from({ length: Math.max(0, Number(length)) }, (_, at) => BigInt(at));
  });
  environment.registerFunction(
    'google.protobuf.Timestamp.format(string): string',
    (time: Date, pattern: string) => formatTime(time, pattern),
  );
  environment.registerFunction('string.format(string): string', (time: string, pattern: string) =>
    formatTime(time, pattern),
  );
}

/** The first characters, or all if there are fewer. */
function truncate(text: string, length: bigint): string {
  if (length < 0n) throw new FunctionFailure('truncate: a length cannot be negative');
  return length >= BigInt(text.length) ? text : Array.from(text).slice(0, Number(length)).join('');
}

/** Sorts texts by character (in UTF-8 order), numbers by size. */
function sorted(list: readonly unknown[]): unknown[] {
  if (list.every((item): item is string => typeof item === 'string')) {
    return [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
  const isNumber = (item: unknown): item is number | bigint =>
    typeof item === 'number' || typeof item === 'bigint';
  if (list.every(isNumber)) return [...list].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  throw new FunctionFailure('sort: a list of texts or of numbers is needed');
}

/** Merges maps; later ones take precedence. */
function merged(list: readonly unknown[], budget: Budget): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const item of list) {
    if (item === null) continue;
    if (typeof item !== 'object' || Array.isArray(item))
      throw new FunctionFailure('merge: a list of maps is needed');
    const entries = item instanceof Map ? [...item] : Object.entries(item);
    budget.spend(entries.length);
    for (const [key, value] of entries) result[String(key)] = value;
  }
  return result;
}
