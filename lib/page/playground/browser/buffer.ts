/** `node:buffer` in the browser: as much of `Buffer` as planning uses. */

type Encoding = string | undefined;

/** Bytes that can be written in several ways. */
export class Buffer extends Uint8Array {
  static override from(source: string | ArrayLike<number> | Iterable<number>, encoding?: unknown): Buffer {
    const bytes = typeof source === 'string' ? encode(source, encoding as Encoding) : [...iterate(source)];
    const made = new Buffer(bytes.length);
    made.set(bytes);
    return made;
  }

  static alloc(size: number): Buffer {
    return new Buffer(size);
  }

  static allocUnsafe(size: number): Buffer {
    return new Buffer(size);
  }

  static concat(parts: readonly Uint8Array[]): Buffer {
    const whole = new Buffer(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  static byteLength(text: string): number {
    return new TextEncoder().encode(text).length;
  }

  static compare(a: Uint8Array, b: Uint8Array): number {
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
      const difference = (a[at] ?? 0) - (b[at] ?? 0);
      if (difference !== 0) return Math.sign(difference);
    }
    return Math.sign(a.length - b.length);
  }

  equals(other: Uint8Array): boolean {
    return Buffer.compare(this, other) === 0;
  }

  override toString(encoding?: Encoding): string {
    if (encoding === 'hex') return [...this].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (encoding !== 'base64' && encoding !== 'base64url')
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
    let binary = '';
    for (const byte of this) binary += String.fromCharCode(byte);
    const text = btoa(binary);
    return encoding === 'base64' ? text : text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  }
}

function* iterate(source: ArrayLike<number> | Iterable<number>): Iterable<number> {
  if (Symbol.iterator in source) yield* source;
  else for (let at = 0; at < source.length; at += 1) yield source[at] ?? 0;
}

function encode(text: string, encoding: Encoding): ArrayLike<number> {
  if (encoding === 'hex') return (text.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16));
  if (encoding !== 'base64' && encoding !== 'base64url') return new TextEncoder().encode(text);
  const plain = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replaceAll(/[^A-Za-z0-9+/]/g, '');
  return Uint8Array.from(atob(plain), (character) => character.charCodeAt(0));
}
