/** For scripts that want exceptions: a result's value, or an error that says everything. */
import type { Problem, Result, RunSummary } from '../model/mod.ts';
import { type AnyProblem, formatProblems } from '../report/mod.ts';

/**
 * What {@link unwrap} throws. Its message has all problems as text, each with its place and what to do, as the command
 * line prints them.
 */
export class BakeError extends Error {
  /** Always `BakeError`. */
  override readonly name = 'BakeError';
  // Not shown with an error that nobody caught: the message has it, and places carry whole files with them.
  readonly #problems: readonly AnyProblem[];
  readonly #summary: RunSummary | undefined;

  /**
   * Makes one, which only {@link unwrap} needs to.
   *
   * @param problems one or more
   * @param summary of a run that was begun
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

  /** Of a run that was begun: what became of its builds. */
  get summary(): RunSummary | undefined {
    return this.#summary;
  }

  /** Whether a problem has this code, or one of this area (`registry/`). */
  has(code: string): boolean {
    return this.problems.some((one) => (code.endsWith('/') ? one.code.startsWith(code) : one.code === code));
  }
}

/** What {@link unwrap} takes: any result of this library. */
export type AnyResult<T> =
  | Result<T, readonly AnyProblem[] | Problem>
  | { readonly ok: false; readonly error: readonly AnyProblem[]; readonly summary?: RunSummary };

/**
 * The value of a result.
 *
 * @param result of any function of this library, awaited
 * @throws BakeError where it is a failure, and TypeError for what is no result
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
  throw new BakeError(problems, 'summary' in result ? result.summary : undefined);
}
