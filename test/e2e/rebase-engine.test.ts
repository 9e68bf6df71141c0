/**
 * Re-basing against the engine: it gives the very bytes that the engine gives for the new base, or leaves it to the
 * engine. `UPDATE_GOLDEN=1` records the named cases for `test/inputs/rebase.test.ts` (not compared here: digests of the
 * layers are those of the machine's busybox); `BAKE_TS_TEST_RANDOM=100` makes more cases by chance.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { assertGolden } from '../rig/golden.ts';
import { seededRandom } from '../rig/random.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import {
  CASES,
  makeCaseBuilder,
  type RebaseCase,
  type RecordedCase,
  randomCase,
  rebaseRecorded,
} from '../rig/rebase-cases.ts';

const options = { skip: realEngine.skip, timeout: 600_000 };

/** What was made: the engine's digest, or words. */
function check(made: RecordedCase): 'equal' | string {
  const rebased = rebaseRecorded(made);
  if (!rebased.startsWith('sha256:')) return rebased;
  assert.equal(rebased, made.child.after, `${made.name}: ${JSON.stringify(made, undefined, 1)}`);
  return 'equal';
}

/** Several at a time: an engine is mostly waited for. */
async function makeAll(cases: readonly RebaseCase[], build: (one: RebaseCase) => Promise<RecordedCase>) {
  const made: RecordedCase[] = [];
  const waiting = [...cases.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      made[next[0]] = await build(next[1]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return made;
}

test('the named cases give the bytes of the engine, or are left to it', options, async (t) => {
  const registry = await startTestRegistry(t);
  const made = await makeAll(CASES, await makeCaseBuilder(t, registry.host));
  for (const one of made) {
    const { outcome } = CASES.find(({ name }) => name === one.name) ?? {};
    assert.equal(check(one), outcome ?? 'equal', one.name);
  }
  if (process.env['UPDATE_GOLDEN'] === '1')
    assertGolden(`${JSON.stringify(made, undefined, 1)}\n`, 'inputs/golden/rebase.json');
});

test('cases by chance give the bytes of the engine, or are left to it', options, async (t) => {
  const seed = Number(process.env['BAKE_TS_TEST_SEED'] ?? 1);
  const count = Number(process.env['BAKE_TS_TEST_RANDOM'] ?? 6);
  const registry = await startTestRegistry(t);
  const random = seededRandom(seed);
  const cases = Array.from({ length: count }, (_, at) => randomCase(random, `seed ${seed}, number ${at}`));
  const made = await makeAll(cases, await makeCaseBuilder(t, registry.host));
  const equal = made.map(check).filter((outcome) => outcome === 'equal').length;
  t.diagnostic(`${equal} of ${count} were re-based`);
  assert(equal > 0, 'not one was re-based');
});
