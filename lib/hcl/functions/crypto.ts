/** Functions of digests, UUIDs and keys. */
import { Buffer } from 'node:buffer';
import { loadCrypto } from '../../system/mod.ts';
import { NUMBER, STRING } from '../types.ts';
import type { FunctionResult } from '../value.ts';
import { textValue } from '../values.ts';
import { fromBase64, fromUtf8 } from './data.ts';
import { beyond, type Definition, type Definitions, done, failed, textOf } from './define.ts';

/** The namespaces of RFC 4122 that have names. */
const NAMESPACES: Readonly<Record<string, string>> = {
  dns: '6ba7b8109dad11d180b400c04fd430c8',
  url: '6ba7b8119dad11d180b400c04fd430c8',
  oid: '6ba7b8129dad11d180b400c04fd430c8',
  x500: '6ba7b8149dad11d180b400c04fd430c8',
};

/** The functions; `random` gives as many random bytes as it is asked for. */
export function cryptoFunctions(random: (size: number) => Uint8Array): Definitions {
  return {
    md5: digest('md5'),
    sha1: digest('sha1'),
    sha256: digest('sha256'),
    sha512: digest('sha512'),
    bcrypt: {
      parameters: [{ name: 'str', type: STRING }],
      rest: { name: 'cost', type: NUMBER },
      run: () => beyond('bake-ts has no bcrypt: its hash changes each time, so no build could be skipped'),
    },
    rsadecrypt: {
      parameters: [
        { name: 'ciphertext', type: STRING },
        { name: 'privatekey', type: STRING },
      ],
      run: ([text, key]) => rsaDecrypt(textOf(text), textOf(key)),
    },
    uuidv4: { parameters: [], run: () => done(textValue(uuid(random(16), 4))) },
    uuidv5: {
      parameters: [
        { name: 'namespace', type: STRING },
        { name: 'name', type: STRING },
      ],
      run: ([namespace, name]) => {
        const space = NAMESPACES[textOf(namespace)] ?? digitsOfUuid(textOf(namespace));
        if (space === undefined) return failed('a UUID is required, or "dns", "url", "oid" or "x500"', 0);
        const hash = loadCrypto()
          .createHash('sha1')
          .update(Buffer.from(space, 'hex'))
          .update(textOf(name), 'utf8');
        return done(textValue(uuid(hash.digest().subarray(0, 16), 5)));
      },
    },
  };
}

function digest(algorithm: string): Definition {
  return {
    parameters: [{ name: 'str', type: STRING }],
    run: ([text]) =>
      done(textValue(loadCrypto().createHash(algorithm).update(textOf(text), 'utf8').digest('hex'))),
  };
}

function uuid(bytes: Uint8Array, version: number): string {
  const own = Uint8Array.from(bytes);
  own[6] = ((own[6] ?? 0) & 0x0f) | (version << 4);
  own[8] = ((own[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(own).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The digits of a UUID in any of the forms that github.com/google/uuid reads. */
function digitsOfUuid(text: string): string | undefined {
  const bare = text.length === 38 ? text.slice(1, -1) : text.replace(/^urn:uuid:/i, '');
  const found = /^([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})$/i.exec(bare);
  if (found !== null) return found.slice(1).join('');
  return /^[\da-f]{32}$/i.test(text) ? text : undefined;
}

/** PKCS #1 v1.5, calculated here, since some versions of Node refuse it. */
function rsaDecrypt(text: string, key: string): FunctionResult {
  const cipher = fromBase64(text);
  if (cipher === undefined) return failed('it is not Base64', 0);
  const parts = privateKeyOf(key);
  if (parts === undefined) return failed('it is not an RSA key in PEM (PKCS #1) without a password', 1);
  const { modulus, exponent, size } = parts;
  if (cipher.length > size) return failed('it was not encrypted with this key', 0);
  const plain = power(numberOf(cipher), exponent, modulus)
    .toString(16)
    .padStart(size * 2, '0');
  const found = /^0002(?:(?!00)..){8,}?00((?:..)*)$/.exec(plain);
  if (found === null) return failed('it was not encrypted with this key', 0);
  const decrypted = fromUtf8(Buffer.from(found[1] ?? '', 'hex'));
  return decrypted === undefined ? failed('the decrypted value is not text', 0) : done(textValue(decrypted));
}

function privateKeyOf(
  pem: string,
): { readonly modulus: bigint; readonly exponent: bigint; readonly size: number } | undefined {
  const found = /-----BEGIN [A-Z ]+-----\r?\n([^-]+)-----END [A-Z ]+-----/.exec(pem);
  const der = fromBase64(found?.[1]?.replace(/[ \t]/g, '') ?? '-');
  if (der === undefined) return undefined;
  try {
    const jwk = loadCrypto()
      .createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs1' })
      .export({
        format: 'jwk',
      });
    const modulus = Buffer.from(jwk.n ?? '', 'base64url');
    return {
      modulus: numberOf(modulus),
      exponent: numberOf(Buffer.from(jwk.d ?? '', 'base64url')),
      size: modulus.length,
    };
  } catch {
    return undefined;
  }
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
