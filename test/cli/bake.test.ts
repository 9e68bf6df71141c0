/** The command line in repositories that have bake or Compose files and no builds.yaml. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { assertGolden } from '../rig/golden.ts';
import { findLoaded, readModules } from '../rig/imports.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const TREE = {
  'docker-bake.hcl': `variable "TAG" {
  default = "dev"
  description = "what to call it"
}
variable "API_TOKEN" { default = "hunter2" }
group "default" { targets = ["app"] }
target "base" {
  context = "base"
}
target "app" {
  context = "app"
  contexts = { base = "target:base" }
  tags = ["reg.example.com/app:\${TAG}"]
}
`,
  'base/Dockerfile': 'FROM scratch\nCOPY Dockerfile /\n',
  'app/Dockerfile': 'FROM base\nCOPY Dockerfile /\n',
};

async function makeRepository(t: TestContext, tree: Readonly<Record<string, string>> = TREE) {
  const cwd = await makeTempDir(t, 'bake-files-');
  const home = await makeTempDir(t, 'bake-home-');
  await writeTree(cwd, { ...tree, '.git/HEAD': 'ref: refs/heads/main\n' });
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, BAKE_TS_HOME: home, DOCKER_CONFIG: home };
  const call = async (...argv: readonly string[]) => {
    const io = createFakeIo(argv, { cwd, env });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  return { cwd, env, call };
}

const FOUND = 'docker-bake.hcl is read (no builds.yaml here)\n';

test('the file is found by itself, and one line says so', async (t) => {
  const { call } = await makeRepository(t);
  for (const argv of [['plan'], ['print'], ['list'], ['validate'], ['plan', '--json']]) {
    const done = await call(...argv);
    assert.deepEqual([done.code, done.err], [EXIT.ok, FOUND], argv.join(' '));
  }
  const named = await call('plan', '-f', 'docker-bake.hcl');
  assert.deepEqual([named.code, named.err], [EXIT.ok, '']);
});

test('list shows targets, groups and variables, but no value that sounds like a secret', async (t) => {
  const { call } = await makeRepository(t);
  const { out } = await call('list', '--var', 'TAG=7');
  assert.doesNotMatch(out, /hunter2/);
  assertGolden(out, 'cli/golden/bake-list.txt');
});

test('problems are shown in the file', async (t) => {
  const hcl = TREE['docker-bake.hcl']
    .replace('/app:', '/App:')
    .replace('"app"\n  contexts', '"nowhere"\n  contexts');
  const { call } = await makeRepository(t, { ...TREE, 'docker-bake.hcl': hcl });
  const done = await call('validate');
  assert.equal(done.code, EXIT.invalid);
  assertGolden(done.out, 'cli/golden/bake-problems.txt');
});

test('run --print prints what bake prints, under its other name too', async (t) => {
  const { call } = await makeRepository(t);
  const printed = await call('bake', '--print', '--set', 'app.args.X=${y}', '--push');
  assert.deepEqual([printed.code, printed.err], [EXIT.ok, '']);
  assertGolden(printed.out, 'cli/golden/bake-print.txt');
  assert.equal((await call('run', '--print', 'app', '--set', 'app.args.X=${y}', '--push')).out, printed.out);
  const own = await makeRepository(t, { 'builds.yaml': 'builds: { a: {} }\n' });
  const refused = await own.call('run', '--print');
  assert.equal(refused.code, EXIT.usage);
  assert.match(refused.err, /--print is for bake and Compose files[\s\S]*bake-ts print/);
});

test('options of bake that are none here say what to do', async (t) => {
  const { call } = await makeRepository(t);
  for (const [argv, expected] of [
    [['--load'], /does not load images into Docker[\s\S]*docker load/],
    [['--check'], /bake-ts lint/],
    [['--list', 'targets'], /bake-ts list/],
    [['--progress', 'rawjson'], /--progress json/],
    [['https://github.com/acme/app.git'], /Clone it/],
    [['nope'], /not a build/],
  ] as const) {
    const done = await call('bake', ...argv);
    assert.match(done.err, expected);
    assert.notEqual(done.code, EXIT.ok);
  }
});

test('--allow takes the words of bake', async (t) => {
  const outside = await makeTempDir(t, 'outside-');
  await writeTree(outside, { Dockerfile: 'FROM scratch\n' });
  const hcl = `target "default" { context = "${outside}" }\n`;
  const { call } = await makeRepository(t, { 'docker-bake.hcl': hcl });
  assert.match((await call('plan')).err, /config\/needs-grant/);
  for (const grant of [`fs.read=${outside}`, `fs=${outside}`, 'fs.read=*'])
    assert.equal((await call('plan', '--allow', grant)).code, EXIT.ok, grant);
});

test('affected goes by what the file said before, also where a file comes or goes', async (t) => {
  const { cwd, env, call } = await makeRepository(t, {
    ...TREE,
    'docker-bake.override.hcl': 'target "base" { labels = { z = "1" } }\n',
  });
  const git = async (...argv: readonly string[]) => {
    const name = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    const done = await runCommand(['git', ...name, ...argv], { cwd, env });
    assert.equal(done.exitCode, 0, done.stderr);
  };
  await runCommand(['rm', '-r', '.git'], { cwd, env });
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-qm', 'one');
  const affected = async () => (await call('affected', '--since', 'HEAD')).out.trim().split('\n');
  assert.deepEqual(await affected(), ['']);
  await writeTree(cwd, {
    'docker-bake.hcl': TREE['docker-bake.hcl'].replace('"base" {', '"base" {\n labels = { a = "b" }\n'),
  });
  assert.deepEqual(await affected(), ['base', 'app']);
  const { out } = await call('affected', '--since', 'HEAD', '--verbose');
  assert.match(out, /docker-bake\.hcl changed its labels/);
  await writeTree(cwd, { 'docker-bake.hcl': `${TREE['docker-bake.hcl']}\n# nothing\n` });
  assert.deepEqual(await affected(), ['']);
  await runCommand(['rm', 'docker-bake.override.hcl'], { cwd, env });
  assert.deepEqual(await affected(), ['base', 'app']);
});

test('nothing of it is loaded for a builds.yaml', () => {
  const modules = [...readModules('cli'), ...readModules('lib')];
  const HEAVY = /^lib\/(?:hcl|bake|convert|targets)\/|^lib\/config\/bake-(?:source|overrides)\.ts/;
  const roots = [
    'cli/main.ts',
    'cli/commands/run.ts',
    'cli/commands/plan.ts',
    'lib/config/mod.ts',
    'lib/run/mod.ts',
  ];
  assert(findLoaded(modules, ['lib/config/bake-source.ts']).size > 10);
  assert.deepEqual(
    [...findLoaded(modules, roots)].filter((one) => HEAVY.test(one)),
    [],
  );
  assert(modules.some(({ file }) => file === path.posix.join('lib/config', 'bake-source.ts')));
});
