/** File names for things with names, valid on every system. */
import { createHash } from 'node:crypto';

/** Names that can be used unchanged on every system, also if it ignores case. */
const PLAIN = /^[a-z\d_-][a-z\d._-]{0,99}$/;
/** Names that Windows interprets differently: devices, also with an extension, and names with a final dot. */
const RESERVED = /^(?:con|prn|aux|nul|conin|conout|com\d|lpt\d)(?:\.|$)|\.$/;
/** Enough to recognise a long name. */
const NAME_CHARS = 80;
const HASH_DIGITS = 16;

/** A unique file name. Unusual names get a hash, after a character that plain names do not contain. */
export function fileNameOf(name: string): string {
  if (PLAIN.test(name) && !RESERVED.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${name.replace(/[^A-Za-z\d_-]/g, '_').slice(0, NAME_CHARS)}~${hash}`;
}
