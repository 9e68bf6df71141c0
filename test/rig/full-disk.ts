/** A small disk of its own, for what happens when it is full. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Cleanup } from './temp.ts';

/** Why there can be no such disk here; false: there can. Mounting takes root. */
export const smallDiskSkip: string | false =
  process.platform === 'linux' && process.getuid?.() === 0 ? false : 'mounting a disk takes root on Linux';

/** A directory on a disk of its own of so many bytes; undefined where it cannot be mounted (a container without leave). */
export async function makeSmallDisk(t: Cleanup, sizeBytes: number): Promise<string | undefined> {
  const dir = await mkdtemp(path.join(tmpdir(), 'disk-'));
  let isMounted = false;
  t.after(async () => {
    if (isMounted) execFileSync('umount', ['-l', dir]);
    await rm(dir, { recursive: true, force: true });
  });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', dir], { stdio: 'ignore' });
    isMounted = true;
  } catch {
    return undefined;
  }
  return dir;
}

/** Fills a disk but for so many bytes. */
export async function fillDisk(dir: string, leftBytes = 0): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  await writeFile(path.join(dir, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
}
