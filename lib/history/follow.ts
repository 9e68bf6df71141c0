/** Reads the events of a run in progress. */
import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { clearTimeout, setTimeout } from 'node:timers';
import type { BakeEvent } from '../model/mod.ts';
import { filesOf } from './place.ts';
import { isRunning, type KeptRun, parseEvent, readSummary } from './read.ts';

/** A killed run writes no more events, and some file systems do not report changes of a file. */
const LOOK_MS = 1_000;
const CHUNK_BYTES = 1 << 20;

/** The recorded events of a run, then each new one, until the run ends or is gone, or the signal aborts. */
export async function* followEvents(
  { dir }: Pick<KeptRun, 'dir'>,
  signal?: AbortSignal,
): AsyncGenerator<BakeEvent> {
  const { events } = filesOf(dir);
  let handle: FileHandle;
  try {
    handle = await open(events);
  } catch {
    return;
  }
  const growth = watchFile(events, signal);
  try {
    yield* readGrowing(handle, growth, dir, signal);
  } finally {
    growth.close();
    await handle.close();
  }
}

async function* readGrowing(
  handle: FileHandle,
  growth: Growth,
  dir: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<BakeEvent> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(CHUNK_BYTES);
  let rest = '';
  let isLast = false;
  while (signal?.aborted !== true) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) {
      if (isLast) return;
      // Reads once more what the run wrote just before it ended.
      if (!(await growth.next())) isLast = !(await isRunning(dir, await readSummary(dir)));
      continue;
    }
    const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parseEvent(line);
      if (event !== undefined) yield event;
      if (event?.type === 'run-finished') return;
    }
  }
}

interface Growth {
  /** Waits until the file may have grown; false: no change for a while, or the signal was aborted. */
  readonly next: () => Promise<boolean>;
  readonly close: () => void;
}

function watchFile(file: string, signal: AbortSignal | undefined): Growth {
  let hasGrown = false;
  let wake: (grown: boolean) => void = () => undefined;
  const onChange = (): void => {
    hasGrown = true;
    wake(true);
  };
  const onAbort = (): void => wake(false);
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(file, onChange).on('error', () => undefined);
  } catch {
    // No watches are left on this machine, so the file is polled.
  }
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    next: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => wake(false), LOOK_MS);
        wake = (grown) => {
          clearTimeout(timer);
          hasGrown = false;
          resolve(grown);
        };
        if (hasGrown) wake(true);
        else if (signal?.aborted === true) wake(false);
      }),
    close: () => {
      signal?.removeEventListener('abort', onAbort);
      watcher?.close();
    },
  };
}
