/**
 * A reporter of your own: one line for each build that ends, with a counter, and the last lines of the log of a build that fails.
 *
 *   node reporter.ts [build…]
 */
import process from 'node:process';
import { formatProblems, run } from 'bake-ts';

const patterns = process.argv.slice(2);
const running = run(patterns.length === 0 ? {} : { patterns });
const logs = new Map<string, readonly string[]>();
let total = 0;
let done = 0;

try {
  for await (const event of running) {
    if (event.type === 'planned') total = event.nodes.length;
    else if (event.type === 'log')
      logs.set(
        event.build,
        [...(logs.get(event.build) ?? []), ...event.text.trimEnd().split('\n')].slice(-10),
      );
    else if (event.type === 'node-finished') {
      const { build, kind, durationMs } = event.outcome;
      done += 1;
      console.log(`[${done}/${total}] ${build}: ${kind} in ${(durationMs / 1000).toFixed(1)} s`);
      if (kind === 'failed') for (const line of logs.get(build) ?? []) console.log(`    ${line}`);
    }
  }
} catch {
  // The loop throws where the run fails. What failed is in the result.
}
const result = await running;
if (!result.ok) {
  console.error(formatProblems(result.error));
  process.exitCode = 1;
}
