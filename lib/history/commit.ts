/** The commit of a run. */
import { runProgram, SAFE_GIT } from '../system/mod.ts';
import type { CommitState } from './shapes.ts';

/** git status of a large work tree takes seconds; if it takes longer, the disk does not respond. */
const TIMEOUT_MS = 20_000;
/** Enough for the head, and to see that there is more output. */
const OUTPUT_LIMIT = 16 * 1024;

/** The state that git reports for a directory; undefined: no repository, no commit, no git, or cancelled. */
export async function readCommit(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<CommitState | undefined> {
  const { exitCode, stdout, cut } = await runProgram({
    program: 'git',
    argv: [...SAFE_GIT, 'status', '--porcelain=v2', '--branch', '--untracked-files=normal'],
    cwd: dir,
    // Refreshing the index would write to the repository.
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
