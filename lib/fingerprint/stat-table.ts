/** Stat signatures and hashes of files: a growing table with a row for each path. */
import { SIGNATURE_FIELDS } from './batch.ts';

const FIRST_ROWS = 1024;
/** In a millisecond. */
const NANOSECONDS = 1_000_000n;
/** 32-bit words of one row, and the position of the low half of a 64-bit number on this machine. */
const ROW_WORDS = SIGNATURE_FIELDS * 2;
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/**
 * Paths of one context, each checked once. Paths are nearly always requested in the order in which they were added, so a
 * row is guessed first and only then looked up; the index is created at the first wrong guess.
 */
export class StatTable {
  /** Milliseconds since 1970: nothing in it was checked before. */
  readonly createdAtMs: number = Date.now();
  readonly #paths: string[] = [];
  readonly #hashes: (string | undefined)[] = [];
  #index: Map<string, number> | undefined;
  #guess = 0;
  #signatures = new BigInt64Array(FIRST_ROWS * SIGNATURE_FIELDS);
  /** The same memory: reading numbers from here avoids hundreds of thousands of BigInts. */
  #words = new Uint32Array(this.#signatures.buffer);

  /** The path of a row. */
  path(row: number): string {
    return this.#paths[row] ?? '';
  }

  /** All signatures, valid until the next change; {@link row} returns the index. */
  get signatures(): BigInt64Array {
    return this.#signatures;
  }

  /** The row of a path; undefined if it was not checked. */
  row(path: string): number | undefined {
    if (this.#paths[this.#guess] === path) return this.#guess++;
    if (this.#paths[0] === path) {
      this.#guess = 1;
      return 0;
    }
    if (this.#paths.length === 0) return undefined;
    this.#index ??= new Map(this.#paths.map((known, row) => [known, row]));
    const row = this.#index.get(path);
    if (row !== undefined) this.#guess = row + 1;
    return row;
  }

  /** Number of paths. */
  get size(): number {
    return this.#paths.length;
  }

  /** Adds a path that has no row yet. Until its row is filled, the path counts as gone. */
  add(path: string): number {
    const row = this.#paths.length;
    this.#index?.set(path, row);
    this.#paths.push(path);
    return row;
  }

  /** Fills in the signatures of the rows, starting with `first`. */
  fill(first: number, signatures: BigInt64Array): void {
    this.#reserve(Math.max(this.#paths.length, first + signatures.length / SIGNATURE_FIELDS));
    this.#signatures.set(signatures, first * SIGNATURE_FIELDS);
  }

  /** Replaces a file's signature by that at the time of reading, and stores its hash. */
  update(row: number, signatures: BigInt64Array, index: number, hash: string | undefined): void {
    const from = index * SIGNATURE_FIELDS;
    this.#signatures.set(signatures.subarray(from, from + SIGNATURE_FIELDS), row * SIGNATURE_FIELDS);
    this.#hashes[row] = hash;
  }

  hash(row: number): string | undefined {
    return this.#hashes[row];
  }

  setHash(row: number, hash: string): void {
    this.#hashes[row] = hash;
  }

  /** Mode with type bits; 0 for a path that was gone. */
  mode(row: number): number {
    return this.#words[row * ROW_WORDS + LOW] ?? 0;
  }

  sizeBytes(row: number): number {
    const at = row * ROW_WORDS + 2;
    return (this.#words[at + HIGH] ?? 0) * 2 ** 32 + (this.#words[at + LOW] ?? 0);
  }

  /** Time of the last status change of a path (name, mode, content), in milliseconds since 1970. */
  changedMs(row: number): number {
    return Number((this.#signatures[row * SIGNATURE_FIELDS + 3] ?? 0n) / NANOSECONDS);
  }

  /** The bytes of a row's signature. */
  signature(row: number): Uint8Array {
    const at = row * SIGNATURE_FIELDS;
    return new Uint8Array(this.#signatures.slice(at, at + SIGNATURE_FIELDS).buffer);
  }

  /** True if a path has the same signature in both tables. */
  isSame(path: string, other: StatTable): boolean {
    const mine = this.row(path);
    const theirs = other.row(path);
    if (mine === undefined || theirs === undefined) return mine === theirs;
    for (let word = 0; word < ROW_WORDS; word += 1) {
      if (this.#words[mine * ROW_WORDS + word] !== other.#words[theirs * ROW_WORDS + word]) return false;
    }
    return true;
  }

  #reserve(rows: number): void {
    if (rows * SIGNATURE_FIELDS <= this.#signatures.length) return;
    const capacity = Math.max(rows, (this.#signatures.length / SIGNATURE_FIELDS) * 2);
    const larger = new BigInt64Array(capacity * SIGNATURE_FIELDS);
    larger.set(this.#signatures);
    this.#signatures = larger;
    this.#words = new Uint32Array(larger.buffer);
  }
}
