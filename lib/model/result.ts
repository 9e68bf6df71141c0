/**
 * Expected failures travel as values; an exception means a bug of ours.
 */
import type { Problem } from './problem.ts';

/** Either a value, or what kept us from having one; {@link unwrap} makes an exception of the latter. */
export type Result<T, E = readonly Problem[]> =
  | {
      /** It went well. */
      readonly ok: true;
      /** What was asked for. */
      readonly value: T;
    }
  | {
      /** It did not. */
      readonly ok: false;
      /** Every problem that was found, one or more; warnings may be among them. */
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
