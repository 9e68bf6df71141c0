/**
 * Engines where none can run: macOS and Windows. The systems are arguments; what sockets are like there is not tried here.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { findEngine, wellKnownSockets } from '../../lib/engine/find.ts';
import { findBuildctl } from '../../lib/engine/find-buildctl.ts';
import { findObstacles } from '../../lib/engine/host.ts';
import { identifyProcess } from '../../lib/engine/process-identity.ts';
import { isLocalEngine } from '../../lib/util/loopback.ts';
import { acceptAt } from '../rig/listen.ts';
import { makeTempDir } from '../rig/temp.ts';

const OTHERS = ['darwin', 'win32', 'freebsd'] as const;

test('the embedded engine is refused with the ways that there are', async () => {
  for (const system of OTHERS) {
    const [obstacle, ...more] = await findObstacles(system);
    assert.equal(obstacle?.code, 'engine/unsupported-platform');
    assert.deepEqual(more, []);
    for (const way of ['docker-container://buildkitd', 'ssh://', 'docs/elsewhere.md'])
      assert(obstacle?.hint?.includes(way), `${system}: ${way}`);
    assert.equal(obstacle?.hint?.includes('limactl start template:buildkit'), system !== 'win32');
  }
});

test('Lima’s socket is found by itself, and nothing of this machine is looked at besides', async (t) => {
  const home = await makeTempDir(t, 'l-');
  const socket = path.join(home, '.lima/buildkit/sock/buildkitd.sock');
  assert.deepEqual(wellKnownSockets({ HOME: home, XDG_RUNTIME_DIR: '/run/user/0' }, [], 'darwin'), [socket]);
  assert.deepEqual(wellKnownSockets({ HOME: home, LIMA_HOME: '/l' }, [], 'darwin'), [
    '/l/buildkit/sock/buildkitd.sock',
  ]);
  assert.deepEqual(wellKnownSockets({ HOME: home }, [], 'win32'), []);
  const env = { HOME: home, BAKE_TS_HOME: home, PATH: home, BUILDCTL: process.execPath };
  const none = await findEngine({ env, autoStart: true }, 'darwin');
  assert(!none.ok);
  assert.equal(none.error[0]?.code, 'engine/none-found');
  assert.match(none.error[0]?.hint ?? '', /limactl start template:buildkit/);
  await mkdir(path.dirname(socket), { recursive: true });
  await acceptAt(t, socket);
  const found = await findEngine({ env, autoStart: true }, 'darwin');
  assert(found.ok, JSON.stringify(found));
  assert.deepEqual([found.value.kind, found.value.address], ['well-known', `unix://${socket}`]);
});

test('addresses are judged by the system', async (t) => {
  const dir = await makeTempDir(t, 'l-');
  const buildctl = path.join(dir, 'buildctl.exe');
  await writeFile(buildctl, '', { mode: 0o755 });
  const find = (flagAddress: string, system: (typeof OTHERS)[number] | 'linux') =>
    findEngine({ env: { BAKE_TS_HOME: dir, BUILDCTL: buildctl }, flagAddress, autoStart: false }, system);
  for (const system of ['linux', 'darwin'] as const) {
    const refused = await find('npipe:////./pipe/buildkitd', system);
    assert(!refused.ok);
    assert.equal(refused.error[0]?.code, 'engine/bad-address');
    const gone = await find(`unix://${dir}/none.sock`, system);
    assert(!gone.ok);
    assert.equal(gone.error[0]?.code, 'engine/unreachable');
  }
  // Left to buildctl, which opens them: Node would take the one for the name of a pipe.
  for (const address of [
    'npipe:////./pipe/buildkitd',
    'unix://C:/run/buildkitd.sock',
    'docker-container://buildkitd',
  ]) {
    const left = await find(address, 'win32');
    assert(left.ok, JSON.stringify(left));
    assert.equal(left.value.address, address);
  }
});

test('buildctl is one of the user’s; where to have it from is said', async () => {
  for (const [system, words] of [
    ['darwin', /brew install buildkit/],
    ['win32', /bin\/buildctl\.exe of a release/],
  ] as const) {
    const none = await findBuildctl({ PATH: '/nowhere' }, undefined, system);
    assert(!none.ok);
    assert.equal(none.error.code, 'engine/no-buildctl');
    assert.match(none.error.hint ?? '', words);
    assert.doesNotMatch(none.error.hint ?? '', /engine install/);
  }
});

test('a process counts as the same while there is one of its number', async () => {
  for (const system of OTHERS) {
    const me = { pid: process.pid, startTicks: 0, bootId: 'unknown' };
    assert.deepEqual(await identifyProcess(process.pid, system), me);
    // Linux has no such number.
    assert.equal(await identifyProcess(2 ** 31 - 1, system), undefined);
    assert.equal(await identifyProcess(0, system), undefined);
  }
  assert.notEqual((await identifyProcess(process.pid, 'linux'))?.startTicks, 0);
});

test('on other systems no address leads to this machine', () => {
  for (const address of ['unix:///s', 'tcp://127.0.0.1:1', 'tcp://localhost:1']) {
    assert.equal(isLocalEngine(address, 'linux'), true);
    for (const system of OTHERS) assert.equal(isLocalEngine(address, system), false);
  }
});
