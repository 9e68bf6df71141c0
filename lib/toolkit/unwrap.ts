/** Converts results to exceptions: returns the value, or throws an error with all problems. */
import type { Problem, Result, RunSummary } from '../model/mod.ts';
import { type AnyProblem, formatProblems } from '../report/mod.ts';

/**
 * The error that {@link unwrap} throws. Its message contains all problems, each with its place and hint, as the command
 * line prints them.
 */
export class BakeError extends Error {
  /** Always `BakeError`. */
  override readonly name = 'BakeError';
  // Private, so that it is not printed with an uncaught error: the message contains it, and places contain whole files.
  readonly #problems: readonly AnyProblem[];
  readonly #summary: RunSummary | undefined;

  /**
   * Makes an error. Only {@link unwrap} needs this.
   *
   * @param problems one or more
   * @param summary of the run, if it began
   */
  constructor(problems: readonly AnyProblem[], summary?: RunSummary) {
    super(formatProblems(problems));
    this.#problems = problems;
    this.#summary = summary;
  }

  /** What went wrong: one or more, each with a stable `code`. */
  get problems(): readonly AnyProblem[] {
    return this.#problems;
  }

  /** If a run began: the results of its builds. */
  get summary(): RunSummary | undefined {
    return this.#summary;
  }

  /** Whether one of the problems has this code, or a code of this area (`registry/`). */
  has(code: string): boolean {
    return this.problems.some((one) => (code.endsWith('/') ? one.code.startsWith(code) : one.code === code));
  }
}

/** Any result of this library, as {@link unwrap} accepts it. */
export type AnyResult<T> =
  | Result<T, readonly AnyProblem[] | Problem>
  | { readonly ok: false; readonly error: readonly AnyProblem[]; readonly summary?: RunSummary };

/**
 * Returns the value of a result, or throws.
 *
 * @param result result of any function of this library, awaited
 * @throws BakeError if the result is a failure, TypeError if it is not a result
 * @example
 * ```ts
 * try {
 *   const { outcomes } = unwrap(await run({ patterns: ['api'] }));
 *   console.log(outcomes.length);
 * } catch (error) {
 *   if (!(error instanceof BakeError) || !error.has('registry/')) throw error;
 *   console.error('a registry does not let us in:', error.message);
 * }
 * ```
 */
export function unwrap<T>(result: AnyResult<T>): T {
  const given: unknown = result;
  if (typeof given !== 'object' || given === null || !('ok' in given))
    throw new TypeError(
      given instanceof Promise
        ? 'unwrap() takes a result, and not a promise of one: await it first'
        : 'unwrap() takes the result of a call of this library',
    );
  if (result.ok) return result.value;
  const { error } = result;
  const problems = 'code' in error ? [error] : error;
  const thrown = new BakeError(problems, 'summary' in result ? result.summary : undefined);
  // An uncaught error is shown with the line that threw it: that of the caller, not one of a bundle.
  Error.captureStackTrace(thrown, unwrap);
  throw thrown;
}
