/**
 * One daemon: started in its own session with a log file, identified by a pid file that a recycled pid cannot fool, and watched
 * until its socket answers.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Environment,
  fail,
  isProcessIdentity,
  ok,
  type Problem,
  type ProcessIdentity,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { definedEnv, writeFileWhole } from '../system/mod.ts';
import type { EnginePaths } from './paths.ts';
import { endProcess, identifyProcess, isAlive, waitForEnd } from './process-identity.ts';
import { findBelow, type Launcher } from './rootless.ts';

/** The daemons of the embedded engine, in the order in which they start. */
export const DAEMON_NAMES: readonly DaemonName[] = ['containerd', 'buildkitd', 'registry'];

/** Name of a daemon. */
export type DaemonName = 'containerd' | 'buildkitd' | 'registry';

/** The content of a daemon's pid file. */
export interface DaemonRecord extends ProcessIdentity {
  /** Which of the daemons it is. */
  readonly name: DaemonName;
  /** The program that was started. */
  readonly file: string;
  /** Version of the program. */
  readonly version: string;
  /** Socket path, or `host:port`. */
  readonly address: string;
  /** Absolute path of the file that its output goes to. */
  readonly logFile: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Without root: the process that started it (rootlesskit, nsenter), which ends with it. */
  readonly launcher?: ProcessIdentity;
}

/** A pid file and whether its process still runs. */
export interface KnownDaemon {
  readonly record: DaemonRecord;
  readonly alive: boolean;
}

/** How to start a daemon. */
export interface DaemonStart {
  readonly name: DaemonName;
  readonly file: string;
  readonly args: readonly string[];
  /** Starts it in other namespaces than ours. */
  readonly launcher?: Launcher;
  readonly version: string;
  readonly address: string;
  readonly env: Environment;
  readonly cwd: string;
  /** Whether it serves. */
  readonly isReady: () => Promise<boolean>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const KEPT_LOGS = 3;
const TAIL_LINES = 20;

/** How long a launcher may take to end after its daemon. */
const LAUNCHER_GRACE_MS = 2_000;

/** Path of a daemon's log. Older logs are `.1`, `.2`. */
export function logFileOf(paths: EnginePaths, name: DaemonName): string {
  return path.join(paths.logDir, `${name}.log`);
}

function pidFileOf(paths: EnginePaths, name: DaemonName): string {
  return path.join(paths.runtimeDir, `${name}.pid.json`);
}

/** All daemons with a pid file, in starting order. */
export async function readDaemons(paths: EnginePaths): Promise<readonly KnownDaemon[]> {
  const found: KnownDaemon[] = [];
  for (const name of DAEMON_NAMES) {
    const daemon = await readDaemon(paths, name);
    if (daemon !== undefined) found.push(daemon);
  }
  return found;
}

/** Reads a daemon's pid file; undefined if there is no valid one. */
export async function readDaemon(paths: EnginePaths, name: DaemonName): Promise<KnownDaemon | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(pidFileOf(paths, name), 'utf8'));
    if (!isDaemonRecord(record) || record.name !== name) return undefined;
    const alive = await isAlive(record);
    // The starting process was killed before it could note the daemon.
    const isLauncher = alive && record.launcher?.pid === record.pid;
    const daemon = isLauncher ? await findDaemon(record.pid, record.file) : undefined;
    return { record: { ...record, ...daemon }, alive };
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is a valid pid file of this version of bake-ts. */
function isDaemonRecord(value: unknown): value is DaemonRecord {
  if (!isProcessIdentity(value)) return false;
  const record = value as Readonly<Partial<Record<keyof DaemonRecord, unknown>>>;
  const texts = ['name', 'file', 'version', 'address', 'logFile', 'startedAt'] as const;
  const { launcher } = record;
  return (
    texts.every((key) => typeof record[key] === 'string') &&
    (launcher === undefined || isProcessIdentity(launcher))
  );
}

/** Forgets a daemon. */
export async function removePidFile(paths: EnginePaths, name: DaemonName): Promise<void> {
  await rm(pidFileOf(paths, name), { force: true });
}

/**
 * Starts a daemon that outlives this process, and waits until it serves. If it ends too early or does not serve in time, it is
 * ended and its pid file removed. The problem (`engine/daemon-crashed`, `engine/daemon-silent`, `engine/disk-full`,
 * `run/cancelled`) has the tail of its log.
 */
export async function startDaemon(start: DaemonStart, paths: EnginePaths): Promise<Result<DaemonRecord>> {
  const logFile = logFileOf(paths, start.name);
  await rotateLog(logFile);
  const log = openSync(logFile, 'a', 0o600);
  const file = start.launcher?.file ?? start.file;
  const args =
    start.launcher === undefined ? start.args : [...start.launcher.args, start.file, ...start.args];
  let exit: string | undefined;
  let pid: number | undefined;
  try {
    const child = spawn(file, args, {
      cwd: start.cwd,
      env: definedEnv(start.env),
      detached: true,
      stdio: ['ignore', log, log],
    });
    pid = child.pid;
    child.on('error', (error) => {
      exit = error.message;
    });
    child.on('exit', (code, signal) => {
      exit ??= code === null ? `killed by ${signal}` : `exit code ${code}`;
    });
    child.unref();
  } catch (error) {
    exit = error instanceof Error ? error.message : String(error);
  } finally {
    closeSync(log);
  }

  const spawned = pid === undefined ? undefined : await identifyProcess(pid);
  let isGone = spawned === undefined;
  let hasEnded = isGone;
  if (spawned !== undefined) {
    let record: DaemonRecord = {
      ...spawned,
      name: start.name,
      file: start.file,
      version: start.version,
      address: start.address,
      logFile,
      startedAt: new Date().toISOString(),
      ...(start.launcher === undefined ? {} : { launcher: spawned }),
    };
    // Noted at once, so that the launcher is known if this process is killed before the daemon runs.
    await noteDaemon(paths, record);
    let isFound = start.launcher === undefined;
    const until = Date.now() + start.timeoutMs;
    while (!isGone && exit === undefined && Date.now() < until && start.signal?.aborted !== true) {
      if (!isFound) {
        const daemon = await findDaemon(spawned.pid, start.file);
        if (daemon !== undefined) {
          isFound = true;
          record = { ...record, ...daemon };
          await noteDaemon(paths, record);
        }
      }
      if (isFound && (await start.isReady())) return ok(record);
      isGone = !(await isAlive(record));
      await sleep(15);
    }
    hasEnded = isGone || exit !== undefined;
    await endDaemon(record, 2_000);
    await removePidFile(paths, start.name);
  }
  if (start.signal?.aborted === true) return fail([wasCancelled()]);
  // The exit event may arrive after the process is gone: wait for it.
  for (let turn = 0; exit === undefined && isGone && turn < 20; turn += 1) await sleep(10);
  if (isGone && spawned !== undefined) exit ??= 'it ended';
  // The exit status of a process that we ended is not reported.
  return fail([await startProblem(start, logFile, hasEnded ? exit : undefined)]);
}

async function findDaemon(launcherPid: number, file: string): Promise<ProcessIdentity | undefined> {
  const pid = await findBelow(launcherPid, file);
  return pid === undefined ? undefined : identifyProcess(pid);
}

/** Writes a daemon's pid file. */
export async function noteDaemon(paths: EnginePaths, record: DaemonRecord): Promise<void> {
  await writeFileWhole(pidFileOf(paths, record.name), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Ends a daemon, as `endProcess` does, and waits for its launcher. */
export async function endDaemon(
  record: DaemonRecord,
  graceMs: number,
): Promise<Awaited<ReturnType<typeof endProcess>>> {
  const how = await endProcess(record, graceMs);
  const { launcher } = record;
  if (launcher !== undefined && !(await waitForEnd(launcher, LAUNCHER_GRACE_MS)))
    await endProcess(launcher, 0);
  return how;
}

async function startProblem(start: DaemonStart, logFile: string, exit: string | undefined): Promise<Problem> {
  const tail = await readTail(logFile, TAIL_LINES);
  const detail = tail === '' ? 'its log is empty' : tail;
  if (/no space left on device/i.test(tail)) {
    return problem('engine/disk-full', `${start.name} does not start: no space left on its disk`, {
      hint: 'free space there, or set BAKE_TS_HOME to a directory on another disk',
      detail,
    });
  }
  if (exit !== undefined) {
    return problem('engine/daemon-crashed', `${start.name} ended while it was starting (${exit})`, {
      hint: `its whole log: ${logFile}\nbake-ts engine doctor checks what it needs`,
      detail,
    });
  }
  return problem('engine/daemon-silent', `${start.name} did not answer within ${start.timeoutMs / 1000} s`, {
    hint: `its whole log: ${logFile}\nbake-ts engine doctor checks what it needs`,
    detail,
  });
}

/** Rotates the log and keeps the last few. */
async function rotateLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) return;
  for (let number = KEPT_LOGS - 1; number >= 1; number -= 1) {
    const from = number === 1 ? file : `${file}.${number - 1}`;
    await rename(from, `${file}.${number}`).catch(() => {});
  }
}

/** The last lines of a file; empty if it cannot be read. */
export async function readTail(file: string, lines: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 64 * 1024);
    const { buffer } = await handle.read({ buffer: new Uint8Array(length), position: size - length });
    return new TextDecoder().decode(buffer).trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}
