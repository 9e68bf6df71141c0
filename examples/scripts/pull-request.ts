/**
 * Builds what a pull request changed, and what depends on it, without pushing. In GitHub Actions the result is also shown on the
 * page of the run.
 *
 *   node pull-request.ts [main]
 */
import { appendFile } from 'node:fs/promises';
import process from 'node:process';
import { affected, formatProblems, plan, run, unwrap } from 'bake-ts';

const branch = process.argv[2] ?? 'main';
// The three dots: since the pull request left the branch, whatever happened there afterwards.
const planned = unwrap(await plan({ patterns: ['*'], set: ['*.push=false'] }));
const changed = unwrap(await affected({ plan: planned, since: `${branch}...` }));
const lines = changed.map(
  ({ build, reasons }) => `- **${build}**: ${reasons.map(({ text }) => text).join(', ')}`,
);

if (changed.length === 0) lines.push('No build is affected.');
else {
  const result = await run({ patterns: changed.map(({ build }) => build), set: ['*.push=false'] });
  const outcomes = (result.ok ? result.value : result.summary)?.outcomes ?? [];
  lines.push('', '| Build | Result | Time |', '|---|---|---|');
  for (const { build, kind, durationMs } of outcomes)
    lines.push(`| ${build} | ${kind} | ${Math.round(durationMs / 1000)} s |`);
  if (!result.ok) {
    lines.push('', '```', formatProblems(result.error), '```');
    process.exitCode = 1;
  }
}
console.log(lines.join('\n'));
const summary = process.env['GITHUB_STEP_SUMMARY'];
if (summary !== undefined) await appendFile(summary, `${lines.join('\n')}\n`);
