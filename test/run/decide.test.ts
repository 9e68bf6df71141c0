/** The decision, row by row: what is not known is built, and a build is skipped only on proof. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildRecord } from '../../lib/model/mod.ts';
import { decide, type Evidence, type TagState } from '../../lib/run/mod.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const record: BuildRecord = {
  version: 1,
  key: 'k',
  build: 'x',
  digest: A,
  mediaType: '',
  platforms: [],
  refs: ['r/x:1'],
  finishedAt: '',
  durationMs: 0,
  steps: { total: 0, cached: 0 },
};
const there: TagState = { ref: 'r/x:1', state: { kind: 'digest', digest: A } };
const elsewhere: TagState = { ref: 'r/x:2', state: { kind: 'digest', digest: B } };
const absent: TagState = { ref: 'r/x:3', state: { kind: 'absent' } };
const unknown: TagState = { ref: 'r/x:4', state: { kind: 'unknown', why: '503' } };

const proof: Evidence = {
  forced: false,
  noCache: false,
  untracked: [],
  record,
  changes: [],
  untrackedOutputs: [],
  missingCaches: [],
  tags: [there],
  manifestAvailable: true,
  store: 'not-wanted',
  onlyNeeded: false,
  carriedOver: undefined,
};

const ROWS: readonly (readonly [string, Partial<Evidence>, string, string])[] = [
  ['everything is in place', {}, 'unchanged', 'inputs-same'],
  ['forced', { forced: true }, 'build', 'forced'],
  ['steps that run anew', { noCache: true }, 'build', 'forced'],
  ['forced goes before what is not known', { forced: true, untracked: ['x'] }, 'build', 'forced'],
  ['inputs that are not known', { untracked: ['ADD http://x'] }, 'build', 'untracked'],
  ['never built', { record: undefined, changes: undefined }, 'build', 'first-build'],
  ['changed', { record: undefined, changes: ['context: a changed'] }, 'build', 'changed'],
  ['no record, and nothing changed', { record: undefined, changes: [] }, 'build', 'changed'],
  ['files nobody remembers', { untrackedOutputs: ['local'] }, 'build', 'not-recorded-output'],
  ['a cache that is not there', { missingCaches: ['out'] }, 'build', 'not-recorded-output'],
  ['a registry that says nothing', { tags: [there, unknown] }, 'build', 'registry-unknown'],
  ['unknown is not a reason to retag either', { tags: [absent, unknown] }, 'build', 'registry-unknown'],
  ['a missing tag', { tags: [there, absent] }, 'retag', 'tags-missing'],
  ['a moved tag', { tags: [there, elsewhere] }, 'retag', 'tags-moved'],
  ['one missing, one moved', { tags: [elsewhere, absent] }, 'retag', 'tags-missing'],
  ['a tag is gone with its manifest', { tags: [absent], manifestAvailable: false }, 'build', 'image-gone'],
  [
    'a tag moved and the manifest is gone',
    { tags: [elsewhere], manifestAvailable: false },
    'build',
    'image-gone',
  ],
  [
    'tags in a repository that its image was never in',
    { record: { ...record, refs: ['r/y:1'] }, tags: [absent], manifestAvailable: false },
    'build',
    'not-pushed',
  ],
  [
    'tags of an image that was never pushed',
    { record: { ...record, refs: [] }, tags: [absent], manifestAvailable: false },
    'build',
    'not-pushed',
  ],
  ['in the store', { tags: [], store: 'there' }, 'unchanged', 'inputs-same'],
  ['no longer in the store', { tags: [], store: 'gone' }, 'build', 'image-gone'],
  ['a store nobody can look into', { tags: [], store: 'unknown' }, 'build', 'image-gone'],
  ['only needed, and nobody looks', { tags: [], onlyNeeded: true }, 'unchanged', 'not-needed'],
  ['only needed, but changed', { tags: [], onlyNeeded: true, record: undefined }, 'build', 'changed'],
];

for (const [name, evidence, kind, code] of ROWS) {
  test(`decide: ${name}`, () => {
    const decision = decide({ ...proof, ...evidence });
    assert.equal(decision.kind, kind);
    assert.equal(decision.reason.code, code);
    assert(decision.reason.text.length > 0);
  });
}

test('reasons name what they are about', () => {
  const items = (evidence: Partial<Evidence>) =>
    decide({ ...proof, ...evidence }).reason.items?.join(' | ') ?? '';
  assert.match(items({ tags: [unknown] }), /r\/x:4: 503/);
  assert.match(items({ tags: [absent, elsewhere] }), /r\/x:3 is missing \| r\/x:2 points at sha256:b{12}$/);
  const changed = decide({ ...proof, record: undefined, changes: ['one changed', 'two changed'] });
  assert.equal(changed.reason.text, 'one changed, and 1 more');
});

test('reasons in words, to the letter', () => {
  const words = (evidence: Partial<Evidence>) => decide({ ...proof, ...evidence }).reason;
  const textOf = (evidence: Partial<Evidence>) => words(evidence).text;
  const unbuilt = { record: undefined };
  const carriedOver = 'what it copies is unchanged';
  assert.equal(textOf({ untrackedOutputs: ['local', 'oci'] }), 'it writes files, which are not tracked');
  assert.equal(textOf({ untrackedOutputs: ['image'] }), 'the results of its outputs are not tracked');
  assert.deepEqual(words({ forced: true }), { code: 'forced', text: 'rebuild requested' });
  assert.deepEqual(words({ untracked: ['x'] }), {
    code: 'untracked',
    text: 'not all of its inputs can be known',
    items: ['x'],
  });
  assert.deepEqual(words({ ...unbuilt, changes: undefined }), {
    code: 'first-build',
    text: 'not built here before',
  });
  assert.deepEqual(words({ ...unbuilt, changes: ['one'] }), { code: 'changed', text: 'one', items: ['one'] });
  assert.deepEqual(words({ ...unbuilt, changes: [] }), {
    code: 'changed',
    text: 'inputs unchanged, but no result is remembered',
  });
  assert.equal(textOf({ ...unbuilt, changes: ['one', 'two', 'three'] }), 'one, and 2 more');
  assert.deepEqual(words({ untrackedOutputs: ['local'] }).items, ['local']);
  assert.equal(textOf({}), 'inputs unchanged, its tag is up to date');
  assert.equal(textOf({ tags: [there, there] }), 'inputs unchanged, all 2 tags are up to date');
  assert.equal(textOf({ tags: [], store: 'there' }), "inputs unchanged, its image is in the engine's store");
  assert.equal(textOf({ carriedOver }), `${carriedOver}, its tag is up to date`);
  assert.equal(textOf({ carriedOver, tags: [absent] }), `${carriedOver}, but its tags are missing or moved`);
  assert.equal(
    textOf({ tags: [], onlyNeeded: true }),
    'inputs unchanged; built only if a build that needs it runs',
  );
  assert.deepEqual(words({ tags: [elsewhere] }), {
    code: 'tags-moved',
    text: 'inputs unchanged, but its tags are missing or moved',
    items: ['r/x:2 points at sha256:bbbbbbbbbbbb'],
  });
  assert.notEqual(textOf({ tags: [], store: 'gone' }), textOf({ tags: [], store: 'unknown' }));
});

test('an image that is nowhere was lost where it was pushed before, in one of the places at least', () => {
  const without = (refs: readonly string[], ...tags: readonly string[]) =>
    decide({
      ...proof,
      record: { ...record, refs },
      manifestAvailable: false,
      tags: tags.map((ref) => ({ ref, state: { kind: 'absent' } })),
    }).reason;
  const [one, two, three] = ['r.example/x:1', 'r.example/y:1', 'r.example/z:1'];
  assert.deepEqual(without([one], one, two), {
    code: 'image-gone',
    text: 'its image is no longer in the registry',
    items: [`${one} is missing`, `${two} is missing`],
  });
  const never = (where: string) => `its image was not pushed to ${where} before`;
  assert.equal(without([], one).text, never('r.example/x'));
  assert.equal(without([], one, 'r.example/x:2').text, never('r.example/x'));
  assert.equal(without([three], one, two).text, never('r.example/x and 1 more'));
  assert.equal(without([], one, two, three).text, never('r.example/x and 2 more'));
});
