/**
 * Everything a command sees of the process. This file and main.ts are the only ones that look at `process`.
 */
import process from 'node:process';
import type { Writer } from '../lib/report/mod.ts';
import { goArchitecture } from '../lib/system/mod.ts';
import { EXIT } from './exit-codes.ts';

/** Signals that ask us to stop. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The surroundings of one call of the command line. */
export interface Io {
  /** What the user wrote, without runtime and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Results: tables, documents, JSON. */
  readonly stdout: Writer;
  /** Progress, problems, and the table at the end of a run. */
  readonly stderr: Writer;
  /** All of standard input. */
  readonly readStdin: () => Promise<string>;
  /** Asks a yes-or-no question; undefined: nobody is there to answer. Absent: never. */
  readonly confirm?: (question: string) => Promise<boolean | undefined>;
  readonly now: () => number;
  /** Calls back for each stop signal until the returned function is called. */
  readonly onSignal: (handler: (signal: string) => void) => () => void;
  /** Ends the process at once, for a second Ctrl-C. */
  readonly exit: (code: number) => void;
  /** `node 24.9.0`, `deno 2.9.6`. */
  readonly runtime: string;
  /** Processor in Go's words. */
  readonly architecture: string;
}

/** The real process. */
export function createProcessIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    // `bake-ts list | head` closes our output early; that is the reader's right and no error.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.ok);
      throw error;
    });
  }
  const { deno } = process.versions;
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    readStdin,
    confirm,
    now: Date.now,
    onSignal: (handler) => {
      for (const signal of STOP_SIGNALS) process.on(signal, handler);
      return () => {
        for (const signal of STOP_SIGNALS) process.off(signal, handler);
      };
    },
    exit: (code) => process.exit(code),
    runtime: deno === undefined ? `node ${process.versions.node}` : `deno ${deno}`,
    architecture: goArchitecture(process.arch),
  };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}
