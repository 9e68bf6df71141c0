/**
 * A lock between processes: a file that names its owner. The lock of a dead owner is taken over. The owner is identified by pid,
 * start time and boot, so neither a crash nor a recycled pid can block others forever.
 */
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  fail,
  isProcessIdentity,
  ok,
  type ProcessIdentity,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { makeRoomForLock } from './disk-space.ts';
import { fileProblem } from './host.ts';
import type { EngineOptions } from './notice.ts';
import type { EnginePaths } from './paths.ts';
import { identifyProcess, isAlive, ownPid } from './process-identity.ts';

/** An acquired lock. */
export interface HeldLock {
  release(): Promise<void>;
}

/** How to wait for a lock. */
export interface LockOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called once if another process holds it. */
  readonly onWait?: (ownerPid: number) => void;
}

/** Takes the lock for starting and ending the daemons. Problems: as `takeLock`. */
export async function takeEngineLock(paths: EnginePaths, options: EngineOptions): Promise<Result<HeldLock>> {
  const taken = await takeItsLock(paths, options);
  // So that an engine on a full disk can at least be ended.
  const isFull = !taken.ok && taken.error.some(({ code }) => code === 'engine/disk-full');
  return isFull && (await makeRoomForLock(paths)) ? takeItsLock(paths, options) : taken;
}

function takeItsLock(paths: EnginePaths, options: EngineOptions): Promise<Result<HeldLock>> {
  return takeLock(path.join(paths.runtimeDir, 'engine.lock'), {
    timeoutMs: 2 * 60_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onWait: (pid) =>
      options.notify?.({
        part: 'engine',
        step: 'waiting',
        text: `process ${pid} is starting or stopping it`,
      }),
  });
}

let counter = 0;

/** Takes the lock, and waits for its owner if necessary. Problems: `engine/locked`, `run/cancelled`, `engine/cannot-write`. */
export async function takeLock(file: string, options: LockOptions): Promise<Result<HeldLock>> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const me = await identifyProcess(ownPid());
  counter += 1;
  const content = JSON.stringify({
    pid: ownPid(),
    startTicks: me?.startTicks ?? 0,
    bootId: me?.bootId ?? '',
    mark: `${ownPid()}-${counter}-${Math.random().toString(36).slice(2)}`,
  });
  const until = Date.now() + options.timeoutMs;
  let hasReported = false;
  for (;;) {
    try {
      if (await putFile(file, content)) return ok({ release: () => removeIfSame(file, content) });
    } catch (error) {
      return fail([fileProblem(file, error)]);
    }
    let held: string;
    try {
      held = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue; // Released between the two reads.
      return fail([fileProblem(file, error)]);
    }
    const owner = parseOwner(held);
    if (owner === undefined || !(await isAlive(owner))) {
      await breakLock(file, held);
      continue;
    }
    if (!hasReported) options.onWait?.(owner.pid);
    hasReported = true;
    if (options.signal?.aborted === true) return fail([wasCancelled()]);
    if (Date.now() >= until) {
      return fail([
        problem(
          'engine/locked',
          `another bake-ts (process ${owner.pid}) is working on the engine and does not finish`,
          {
            hint: `wait for it, or stop it: kill ${owner.pid}`,
            temporary: true,
          },
        ),
      ]);
    }
    await sleep(50);
  }
}

/** Atomically creates a file with its content; false if it exists. A hard link never replaces a file and never shows a partial one. */
async function putFile(file: string, content: string): Promise<boolean> {
  counter += 1;
  const draft = `${file}.${ownPid()}-${counter}`;
  try {
    await writeFile(draft, content, { mode: 0o600 });
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/**
 * Removes a dead owner's lock. Only one process may do so at a time, otherwise the second would remove the lock that the first
 * has just taken. So removal is guarded by another lock of the same kind, which is broken in the same way, one level down.
 */
async function breakLock(file: string, dead: string): Promise<void> {
  const guard = `${file}.breaking`;
  const me = await identifyProcess(ownPid());
  const content = JSON.stringify({ ...me, mark: `${ownPid()}-${counter}` });
  if (!(await putFile(guard, content))) {
    const owner = parseOwner((await readFile(guard, 'utf8').catch(() => '')) || '{}');
    if (owner === undefined || !(await isAlive(owner))) await unlink(guard).catch(() => {});
    await sleep(10);
    return;
  }
  try {
    await removeIfSame(file, dead);
  } finally {
    await removeIfSame(guard, content);
  }
}

async function removeIfSame(file: string, content: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === content) await unlink(file).catch(() => {});
}

function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    return isProcessIdentity(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}
