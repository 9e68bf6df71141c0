/** What `push` takes its first word for. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine } from '../rig/real-engine.ts';
import { startRegistry } from '../rig/registry.ts';
import { makeTempDir } from '../rig/temp.ts';

/** A directory, and an engine that is not there: whoever needs one fails with `engine/unreachable`. */
async function setUp(t: TestContext) {
  const cwd = await makeTempDir(t);
  await mkdir(path.join(cwd, '.git'));
  const env = { HOME: cwd, BAKE_TS_HOME: cwd, BUILDKIT_HOST: `unix://${cwd}/none.sock` };
  const push = async (...argv: string[]) => {
    const io = createFakeIo(['push', ...argv], { cwd, env });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  return { cwd, push };
}

const BUILDS = 'builds:\n  app: { context: ., tags: ["127.0.0.1:1/app:1"] }\n  bare: { context: . }\n';

test('a build counts first, then a layout that is there, then a reference; ./x is a path', {
  skip: realEngine.skip,
}, async (t) => {
  const { cwd, push } = await setUp(t);
  const { digests } = await makeLayout(path.join(cwd, 'app'), ['1']);
  const { host } = await startRegistry(t);
  const layout = await push('app', `${host}/app:1`);
  assert.equal(layout.code, EXIT.ok, layout.err);
  assert.equal(await digestOf(`${host}/app:1`), digests[0]);
  await writeFile(path.join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  await writeFile(path.join(cwd, 'builds.yaml'), BUILDS);
  const build = await push('app');
  assert.equal(build.code, EXIT.engine);
  assert.match(build.err, /engine\/unreachable/);
  const both = await push('app', `${host}/app:2`);
  assert.equal(both.code, EXIT.usage);
  assert.match(both.err, /unexpected-argument[\s\S]*\.\/app/);
  const written = await push('./app', `${host}/app:3`);
  assert.equal(written.code, EXIT.ok, written.err);
  const image = await push(`${host}/app:1`);
  assert.equal(image.code, EXIT.engine);
  assert.match(image.err, /engine\/unreachable/);
});

test('words that mean nothing, or too much, are said to', async (t) => {
  const { cwd, push } = await setUp(t);
  const nothing = await push('nope');
  assert.equal(nothing.code, EXIT.usage);
  assert.match(nothing.err, /cli\/nothing-to-push/);
  await writeFile(path.join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  await writeFile(path.join(cwd, 'builds.yaml'), BUILDS);
  assert.match((await push('apq')).err, /nothing-to-push[\s\S]*`app`/);
  const bare = await push('bare');
  assert.equal(bare.code, EXIT.ok);
  assert.match(bare.err, /bare has no tags and is skipped/);
  const json = await push('bare', '--json');
  assert.deepEqual(JSON.parse(json.out), { builds: [{ build: 'bare', result: 'untagged', tags: [] }] });
  assert.match(
    (await push('r.test/a:1', 'r.test/b:1', 'r.test/c:1')).err,
    /takes no argument "r\.test\/c:1"/,
  );
  assert.match((await push('./layout')).err, /cli\/missing-argument/);
  for (const digest of [`sha256:${'ab'.repeat(32)}`, '@sha256:abcdef12']) {
    const alone = await push(digest);
    assert.equal(alone.code, EXIT.usage);
    assert.match(
      alone.err,
      /bad-reference[\s\S]*without the name of an image[\s\S]*REGISTRY\/REPOSITORY@sha256:ab/,
    );
  }
  const gone = await push('./layout', 'r.test/a:1');
  assert.equal(gone.code, EXIT.invalid);
  assert.match(gone.err, /registry\/bad-layout[\s\S]*it is not there/);
  await writeFile(path.join(cwd, 'builds.yaml'), 'builds: { app: { contxt: . } }\n');
  assert.equal((await push('app')).code, EXIT.invalid);
});

test('Ctrl-C while an engine gives no bytes: nothing is said of it, and the exit code is that of the signal', async (t) => {
  const cwd = await makeTempDir(t);
  const registry = await startFakeRegistry(t);
  const mark = path.join(cwd, 'reading');
  const buildctl = path.join(cwd, 'buildctl');
  const workers = JSON.stringify([{ labels: { 'org.mobyproject.buildkit.worker.executor': 'oci' } }]);
  await writeFile(
    buildctl,
    `#!/bin/sh\ncase "$*" in *workers*) echo '${workers}'; exit 0;; esac\n: > ${mark}\nexec sleep 300\n`,
    { mode: 0o755 },
  );
  const socket = path.join(cwd, 'buildkitd.sock');
  const server = createServer((one) => one.destroy());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const env = {
    HOME: cwd,
    BAKE_TS_HOME: cwd,
    BUILDKIT_HOST: `unix://${socket}`,
    BUILDCTL: buildctl,
    PATH: '/usr/bin:/bin',
  };
  const image = `${registry.host}/app:1@sha256:${'a'.repeat(64)}`;
  const io = createFakeIo(['push', image, `${registry.host}/app:2`], { cwd, env });
  const ended = runCli(io);
  for (let tries = 0; tries < 500 && !existsSync(mark); tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert(existsSync(mark), io.err());
  io.send('SIGINT');
  assert.equal(await ended, 130);
  assert.equal(io.err(), '');
});
