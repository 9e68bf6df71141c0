/** Every failure at every step of a run, with an engine and a registry within this process. */
import { test } from 'node:test';
import { runRow } from '../rig/failure-bench.ts';
import { FAILURE_ROWS } from '../rig/failure-rows.ts';
import { makeFakeBench } from '../rig/fake-bench.ts';

for (const row of FAILURE_ROWS)
  test(row.name, async (t) => {
    await runRow(await makeFakeBench(t, row.set), row);
  });
