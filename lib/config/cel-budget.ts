/**
 * Limits the work of expressions, so that an untrusted file cannot block the reader. Steps are counted instead of time,
 * so that the result does not depend on the machine.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

/** An expression exceeds its limit; the message says which. */
export class OverBudget extends Error {}

/** Evaluated nodes in bodies of `map`, `filter` and similar, for one file and its includes: about a second. */
const MAX_STEPS = 10_000_000;
/** Characters that a function (hashing, for example) processes in the time of one step. */
const CHARACTERS_OF_A_STEP = 4;
/** Maximum characters of a text, and items of a list, that an operation returns. */
const MAX_TEXT = 1024 * 1024;
const MAX_ITEMS = 100_000;

/** Counts the work of the expressions of one reading. */
export class Budget {
  readonly #what: string;
  #stepsLeft = MAX_STEPS;

  /** @param what performs the steps, for messages */
  constructor(what = 'the expressions of the file') {
    this.#what = what;
  }

  /** @throws OverBudget if the limit is exceeded */
  spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0)
      throw new OverBudget(`${this.#what} take more than ${MAX_STEPS.toLocaleString('en')} steps`);
  }

  /** Counts every evaluation of a node in a loop. */
  countLoop(body: ASTNode): void {
    const steps = sizeOf(body);
    intercept(body, (evaluate) => {
      this.spend(steps);
      return evaluate();
    });
  }

  /** Limits the size of an operation's result, and counts it. */
  limitResult(node: ASTNode): void {
    intercept(node, (evaluate) => {
      const result = checkSize(evaluate());
      this.spendOn(result);
      return result;
    });
  }

  /** Counts the work on texts or lists. */
  spendOn(...values: readonly unknown[]): void {
    for (const value of values) {
      if (typeof value === 'string' && value.length > CHARACTERS_OF_A_STEP)
        this.spend(Math.ceil(value.length / CHARACTERS_OF_A_STEP));
      else if (Array.isArray(value)) this.spend(value.length);
    }
  }
}

/** Returns the value. @throws OverBudget if it is too large */
function checkSize<T>(value: T): T {
  if (typeof value === 'string' && value.length > MAX_TEXT)
    throw new OverBudget(
      `the result would be a text of more than ${MAX_TEXT.toLocaleString('en')} characters`,
    );
  if (Array.isArray(value) && value.length > MAX_ITEMS)
    throw new OverBudget(`the result would be a list of more than ${MAX_ITEMS.toLocaleString('en')} items`);
  return value;
}

/** `text.replace(part, by)`. @throws OverBudget before creating a text that is too large */
export function replaceWithin(text: string, part: string, by: string): string {
  if (by.length > part.length) {
    const places = text.split(part).length - 1 + (part === '' ? 2 : 0);
    if (text.length + places * (by.length - part.length) > MAX_TEXT) checkSize(' '.repeat(MAX_TEXT + 1));
  }
  return text.replaceAll(part, () => by);
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;
type Around = (evaluate: () => unknown) => unknown;

const interceptors = new WeakMap<ASTNode, Around[]>();

/**
 * The library's nodes choose their evaluation function on first use and store it in the property by which they are
 * called.
 */
function intercept(node: ASTNode, around: Around): void {
  const known = interceptors.get(node);
  if (known !== undefined) {
    known.push(around);
    return;
  }
  const all = [around];
  interceptors.set(node, all);
  const target = node as unknown as { evaluate: Evaluate };
  let inner = target.evaluate;
  const outer: Evaluate = (evaluator, ast, context) => {
    const evaluate = () => inner.call(node, evaluator, ast, context);
    return all.reduce<() => unknown>((within, one) => () => one(within), evaluate)();
  };
  Object.defineProperty(target, 'evaluate', {
    get: () => outer,
    set: (chosen: Evaluate) => {
      inner = chosen;
    },
  });
}

function sizeOf(args: unknown): number {
  if (Array.isArray(args)) return args.reduce<number>((sum, one) => sum + sizeOf(one), 0);
  const isNode = typeof args === 'object' && args !== null && 'op' in args && 'args' in args;
  return isNode ? 1 + sizeOf(args.args) : 0;
}
