/** What a runtime keeps from a script is a problem like others, not an exception. */
import { fail, type Result } from '../model/mod.ts';
import { orDenied } from '../util/permission.ts';

/** Does something; what the runtime does not permit is `system/permission`, with the flag that permits it. */
export function permitted<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  return orDenied(work, (denied) => fail([denied]));
}
