/** The end of a run of many builds: equal rows are one, failures whole and once, and last of all what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeEvent, EventBody, ProblemJson } from '../../lib/model/mod.ts';
import { createReporter, widthOf } from '../../lib/report/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { endOf, eventsUntil, FAILED_DOCKERFILE, type Member, membersOf } from '../rig/many-builds.ts';
import { recordEvents } from '../rig/recorded-runs.ts';

function endText(events: readonly BakeEvent[], columns = 80, mode: 'tty' | 'plain' = 'tty'): string {
  let text = '';
  const err = { write: (more: string) => (text += more), columns };
  const reporter = createReporter({
    mode,
    out: err,
    err,
    color: false,
    now: () => 0,
    frameMs: 1_000_000,
    sourceOf: () => FAILED_DOCKERFILE,
    logOf: (build) => `/state/runs/1/${build}.log`,
    commandFor: (builds) => `bake-ts run ${builds.join(' ')}`,
  });
  for (const event of events) reporter.onEvent(event);
  reporter.close();
  return mode === 'tty' ? text.slice(text.indexOf('BUILD ')) : text;
}

const failing = (count: number, ...builds: readonly string[]): readonly Member[] =>
  membersOf(count).map((one) => (builds.includes(one.build) ? { ...one, is: 'failed' } : one));

const whole = (members: readonly Member[], more: readonly EventBody[] = []): readonly BakeEvent[] =>
  recordEvents([...eventsUntil(members), ...more, ...endOf(members)]);

test('200 builds with two failures: a screen of rows, both failures, and what to do, within 80 columns', () => {
  const text = endText(whole(failing(200, 'base-python', 'service-005')));
  assertGolden(text, 'report/golden/end-200-failing.txt');
  assert.deepEqual(
    text.split('\n').filter((line) => widthOf(line) > 80),
    [],
  );
});

test('a run of 200 unchanged builds ends in one row', () => {
  const members = membersOf(200).map((one): Member => ({ ...one, is: 'unchanged' }));
  const table = endText(whole(members), 100).split('\n\n')[0]?.split('\n');
  assert.deepEqual(table, [
    'BUILD       RESULT       SIZE  TAGS          WHY',
    '200 builds  unchanged  4.2 GB  200 in place  inputs unchanged, its tag is in place',
    'each build by itself: bake-ts logs',
  ]);
});

test('few unchanged builds keep a row each', () => {
  const members = membersOf(7).map((one): Member => ({ ...one, is: 'unchanged' }));
  assert.equal(endText(whole(members)).match(/^(?:base|service)\S* +unchanged /gm)?.length, 7);
});

test('the command of a failing step stands in the lines of its Dockerfile, in the recap, and where it started', () => {
  const count = (text: string): number => text.match(/npm ci --omit=dev/g)?.length ?? 0;
  const members = failing(6, 'service-004');
  const only = members.filter((one) => one.build === 'service-004');
  assert.equal(count(endText(whole(only), 100)), 2);
  assert.equal(count(endText(whole(only), 100, 'plain')), 3);
});

test('of many failures the first ones are written out, and the others named', () => {
  const members = membersOf(40).map((one): Member => ({ ...one, needs: [], is: 'failed' }));
  const text = endText(whole(members));
  assert.equal(text.match(/^error\[/gm)?.length, 8);
  assert.equal(text.match(/^✗ \S+ {2}services/gm)?.length, 20);
  assert.match(
    text,
    /^✗ and 20 more that failed\nrun them again: bake-ts run base base-python service-001 /m,
  );
});

test('a warning that many builds share is said once while they run, and once at the end with their names', () => {
  const problem: ProblemJson = {
    severity: 'warning',
    code: 'build/dockerfile-check',
    message: 'InvalidBaseImagePlatform: Base image busybox was pulled with platform "linux/arm64"',
    place: { file: 'Dockerfile', line: 1, column: 1, endLine: 1, endColumn: 12 },
  };
  const members = membersOf(40);
  const warnings = members.map(
    ({ build }): EventBody => ({ type: 'warning', build, problem: { ...problem, build } }),
  );
  let text = '';
  const err = { write: (more: string) => (text += more), columns: 80, rows: 24, isTTY: true };
  const reporter = createReporter({
    mode: 'tty',
    out: err,
    err,
    color: false,
    now: () => 0,
    frameMs: 1_000_000,
  });
  for (const event of whole(members, warnings)) reporter.onEvent(event);
  assert.equal(text.match(/InvalidBaseImagePlatform/g)?.length, 2);
  assert.match(
    text,
    /\nwarning\[build\/dockerfile-check\]: Dockerfile:1: InvalidBaseImagePlatform: Base\n {2}image busybox was pulled with platform "linux\/arm64" \(base, base-python,\n {2}service-001, service-002, service-003 and 35 more\)\n\ndone in /,
  );
});

test('what is blocked by what is blocked is put down to what failed', () => {
  const members: readonly Member[] = [
    { build: 'a', needs: [], is: 'failed' },
    { build: 'b', needs: ['a'], is: 'waiting' },
    { build: 'c', needs: ['b'], is: 'waiting' },
  ];
  const events = endOf(members).map((body): EventBody => {
    if (body.type !== 'run-finished') return body;
    const outcomes = body.summary.outcomes.map((one) =>
      one.build === 'c'
        ? ({ build: 'c', kind: 'blocked', blockedBy: 'b', tags: [], durationMs: 0 } as const)
        : one,
    );
    return { ...body, summary: { ...body.summary, outcomes } };
  });
  assert.match(
    endText(recordEvents([...eventsUntil(members), ...events])),
    /^✗ a .*\n {2}blocked by it: b and c\n/m,
  );
});

test('lines of a run that is stopped at once say what was running, and where its output is', () => {
  for (const mode of ['plain', 'grouped'] as const) {
    let text = '';
    const err = { write: (more: string) => (text += more), columns: 80 };
    const reporter = createReporter({
      mode,
      out: err,
      err,
      color: false,
      now: () => 0,
      logOf: (build) => `/state/runs/1/${build}.log`,
    });
    for (const event of recordEvents(eventsUntil(membersOf(6)))) reporter.onEvent(event);
    reporter.abandon();
    assert.match(
      text,
      /\nstopped at once; 5 builds were running: base-python, service-001, service-002, service-003 and service-004\n {2}logs: \/state\/runs\/1\n$/,
      mode,
    );
  }
});
