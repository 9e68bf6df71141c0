/** The surroundings of `runCli` without a process. */
import type { Io } from '../../cli/io.ts';

/** What a call of the command line gave. */
export interface FakeIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
  /** Sends a signal to whatever listens. */
  readonly send: (signal: string) => void;
  /** Codes that `exit` was called with. */
  readonly exits: readonly number[];
}

/** An `Io` that keeps what is written. Colours are off, output is 100 columns wide. */
export function createFakeIo(argv: readonly string[], changes: Partial<Io> = {}): FakeIo {
  let out = '';
  let err = '';
  const handlers = new Set<(signal: string) => void>();
  const exits: number[] = [];
  return {
    argv,
    env: {},
    cwd: '/nowhere',
    stdout: {
      columns: 100,
      write: (text) => {
        out += text;
      },
    },
    stderr: {
      columns: 100,
      write: (text) => {
        err += text;
      },
    },
    readStdin: async () => '',
    now: Date.now,
    onSignal: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    exit: (code) => {
      exits.push(code);
    },
    runtime: 'node 20.19.0',
    architecture: 'amd64',
    ...changes,
    out: () => out,
    err: () => err,
    send: (signal) => {
      for (const handler of handlers) handler(signal);
    },
    exits,
  };
}
