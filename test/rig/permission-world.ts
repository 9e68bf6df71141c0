/** bake-ts under a runtime that permits only some things, in a repository with a registry and an engine that answers. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type CommandResult, runBakeTs, runCommand } from './command.ts';
import { makeFakeBuildctl } from './fake-buildctl.ts';
import { startFakeRegistry } from './fake-registry.ts';
import { putBase } from './fake-world.ts';
import { compiled, repoPath, repoRoot } from './paths.ts';
import { type Cleanup, makeTempDir, writeTree } from './temp.ts';

/** A line of a table of docs/permissions.md. */
export interface TableRow {
  readonly commands: readonly string[];
  readonly flags: readonly string[];
  readonly optional: readonly string[];
}

/** The table of a runtime. */
export async function readTable(runtime: 'deno' | 'node'): Promise<readonly TableRow[]> {
  const text = await readFile(repoPath('docs/permissions.md'), 'utf8');
  const [, table = ''] = new RegExp(`<!-- ${runtime} -->\n([\\s\\S]*)<!-- /${runtime} -->`).exec(text) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => {
      const [, commands = '', flags = '', optional = ''] = line.split('|');
      const codes = (cell: string) => [...cell.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code);
      return { commands: codes(commands), flags: codes(flags), optional: codes(optional) };
    });
}

/** A command that has run. */
export interface PermittedRun extends CommandResult {
  /** The words of the tables as they were for it. */
  readonly fill: (text: string) => string;
}

/** Where commands run. */
export interface PermissionWorld {
  /** Runs bake-ts with flags of the runtime. */
  readonly run: (flags: readonly string[], command: string) => Promise<PermittedRun>;
}

/** Makes a repository in which each command of the tables has something to do. */
export async function makePermissionWorld(t: Cleanup): Promise<PermissionWorld> {
  const registry = await startFakeRegistry(t);
  const digest = putBase(registry, 'base', '1', 'one');
  const dir = await makeTempDir(t, 'permissions-');
  const [home = '', tmp = ''] = ['home', 'tmp'].map((name) => path.join(dir, name));
  for (const one of [home, tmp]) await mkdir(one);
  const image = `${registry.host}/base:1`;
  const tree = {
    'builds.yaml': `builds: { base: { context: base, tags: ["${image}"], push: true } }\n`,
    'base/Dockerfile': `FROM ${image}\nCOPY a a\n`,
    'base/a': 'a',
    'made.json': JSON.stringify({
      version: 1,
      builds: {
        base: {
          result: 'built',
          role: 'asked',
          digest,
          platforms: ['linux/amd64'],
          tags: [{ ref: `${registry.host}/base@${digest}`, digest, action: 'pushed' }],
        },
      },
    }),
    'docker-bake.hcl': 'target "default" { context = "base" }\n',
  };
  const [repo, locked] = [path.join(dir, 'repo'), path.join(dir, 'locked')];
  await writeTree(repo, tree);
  await git(repo, 'init', '-q');
  await git(repo, 'add', '-A');
  await git(repo, 'commit', '-qm', 'one');
  await writeFile(path.join(repo, 'base/a'), 'b');
  const lock = JSON.stringify({ version: 1, images: { [image]: digest } }, undefined, 2);
  await writeTree(locked, { ...tree, 'builds.lock': `${lock}\n` });
  const fake = await makeFakeBuildctl(t, [{ metadata: { 'containerimage.digest': digest } }]);
  // Node hands its permissions on to programs that are Node.
  const buildctl = path.join(dir, 'buildctl');
  await writeFile(buildctl, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${fake.path} "$@"\n`, { mode: 0o755 });
  const socket = path.join(dir, 'buildkitd.sock');
  const server = createServer((connection) => connection.end()).listen(socket);
  t.after(() => {
    server.close();
  });

  const words: Readonly<Record<string, string>> = {
    STATE: path.join(home, '.local/state/bake-ts'),
    TMP: tmp,
    DOCKER: path.join(home, '.docker/config.json'),
    REGISTRY: registry.host,
    SOCKET: socket,
    BUILDCTL: buildctl,
    PACKAGE: repoRoot,
    ENGINE: path.join(home, '.local/share/bake-ts/engine'),
  };
  const env = {
    HOME: home,
    DENO_DIR: process.env['DENO_DIR'] ?? path.join(process.env['HOME'] ?? '/', '.cache/deno'),
    TMPDIR: tmp,
    BUILDKIT_HOST: `unix://${socket}`,
    BUILDCTL: buildctl,
    NO_COLOR: '1',
    COLUMNS: '500',
    FORCE_COLOR: undefined,
    CI: undefined,
    GITHUB_ACTIONS: undefined,
    XDG_CONFIG_HOME: undefined,
    XDG_STATE_HOME: undefined,
    BAKE_TS_HOME: undefined,
    DOCKER_CONFIG: undefined,
    LD_LIBRARY_PATH: undefined,
    NODE_OPTIONS: undefined,
  };
  let runs = 0;
  const run = async (flags: readonly string[], command: string): Promise<PermittedRun> => {
    const number = runs++;
    // `outdated` and `update` need a lock. `lock` does nothing the second time, and several of these run at once.
    const unlocked = path.join(dir, `unlocked${number}`);
    if (/^lock\b/.test(command)) await writeTree(unlocked, tree);
    const cwd = /^(?:outdated|update)/.test(command) ? locked : /^lock\b/.test(command) ? unlocked : repo;
    const fill = (text: string) =>
      text.replace(/\b[A-Z]+\b/g, (word) => (word === 'REPO' ? cwd : words[word]) ?? word);
    // Where all is in place already, less is asked for.
    const fresh = command.replace(/\/live$/, () => `/live${number}`);
    const argv = [...permittedCommand(flags.map(fill)), ...fresh.split(' ').map(fill)];
    return { ...(await runCommand(argv, { cwd, env, onStart: stopWatching })), fill };
  };
  // Something for `logs`, `history` and `report` to tell of.
  const made = await runBakeTs(['run'], { cwd: repo, env });
  assert.equal(made.exitCode, 0, made.stderr);
  return { run };
}

/** Ends what would go on for ever, once it has come to waiting. */
function stopWatching(child: ChildProcess): void {
  child.stderr?.on('data', (text: string) => {
    // Of a process that its own method signalled, Deno says that the signal ended it.
    if (text.includes('waiting for changes') && child.pid !== undefined) process.kill(child.pid, 'SIGINT');
  });
}

function git(cwd: string, ...argv: readonly string[]): Promise<CommandResult> {
  return runCommand(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...argv], { cwd });
}

/**
 * The command line that starts bake-ts, or a script, with flags of the runtime. Where Deno starts Deno without flags of permissions, it
 * gives it all.
 */
export function permittedCommand(flags: readonly string[], script?: string): readonly string[] {
  if (process.versions['deno'] !== undefined) {
    const config = ['--config', repoPath('deno.json')];
    const entry = script ?? repoPath('cli/main.ts');
    return [
      process.execPath,
      'run',
      '--no-prompt',
      '--no-lock',
      '--deny-ffi',
      '--no-check',
      ...config,
      ...flags,
      entry,
    ];
  }
  const isOld = Number(process.versions.node.split('.')[0]) < 22;
  const own = ['dist', 'cli', 'lib', 'schemas', 'node_modules', 'package.json'].map(
    (name) => `--allow-fs-read=${repoPath(name)}`,
  );
  const permission = isOld ? '--experimental-permission' : '--permission';
  const entry = compiled ? repoPath('dist/cli/main.js') : repoPath('cli/main.ts');
  return [process.execPath, '--no-warnings', permission, ...own, ...flags, script ?? entry];
}
