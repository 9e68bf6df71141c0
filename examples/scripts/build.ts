#!/usr/bin/env -S deno run -A
/**
 * A build script for Deno without any installation: put it beside bake.js, make it executable, and call it.
 *
 *   ./build.ts [build…]
 */
import process from 'node:process';
import { createReporter, formatProblems, run } from './bake.js';

const patterns = process.argv.slice(2);
// Shows the run as the command line does.
const reporter = createReporter();
const result = await run({
  ...(patterns.length === 0 ? {} : { patterns }),
  onEvent: reporter.onEvent,
});
reporter.close();
if (!result.ok) {
  console.error(formatProblems(result.error));
  process.exitCode = 1;
}
