/** When tags move, in what order, and what is taken back where one cannot be moved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Digest,
  type EventBody,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  parseImageRef,
  problem,
} from '../../lib/model/mod.ts';
import type { RegistryClient } from '../../lib/registry/mod.ts';
import {
  immutableTags,
  type Publication,
  Publisher,
  type PublisherOptions,
} from '../../lib/run/publisher.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const refOf = (text: string): ImageRef => parseImageRef(text) ?? assert.fail(text);
const AWAY = problem('registry/unavailable', 'it is away');

interface Faults {
  /** Names of tags of which nothing is said. */
  readonly unknown?: readonly string[];
  /** Names of tags that are not put. */
  readonly refused?: readonly string[];
  /** Names of tags that are put without saying so. */
  readonly unsaid?: readonly string[];
  /** Where somebody else moves tags once one was refused; undefined: takes them away. */
  readonly meanwhile?: Readonly<Record<string, string | undefined>>;
}

interface World {
  readonly tags: Map<string, Digest>;
  readonly puts: string[];
  readonly forgotten: string[];
  readonly events: EventBody[];
  readonly publisher: Publisher;
}

function open(
  before: Readonly<Record<string, string>> = {},
  faults: Faults = {},
  more: Partial<PublisherOptions> = {},
  back: Faults = {},
): World {
  const there = Object.entries(before).filter(([, letter]) => letter !== '');
  const tags = new Map(there.map(([name, letter]) => [name, digest(letter)]));
  const puts: string[] = [];
  const forgotten: string[] = [];
  const events: EventBody[] = [];
  const client = ({ unknown = [], refused = [], unsaid = [], meanwhile = {} }: Faults) =>
    ({
      forget: (ref: ImageRef) => void forgotten.push(formatImageRef(ref)),
      head: async (ref: ImageRef) => {
        const name = formatImageRef(ref);
        if (unknown.includes(name)) return { kind: 'unknown', problem: AWAY };
        const found = tags.get(name);
        return found === undefined ? { kind: 'absent' } : { kind: 'present', digest: found };
      },
      tagManifest: async (from: ImageRef, to: ImageRef) => {
        const name = formatImageRef(to);
        puts.push(`${from.repository}@${from.digest?.slice(7, 8)}>${name}`);
        if (refused.includes(name)) {
          for (const [one, letter] of Object.entries(meanwhile)) {
            if (letter === undefined) tags.delete(one);
            else tags.set(one, digest(letter));
          }
          return fail([AWAY]);
        }
        tags.set(name, from.digest ?? assert.fail());
        return unsaid.includes(name) ? fail([AWAY]) : ok({});
      },
    }) as unknown as RegistryClient;
  const publisher = new Publisher({
    registry: client(faults),
    openRollback: () => client(back),
    emit: (event) => events.push(event),
    together: false,
    isImmutable: () => false,
    note: async () => async () => undefined,
    ...more,
  });
  return { tags, puts, forgotten, events, publisher };
}

const publication = (
  build: string,
  letter: string,
  fresh: boolean,
  ...refs: readonly string[]
): Publication => ({
  build,
  source: { registry: 'r.example', repository: 'from', digest: digest(letter) },
  refs: refs.map(refOf),
  fresh,
});
const [ONE, TWO, THREE] = ['r.example/one:1', 'r.example/two:1', 'r.example/three:1'];

test('tags are put at once: from their own repository where they were pushed, else from where the image is', async () => {
  for (const fresh of [true, false]) {
    const { publisher, puts, events, forgotten } = open({ [ONE]: 'a', [TWO]: 'b' });
    const put = await publisher.publish(publication('x', 'b', fresh, ONE, TWO, THREE));
    assert(put.ok);
    const action = fresh ? 'pushed' : 'retagged';
    const expected = [ONE, TWO, THREE].map((ref) => ({
      ref,
      digest: digest('b'),
      action: ref === TWO ? 'there' : action,
    }));
    assert.deepEqual(put.value, expected);
    assert.deepEqual(
      events,
      expected.map((tag) => ({ type: 'tag', build: 'x', tag })),
    );
    const from = (own: string) => (fresh ? own : 'from');
    assert.deepEqual(puts, [`${from('one')}@b>${ONE}`, `${from('three')}@b>${THREE}`]);
    assert.deepEqual(forgotten, []);
    assert.deepEqual(publisher.dropWaiting(), []);
  }
});

test('an immutable tag is asked for anew, and put only where it is surely not there', async () => {
  const isImmutable = immutableTags(['1']);
  const there = open({ [ONE]: 'a', [TWO]: 'b' }, {}, { isImmutable });
  const put = await there.publisher.publish(publication('x', 'b', true, ONE, TWO, THREE));
  assert(!put.ok);
  assert.deepEqual(
    put.error.map(({ code, message }) => [code, message]),
    [
      [
        'run/immutable-tag',
        `\`${ONE}\` is immutable and exists (${digest('a')}), and this run would change it`,
      ],
    ],
  );
  assert.deepEqual(there.puts, [`three@b>${THREE}`]);
  assert.deepEqual(there.forgotten, [ONE, TWO, THREE]);
  const unknown = open({}, { unknown: [ONE] }, { isImmutable });
  const unsaid = await unknown.publisher.publish(publication('x', 'b', true, ONE));
  assert(!unsaid.ok);
  assert.match(unsaid.error[0]?.message ?? '', /does not say what it points to$/);
  assert.deepEqual(unknown.puts, []);
});

test('all tags are tried though one cannot be put', async () => {
  const { publisher, puts } = open({}, { refused: [ONE] });
  const put = await publisher.publish(publication('x', 'b', true, ONE, TWO));
  assert.deepEqual(put, fail([AWAY]));
  assert.equal(puts.length, 2);
});

test('together they move in the order given, and are announced when all have', async () => {
  const { publisher, puts, events } = open({ [ONE]: 'a' }, {}, { together: true });
  assert.deepEqual(await publisher.publish(publication('z', 'c', true, THREE)), ok([]));
  await publisher.publish(publication('y', 'b', true, TWO));
  await publisher.publish(publication('x', 'a', true, ONE));
  assert.deepEqual([puts, events], [[], []]);
  const done = await publisher.publishWaiting(['x', 'y', 'z']);
  assert(done.ok);
  assert.deepEqual(puts, [`two@b>${TWO}`, `three@c>${THREE}`]);
  const tag = (ref: string, letter: string, action: string) => ({ ref, digest: digest(letter), action });
  assert.deepEqual(
    [...done.value],
    [
      ['x', [tag(ONE, 'a', 'there')]],
      ['y', [tag(TWO, 'b', 'pushed')]],
      ['z', [tag(THREE, 'c', 'pushed')]],
    ],
  );
  assert.deepEqual(
    events.map((event) => (event.type === 'tag' ? `${event.build} ${event.tag.ref}` : event.type)),
    [`x ${ONE}`, `y ${TWO}`, `z ${THREE}`],
  );
  assert.deepEqual(publisher.dropWaiting(), []);
  assert.deepEqual(await publisher.publishWaiting([]), ok(new Map()));
});

test('tags that waited in vain are named once', async () => {
  const { publisher, events, puts } = open({}, {}, { together: true });
  assert.deepEqual(publisher.dropWaiting(), []);
  assert.equal(events.length, 0);
  await publisher.publish(publication('x', 'a', true, ONE));
  await publisher.publish(publication('y', 'b', true, TWO));
  assert.deepEqual(publisher.dropWaiting(), ['x', 'y']);
  const [event, ...more] = events;
  assert.deepEqual(more, []);
  assert(event?.type === 'warning');
  assert.equal(event.problem.code, 'run/not-published');
  assert.equal(event.problem.severity, 'warning');
  assert.match(event.problem.message, /finished: x, y$/);
  assert.deepEqual(publisher.dropWaiting(), []);
  assert.deepEqual(puts, []);
});

/** Moves `one` (a → x), `two` (there already), `late` (not there before), and then `three`, which fails. */
async function fallBack(before: Readonly<Record<string, string>>, faults: Faults, back: Faults = {}) {
  const world = open(before, faults, { together: true }, back);
  await world.publisher.publish(publication('x', 'c', true, ONE, TWO));
  await world.publisher.publish(publication('y', 'c', true, THREE));
  const done = await world.publisher.publishWaiting(['x', 'y']);
  assert(!done.ok);
  assert.deepEqual(done.error[0], AWAY);
  const rest = done.error
    .slice(1)
    .map(({ code, message, detail, severity }) => [code, message, detail, severity]);
  return { ...world, rest };
}

test('where one cannot be moved, those that were are put back, the last one first', async () => {
  const before = { [ONE]: 'a', [TWO]: 'b', [THREE]: 'b' };
  const { tags, rest, puts, events } = await fallBack(before, { refused: [THREE] });
  assert.deepEqual(Object.fromEntries(tags), {
    [ONE]: digest('a'),
    [TWO]: digest('b'),
    [THREE]: digest('b'),
  });
  assert.deepEqual(puts.slice(3), [`two@b>${TWO}`, `one@a>${ONE}`]);
  const detail = `${TWO}\n${ONE}`;
  assert.deepEqual(rest, [
    ['run/publish-rolled-back', '2 tags were moved back to the previous image', detail, 'warning'],
  ]);
  assert.deepEqual(events, []);
  const single = await fallBack({ ...before, [TWO]: 'c' }, { refused: [THREE] });
  assert.deepEqual(single.rest, [
    ['run/publish-rolled-back', 'a tag was moved back to the previous image', ONE, 'warning'],
  ]);
});

test('a tag that moved though the registry did not say so is put back too', async () => {
  const before = { [ONE]: 'c', [TWO]: 'c', [THREE]: 'b' };
  const { tags, rest } = await fallBack(before, { unsaid: [THREE] });
  assert.equal(tags.get(THREE), digest('b'));
  assert.deepEqual(
    rest.map(([code, , detail]) => [code, detail]),
    [['run/publish-rolled-back', THREE]],
  );
});

test('what cannot be put back is named with why', async () => {
  const rows: readonly (readonly [Readonly<Record<string, string>>, Faults, Faults, string])[] = [
    [{ [TWO]: 'c', [THREE]: 'b' }, { refused: [THREE] }, {}, `${ONE} (it did not exist before)`],
    [
      { [ONE]: 'a', [TWO]: 'c', [THREE]: 'b' },
      { refused: [THREE], unknown: [ONE] },
      {},
      `${ONE} (what it pointed to is unknown)`,
    ],
    [
      { [ONE]: 'a', [TWO]: 'c', [THREE]: 'b' },
      { refused: [THREE] },
      { refused: [ONE] },
      `${ONE} (was ${digest('a')}: it is away)`,
    ],
    [
      { [ONE]: 'c', [TWO]: 'c', [THREE]: 'b' },
      { refused: [THREE] },
      { unknown: [THREE] },
      `${THREE} (may have moved: it is away)`,
    ],
    [
      { [ONE]: 'a', [TWO]: 'c', [THREE]: 'b' },
      { refused: [THREE] },
      { unknown: [ONE] },
      `${ONE} (moved; what it points to now is unknown: it is away)`,
    ],
  ];
  for (const [before, faults, back, detail] of rows) {
    const { rest } = await fallBack(before, faults, back);
    assert.deepEqual(
      rest.map(([code, message, text]) => [code, message, text]),
      [['run/publish-left', 'a tag was moved and could not be moved back', detail]],
    );
  }
  const both = await fallBack({ [THREE]: 'b' }, { refused: [THREE] });
  assert.deepEqual(
    both.rest.map(([code, message]) => [code, message]),
    [['run/publish-left', '2 tags were moved and could not be moved back']],
  );
});

test('what somebody else moved, or took away, after we moved it stays as it is and is named', async () => {
  const old = { [ONE]: 'a', [TWO]: 'b', [THREE]: 'b' };
  const short = (letter: string) => digest(letter).slice(0, 19);
  const of = async (before: Readonly<Record<string, string>>, faults: Faults) => {
    const { rest, puts, tags } = await fallBack(before, { refused: [THREE], ...faults });
    return {
      rest: rest.map(([code, message, detail]) => [code, message, detail]),
      puts: puts.slice(3),
      tags,
    };
  };
  const left = (detail: string) => [
    'run/publish-left',
    'a tag was moved by somebody else meanwhile and not moved back',
    detail,
  ];
  const back = (name: string) => [
    'run/publish-rolled-back',
    'a tag was moved back to the previous image',
    name,
  ];
  const moved = await of(old, { meanwhile: { [ONE]: 'd' } });
  assert.deepEqual(moved.rest, [back(TWO), left(`${ONE} (it is ${short('d')}, was ${short('a')})`)]);
  assert.deepEqual(moved.puts, [`two@b>${TWO}`]);
  assert.equal(moved.tags.get(ONE), digest('d'));
  const gone = await of(old, { meanwhile: { [ONE]: undefined } });
  assert.deepEqual(gone.rest, [back(TWO), left(`${ONE} (it is gone, was ${short('a')})`)]);
  const fresh = await of({ ...old, [TWO]: 'c', [ONE]: '' }, { meanwhile: { [ONE]: 'd' } });
  assert.deepEqual(fresh.rest, [left(`${ONE} (it is ${short('d')})`)]);
  const unknown = await of({ ...old, [TWO]: 'c' }, { unknown: [ONE], meanwhile: { [ONE]: undefined } });
  assert.deepEqual(unknown.rest, [left(`${ONE} (it is gone)`)]);
  // Put back by somebody else already; and one that we did not move.
  const same = await of(old, { meanwhile: { [ONE]: 'a', [THREE]: 'd' } });
  assert.deepEqual(same.rest, [back(TWO), left(`${THREE} (it is ${short('d')}, was ${short('b')})`)]);
  const nobody = await of(old, { unknown: [THREE], meanwhile: { [THREE]: 'd' } });
  assert.deepEqual(nobody.rest.length, 1);
});

test('what is put back is what stood there when tags began to move', async () => {
  const { forgotten } = await fallBack({ [ONE]: 'a', [TWO]: 'b', [THREE]: 'b' }, { refused: [THREE] });
  assert.deepEqual(forgotten.slice(0, 3), [ONE, TWO, THREE]);
});

test('a tag that was never there and is not there now is none to put back', async () => {
  const { rest } = await fallBack({ [ONE]: 'c', [TWO]: 'c' }, { refused: [THREE] });
  assert.deepEqual(rest, []);
});

test('globs of immutable tags are over the tag, or over the whole reference where they have a slash', () => {
  const is = (globs: readonly string[], text: string) => immutableTags(globs)(refOf(text));
  assert.equal(is(['v*'], 'r.example/x:v1'), true);
  assert.equal(is(['v*'], 'r.example/v1:x'), false);
  assert.equal(is(['x', 'v*'], 'r.example/x:v1'), true);
  assert.equal(is(['r.example/x:*'], 'r.example/x:v1'), true);
  assert.equal(is(['r.example/y:*'], 'r.example/x:v1'), false);
  assert.equal(is(['*'], 'r.example/x'), false);
  assert.equal(is([], 'r.example/x:v1'), false);
});
