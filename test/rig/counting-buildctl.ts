/** A wrapper that notes each call down and then becomes the real buildctl: "no call at all" is what a skip must show. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Cleanup, makeTempDir } from './temp.ts';

/** Handle on the wrapper. */
export interface CountingBuildctl {
  /** Absolute path of the executable; give it as `BUILDCTL`. */
  readonly path: string;
  /** The arguments of each `buildctl build` since the last reset, one line each. */
  builds(): Promise<readonly string[]>;
  /** The arguments of every call, commands other than `build` included. */
  calls(): Promise<readonly string[]>;
  reset(): Promise<void>;
}

/** Wraps a buildctl. A shell script that execs: it costs a millisecond and signals reach the real one. */
export async function makeCountingBuildctl(t: Cleanup, realPath: string): Promise<CountingBuildctl> {
  const dir = await makeTempDir(t, 'counting-buildctl-');
  const executable = path.join(dir, 'buildctl');
  const log = path.join(dir, 'calls.log');
  await writeFile(log, '');
  await writeFile(
    executable,
    `#!/bin/sh\nprintf '%s\\n' "$(printf '%s ' "$@" | tr '\\n' ' ')" >> ${quote(log)}\nexec ${quote(realPath)} "$@"\n`,
    { mode: 0o755 },
  );
  const calls = async (): Promise<string[]> => {
    const text = await readFile(log, 'utf8');
    return text.split('\n').filter((line) => line !== '');
  };
  return {
    path: executable,
    calls,
    // `build` is a word of its own: global flags such as --addr may stand before it.
    builds: async () => (await calls()).filter((line) => / build | b /.test(` ${line} `)),
    reset: () => writeFile(log, ''),
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
