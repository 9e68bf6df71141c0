/** The order in which members are asked: fixed, fair, and hardly moved by members that come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Member, rankMembers, whoCan } from '../../lib/pool/mod.ts';

function member(id: string, jobs = 4): Member {
  return { id, jobs, platforms: [], labels: [] };
}

function pool(count: number): readonly Member[] {
  return Array.from({ length: count }, (_, at) => member(`tcp://b${at}.example.com:1234`));
}

function idsOf(identity: string, members: readonly Member[]): readonly string[] {
  return rankMembers(identity, members).map(({ id }) => id);
}

/** How often each is the first of 20,000 identities. */
function countFirsts(members: readonly Member[]): ReadonlyMap<string, number> {
  const counts = new Map(members.map(({ id }) => [id, 0]));
  for (let at = 0; at < 20_000; at++) {
    const first = rankMembers(`identity ${at}`, members)[0]?.id ?? '';
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

test('the order is the one it always was, on every runtime', () => {
  const members = [member('tcp://b1:1234'), member('tcp://b2:1234'), member('unix:///run/b.sock', 8)];
  const orders = Object.fromEntries(
    ['api', 'web', 'worker', 'größer', ''].map((identity) => [identity, idsOf(identity, members)]),
  );
  assert.deepEqual(orders, {
    api: ['unix:///run/b.sock', 'tcp://b1:1234', 'tcp://b2:1234'],
    web: ['tcp://b1:1234', 'tcp://b2:1234', 'unix:///run/b.sock'],
    worker: ['unix:///run/b.sock', 'tcp://b1:1234', 'tcp://b2:1234'],
    größer: ['unix:///run/b.sock', 'tcp://b2:1234', 'tcp://b1:1234'],
    '': ['unix:///run/b.sock', 'tcp://b2:1234', 'tcp://b1:1234'],
  });
});

test('the order in which members are given does not count', () => {
  const members = pool(20);
  const turned = [...members].reverse();
  for (let at = 0; at < 100; at++) assert.deepEqual(idsOf(`i${at}`, turned), idsOf(`i${at}`, members));
});

test('each is the first choice of its share, and those with more jobs of a larger one', () => {
  const members = [member('a', 1), member('b', 2), member('c', 4), member('d', 8), member('e', 5)];
  const counts = countFirsts(members);
  for (const { id, jobs } of members) {
    const share = (counts.get(id) ?? 0) / 20_000;
    // Five deviations of a count of 20,000.
    const allowed = 5 * Math.sqrt(((jobs / 20) * (1 - jobs / 20)) / 20_000);
    assert(Math.abs(share - jobs / 20) < allowed, `${id} has ${share} and not ${jobs / 20}`);
  }
});

test('the second choice is spread as evenly as the first one', () => {
  const members = pool(5);
  const counts = new Map<string, number>();
  for (let at = 0; at < 20_000; at++) {
    const pair = idsOf(`identity ${at}`, members).slice(0, 2).join(' ');
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  assert.equal(counts.size, 20);
  for (const [pair, count] of counts)
    assert(Math.abs(count - 1000) < 5 * Math.sqrt(950), `${pair}: ${count}`);
});

test('a member that joins takes its share and moves nothing else; one that leaves moves what it had', () => {
  for (const seed of [1, 2, Math.floor(Math.random() * 1e9)]) {
    const members = pool(20);
    const more = [...members, member(`tcp://new-${seed}:1234`)];
    let moved = 0;
    for (let at = 0; at < 5000; at++) {
      const identity = `${seed} ${at}`;
      const before = idsOf(identity, members);
      const after = idsOf(identity, more);
      if (after[0] !== before[0]) {
        moved++;
        assert.equal(after[0], `tcp://new-${seed}:1234`);
      }
      // All others keep their order.
      assert.deepEqual(
        after.filter((id) => !id.includes('new')),
        before,
      );
    }
    assert(moved > 0 && moved <= (2 * 5000) / 20, `seed ${seed}: ${moved} of 5000 moved`);
  }
});

test('a member with more jobs than before wins builds and loses none', () => {
  const members = pool(10);
  const [first] = members;
  assert(first !== undefined);
  const grown = members.map((one) => (one === first ? { ...one, jobs: 8 } : one));
  for (let at = 0; at < 2000; at++) {
    const [before, after] = [idsOf(`i${at}`, members)[0], idsOf(`i${at}`, grown)[0]];
    if (after !== before) assert.equal(after, first.id);
  }
});

test('jobs that are no number of builds count as one', () => {
  const counts = countFirsts([member('a', 0), member('b', -3), member('c', Number.NaN), member('d', 1.9)]);
  for (const [id, count] of counts) assert(Math.abs(count - 5000) < 5 * Math.sqrt(3750), `${id}: ${count}`);
});

test('who can: all platforms, all labels; a member without platforms builds for any', () => {
  const members: readonly Member[] = [
    { id: 'amd', jobs: 1, platforms: ['linux/amd64'], labels: [] },
    { id: 'both', jobs: 1, platforms: ['linux/arm64', 'linux/amd64'], labels: ['big'] },
    { id: 'any', jobs: 1, platforms: [], labels: ['big', 'gpu'] },
  ];
  const can = (platforms: readonly string[], labels: readonly string[]) =>
    whoCan({ platforms, labels }, members).map(({ id }) => id);
  assert.deepEqual(can([], []), ['amd', 'both', 'any']);
  assert.deepEqual(can(['linux/amd64'], []), ['amd', 'both', 'any']);
  assert.deepEqual(can(['linux/amd64', 'linux/arm64'], []), ['both', 'any']);
  assert.deepEqual(can(['linux/s390x'], []), ['any']);
  assert.deepEqual(can(['linux/amd64'], ['big']), ['both', 'any']);
  assert.deepEqual(can([], ['gpu', 'big']), ['any']);
  assert.deepEqual(can([], ['fast']), []);
});
