/** Everything that commands see of the process. Only this file and main.ts access `process`. */
import process from 'node:process';
import { problem } from '../lib/model/mod.ts';
import type { TakenTerminal, TakeTerminal, TerminalUser, Writer } from '../lib/report/mod.ts';
import {
  goArchitecture,
  isPermitted,
  killPrograms,
  runtimeName,
  type System,
  thisSystem,
} from '../lib/system/mod.ts';
import { EXIT } from './exit-codes.ts';
import type { Answer, Prompt } from './prompt.ts';

/** Signals that ask the process to stop. Windows has only Ctrl-C, Ctrl-Break and closing the window. */
export function stopSignals(system: System = thisSystem()): readonly NodeJS.Signals[] {
  return system === 'win32' ? ['SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
}

/** The surroundings of one call of the command line. */
export interface Io {
  /** The arguments, without runtime and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Results: tables, documents, JSON. */
  readonly stdout: Writer;
  /** Progress, problems, and the table at the end of a run. */
  readonly stderr: Writer;
  /** Whether standard input is a terminal. Absent: it is not. */
  readonly isInputTerminal?: () => boolean;
  /** All of standard input. */
  readonly readStdin: () => Promise<string>;
  /** Opens a dialogue at the terminal; undefined: there is no terminal. Absent: never. */
  readonly openPrompt?: () => Promise<Prompt | undefined>;
  /**
   * Asks the user if standard input is a terminal, without showing what is typed; undefined: it is not a terminal and
   * can be read. Absent: never.
   */
  readonly askHidden?: (question: string) => Promise<Answer | undefined>;
  readonly now: () => number;
  /** Calls the handler for each stop signal until the returned function is called. */
  readonly onSignal: (handler: (signal: string) => void) => () => void;
  /** Hands the terminal to the live view. Absent: other output is not kept out of its way. */
  readonly takeTerminal?: TakeTerminal;
  /** Ends the process at once, for a second Ctrl-C. */
  readonly exit: (code: number) => void;
  /** `node 24.9.0`, `deno 2.9.6`. */
  readonly runtime: string;
  /** Processor, in Go's terms. */
  readonly architecture: string;
  /** The command that starts bake-ts: an absolute path, and arguments. Absent: unknown. */
  readonly program?: readonly string[];
}

/** Why output could not be written. A reader that closed the pipe is not a fault. */
let outputFault: string | undefined;

/** The exit code of the process: success becomes a failure if output could not be written. */
export function exitCodeWithOutput(code: number): number {
  return outputFault !== undefined && code === EXIT.ok ? EXIT.buildFailed : code;
}

/**
 * Lets a command continue if nobody reads its output: `bake-ts run --progress=json | head` closes the pipe early, which
 * is fine. Other write errors (a full disk) are reported once.
 */
function guardOutput(stream: NodeJS.WriteStream): void {
  const fail = (error: NodeJS.ErrnoException) => {
    stream.write = () => true;
    // Deno sets no code.
    if (error.code === 'EPIPE' || error.name === 'BrokenPipe' || outputFault !== undefined) return;
    outputFault = error.message;
    process.exitCode = EXIT.buildFailed;
    const { code, message } = problem('cli/output', `standard output cannot be written (${error.message})`);
    if (stream === process.stdout) process.stderr.write(`error[${code}]: ${message}\n`);
  };
  stream.on('error', fail);
  // Deno throws instead.
  const write = stream.write.bind(stream);
  stream.write = ((...chunk: Parameters<typeof write>) => {
    try {
      return write(...chunk);
    } catch (error) {
      fail(error as NodeJS.ErrnoException);
      return true;
    }
  }) as typeof stream.write;
}

/**
 * The environment. Variables that the runtime may not read appear unset; code that depends on one asks for permission
 * first (cli/permissions.ts).
 */
function readableEnvironment(): Io['env'] {
  if (isPermitted({ kind: 'env' })) return process.env;
  const read = (name: string): string | undefined => {
    try {
      return process.env[name];
    } catch {
      return undefined;
    }
  };
  // The user may grant the permission later at the terminal; then all names are there.
  const names = () => (isPermitted({ kind: 'env' }) ? Object.keys(process.env) : []);
  return new Proxy<Record<string, string | undefined>>(
    {},
    {
      get: (_none, name) => (typeof name === 'string' ? read(name) : undefined),
      ownKeys: names,
      getOwnPropertyDescriptor: (_none, name) => ({
        configurable: true,
        enumerable: true,
        value: typeof name === 'string' ? read(name) : undefined,
      }),
    },
  );
}

/** The command that started this process, to start it again. A standalone executable has no script. */
function programOf(): readonly string[] {
  const [, script = ''] = process.argv;
  const isScript = /\.[cm]?[jt]s$/.test(script) || script.endsWith('/bake-ts');
  if (!isScript || script === process.execPath) return [process.execPath];
  return 'Deno' in globalThis ? [process.execPath, 'run', '-A', script] : [process.execPath, script];
}

/** The real process. */
export function createProcessIo(): Io {
  for (const stream of [process.stdout, process.stderr]) guardOutput(stream);
  // Programs run in their own process groups, so nothing else would end them.
  process.on('exit', killPrograms);
  let stdin: Promise<string> | undefined;
  return {
    argv: process.argv.slice(2),
    env: readableEnvironment(),
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    // Lazy, because accessing stdin loads the modules for file streams.
    isInputTerminal: () => process.stdin.isTTY === true,
    readStdin: () => (stdin ??= readStdin()),
    openPrompt,
    askHidden,
    now: Date.now,
    onSignal: (handler) => {
      const signals = stopSignals();
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    takeTerminal,
    exit: (code) => process.exit(code),
    runtime: runtimeName(),
    architecture: goArchitecture(process.arch),
    program: programOf(),
  };
}

/** Ctrl-Z, and continuing after it. */
function suspension(user: TerminalUser): Readonly<Record<string, () => void>> {
  return {
    SIGTSTP: () => {
      user.onSuspend();
      process.kill(process.pid, 'SIGSTOP');
    },
    SIGCONT: user.onResume,
  };
}

/**
 * Redirects everything that is written to the terminal while somebody uses it: writes to the process's streams, and
 * runtime warnings, which Node writes directly.
 */
function takeTerminal(user: TerminalUser): TakenTerminal {
  const restores: (() => void)[] = [];
  const write = process.stderr.write;
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.isTTY) continue;
    const own = stream.write;
    stream.write = ((chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
      user.onText(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
      const done = rest.find((one) => typeof one === 'function');
      if (done !== undefined) process.nextTick(done as () => void);
      return true;
    }) as typeof own;
    restores.push(() => {
      stream.write = own;
    });
  }
  const shown = process.listeners('warning');
  process.removeAllListeners('warning');
  const handlers = {
    warning: ({ name, message }: Error) => user.onText(`${name}: ${message}\n`),
    // Windows cannot suspend, and Deno refuses to listen for the signal there.
    ...(thisSystem() === 'win32' ? {} : suspension(user)),
    exit: user.onExit,
  };
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  restores.push(() => {
    for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
    for (const listener of shown) process.on('warning', listener);
  });
  return {
    writer: {
      write: (text) => write.call(process.stderr, text),
      get columns() {
        return process.stderr.columns;
      },
      get rows() {
        return process.stderr.rows;
      },
      isTTY: true,
    },
    release: () => {
      for (const restore of restores) restore();
    },
  };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

async function openPrompt(): Promise<Prompt | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { createPrompt } = await import('./prompt.ts');
  return createPrompt(process.stdin, process.stderr);
}

async function askHidden(question: string): Promise<Answer | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const prompt = await import('./prompt.ts');
  return prompt.askHidden(question, process.stdin, process.stderr);
}
