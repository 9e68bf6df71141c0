import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProblemJson } from '../../lib/model/mod.ts';
import { failedStep, foldFailures } from '../../lib/page/app/failures.ts';
import { makeModel, type Row } from '../../lib/page/app/model.ts';
import { makeTimeline } from '../rig/timelines.ts';

const NOTHING = { previous: {}, environment: [], rerun: '', logsCommand: '', logs: {} };

function failing(change: (row: Row, at: number) => Partial<Row['build']>): readonly Row[] {
  const { timeline } = makeTimeline({ builds: 4 });
  const { rows } = makeModel({ kind: 'run', timeline, ...NOTHING });
  const builds = rows.map((row, at) => ({ ...row.build, ...change(row, at) }));
  return makeModel({ kind: 'run', timeline: { ...timeline, builds }, ...NOTHING }).rows;
}

function failedWith(
  row: Row,
  code: ProblemJson['code'],
  message: string,
  detail?: string,
): Partial<Row['build']> {
  const problem = { severity: 'error' as const, code, message, ...(detail === undefined ? {} : { detail }) };
  const outcome = { build: row.name, kind: 'failed' as const, durationMs: 1, tags: [], problem };
  return { outcome };
}

test('builds that failed alike are one, whatever their names and digests are', () => {
  const rows = failing((row, at) =>
    failedWith(
      row,
      'registry/unreachable',
      at === 3 ? 'something else' : `cannot push host/${row.name}`,
      `HEAD ${row.name}@sha256:${String(at).repeat(64)}: refused`,
    ),
  );
  const [a, b, c, d] = rows;
  assert.deepEqual(foldFailures(rows), [[a, b, c], [d]]);
});

test('a step that failed in several builds is looked at in each, unless its output is the same', () => {
  const alone = failing((row) => failedWith(row, 'build/step-failed', 'a step failed'));
  assert.equal(foldFailures(alone).length, 4);
  const same = failing((row) => failedWith(row, 'build/step-failed', 'a step failed', 'no space left'));
  assert.equal(foldFailures(same).length, 1);
});

test('the failed step is one of the build; steps that ran count before a failure, too', () => {
  const step = { attempt: 1, fromMs: 0, toMs: 1 };
  const [row] = failing((one) => ({
    ...failedWith(one, 'registry/unreachable', 'down'),
    steps: [
      { ...step, digest: 'i', name: '[internal] load build context', state: 'done' },
      { ...step, digest: 'a', name: '[1/2] COPY . .', state: 'cached' },
      { ...step, digest: 'b', name: '[2/2] RUN make', state: 'done' },
      { ...step, digest: 'c', name: '[2/2] RUN make', state: 'cached', attempt: 2 },
      { ...step, digest: 'x', name: 'exporting to image', state: 'failed' },
    ],
  }));
  assert.ok(row !== undefined);
  assert.equal(failedStep(row), undefined);
  assert.deepEqual(row.steps, { total: 2, cached: 1 });
});
