/**
 * Identifies and ends processes that outlive this one. Linux reports when a process started. On other systems, a process is
 * assumed to be the same while its pid exists: its leftovers may be removed late but never too early, and no process is ever
 * ended (there is no embedded engine).
 */
import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../model/mod.ts';
import { type System, thisSystem } from '../system/mod.ts';

/** Sends a signal to a process (or, if negative, a group); false if it does not exist or is not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The identity of a running process; undefined if it does not exist or is a zombie. */
export async function identifyProcess(
  pid: number,
  system: System = thisSystem(),
): Promise<ProcessIdentity | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (system !== 'linux') return isThere(pid) ? { pid, ...NO_START } : undefined;
  try {
    const [statText, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The program's name may contain spaces and parentheses, so fields are counted from the last parenthesis.
    const fields = statText.slice(statText.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startTicks: Number(fields[19]), bootId: bootId.trim() };
  } catch {
    return undefined;
  }
}

/** Used as start time on systems that do not report it. */
const NO_START: Omit<ProcessIdentity, 'pid'> = { startTicks: 0, bootId: 'unknown' };

/** Whether a process with that pid exists; one that may not be signalled does. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** This process. */
export function ownPid(): number {
  return process.pid;
}

/** Whether the same process still runs; false after a reboot or if the pid was recycled. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Waits until a process is gone; false if it still runs after the timeout. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (Date.now() >= until) return false;
    await sleep(20);
  }
  return true;
}

/**
 * Ends a process: TERM, then KILL after the grace time. Another process with the same pid is never touched, nor one whose
 * identity cannot be verified. Returns how it ended.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
): Promise<'gone' | 'terminated' | 'killed' | 'still-there'> {
  if (!(await isAlive(identity))) return 'gone';
  if (identity.bootId === NO_START.bootId) return 'still-there';
  signalProcess(identity.pid, 'SIGTERM');
  if (await waitForEnd(identity, graceMs)) return 'terminated';
  if (await isAlive(identity)) signalProcess(identity.pid, 'SIGKILL');
  return (await waitForEnd(identity, 5_000)) ? 'killed' : 'still-there';
}

/** Running processes with their arguments; unreadable ones are left out. */
export async function listProcesses(): Promise<
  readonly { readonly pid: number; readonly argv: readonly string[] }[]
> {
  const found: { pid: number; argv: string[] }[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const text = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (text !== '') found.push({ pid: Number(entry), argv: text.replace(/\0$/, '').split('\0') });
  }
  return found;
}

/** Children of a process. The kernel lists them by the thread that started them. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => undefined)),
  );
  const lists = texts.filter((text) => text !== undefined);
  if (lists.length > 0) return lists.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
  // Kernels without CONFIG_PROC_CHILDREN: read the parent of every process.
  const found: number[] = [];
  for (const one of await listProcesses()) {
    const line = await readFile(`/proc/${one.pid}/stat`, 'utf8').catch(() => '');
    if (Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(one.pid);
  }
  return found;
}
