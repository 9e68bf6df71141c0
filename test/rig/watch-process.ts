/** `bake-ts run --watch` as a process, followed by its events. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { bakeTsCommand, DENO_CACHE } from './command.ts';
import type { Cleanup } from './temp.ts';

/** A process that watches. */
export interface WatchProcess {
  /** Everything so far, of all rounds. */
  readonly events: readonly BakeEvent[];
  readonly stderr: () => string;
  /** Waits until something is so; how long that took (milliseconds). */
  readonly until: (what: string, isSo: () => boolean) => Promise<number>;
  /** Sends a signal and gives the exit code; undefined: the signal ended it. */
  readonly stop: (signal: NodeJS.Signals) => Promise<number | undefined>;
}

const MOST_MS = 60_000;

/** Starts it; it is killed after the test. */
export function startWatchProcess(
  t: Cleanup,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): WatchProcess {
  const [program = '', ...words] = [...bakeTsCommand(), 'run', '--watch', ...args];
  const child = spawn(program, words, {
    cwd,
    env: { ...process.env, ...DENO_CACHE, NO_COLOR: '1', CI: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: BakeEvent[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) events.push(JSON.parse(line) as BakeEvent);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | undefined>((resolve) => {
    child.on('close', (code) => resolve(code ?? undefined));
  });
  let isOver = false;
  ended.then(() => {
    isOver = true;
  });
  t.after(async () => {
    if (!isOver) child.kill('SIGKILL');
    await ended;
  });
  return {
    events,
    stderr: () => stderr,
    until: async (what, isSo) => {
      const startedAt = Date.now();
      while (!isSo()) {
        if (isOver || Date.now() - startedAt > MOST_MS)
          throw new Error(`${isOver ? 'it ended' : 'not in time'}: ${what}\n${stderr.slice(-2_000)}`);
        await sleep(2);
      }
      return Date.now() - startedAt;
    },
    stop: async (signal) => {
      // With `child.kill`, Deno says that the signal ended it, whatever its exit code.
      if (child.pid !== undefined) process.kill(child.pid, signal);
      return ended;
    },
  };
}
