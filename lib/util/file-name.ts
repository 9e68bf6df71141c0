/** Names of files for things that have names of their own, on every system. */
import { createHash } from 'node:crypto';

/** Names that are files of their own on every system as they are: file systems may not tell upper case from lower. */
const PLAIN = /^[a-z\d_-][a-z\d._-]{0,99}$/;
/** What Windows takes for another name: devices, whatever comes after a dot, and names without the dots at their end. */
const RESERVED = /^(?:con|prn|aux|nul|conin|conout|com\d|lpt\d)(?:\.|$)|\.$/;
/** Enough of a long name to know it again. */
const NAME_CHARS = 80;
const HASH_DIGITS = 16;

/** A name that nothing else has: what cannot be a file as it is gets a hash, after a character that plain names lack. */
export function fileNameOf(name: string): string {
  if (PLAIN.test(name) && !RESERVED.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${name.replace(/[^A-Za-z\d_-]/g, '_').slice(0, NAME_CHARS)}~${hash}`;
}
