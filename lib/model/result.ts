/** Expected failures are returned as values; an exception is a bug in bake-ts. */
import type { Problem } from './problem.ts';

/** Either a value, or the problems that prevented it. {@link unwrap} turns a failure into an exception. */
export type Result<T, E = readonly Problem[]> =
  | {
      /** Success. */
      readonly ok: true;
      /** The result. */
      readonly value: T;
    }
  | {
      /** Failure. */
      readonly ok: false;
      /** All problems that were found, at least one. Warnings may be among them. */
      readonly error: E;
    };

/** Wraps a value as a success. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Wraps what went wrong as a failure. */
export function fail<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}
