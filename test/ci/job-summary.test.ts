import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJobSummary } from '../../lib/ci/mod.ts';
import type { BakeEvent, EventBody, Outcome, PlannedNode, ProblemJson } from '../../lib/model/mod.ts';
import { buildTimeline } from '../../lib/timeline/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { failingRun, fakeDigest, mixedRun, recordEvents, unchangedRun } from '../rig/recorded-runs.ts';
import { HOSTILE } from './hostile.ts';
import { renderMarkdown, rowsOf, tagsOf, textOf } from './markdown.ts';

const ROOM = 1024 * 1024;

function summaryOf(
  events: readonly BakeEvent[],
  style: Partial<Parameters<typeof formatJobSummary>[1]> = {},
) {
  return formatJobSummary(buildTimeline(events), { roomBytes: ROOM, ...style });
}

/** A run of builds that ended in some way; `needs` only where it matters. */
function runOf(
  builds: readonly (Partial<Outcome> &
    Pick<Outcome, 'build' | 'kind'> &
    Partial<Pick<PlannedNode, 'needs'>>)[],
  more: readonly EventBody[] = [],
): readonly BakeEvent[] {
  const outcomes = builds.map(({ needs: _, ...one }): Outcome => ({ tags: [], durationMs: 1000, ...one }));
  const nodes = builds.map(
    ({ build, needs = [] }): PlannedNode => ({
      build,
      role: 'asked',
      level: needs.length === 0 ? 0 : 1,
      needs,
      tags: [],
      pushes: false,
    }),
  );
  return recordEvents([
    { type: 'run-started', runId: 'x', version: '1', runtime: 'node 20', files: [], concurrency: 2 },
    { type: 'planned', nodes },
    ...more,
    ...outcomes.map((outcome): EventBody => ({ type: 'node-finished', build: outcome.build, outcome })),
    {
      type: 'run-finished',
      summary: {
        ok: outcomes.every(({ kind }) => kind !== 'failed' && kind !== 'blocked'),
        cancelled: false,
        outcomes,
        problems: [],
        durationMs: 1000,
        buildctlCalls: 1,
        registryRequests: { reads: 0, writes: 0 },
      },
    },
  ]);
}

function failure(message: string, more: Partial<ProblemJson> = {}): ProblemJson {
  return { severity: 'error', code: 'build/step-failed', message, ...more };
}

const ALLOWED =
  /^<\/?(?:h2|h3|p|ul|li|strong|em|code|b|pre|summary|table|thead|tbody|tr|br|details)>$|^<br \/>$|^<details open>$|^<t[hd](?: align="right")?>$|^<\/t[hd]>$|^<code class="language-mermaid">$|^<\/?a(?: href="https?:[^"]*")?>$/;

function assertTagsAllowed(html: string): void {
  assert.deepEqual(
    tagsOf(html).filter((tag) => !ALLOWED.test(tag)),
    [],
  );
}

test('summaries of ordinary runs', () => {
  const style = {
    fileOf: (file: string) => `shop/${file}`,
    linkOf: (file: string, line: number) => `https://github.example/acme/shop/blob/abc/${file}#L${line}`,
    tailOf: (build: string) =>
      build === 'base' ? ['main.c:3: error: expected ;', 'make: *** [all] Error 1'] : [],
    again: ['cd shop', 'bake-ts run base'],
  };
  for (const [name, events] of Object.entries({
    mixed: mixedRun(),
    failing: failingRun(),
    unchanged: unchangedRun(),
  })) {
    const text = summaryOf(events, style);
    assertGolden(text, `ci/golden/summary-${name}.md`);
    assertTagsAllowed(renderMarkdown(text));
  }
});

test('the table has a row for each build, and what was waited for is told in its order', () => {
  const rows = rowsOf(renderMarkdown(summaryOf(mixedRun())));
  assert.deepEqual(rows[2], [
    'api',
    '✓ built',
    '12.3s',
    '2/5',
    '48.0 MB',
    '7c7c7c7c7c7c',
    'localhost:5000/api:devlocalhost:5000/api:1.10',
  ]);
  const waits = rows.slice(rows.findIndex(([first]) => first === 'After') + 1);
  assert.deepEqual(
    waits.map(([, build, what]) => [build, what]),
    [
      ['', 'registry'],
      ['base', 'no progress'],
      ['', 'engine lost'],
      // Of a pool, one that was set aside.
      ['', 'engine lost'],
      ['api', 'tried again'],
    ],
  );
});

test('a failure has its place with a link, its hint and the end of its log; rows of a matrix are one', () => {
  const log = Array.from({ length: 100 }, (_, line) => `line ${line}`);
  const place = { file: 'api/Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };
  const problem = failure('a step ended with exit code 1', {
    place,
    hint: 'do\nthis',
    detail: log.join('\n'),
  });
  const text = summaryOf(
    runOf([
      { build: 'api-1', kind: 'failed', problem },
      { build: 'api-2', kind: 'failed', problem: { ...problem, detail: 'another' } },
      { build: 'web', kind: 'blocked', blockedBy: 'api-1' },
    ]),
    { fileOf: (file) => file, linkOf: (file, line) => `https://x.example/${file}#L${line}` },
  );
  const html = renderMarkdown(text);
  assert.match(html, /<summary><b>api-1, api-2<\/b>: a step ended with exit code 1<\/summary>/);
  assert.match(
    html,
    /<a href="https:\/\/x\.example\/api\/Dockerfile#L3"><code>api\/Dockerfile:3<\/code><\/a>/,
  );
  assert.match(html, /do<br>this/);
  const [, pre = ''] = /<pre>([\s\S]*?)<\/pre>/.exec(html) ?? [];
  assert.deepEqual(textOf(pre).trimEnd().split('\n'), log.slice(60));
  assert.match(html, /✗ failed[\s\S]*blocked by api-1/);
  assert.match(text, /^## ❌ bake-ts: 2 failed, 1 blocked in /);
});

test('nothing that comes from builds, files or registries becomes Markdown or HTML', () => {
  for (const evil of HOSTILE) {
    const place = { file: evil, line: 1, column: 1, endLine: 1, endColumn: 2 };
    const problem = failure(evil, { hint: evil, detail: evil, place });
    const events = runOf(
      [
        { build: 'a', kind: 'failed', problem },
        {
          build: 'b',
          kind: 'built',
          reason: { code: 'changed', text: evil, items: [evil, evil] },
          digest: fakeDigest('aa'),
          tags: [{ ref: evil, digest: fakeDigest('aa'), action: 'pushed' }],
          needs: ['a'],
        },
        { build: evil, kind: 'blocked', blockedBy: evil, needs: ['b'] },
      ],
      [
        { type: 'engine-ready', address: evil, source: evil, buildctl: evil, version: evil },
        { type: 'registry-waiting', registry: evil, why: evil, attempt: 1, delayMs: 10 },
        { type: 'retry', build: 'b', attempt: 1, delayMs: 10, why: evil },
        { type: 'warning', build: 'b', problem: { ...problem, severity: 'warning' } },
        { type: 'interrupted', signal: evil },
      ],
    );
    const html = renderMarkdown(
      summaryOf(events, { fileOf: (file) => file, linkOf: () => 'https://x.example' }),
    );
    assertTagsAllowed(html);
    // The text of the graph is a program, too.
    const [, graph = ''] = /<code class="language-mermaid">([\s\S]*?)<\/code>/.exec(html) ?? [];
    const lines = textOf(graph).trimEnd().split('\n');
    assert.equal(
      lines.filter((line) => /^ {2}b\d\["[^"<>`[\]\\;]*(?:#\d+;[^"<>`[\]\\;]*)*"\]$/.test(line)).length,
      3,
      graph,
    );
    assert.equal(lines.length, 1 + 3 + 2 + 6, graph);
  }
});

test('with many builds the unchanged ones fold, and no picture is drawn that nobody could read', () => {
  const many = Array.from({ length: 200 }, (_, at) => ({
    build: `b${at}`,
    kind: 'unchanged' as const,
    ...(at === 0 ? {} : { needs: [`b${at - 1}`] }),
  }));
  const quiet = summaryOf(runOf(many));
  assert.match(quiet, /<summary>200 unchanged<\/summary>/);
  assert.doesNotMatch(quiet, /mermaid/);
  const changed = many.map((one, at) => (at < 190 ? one : { ...one, kind: 'built' as const }));
  const text = summaryOf(runOf(changed));
  assert.match(text, /<summary>190 unchanged<\/summary>/);
  assert.equal(text.match(/ --> /g)?.length, 9);
  assert.doesNotMatch(text, /\["b189/);
});

test('a summary never takes more room than there is, and keeps what matters most', () => {
  const evil = '<'.repeat(5_000);
  const detail = Array(60).fill(evil).join('\n');
  const builds = Array.from({ length: 500 }, (_, at) => ({
    build: `build-with-a-long-name-${at}`,
    kind: 'failed' as const,
    problem: failure(`${at} ${evil}`, { detail, hint: evil }),
    reason: { code: 'changed' as const, text: evil, items: Array(20).fill(evil) },
  }));
  const run = buildTimeline(runOf(builds));
  for (const roomBytes of [ROOM, 100_000, 2_000]) {
    const text = formatJobSummary(run, { roomBytes });
    assert.ok(new TextEncoder().encode(text).length <= roomBytes, `${text.length} of ${roomBytes}`);
    assert.match(text, /^## ❌ bake-ts: 500 failed/);
    assert.match(text, /rest did not fit/);
  }
  assert.match(
    formatJobSummary(run, { roomBytes: ROOM }),
    /### What failed[\s\S]*<pre>[\s\S]*- and \d+ more/,
  );
  assert.equal(formatJobSummary(run, { roomBytes: 100 }), '');
});

test('where there is nothing to do, that is all', () => {
  const text = summaryOf(runOf([]), { nothing: 'nothing to do: 2 files changed since main' });
  assert.equal(text, '## ✅ bake-ts: nothing to do\n\nnothing to do\\: 2 files changed since main\n');
});

test('a run that did not end says so', () => {
  const text = summaryOf(mixedRun().slice(0, 20));
  assert.match(text, /^## ⚠️ bake-ts: the run did not finish/);
  assert.match(text, /did not finish/);
});
