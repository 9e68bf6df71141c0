/** The embedded engine for real, as whoever runs this: root or another user. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  downEngine,
  engineDoctor,
  enginePaths,
  engineStatus,
  findEngine,
  installEngine,
  listImages,
  readInstallation,
  upEngine,
} from '../../lib/engine/mod.ts';
import { isAlive } from '../../lib/engine/process-identity.ts';
import { runCommand } from '../rig/command.ts';
import {
  buildArgv,
  type Home,
  installHere,
  makeContext,
  remains,
  startEndlessBuild,
  up,
} from '../rig/embedded-engine.ts';
import { fakeProgram } from '../rig/fake-release.ts';
import { sendRequest } from '../rig/http.ts';
import { freePort } from '../rig/port.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

test('an engine comes up in a moment, builds, runs, pushes, lists its images, and goes without a trace', async (t) => {
  const home = await installHere(t);
  const port = await freePort();
  const engine = await up(home, port);
  assert.deepEqual(engine.started, ['containerd', 'buildkitd', 'registry']);
  assert.equal(engine.worker.executor, 'containerd');
  assert.equal(engine.registry, `127.0.0.1:${port}`);
  assert(engine.durationMs < 20_000, `${engine.durationMs} ms`);

  const context = await makeContext(
    t,
    home,
    'ctr',
    'FROM scratch\nCOPY program /bin/p\nRUN ["/bin/p", "--version"]\n',
  );
  const name = `127.0.0.1:${port}/demo/app:1`;
  const built = await runCommand(buildArgv(engine, context, `type=image,name=${name},push=true`), {
    timeoutMs: 120_000,
  });
  assert.equal(built.exitCode, 0, built.stderr);

  const manifest = await sendRequest('GET', `http://127.0.0.1:${port}/v2/demo/app/manifests/1`, {
    headers: {
      accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json',
    },
  });
  assert.equal(manifest.status, 200);
  const images = await listImages(engine.containerd, { env: home.env });
  assert(images.ok, JSON.stringify(images));
  assert.deepEqual(
    images.value.map((image) => image.name),
    [name],
  );
  assert.equal(images.value[0]?.digest, manifest.headers['docker-content-digest']);
  assert((images.value[0]?.sizeBytes ?? 0) > 1_000_000);

  const found = await findEngine({ env: home.env, autoStart: false, wellKnownSockets: [] });
  assert(found.ok);
  assert.equal(found.value.address, engine.address);
  assert.deepEqual(found.value.containerd, engine.containerd);

  const status = await engineStatus({ env: home.env, diskUse: true });
  assert(status.running);
  assert.equal(status.registry, engine.registry);
  assert.deepEqual(
    status.daemons.map((one) => `${one.name} ${one.state}`),
    ['containerd running', 'buildkitd running', 'registry running'],
  );
  assert((status.diskUse?.stateBytes ?? 0) > 1_000_000);

  assert((await readdir(enginePaths(home.env).runtimeDir)).includes('otel-grpc.sock'));
  const down = await downEngine({ env: home.env });
  assert(down.ok, JSON.stringify(down));
  assert.deepEqual(
    down.value.stopped.map((one) => `${one.name} ${one.how}`),
    ['registry terminated', 'buildkitd terminated', 'containerd terminated'],
  );
  assert.deepEqual(await remains(home), []);
  const again = await downEngine({ env: home.env });
  assert(again.ok && !again.value.wasRunning);

  // What was built is still there the next time.
  const next = await up(home);
  const kept = await listImages(next.containerd, { env: home.env });
  assert(kept.ok);
  assert.deepEqual(
    kept.value.map((image) => image.name),
    [name],
  );
});

test('several ups at once are one engine, and another up finds it', async (t) => {
  const home = await installHere(t);
  const engines = await Promise.all([up(home), up(home), up(home)]);
  const pids = new Set(engines.map((engine) => engine.daemons.map((one) => one.pid).join(' ')));
  assert.equal(pids.size, 1);
  assert.equal(engines.filter((engine) => engine.started.length > 0).length, 1);
  assert.deepEqual((await up(home)).started, []);
});

test('down ends a build that runs, with its container', async (t) => {
  const home = await installHere(t);
  const engine = await up(home);
  const { ended } = await startEndlessBuild(t, home, engine);
  const down = await downEngine({ env: home.env });
  assert(down.ok, JSON.stringify(down));
  assert.equal(down.value.removedContainers, 1);
  assert.notEqual(await ended, 0);
  assert.deepEqual(await remains(home), []);
});

test('what daemons that were killed leave behind is cleared by the next up', async (t) => {
  const home = await installHere(t);
  const engine = await up(home);
  const { ended } = await startEndlessBuild(t, home, engine);
  for (const { pid } of engine.daemons) killIfThere(pid);
  await ended;
  const status = await untilGone(home);
  assert(!status.running);
  assert.deepEqual(
    status.daemons.map((one) => one.state),
    ['ended', 'ended'],
  );
  const next = await up(home);
  assert.deepEqual(next.started, ['containerd', 'buildkitd']);
  assert(!(await remains(home)).some((one) => one.includes('containerd-shim') || one.includes('rootfs')));
  const down = await downEngine({ env: home.env });
  assert(down.ok);
  assert.deepEqual(await remains(home), []);
});

/** The kernel takes its time to end what it was told to kill. */
async function untilGone({ env }: Pick<Home, 'env'>) {
  let status = await engineStatus({ env });
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 50) {
    if (!status.daemons.some((one) => one.state === 'running')) break;
    await sleep(50);
    status = await engineStatus({ env });
  }
  return status;
}

/** Without root the end of containerd is that of buildkitd, which may be sooner than we are. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

test('in CI nothing waits for the database’s disk, what a killed engine built stays, and another boot begins anew', async (t) => {
  const { dir, env } = await installHere(t);
  const home = { dir, env: { ...env, CI: 'true' } };
  const paths = enginePaths(home.env);
  const note = path.join(paths.stateDir, 'unsynced.json');
  const names = async (engine: Awaited<ReturnType<typeof up>>) => {
    const images = await listImages(engine.containerd, { env: home.env });
    assert(images.ok, JSON.stringify(images));
    return images.value.map((image) => image.name);
  };
  const first = await up(home);
  assert.match(await readFile(path.join(paths.stateDir, 'containerd.toml'), 'utf8'), /no_sync = true/);
  const context = await makeContext(
    t,
    home,
    'ctr',
    'FROM scratch\nCOPY program /p\nRUN ["/p", "--version"]\n',
  );
  const built = await runCommand(buildArgv(first, context, 'type=image,name=kept:1'), { timeoutMs: 120_000 });
  assert.equal(built.exitCode, 0, built.stderr);
  for (const { pid } of first.daemons) killIfThere(pid);
  await untilGone(home);
  const second = await up(home);
  assert.deepEqual(await names(second), ['kept:1']);
  assert((await downEngine({ env: home.env })).ok);
  // Written by now, so that it may go to another machine.
  assert(!existsSync(note));
  const third = await up(home);
  assert.deepEqual(await names(third), ['kept:1']);
  assert(existsSync(note));
  for (const { pid } of third.daemons) killIfThere(pid);
  await untilGone(home);
  // As if the machine had gone down here.
  await writeFile(note, '{"bootId":"00000000-0000-0000-0000-000000000000"}');
  const fourth = await up(home);
  assert.deepEqual(
    fourth.warnings.map(({ code }) => code),
    ['engine/state-dropped'],
  );
  assert.deepEqual(await names(fourth), []);
  const again = await runCommand(buildArgv(fourth, context, 'type=image,name=kept:1'), {
    timeoutMs: 120_000,
  });
  assert.equal(again.exitCode, 0, again.stderr);
});

test('a daemon that crashes while it starts is reported with the tail of its log, and nothing stays', async (t) => {
  const bin = await makeTempDir(t, 'bin-');
  const crashing = `#!/bin/sh
case "$1" in -v | --version) echo 'buildkitd github.com/moby/buildkit v0.34.2'; exit;; esac
echo 'reading the configuration'
echo 'fatal: the moon is in the wrong phase' >&2
exit 7
`;
  await writeTree(bin, { buildkitd: { content: crashing, mode: 0o755 } });
  const home = await installHere(t, bin);
  const running = await upEngine({ env: home.env });
  assert(!running.ok);
  const [problem] = running.error;
  assert.equal(problem?.code, 'engine/daemon-crashed');
  assert.match(problem?.message ?? '', /buildkitd.*exit code 7/);
  assert.match(problem?.detail ?? '', /the moon is in the wrong phase/);
  const status = await engineStatus({ env: home.env });
  assert.deepEqual(status.daemons, []);
  assert(!(await remains(home)).some((one) => one.includes('containerd --config')));
});

test('a port that is taken is reported with who has it, and nothing is started', async (t) => {
  const home = await installHere(t);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const running = await upEngine({ env: home.env, registry: address.port });
  assert(!running.ok);
  assert.equal(running.error[0]?.code, 'engine/port-taken');
  assert(running.error[0]?.message.includes(`process ${process.pid}`), running.error[0]?.message);
  assert.deepEqual((await engineStatus({ env: home.env })).daemons, []);

  const engine = await up(home, await freePort());
  const other = await upEngine({ env: home.env, registry: await freePort() });
  assert(!other.ok);
  assert.equal(other.error[0]?.code, 'engine/registry-elsewhere');
  const same = await upEngine({ env: home.env, registry: true });
  assert(same.ok);
  assert.equal(same.value.registry, engine.registry);
});

test('a pid file whose number belongs to somebody else now harms nobody', async (t) => {
  const home = await installHere(t);
  const engine = await up(home);
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.after(() => {
    bystander.kill('SIGKILL');
  });
  const record = engine.daemons.find((one) => one.name === 'buildkitd');
  assert(record !== undefined && bystander.pid !== undefined);
  process.kill(record.pid, 'SIGKILL');
  for (let turn = 0; turn < 100 && (await isAlive(record)); turn += 1) await sleep(20);
  const pidFile = path.join(enginePaths(home.env).runtimeDir, 'buildkitd.pid.json');
  await writeFile(pidFile, JSON.stringify({ ...record, pid: bystander.pid }));
  assert.equal((await engineStatus({ env: home.env })).daemons[1]?.state, 'ended');
  assert.deepEqual((await up(home)).started, ['buildkitd']);
  await downEngine({ env: home.env });
  assert(process.kill(bystander.pid, 0));
});

test('an engine whose home was deleted under it can still be ended', async (t) => {
  const home = await installHere(t);
  const engine = await up(home);
  const gone = await mkdtemp(path.join(tmpdir(), 'gone-'));
  t.after(() => rm(gone, { recursive: true, force: true }));
  await rename(path.join(home.dir, 'engine-state/run'), path.join(gone, 'run'));
  const down = await downEngine({ env: home.env });
  assert(down.ok, JSON.stringify(down));
  assert.equal(down.value.killedProcesses, 2);
  for (const record of engine.daemons) assert(!(await isAlive(record)));
});

test('an engine that is installed is started when it is needed', async (t) => {
  const home = await installHere(t);
  const found = await findEngine({ env: home.env, autoStart: true, wellKnownSockets: [] });
  assert(found.ok, JSON.stringify(found));
  assert(found.value.started);
  const again = await findEngine({ env: home.env, autoStart: true, wellKnownSockets: [] });
  assert(again.ok && !again.value.started);
});

test('the engine works from a home whose path is too long for a socket', async (t) => {
  const home = await installHere(t);
  const deep = path.join(home.dir, 'a-rather-long-name/'.repeat(6));
  await mkdir(deep, { recursive: true });
  const env = { ...home.env, BAKE_TS_HOME: deep };
  const { runtimeDir } = enginePaths(env);
  t.after(async () => {
    await downEngine({ env });
    await rm(runtimeDir, { recursive: true, force: true });
  });
  assert((await installEngine({ env, from: 'path' })).ok);
  const running = await upEngine({ env });
  assert(running.ok, JSON.stringify(running));
  assert(!running.value.address.includes('a-rather-long-name'));
  assert((await downEngine({ env })).ok);
});

test('a part that is missing, a runc without seccomp and a registry that is not there are reported clearly', async (t) => {
  const home = await installHere(t);
  const { binDir } = (await readInstallation(enginePaths(home.env))) ?? { binDir: '' };
  await rm(path.join(binDir, 'registry'));
  const noRegistry = await upEngine({ env: home.env, registry: true });
  assert.equal(noRegistry.ok ? '' : noRegistry.error[0]?.code, 'engine/registry-not-installed');
  await rm(path.join(binDir, 'runc'));
  const noRunc = await upEngine({ env: home.env });
  assert.equal(noRunc.ok ? '' : noRunc.error[0]?.code, 'engine/not-installed');
  assert.match(noRunc.ok ? '' : (noRunc.error[0]?.message ?? ''), /runc/);
  await writeFile(path.join(binDir, 'runc'), fakeProgram('runc version 1.1.5'));
  await chmod(path.join(binDir, 'runc'), 0o755);
  const { checks } = await engineDoctor({ env: home.env, wellKnownSockets: [] });
  const runc = checks.find((check) => check.name === 'runc');
  assert.equal(runc?.status, 'fail');
  assert.match(runc?.found ?? '', /seccomp/);
});

test('the doctor finds nothing that fails where an engine runs', async (t) => {
  const home = await installHere(t);
  await up(home, await freePort());
  const { checks } = await engineDoctor({ env: home.env, wellKnownSockets: [] });
  assert.deepEqual(
    checks.filter((check) => check.status === 'fail'),
    [],
  );
  for (const name of [
    'rights',
    'control groups',
    'overlayfs',
    'disk',
    'buildkitd',
    'runc',
    'worker',
    'buildkitd runs',
  ]) {
    assert(
      checks.some((check) => check.name === name),
      name,
    );
  }
});
