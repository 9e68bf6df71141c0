/**
 * Runs a program to its end: without a shell, in its own process group, with a clean shutdown and one record of the
 * result.
 */
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import {
  IS_DENO,
  missingPermissions,
  type PermissionProblem,
  permissionProblem,
} from '../util/permission.ts';
import { groupOptions, type Leader, signalGroup } from './end-program.ts';
import { findProgramNow } from './find-program.ts';
import { type System, thisSystem } from './platform.ts';

/** What to run, and its limits. */
export interface ProgramCall {
  /** A path, or a name that is looked up on the PATH of `env`. */
  readonly program: string;
  readonly argv: readonly string[];
  /** The whole environment of the program; entries without a value are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Its standard input; absent: empty. */
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** Absent: no limit. */
  readonly timeoutMs?: number;
  /** How long its group may take to end after TERM before KILL; 0 (the default) kills at once. */
  readonly graceMs?: number;
  /** Limit for stdout, from the start; default: 64 MiB. */
  readonly stdoutLimit?: number;
  /** Limit for stderr in characters, from the end; default: 64 Ki. */
  readonly stderrLimit?: number;
  /** Receives each line of stderr, without its line break; of a line longer than 16 Mi characters the first 64 Ki. */
  readonly onErrorLine?: (line: string) => void;
}

/** How the program ended. */
export interface ProgramEnd {
  /** What ended it, recorded by bake-ts, because runtimes report signals differently. */
  readonly ended: 'by-itself' | 'cancelled' | 'timeout' | 'never-started';
  /** Undefined if it never started or a signal ended it. */
  readonly exitCode?: number;
  /** Its stdout; the first 64 MiB, unless another limit was given. */
  readonly stdout: Buffer;
  /** Its stderr; the last 65,536 characters, unless another limit was given. */
  readonly stderr: string;
  /** Whether stdout exceeded the limit. */
  readonly cut?: true;
  /** Why it never started: `ENOENT`, `EACCES`, … or text. */
  readonly startError?: string;
  /** Set if the runtime does not permit running it. */
  readonly denied?: PermissionProblem;
}

/** Runs a program to its end and never rejects. A separate type, so that tests can pass their own. */
export type RunProgram = (call: ProgramCall) => Promise<ProgramEnd>;

const STDOUT_LIMIT = 64 * 1024 * 1024;
const STDERR_LIMIT = 64 * 1024;
/** Longer than any message of buildctl (16 MiB over gRPC). */
const LINE_LIMIT = 16 * 1024 * 1024;
const CUT_LINE = 64 * 1024;

/** How long pipes may stay open after KILL: a process that left the group may hold them forever. */
const PIPES_MS = 200;

/** Leaders of the running groups, with their environments. */
const running = new Map<Leader, ProgramCall['env']>();

/** Kills running programs, for a process that ends first: after a second Ctrl-C, or a bug of bake-ts. */
export function killPrograms(): void {
  for (const [leader, env] of running) signalGroup(leader, 'SIGKILL', env);
}

/** Registers a group as running until the returned function is called. */
export function noteRunning(leader: Leader, env: ProgramCall['env']): () => void {
  if (leader.pid === undefined) return () => undefined;
  running.set(leader, env);
  return () => running.delete(leader);
}

/** Loaded on first use: it takes Node 2 to 3 ms, and most commands start no program. */
function childProcess(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}

/** Runs a program to its end. Never rejects. */
export async function runProgram(call: ProgramCall): Promise<ProgramEnd> {
  if (call.signal?.aborted === true) return { ended: 'cancelled', stdout: Buffer.alloc(0), stderr: '' };
  let child: ChildProcess;
  try {
    child = childProcess().spawn(startable(call), [...call.argv], {
      env: definedEnv(call.env),
      stdio: [call.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...groupOptions(),
      ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    });
  } catch (error) {
    // Deno throws at once if the permission is missing, Node if the arguments are too long.
    return { ...neverStarted(error, call.program), stdout: Buffer.alloc(0), stderr: '' };
  }
  const forget = noteRunning(child, call.env);
  const stdout = collectStdout(child, call.stdoutLimit ?? STDOUT_LIMIT);
  const stderr = collectStderr(child, call);
  // The program need not read its input; a pipe error tells nothing that the exit code does not.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(call.stdin);

  const end = await waitForEnd(child, call);
  forget();
  return {
    ended: end.ended,
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(end.startError === undefined ? {} : { startError: end.startError }),
    ...(end.denied === undefined ? {} : { denied: end.denied }),
    ...stdout(),
    stderr: stderr(),
  };
}

/**
 * The same, synchronous, for the getters of `git.…` in expressions (CEL evaluates synchronously). A timeout kills only
 * the program, not its group; signals and line callbacks are not supported.
 */
export function runProgramSync(
  call: Pick<ProgramCall, 'program' | 'argv' | 'env' | 'cwd' | 'timeoutMs' | 'stdoutLimit'>,
): ProgramEnd {
  const options = {
    env: definedEnv(call.env),
    stdio: ['ignore', 'pipe', 'pipe'] as ('ignore' | 'pipe')[],
    maxBuffer: call.stdoutLimit ?? STDOUT_LIMIT,
    killSignal: 'SIGKILL' as const,
    windowsHide: true,
    ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    ...(call.timeoutMs === undefined ? {} : { timeout: call.timeoutMs }),
  };
  try {
    const { error, status, stdout, stderr } = childProcess().spawnSync(
      startable(call),
      [...call.argv],
      options,
    );
    const said = {
      stdout: stdout ?? Buffer.alloc(0),
      stderr: (stderr ?? '').toString().slice(-STDERR_LIMIT),
    };
    // This is how Deno reports a missing permission.
    if (error === undefined && status === undefined) return notPermitted(call.program);
    const why = error === undefined ? undefined : startErrorOf(error);
    if (why === 'ETIMEDOUT') return { ...said, ended: 'timeout' };
    if (why === 'ENOBUFS') return { ...said, ended: 'by-itself', cut: true };
    if (error !== undefined) return { ...said, ...neverStarted(error, call.program) };
    return { ...said, ended: 'by-itself', ...(status === null || status < 0 ? {} : { exitCode: status }) };
  } catch (error) {
    return { ...neverStarted(error, call.program), stdout: Buffer.alloc(0), stderr: '' };
  }
}

/**
 * The program as passed to the system. Windows searches the working directory before PATH, and a repository could
 * contain a `git.exe`, so there it is the resolved path from PATH.
 *
 * @throws with the code ENOENT if it is not on PATH
 */
export function startable(
  { program, env, cwd }: Pick<ProgramCall, 'program' | 'env' | 'cwd'>,
  system: System = thisSystem(),
): string {
  if (system !== 'win32') return program;
  // A name with a directory is relative to the working directory of the call.
  const named = path.basename(program) === program ? program : path.resolve(cwd ?? '.', program);
  const found = findProgramNow(named, env, system);
  if (found !== undefined) return found;
  throw Object.assign(new Error(`${program} cannot be run (ENOENT)`), { code: 'ENOENT' });
}

type Start = Pick<ProgramEnd, 'ended' | 'exitCode' | 'startError' | 'denied'>;

function neverStarted(error: unknown, program: string): Start {
  const missing = missingPermissions(error);
  if (missing === undefined) return { ended: 'never-started', startError: startErrorOf(error) };
  // Node 20 does not report which program.
  const named = missing.map((one) =>
    one.kind === 'run' && one.what === undefined && !IS_DENO ? { ...one, what: program } : one,
  );
  const denied = permissionProblem(named);
  return { ended: 'never-started', startError: startErrorOf(error), denied };
}

function notPermitted(program: string): ProgramEnd {
  const denied = permissionProblem([{ kind: 'run', what: program }]);
  const startError = whyDenied(denied);
  return { ended: 'never-started', stdout: Buffer.alloc(0), stderr: '', startError, denied };
}

/** Why a program failed, as a short text: `ENOENT`, `timeout`, `exit code 3`, … */
export function whyFailed({ ended, exitCode, startError, cut }: ProgramEnd): string {
  if (startError !== undefined) return startError;
  if (ended !== 'by-itself') return ended;
  if (cut === true) return 'too much output';
  return exitCode === undefined ? 'ended by a signal' : `exit code ${exitCode}`;
}

/** An environment without its absent entries, as `spawn` wants it. */
export function definedEnv(env: ProgramCall['env']): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** Waits until the program has ended and its pipes are closed. Ends it on the signal or the timeout. */
function waitForEnd(child: ChildProcess, call: ProgramCall): Promise<Start> {
  const { signal, timeoutMs, graceMs = 0 } = call;
  return new Promise((resolve) => {
    let ended: ProgramEnd['ended'] = 'by-itself';
    let timer: NodeJS.Timeout | undefined;
    const done = (exitCode: number | null, startError?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (startError !== undefined) resolve(neverStarted(startError, call.program));
      else resolve({ ended, ...(exitCode === null || exitCode < 0 ? {} : { exitCode }) });
    };
    const kill = (): void => {
      signalGroup(child, 'SIGKILL', call.env);
      timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        done(null);
      }, PIPES_MS);
    };
    const end = (why: 'cancelled' | 'timeout'): void => {
      if (ended !== 'by-itself') return;
      ended = why;
      clearTimeout(timer);
      if (graceMs > 0) {
        signalGroup(child, 'SIGTERM', call.env);
        timer = setTimeout(kill, graceMs);
      } else {
        kill();
      }
    };
    const onAbort = (): void => end('cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeoutMs !== undefined) timer = setTimeout(() => end('timeout'), timeoutMs);
    // The error identifies a failed start, because exit codes for it differ between runtimes.
    child.once('error', (error) => done(null, error));
    child.once('close', (code) => done(code));
  });
}

function collectStdout(child: ChildProcess, limit: number): () => { stdout: Buffer; cut?: true } {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (sizeBytes < limit) chunks.push(chunk.subarray(0, limit - sizeBytes));
    sizeBytes += chunk.length;
  });
  return () => ({ stdout: Buffer.concat(chunks), ...(sizeBytes > limit ? { cut: true } : {}) });
}

function collectStderr(
  child: ChildProcess,
  { stderrLimit = STDERR_LIMIT, onErrorLine }: ProgramCall,
): () => string {
  let kept = '';
  let rest = '';
  let restLength = 0;
  const report = (line: string): void => onErrorLine?.(line.endsWith('\r') ? line.slice(0, -1) : line);
  const extend = (text: string): void => {
    restLength += text.length;
    if (restLength <= LINE_LIMIT) rest += text;
    else if (rest.length > CUT_LINE) rest = `${rest.slice(0, CUT_LINE)}…`;
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-stderrLimit);
    if (onErrorLine === undefined) return;
    const [first = '', ...more] = text.split('\n');
    extend(first);
    for (const next of more) {
      report(rest);
      rest = '';
      restLength = 0;
      extend(next);
    }
  });
  return () => {
    if (rest !== '') report(rest);
    return kept;
  };
}

/** Why a program did not start: a code such as `ENOENT`, or text. */
export function startErrorOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const missing = missingPermissions(error);
  if (missing !== undefined) return whyDenied(permissionProblem(missing));
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function whyDenied({ message }: PermissionProblem): string {
  return message;
}
