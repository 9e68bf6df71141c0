/**
 * Reading a file that somebody else named: a regular one, of bounded size. Devices and pipes never end, and files in
 * `/proc` say that they are empty.
 */
import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

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
 * Reads a regular file.
 *
 * @throws UnreadableFile where it is something else or has more bytes, and what the system throws
 */
export function readRegularFile(file: string, limitBytes: number): Buffer {
  // Opening a pipe would wait for its other end.
  const found = statSync(file);
  if (found.isDirectory()) throw new UnreadableFile('EISDIR', `${file} is a directory`);
  if (!found.isFile()) throw new UnreadableFile('not-regular', `${file} is not a regular file`);
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    if (size > limitBytes) throw tooBig(file, limitBytes);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for (;;) {
      const chunk = Buffer.alloc(Math.max(CHUNK, Math.min(size, limitBytes) + 1 - sizeBytes));
      const read = readSync(handle, chunk, 0, chunk.length, null);
      if (read === 0) return Buffer.concat(chunks);
      sizeBytes += read;
      if (sizeBytes > limitBytes) throw tooBig(file, limitBytes);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(handle);
  }
}

function tooBig(file: string, limitBytes: number): UnreadableFile {
  return new UnreadableFile('too-big', `${file} has more than ${limitBytes} bytes`);
}
