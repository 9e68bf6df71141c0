/** Queries a git repository: which files differ from an earlier state, and what they contained then. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, problem, type Result, wasCancelled } from '../model/mod.ts';
import { type ProgramEnd, runProgram, SAFE_GIT, type System, thisSystem, whyFailed } from '../system/mod.ts';

/** A repository and one state of it. */
export interface GitState {
  /** Real path of the work tree. */
  readonly top: string;
  /** For `GIT_DIR`. */
  readonly gitDir: string;
  /** Full id of the commit. */
  readonly commit: string;
}

interface Git {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * File modes and the case of names are part of keys, whatever this clone's configuration says (git-config(1)): a file of
 * which only the case of the name changed is reported as untracked.
 */
function literalGit(system: System): readonly string[] {
  return ['-c', 'core.ignoreCase=false', ...(system === 'win32' ? [] : ['-c', 'core.fileMode=true'])];
}

/**
 * The names under which a file of git may exist on disk. On macOS git uses composed Unicode characters
 * (`core.precomposeUnicode`), while a directory may have decomposed ones.
 */
export function spellingsOnDisk(name: string, system: System = thisSystem()): readonly string[] {
  return system === 'darwin' ? [...new Set([name, name.normalize('NFC'), name.normalize('NFD')])] : [name];
}

const OUTPUT_LIMIT = 512 * 1024 * 1024;

/**
 * Finds the repository of a directory and the commit of a revision. `main...` is the merge base of the work tree's branch
 * and `main`. Problems: `cli/no-git`, `cli/unknown-revision`, `run/cancelled`.
 */
export async function openGitState(
  cwd: string,
  env: Git['env'],
  revision: string,
  signal?: AbortSignal,
): Promise<Result<GitState>> {
  const git: Git = { cwd, env };
  const found = await run(git, ['rev-parse', '--show-toplevel', '--absolute-git-dir'], signal);
  const [top = '', gitDir = ''] = found.ok ? text(found.value).split('\n') : [];
  if (isCancelled(found)) return fail([wasCancelled()]);
  if (!found.ok || top === '') {
    if (!found.ok && found.error.denied !== undefined) return fail([found.error.denied]);
    const missing = !found.ok && found.error.startError === 'ENOENT';
    return fail([
      problem(
        'cli/no-git',
        missing ? 'git is not installed' : `${cwd} is not in the work tree of a git repository`,
        {
          hint: 'Run it inside a clone with git installed, or name the builds yourself',
        },
      ),
    ]);
  }
  const fork = revision.endsWith('...');
  const name = fork ? revision.slice(0, -3) : revision;
  const named = await run(
    git,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
    signal,
  );
  const base = named.ok && fork ? await run(git, ['merge-base', text(named.value), 'HEAD'], signal) : named;
  if (isCancelled(base)) return fail([wasCancelled()]);
  if (!base.ok) {
    const what = named.ok
      ? `"${name}" and the checked-out branch have no commit in common`
      : `git has no commit "${name}"`;
    return fail([
      problem('cli/unknown-revision', what, {
        hint: 'In CI, fetch more history (GitHub: fetch-depth: 0), or fetch the branch by its name',
      }),
    ]);
  }
  return ok({ top: await realpath(top), gitDir, commit: text(base.value).split('\n')[0] ?? '' });
}

/**
 * Files that differ between the commit and the work tree, including untracked files that git does not ignore and both
 * paths of a renamed file. Absolute, sorted. Problems: `cli/no-git`, `run/cancelled`.
 */
export async function changedFiles(
  state: GitState,
  env: Git['env'],
  signal?: AbortSignal,
): Promise<Result<readonly string[]>> {
  const git: Git = { cwd: state.top, env };
  const outputs = await Promise.all([
    run(
      git,
      [
        ...literalGit(thisSystem()),
        'diff',
        '--name-only',
        '-z',
        '--no-renames',
        '--no-ext-diff',
        '--no-relative',
        '--ignore-submodules=none',
        state.commit,
        '--',
      ],
      signal,
    ),
    run(git, [...literalGit(thisSystem()), 'ls-files', '--others', '--exclude-standard', '-z'], signal),
  ]);
  const names = new Set<string>();
  for (const output of outputs) {
    if (isCancelled(output)) return fail([wasCancelled()]);
    if (!output.ok) {
      return fail([
        problem('cli/no-git', 'git cannot list the changed files', {
          detail: output.error.stderr.trim() || whyFailed(output.error),
        }),
      ]);
    }
    for (const name of text(output.value)
      .split('\0')
      .filter((one) => one !== ''))
      for (const one of spellingsOnDisk(name)) names.add(path.join(state.top, one));
  }
  return ok([...names].sort());
}

/** The content of a file (absolute) at the commit; undefined if it did not exist or is outside of the repository. */
export async function fileAt(
  state: GitState,
  env: Git['env'],
  file: string,
): Promise<Uint8Array | undefined> {
  const relative = path.relative(state.top, file).split(path.sep).join('/');
  if (relative === '' || relative.startsWith('../')) return undefined;
  const shown = await run({ cwd: state.top, env }, ['cat-file', 'blob', `${state.commit}:${relative}`]);
  return shown.ok ? shown.value : undefined;
}

function isCancelled(answer: Result<Uint8Array, ProgramEnd>): boolean {
  return !answer.ok && answer.error.ended === 'cancelled';
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\n$/, '');
}

async function run(
  { cwd, env }: Git,
  argv: readonly string[],
  signal?: AbortSignal,
): Promise<Result<Uint8Array, ProgramEnd>> {
  const end = await runProgram({
    program: 'git',
    argv: [...SAFE_GIT, ...argv],
    cwd,
    // Otherwise git may refresh the index, which writes to the repository.
    env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
    stdoutLimit: OUTPUT_LIMIT,
    ...(signal === undefined ? {} : { signal }),
  });
  return end.exitCode === 0 && end.cut === undefined ? ok(end.stdout) : fail(end);
}

/** The default branch of the remote `origin` when this clone was made; undefined if not known. */
export async function defaultBranch(cwd: string, env: Git['env']): Promise<string | undefined> {
  const found = await run({ cwd, env }, ['symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD']);
  const name = found.ok ? text(found.value).trim() : '';
  return name.startsWith('origin/') ? name.slice('origin/'.length) : undefined;
}
