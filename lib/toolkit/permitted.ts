/** What goes wrong with a call from outside, by its runtime or its signal: problems like others, and no exceptions. */
import { fail, type Result, wasCancelled } from '../model/mod.ts';
import { orDenied } from '../util/permission.ts';

/**
 * Does something; what the runtime does not permit is `system/permission`, with the flag that permits it. Where the signal stopped
 * it before its end, that is `run/cancelled`, whatever else came of it.
 *
 * @param looksOnly nothing is changed, and half a look is none: it counts as stopped also where something was found
 */
export async function permitted<T>(
  work: () => Promise<Result<T>>,
  signal?: AbortSignal,
  looksOnly = false,
): Promise<Result<T>> {
  const result = await orDenied(work, (denied) => fail([denied]));
  if (signal?.aborted !== true || (result.ok && !looksOnly)) return result;
  return fail([
    wasCancelled(),
    ...(result.ok ? [] : result.error.filter(({ code }) => !CANCELLED.test(code))),
  ]);
}

/** What parts call it. */
const CANCELLED = /^(?:(?:registry|context|run)\/cancelled|engine\/aborted)$/;
