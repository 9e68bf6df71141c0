/**
 * Caches hashes by a file's stat signature at the time of reading, in one store per context directory.
 *
 * An entry is used only if mode, size, mtime, ctime and inode are all equal. It is stored only if the file had not been
 * changed for a while when it was read: a file that was written in the same clock tick as it was read could be written
 * again without a visible difference ("racily clean" in git's terms).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextDecoder, TextEncoder } from 'node:util';
import { fileFaultCode, writeFileWhole } from '../system/mod.ts';
import { missingPermissions } from '../util/permission.ts';
import { HASH_BYTES, SIGNATURE_FIELDS } from './batch.ts';

/**
 * File times must be this long before the reading; covers file systems with a resolution of seconds and clocks that
 * differ.
 */
export const RACY_MS = 3000;

const SLASH = 0x2f;
const MAGIC = 'bake-ts stat cache 1\n';
/** Number of saves after which an unused entry is dropped. */
const MAX_AGE = 30;
const NANOSECONDS = 1_000_000n;
/** Hashes that are converted to text at once. */
const HEX_BLOCK = 128;

/** Cached hashes of one directory. */
export class StatCache {
  readonly #file: string | undefined;
  /** Path of each slot; undefined: dropped. */
  readonly #paths: (string | undefined)[];
  /** Created when a path is requested out of the store's order for the first time. */
  #slots: Map<string, number> | undefined;
  #guess = 0;
  /** View of the table that was used last. */
  #asked: Int32Array | undefined;
  #signatures: BigInt64Array;
  #words: Int32Array;
  #hashes: Uint8Array;
  #ages: Uint8Array;
  /** Hashes as text, converted in blocks on demand. */
  readonly #hexBlocks: (string | undefined)[] = [];
  #isChanged = false;

  private constructor(file: string | undefined, paths: (string | undefined)[], capacity: number) {
    this.#file = file;
    this.#paths = paths;
    this.#signatures = new BigInt64Array(capacity * SIGNATURE_FIELDS);
    this.#words = new Int32Array(this.#signatures.buffer);
    this.#hashes = new Uint8Array(capacity * HASH_BYTES);
    this.#ages = new Uint8Array(capacity);
  }

  /** Number of cached files. */
  get size(): number {
    return this.#paths.length;
  }

  /**
   * Loads the store of a context; a missing or damaged one is empty. Without a directory: memory only.
   *
   * @param onStrange is called with the file if it exists but is not a valid store of this version
   */
  static open(
    directory: string | undefined,
    root: string,
    onStrange: (file: string) => void = () => undefined,
  ): StatCache {
    if (directory === undefined) return new StatCache(undefined, [], 1024);
    const name = createHash('sha256').update(root).digest('hex').slice(0, 32);
    const file = join(directory, `${name}.stat`);
    let data: Uint8Array;
    try {
      data = readFileSync(file);
    } catch (error) {
      if (fileFaultCode(error) !== 'ENOENT' && missingPermissions(error) === undefined) onStrange(file);
      return new StatCache(file, [], 1024);
    }
    const read = StatCache.#decode(file, data);
    if (read === undefined) onStrange(file);
    return read ?? new StatCache(file, [], 1024);
  }

  static #decode(file: string, data: Uint8Array): StatCache | undefined {
    const head = MAGIC.length + HASH_BYTES + 4;
    if (data.length < head) return undefined;
    const text = new TextDecoder();
    if (text.decode(data.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
    const body = data.subarray(MAGIC.length + HASH_BYTES);
    const sum = createHash('sha256').update(body).digest();
    if (sum.compare(data, MAGIC.length, MAGIC.length + HASH_BYTES) !== 0) return undefined;
    const count = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
    const rowBytes = SIGNATURE_FIELDS * 8 + HASH_BYTES + 1;
    const pathsAt = 4 + count * rowBytes;
    if (body.length < pathsAt) return undefined;
    const paths = count === 0 ? [] : text.decode(body.subarray(pathsAt)).split('\0');
    if (paths.length !== count) return undefined;
    const cache = new StatCache(file, paths, Math.max(1024, count));
    const hashesAt = 4 + count * SIGNATURE_FIELDS * 8;
    const agesAt = hashesAt + count * HASH_BYTES;
    new Uint8Array(cache.#signatures.buffer).set(body.subarray(4, hashesAt));
    cache.#hashes.set(body.subarray(hashesAt, agesAt));
    cache.#ages.set(body.subarray(agesAt, pathsAt));
    return cache;
  }

  #slot(path: string): number | undefined {
    if (this.#paths[this.#guess] === path) return this.#guess++;
    if (this.#paths.length === 0) return undefined;
    if (this.#slots === undefined) {
      this.#slots = new Map();
      for (const [slot, known] of this.#paths.entries())
        if (known !== undefined) this.#slots.set(known, slot);
    }
    const slot = this.#slots.get(path);
    if (slot !== undefined) this.#guess = slot + 1;
    return slot;
  }

  /**
   * The hash (hexadecimal) of a file with the signature at the time of reading; undefined: the file must be read.
   * `signatures` must start at the beginning of its buffer.
   */
  find(path: string, signatures: BigInt64Array, index: number): string | undefined {
    const slot = this.#slot(path);
    if (slot === undefined) return undefined;
    if (this.#asked?.buffer !== signatures.buffer) this.#asked = new Int32Array(signatures.buffer);
    const asked = this.#asked;
    const words = SIGNATURE_FIELDS * 2;
    for (let word = 0; word < words; word += 1) {
      if (this.#words[slot * words + word] !== asked[index * words + word]) return undefined;
    }
    this.#ages[slot] = 0;
    return this.#hex(slot);
  }

  /** The hash of one slot, cut out of the text of many: converting each separately takes ten times as long. */
  #hex(slot: number): string {
    const block = Math.floor(slot / HEX_BLOCK);
    const first = block * HEX_BLOCK;
    const length = Math.min(HEX_BLOCK, this.#ages.length - first) * HASH_BYTES;
    this.#hexBlocks[block] ??= Buffer.from(this.#hashes.buffer, first * HASH_BYTES, length).toString('hex');
    const at = (slot - first) * HASH_BYTES * 2;
    return this.#hexBlocks[block].slice(at, at + HASH_BYTES * 2);
  }

  /** Stores a hash, unless the file was changed too shortly before `readAt` (milliseconds since 1970). */
  remember(path: string, signatures: BigInt64Array, hashes: Uint8Array, index: number, readAt: number): void {
    const known = this.#slot(path);
    if (isRacy(signatures, index, readAt)) {
      if (known === undefined) return;
      this.#paths[known] = undefined;
      this.#slots?.delete(path);
      this.#isChanged = true;
      return;
    }
    const slot = known ?? this.#newSlot(path);
    const from = index * SIGNATURE_FIELDS;
    this.#signatures.set(signatures.subarray(from, from + SIGNATURE_FIELDS), slot * SIGNATURE_FIELDS);
    this.#hashes.set(hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES), slot * HASH_BYTES);
    this.#hexBlocks[Math.floor(slot / HEX_BLOCK)] = undefined;
    this.#ages[slot] = 0;
    this.#isChanged = true;
  }

  #newSlot(path: string): number {
    const slot = this.#paths.length;
    this.#paths.push(path);
    if (slot >= this.#ages.length) {
      const capacity = this.#ages.length * 2;
      const signatures = new BigInt64Array(capacity * SIGNATURE_FIELDS);
      signatures.set(this.#signatures);
      const hashes = new Uint8Array(capacity * HASH_BYTES);
      hashes.set(this.#hashes);
      const ages = new Uint8Array(capacity);
      ages.set(this.#ages);
      this.#signatures = signatures;
      this.#words = new Int32Array(signatures.buffer);
      this.#hashes = hashes;
      this.#ages = ages;
    }
    this.#slots?.set(path, slot);
    return slot;
  }

  /** Writes the store if there are new entries; a new file atomically replaces the old one. */
  async save(): Promise<void> {
    if (this.#file === undefined || !this.#isChanged) return;
    const kept: [path: string, slot: number][] = [];
    for (const [slot, path] of this.#paths.entries()) {
      if (path !== undefined && (this.#ages[slot] ?? 0) < MAX_AGE) kept.push([path, slot]);
    }
    // In the order of a walk, so that the next walk finds each entry directly after the previous one.
    kept.sort(([one], [other]) => comparePaths(one, other));
    const count = kept.length;
    const paths = new TextEncoder().encode(kept.map(([path]) => path).join('\0'));
    const body = new Uint8Array(4 + count * (SIGNATURE_FIELDS * 8 + HASH_BYTES + 1) + paths.length);
    new DataView(body.buffer).setUint32(0, count, true);
    const signatureBytes = SIGNATURE_FIELDS * 8;
    const all = new Uint8Array(this.#signatures.buffer);
    const hashesAt = 4 + count * signatureBytes;
    const agesAt = hashesAt + count * HASH_BYTES;
    for (const [index, [, slot]] of kept.entries()) {
      body.set(all.subarray(slot * signatureBytes, (slot + 1) * signatureBytes), 4 + index * signatureBytes);
      body.set(
        this.#hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES),
        hashesAt + index * HASH_BYTES,
      );
      body[agesAt + index] = (this.#ages[slot] ?? 0) + 1;
    }
    body.set(paths, agesAt + count);
    const head = new TextEncoder().encode(MAGIC);
    const sum = createHash('sha256').update(body).digest();
    try {
      await writeFileWhole(this.#file, Buffer.concat([head, sum, body]), { isPrivate: true });
      this.#isChanged = false;
    } catch {
      // The cache only improves speed: without it (disk full, read-only), the next run reads the files again.
    }
  }
}

/** The order of a walk: by name in each directory, and the content of a directory directly after it. */
function comparePaths(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  // NaN at the end of a path, which sorts first; then `/`, because nothing else may come between.
  const [mine, theirs] = [one, other].map((path) => {
    const code = path.charCodeAt(at);
    if (Number.isNaN(code)) return -1;
    return code === SLASH ? 0 : code;
  });
  return (mine ?? 0) - (theirs ?? 0);
}

/**
 * True if a file's times are too close to the reading to distinguish it from a file that was written directly afterwards.
 */
export function isRacy(signatures: BigInt64Array, index: number, readAt: number): boolean {
  const limit = BigInt(readAt - RACY_MS) * NANOSECONDS;
  const at = index * SIGNATURE_FIELDS;
  return (signatures[at + 2] ?? 0n) > limit || (signatures[at + 3] ?? 0n) > limit;
}

/** One hash of many, hexadecimal. */
export function toHex(hashes: Uint8Array, index: number): string {
  return Buffer.from(hashes.buffer, hashes.byteOffset + index * HASH_BYTES, HASH_BYTES).toString('hex');
}
