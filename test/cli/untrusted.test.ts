/** The command line with files of a stranger, and with grants. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const PASSWORD = 'pa55-of-the-user';

async function makeRepository(t: TestContext, yaml: (host: string) => string) {
  const registry = await startFakeRegistry(t);
  const top = await makeTempDir(t, 'stranger-');
  const home = await makeTempDir(t, 'stranger-home-');
  const cwd = path.join(top, 'repo');
  await writeTree(cwd, {
    'builds.yaml': yaml(registry.host),
    // A variable of the base image is asked for where ENV of it counts.
    'app/Dockerfile': `FROM ${registry.host}/private/base:1\nARG X=$PATH\nCOPY file /\n`,
    'app/file': '1\n',
  });
  const auths = { [registry.host]: { auth: Buffer.from(`user:${PASSWORD}`).toString('base64') } };
  await writeTree(home, { 'docker/config.json': JSON.stringify({ auths }) });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: path.join(home, 'docker'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    SECRET_OF_CI: 'ci-secret-value',
  };
  const git = async (...argv: readonly string[]) => {
    const name = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    const done = await runCommand(['git', ...name, ...argv], { cwd, env });
    assert.equal(done.exitCode, 0, done.stderr);
  };
  const call = async (...argv: readonly string[]) => {
    const io = createFakeIo(argv, { cwd, env });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err(), all: io.out() + io.err() };
  };
  return { registry, cwd, home, git, call };
}

const stranger = (host: string) => `
engine: { address: "tcp://127.0.0.1:9" }
record: registry
vars: { TOKEN: { env: SECRET_OF_CI, default: none } }
builds:
  app: { context: app, tags: ["${host}/app:1"], push: true, labels: { t: "\${{ vars.TOKEN }}" } }
`;

test('commands that look at files of a stranger ask nobody and show no secret', async (t) => {
  const { registry, cwd, git, call } = await makeRepository(t, stranger);
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-qm', 'one');
  await writeFile(path.join(cwd, 'app/file'), '2\n');
  for (const argv of [
    ['plan'],
    ['plan', '--json'],
    ['validate'],
    ['print'],
    ['list'],
    ['affected', '--since', 'HEAD'],
    ['affected', '--since', 'HEAD', '--json'],
  ]) {
    const done = await call(...argv, '--untrusted');
    assert.equal(done.code, EXIT.ok, `${argv.join(' ')}\n${done.all}`);
    assert.equal(done.all.includes('ci-secret-value'), false, argv.join(' '));
    assert.match(done.err + done.out, /config\/untrusted/);
  }
  assert.deepEqual(registry.requests, []);
  const { out } = await call('affected', '--since', 'HEAD', '--untrusted');
  assert.equal(out, 'app\n');
  // Trusted, `affected` looks into the base image.
  await call('affected', '--since', 'HEAD');
  assert(registry.requests.length > 0);
});

test('what reads images that a stranger names does so without credentials', async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? 'none');
    response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  });
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  const { cwd, home, call } = await makeRepository(t, () => stranger(host));
  await writeTree(cwd, { 'app/Dockerfile': `FROM ${host}/private/base:1\n` });
  const auth = Buffer.from(`user:${PASSWORD}`).toString('base64');
  await writeTree(home, { 'docker/config.json': JSON.stringify({ auths: { [host]: { auth } } }) });
  await call('explain', '--untrusted');
  assert(seen.length > 0);
  assert.deepEqual([...new Set(seen)], ['none']);
  await call('explain');
  assert(seen.includes(`Basic ${auth}`));
});

test('a directory that looks like a bare repository makes git run nothing', async (t) => {
  const { cwd, git, call } = await makeRepository(
    t,
    () => 'builds: { app: { context: app, labels: { sha: "${{ git.sha }}", d: "${{ git.dirty }}" } } }',
  );
  const mark = path.join(cwd, '..', 'ran');
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-qm', 'one');
  assert.equal((await call('plan', '--untrusted')).code, EXIT.ok);
  // What git keeps lies in the directory itself now, as files of a commit can.
  for (const name of await readdir(path.join(cwd, '.git')))
    await rename(path.join(cwd, '.git', name), path.join(cwd, name));
  await rmdir(path.join(cwd, '.git'));
  await writeFile(
    path.join(cwd, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ${cwd}\n\tfsmonitor = "touch ${mark}; false"\n`,
  );
  for (const argv of [['plan', '--untrusted'], ['plan']]) {
    const done = await call(...argv);
    assert.match(done.err, /config\/git/, argv.join(' '));
    assert.equal((await readdir(path.join(cwd, '..'))).includes('ran'), false, argv.join(' '));
  }
});

test('options that do not go together, and those that are none', async (t) => {
  const { call } = await makeRepository(t, stranger);
  const codes = async (...argv: readonly string[]) => {
    const { code, err } = await call(...argv);
    return [code, ...(err.match(/(?<=error\[)[^\]]+/g) ?? [])];
  };
  assert.deepEqual(await codes('run', '--untrusted', '--push'), [EXIT.usage, 'cli/conflict']);
  assert.deepEqual(await codes('plan', '--allow', 'all'), [EXIT.usage, 'cli/bad-value']);
  assert.deepEqual(await codes('lock', '--untrusted'), [EXIT.usage, 'cli/unknown-option']);
  assert.deepEqual(await codes('verify', '--untrusted'), [EXIT.usage, 'cli/unknown-option']);
});

test('grants come from the command line and from the settings of the user, which strangers do not get', async (t) => {
  const { cwd, home, call } = await makeRepository(
    t,
    () => 'builds: { app: { context: ../outside, tags: [app] } }',
  );
  await mkdir(path.join(cwd, '.git'));
  await writeTree(path.dirname(cwd), { 'outside/Dockerfile': 'FROM scratch\n' });
  assert.equal((await call('plan')).code, EXIT.invalid);
  assert.equal((await call('list')).code, EXIT.ok);
  assert.equal((await call('plan', '--allow', 'read:../outside')).code, EXIT.ok);
  await writeTree(home, { '.config/bake-ts/config.yaml': `allow: { ${cwd}: ["read:../outside"] }\n` });
  assert.equal((await call('plan')).code, EXIT.ok);
  assert.equal((await call('plan', '--untrusted')).code, EXIT.invalid);
  await writeTree(home, { '.config/bake-ts/config.yaml': 'allow: 1\n' });
  const done = await call('plan');
  assert.equal(done.code, EXIT.invalid);
  assert.match(done.err, /config\/user-config/);
});
