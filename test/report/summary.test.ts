/** The end of a run of many builds: equal rows are one, failures whole and once, and last of all what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeEvent, EventBody, Outcome, ProblemJson } from '../../lib/model/mod.ts';
import { paintLive } from '../../lib/report/live.ts';
import {
  applyEvent,
  createReporter,
  createRunState,
  failureIdentity,
  widthOf,
} from '../../lib/report/mod.ts';
import { createPalette } from '../../lib/report/palette.ts';
import { assertGolden } from '../rig/golden.ts';
import { endOf, eventsUntil, FAILED_DOCKERFILE, type Member, membersOf } from '../rig/many-builds.ts';
import { fakeDigest, recordEvents } from '../rig/recorded-runs.ts';

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
    commandFor: (builds) => ['bake-ts run', ...(builds ?? [])].join(' '),
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
    'BUILD       RESULT       SIZE  TAGS         WHY',
    '200 builds  unchanged  4.2 GB  200 current  inputs unchanged, its tag is up to date',
    'one build: bake-ts logs',
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

/** The events of a run in which these builds failed in these ways. */
function withProblems(
  members: readonly Member[],
  problemOf: (build: string) => ProblemJson,
): readonly BakeEvent[] {
  const failed = (one: Outcome): Outcome =>
    one.kind === 'failed' ? { ...one, problem: problemOf(one.build) } : one;
  const events = endOf(members).map((body): EventBody => {
    if (body.type === 'node-finished') return { ...body, outcome: failed(body.outcome) };
    if (body.type !== 'run-finished') return body;
    return { ...body, summary: { ...body.summary, outcomes: body.summary.outcomes.map(failed) } };
  });
  const before = eventsUntil(members).map((body) =>
    body.type === 'node-finished' ? { ...body, outcome: failed(body.outcome) } : body,
  );
  return recordEvents([...before, ...events]);
}

/** What is on a screen of 24 lines when the run has ended. */
const lastScreen = (text: string): string => text.trimEnd().split('\n').slice(-23).join('\n');

test('many failures of many kinds: the first are written out, and the totals and what to do stay on the screen', () => {
  const members = membersOf(40).map((one): Member => ({ ...one, needs: [], is: 'failed' }));
  const text = endText(
    withProblems(members, (build) => ({
      severity: 'error',
      code: 'build/step-failed',
      message: `a step ended with exit code 1 ([2/2] RUN make part-${members.findIndex((one) => one.build === build)})`,
      detail: `make: *** ${build}`,
    })),
  );
  assert.equal(text.match(/^error\[/gm)?.length, 8);
  assert.match(
    lastScreen(text),
    /^failed in 1m23s: 40 failed$[\s\S]*^✗ and 26 more failures\nfull logs: \/state\/runs\/1\nrun them again: bake-ts run$/m,
  );
});

test('39 builds in which the same command fails are one failure', () => {
  const members = membersOf(40).map(
    (one): Member => ({ ...one, needs: [], is: one.build === 'base' ? 'built' : 'failed' }),
  );
  const text = endText(whole(members));
  assert.equal(text.match(/^error\[/gm)?.length, 1);
  assert.match(
    text,
    /^✗ 39 builds failed the same way: base-python, service-001, service-002, service-003, service-004 and 34 more; shown: base-python\nerror\[build\/step-failed\]/m,
  );
  assert.match(
    lastScreen(text),
    /^failed in [\s\S]*^✗ exit code 1: RUN npm ci --omit=dev, 39 builds:\n {2}base-python, service-001, service-002, service-003, service-004 and 34 more\nfull logs: \/state\/runs\/1\nrun them again: bake-ts run$/m,
  );
});

test('an outage of a registry is one failure, the cause first, whatever the images are', () => {
  const members = failing(10, 'base-python', 'service-001', 'service-002');
  const text = endText(
    withProblems(members, (build) => ({
      severity: 'error',
      code: 'registry/unreachable',
      message: `the engine cannot reach the registry to push localhost:5599/ur/${build} (exporting to image)`,
      hint: 'Check that the registry runs and that the engine (not only this machine) can reach it.',
      detail: `error: failed to solve: failed to push localhost:5599/ur/${build}: failed to do request: Head "http://localhost:5599/v2/ur/${build}/blobs/sha256:${fakeDigest('1')}": dial tcp 127.0.0.1:5599: connect: connection refused`,
    })),
  );
  assert.equal(text.match(/^error\[/gm)?.length, 1);
  assert.match(
    text,
    /^✗ registry localhost:5599: connection refused, 3 builds:\n {2}base-python, service-001 and service-002\n {2}blocked by it: service-005\nfull logs: \/state\/runs\/1\nrun them again: bake-ts run base-python service-001 service-002 service-005\n/m,
  );
});

test('a registry that nobody reaches from here is one failure, also of builds named by a letter of its words', () => {
  const text = endText(
    withProblems(failing(10, 'base-python', 'service-001'), () => ({
      severity: 'error',
      code: 'registry/unreachable',
      message:
        'localhost:5599 cannot be reached for HEAD http://localhost:5599/v2/base/manifests/1 (4 attempts)',
      detail: 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5599',
    })),
  );
  assert.match(text, /^✗ registry localhost:5599: connection refused, 2 builds:$/m);
  const identity = (build: string) =>
    failureIdentity(build, {
      severity: 'error',
      code: 'registry/unreachable',
      message: 'a b cannot be reached',
    });
  assert.equal(identity('can'), identity('e'));
  assert.notEqual(identity('a'), identity('e'));
});

test('failures of two registries are two', () => {
  const members = failing(10, 'base-python', 'service-001');
  const text = endText(
    withProblems(members, (build) => ({
      severity: 'error',
      code: 'registry/unavailable',
      message: `the registry failed while ${build === 'base-python' ? 'a' : 'b'}.example/${build} was pushed (503)`,
    })),
  );
  assert.match(
    text,
    /^✗ base-python {2}registry a\.example: it answered 503\n {2}blocked by it: service-005\n✗ service-001 {2}registry b\.example: it answered 503\n/m,
  );
});

test('of a failed push nothing is shown of what other steps wrote', () => {
  const [text, other] = (['registry/unreachable', 'build/failed'] as const).map((code) => {
    const outcome: Outcome = {
      build: 'a',
      kind: 'failed',
      tags: [],
      durationMs: 1,
      problem: { severity: 'error', code, message: 'it did not work' },
    };
    const members: readonly Member[] = [{ build: 'a', needs: [], is: 'building' }];
    const end = endOf([{ build: 'a', needs: [], is: 'failed' }]).at(-1);
    const summary =
      end?.type === 'run-finished' ? [{ ...end, summary: { ...end.summary, outcomes: [outcome] } }] : [];
    return endText(
      recordEvents([...eventsUntil(members), { type: 'node-finished', build: 'a', outcome }, ...summary]),
    );
  });
  assert.doesNotMatch(text ?? '', /packages/);
  assert.match(other ?? '', /┆ added 100 packages/);
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

test('state that cannot be written is said once while builds run, and once at the end with how many that concerns', () => {
  const members = membersOf(40);
  const warnings = members.flatMap(({ build }) =>
    ['records/93/93c9', `last/c624/${build}`, `results/c624/${build}`].map(
      (file): EventBody => ({
        type: 'warning',
        build,
        problem: {
          severity: 'warning',
          code: 'state/not-written',
          message: `the results cannot be remembered: \`/home/me/state/${file}.json\` (ENOTDIR)`,
        },
      }),
    ),
  );
  const text = endText(whole(members, warnings), 120, 'plain');
  assert.equal(text.match(/state\/not-written/g)?.length, 2);
  assert.match(
    text,
    /^warning\[state\/not-written\]: state cannot be written \(ENOTDIR\) in \/home\/me\/state: 40 builds will not be remembered/m,
  );
  const state = createRunState();
  for (const event of recordEvents([...eventsUntil(members), ...warnings])) applyEvent(state, event);
  assert.match(
    paintLive(state, { columns: 120, rows: 24 }, 0, createPalette(false)).join('\n'),
    / 1 warning /,
  );
});

test('rows whose reasons differ in the name of the image only are one', () => {
  const members = membersOf(40).map((one): Member => ({ ...one, needs: [], is: 'built' }));
  const events = whole(members).map((event): BakeEvent => {
    if (event.type !== 'run-finished') return event;
    const outcomes = event.summary.outcomes.map((one, at): Outcome => {
      const text = `its image was not pushed to localhost:5599/u40/${one.build} before`;
      return {
        ...one,
        reason:
          at < 5 ? { code: 'not-pushed', text } : { code: 'first-build', text: 'not built here before' },
      };
    });
    return { ...event, summary: { ...event.summary, outcomes } };
  });
  assert.equal(
    endText(events).split('\n\n')[0],
    [
      'BUILD      RESULT    SIZE  CACHED  TAGS',
      '5 builds   built   240 MB    5/15  5 pushed',
      '           └ its image was not pushed to localhost:5599/… before',
      '35 builds  built   1.7 GB  35/105  35 pushed',
      '           └ not built here before',
      'one build: bake-ts logs',
    ].join('\n'),
  );
});

test('a run that was stopped says what each build was doing, no time for what never ran, and where the logs are', () => {
  const members = membersOf(7);
  const cancelled = members.flatMap(({ build, is }): readonly Outcome[] =>
    is === 'built' ? [] : [{ build, kind: 'cancelled', tags: [], durationMs: 72 }],
  );
  const [end] = endOf([]);
  assert.ok(end?.type === 'run-finished');
  const events = recordEvents([
    ...eventsUntil(members),
    { type: 'interrupted', signal: 'SIGINT' },
    {
      type: 'vertex',
      build: 'base-python',
      digest: 'sha256:2',
      name: '[3/4] RUN npm ci --omit=dev',
      state: 'failed',
      error: 'process "/bin/sh -c npm ci" did not complete successfully: exit code: 137: context canceled',
    },
    ...cancelled.map((outcome): EventBody => ({ type: 'node-finished', build: outcome.build, outcome })),
    { ...end, summary: { ...end.summary, ok: false, cancelled: true, outcomes: cancelled } },
  ]);
  const text = endText(events, 100);
  assert.match(text, /^base-python +cancelled +72ms +while building step 3\/4: RUN npm ci --omit=dev$/m);
  assert.match(text, /^service-004 +cancelled +while checking$/m);
  assert.match(text, /^service-005 +cancelled +not started$/m);
  assert.match(text, /full logs: \/state\/runs\/1\n$/);
  const lines = endText(events, 100, 'plain');
  assert.match(lines, /^base-python \| \[3\/4\] cancelled$/m);
  assert.doesNotMatch(lines, /\bfailed\b/);
});

test('each step says its end once, an export when what follows it is done', () => {
  const step = (name: string, state: 'running' | 'done' | 'cached', durationMs?: number): EventBody => ({
    type: 'vertex',
    build: 'a',
    digest: name,
    name,
    state,
    ...(durationMs === undefined ? {} : { durationMs }),
  });
  const members: readonly Member[] = [{ build: 'a', needs: [], is: 'building' }];
  const text = endText(
    recordEvents([
      ...eventsUntil(members),
      step('[1/5] WORKDIR /app', 'cached'),
      step('[1/5] WORKDIR /app', 'cached'),
      step('exporting to image', 'running'),
      step('exporting to image', 'done', 9),
      step('exporting to image', 'running'),
      step('exporting to image', 'done', 51),
      ...endOf(members),
    ]),
    100,
    'plain',
  );
  assert.deepEqual(text.match(/^a \| (?:exporting|\[1\/5\]).*$/gm), [
    'a | [1/5] WORKDIR /app cached',
    'a | exporting to image',
    'a | exporting to image done 51ms',
  ]);
});

test('requests that wait for one registry are one line, the cause first', () => {
  const state = createRunState();
  const waits = [1_000, 900, 800, 700].map(
    (delayMs): EventBody => ({
      type: 'registry-waiting',
      registry: 'localhost:5599',
      why: 'answered 503',
      attempt: 1,
      delayMs,
    }),
  );
  const events = recordEvents([...eventsUntil(membersOf(6)), ...waits]);
  for (const event of events) applyEvent(state, { ...event, atMs: 0 });
  const lines = paintLive(state, { columns: 120, rows: 24 }, 0, createPalette(false));
  assert.deepEqual(
    lines.filter((line) => line.includes('localhost:5599')),
    ['! registry localhost:5599 answers 503, 4 requests wait; next in 0.7s, 0.0s so far'],
  );
});
