/** The object `git` in expressions; git runs only if an expression uses it. */
import { runProgramSync, SAFE_GIT } from '../system/mod.ts';
import type { PermissionProblem } from '../util/permission.ts';

/** Names below `git`. */
export const GIT_KEYS: readonly string[] = ['sha', 'short', 'branch', 'tag', 'dirty', 'timestamp'];

const TIMEOUT_MS = 20_000;

/** Thrown when a git value is not available; the message is for users. */
export class GitUnavailable extends Error {
  /** Set if the runtime does not permit running git. */
  readonly denied: PermissionProblem | undefined;

  constructor(message: string, denied?: PermissionProblem) {
    super(message);
    this.denied = denied;
  }
}

/** An object whose properties run git in `dir` when they are first read: sha, short, branch, tag, dirty, timestamp. */
export function createGit(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, unknown>> {
  function git(argv: readonly string[]): string | undefined {
    const end = runProgramSync({
      program: 'git',
      argv: [...SAFE_GIT, ...argv],
      cwd: dir,
      env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
      timeoutMs: TIMEOUT_MS,
    });
    if (end.denied !== undefined) throw new GitUnavailable(end.denied.message, end.denied);
    if (end.startError === 'ENOENT') throw new GitUnavailable('git is not installed');
    if (end.startError !== undefined) throw new GitUnavailable(`git cannot be run (${end.startError})`);
    return end.exitCode === 0 && end.cut === undefined ? end.stdout.toString().trim() : undefined;
  }
  function head(): readonly string[] {
    const line = git(['log', '-1', '--format=%H %ct']);
    if (line !== undefined) return line.split(' ');
    if (git(['rev-parse', '--git-dir']) === undefined) {
      throw new GitUnavailable('this is not a git repository');
    }
    throw new GitUnavailable('the git repository has no commit yet');
  }
  const headOnce = once(head);
  const readers: Readonly<Record<string, () => unknown>> = {
    sha: () => headOnce()[0],
    short: () => headOnce()[0]?.slice(0, 7),
    timestamp: () => BigInt(headOnce()[1] ?? '0'),
    branch: () => headOnce() && (git(['symbolic-ref', '--short', '-q', 'HEAD']) ?? null),
    tag: () => headOnce() && (git(['describe', '--tags', '--exact-match', 'HEAD']) ?? null),
    dirty: () => headOnce() && git(['status', '--porcelain']) !== '',
  };
  const result = Object.create(null) as Record<string, unknown>;
  for (const [name, read] of Object.entries(readers)) {
    Object.defineProperty(result, name, { enumerable: true, get: once(read) });
  }
  return result;
}

function once<T>(read: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
