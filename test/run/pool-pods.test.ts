/** Engines in pods that come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../lib/model/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { makeFakePool } from '../rig/fake-pool.ts';
import { makeNine, only, ranOn } from '../rig/pool-worlds.ts';

const PODS = 'engine: { pool: [{ kubernetes: { selector: app=buildkitd } }] }\n';
const IN_PODS = { env: { BUILDKIT_HOST: '' }, engineWaitMs: 60_000 };

test('a pod that is lost: the pods are listed again, the one in its place builds, and the lost one is gone', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ old: 'linux/amd64', new: 'linux/amd64' });
  pool.pods.add('old');
  pool.of('old').fault({
    at: 'step',
    act: () => {
      pool.of('old').isDown = true;
      pool.pods.delete('old');
      pool.pods.add('new');
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, IN_PODS);
  assertOk(baked);
  for (const engines of Object.values(ranOn(baked))) assert.equal(engines.at(-1), 'ci/new');
  assert.deepEqual(
    only(baked, 'engine-ready').map(({ address, source }) => [address, source]),
    [
      ['ci/old', 'a pool of 1'],
      ['ci/new', 'a pool of 1'],
    ],
  );
  assert.ok(
    only(baked, 'engine-aside').some(
      ({ address, why }) => address === 'ci/old' && why === 'its pod is gone or no longer ready',
    ),
  );
});

test('a pod of a StatefulSet comes back by its name, as one that has not been asked', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ zero: 'linux/amd64' });
  pool.pods.add('zero');
  pool.of('zero').fault({
    at: 'step',
    times: 1,
    act: () => {
      pool.pods.delete('zero');
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, {
    ...IN_PODS,
    builds: ['one'],
    onEvent: ({ type, ...rest }) => {
      if (type === 'engine-aside' && /gone/.test(String((rest as { why?: string }).why)))
        pool.pods.add('zero');
    },
  });
  assertOk(baked);
  assert.deepEqual(ranOn(baked), { one: ['ci/zero', 'ci/zero'] });
  assert.deepEqual(
    only(baked, 'engine-returned').map(({ address }) => address),
    ['ci/zero'],
  );
});

test('where kubectl does not answer no pod is taken for gone', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  for (const name of ['a', 'b']) pool.pods.add(name);
  pool.of('b').fault({
    at: 'step',
    times: 1,
    act: () => {
      pool.kubectlFails = problem('engine/kubectl', 'the cluster cannot be reached', { temporary: true });
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, IN_PODS);
  assertOk(baked);
  assert.deepEqual(
    only(baked, 'engine-aside').map(({ address }) => address),
    ['ci/b'],
  );
  assert.equal(only(baked, 'engine-ready').length, 2);
});

test('pods that are not coming back: the error says what happened to each', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ a: 'linux/amd64' });
  pool.pods.add('a');
  pool.of('a').fault({
    at: 'step',
    act: () => {
      pool.of('a').isDown = true;
      pool.pods.clear();
      throw new Error('read: connection reset by peer: buildkitd');
    },
  });
  const baked = await pool.bake(world, { ...IN_PODS, builds: ['one'], engineWaitMs: 50 });
  const { problem: found } = baked.outcome('one');
  assert.equal(found?.code, 'engine/none-left');
  assert.match(found?.detail ?? '', /ci\/a: /);
});

test('pods that are added while builds wait build, too, though none is lost', async (t) => {
  const world = await makeNine(t, PODS);
  const pool = makeFakePool({ a: 'linux/amd64', b: 'linux/amd64' });
  pool.pods.add('a');
  pool.of('a').fault({ at: 'step', act: () => void pool.pods.add('b') });
  const baked = await pool.bake(world, IN_PODS);
  assertOk(baked);
  assert.deepEqual(new Set(Object.values(ranOn(baked)).flat()), new Set(['ci/a', 'ci/b']));
});
