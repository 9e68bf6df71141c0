/** Writing a file so that nobody ever sees half of it. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingPermissions, NotPermitted, useOfDirectory } from '../util/permission.ts';
import { fileFaultCode } from './file-fault.ts';
import { isPermitted } from './permission.ts';
import { renameOver } from './rename.ts';

/** How a file is written whole. */
export interface WriteOptions {
  /** Of the new file, less the umask; 0o666 where absent. */
  readonly mode?: number;
  /**
   * Whether the content is on the disk before the file gets its name. Without it a machine that loses its power may
   * show an empty file afterwards: fine for what can be had again.
   */
  readonly isDurable?: boolean;
  /** For the eyes of its owner: the file, and directories that are made above it, are closed to everybody else. */
  readonly isPrivate?: boolean;
}

/**
 * Puts a file there or replaces it in one step: whoever reads at the same time sees the old content or the new one.
 * Directories above it are made. Where it rejects, the old file is as it was and nothing lies beside it.
 */
export async function writeFileWhole(
  file: string,
  content: string | Uint8Array,
  { mode = 0o666, isDurable = false, isPrivate = false }: WriteOptions = {},
): Promise<void> {
  const directory = path.dirname(file);
  // Beside it, since a rename across file systems is none.
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(directory, { recursive: true, ...(isPrivate ? { mode: 0o700 } : {}) });
    const handle = await open(draft, 'wx', isPrivate ? 0o600 : mode);
    try {
      await handle.writeFile(content);
      if (isDurable) await handle.sync();
    } finally {
      await handle.close();
    }
    await renameOver(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    // The draft's name is nobody's to permit.
    if (missingPermissions(error) !== undefined) throw new NotPermitted(useOfDirectory(directory), error);
    throw error;
  }
}

/** Reasons for which a file cannot be replaced though it may be written: what it lies in is closed, or it is mounted. */
const IN_PLACE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EBUSY', 'EXDEV', 'EROFS']);

/**
 * Writes a file that a user named: whole or not at all where it is an ordinary file or is not there, and as it is where
 * it is none (`/dev/stdout`, a pipe). The directory must be there. Links are followed, and the mode of a file stays. Rejects
 * with `ENXIO` where it is a pipe that nobody reads.
 */
export async function writeNamedFile(file: string, content: string): Promise<void> {
  const isPipe = await stat(file).then(
    (found) => found.isFIFO(),
    () => false,
  );
  if (isPipe) return writePipe(file, content);
  // Another name of a file that somebody has open (`/dev/stdout > log`): what is in it stays.
  if (/^\/(?:dev|proc)\//.test(file)) return writeFile(file, content, { flag: 'a' });
  // Where only the file is permitted, and not its directory, nothing can be written beside it.
  const directory = path.dirname(file);
  if (isPermitted({ kind: 'write', what: file }) && !useOfDirectory(directory).every(isPermitted))
    return writeFile(file, content);
  const target = await realpath(file).catch(() => file);
  const there = await stat(target).catch(() => undefined);
  if (there !== undefined && !there.isFile()) return writeFile(target, content);
  if (there === undefined) await stat(path.dirname(target));
  try {
    await writeFileWhole(target, content, there === undefined ? {} : { mode: there.mode & 0o777 });
  } catch (error) {
    if (there === undefined || !IN_PLACE.has(fileFaultCode(error) ?? '')) throw error;
    await writeFile(target, content);
  }
}

/** What is written to a pipe at once, it takes whole or not at all (pipe(7), `PIPE_BUF`). */
const PIPE_BYTES = 4_096;
/** How long a pipe that is full is left alone. */
const FULL_MS = 10;

/** As a call that blocks, writing to a pipe would hold a thread, and with it the end of the process, as long as nobody reads. */
const PIPE_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK;

async function writePipe(file: string, content: string): Promise<void> {
  const bytes = Buffer.from(content);
  const handle = await open(file, PIPE_FLAGS);
  try {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += (await handle.write(bytes, at, Math.min(PIPE_BYTES, bytes.length - at))).bytesWritten;
      } catch (error) {
        if (fileFaultCode(error) !== 'EAGAIN') throw error;
        await sleep(FULL_MS);
      }
    }
  } finally {
    await handle.close();
  }
}

/**
 * Holds a pipe open that is written to later: else whoever reads it would see an end. Rejects with `ENXIO` where nobody does.
 *
 * @returns what lets it go; undefined: it is no pipe
 */
export async function holdPipe(file: string): Promise<(() => Promise<void>) | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFIFO() !== true) return undefined;
  const handle = await open(file, PIPE_FLAGS);
  return () => handle.close();
}
