/**
 * The two operations on every file of a context, in batches: stat (lstat) and read (sha256). Synchronous on purpose: a
 * promise per file costs more than the call itself, and this file also runs as a worker thread, which provides the
 * parallelism.
 */
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { deniedProblem } from '../util/permission.ts';

/** Numbers in one signature: mode, size, mtime and ctime in nanoseconds, inode. */
export const SIGNATURE_FIELDS = 5;

/** Bytes of one sha256. */
export const HASH_BYTES = 32;

/** Passed to a worker so that this file knows that it runs as one. */
export const WORKER_MARK = 'bake-ts/fingerprint';

/** A request to a worker; `paths` is the text of a {@link PathList}. */
export interface BatchRequest {
  readonly id: number;
  readonly job: 'stat' | 'read';
  readonly root: string;
  readonly paths: string;
}

/**
 * Paths below a root as one text, which is passed between threads much faster than many: joined by NUL, which paths
 * cannot contain. For paths in one directory, the directory (with `/` at its end) is followed by the names.
 */
export class PathList {
  readonly #items: string[] = [];
  #directory = '';
  #count = 0;

  /** Number of paths. */
  get count(): number {
    return this.#count;
  }

  get text(): string {
    return this.#items.join('\0');
  }

  /** `directory`: empty (the root) or with `/` at its end. */
  add(directory: string, name: string): void {
    if (directory !== this.#directory) {
      this.#items.push(directory === '' ? '/' : directory);
      this.#directory = directory;
    }
    this.#items.push(name);
    this.#count += 1;
  }
}

/** Absolute paths of a {@link PathList}'s text. */
export function expandPaths(root: string, text: string): readonly string[] {
  const paths: string[] = [];
  let prefix = `${root}/`;
  for (const item of text === '' ? [] : text.split('\0')) {
    if (item === '/') prefix = `${root}/`;
    else if (item.endsWith('/')) prefix = `${root}/${item}`;
    else paths.push(prefix + item);
  }
  return paths;
}

/** The result of a batch. Files that are gone have mode 0. */
export interface BatchResult {
  readonly signatures: BigInt64Array;
  /** Only for `read`. */
  readonly hashes?: Uint8Array;
  /** Index → error code, for files that exist but cannot be read. */
  readonly failures: readonly { readonly index: number; readonly code: string }[];
  /** Milliseconds since 1970, before the first file was opened. */
  readonly startedAt: number;
}

/** Stat signatures of every file; paths are absolute. */
export function statAll(files: readonly string[]): BatchResult {
  const startedAt = Date.now();
  const signatures = new BigInt64Array(files.length * SIGNATURE_FIELDS);
  const failures: { index: number; code: string }[] = [];
  for (let index = 0; index < files.length; index += 1) {
    try {
      const stats = statFile(files[index] ?? '');
      if (stats !== undefined) writeSignature(signatures, index, stats, files[index] ?? '');
    } catch (error) {
      failures.push({ index, code: codeOf(error) });
    }
  }
  return { signatures, failures, startedAt };
}

interface Stats {
  readonly mode: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

function writeSignature(into: BigInt64Array, index: number, stats: Stats, file: string): void {
  const at = index * SIGNATURE_FIELDS;
  into[at] = stats.mode === 0n ? inferMode(file) : stats.mode;
  into[at + 1] = stats.size;
  into[at + 2] = stats.mtimeNs;
  into[at + 3] = KEEPS_CTIME ? stats.ctimeNs : UNKNOWN_TIME;
  into[at + 4] = stats.ino;
}

/**
 * Deno reports no modes on Windows, and 0 means that a file is gone. The only part of a mode there is whether the file is
 * writable.
 */
function inferMode(file: string): bigint {
  try {
    accessSync(file, constants.W_OK);
    return WRITABLE;
  } catch {
    return READ_ONLY;
  }
}

/** Same modes as Node on Windows. */
const WRITABLE = 0o100666n;
const READ_ONLY = 0o100444n;

/** Whether the runtime reports ctime; Deno on Windows does not. */
const KEEPS_CTIME = !('Deno' in globalThis && process.platform === 'win32');

/** Later than any accepted time: such a file is never cached, and its copy in the engine gets a new name. */
const UNKNOWN_TIME = 2n ** 62n;

const OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

/** Undefined: it does not exist. */
function statWithNode(file: string): Stats | undefined {
  return lstatSync(file, OPTIONS);
}

interface DenoStats {
  readonly mode: number | null;
  readonly size: number;
  readonly mtime: Date | null;
  readonly ctime: Date | null;
  readonly ino: number | null;
}

/**
 * Deno's own call takes a third of the time of its `node:fs`, which wraps it, with the same results: times in
 * milliseconds, ctime in seconds. Unusual cases are left to `node:fs`.
 */
function statWithDeno(lstat: (file: string) => DenoStats, file: string): Stats | undefined {
  let stats: DenoStats;
  try {
    stats = lstat(file);
  } catch {
    return statWithNode(file);
  }
  const { mode, size, mtime, ctime, ino } = stats;
  if (mode === null || mtime === null || ctime === null || ino === null) return statWithNode(file);
  return {
    mode: BigInt(mode),
    size: BigInt(size),
    mtimeNs: BigInt(mtime.getTime()) * NANOSECONDS,
    ctimeNs: BigInt(ctime.getTime()) * NANOSECONDS,
    ino: BigInt(ino),
  };
}

const NANOSECONDS = 1_000_000n;
const { Deno: deno } = globalThis as { readonly Deno?: { lstatSync(file: string): DenoStats } };
const statFile = deno === undefined ? statWithNode : (file: string) => statWithDeno(deno.lstatSync, file);

let shared: Uint8Array | undefined;
const BUFFER_BYTES = 1 << 20;
const ATTEMPTS = 3;

/**
 * Hashes every file; paths are absolute. The signature is that at the time of reading: a file that changed is read again.
 */
export function readAll(files: readonly string[]): BatchResult {
  const startedAt = Date.now();
  shared ??= new Uint8Array(BUFFER_BYTES);
  const buffer = shared;
  const signatures = new BigInt64Array(files.length * SIGNATURE_FIELDS);
  const hashes = new Uint8Array(files.length * HASH_BYTES);
  const failures: { index: number; code: string }[] = [];
  for (let index = 0; index < files.length; index += 1) {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(files[index] ?? '', 'r');
      let before = fstatSync(descriptor, { bigint: true });
      for (let attempt = 1; ; attempt += 1) {
        hashes.set(hashOpen(descriptor, Number(before.size), buffer), index * HASH_BYTES);
        const after = fstatSync(descriptor, { bigint: true });
        const isStill =
          after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
        if (isStill) {
          writeSignature(signatures, index, after, files[index] ?? '');
          break;
        }
        if (attempt === ATTEMPTS) {
          failures.push({ index, code: 'EBUSY' });
          break;
        }
        before = after;
      }
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') failures.push({ index, code });
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
  return { signatures, hashes, failures, startedAt };
}

function hashOpen(descriptor: number, sizeBytes: number, buffer: Uint8Array): Uint8Array {
  const hash = createHash('sha256');
  // Requests one byte more than the size: a shorter result is the end of the file, without a second read.
  const wanted = Math.min(sizeBytes + 1, buffer.length);
  for (let position = 0; ; ) {
    const count = readSync(descriptor, buffer, 0, wanted, position);
    hash.update(buffer.subarray(0, count));
    position += count;
    if (count === 0 || (count < wanted && position >= sizeBytes)) return hash.digest();
  }
}

/** Prefix of an error code that contains the message of a permission denied by the runtime. */
const DENIED = 'denied: ';

/** The message of such a code; undefined: it is another code. */
export function messageOfDenied(code: string): string | undefined {
  return code.startsWith(DENIED) ? code.slice(DENIED.length) : undefined;
}

/**
 * The code of a system error. For a denied permission it contains the message, since only codes are passed between
 * threads.
 */
export function codeOf(error: unknown): string {
  const denied = deniedProblem(error);
  if (denied !== undefined) return DENIED + denied.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

/** Runs one request. */
export function runBatch(request: Omit<BatchRequest, 'id'>): BatchResult {
  const files = expandPaths(request.root, request.paths);
  return request.job === 'stat' ? statAll(files) : readAll(files);
}

if (!isMainThread && workerData === WORKER_MARK && parentPort !== null) {
  const port = parentPort;
  port.on('message', (message: { readonly request: BatchRequest; readonly claims: Int32Array }) => {
    const { request, claims } = message;
    // The main thread may have claimed it first.
    if (Atomics.compareExchange(claims, request.id, 0, 1) !== 0) return;
    const result = runBatch(request);
    const moved = [result.signatures.buffer, ...(result.hashes === undefined ? [] : [result.hashes.buffer])];
    port.postMessage({ id: request.id, result }, moved as ArrayBuffer[]);
  });
}
