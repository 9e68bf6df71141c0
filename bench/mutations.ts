/**
 * Random edits against plain buildctl as the oracle: `node dist/bench/mutations.js --edits 1000 --seed 1` (by hand; with
 * the other benchmarks a hundred edits). Goals: no tag that is not what buildctl makes, few needless builds.
 *
 * Environment: BAKE_TS_TEST_BUILDKIT and BAKE_TS_TEST_ENGINE_BIN, as for the tests.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runMutations } from '../test/rig/mutation-run.ts';
import { realEngine } from '../test/rig/real-engine.ts';
import type { Cleanup } from '../test/rig/temp.ts';

const { values } = parseArgs({
  options: {
    edits: { type: 'string', default: '100' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
  },
});
const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };
const say = (text: string) => process.stdout.write(`${text}\n`);

try {
  if (realEngine.skip !== false) say('No buildkitd: set BAKE_TS_TEST_BUILDKIT and BAKE_TS_TEST_ENGINE_BIN');
  else await run();
} finally {
  for (const clean of cleanups) await clean();
}

async function run(): Promise<void> {
  const report = await runMutations(cleanup, {
    edits: Number(values.edits),
    seed: Number(values.seed),
    ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
    ...(values.kind === undefined ? {} : { kinds: values.kind }),
    ...(values.verbose ? { say } : {}),
  });
  const {
    edits,
    runs,
    compared,
    remembered,
    refused,
    differences,
    built,
    rebased,
    unchanged,
    retagged,
    restored,
    needless,
  } = report;
  const spent = [...needless.values()].reduce((sum, list) => sum + list.length, 0);
  say(
    `${edits} edits (seed ${values.seed}) in ${runs} runs: ${compared} builds compared (${remembered} with an answer ` +
      `that the oracle gave before), ${differences.length} differences; ` +
      `${built} built, ${rebased} re-based, ${unchanged} unchanged, ${retagged} retagged, ${restored} restored; ${refused} runs refused by both`,
  );
  say(`needless builds: ${spent} of ${built} (${((100 * spent) / Math.max(1, built)).toFixed(1)} %)`);
  for (const [cause, list] of [...needless].sort(([, one], [, other]) => other.length - one.length)) {
    say(`  ${cause}: ${list.length}`);
    for (const one of list.slice(0, 4)) say(`    ${one}`);
  }
  const mean = (total: number) => (total / Math.max(1, runs)).toFixed(1);
  say(
    `for each run: bake-ts ${mean(report.bakeMs)} ms and ${mean(report.requests)} requests, the oracle ${mean(report.oracleMs)} ms`,
  );
  for (const difference of differences) say(`DIFFERENT ${difference}`);
  if (differences.length > 0) process.exitCode = 1;
}
