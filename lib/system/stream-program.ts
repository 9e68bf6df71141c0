/** Runs a program and streams its output, for output that is too large to store. */
import path from 'node:path';
import process from 'node:process';
import { groupOptions, signalGroup } from './end-program.ts';
import { definedEnv, noteRunning, type ProgramCall, startable, startErrorOf } from './run-program.ts';

const STDERR_LIMIT = 4_096;

/** What to run, and how long to wait for it. */
export interface StreamCall extends Pick<ProgramCall, 'program' | 'argv' | 'env' | 'signal'> {
  /** How long the reader waits for more output (milliseconds); default: forever. */
  readonly idleMs?: number;
}

/**
 * Runs a program and yields its stdout as it comes. Throws at the end, with the program's error output, if it did not
 * start or failed, so that incomplete output is not mistaken for all of it. Ends the program if the reader stops early
 * or the idle limit is reached.
 */
export async function* streamProgram({
  program,
  argv,
  env,
  signal,
  idleMs,
}: StreamCall): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const { spawn } = process.getBuiltinModule('node:child_process');
  const child = spawn(startable({ program, env }), [...argv], {
    env: definedEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...groupOptions(),
  });
  const forget = noteRunning(child, env);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT);
  });
  const end = new Promise<number | null | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => resolve(code));
  });
  const kill = (): void => signalGroup(child, 'SIGKILL', env);
  signal?.addEventListener('abort', kill, { once: true });
  let idle: NodeJS.Timeout | undefined;
  let isIdle = false;
  const endIdle = (): void => {
    isIdle = true;
    kill();
    // Do not wait for other processes that hold the pipe open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  // A slow reader does not count as idle time.
  const wait = (): void => {
    if (idleMs !== undefined) idle = setTimeout(endIdle, idleMs);
  };
  let isRead = false;
  let fault: unknown;
  let ended: number | null | Error = null;
  try {
    wait();
    for await (const piece of child.stdout) {
      clearTimeout(idle);
      yield piece as Uint8Array;
      wait();
    }
    isRead = true;
  } catch (error) {
    fault = error;
  } finally {
    if (!isRead) kill();
    ended = await end;
    clearTimeout(idle);
    signal?.removeEventListener('abort', kill);
    forget();
  }
  if (isIdle)
    throw new Error(`${path.basename(program)} sent nothing for ${Math.round((idleMs ?? 0) / 1000)} s`);
  // Deno also reports a broken pipe if the program did not start; the start error says more.
  if (fault !== undefined && !(ended instanceof Error)) throw fault;
  if (ended !== 0) throwEnd(program, ended, stderr, signal);
}

function throwEnd(
  program: string,
  ended: number | null | Error,
  stderr: string,
  signal: AbortSignal | undefined,
): never {
  signal?.throwIfAborted();
  if (ended instanceof Error) throw new Error(`${program} cannot be run (${startErrorOf(ended)})`);
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const how = ended === null ? 'was ended by a signal' : `ended with ${ended}`;
  throw new Error(said === '' ? `${program} ${how}` : said);
}
