import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { formatManifest, manifestFile } from '../../lib/engine/installation.ts';
import {
  engineDoctor,
  enginePaths,
  type FindOptions,
  findEngine,
  neededParts,
} from '../../lib/engine/mod.ts';
import type { System } from '../../lib/system/mod.ts';
import { fakeProgram } from '../rig/fake-release.ts';
import { freePort } from '../rig/port.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** Somebody who listens and says nothing. */
async function listenOn(t: Cleanup, address: string | number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    if (typeof address === 'number') server.listen(address, '127.0.0.1', resolve);
    else server.listen(address, resolve);
  });
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return server;
}

interface Machine {
  readonly dir: string;
  readonly env: Record<string, string>;
  socket(name: string): string;
  find(options?: Partial<FindOptions>, system?: System): ReturnType<typeof findEngine>;
}

/** A home without an engine, and a PATH with nothing but a buildctl. */
async function makeMachine(t: Cleanup): Promise<Machine> {
  const dir = await makeTempDir(t, 'find-');
  const bin = path.join(dir, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'buildctl'), fakeProgram('buildctl v0.34.2'));
  await chmod(path.join(bin, 'buildctl'), 0o755);
  const env = { BAKE_TS_HOME: path.join(dir, 'h'), PATH: bin };
  return {
    dir,
    env,
    socket: (name) => path.join(dir, name),
    find: (options = {}, system = 'linux') =>
      findEngine({ env, autoStart: false, wellKnownSockets: [], ...options }, system),
  };
}

/** What an installation looks like to somebody who only wants its buildctl and ctr. */
async function pretendInstalled({ env }: Machine): Promise<void> {
  const paths = enginePaths(env);
  const dir = path.join(paths.versionsDir, 'v');
  await mkdir(path.join(dir, 'bin'), { recursive: true });
  for (const part of neededParts()) {
    await writeFile(path.join(dir, 'bin', part), fakeProgram(part));
    await chmod(path.join(dir, 'bin', part), 0o755);
  }
  const parts = neededParts().map((part) => ({
    part,
    package: 'buildkit' as const,
    version: '1',
    source: 'go' as const,
    origin: 'test',
  }));
  await writeFile(manifestFile(dir), formatManifest(parts, '2026-01-01T00:00:00Z'));
  await symlink('versions/v', paths.currentLink);
  await mkdir(paths.runtimeDir, { recursive: true });
}

test('an address comes from --addr, then BUILDKIT_HOST, then builds.yaml, then a well-known socket', async (t) => {
  const machine = await makeMachine(t);
  const sockets = ['flag', 'env', 'file', 'known'].map((name) => machine.socket(name));
  for (const socket of sockets) await listenOn(t, socket);
  const [flag = '', host = '', file = '', known = ''] = sockets;
  const env = { ...machine.env, BUILDKIT_HOST: `unix://${host}` };
  const all = {
    env,
    flagAddress: `unix://${flag}`,
    settings: { address: `unix://${file}`, pool: [] },
    wellKnownSockets: [known],
  };
  const seen: string[] = [];
  for (const options of [
    all,
    { ...all, flagAddress: '' },
    { ...all, flagAddress: '', env: machine.env },
    { wellKnownSockets: [known] },
  ]) {
    const found = await machine.find(options);
    assert(found.ok, JSON.stringify(found));
    seen.push(`${found.value.kind} ${found.value.address}`);
    assert.equal(found.value.buildctl, path.join(machine.dir, 'bin/buildctl'));
    assert.equal(found.value.containerd, undefined);
    assert.equal(found.value.started, false);
  }
  assert.deepEqual(seen, [
    `flag unix://${flag}`,
    `environment unix://${host}`,
    `file unix://${file}`,
    `well-known unix://${known}`,
  ]);
});

test('a named engine that is not there is refused, though another one would be', async (t) => {
  const machine = await makeMachine(t);
  await listenOn(t, machine.socket('known'));
  const gone = await machine.find({
    flagAddress: `unix://${machine.socket('gone')}`,
    wellKnownSockets: [machine.socket('known')],
  });
  assert(!gone.ok);
  assert.equal(gone.error[0]?.code, 'engine/unreachable');
  assert.match(gone.error[0]?.message ?? '', /--addr.*does not exist/);
  const port = await freePort();
  const tcp = await machine.find({ env: { ...machine.env, BUILDKIT_HOST: `tcp://127.0.0.1:${port}` } });
  assert(!tcp.ok);
  assert.equal(tcp.error[0]?.code, 'engine/unreachable');
  await listenOn(t, port);
  assert((await machine.find({ flagAddress: `tcp://127.0.0.1:${port}` })).ok);
});

test('where a pool is named, one engine is not chosen unasked; where any will do, it is the first that answers', async (t) => {
  const machine = await makeMachine(t);
  const sockets = ['gone', 'there'].map((name) => `unix://${machine.socket(name)}`);
  await listenOn(t, machine.socket('there'));
  const pool = [...sockets, 'http://x'].map((address) => ({ address, platforms: [], labels: [] }));
  const several = await machine.find({ settings: { pool } });
  assert(!several.ok);
  assert.equal(several.error[0]?.code, 'engine/several');
  assert(several.error[0].message.includes(sockets.join(', ')), several.error[0].message);
  const byHost = await machine.find({ env: { ...machine.env, BUILDKIT_HOST: sockets.join(' ') } });
  assert.equal(!byHost.ok && byHost.error[0]?.code, 'engine/several');
  const any = await machine.find({ flagAddress: sockets, settings: { pool }, anyOfPool: true });
  assert(any.ok);
  assert.equal(any.value.address, sockets[1]);
  const none = await machine.find({
    settings: { pool: pool.filter((_one, at) => at !== 1) },
    anyOfPool: true,
  });
  assert.deepEqual(!none.ok && none.error.map(({ code }) => code), [
    'engine/bad-address',
    'engine/unreachable',
  ]);
  // One address is one engine, whatever builds.yaml says.
  const one = await machine.find({ flagAddress: [sockets[1] ?? ''], settings: { pool } });
  assert.deepEqual(one.ok && [one.value.address, one.value.kind], [sockets[1], 'flag']);
});

/** As several are named by mistake. */
const SEVERAL = ['tcp://a:1,tcp://b:1', 'tcp://a:1, b:1', 'tcp://a:1 b:1', 'tcp://a:1,'];

test('an invalid address is refused, and what goes through another program is left to buildctl', async (t) => {
  const machine = await makeMachine(t);
  for (const flagAddress of [
    'localhost:1234',
    '/run/buildkit/buildkitd.sock',
    'http://x',
    'unix://',
    ...SEVERAL,
  ]) {
    const found = await machine.find({ flagAddress });
    assert(!found.ok, flagAddress);
    assert.equal(found.error[0]?.code, 'engine/bad-address');
  }
  for (const flagAddress of ['docker-container://b', 'kube-pod://p?namespace=n', 'ssh://u@h']) {
    assert((await machine.find({ flagAddress })).ok, flagAddress);
  }
});

test('a socket that nobody listens on is passed over with a note', async (t) => {
  const machine = await makeMachine(t);
  const dead = machine.socket('dead');
  await writeFile(dead, '');
  await listenOn(t, machine.socket('alive'));
  const found = await machine.find({
    wellKnownSockets: [machine.socket('absent'), dead, machine.socket('alive')],
  });
  assert(found.ok);
  assert.equal(found.value.address, `unix://${machine.socket('alive')}`);
  assert.equal(found.value.notes.length, 1);
  assert(found.value.notes[0]?.includes(dead));
});

test('with nothing anywhere there is one problem that offers the installation', async (t) => {
  const machine = await makeMachine(t);
  const found = await machine.find({ autoStart: true });
  assert(!found.ok);
  assert.equal(found.error.length, 1);
  assert.equal(found.error[0]?.code, 'engine/none-found');
  assert.match(found.error[0]?.hint ?? '', /bake-ts engine install/);
});

/** Does something as a user who is not root. */
async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('a socket that this user may not open is the headline, and not that there is no engine', async (t) => {
  const machine = await makeMachine(t);
  const closed = machine.socket('closed');
  await mkdir(closed, { mode: 0o700 });
  const socket = path.join(closed, 's');
  await listenOn(t, socket);
  await chmod(socket, 0);
  const found = await withoutRights(() => machine.find({ autoStart: true, wellKnownSockets: [socket] }));
  assert(!found.ok);
  assert.deepEqual(
    found.error.map(({ code }) => code),
    ['engine/denied'],
  );
  assert(found.error[0]?.message.startsWith(`this user may not open ${socket}`), found.error[0]?.message);
  const hints = (found.error[0]?.hint ?? '').split('\n');
  assert.match(hints[0] ?? '', /^run as root, or as a member of the group/);
  assert.match(hints.at(-1) ?? '', /engine install/);
  const { checks } = await withoutRights(() =>
    engineDoctor({ env: machine.env, wellKnownSockets: [socket] }),
  );
  const check = checks.find(({ name }) => name === `socket ${socket}`);
  assert.equal(check?.status, 'warn');
  assert.match(check?.hint ?? '', /run as root/);
  assert.doesNotMatch(check?.hint ?? '', /remove/);
});

test('the embedded engine that runs is found by its sockets, with its containerd and its own buildctl', async (t) => {
  const machine = await makeMachine(t);
  await pretendInstalled(machine);
  const paths = enginePaths(machine.env);
  const resting = await machine.find();
  assert(!resting.ok);
  assert.equal(resting.error[0]?.code, 'engine/not-running');
  await listenOn(t, paths.buildkitSocket);
  await listenOn(t, paths.containerdSocket);
  const found = await machine.find();
  assert(found.ok, JSON.stringify(found));
  assert.equal(found.value.kind, 'embedded');
  assert.equal(found.value.containerd?.socket, paths.containerdSocket);
  assert(found.value.buildctl.startsWith(paths.dataDir));
  const named = await machine.find({ flagAddress: `unix://${paths.buildkitSocket}` });
  assert(named.ok);
  assert.equal(named.value.containerd?.namespace, 'buildkit');
});

test('BUILDCTL overrides every other buildctl, and must exist', async (t) => {
  const machine = await makeMachine(t);
  await pretendInstalled(machine);
  await listenOn(t, machine.socket('s'));
  const flagAddress = `unix://${machine.socket('s')}`;
  const own = await machine.find({ flagAddress });
  assert(own.ok && own.value.buildctl.startsWith(enginePaths(machine.env).dataDir));
  const other = path.join(machine.dir, 'bin/buildctl');
  for (const BUILDCTL of [other, 'buildctl']) {
    const found = await machine.find({ flagAddress, env: { ...machine.env, BUILDCTL } });
    assert(found.ok);
    assert.equal(found.value.buildctl, other);
  }
  const wrong = await machine.find({ flagAddress, env: { ...machine.env, BUILDCTL: '/nowhere/buildctl' } });
  assert(!wrong.ok);
  assert.equal(wrong.error[0]?.code, 'engine/no-buildctl');
  const none = await findEngine({
    env: { BAKE_TS_HOME: path.join(machine.dir, 'other'), PATH: '/nonexistent' },
    flagAddress,
    autoStart: false,
  });
  assert(!none.ok);
  assert.equal(none.error[0]?.code, 'engine/no-buildctl');
});

test('finding an engine whose socket answers takes milliseconds', async (t) => {
  const machine = await makeMachine(t);
  await listenOn(t, machine.socket('s'));
  const options = { wellKnownSockets: [machine.socket('s')] };
  await machine.find(options);
  const startedMs = performance.now();
  for (let turn = 0; turn < 10; turn += 1) assert((await machine.find(options)).ok);
  const eachMs = (performance.now() - startedMs) / 10;
  assert(eachMs < 50, `${eachMs} ms`);
});
