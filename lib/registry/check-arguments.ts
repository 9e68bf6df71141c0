/** Checks the arguments of public client calls, since scripts have no compiler. */
import type { ImageRef } from '../model/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import type { RegistryReadOptions } from './reader.ts';

const REFERENCE: KnownOptions<ImageRef> = {
  registry: 'text',
  repository: 'text',
  tag: 'text',
  digest: 'text',
};

/** @throws TypeError for an invalid reference, such as a string, and for unknown properties */
export function checkReference(caller: string, given: ImageRef): void {
  const parts: unknown = given;
  if (
    typeof parts !== 'object' ||
    parts === null ||
    !('registry' in parts && 'repository' in parts) ||
    parts instanceof Promise
  )
    throw new TypeError(
      `${caller}() takes an unwrapped result of readImageRef(), not ${typeof parts === 'string' ? 'a text' : 'this'}`,
    );
  checkOptions(caller, given, REFERENCE);
}

const READING: KnownOptions<RegistryReadOptions> = { mirrors: 'flag' };

/** @throws TypeError as {@link checkReference}, and for unknown reading options */
export function checkReading(caller: string, ref: ImageRef, read: RegistryReadOptions | undefined): void {
  checkReference(caller, ref);
  if (read !== undefined) checkOptions(caller, read, READING);
}
