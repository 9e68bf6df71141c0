/** Writing a file so that nobody ever sees half of it. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** How a file is written whole. */
export interface WriteOptions {
  /** Of the new file, less the umask; 0o666 where absent. */
  readonly mode?: number;
  /**
   * Whether the content is on the disk before the file gets its name. Without it a machine that loses its power may
   * show an empty file afterwards: fine for what can be had again.
   */
  readonly isDurable?: boolean;
}

/**
 * Puts a file there or replaces it in one step: whoever reads at the same time sees the old content or the new one.
 * Directories above it are made. Where it rejects, the old file is as it was and nothing lies beside it.
 */
export async function writeFileWhole(
  file: string,
  content: string | Uint8Array,
  { mode = 0o666, isDurable = false }: WriteOptions = {},
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  // Beside it, since a rename across file systems is none.
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.writeFile(content);
      if (isDurable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}
