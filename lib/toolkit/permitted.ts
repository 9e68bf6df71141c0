/** What goes wrong with a call from outside, by its runtime or its signal: problems like others, and no exceptions. */
import { fail, type Result, wasCancelled } from '../model/mod.ts';
import { orDenied } from '../util/permission.ts';

const CANCELLED = wasCancelled().code;

/**
 * Does something; what the runtime does not permit is `system/permission`, with the flag that permits it. Where the signal stopped
 * it before its end, that is `run/cancelled`, whatever else came of it.
 *
 * @param stop the options of the call, which may be none at all where a script forgot them
 * @param looksOnly nothing is changed, and half a look is none: it counts as stopped also where something was found
 */
export async function permitted<T>(
  work: () => Promise<Result<T>>,
  stop?: { readonly signal?: AbortSignal },
  looksOnly = false,
): Promise<Result<T>> {
  const isStopped = () => stop?.signal?.aborted === true;
  // Else one that is stopped before it begins could still do what it comes to before it looks.
  if (isStopped()) return fail([wasCancelled()]);
  const result = await orDenied(work, (denied) => fail([denied]));
  if (!isStopped() || (result.ok && !looksOnly)) return result;
  return fail([wasCancelled(), ...(result.ok ? [] : result.error.filter(({ code }) => code !== CANCELLED))]);
}
