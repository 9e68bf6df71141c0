/** `affected` in real git repositories. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

const TREE: Readonly<Record<string, TreeEntry>> = {
  'builds.yaml': `include: [parts/more.yaml]
vars: { VERSION: { default: "\${{ readText('VERSION') }}" } }
builds:
  base: { context: base }
  api: { context: api, contexts: { base: "build:base" }, args: { SHA: "\${{ git.sha }}" } }
  web: { context: web, labels: { version: "\${{ vars.VERSION }}" } }
groups: { default: [web] }
`,
  'parts/more.yaml': 'builds: { docs: { context: ../docs } }\n',
  VERSION: '1\n',
  '.gitignore': 'out/\n',
  'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'base/old name': 'x\n',
  'api/Dockerfile': 'FROM base AS stage\nCOPY src /\n',
  'api/src/a': '1',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'docs/Dockerfile': 'FROM scratch\nCOPY . /\n',
};

async function makeRepository(t: TestContext) {
  const top = await makeTempDir(t);
  const home = await makeTempDir(t);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  const git = async (...argv: readonly string[]) => {
    const name = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    const done = await runCommand(['git', ...name, ...argv], { cwd: top, env });
    assert.equal(done.exitCode, 0, done.stderr);
    return done.stdout.trim();
  };
  const commit = async () => {
    await git('add', '-A');
    await git('commit', '-q', '--allow-empty', '-m', 'state');
  };
  const call = async (argv: readonly string[], cwd = top, changes: Readonly<Record<string, string>> = {}) => {
    const io = createFakeIo(['affected', ...argv], { cwd, env: { ...env, ...changes } });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  /** Names since HEAD, asserting success. */
  const since = async (revision = 'HEAD', ...argv: readonly string[]) => {
    const { code, out, err } = await call(['--since', revision, ...argv]);
    assert.deepEqual([code, err], [EXIT.ok, '']);
    return out.split('\n').slice(0, -1);
  };
  await writeTree(top, TREE);
  await git('init', '-q', '-b', 'main');
  await commit();
  return { top, git, commit, call, since };
}

test('without a change nothing is affected; untracked and committed changes are, ignored files are not', async (t) => {
  const { top, commit, since } = await makeRepository(t);
  assert.deepEqual(await since(), []);
  await writeTree(top, { 'web/out/x': '', 'web/new': '' });
  assert.deepEqual(await since(), ['web']);
  await commit();
  assert.deepEqual(await since(), []);
  assert.deepEqual(await since('HEAD~1'), ['web']);
  await writeTree(top, { 'base/f': '' });
  assert.deepEqual(await since('HEAD~1'), ['base', 'api', 'web']);
  assert.deepEqual(await since('HEAD~1', 'api'), ['api']);
});

test('a build whose Dockerfile cannot be read is listed, and the code is that of a run', async (t) => {
  const { top, call } = await makeRepository(t);
  await writeTree(top, { 'docs/Dockerfile': 'COPPY . /\n', 'web/new': '' });
  for (const form of [[], ['--json']]) {
    const { code, out, err } = await call(['--since', 'HEAD', ...form]);
    assert.equal(code, EXIT.invalid);
    assert.match(out, /docs(?:.|\n)*web/);
    assert.match(err, /dockerfile\/unknown-instruction/);
  }
});

test('of a renamed file both paths count, whatever it is called', async (t) => {
  const { top, git, commit, since } = await makeRepository(t);
  await rename(path.join(top, 'base/old name'), path.join(top, 'web/né\n"w"'));
  await git('add', '-A');
  assert.deepEqual(await since(), ['base', 'api', 'web']);
  await commit();
  await git('config', 'diff.renames', 'copies');
  assert.deepEqual(await since('HEAD~1'), ['base', 'api', 'web']);
});

test('from below the root, and of another directory, it is the same', async (t) => {
  const { top, call } = await makeRepository(t);
  await writeTree(top, { 'docs/f': '' });
  assert.equal((await call(['--since', 'HEAD'], path.join(top, 'api'))).out, 'docs\n');
  assert.equal((await call(['--since', 'HEAD', '-C', path.join(top, 'api')], '/')).out, 'docs\n');
  assert.equal(
    (await call(['--since', 'HEAD', '-f', '../parts/more.yaml'], path.join(top, 'api'))).out,
    'docs\n',
  );
});

test('builds files count by what they say: git.sha of now, and the text of files that they read', async (t) => {
  const { top, commit, since } = await makeRepository(t);
  const builds = String(TREE['builds.yaml']);
  await writeTree(top, { 'builds.yaml': `# a word\n${builds}` });
  assert.deepEqual(await since(), []);
  await commit();
  await writeTree(top, { 'builds.yaml': builds.replace('default: [web]', 'default: [api]') });
  assert.deepEqual(await since(), []);
  await writeTree(top, { 'builds.yaml': builds.replace('context: api,', 'context: api, target: stage,') });
  assert.deepEqual(await since(), ['api']);
  await writeTree(top, {
    'builds.yaml': builds,
    'parts/more.yaml': 'builds: { docs: { context: ../docs, args: { A: b } } }\n',
  });
  assert.deepEqual(await since(), ['docs']);
  await commit();
  await writeTree(top, { VERSION: '2\n' });
  assert.deepEqual(await since(), ['web']);
  const { stdout } = await runCommand(['git', 'status', '--porcelain'], { cwd: top });
  assert.equal(stdout, ' M VERSION\n');
});

test('where the builds file of then cannot be read, every build counts', async (t) => {
  const { top, commit, since } = await makeRepository(t);
  await writeTree(top, { 'builds.yaml': 'builds: [\n' });
  await commit();
  await writeTree(top, { 'builds.yaml': String(TREE['builds.yaml']) });
  assert.deepEqual(await since(), ['docs', 'base', 'api', 'web']);
  await rm(path.join(top, 'builds.yaml'));
  await commit();
  await writeTree(top, { 'builds.yaml': String(TREE['builds.yaml']) });
  assert.equal((await since()).length, 4);
});

test('a file of variables counts as part of the builds file', async (t) => {
  const { top, commit, since } = await makeRepository(t);
  await writeTree(top, { 'ci.env': 'VERSION=7\n' });
  await commit();
  assert.deepEqual(await since('HEAD', '--var-file', 'ci.env'), []);
  await writeTree(top, { 'ci.env': 'VERSION=8\n' });
  assert.deepEqual(await since('HEAD', '--var-file', 'ci.env'), ['web']);
  assert.deepEqual(await since(), []);
});

test('builds.lock counts by the images that moved', async (t) => {
  const { top, commit, since } = await makeRepository(t);
  const lock = (digit: string) =>
    JSON.stringify({ version: 1, images: { '127.0.0.1:1/x/one:1': `sha256:${digit.repeat(64)}` } });
  await writeTree(top, { 'docs/Dockerfile': 'FROM 127.0.0.1:1/x/one:1\n', 'builds.lock': lock('1') });
  await commit();
  await writeTree(top, { 'builds.lock': lock('2') });
  assert.deepEqual(await since(), ['docs']);
});

test('three dots compare with where the branch was left', async (t) => {
  const { top, git, commit, since } = await makeRepository(t);
  await git('checkout', '-q', '-b', 'topic');
  await writeTree(top, { 'web/f': '' });
  await commit();
  await git('checkout', '-q', 'main');
  await writeTree(top, { 'docs/f': '' });
  await commit();
  await git('checkout', '-q', 'topic');
  assert.deepEqual(await since('main...'), ['web']);
  assert.deepEqual(await since('main'), ['docs', 'web']);
});

test('reasons come with --verbose and as JSON', async (t) => {
  const { top, git, call } = await makeRepository(t);
  await writeTree(top, { 'base/f': '' });
  const verbose = await call(['--since', 'main', '--verbose']);
  assert.equal(verbose.out, 'base\n  f in its context changed\napi\n  its dependency base is affected\n');
  const json = await call(['--since', 'main', '--json', 'api']);
  assert.deepEqual(JSON.parse(json.out), {
    version: 1,
    since: 'main',
    commit: await git('rev-parse', 'HEAD'),
    files: 1,
    builds: [
      {
        build: 'base',
        role: 'needed',
        reasons: [{ code: 'file', text: 'f in its context changed', path: 'base/f' }],
      },
      {
        build: 'api',
        role: 'asked',
        reasons: [{ code: 'needs', text: 'its dependency base is affected', build: 'base' }],
      },
    ],
  });
});

test('what git does not know is an error, never an empty list', async (t) => {
  const { top, git, call } = await makeRepository(t);
  const none = await call([]);
  assert.deepEqual([none.code, none.out], [EXIT.usage, '']);
  assert.match(none.err, /--since/);
  const unknown = await call(['--since', 'nowhere']);
  assert.deepEqual([unknown.code, unknown.out], [EXIT.usage, '']);
  assert.match(unknown.err, /cli\/unknown-revision[\s\S]*fetch-depth: 0/);
  assert.match((await call(['--since=--help'])).err, /cli\/unknown-revision/);
  await git('checkout', '-q', '--orphan', 'other');
  await git('commit', '-q', '--allow-empty', '-m', 'other');
  assert.match((await call(['--since', 'main...'])).err, /no commit in common/);
  const bare = await makeTempDir(t);
  await writeTree(bare, { 'builds.yaml': 'builds: { a: { context: . } }\n', Dockerfile: 'FROM scratch\n' });
  const outside = await call(['--since', 'HEAD'], bare);
  assert.deepEqual([outside.code, outside.out], [EXIT.usage, '']);
  assert.match(outside.err, /cli\/no-git[\s\S]*not in the work tree/);
  const empty = path.join(top, 'no-programs');
  await mkdir(empty);
  assert.match((await call(['--since', 'HEAD'], top, { PATH: empty })).err, /git is not installed/);
});
