/** Which engine of a pool each build goes to first, as `plan --engines` shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../lib/model/mod.ts';
import { engineOrders } from '../../lib/run/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const both = ['linux/amd64', 'linux/arm64'];

function ordersOf(platforms: readonly string[], members: Readonly<Record<string, readonly string[]>>) {
  const node = makeNode({ name: 'app', platforms });
  const plan = { nodes: new Map([['app', node]]), set: { root: '/repo' } } as unknown as Plan;
  const named = Object.entries(members).map(([id, has]) => ({ id, platforms: has, jobs: 4, labels: [] }));
  const orders = engineOrders(plan, named, { cacheMountsOf: () => [] }).get('app') ?? [];
  return orders.map((one) => ({ platforms: one.platforms, engines: [...one.engines].sort() }));
}

test('platforms that no single engine has are shown with the engines of each', () => {
  const apart = { a: ['linux/amd64'], b: ['linux/arm64'], c: ['linux/amd64'] };
  assert.deepEqual(ordersOf(both, apart), [
    { platforms: ['linux/amd64'], engines: ['a', 'c'] },
    { platforms: ['linux/arm64'], engines: ['b'] },
  ]);
  assert.deepEqual(ordersOf([...both, 'linux/riscv64'], apart), [{ platforms: [], engines: [] }]);
});

test('where one engine has all of them, those that have some are none of its engines', () => {
  assert.deepEqual(ordersOf(both, { a: ['linux/amd64'], b: both, unknown: [] }), [
    { platforms: [], engines: ['b', 'unknown'] },
  ]);
});
