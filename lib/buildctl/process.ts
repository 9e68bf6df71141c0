/**
 * Running buildctl: no shell, its own process group, one trace of its own, a clean end.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** What to run. */
export interface ProcessRequest {
  readonly program: string;
  readonly argv: readonly string[];
  /** The whole environment of the child; see `childEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Each line of stderr, without its line break. */
  readonly onErrorLine?: (line: string) => void;
  /** How long the child may take to end after TERM before its group is killed. */
  readonly graceMs?: number;
}

/** How it ended. */
export interface ProcessEnd {
  /** Undefined where it never started or a signal ended it. */
  readonly exitCode?: number;
  /** Who ended it, written where it was done: runtimes report the signal differently. */
  readonly ended: 'by-itself' | 'cancelled' | 'never-started';
  readonly stdout: Buffer;
  /** Why it never started: `ENOENT`, `EACCES`, … or words. */
  readonly startError?: string;
}

const GRACE_MS = 10_000;

/**
 * The environment for buildctl: ours, less what would change the image or the trace behind the key's back.
 * A common TRACEPARENT makes every build history record keep the spans of all builds of the run, which cost 61 % of
 * buildkitd's CPU with forty builds (measured); SOURCE_DATE_EPOCH and BUILDKIT_HOST go in as arguments.
 */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || DROPPED.test(name)) continue;
    kept[name] = value;
  }
  return { ...kept, ...extra };
}

const DROPPED =
  /^(?:OTEL_.*|TRACEPARENT|TRACESTATE|BAGGAGE|JAEGER_TRACE|SOURCE_DATE_EPOCH|BUILDKIT_HOST|BUILDKIT_PROGRESS)$/;

/** Runs a program to its end. Never rejects. */
export async function runProcess(request: ProcessRequest): Promise<ProcessEnd> {
  const nothing = Buffer.alloc(0);
  if (request.signal?.aborted === true) return { ended: 'cancelled', stdout: nothing };
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(request.program, [...request.argv], {
      env: { ...request.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C at the terminal reaches us only, and we end our children in order.
      detached: true,
      ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
    });
  } catch (error) {
    return { ended: 'never-started', stdout: nothing, startError: wordsOf(error) };
  }
  let cancelled = false;
  let killTimer: NodeJS.Timeout | undefined;
  const cancel = () => {
    cancelled = true;
    killGroup(child.pid, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), request.graceMs ?? GRACE_MS);
  };
  request.signal?.addEventListener('abort', cancel, { once: true });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const lines =
    child.stderr === null ? undefined : createInterface({ input: child.stderr, crlfDelay: Infinity });
  lines?.on('line', (line) => request.onErrorLine?.(line));
  const linesDone =
    lines === undefined ? Promise.resolve() : new Promise<void>((done) => lines.once('close', done));
  const end = await new Promise<{ code: number | null; startError?: string }>((settle) => {
    // A failed start is known by its error: exit codes of it differ between runtimes.
    child.once('error', (error) => settle({ code: null, startError: wordsOf(error) }));
    child.once('close', (code) => settle({ code }));
  });
  if (end.startError === undefined) await linesDone;
  else lines?.close();
  clearTimeout(killTimer);
  request.signal?.removeEventListener('abort', cancel);
  const stdout = Buffer.concat(chunks);
  if (end.startError !== undefined) return { ended: 'never-started', stdout, startError: end.startError };
  return {
    ended: cancelled ? 'cancelled' : 'by-itself',
    stdout,
    ...(end.code === null || end.code < 0 ? {} : { exitCode: end.code }),
  };
}

/** Signals a whole group; a group that is gone already is fine. `child.kill` works only once on Deno. */
function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it ended in the meantime.
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Deno without --allow-run: an Error named NotCapable without a code.
  return error.name === 'NotCapable'
    ? 'permission to run programs is missing (Deno: --allow-run)'
    : error.message;
}
