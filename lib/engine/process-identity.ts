/**
 * Processes that outlive us: knowing for sure whether a process of an earlier run is still that process, and ending it.
 * Linux says when a process began. Elsewhere a process counts as the same while there is one of its number: what it left is then
 * cleared up later than it could be, never too early, and nothing is ever ended (the embedded engine is refused).
 */
import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../model/mod.ts';
import { type System, thisSystem } from '../system/mod.ts';

/** Sends a signal to a process (or, negative, a group); false where there is none such or it is not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The identity of a running process; undefined where there is none, or only a zombie. */
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
    // The program's name may hold spaces and parentheses: fields count from the last one.
    const fields = statText.slice(statText.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startTicks: Number(fields[19]), bootId: bootId.trim() };
  } catch {
    return undefined;
  }
}

/** Stands for when a process began where nobody says. */
const NO_START: Omit<ProcessIdentity, 'pid'> = { startTicks: 0, bootId: 'unknown' };

/** Whether there is a process of that number; what may not be asked counts as there. */
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

/** True while the very same process runs; a recycled number or a boot in between makes it false. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Waits until a process is gone; false where it still runs when the time is up. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (Date.now() >= until) return false;
    await sleep(20);
  }
  return true;
}

/**
 * Ends a process: TERM, then KILL when the time is up. Nothing happens to a process that only has the same number, nor where that
 * cannot be known. Says how it ended.
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

/** Running processes with their arguments; those that may not be read are left out. */
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

/** Children of a process. The kernel keeps them by the thread that started them. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => undefined)),
  );
  const lists = texts.filter((text) => text !== undefined);
  if (lists.length > 0) return lists.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
  // Kernels without CONFIG_PROC_CHILDREN: every process names its parent.
  const found: number[] = [];
  for (const one of await listProcesses()) {
    const line = await readFile(`/proc/${one.pid}/stat`, 'utf8').catch(() => '');
    if (Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(one.pid);
  }
  return found;
}
