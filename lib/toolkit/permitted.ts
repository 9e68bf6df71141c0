/** Reports failures of a call by its runtime or signal as problems, not exceptions. */
import { fail, type Result, wasCancelled } from '../model/mod.ts';
import { orDenied } from '../util/permission.ts';

const CANCELLED = wasCancelled().code;

/**
 * Does something. A denied permission becomes `system/permission` with the flag that grants it. If the signal stopped
 * it first, the result is `run/cancelled`, with the other problems.
 *
 * @param stop the options of the call, which a script may have omitted
 * @param looksOnly the call only reads: if it was stopped, even a successful result is incomplete and is replaced
 */
export async function permitted<T>(
  work: () => Promise<Result<T>>,
  stop?: { readonly signal?: AbortSignal },
  looksOnly = false,
): Promise<Result<T>> {
  const isStopped = () => stop?.signal?.aborted === true;
  // Otherwise a call that is stopped before its start could act before it checks the signal.
  if (isStopped()) return fail([wasCancelled()]);
  const result = await orDenied(work, (denied) => fail([denied]));
  if (!isStopped() || (result.ok && !looksOnly)) return result;
  return fail([wasCancelled(), ...(result.ok ? [] : result.error.filter(({ code }) => code !== CANCELLED))]);
}
