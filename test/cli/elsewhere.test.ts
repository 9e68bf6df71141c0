/**
 * The commands that macOS and Windows run, as whole processes that take their system for one of them (test/rig/other-system.mjs).
 *
 * What this proves: on the way of these commands nothing is asked that only Linux has, no program of the working directory is run on
 * Windows, and names in other letters' case are no files of a context. What it does not: that a real macOS or Windows answers as it is
 * said here. Paths are those of this machine; what depends on them is tested with tables (test/system/elsewhere.test.ts and others).
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type CommandResult, runBakeTs, runCommand } from '../rig/command.ts';
import { type FakeBuildctl, makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { acceptAt } from '../rig/listen.ts';
import { repoPath } from '../rig/paths.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

type Other = 'darwin' | 'win32';
const OTHERS: readonly Other[] = ['darwin', 'win32'];

const isDeno = process.versions['deno'] !== undefined;
const skip = isDeno && 'Deno’s node:fs cannot be replaced before a program imports it';

/** An engine that builds for another architecture than this machine may have, and keeps no images. */
const WORKER = JSON.stringify([
  {
    id: 'w',
    labels: { 'org.mobyproject.buildkit.worker.executor': 'oci' },
    platforms: [{ os: 'linux', architecture: 'riscv64' }],
  },
]);

const TREE = {
  'builds.yaml': `builds:
  base: { context: base, tags: ["local/base:1"] }
  api:
    context: api
    contexts: { base: "build:base", other: shared }
    secrets: [{ id: key, file: key.txt }]
groups: { default: [api] }
`,
  'base/Dockerfile': 'FROM scratch\r\nCOPY . /\r\n',
  'base/.dockerignore': 'no*\r\n',
  'base/notes': 'left out',
  'base/run.sh': { content: '#!/bin/sh\n', mode: 0o755 },
  'base/link': { symlink: 'run.sh' },
  'api/Dockerfile': 'FROM base\nCOPY main.c Extra.txt /\nCOPY --from=other . /\n',
  'api/main.c': 'int main() {}\n',
  // Found as `Dockerfile.dockerignore` there, but not by the engine.
  'api/dockerfile.dockerignore': '*.c\n',
  // The engine does not find it as `Extra.txt`.
  'api/extra.txt': 'more',
  'shared/one': '1',
  'key.txt': 'k',
} as const;

interface Elsewhere {
  readonly cwd: string;
  readonly buildctl: FakeBuildctl;
  /** Runs bake-ts and gives what it asked that the system does not have. */
  readonly run: (argv: readonly string[]) => Promise<CommandResult & { readonly asked: string }>;
}

async function makeElsewhere(
  t: Cleanup,
  system: Other,
  tree: Parameters<typeof writeTree>[1] = TREE,
): Promise<Elsewhere> {
  const root = await makeTempDir(t, 'el-');
  const [cwd, bin, notes] = [path.join(root, 'repo'), path.join(root, 'bin'), path.join(root, 'asked.txt')];
  await writeTree(cwd, tree);
  await mkdir(bin);
  const git = await runCommand(['sh', '-c', 'command -v git']);
  const ending = system === 'win32' ? '.exe' : '';
  await symlink(git.stdout.trim(), path.join(bin, `git${ending}`));
  const buildctl = await makeFakeBuildctl(t, [{ when: ['workers'], stdout: WORKER }]);
  await symlink(buildctl.path, path.join(bin, `buildctl${ending}`));
  // Somebody may put them there.
  for (const name of ['git.exe', 'buildctl.exe', 'git'])
    await writeFile(path.join(cwd, name), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
  const socket = await acceptAt(t, path.join(root, 'buildkitd.sock'));
  const env = {
    ...(system === 'win32' ? { PATH: undefined } : {}),
    [system === 'win32' ? 'Path' : 'PATH']: [bin, path.dirname(process.execPath), '/usr/bin', '/bin'].join(
      path.delimiter,
    ),
    HOME: root,
    USERPROFILE: root,
    DOCKER_CONFIG: path.join(root, 'docker'),
    BUILDKIT_HOST: system === 'win32' ? 'docker-container://buildkitd' : socket,
    NODE_OPTIONS: `--import=${pathToFileURL(repoPath('test/rig/other-system.mjs')).href}`,
    BAKE_TS_TEST_SYSTEM: system,
    BAKE_TS_TEST_NOTES: notes,
    BAKE_TS_TEST_ROOT: root,
    BAKE_TS_HOME: undefined,
    BUILDCTL: undefined,
    XDG_STATE_HOME: undefined,
    XDG_CONFIG_HOME: undefined,
    TMPDIR: root,
  };
  const run: Elsewhere['run'] = async (argv) => {
    await writeFile(notes, '');
    const ended = await runBakeTs(argv, { cwd, env });
    return { ...ended, asked: await readFile(notes, 'utf8') };
  };
  await runCommand(['git', 'init', '-q'], { cwd });
  await runCommand(['git', 'add', '-A'], { cwd });
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.c'];
  await runCommand(['git', ...who, 'commit', '-qm', 'one'], { cwd });
  return { cwd, buildctl, run };
}

for (const system of OTHERS) {
  test(`${system}: commands that need no engine ask nothing that only Linux has`, { skip }, async (t) => {
    const { cwd, run } = await makeElsewhere(t, system);
    await writeTree(cwd, {
      'hcl/docker-bake.hcl': 'target "default" {\n  context = "base"\n  tags = ["local/a:1"]\n}\n',
      'new/app/Dockerfile': 'FROM scratch\n',
    });
    await writeFile(path.join(cwd, 'api/main.c'), 'int main() { return 1; }\n');
    const rows: readonly (readonly [string, RegExp])[] = [
      ['plan', /api/],
      ['plan --json', /"builds"|"nodes"/],
      ['validate', /./],
      ['print', /dockerfile|context/],
      ['list', /base/],
      ['explain api', /api/],
      ['affected --since HEAD', /^api$/m],
      ['import hcl/docker-bake.hcl', /builds:/],
      ['plan -f hcl/docker-bake.hcl', /local/],
      ['init -C new', /./],
      ['--version', /bake-ts/],
    ];
    for (const [words, said] of rows) {
      const ended = await run(words.split(' '));
      assert.equal(ended.asked, '', words);
      assert.equal(ended.exitCode, 0, `${words}: ${ended.stderr}`);
      assert.match(ended.stdout + ended.stderr, said, words);
    }
  });

  test(`${system}: a run against an engine elsewhere builds, and the next one skips`, { skip }, async (t) => {
    const { cwd, run, buildctl } = await makeElsewhere(t, system);
    const builds = async (): Promise<number> =>
      (await buildctl.calls()).filter(({ argv }) =>
        argv.some((word) => word.endsWith(`=${path.join(cwd, 'api')}`)),
      ).length;
    const counts: number[] = [];
    const runOnce = async (): Promise<void> => {
      const before = await builds();
      const ended = await run(['run', '--no-push']);
      assert.equal(ended.asked, '');
      assert.equal(ended.exitCode, 0, ended.stderr);
      counts.push((await builds()) - before);
    };
    await runOnce();
    await runOnce();
    await writeFile(path.join(cwd, 'api/main.c'), 'changed');
    await runOnce();
    await rename(path.join(cwd, 'api/extra.txt'), path.join(cwd, 'api/Extra.txt'));
    await runOnce();
    assert.deepEqual(counts, [1, 0, 1, 1]);
    const explained = await run(['explain', 'api', '--json']);
    // The engine was asked: it is not this machine's.
    assert.match(explained.stdout, /riscv64/);
    for (const words of [['history'], ['logs', 'api'], ['run', '--dry-run']]) {
      const ended = await run(words);
      assert.equal(ended.asked, '', words.join(' '));
      assert.equal(ended.exitCode, 0, ended.stderr);
    }
  });

  test(`${system}: the embedded engine is refused, and the ways elsewhere are named`, { skip }, async (t) => {
    const { run } = await makeElsewhere(t, system);
    for (const words of ['engine up', 'engine install']) {
      const ended = await run(words.split(' '));
      assert.equal(ended.asked, '', words);
      assert.notEqual(ended.exitCode, 0);
      assert.match(ended.stderr, /engine\/unsupported-platform/, words);
      assert.match(ended.stderr, /docker-container:\/\/buildkitd/, words);
    }
    for (const words of ['engine status', 'engine down', 'engine doctor'])
      assert.equal((await run(words.split(' '))).asked, '', words);
  });

  test(`${system}: files of strangers are built where a git directory has one name alone`, {
    skip,
  }, async (t) => {
    const { run } = await makeElsewhere(t, system, {
      'builds.yaml': 'builds: { a: {} }\n',
      Dockerfile: 'FROM scratch\n',
    });
    const planned = await run(['plan', '--untrusted']);
    assert.equal(planned.asked, '');
    if (system === 'darwin') assert.equal(planned.exitCode, 0, planned.stderr);
    else assert.match(planned.stderr, /config\/untrusted\]: Untrusted files cannot be built on Windows/);
  });
}
