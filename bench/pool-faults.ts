/**
 * Faults of real engines at random moments of runs: `node dist/bench/pool-faults.js --runs 50 --seed 1` (by hand; with the other
 * benchmarks three runs). Goals: no tag that is not what its files say, no run that hangs, nothing left. Prints for each seed what was
 * done, how it ended, and what is not as it has to be; the same seed does it again. With `--wires` packets of some engines are late
 * and get lost besides.
 *
 * Environment: BAKE_TS_TEST_BUILDKIT, BAKE_TS_TEST_ENGINE_BIN and, for `--wires`, BAKE_TS_TEST_WIRE, as for the tests. Needs root on Linux, and iproute2.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { FAULTS, type WireFault } from '../test/rig/fault-acts.ts';
import { type FaultReport, runFaults } from '../test/rig/fault-run.ts';
import { poolSkip } from '../test/rig/pool.ts';
import { wireSkip } from '../test/rig/wire.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    wires: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);

const skip = poolSkip === false && values.wires ? wireSkip : poolSkip;

if (skip === false) await run(Number(values.seed), Number(values.runs));
else say(`No pool: ${skip}`);

async function run(first: number, runs: number): Promise<void> {
  const reports: FaultReport[] = [];
  for (let seed = first; seed < first + runs; seed++) {
    const report = await runSeed(seed);
    reports.push(report);
    say(`seed ${seed}: ${report.story.join('; ')}`);
    say(
      `  ended: ${report.ends.join(' | ')}, ${(report.tookMs / 1_000).toFixed(1)} s, ${report.moved} calls again, ${report.left} left`,
    );
    for (const one of report.wrong) say(`  WRONG ${one}`);
  }
  summarize(reports);
  if (reports.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
}

async function runSeed(seed: number): Promise<FaultReport> {
  const cleanups: (() => void | Promise<void>)[] = [];
  try {
    return await runFaults({ after: (fn) => cleanups.unshift(fn) }, seed, values.wires);
  } finally {
    for (const clean of cleanups) await clean();
  }
}

function summarize(reports: readonly FaultReport[]): void {
  const count = (isIt: (report: FaultReport) => boolean) => reports.filter(isIt).length;
  for (const kind of FAULTS) {
    const those = reports.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
    const good = those.filter(({ ends }) => ends.every((end) => end === '0')).length;
    say(`${kind}: ${those.length} runs, ${good} succeeded`);
  }
  const wired = reports.flatMap(({ wires }) => wires);
  const wires = (isIt: (wire: WireFault) => boolean) => wired.filter(isIt).length;
  if (values.wires)
    say(
      `wires: ${wires(({ delayMs = 0 }) => delayMs > 0)} far, ${wires(({ lossPercent = 0 }) => lossPercent > 0 && lossPercent < 100)} with loss, ` +
        `${wires(({ lossPercent }) => lossPercent === 100)} silent for a while`,
    );
  const ends = new Map<string, number>();
  for (const end of reports.flatMap((report) => report.ends)) ends.set(end, (ends.get(end) ?? 0) + 1);
  for (const [end, times] of [...ends].sort()) say(`ended with ${end}: ${times}`);
  say(`${reports.length} runs, ${count(({ wrong }) => wrong.length > 0)} wrong`);
}
