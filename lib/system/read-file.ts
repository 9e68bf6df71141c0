/**
 * Reading files: one that the user named may be anything; one that somebody else named must be regular and of bounded size.
 * Devices and pipes never end, and files in `/proc` say that they are empty.
 */
import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/** Why a file is not read. */
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
 * Reads a file that the user named, a pipe too: what is not regular may be long in coming and is waited for, while all else continues.
 *
 * @throws what the system throws
 */
export async function readNamedFile(file: string): Promise<Buffer> {
  if (statSync(file).isFile()) return readFileSync(file);
  // Loaded where it is needed: it takes Node 2 ms.
  const { readFile } = await import('node:fs/promises');
  return readFile(file);
}

/**
 * Reads a regular file.
 *
 * @throws UnreadableFile where it is something else or has more bytes, and what the system throws
 */
export function readRegularFile(file: string, limitBytes: number): Buffer {
  // Without it, opening a pipe would wait for somebody at its other end.
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

/** Undefined: there is more than the limit, whatever the size said. */
function readAll(handle: number, sizeBytes: number, limitBytes: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    // A byte more than there should be shows the end at once.
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
