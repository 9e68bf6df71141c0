/** Random faults of real engines at random moments of runs; bench/pool-faults.ts plays more of them. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { runFaults } from '../rig/fault-run.ts';
import { poolSkip } from '../rig/pool.ts';
import { wireSkip } from '../rig/wire.ts';

const skip =
  poolSkip !== false || process.env['BAKE_TS_TEST_LONG'] !== undefined
    ? poolSkip
    : 'long: BAKE_TS_TEST_LONG=1 runs it';
const first = Number(process.env['BAKE_TS_TEST_SEED'] ?? '1');
const RUNS = 5;
/** With packets that are late and lost besides. */
const WIRED = 2;

for (let seed = first; seed < first + RUNS; seed++) {
  test(`runs through random faults end well or say why (seed ${seed})`, {
    skip,
    timeout: 900_000,
  }, async (t) => {
    const { wrong, story, ends } = await runFaults(t, seed);
    assert.deepEqual(wrong, [], [...story, ...ends].join('\n'));
    assert.ok(ends.length > 0);
  });
}

for (let seed = first; seed < first + WIRED; seed++) {
  test(`runs through random faults on bad wires end well or say why (seed ${seed})`, {
    skip: skip === false ? wireSkip : skip,
    timeout: 900_000,
  }, async (t) => {
    const { wrong, story, ends } = await runFaults(t, seed, true);
    assert.deepEqual(wrong, [], [...story, ...ends].join('\n'));
    assert.ok(ends.length > 0);
  });
}
