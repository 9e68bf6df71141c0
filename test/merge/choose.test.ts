/** Which results of runs are the parts of a build. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseParts } from '../../lib/merge/choose.ts';
import type { PartResult } from '../../lib/merge/mod.ts';
import type { Digest } from '../../lib/model/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const BOTH = ['linux/amd64', 'linux/arm64'];

/** What a run said; pushed by digest unless it says otherwise. */
function said(letter: string, platforms: readonly string[], rest: Partial<PartResult> = {}): PartResult {
  const part = digest(letter);
  const tags = [{ ref: `r.example.com/app@${part}`, digest: part, action: 'pushed' as const }];
  return { build: 'app', kind: 'built', digest: part, platforms, tags, ...rest };
}

const TAGGED = [{ ref: 'r.example.com/app:1', digest: digest('f'), action: 'pushed' as const }];

function choose(results: readonly PartResult[], platforms: readonly string[] = BOTH) {
  const chosen = chooseParts(makeNode({ name: 'app', platforms }), results);
  return chosen.ok
    ? chosen.value.map((one) => `${one.platform} ${one.digest.at(-1)}`)
    : chosen.error.map(({ code }) => code);
}

test('one part for each platform, in the order of the build, and none besides', () => {
  const [amd64, arm64] = [said('a', ['linux/amd64']), said('b', ['linux/arm64'])];
  assert.deepEqual(choose([arm64, amd64]), ['linux/amd64 a', 'linux/arm64 b']);
  assert.deepEqual(choose([said('c', BOTH)]), ['linux/amd64 c', 'linux/arm64 c']);
  assert.deepEqual(choose([amd64]), ['run/part-missing']);
  assert.deepEqual(choose([]), ['run/part-missing']);
  assert.deepEqual(choose([amd64, arm64, said('c', ['linux/riscv64'])]), ['run/part-extra']);
  assert.deepEqual(choose([amd64, arm64, said('c', ['linux/arm64/v8'])]), ['run/part-twice']);
  // The same one twice is one.
  assert.deepEqual(choose([amd64, arm64, amd64]), ['linux/amd64 a', 'linux/arm64 b']);
  assert.deepEqual(choose([amd64, { ...arm64, build: 'other' }]), ['run/part-missing']);
  // Whatever the engine builds for.
  assert.deepEqual(choose([arm64], []), ['linux/arm64 b']);
  assert.deepEqual(choose([], []), ['run/part-missing']);
});

test('what was not made, not pushed, or only passed on is no part', () => {
  const amd64 = said('a', ['linux/amd64']);
  for (const rest of [{ kind: 'failed' }, { kind: 'blocked' }, { tags: [] }, { isGiven: true }] as const)
    assert.deepEqual(
      choose([amd64, said('b', ['linux/arm64'], rest)]),
      ['run/part-missing'],
      JSON.stringify(rest),
    );
  for (const kind of ['unchanged', 'retagged'] as const)
    assert.deepEqual(choose([amd64, said('b', ['linux/arm64'], { kind })]), [
      'linux/amd64 a',
      'linux/arm64 b',
    ]);
});

test('parts count before what went to tags, and what was asked for before what was needed', () => {
  const parts = [said('a', ['linux/amd64']), said('b', ['linux/arm64'])];
  const merged = said('f', BOTH, { tags: TAGGED });
  assert.deepEqual(choose([merged, ...parts]), ['linux/amd64 a', 'linux/arm64 b']);
  assert.deepEqual(choose([said('c', ['linux/amd64'], { isNeeded: true }), ...parts]), [
    'linux/amd64 a',
    'linux/arm64 b',
  ]);
  // Of an old whole nothing fills the place of a part that is missing.
  assert.deepEqual(choose([merged, said('a', ['linux/amd64'])]), ['run/part-missing']);
  assert.deepEqual(choose([merged]), ['linux/amd64 f', 'linux/arm64 f']);
});
