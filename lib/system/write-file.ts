/** Writes files atomically. */
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

/** How to write a file. */
export interface WriteOptions {
  /** Mode of the new file, before the umask; default: 0o666. */
  readonly mode?: number;
  /**
   * Whether the content is flushed to disk before the file gets its name. Without it, the file may be empty after a
   * power loss, which is fine for data that can be recreated.
   */
  readonly isDurable?: boolean;
  /** The file, and directories created for it, are accessible only to the owner. */
  readonly isPrivate?: boolean;
}

/**
 * Creates or replaces a file atomically: concurrent readers see the old content or the new one. Creates parent
 * directories. If it rejects, the old file is unchanged and no temporary file is left.
 */
export async function writeFileWhole(
  file: string,
  content: string | Uint8Array,
  { mode = 0o666, isDurable = false, isPrivate = false }: WriteOptions = {},
): Promise<void> {
  const directory = path.dirname(file);
  // In the same directory, because rename does not work across file systems.
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
    // The user cannot permit the random name of the draft, so the error names the directory.
    if (missingPermissions(error) !== undefined) throw new NotPermitted(useOfDirectory(directory), error);
    throw error;
  }
}

/** Codes for files that may be written but not replaced: their directory is read-only, or they are mounted. */
const IN_PLACE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EBUSY', 'EXDEV', 'EROFS']);

/**
 * Writes a file that a user named: atomically if it is a regular file or does not exist, otherwise directly
 * (`/dev/stdout`, a pipe). Its directory must exist. Follows links and keeps the mode of the file. Rejects with `ENXIO`
 * if it is a pipe without a reader.
 */
export async function writeNamedFile(file: string, content: string): Promise<void> {
  const isPipe = await stat(file).then(
    (found) => found.isFIFO(),
    () => false,
  );
  if (isPipe) return writePipe(file, content);
  // Another name of an open file (`/dev/stdout > log`), whose content must be kept. Files in /dev/shm are ordinary ones.
  if (/^\/(?:dev\/(?!shm\/)|proc\/)/.test(file)) return writeFile(file, content, { flag: 'a' });
  // If only the file is permitted, and not its directory, no draft can be written beside it.
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

/** A pipe accepts writes of up to this size as a whole or not at all (pipe(7), `PIPE_BUF`). */
const PIPE_BYTES = 4_096;
/** Delay before writing to a full pipe again. */
const FULL_MS = 10;

/** A blocking write to a pipe without an active reader would keep a thread, and so the process, from ending. */
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
 * Holds a pipe open until it is written, because otherwise its reader would see the end. Rejects with `ENXIO` if it has
 * no reader.
 *
 * @returns releases the pipe; undefined: it is not a pipe
 */
export async function holdPipe(file: string): Promise<(() => Promise<void>) | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFIFO() !== true) return undefined;
  const handle = await open(file, PIPE_FLAGS);
  return () => handle.close();
}
