/** Which commit a run is of. */
import { runProgram, SAFE_GIT } from '../system/mod.ts';
import type { CommitState } from './shapes.ts';

/** git status of a large work tree takes seconds; whoever waits longer has a disk that does not answer. */
const TIMEOUT_MS = 20_000;
/** The head, and enough to see that there is more. */
const OUTPUT_LIMIT = 16 * 1024;

/** What git says of a directory; undefined: no repository, no commit in it, no git, or it was called off. */
export async function readCommit(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<CommitState | undefined> {
  const { exitCode, stdout, cut } = await runProgram({
    program: 'git',
    argv: [...SAFE_GIT, 'status', '--porcelain=v2', '--branch', '--untracked-files=normal'],
    cwd: dir,
    // An index that is refreshed on the way would be a write to the repository.
    env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
    stdoutLimit: OUTPUT_LIMIT,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  if (exitCode !== 0) return undefined;
  const lines = stdout.toString().split('\n');
  const id = lines.map((line) => /^# branch\.oid ([0-9a-f]{40,64})$/.exec(line)?.[1]).find(Boolean);
  const clean = cut === undefined && lines.every((line) => line === '' || line.startsWith('# '));
  return id === undefined ? undefined : { id, clean };
}
