/** When builds begin, and on which member, with time that passes when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Placement, rankMembers, Scheduler } from '../../lib/pool/mod.ts';
import { makeMember, makePlacement, request, startPoolClock } from '../rig/pool-clock.ts';

const A = makeMember('a');
const B = makeMember('b');
const SECOND = 1000;

/** Two members with one slot each; `a` builds something that is expected to end in `seconds`. */
async function withBusyA(seconds: number) {
  const clock = startPoolClock([A, B]);
  const first = request(
    clock.scheduler,
    placeOn('a', 'first', { coldMs: seconds * SECOND, warmMs: seconds * SECOND }),
  );
  await clock.settle();
  assert.equal(first.where(), 'a');
  return { ...clock, first };
}

/** A build that was built on that member. */
function placeOn(member: string, build: string, given: Partial<Placement> = {}): Placement {
  return makePlacement(build, { builtOn: [member], ...given });
}

test('a build goes to its first choice, or where it was built last of what is in the pool', async () => {
  const members = [makeMember('a', { jobs: 9 }), makeMember('b', { jobs: 9 }), makeMember('c', { jobs: 9 })];
  const { scheduler, settle } = startPoolClock(members);
  for (const build of ['one', 'two', 'three', 'four', 'five']) {
    const asked = request(scheduler, makePlacement(build));
    await settle();
    assert.equal(asked.where(), rankMembers(build, members)[0]?.id);
    assert(!asked.hasWaited());
  }
  const asked = request(scheduler, makePlacement('one', { builtOn: ['gone', 'c', 'a'] }));
  await settle();
  assert.equal(asked.where(), 'c');
});

test('builds that come together go first where they have their cache', async () => {
  const { scheduler, settle } = startPoolClock([A, B]);
  // `x` could run on `b` at once, and would take the place of `y`.
  const asked = [
    placeOn('a', 'w', { priority: 9 }),
    placeOn('a', 'x', { priority: 8 }),
    placeOn('b', 'y'),
  ].map((one) => request(scheduler, one));
  await settle();
  assert.deepEqual(
    asked.map((one) => one.where()),
    ['a', 'waiting', 'b'],
  );
});

test('a build waits for its cache as long as that saves, and no longer', async () => {
  const known = { coldMs: 100 * SECOND, warmMs: 20 * SECOND };
  const short = await withBusyA(79);
  const waits = request(short.scheduler, placeOn('a', 'x', known));
  await short.settle();
  assert(waits.hasWaited());
  assert.equal(waits.where(), 'waiting');
  short.first.release();
  await short.settle();
  assert.equal(waits.where(), 'a');

  const long = await withBusyA(81);
  const moves = request(long.scheduler, placeOn('a', 'x', known));
  await long.settle();
  assert(!moves.hasWaited());
  assert.equal(moves.where(), 'b');
});

test('what waits ahead counts, too', async () => {
  const { scheduler, settle } = await withBusyA(50);
  const known = { coldMs: 100 * SECOND, warmMs: 40 * SECOND };
  const next = request(scheduler, placeOn('a', 'next', { ...known, priority: 2 }));
  const behind = request(scheduler, placeOn('a', 'behind', { ...known, priority: 1 }));
  await settle();
  assert.equal(next.where(), 'waiting');
  assert.equal(behind.where(), 'b');
});

test('where nothing is known of a build, or its cache is nowhere, it does not wait', async () => {
  for (const given of [
    {},
    { coldMs: 9 * SECOND, warmMs: SECOND, builtOn: [] },
    { builtOn: ['gone'], coldMs: 9 },
  ]) {
    const { scheduler, settle } = await withBusyA(1);
    const build = ['x', 'y', 'z', 'v', 'w'].find((name) => rankMembers(name, [A, B])[0]?.id === 'a') ?? '';
    const asked = request(scheduler, makePlacement(build, given));
    await settle();
    assert.equal(asked.where(), 'b');
  }
});

test('of a build with one known duration the other is guessed: half, or what others save', async () => {
  for (const [busyMs, shares, expected] of [
    [49, [], 'waiting'],
    [51, [], 'b'],
    [49, [0.4, 0.8], 'b'],
    [39, [0.4, 0.8], 'waiting'],
  ] as const) {
    const { scheduler, settle } = startPoolClock([A, B]);
    for (const share of shares)
      request(scheduler, makePlacement('other', { coldMs: 50, warmMs: 50 * share, labels: ['nowhere'] }));
    const usual = shares.length === 0 ? 0.5 : 0.6;
    request(scheduler, placeOn('a', 'first', { coldMs: busyMs / usual }));
    await settle();
    const asked = request(scheduler, placeOn('a', 'x', { coldMs: 100 }));
    await settle();
    assert.equal(asked.where(), expected, `${busyMs} ms, ${shares}`);
  }
});

test('where the first choice takes longer than expected, the wait ends when it has cost what the cache saves', async () => {
  const { scheduler, pass, settle } = await withBusyA(30);
  const asked = request(scheduler, placeOn('a', 'x', { coldMs: 100 * SECOND, warmMs: 40 * SECOND }));
  await settle();
  await pass(89 * SECOND);
  assert.equal(asked.where(), 'waiting');
  await pass(2 * SECOND);
  assert.equal(asked.where(), 'b');
});

test('a slot that comes free goes to a build that waits elsewhere and is done sooner with it', async () => {
  const { scheduler, settle } = await withBusyA(60);
  const other = request(scheduler, placeOn('b', 'other', { coldMs: SECOND, warmMs: SECOND }));
  await settle();
  const known = { coldMs: 100 * SECOND, warmMs: 50 * SECOND };
  const moves = request(scheduler, placeOn('a', 'moves', known));
  await settle();
  assert.equal(moves.where(), 'waiting');
  other.release();
  await settle();
  assert.equal(moves.where(), 'b');
});

test('a slot that comes free goes to what waits for that member first', async () => {
  const { scheduler, settle } = await withBusyA(600);
  const other = request(scheduler, placeOn('b', 'other'));
  await settle();
  const foreign = request(scheduler, placeOn('a', 'foreign', { priority: 9, coldMs: SECOND }));
  const own = request(scheduler, placeOn('b', 'own', { coldMs: SECOND }));
  other.release();
  await settle();
  assert.equal(own.where(), 'b');
  own.release();
  await settle();
  assert.equal(foreign.where(), 'b');
});

test('of builds that wait, the one with the longest way goes first, then the one that came first', async () => {
  const { scheduler, settle } = startPoolClock([A]);
  const order: string[] = [];
  const run = async (name: string, priority: number) => {
    const lease = await scheduler.acquire(makePlacement(name, { priority }));
    order.push(name);
    await settle();
    lease?.release();
  };
  await Promise.all([run('low', 1), run('high', 9), run('middle', 5), run('middle too', 5), run('last', -3)]);
  assert.deepEqual(order, ['high', 'middle', 'middle too', 'low', 'last']);
});

test('of the members without its cache, that with its largest parent is taken; without parents each build has its own order', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const members = names.map((name) => makeMember(name, { jobs: 9 }));
  const homeless = { coldMs: SECOND, builtOn: [] };
  const { scheduler, settle } = startPoolClock(members);
  for (const parent of names) {
    const asked = request(scheduler, makePlacement('child', { ...homeless, parents: ['gone', parent, 'a'] }));
    await settle();
    assert.equal(asked.where(), parent);
  }
  // The member that has its cache comes before its parents.
  const asked = request(scheduler, placeOn('b', 'child', { parents: ['a'] }));
  await settle();
  assert.equal(asked.where(), 'b');
  const busy = startPoolClock([...names.slice(1).map((name) => makeMember(name, { jobs: 99 })), A]);
  request(busy.scheduler, placeOn('a', 'first'));
  await busy.settle();
  const spread = Array.from({ length: 40 }, (_, at) =>
    request(busy.scheduler, placeOn('a', `x${at}`, { coldMs: 9, warmMs: 9 })),
  );
  await busy.settle();
  assert.equal(new Set(spread.map((one) => one.where())).size, 5);
});

test('platforms and labels say who can; where nobody can there is no lease', async () => {
  const members = [
    makeMember('amd', { platforms: ['linux/amd64'], jobs: 99 }),
    makeMember('arm', { platforms: ['linux/arm64'], labels: ['big'], jobs: 99 }),
  ];
  const { scheduler, settle } = startPoolClock(members);
  for (const [given, expected] of [
    [{ platforms: ['linux/arm64'] }, 'arm'],
    [{ platforms: ['linux/amd64'] }, 'amd'],
    [{ labels: ['big'] }, 'arm'],
    [{ platforms: ['linux/amd64', 'linux/arm64'] }, 'refused'],
    [{ labels: ['big'], platforms: ['linux/amd64'] }, 'refused'],
  ] as const) {
    for (let at = 0; at < 5; at++) {
      const asked = request(scheduler, makePlacement(`x${at}`, given));
      await settle();
      assert.equal(asked.where(), expected);
      assert(!asked.hasWaited());
    }
  }
});

test('a member where it failed is used only where no other is left', async () => {
  const { scheduler, settle } = startPoolClock([makeMember('a', { jobs: 9 }), makeMember('b', { jobs: 9 })]);
  const avoid = new Set(['a']);
  const other = request(scheduler, placeOn('a', 'x', { avoid }));
  await settle();
  assert.equal(other.where(), 'b');
  scheduler.setAside('b', 1e9);
  const same = request(scheduler, placeOn('a', 'x', { avoid }));
  await settle();
  assert.equal(same.where(), 'a');
});

test('a build that waits where it failed goes to another member as soon as there is one', async () => {
  const { scheduler, settle } = startPoolClock([A, B]);
  scheduler.setAside('b', 1e9);
  const first = request(scheduler, placeOn('a', 'first'));
  const again = request(scheduler, placeOn('a', 'x', { avoid: new Set(['a']), coldMs: 1e9, warmMs: 1 }));
  await settle();
  assert(again.hasWaited());
  scheduler.restore('b');
  await settle();
  assert.equal(first.where(), 'a');
  assert.equal(again.where(), 'b');
});

test('a member that is set aside gets nothing new until its time is over, and what waits for it moves on at once', async () => {
  const { scheduler, settle, pass, first, now } = await withBusyA(10);
  const known = { coldMs: 1000 * SECOND, warmMs: SECOND };
  const waits = request(scheduler, placeOn('a', 'x', known));
  await settle();
  assert.equal(waits.where(), 'waiting');
  scheduler.setAside('a', now() + 10 * SECOND);
  await settle();
  assert.equal(waits.where(), 'b');
  first.release();
  const next = request(scheduler, placeOn('a', 'y', known));
  await pass(9 * SECOND);
  assert.equal(next.where(), 'waiting');
  assert.deepEqual(
    scheduler.state.map(({ member, running, waiting, aside }) => [member.id, running, waiting, aside]),
    [
      ['a', 0, 0, true],
      ['b', 1, 1, false],
    ],
  );
  await pass(2 * SECOND);
  assert.equal(next.where(), 'a');
});

test('where all that can are set aside a build waits, and gets a slot when one is restored', async () => {
  const { scheduler, settle } = startPoolClock([A, B]);
  scheduler.setAside('a', Infinity);
  scheduler.setAside('b', Infinity);
  const asked = request(scheduler, makePlacement('x'));
  await settle();
  assert(asked.hasWaited());
  assert.equal(asked.where(), 'waiting');
  scheduler.restore('b');
  await settle();
  assert.equal(asked.where(), 'b');
});

test('a build whose last member leaves gets no lease; what runs keeps its own', async () => {
  const { scheduler, settle } = startPoolClock([A, makeMember('b', { labels: ['big'] })]);
  const runs = request(scheduler, makePlacement('runs', { labels: ['big'] }));
  const waits = request(scheduler, makePlacement('waits', { labels: ['big'] }));
  await settle();
  scheduler.setAside('b', Infinity);
  await settle();
  assert.equal(waits.where(), 'waiting');
  scheduler.remove('b');
  await settle();
  assert.equal(waits.where(), 'refused');
  assert.equal(runs.where(), 'b');
  runs.release();
  assert.deepEqual(
    scheduler.state.map(({ member }) => member.id),
    ['a'],
  );
});

test('a member that joins gets what waits; one that comes back is as full as what it runs', async () => {
  const { scheduler, settle, first } = await withBusyA(1000);
  const other = request(scheduler, placeOn('b', 'other'));
  const waits = request(scheduler, makePlacement('waits'));
  await settle();
  assert.equal(waits.where(), 'waiting');
  scheduler.add(makeMember('c'));
  await settle();
  assert.equal(waits.where(), 'c');
  scheduler.remove('a');
  scheduler.add(A);
  const more = request(scheduler, placeOn('a', 'more'));
  await settle();
  assert.equal(more.where(), 'waiting');
  first.release();
  await settle();
  assert.equal(more.where(), 'a');
  assert.equal(other.where(), 'b');
});

test("others' builds count: the first choice is left where it is slower with them than another one without the cache", async () => {
  const known = { coldMs: 100 * SECOND, warmMs: 40 * SECOND };
  for (const [others, expected] of [
    [0, 'a'],
    [1, 'a'],
    [5, 'b'],
  ] as const) {
    const { scheduler, settle } = startPoolClock([
      makeMember('a', { jobs: 2 }),
      makeMember('b', { jobs: 2 }),
    ]);
    scheduler.setLoad('a', others);
    const asked = request(scheduler, placeOn('a', 'x', known));
    await settle();
    assert.equal(asked.where(), expected);
  }
  // Nobody is kept waiting by what others run everywhere.
  const { scheduler, settle } = startPoolClock([A, B]);
  for (const id of ['a', 'b']) scheduler.setLoad(id, 50);
  const asked = request(scheduler, placeOn('a', 'x', known));
  await settle();
  assert.equal(asked.where(), 'a');
});

test('slots are numbered over the whole pool, the lowest free one first', async () => {
  const { scheduler, settle } = startPoolClock([makeMember('a', { jobs: 2 }), makeMember('b', { jobs: 2 })]);
  const all = [0, 1, 2, 3].map((at) => request(scheduler, makePlacement(`x${at}`)));
  await settle();
  assert.deepEqual(all.map((one) => one.slot()).sort(), [0, 1, 2, 3]);
  for (const slot of [2, 0, 3]) all.find((one) => one.slot() === slot)?.release();
  const next = ['p', 'q', 'r'].map((name) => request(scheduler, makePlacement(name)));
  await settle();
  assert.deepEqual(
    next.map((one) => one.slot()),
    [0, 2, 3],
  );
});

test('a lease that is released twice gives one slot back', async () => {
  const { scheduler, settle } = startPoolClock([A]);
  const [first, second, third] = ['x', 'y', 'z'].map((name) => request(scheduler, makePlacement(name)));
  await settle();
  first?.release();
  first?.release();
  await settle();
  assert.equal(second?.slot(), 0);
  assert.equal(third?.where(), 'waiting');
});

test('a build whose signal is aborted waits no more, and the next one is not held up', async () => {
  const { scheduler, settle, first } = await withBusyA(1);
  request(scheduler, placeOn('b', 'other'));
  const controller = new AbortController();
  const stopped = request(scheduler, placeOn('a', 'stopped', { priority: 9 }), controller.signal);
  const next = request(scheduler, placeOn('a', 'next'));
  await settle();
  controller.abort();
  await settle();
  assert.equal(stopped.where(), 'refused');
  const late = request(scheduler, placeOn('a', 'late'), controller.signal);
  first.release();
  await settle();
  assert.equal(next.where(), 'a');
  assert.equal(late.where(), 'refused');
  assert(!late.hasWaited());
});

test('a signal that is aborted before anything was decided, or after, takes nothing from anybody', async () => {
  const { scheduler, settle } = startPoolClock([A]);
  const early = new AbortController();
  const never = request(scheduler, makePlacement('never'), early.signal);
  early.abort();
  await settle();
  assert.equal(never.where(), 'refused');
  assert(!never.hasWaited());
  const late = new AbortController();
  const runs = request(scheduler, makePlacement('runs'), late.signal);
  await settle();
  late.abort();
  await settle();
  assert.equal(runs.where(), 'a');
  assert.equal(scheduler.state[0]?.running, 1);
});

test('with timers of its own a member that is set aside comes back', async () => {
  const scheduler = new Scheduler([A], { now: Date.now });
  scheduler.setAside('a', Date.now() + 20);
  const alive = setTimeout(() => {}, 10_000);
  const lease = await scheduler.acquire(makePlacement('x'));
  clearTimeout(alive);
  assert.equal(lease?.member, 'a');
});
