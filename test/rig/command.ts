/** Running programs from tests: everything they said and how they ended, and never longer than a limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { compiled, repoPath } from './paths.ts';

/** How a program ended and what it said. */
export interface CommandResult {
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Where and how long a program runs. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of the tests; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Milliseconds until the whole process group is killed; one minute if not given. */
  readonly timeoutMs?: number;
  /** Sees the process as soon as it runs, e.g. to send it a signal. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs a program to its end. Fails only where it cannot be started. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('runCommand: no program given');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: mergeEnv(options.env ?? {}),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      // The negative number is the group: grandchildren must not keep the pipes open.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, options.timeoutMs ?? 60_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? undefined, stdout, stderr, timedOut });
    });
    child.stdin.on('error', () => {}); // EPIPE: a program need not read what it is given.
    child.stdin.end(options.stdin ?? '');
    options.onStart?.(child);
  });
}

/** The command line that starts bake-ts under the runtime the tests run on, from the same sources as the tests. */
export function bakeTsCommand(): readonly string[] {
  if (process.versions['deno'] !== undefined) {
    return [process.execPath, 'run', '-A', '--config', repoPath('deno.json'), repoPath('cli/main.ts')];
  }
  return [process.execPath, compiled ? repoPath('dist/bin/bake-ts.cjs') : repoPath('cli/main.ts')];
}

/** The text of a shell script that is the command of {@link bakeTsCommand}, for a directory of PATH. */
export function bakeTsScript(): string {
  const words = bakeTsCommand().map((word) => `'${word}'`);
  return `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`;
}

/** Runs `bake-ts` with arguments. Colour is off and CI systems are not seen, so that output is the same everywhere. */
export function runBakeTs(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand([...bakeTsCommand(), ...args], {
    ...options,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined, ...OUTSIDE_CI, ...options.env },
  });
}

const OUTSIDE_CI = { CI: undefined, GITHUB_ACTIONS: undefined, GITLAB_CI: undefined };

/**
 * Where Deno keeps what it has compiled, which is below HOME: a process with a HOME of its own would compile, and look up, all of
 * bake-ts and its packages again.
 */
export const DENO_CACHE: Readonly<Record<string, string>> =
  process.versions['deno'] === undefined
    ? {}
    : { DENO_DIR: process.env['DENO_DIR'] ?? path.join(process.env['HOME'] ?? '/', '.cache/deno') };

/** What the bundle has compiled is not kept (.ci/start.cjs): homes of tests are small, short-lived, and looked at. */
const NO_CODE_CACHE: Readonly<Record<string, string>> = compiled ? { NODE_DISABLE_COMPILE_CACHE: '1' } : {};

function mergeEnv(changes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries({
    ...process.env,
    ...DENO_CACHE,
    ...NO_CODE_CACHE,
    ...changes,
  })) {
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}
