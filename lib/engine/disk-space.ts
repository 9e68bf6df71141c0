/**
 * Disk space of the embedded engine. BuildKit and containerd write before they delete, so that an engine on a full disk cannot
 * even be pruned. Therefore a reserve file is created while there is space, and shrunk or deleted when there is none.
 */
import { randomFillSync } from 'node:crypto';
import { open, rename, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { type Environment, type Problem, problem } from '../model/mod.ts';
import { diskFull, MINIMUM_FREE_BYTES, readFreeBytes } from './host.ts';
import { type EnginePaths, enginePaths } from './paths.ts';

/** Enough for both databases to grow as much as deleting requires (bbolt grows by up to 16 MiB at a time). */
const RESERVE_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 1024 * 1024;
/** Released from the reserve for a lock. */
const FOR_A_LOCK_BYTES = BLOCK_BYTES;
/** With less free space, daemons with existing state do not start. */
const LEAST_BYTES = 8 * 1024 * 1024;

function fileOf(stateDir: string): string {
  return path.join(stateDir, 'reserve');
}

async function reserveBytes(stateDir: string): Promise<number> {
  return (await stat(fileOf(stateDir)).catch(() => undefined))?.size ?? 0;
}

/**
 * Whether there is enough free space to start an engine. A new engine needs space to be useful; one with state needs only enough
 * to start, so that it can be pruned. Problem: `engine/disk-full`.
 */
export async function checkFreeSpace(stateDir: string): Promise<Problem | undefined> {
  const free = await readFreeBytes(stateDir);
  if (free === undefined || free >= MINIMUM_FREE_BYTES) return undefined;
  const hasState = (await stat(path.join(stateDir, 'buildkit')).catch(() => undefined)) !== undefined;
  if (hasState && free + (await reserveBytes(stateDir)) >= LEAST_BYTES) return undefined;
  return lowSpace(stateDir, free);
}

/** Warning `engine/disk-full` for a running engine. */
export async function warnOfSpace(stateDir: string): Promise<Problem | undefined> {
  const free = await readFreeBytes(stateDir);
  if (free === undefined || free >= MINIMUM_FREE_BYTES) return undefined;
  return { ...lowSpace(stateDir, free), severity: 'warning' };
}

function lowSpace(stateDir: string, free: number): Problem {
  return problem(
    'engine/disk-full',
    `only ${Math.floor(free / 1024 ** 2)} MiB are free on the disk of ${stateDir}`,
    {
      hint: 'prune the cache (bake-ts engine prune), free space, or set BAKE_TS_HOME to a directory on another disk',
    },
  );
}

/** Creates the reserve if there is space and no reserve yet. Failures are ignored, since the reserve is optional. */
export async function keepReserve({ stateDir }: EnginePaths): Promise<void> {
  if ((await reserveBytes(stateDir)) >= RESERVE_BYTES) return;
  const free = await readFreeBytes(stateDir);
  if (free === undefined || free < MINIMUM_FREE_BYTES) return;
  const draft = `${fileOf(stateDir)}.new`;
  try {
    const handle = await open(draft, 'w', 0o600);
    try {
      // Random bytes, which compressing file systems cannot shrink.
      const block = randomFillSync(new Uint8Array(BLOCK_BYTES));
      for (let written = 0; written < RESERVE_BYTES; written += BLOCK_BYTES) await handle.write(block);
    } finally {
      await handle.close();
    }
    await rename(draft, fileOf(stateDir));
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/**
 * Releases part of the reserve on a full disk; the rest is kept for later.
 *
 * @returns whether there was any
 */
async function release({ stateDir }: EnginePaths, bytes: number): Promise<boolean> {
  const reserved = await reserveBytes(stateDir);
  if (reserved === 0) return false;
  try {
    if (bytes >= reserved) await rm(fileOf(stateDir), { force: true });
    else await truncate(fileOf(stateDir), reserved - bytes);
    return true;
  } catch {
    return false;
  }
}

/** Releases space to start or end daemons; false if there is no reserve. */
export function makeRoomForLock(paths: EnginePaths): Promise<boolean> {
  return release(paths, FOR_A_LOCK_BYTES);
}

/** Releases space for starting daemons if almost nothing is free. */
export async function makeRoomForStart(paths: EnginePaths): Promise<void> {
  const free = await readFreeBytes(paths.stateDir);
  if (free !== undefined && free < LEAST_BYTES) await release(paths, LEAST_BYTES);
}

/**
 * Releases the whole reserve for pruning.
 *
 * @returns whether space was released: the address is that of the embedded engine, and it had a reserve
 */
export async function makeRoom(address: string, env: Environment): Promise<boolean> {
  const paths = enginePaths(env);
  return address === `unix://${paths.buildkitSocket}` && release(paths, RESERVE_BYTES);
}

/** Creates the reserve if the address is that of the embedded engine. */
export async function keepRoom(address: string, env: Environment): Promise<void> {
  const paths = enginePaths(env);
  if (address === `unix://${paths.buildkitSocket}`) await keepReserve(paths);
}

/** The problem of a full disk; undefined if the message is about something else. */
export function fullDiskOf(said: string, where: string): Problem | undefined {
  return /no space left on device|disk quota exceeded/i.test(said) ? diskFull(where) : undefined;
}
