/**
 * Reads files. A file that the user named may be of any type; others must be regular and of limited size, because
 * devices and pipes never end, and files in `/proc` report the size 0.
 */
import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/** Why a file was not read. */
export class UnreadableFile extends Error {
  /** `EISDIR`, `not-regular`, or `too-big`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const CHUNK = 64 * 1024;

/**
 * Reads a file that the user named, also a pipe. Reading waits without blocking the process.
 *
 * @throws errors of the system
 */
export async function readNamedFile(file: string): Promise<Buffer> {
  if (statSync(file).isFile()) return readFileSync(file);
  // Loaded on demand: it takes Node 2 ms.
  const { readFile } = await import('node:fs/promises');
  return readFile(file);
}

/**
 * Reads a regular file.
 *
 * @throws UnreadableFile if it is not regular or has more bytes, and errors of the system
 */
export function readRegularFile(file: string, limitBytes: number): Buffer {
  // Without this flag, opening a pipe would wait for a writer.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(handle);
    if (found.isDirectory()) throw new UnreadableFile('EISDIR', `${file} is a directory`);
    if (!found.isFile()) throw new UnreadableFile('not-regular', `${file} is not a regular file`);
    if (found.size > limitBytes) throw tooBig(file, limitBytes);
    return readAll(handle, found.size, limitBytes) ?? fail(tooBig(file, limitBytes));
  } finally {
    closeSync(handle);
  }
}

/** Undefined: there is more than the limit, whatever size was reported. */
function readAll(handle: number, sizeBytes: number, limitBytes: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    // One byte more than expected detects the end at once.
    const chunk = Buffer.allocUnsafe(total === 0 && sizeBytes > 0 ? sizeBytes + 1 : CHUNK);
    const read = readSync(handle, chunk, 0, chunk.length, null);
    total += read;
    if (total > limitBytes) return undefined;
    if (read > 0) chunks.push(chunk.subarray(0, read));
    const isWhole = read === sizeBytes && total === sizeBytes;
    if (read === 0 || isWhole) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }
}

function fail(error: Error): never {
  throw error;
}

function tooBig(file: string, limitBytes: number): UnreadableFile {
  return new UnreadableFile('too-big', `${file} has more than ${limitBytes} bytes`);
}
