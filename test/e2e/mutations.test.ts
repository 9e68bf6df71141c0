/**
 * A short run of the mutation test (bench/mutations.ts runs it for long): random edits, and after each of them a plain
 * `buildctl build` of every build as the oracle. Twelve edits on the oldest runtime, four of another seed on each of the
 * others: what is decided does not depend on it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EDITS } from '../rig/mutation-edits.ts';
import { runMutations } from '../rig/mutation-run.ts';
import { compiled } from '../rig/paths.ts';
import { realEngine } from '../rig/real-engine.ts';

const options = { skip: realEngine.skip, timeout: 600_000 };

test('after random edits every tag is what plain buildctl makes', options, async (t) => {
  const wanted = compiled ? { edits: 12, seed: 7 } : { edits: 4, seed: 8 };
  const { edits, compared, differences, unchanged, rebased, built } = await runMutations(t, wanted);
  assert.deepEqual(differences, []);
  // The last run may come after several edits at once.
  assert(edits >= wanted.edits, `${edits} edits`);
  // A test that compares nothing, or in which everything is built each time, would show nothing.
  assert(compared > 10 * wanted.edits, `${compared} compared`);
  assert(unchanged + rebased > built, `${unchanged} unchanged, ${rebased} re-based, ${built} built`);
  assert(Object.keys(EDITS).length > 30);
});
