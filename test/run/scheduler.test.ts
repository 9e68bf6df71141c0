/** Order, blocking and permits of a run, with nodes that end when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { longestPaths, type NodeEnd, runGraph, Semaphore } from '../../lib/run/mod.ts';

function graph(edges: Readonly<Record<string, readonly string[]>>): Map<string, Set<string>> {
  return new Map(Object.entries(edges).map(([name, needs]) => [name, new Set(needs)]));
}

/** Runs a graph whose nodes end by `end`; says what runs and what was blocked. */
function play(needs: ReadonlyMap<string, ReadonlySet<string>>) {
  const ends = new Map<string, (end: NodeEnd) => void>();
  const started: string[] = [];
  const blocked: string[] = [];
  let isOver = false;
  const over = runGraph({
    needs,
    run: (name) => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    },
    block: (name, by) => blocked.push(`${name} by ${by}`),
  }).then(() => {
    isOver = true;
  });
  return {
    started,
    blocked,
    over,
    isOver: () => isOver,
    end: async (name: string, end: NodeEnd = 'done') => {
      const finish = ends.get(name);
      assert(finish !== undefined, `${name} does not run`);
      finish(end);
      await turn();
    },
  };
}

test('a node starts as soon as all it needs is done, and not before', async () => {
  const run = play(graph({ a: [], b: [], c: ['a', 'b'], d: ['a'], e: ['c', 'd'] }));
  assert.deepEqual(run.started, ['a', 'b']);
  await run.end('a');
  assert.deepEqual(run.started, ['a', 'b', 'd']);
  await run.end('d');
  assert.deepEqual(run.started, ['a', 'b', 'd']);
  await run.end('b');
  assert.deepEqual(run.started, ['a', 'b', 'd', 'c']);
  await run.end('c');
  await run.end('e');
  await run.over;
});

test('a failure blocks all above it, once and by its name, and nothing beside it', async () => {
  const run = play(
    graph({ bad: [], good: [], one: ['bad'], two: ['bad', 'good'], top: ['one', 'two'], free: ['good'] }),
  );
  await run.end('bad', 'failed');
  assert.deepEqual(run.blocked.sort(), ['one by bad', 'top by bad', 'two by bad']);
  await run.end('good');
  assert.deepEqual(run.started, ['bad', 'good', 'free']);
  assert(!run.isOver());
  await run.end('free');
  await run.over;
});

test('two failures below one node block it once', async () => {
  const run = play(graph({ a: [], b: [], top: ['a', 'b'] }));
  await run.end('a', 'failed');
  await run.end('b', 'cancelled');
  await run.over;
  assert.deepEqual(run.blocked, ['top by a']);
});

test('an empty graph is done at once', async () => {
  await play(new Map()).over;
});

test('ten thousand nodes in one chain, and ten thousand side by side', async () => {
  for (const isChain of [true, false]) {
    const needs = new Map<string, Set<string>>();
    for (let index = 0; index < 10_000; index++) {
      needs.set(`n${index}`, new Set(isChain && index > 0 ? [`n${index - 1}`] : []));
    }
    let count = 0;
    await runGraph({
      needs,
      run: async () => {
        count++;
        return 'done';
      },
      block: () => assert.fail(),
    });
    assert.equal(count, 10_000);
    assert.equal(longestPaths(needs, () => undefined).get('n0'), isChain ? 10_000 : 1);
    const blocked: string[] = [];
    await runGraph({
      needs,
      run: async () => 'failed',
      block: (name) => blocked.push(name),
    });
    assert.equal(blocked.length, isChain ? 9_999 : 0);
  }
});

test('longest paths: by what builds took, and where that is not known, by the average of the others', () => {
  const needs = graph({ a: [], b: ['a'], c: ['b'], d: ['a'], lone: [] });
  const pathsBy = (lengths: Readonly<Record<string, number>>) =>
    Object.fromEntries(longestPaths(needs, (name) => lengths[name]));
  assert.deepEqual(pathsBy({}), { a: 3, b: 2, c: 1, d: 1, lone: 1 });
  assert.deepEqual(pathsBy({ a: 10, b: 20, c: 30, d: 100, lone: 5 }), {
    a: 110,
    b: 50,
    c: 30,
    d: 100,
    lone: 5,
  });
  assert.deepEqual(pathsBy({ d: 60, lone: 20 }), { a: 120, b: 80, c: 40, d: 60, lone: 20 });
});

test('permits: never more than there are, the highest priority first, then who asked first', async () => {
  const semaphore = new Semaphore(2);
  const order: string[] = [];
  let running = 0;
  const ends: (() => void)[] = [];
  const ask = (name: string, priority: number) =>
    semaphore.with(priority, async () => {
      order.push(name);
      running++;
      assert(running <= 2);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
    });
  const all = [
    ask('first', 0),
    ask('second', 0),
    ask('low', 1),
    ask('high', 5),
    ask('low too', 1),
    ask('highest', 9),
  ];
  await turn();
  while (order.length < all.length) {
    ends.shift()?.();
    await turn();
  }
  for (const end of ends) end();
  await Promise.all(all);
  assert.deepEqual(order, ['first', 'second', 'highest', 'high', 'low', 'low too']);
});

test('a permit comes back where the task fails', async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(semaphore.with(0, async () => Promise.reject(new Error('x'))));
  assert.equal(await semaphore.with(0, async () => 'next'), 'next');
});

test('thousands of waiting tasks are served by priority', async () => {
  const semaphore = new Semaphore(1);
  const served: number[] = [];
  const priorities = Array.from({ length: 3_000 }, (_, index) => (index * 7919) % 1009);
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = semaphore.with(0, () => gate);
  const rest = priorities.map((priority) =>
    semaphore.with(priority, async () => {
      served.push(priority);
    }),
  );
  await turn();
  open();
  await Promise.all([first, ...rest]);
  assert.deepEqual(
    served,
    [...priorities].sort((a, b) => b - a),
  );
});
