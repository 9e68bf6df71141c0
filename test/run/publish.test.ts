/** Tags: what is asked of registries about them, which count as in place, and how they are put. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BuildRecord,
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  parseImageRef,
  problem,
  repositoriesOf,
  type TagResult,
} from '../../lib/model/mod.ts';
import type { Presence, RegistryClient } from '../../lib/registry/mod.ts';
import type { TagState } from '../../lib/run/decide.ts';
import { alikeTags, askTags, findManifest, putTags, wantedTags } from '../../lib/run/publish.ts';
import { Documents, MANIFEST } from '../rig/documents.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTag } from '../rig/sets.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const ref = (text: string): ImageRef => parseImageRef(text) ?? assert.fail(text);
const tagged = (name: string, of: Digest): TagState => ({ ref: name, state: { kind: 'digest', digest: of } });

test('tags that are no references are wanted nowhere, and repositories are named once, in order', () => {
  const tags = ['r.example/b:1', 'NO', 'r.example/a:1', 'r.example/b:2', 's.example/b:1'].map(makeTag);
  const wanted = wantedTags(makeNode({ tags }));
  assert.deepEqual(wanted.map(formatImageRef), [
    'r.example/b:1',
    'r.example/a:1',
    'r.example/b:2',
    's.example/b:1',
  ]);
  assert.deepEqual(repositoriesOf(wanted), [
    { registry: 'r.example', repository: 'b' },
    { registry: 'r.example', repository: 'a' },
    { registry: 's.example', repository: 'b' },
  ]);
});

test('each tag is where its registry says, nowhere, or not known', async () => {
  const documents = new Documents();
  documents.tags.set('app:1', digest('a'));
  documents.tags.set('app:3', undefined);
  const refs = ['1', '2', '3'].map((tag) => ref(`r.example/app:${tag}`));
  assert.deepEqual(await askTags(documents.client(), refs), [
    tagged('r.example/app:1', digest('a')),
    { ref: 'r.example/app:2', state: { kind: 'absent' } },
    { ref: 'r.example/app:3', state: { kind: 'unknown', why: 'it does not say' } },
  ]);
});

test('a tag is as good as the remembered one where its index has the same images and attestations', async () => {
  const documents = new Documents();
  const child = (architecture: string, of: Digest) => ({
    mediaType: MANIFEST,
    digest: of,
    size: 1,
    platform: { architecture, os: 'linux' },
  });
  const attestation = {
    mediaType: MANIFEST,
    digest: digest('f'),
    size: 1,
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const [amd, arm, other] = [
    child('amd64', digest('a')),
    child('arm64', digest('b')),
    child('arm64', digest('c')),
  ];
  const own = digest('0');
  const record = {
    digest: own,
    platforms: [
      { platform: 'linux/arm64', digest: digest('b') },
      { platform: 'linux/amd64', digest: digest('a') },
    ],
  } as unknown as BuildRecord;
  const rows: readonly (readonly [string, Digest, boolean])[] = [
    ['the same', own, true],
    ['the same images', documents.index('app', [amd, arm, attestation]), true],
    ['in another order', documents.index('app', [attestation, arm, amd]), true],
    ['without attestations', documents.index('app', [amd, arm]), false],
    ['another image', documents.index('app', [amd, other, attestation]), false],
    ['an image less', documents.index('app', [arm, attestation]), false],
    ['not there', digest('9'), false],
  ];
  for (const [name, of, isAlike] of rows) {
    documents.asked = [];
    const found = await alikeTags(documents.client(), [ref('r.example/app:1')], [tagged('t', of)], record);
    assert.deepEqual(found, [tagged('t', isAlike ? own : of)], name);
    assert.deepEqual(documents.asked, of === own ? [] : ['manifest app'], name);
  }
  // What is not there, or not known, stays so.
  const others: readonly TagState[] = [
    { ref: 'a', state: { kind: 'absent' } },
    { ref: 'b', state: { kind: 'unknown', why: 'x' } },
  ];
  const refs = [ref('r.example/app:1'), ref('r.example/app:2')];
  assert.deepEqual(await alikeTags(documents.client(), refs, others, record), others);
});

test('a manifest is where a tag has it, else in the first repository that has it', async () => {
  const documents = new Documents();
  const refs = ['r.example/a:1', 'r.example/b:1', 'r.example/b:2', 'r.example/c:1'].map(ref);
  const tags = [digest('1'), digest('2'), digest('3'), digest('3')].map((of, at) => tagged(`${at}`, of));
  const find = (of: Digest) => findManifest(documents.client(), refs, tags, of);
  assert.deepEqual(await find(digest('2')), { registry: 'r.example', repository: 'b', digest: digest('2') });
  assert.deepEqual(documents.asked, []);
  assert.equal(await find(digest('4')), undefined);
  assert.deepEqual(documents.asked, ['head a', 'head b', 'head c']);
  const there = documents.put('b', 'x');
  documents.put('c', 'x');
  assert.deepEqual(await find(there), { registry: 'r.example', repository: 'b', digest: there });
});

/** Puts tags where each of them is as given; @returns what was asked, and what came of it. */
async function put(
  states: Readonly<Record<string, Digest | 'absent' | 'unknown'>>,
  given: { readonly fresh?: boolean; readonly immutable?: string; readonly failing?: string } = {},
) {
  const asked: string[] = [];
  const seen: TagResult[] = [];
  const broken = (name: string) => problem('registry/denied', `no ${name}`);
  const client = {
    forget: (one: ImageRef) => asked.push(`forget ${formatImageRef(one)}`),
    head: async (one: ImageRef): Promise<Presence> => {
      const state = states[formatImageRef(one)] ?? 'absent';
      if (state === 'absent') return { kind: 'absent' };
      return state === 'unknown'
        ? { kind: 'unknown', problem: broken('answer') }
        : ({ kind: 'present', digest: state } as Presence);
    },
    tagManifest: async (from: ImageRef, to: ImageRef) => {
      const name = formatImageRef(to);
      asked.push(`${from.registry}/${from.repository} to ${name}`);
      assert.deepEqual([from.tag, from.digest], [undefined, SOURCE.digest]);
      return name === given.failing ? fail([broken(name)]) : ok(undefined);
    },
  } as unknown as RegistryClient;
  const result = await putTags(client, SOURCE, Object.keys(states).map(ref), {
    fresh: given.fresh === true,
    isImmutable: (one) => formatImageRef(one) === given.immutable,
    onTag: (tag) => seen.push(tag),
  });
  for (const { digest: of } of seen) assert.equal(of, SOURCE.digest);
  if (result.ok) assert.deepEqual(result.value, seen);
  return {
    asked,
    seen: seen.map(({ ref: name, action }) => `${name} ${action}`),
    problems: result.ok ? [] : result.error.map(({ code, message }) => `${code}: ${message}`),
    hints: result.ok ? [] : result.error.flatMap(({ hint }) => hint ?? []),
  };
}

const SOURCE = { registry: 'r.example', repository: 'home', digest: digest('a') };

test('tags that are in place stay, others are put from where the manifest is', async () => {
  const states = {
    'r.example/x:1': 'absent',
    'r.example/x:2': digest('a'),
    'r.example/y:1': digest('b'),
  } as const;
  const { asked, seen, problems } = await put(states);
  assert.deepEqual(asked, ['r.example/home to r.example/x:1', 'r.example/home to r.example/y:1']);
  assert.deepEqual(seen, ['r.example/x:1 retagged', 'r.example/x:2 there', 'r.example/y:1 retagged']);
  assert.deepEqual(problems, []);
  // What was pushed just now is in each repository.
  const fresh = await put(states, { fresh: true });
  assert.deepEqual(fresh.asked, ['r.example/x to r.example/x:1', 'r.example/y to r.example/y:1']);
  assert.deepEqual(fresh.seen, ['r.example/x:1 pushed', 'r.example/x:2 there', 'r.example/y:1 pushed']);
});

test('one that cannot be put keeps no other from being put', async () => {
  const states = {
    'r.example/x:1': 'unknown',
    'r.example/x:2': 'absent',
    'r.example/x:3': 'absent',
  } as const;
  const { seen, problems } = await put(states, { failing: 'r.example/x:2' });
  assert.deepEqual(seen, ['r.example/x:1 retagged', 'r.example/x:3 retagged']);
  assert.deepEqual(problems, ['registry/denied: no r.example/x:2']);
});

test('an immutable tag is looked at anew, and put only where it is not there', async () => {
  const name = 'r.example/x:1';
  const rows = [
    ['absent', [`${name} retagged`], []],
    [digest('a'), [`${name} there`], []],
    [
      digest('b'),
      [],
      [
        `run/immutable-tag: \`${name}\` is immutable and exists (${digest('b')}), and this run would change it`,
      ],
    ],
    [
      'unknown',
      [],
      [`run/immutable-tag: \`${name}\` is immutable, and its registry does not say what it points to`],
    ],
  ] as const;
  for (const [state, seen, problems] of rows) {
    const found = await put({ [name]: state, 'r.example/x:2': 'absent' }, { immutable: name });
    assert.deepEqual([found.seen, found.problems], [[...seen, 'r.example/x:2 retagged'], problems]);
    // What to do about it depends on whether it is known where the tag points.
    assert.deepEqual(
      found.hints,
      problems.length === 0
        ? []
        : [
            state === 'unknown'
              ? 'Run again when the registry answers.'
              : 'Give the new image another tag, or remove the tag from `immutable:`.',
          ],
    );
    assert.equal(found.asked[0], `forget ${name}`);
    assert.equal(found.asked.filter((one) => one.startsWith('forget')).length, 1);
  }
});
