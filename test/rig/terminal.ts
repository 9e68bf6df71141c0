/**
 * A real terminal for tests: a pseudo-terminal of the system, made by util-linux' `script`, and xterm.js without a window
 * as what a person would see of it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import xterm from '@xterm/headless';
import type { Writer } from '../../lib/report/mod.ts';
import { DENO_CACHE } from './command.ts';
import type { Cleanup } from './temp.ts';

/** Why there is none on this machine; false: there is. */
export const noTerminal: string | false = /util-linux/.test(
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)
  ? false
  : 'no `script` of util-linux here';

/** Shows the cursor, or hides it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
const CURSOR = /\u001b\[\?25[hl]/g;

/** Longer than anything takes on a busy machine. */
const MOST_MS = 30_000;

/** A terminal within the test's process, as something to write to. */
export interface TerminalWriter extends Writer {
  /** How often something was written. */
  readonly writes: () => number;
  /** Everything that was ever on the screen and was not written over. */
  readonly lines: () => Promise<readonly string[]>;
  readonly isCursorShown: () => boolean;
}

/** Makes one; it ends with the test. */
export function makeTerminalWriter(t: Cleanup, columns: number, rows: number): TerminalWriter {
  const shown = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  t.after(() => shown.dispose());
  let writes = 0;
  let isCursorShown = true;
  return {
    columns,
    rows,
    isTTY: true,
    write: (text) => {
      writes += 1;
      isCursorShown = cursorAfter(text) ?? isCursorShown;
      shown.write(text);
    },
    writes: () => writes,
    lines: async () => {
      await new Promise<void>((resolve) => shown.write('', resolve));
      return linesOf(shown, 0);
    },
    isCursorShown: () => isCursorShown,
  };
}

/** Whether the cursor shows after a text; undefined: the text says nothing of it. */
function cursorAfter(text: string): boolean | undefined {
  return text.match(CURSOR)?.at(-1)?.endsWith('h');
}

/** Lines from one on, without blanks at their ends; empty ones at the end are left out. */
function linesOf({ buffer }: xterm.Terminal, from: number): readonly string[] {
  const lines: string[] = [];
  for (let at = from; at < buffer.active.length; at += 1)
    lines.push(buffer.active.getLine(at)?.translateToString(true).trimEnd() ?? '');
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Where a program runs, and how large its terminal is. */
export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd?: string;
  /** Added to the environment of the tests; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A terminal in which a program runs. */
export interface TestTerminal {
  /** What is on the screen, row by row without blanks at their ends; empty rows at the end are left out. */
  readonly screen: () => readonly string[];
  /** The same with everything that left the screen at its top. */
  readonly everything: () => readonly string[];
  readonly isCursorShown: () => boolean;
  /** Presses keys: `\u0003` is Ctrl-C. */
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** Waits until the text of the screen is so. */
  readonly until: (is: RegExp | ((text: string) => boolean)) => Promise<void>;
  /** Waits until the program has ended; gives its exit code. */
  readonly ended: () => Promise<number | null>;
}

/** Starts a program in a terminal of its own, which is closed after the test. */
export async function startTerminal(
  t: Cleanup,
  argv: readonly string[],
  { columns, rows, cwd, env = {} }: TerminalOptions,
): Promise<TestTerminal> {
  // Not removed before what is in it was read.
  const dir = await mkdtemp(path.join(tmpdir(), 'terminal-'));
  const ttyFile = path.join(dir, 'tty');
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const leaderFile = path.join(dir, 'leader');
  const command = `echo $$ >'${leaderFile}'; tty >'${ttyFile}'; stty cols ${columns} rows ${rows}; exec ${quoted}`;
  const shown = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 2_000 });
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    env: surroundings({
      TERM: 'xterm-256color',
      SHELL: '/bin/sh',
      CI: undefined,
      GITHUB_ACTIONS: undefined,
      ...env,
    }),
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  t.after(async () => {
    endSession(leaderFile);
    if (child.pid !== undefined) end(-child.pid);
    await closed;
    shown.dispose();
    await rm(dir, { recursive: true, force: true });
  });
  let isCursorShown = true;
  let parsed = Promise.resolve();
  child.stdin.on('error', () => {});
  child.stdout.on('data', (bytes: Buffer) => {
    isCursorShown = cursorAfter(bytes.toString('latin1')) ?? isCursorShown;
    parsed = parsed.then(() => new Promise((resolve) => shown.write(bytes, resolve)));
  });
  const screen = (): readonly string[] => linesOf(shown, shown.buffer.active.baseY);
  return {
    screen,
    everything: () => linesOf(shown, 0),
    isCursorShown: () => isCursorShown,
    type: (keys) => child.stdin.write(keys),
    resize: (nextColumns, nextRows) => {
      shown.resize(nextColumns, nextRows);
      void readFile(ttyFile, 'utf8').then((tty) =>
        spawn('stty', ['-F', tty.trim(), 'cols', String(nextColumns), 'rows', String(nextRows)]),
      );
    },
    until: async (is) => {
      const holds = (text: string): boolean => (typeof is === 'function' ? is(text) : is.test(text));
      for (let waitedMs = 0; waitedMs < MOST_MS; waitedMs += 10) {
        await parsed;
        if (holds(screen().join('\n'))) return;
        await sleep(10);
      }
      throw new Error(`not within ${MOST_MS / 1000} s: ${is}\n${linesOf(shown, 0).join('\n')}`);
    },
    ended: async () => {
      const code = await closed;
      await parsed;
      return code;
    },
  };
}

/** Ends everything in the session of a terminal: what it hangs up on may go on, and jobs of shells are groups of their own. */
function endSession(leaderFile: string): void {
  let leader = '';
  try {
    leader = readFileSync(leaderFile, 'utf8').trim();
  } catch {
    // It did not come so far.
  }
  if (leader === '') return;
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name) && sessionOf(name) === leader) end(Number(name));
}

function sessionOf(pid: string): string | undefined {
  try {
    // The name of the program, in brackets, may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[3];
  } catch {
    return undefined;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function surroundings(changes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const merged = { ...process.env, ...DENO_CACHE, ...changes };
  return Object.fromEntries(
    Object.entries(merged).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
