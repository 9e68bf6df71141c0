/** Order, blocking and permits of a run, with nodes that end when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type EarlyEnd, longestPaths, type NodeEnd, runGraph, Semaphore } from '../../lib/run/mod.ts';

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

/** Runs a graph with early starts, of which the test says how they end. */
function playEarly(edges: Readonly<Record<string, readonly string[]>>) {
  const ends = new Map<string, (end: NodeEnd) => void>();
  const earlyEnds = new Map<string, { readonly end: (end: EarlyEnd) => void; readonly fail: () => void }>();
  const slow = new Map<string, () => void>();
  const log: string[] = [];
  let isOver = false;
  const over = runGraph({
    needs: graph(edges),
    run: (name, isSlow) => {
      log.push(`run ${name}`);
      slow.set(name, isSlow);
      return new Promise((resolve) => ends.set(name, resolve));
    },
    block: (name, by) => log.push(`block ${name} by ${by}`),
    early: (name, isRunning) => {
      log.push(`${isRunning ? 'keep' : 'early'} ${name}`);
      return new Promise((resolve, reject) =>
        earlyEnds.set(name, { end: resolve, fail: () => reject(new Error(`early ${name}`)) }),
      );
    },
  }).then(() => {
    isOver = true;
  });
  const known = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    assert(found !== undefined, `${name} was not started`);
    return found;
  };
  /** What happened since this was asked for the last time. */
  const happened = () => log.splice(0);
  const after = async (act: () => void) => {
    act();
    await turn();
    return happened();
  };
  return {
    over,
    isOver: () => isOver,
    happened,
    slow: (name: string) => after(known(slow, name)),
    end: (name: string, end: NodeEnd = 'done') => after(() => known(ends, name)(end)),
    endEarly: (name: string, end: EarlyEnd) => after(() => known(earlyEnds, name).end(end)),
    failEarly: (name: string) => known(earlyEnds, name).fail(),
  };
}

const CHAIN = { base: [], mid: ['base'], leaf: ['mid'] };

test('early: a chain is started one by one above a slow node, and run when it is done', async () => {
  const run = playEarly(CHAIN);
  assert.deepEqual(run.happened(), ['run base']);
  assert.deepEqual(await run.slow('base'), ['keep base']);
  assert.deepEqual(await run.slow('base'), [], 'it was kept twice');
  assert.deepEqual(await run.endEarly('base', 'ready'), ['early mid']);
  assert.deepEqual(await run.endEarly('mid', 'ready'), ['early leaf']);
  assert.deepEqual(await run.end('base'), ['run mid']);
  // What was early is not early again.
  assert.deepEqual(await run.slow('mid'), []);
  assert.deepEqual(await run.end('mid'), []);
  assert.deepEqual(await run.endEarly('leaf', 'no'), ['run leaf']);
  assert(!run.isOver());
  await run.end('leaf');
  await run.over;
});

test('early: what is slow when it has ended, or is of no use to others, starts nothing', async () => {
  const run = playEarly(CHAIN);
  await run.slow('base');
  assert.deepEqual(await run.endEarly('base', 'no'), []);
  assert.deepEqual(await run.end('base'), ['run mid']);
  await run.end('mid', 'failed');
  assert.deepEqual(await run.slow('mid'), []);
  await run.over;
  const done = playEarly(CHAIN);
  await done.end('base');
  done.happened();
  assert.deepEqual(await done.slow('base'), []);
  for (const name of ['mid', 'leaf']) await done.end(name);
  await done.over;
});

test('early: a node of several is started when each is done or ready, in any order, once', async () => {
  const edges = { slow: [], other: [], third: [], top: ['slow', 'other', 'third'], beside: ['third'] };
  const run = playEarly(edges);
  await run.slow('slow');
  assert.deepEqual(await run.endEarly('slow', 'ready'), []);
  assert.deepEqual(await run.end('other'), []);
  await run.slow('third');
  assert.deepEqual(await run.endEarly('third', 'ready'), ['early top', 'early beside']);
  assert.deepEqual(await run.end('third'), []);
  assert.deepEqual(await run.endEarly('top', 'ready'), []);
  assert.deepEqual(await run.endEarly('beside', 'ready'), ['run beside']);
  assert.deepEqual(await run.end('slow'), ['run top']);
  await run.end('top');
  await run.end('beside');
  await run.over;
  const later = playEarly({ slow: [], plain: [], top: ['slow', 'plain'] });
  await later.slow('slow');
  assert.deepEqual(await later.endEarly('slow', 'ready'), []);
  assert.deepEqual(await later.end('plain'), ['early top']);
  await later.endEarly('top', 'no');
  assert.deepEqual(await later.end('slow'), ['run top']);
  await later.end('top');
  await later.over;
});

test('early: a node of several of which none is slow waits for all of them', async () => {
  const run = playEarly({ one: [], two: [], top: ['one', 'two'] });
  run.happened();
  assert.deepEqual(await run.end('one'), []);
  assert.deepEqual(await run.end('two'), ['run top']);
  await run.end('top');
  await run.over;
});

test('early: a node that fails before its turn is not run and blocks what is above it', async () => {
  for (const end of ['failed', 'cancelled'] as const) {
    const run = playEarly(CHAIN);
    await run.slow('base');
    await run.endEarly('base', 'ready');
    assert.deepEqual(await run.endEarly('mid', end), ['block leaf by mid']);
    assert(!run.isOver());
    assert.deepEqual(await run.end('base'), []);
    await run.over;
  }
});

test('early: a node that fails when its turn has come, too', async () => {
  const run = playEarly(CHAIN);
  await run.slow('base');
  await run.endEarly('base', 'ready');
  assert.deepEqual(await run.end('base'), []);
  assert.deepEqual(await run.endEarly('mid', 'failed'), ['block leaf by mid']);
  await run.over;
});

test('early: how a slow node ends is not what came of keeping it', async () => {
  const run = playEarly(CHAIN);
  await run.slow('base');
  assert.deepEqual(await run.endEarly('base', 'failed'), []);
  assert.deepEqual(await run.end('base'), ['run mid']);
  await run.end('mid');
  await run.end('leaf');
  await run.over;
});

test('early: a node that is blocked meanwhile starts nothing, and its early start is waited for', async () => {
  for (const end of ['ready', 'failed', 'no'] as const) {
    const run = playEarly(CHAIN);
    await run.slow('base');
    await run.endEarly('base', 'ready');
    assert.deepEqual(await run.end('base', 'failed'), ['block mid by base', 'block leaf by base']);
    assert(!run.isOver(), 'an early start goes on');
    assert.deepEqual(await run.endEarly('mid', end), []);
    await run.over;
  }
});

test('early: the run is not over while a node that has ended is still kept, and nothing starts of it', async () => {
  const run = playEarly({ base: [], mid: ['base'] });
  await run.slow('base');
  assert.deepEqual(await run.end('base', 'cancelled'), ['block mid by base']);
  assert(!run.isOver());
  assert.deepEqual(await run.endEarly('base', 'ready'), []);
  await run.over;
});

test('early: a node whose turn has come is not started early by what is ready too late', async () => {
  for (const isDone of [false, true]) {
    const run = playEarly({ base: [], mid: ['base'], other: [] });
    await run.slow('base');
    assert.deepEqual(await run.end('base'), ['run mid']);
    if (isDone) await run.end('mid');
    assert.deepEqual(await run.endEarly('base', 'ready'), []);
    if (!isDone) await run.end('mid');
    assert(!run.isOver());
    await run.end('other');
    await run.over;
  }
});

test('early: what an early start throws ends the run', async () => {
  const run = playEarly(CHAIN);
  await run.slow('base');
  run.failEarly('base');
  await assert.rejects(run.over, /early base/);
});

test('a graph without early starts may have slow nodes', async () => {
  const ran: string[] = [];
  await runGraph({
    needs: graph(CHAIN),
    run: async (name, slow) => {
      slow();
      ran.push(name);
      return 'done';
    },
    block: () => assert.fail(),
  });
  assert.deepEqual(ran, ['base', 'mid', 'leaf']);
});

test('what a node throws ends the run, at its start and later', async () => {
  for (const bad of ['base', 'leaf'])
    await assert.rejects(
      runGraph({
        needs: graph(CHAIN),
        run: async (name) => (name === bad ? Promise.reject(new Error(bad)) : 'done'),
        block: () => assert.fail(),
      }),
      new RegExp(`^Error: ${bad}$`),
    );
});

test('a priority that has to be found out is asked for by who has to wait only', async () => {
  const semaphore = new Semaphore(1);
  const asked: string[] = [];
  const order: string[] = [];
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const ask = (name: string, priority: number, task: () => Promise<void> = async () => undefined) =>
    semaphore.with(
      async () => {
        asked.push(name);
        return priority;
      },
      async () => {
        order.push(name);
        await task();
      },
    );
  const all = [ask('first', 0, () => gate), ask('low', 1), ask('high', 2)];
  await turn();
  open();
  await Promise.all(all);
  assert.deepEqual(asked, ['low', 'high']);
  assert.deepEqual(order, ['first', 'high', 'low']);
});

test('a permit that is given back before the end is given back once', async () => {
  const semaphore = new Semaphore(1);
  let running = 0;
  await semaphore.with(0, async (giveBack) => {
    giveBack();
    giveBack();
    await semaphore.with(0, async () => {
      running++;
    });
  });
  assert.equal(running, 1);
  let most = 0;
  let now = 0;
  const task = () =>
    semaphore.with(0, async () => {
      most = Math.max(most, ++now);
      await turn();
      now--;
    });
  await Promise.all([task(), task(), task()]);
  assert.equal(most, 1);
});
