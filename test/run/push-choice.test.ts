/** Which image `push` takes for a build, by what is remembered of it, what its tags point at, and what the store says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, fail, formatImageRef, ok, type Problem, problem } from '../../lib/model/mod.ts';
import type { Presence } from '../../lib/registry/mod.ts';
import { chooseResult, type OpenStore } from '../../lib/run/push-choice.ts';
import { storeName } from '../../lib/run/store-names.ts';
import type { LastResult } from '../../lib/state/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTag } from '../rig/sets.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;
const [ONE, LATEST] = ['r.test/x:1', 'r.test/x:latest'];
const OWN = formatImageRef(storeName({ root: '/p', isolated: false }, 'x'));
const LAST: LastResult = { digest: A, finishedAt: '2026-01-01T00:00:00.000Z', tags: [ONE, LATEST] };
const PUSHED: LastResult = { ...LAST, pushed: true };

interface Given {
  readonly last?: LastResult;
  /** What registries have. */
  readonly tags?: Readonly<Record<string, Digest>>;
  /** What ctr lists. */
  readonly listed?: Readonly<Record<string, Digest>>;
  /** What buildctl says of names, be it of the store or of a registry; without either, the worker is an OCI worker. */
  readonly lookedUp?: Readonly<Record<string, Digest>>;
  readonly isAway?: true;
}

/** The digest that is chosen, else the code of the problem; and the names that were looked up. */
async function choose({ last, tags = {}, listed, lookedUp, isAway }: Given) {
  const asked: string[] = [];
  const none = problem('engine/no-image-store', 'none');
  const containerd = { socket: '', namespace: '', ctr: '' };
  const names = listed ?? lookedUp ?? {};
  const opened: OpenStore = {
    store: {
      stream: () => assert.fail('nothing is read'),
      containerd: listed === undefined ? undefined : containerd,
      unreadable: listed === undefined && lookedUp === undefined ? none : undefined,
    },
    digestOf: async (name) => {
      asked.push(name);
      return names[name];
    },
  };
  const head = async (ref: Parameters<typeof formatImageRef>[0]): Promise<Presence> => {
    const digest = tags[formatImageRef(ref)];
    return digest === undefined
      ? { kind: 'absent' }
      : { kind: 'present', digest, mediaType: 'm', sizeBytes: 1 };
  };
  const chosen = await chooseResult(
    {
      root: '/p',
      state: { readResult: async () => last },
      registry: { head },
      open: async () => (isAway === true ? fail([problem('engine/unreachable', 'away')]) : ok(opened)),
    },
    makeNode({ name: 'x', tags: [makeTag(ONE), makeTag(LATEST)] }),
  );
  const found: Problem | undefined = chosen.ok ? undefined : chosen.error[0];
  return { said: chosen.ok ? chosen.value.digest : found?.code, message: found?.message ?? '', asked };
}

const both = (digest: Digest) => ({ [ONE]: digest, [LATEST]: digest });

const cases: readonly (readonly [what: string, given: Given, said: string])[] = [
  [
    'what was pushed last is there, whatever the store has',
    { last: PUSHED, tags: both(A), listed: both(B) },
    A,
  ],
  ['and needs no engine', { last: PUSHED, tags: both(A), isAway: true }, A],
  ['nor does what was put by push', { last: LAST, tags: both(A), isAway: true }, A],
  [
    'a tag in place does not hide a newer one in the store',
    { last: LAST, tags: both(A), listed: both(B) },
    'run/store-differs',
  ],
  [
    'nor where only our name tells',
    { last: LAST, tags: both(A), lookedUp: { [OWN]: B } },
    'run/store-differs',
  ],
  ['what the store has as it was built', { last: LAST, listed: both(A) }, A],
  ['tags that others moved go back to it', { last: LAST, tags: both(B), listed: both(A) }, A],
  ['what is gone from the store', { last: LAST, listed: { [ONE]: A } }, 'run/not-built'],
  [
    'a tag more than it was built with',
    { last: { ...LAST, tags: [LATEST] }, listed: { [LATEST]: A } },
    'run/not-built',
  ],
  ['the same, of what was pushed', { last: { ...PUSHED, tags: [LATEST] }, listed: {} }, 'run/not-built'],
  ['of what was pushed nothing need be in the store', { last: PUSHED, tags: { [ONE]: A }, listed: {} }, A],
  [
    'a sensitive tag, noted nowhere, that the store has',
    { last: { ...LAST, tags: [ONE] }, listed: both(A) },
    A,
  ],
  ['nothing remembered, all tags in the store', { listed: both(A) }, A],
  ['nothing remembered, one of them', { listed: { [LATEST]: A } }, 'run/not-built'],
  ['nothing remembered, two images', { listed: { [ONE]: A, [LATEST]: B } }, 'run/store-differs'],
  ['nothing remembered, nothing there', { listed: {} }, 'run/not-built'],
  ['a registry that answers for the store', { lookedUp: both(B) }, 'run/not-built'],
  ['the same beside an older image of ours', { lookedUp: { ...both(B), [OWN]: A } }, 'run/not-built'],
  ['nothing remembered, and ours with all tags', { lookedUp: { ...both(A), [OWN]: A } }, A],
  ['ours is what was built, whatever a registry says', { last: LAST, lookedUp: { ...both(B), [OWN]: A } }, A],
  ['ours is gone', { last: LAST, lookedUp: both(A) }, 'run/not-built'],
  ['an engine that keeps none: what is remembered', { last: LAST }, A],
  ['but not under other tags', { last: { ...LAST, tags: [ONE] } }, 'run/not-built'],
  ['an engine that keeps none, nothing remembered', {}, 'run/not-built'],
  ['an engine that is away', { last: LAST, isAway: true }, 'engine/unreachable'],
  [
    'what another machine made, in place',
    { last: { ...PUSHED, vouched: true }, tags: both(A), listed: both(B) },
    A,
  ],
  [
    'what another machine made, to be put',
    { last: { ...PUSHED, vouched: true }, listed: {} },
    'run/not-built',
  ],
  ['unless the store has it', { last: { ...PUSHED, vouched: true }, listed: both(A) }, A],
  [
    'what was found wrong',
    { last: { ...PUSHED, wrong: true }, tags: both(A), listed: both(A) },
    'run/not-built',
  ],
];

for (const [what, given, said] of cases)
  test(what, async () => {
    const found = await choose(given);
    assert.equal(found.said, said, found.message);
  });

test('what is remembered under all tags is looked up by our name alone', async () => {
  assert.deepEqual((await choose({ last: LAST, lookedUp: { [OWN]: A } })).asked, [OWN]);
});

test('the tags that are the reason are named, and no others', async () => {
  const more = await choose({ last: { ...LAST, tags: [LATEST] }, listed: { [LATEST]: A } });
  assert.match(more.message, /was not built or pushed under r\.test\/x:1$/);
  const gone = await choose({ last: LAST, listed: { [ONE]: A } });
  assert.match(gone.message, /is not in the engine's store under r\.test\/x:latest$/);
});
