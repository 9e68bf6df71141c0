/** What one run leaves for the next: facts of an engine, as long as its sockets are the same ones. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Worker } from '../../lib/buildctl/mod.ts';
import { engineAccess, KnownEngines } from '../../lib/run/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** Files in place of sockets: what counts is whether they are the same ones. */
async function makeSockets(t: Cleanup) {
  const dir = await makeTempDir(t);
  const socket = (name: string) => path.join(dir, name);
  await writeTree(dir, { buildkitd: '', containerd: '' });
  const renew = async (name: string) => {
    await writeFile(socket(`${name}.new`), '');
    await rename(socket(`${name}.new`), socket(name));
  };
  return { socket, renew };
}

test('a worker is asked once, and again where the socket is another one or the engine is elsewhere', async (t) => {
  const { socket, renew } = await makeSockets(t);
  const known = new KnownEngines();
  let asked = 0;
  let answer: Worker | undefined = { executor: 'oci' };
  const ask = (address: string) =>
    known.worker(address, async () => {
      asked += 1;
      return answer;
    });
  const own = `unix://${socket('buildkitd')}`;
  for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await ask(own), answer);
  assert.equal(asked, 1);
  await renew('buildkitd');
  answer = { executor: 'containerd' };
  assert.deepEqual([await ask(own), await ask(own), asked], [answer, answer, 2]);
  await renew('buildkitd');
  answer = undefined;
  assert.deepEqual([await ask(own), await ask(own), asked], [undefined, undefined, 4], 'no answer is none');
  answer = { executor: 'oci' };
  for (const address of ['tcp://127.0.0.1:1234', `unix://${socket('nobody')}`]) {
    const before: number = asked;
    assert.deepEqual([await ask(address), await ask(address), asked - before], [answer, answer, 2], address);
  }
});

test('an engine that starts anew while it is asked is asked again', async (t) => {
  const { socket, renew } = await makeSockets(t);
  const known = new KnownEngines();
  const own = `unix://${socket('buildkitd')}`;
  await known.worker(own, async () => {
    await renew('buildkitd');
    return { executor: 'oci' };
  });
  const now = await known.worker(own, async () => ({ executor: 'containerd' }));
  assert.equal(now?.executor, 'containerd');
});

test('a containerd is looked for again where its socket or that of the engine is another one', async (t) => {
  const { socket, renew } = await makeSockets(t);
  const known = new KnownEngines();
  let found = 0;
  const find = () =>
    known.containerd(`unix://${socket('buildkitd')}`, async () => {
      found += 1;
      return { socket: socket('containerd'), namespace: 'buildkit', ctr: 'ctr' };
    });
  await find();
  await find();
  assert.equal(found, 1);
  for (const name of ['buildkitd', 'containerd']) {
    const before: number = found;
    await renew(name);
    await find();
    await find();
    assert.equal(found - before, 1, name);
  }
  assert.equal(known.forgetContainerd(`unix://${socket('buildkitd')}`), true);
  assert.equal(known.forgetContainerd(`unix://${socket('buildkitd')}`), false);
});

test('a known store that cannot be listed any more is looked for anew, and then not known to be', async (t) => {
  const { socket } = await makeSockets(t);
  const known = new KnownEngines();
  const address = `unix://${socket('buildkitd')}`;
  await known.containerd(address, async () => ({
    socket: socket('containerd'),
    namespace: 'buildkit',
    ctr: '/nowhere/ctr',
  }));
  const engine = {
    address,
    kind: 'flag' as const,
    source: 'the test',
    buildctl: '/nowhere/buildctl',
    started: false,
    notes: [],
    warnings: [],
  };
  assert.equal(await engineAccess(known).listImages(engine, {}), undefined);
  assert.equal(known.forgetContainerd(address), false);
});
