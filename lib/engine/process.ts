/**
 * Processes: running a program to its end, and knowing for sure whether a process of an earlier run is still that
 * process. Linux only where /proc is read; elsewhere nothing is ever found alive, and the embedded engine is refused.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Env } from './paths.ts';

/** How a program ended. `code` is undefined where it could not be started or a signal ended it. */
export interface CommandEnd {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no code: `ENOENT`, `timeout`, `aborted`, or the text of the error. */
  readonly failure?: string;
}

/** How a program is run. */
export interface CommandOptions {
  readonly env: Env;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Sees each line of stderr as it comes. */
  readonly onStderrLine?: (line: string) => void;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/**
 * Runs a program to its end and collects what it says (the last 4 MiB of each stream). Never rejects. The program has
 * a process group of its own, which is killed as a whole on timeout or abort.
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    let lineRest = '';
    let failure: string | undefined;
    let settled = false;
    const settle = (code: number | undefined): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      resolve({ code, stdout, stderr, ...(failure === undefined ? {} : { failure }) });
    };
    let pid: number | undefined;
    const killGroup = (why: string): void => {
      failure ??= why;
      if (pid !== undefined) signalProcess(-pid, 'SIGKILL');
    };
    const onAbort = (): void => killGroup('aborted');
    const timer = setTimeout(() => killGroup('timeout'), options.timeoutMs ?? 600_000);
    if (options.signal?.aborted === true) {
      failure = 'aborted';
      settle(undefined);
      return;
    }
    try {
      const child = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: definedEnv(options.env),
        detached: true,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
      pid = child.pid;
      options.signal?.addEventListener('abort', onAbort, { once: true });
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout = (stdout + text).slice(-OUTPUT_LIMIT);
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-OUTPUT_LIMIT);
        if (options.onStderrLine === undefined) return;
        const lines = (lineRest + text).split('\n');
        lineRest = lines.pop() ?? '';
        for (const line of lines) options.onStderrLine(line);
      });
      child.on('error', (error: NodeJS.ErrnoException) => {
        failure ??= error.code ?? error.message;
        settle(undefined);
      });
      child.on('close', (code) => settle(failure === undefined ? (code ?? undefined) : undefined));
    } catch (error) {
      // Deno throws at once where a permission is missing.
      failure = error instanceof Error ? error.message : String(error);
      settle(undefined);
    }
  });
}

/** An environment without its absent entries, as spawn wants it. */
export function definedEnv(env: Env): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** Sends a signal to a process (or, negative, a group); false where there is none such or it is not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A process, told apart from any later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's (proc_pid_stat(5), field 22). */
  readonly startTicks: number;
  /** The kernel's id of this boot. */
  readonly bootId: string;
}

/** The identity of a running process; undefined where there is none, or only a zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
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
 * Ends a process: TERM, then KILL when the time is up. Nothing happens to a process that only has the same number.
 * Says how it ended.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
): Promise<'gone' | 'terminated' | 'killed' | 'still-there'> {
  if (!(await isAlive(identity))) return 'gone';
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

/** Children of a process. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => undefined);
  if (text !== undefined) return text.split(' ').filter(Boolean).map(Number);
  // Kernels without CONFIG_PROC_CHILDREN: every process names its parent.
  const found: number[] = [];
  for (const one of await listProcesses()) {
    const line = await readFile(`/proc/${one.pid}/stat`, 'utf8').catch(() => '');
    if (Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(one.pid);
  }
  return found;
}

/** The first executable of that name on PATH, as an absolute path; a name with a slash stands for itself. */
export async function findProgram(name: string, env: Env): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [path.resolve(name)]
    : (env['PATH'] ?? '')
        .split(path.delimiter)
        .filter((dir) => path.isAbsolute(dir))
        .map((dir) => path.join(dir, name));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** True for a file (not a directory) that may be run. */
export async function isExecutable(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
