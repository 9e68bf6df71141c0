/** `node:crypto` in the browser: digests, which expressions and names of caches have. They must be there at once, which those of browsers are not. */
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { Buffer } from './buffer.ts';

const DIGESTS = { md5, sha1, sha256, sha512 } as const;

interface Hash {
  readonly update: (data: string | Uint8Array) => Hash;
  readonly digest: (encoding?: string) => Buffer | string;
}

export function createHash(algorithm: string): Hash {
  const make = Object.hasOwn(DIGESTS, algorithm) ? DIGESTS[algorithm as keyof typeof DIGESTS] : undefined;
  if (make === undefined) throw new Error(`the digest ${algorithm} is not in the playground`);
  const parts: Uint8Array[] = [];
  const hash: Hash = {
    update: (data) => {
      parts.push(typeof data === 'string' ? Buffer.from(data) : data);
      return hash;
    },
    digest: (encoding) => {
      const bytes = Buffer.from(make(Buffer.concat(parts)));
      return encoding === undefined ? bytes : bytes.toString(encoding);
    },
  };
  return hash;
}

/** For `rsadecrypt` of bake files, which nobody needs to try a plan. */
export function createPrivateKey(): never {
  throw new Error('private keys are not in the playground');
}
