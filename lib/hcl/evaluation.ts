/** Types of the evaluation: scopes with names and values, limits, outcomes and failures. */

import { type Problem, problem, type RelatedPlace, type Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Expression } from './syntax.ts';
import { DYNAMIC } from './types.ts';
import type { HclFunction, Type, Value } from './value.ts';

/** The names that an expression can use. */
export interface Scope {
  readonly variable: (name: string) => Value | undefined;
  readonly function: (name: string) => HclFunction | undefined;
  /** All names, for suggestions. */
  readonly variableNames: () => Iterable<string>;
  readonly functionNames: () => Iterable<string>;
  /** The remaining budget, shared by related evaluations. If absent, each expression has its own. */
  readonly budget?: Budget;
}

/** Limits the work, in steps; most expressions take fewer than a hundred. */
export interface Budget {
  steps: number;
  /** Remaining misspelt names that are compared with all others. */
  suggestions: number;
}

const MAX_STEPS = 2_000_000;
const MAX_TEXT = 2 ** 20;
const MAX_ITEMS = 100_000;
const MAX_WEIGHT = 1_000_000;
const MAX_PROBLEMS = 20;
const MAX_SUGGESTIONS = 100;

/** A new budget: two million steps, a second or two. */
export function newBudget(): Budget {
  return { steps: MAX_STEPS, suggestions: MAX_SUGGESTIONS };
}

/** Why there is no value, and its type as far as known. */
export interface Failure {
  readonly kind: 'failure';
  readonly type: Type;
  readonly problems: readonly Problem[];
}

/** Depends on a value that is not available yet; this is not a problem. */
export const UNKNOWN: Failure = { kind: 'failure', type: DYNAMIC, problems: [] };

/** The result of an expression. */
export type Outcome = Value | Failure;

/** A failure with one problem. */
export function failure(
  span: Span,
  message: string,
  rest: {
    readonly hint?: string | undefined;
    readonly related?: readonly RelatedPlace[];
    readonly type?: Type;
  } = {},
): Failure {
  const { hint, related, type } = rest;
  const found = problem('bake/expression', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(related === undefined || related.length === 0 ? {} : { related }),
    span,
  });
  return { kind: 'failure', type: type ?? DYNAMIC, problems: [found] };
}

/** Combines failures, with a limited number of problems. */
export function failures(all: readonly Outcome[], type: Type = DYNAMIC): Failure {
  const problems = all.flatMap((one) => (one.kind === 'failure' ? one.problems : []));
  return { kind: 'failure', type, problems: problems.slice(0, MAX_PROBLEMS) };
}

/** Context that the parts of the evaluator share. */
export interface Evaluation {
  readonly scope: Scope;
  readonly budget: Budget;
  /** Names that will have a value later: what depends on them is unknown. */
  readonly unknown?: ReadonlySet<string>;
  readonly outcomeOf: (expression: Expression, evaluation: Evaluation) => Outcome;
}

/** Thrown when a limit is exceeded; caught where the evaluation started. */
export class Exceeded extends Error {
  readonly problem: Problem;
  constructor(found: Problem) {
    super(found.message);
    this.problem = found;
  }
}

/** Uses up steps of the budget. */
export function spend(budget: Budget, steps: number, span: Span): void {
  budget.steps -= steps;
  if (budget.steps >= 0) return;
  throw new Exceeded(
    problem('bake/expression', 'Evaluation takes more than two million steps', {
      hint: 'Loop over fewer elements; nested loops multiply.',
      span,
    }),
  );
}

/** `Did you mean "X"?`, only for the first unknown names of a file. */
export function suggestName(name: string, known: Iterable<string>, budget: Budget): string | undefined {
  budget.suggestions -= 1;
  return budget.suggestions < 0 ? undefined : didYouMean(name, known);
}

const weights = new WeakMap<Value, number>();

/** Steps for visiting a whole value: lists that double in size are short to write, but endless in total. */
export function weightOf(value: Value): number {
  if (value.kind === 'string') return 1 + (value.value.length >> 4);
  if (value.kind !== 'sequence' && value.kind !== 'mapping') return 1;
  const known = weights.get(value);
  if (known !== undefined) return known;
  let weight = 1;
  for (const one of value.kind === 'sequence' ? value.items : value.entries.values()) weight += weightOf(one);
  weights.set(value, weight);
  return weight;
}

/** Rejects values that are larger than any build needs. */
export function checkSize(value: Value, budget: Budget, span: Span): Value {
  if (value.kind === 'string') {
    spend(budget, value.value.length >> 4, span);
    if (value.value.length > MAX_TEXT) throw tooLarge('text', 'characters', MAX_TEXT, span);
  } else if (value.kind === 'sequence') {
    if (value.items.length > MAX_ITEMS) throw tooLarge('list', 'items', MAX_ITEMS, span);
  } else if (value.kind === 'mapping') {
    if (value.entries.size > MAX_ITEMS) throw tooLarge('map', 'entries', MAX_ITEMS, span);
  }
  if (weightOf(value) > MAX_WEIGHT) throw tooLarge('value', 'parts', MAX_WEIGHT, span);
  return value;
}

function tooLarge(what: string, unit: string, most: number, span: Span): Exceeded {
  const message = `This would make a ${what} of more than ${most.toLocaleString('en')} ${unit}`;
  return new Exceeded(problem('bake/expression', message, { hint: 'Make it smaller.', span }));
}
