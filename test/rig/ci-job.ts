/** What the imitations of CI runners share: programs that stand in for others, and a repository to clone. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { bakeTsScript, runCommand } from './command.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from './temp.ts';

/** A step or a script, and how it ended. */
export interface CiStep {
  readonly name: string;
  readonly exitCode: number | undefined;
  readonly output: string;
}

const PERSON = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.invalid',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.invalid',
};

/** A repository that runners clone. */
export interface Origin {
  /** Path of the bare repository. */
  readonly dir: string;
  /** Runs git in a clone of it; gives what that says. */
  readonly git: (...argv: readonly string[]) => Promise<string>;
  /** Writes files, commits all of it, and pushes it to a branch; gives the commit. */
  readonly commit: (tree: Readonly<Record<string, TreeEntry>>, branch?: string) => Promise<string>;
}

/** Makes a repository whose branch `main` has some files. */
export async function makeOrigin(t: Cleanup, tree: Readonly<Record<string, TreeEntry>>): Promise<Origin> {
  const dir = await makeTempDir(t, 'origin-');
  const clone = await makeTempDir(t, 'clone-');
  const call = async (cwd: string, argv: readonly string[]): Promise<string> => {
    const done = await runCommand(['git', ...argv], { cwd, env: PERSON });
    assert.equal(done.exitCode, 0, done.stderr);
    return done.stdout.trim();
  };
  const git = (...argv: readonly string[]) => call(clone, argv);
  await call(dir, ['init', '--quiet', '--bare', '--initial-branch=main']);
  // As GitHub does for pull requests, and as clones of a commit take.
  await call(dir, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', dir);
  const commit: Origin['commit'] = async (more, branch = 'main') => {
    await git('checkout', '--quiet', '-B', branch);
    await writeTree(clone, more);
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'state');
    await git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return git('rev-parse', 'HEAD');
  };
  await commit(tree);
  return { dir, git, commit };
}

/** Clones a repository into an empty directory, with a commit checked out; gives the directory. */
export async function cloneAt(repository: string, commit: string, dir: string): Promise<string> {
  for (const argv of [
    ['clone', '--quiet', repository, dir],
    ['-C', dir, 'checkout', '--quiet', '--detach', commit],
  ]) {
    const done = await runCommand(['git', ...argv]);
    assert.equal(done.exitCode, 0, done.stderr);
  }
  return dir;
}

/** Runs a script as a runner does; what it writes to both outputs comes together. */
export async function runScript(
  script: string,
  {
    name,
    cwd,
    env,
    shell,
  }: { name: string; cwd: string; env: Readonly<Record<string, string>>; shell: readonly string[] },
): Promise<CiStep> {
  const file = path.join(env['CI_SCRIPTS'] ?? cwd, `script-${process.hrtime.bigint()}.sh`);
  await writeFile(file, script);
  // Nothing of the machine that tests reaches a runner, which is another one.
  const cleared = Object.fromEntries(Object.keys(process.env).map((key) => [key, undefined]));
  const done = await runCommand([...shell, file], {
    cwd,
    env: { ...cleared, ...PERSON, ...env },
    timeoutMs: 300_000,
  });
  return { name, exitCode: done.exitCode, output: `${done.stdout}${done.stderr}` };
}

/** Where jobs of a test get bake-ts; nothing is there. */
export const TEST_PACKAGE = 'https://files.example.com/bake-ts-0.1.0.tgz';

/** A directory for PATH with the given shell scripts as programs, `npm` that installs this bake-ts for {@link TEST_PACKAGE}, and node. */
export async function makePrograms(
  t: Cleanup,
  scripts: Readonly<Record<string, string>> = {},
): Promise<string> {
  const dir = await makeTempDir(t, 'programs-');
  const npm = `#!/bin/sh
set -eu
prefix=
previous=
for word in "$@"; do
  case $previous in --prefix) prefix=$word/node_modules/.bin ;; esac
  case $word in --global) prefix=${dir} ;; esac
  previous=$word
done
[ "$previous" = '${TEST_PACKAGE}' ]
mkdir -p "$prefix"
cp ${dir}/.bake-ts "$prefix/bake-ts"
`;
  const all = { npm, '.bake-ts': bakeTsScript(), ...scripts };
  for (const [name, text] of Object.entries(all)) {
    await writeFile(path.join(dir, name), text);
    await chmod(path.join(dir, name), 0o755);
  }
  await mkdir(path.join(dir, 'made'), { recursive: true });
  return dir;
}
