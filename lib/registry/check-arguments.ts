/** What the calls of a client take, checked: they are the library's own, and scripts have no compiler. */
import type { ImageRef } from '../model/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import type { RegistryReadOptions } from './reader.ts';

const REFERENCE: KnownOptions<ImageRef> = {
  registry: 'text',
  repository: 'text',
  tag: 'text',
  digest: 'text',
};

/** @throws TypeError for what is no reference, such as a text, and for parts that references do not have */
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

/** @throws TypeError as {@link checkReference}, and for options of reading that there are not */
export function checkReading(caller: string, ref: ImageRef, read: RegistryReadOptions | undefined): void {
  checkReference(caller, ref);
  if (read !== undefined) checkOptions(caller, read, READING);
}
