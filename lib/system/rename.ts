/**
 * Replaces a file by renaming another. On Windows this fails for a moment while a virus scanner or indexer has one of
 * the two open, so it is retried there.
 */
import { renameSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileFaultCode } from './file-fault.ts';
import { type System, thisSystem } from './platform.ts';

/** Delay before each retry (milliseconds). */
const WAITS_MS: readonly number[] = [5, 10, 20, 50, 100, 200];

/** Error codes of Windows for a file that is open elsewhere. */
const IN_USE: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY']);

/** Replaceable parts, so that tests can inject failures. */
export interface Renaming {
  readonly system?: System;
  readonly rename?: (from: string, to: string) => Promise<void>;
  readonly renameSync?: (from: string, to: string) => void;
}

/** Renames a file over another one. Rejects like `rename`. */
export async function renameOver(from: string, to: string, use: Renaming = {}): Promise<void> {
  const move = use.rename ?? rename;
  for (const waitMs of waitsOf(use.system)) {
    try {
      return await move(from, to);
    } catch (error) {
      if (!IN_USE.has(fileFaultCode(error) ?? '')) throw error;
      await sleep(waitMs);
    }
  }
  return move(from, to);
}

/** The same, synchronous. */
export function renameOverSync(from: string, to: string, use: Renaming = {}): void {
  const move = use.renameSync ?? renameSync;
  for (const waitMs of waitsOf(use.system)) {
    try {
      move(from, to);
      return;
    } catch (error) {
      if (!IN_USE.has(fileFaultCode(error) ?? '')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    }
  }
  move(from, to);
}

function waitsOf(system: System = thisSystem()): readonly number[] {
  return system === 'win32' ? WAITS_MS : [];
}
