/** Sections and dotenv files, read as GitLab reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGitlabGroups, formatDotenv } from '../../lib/ci/mod.ts';
import type { BakeEvent, EventBody, Outcome } from '../../lib/model/mod.ts';
import { buildTimeline } from '../../lib/timeline/mod.ts';
import { fakeDigest, RUN_STARTED_MS, recordEvents } from '../rig/recorded-runs.ts';

/** GitLab's parser of dotenv reports (app/services/ci/parse_dotenv_artifact_service.rb) and the check of names. */
function readDotenv(text: string): ReadonlyMap<string, string> {
  assert.ok(new TextEncoder().encode(text).length < 5_120, 'too big');
  const variables = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, key = '', value = ''] = /^(.*?)=(.*)$/.exec(line) ?? assert.fail(`Invalid Format: ${line}`);
    assert.match(key, /^[a-zA-Z0-9_]+$/);
    assert.doesNotMatch(value, /[\s$'"]/);
    variables.set(key.trim(), value.trim());
  }
  assert.ok(variables.size <= 20, 'too many');
  return variables;
}

function runOf(outcomes: readonly Outcome[], cancelled = false) {
  const ok = outcomes.every(({ kind }) => kind !== 'failed');
  const nodes = outcomes.map(({ build }) => ({
    build,
    role: 'asked' as const,
    level: 0,
    needs: [],
    tags: [],
    pushes: true,
  }));
  const summary = {
    ok: ok && !cancelled,
    cancelled,
    outcomes,
    problems: [],
    durationMs: 1,
    buildctlCalls: 0,
    registryRequests: { reads: 0, writes: 0 },
  };
  return buildTimeline(
    recordEvents([
      { type: 'planned', nodes },
      ...outcomes.map((outcome): EventBody => ({ type: 'node-finished', build: outcome.build, outcome })),
      { type: 'run-finished', summary },
    ]),
  );
}

function pushed(build: string, repository = `ghcr.io/acme/${build}`): Outcome {
  const digest = fakeDigest('ab');
  return {
    build,
    kind: 'built',
    digest,
    tags: [{ ref: `${repository}:1`, digest, action: 'pushed' }],
    durationMs: 1,
  };
}

test('a dotenv file has a variable for each image, by digest', () => {
  const outcomes = [
    pushed('base'),
    pushed('api-3.13'),
    { ...pushed('local'), tags: [] },
    { build: 'web', kind: 'failed', tags: [], durationMs: 1 } as const,
  ];
  const { text, left } = formatDotenv(runOf(outcomes));
  assert.deepEqual(left, []);
  assert.deepEqual(
    [...readDotenv(text)],
    [
      ['BAKE_TS_RESULT', 'failed'],
      ['IMAGE_BASE', `ghcr.io/acme/base@${fakeDigest('ab')}`],
      ['IMAGE_API_3_13', `ghcr.io/acme/api-3.13@${fakeDigest('ab')}`],
    ],
  );
  assert.equal(formatDotenv(runOf([])).text, 'BAKE_TS_RESULT=ok\n');
  assert.equal(formatDotenv(runOf([], true)).text, 'BAKE_TS_RESULT=cancelled\n');
});

test('it stays below the limits of GitLab, and says for what it has no variable', () => {
  const many = Array.from({ length: 30 }, (_, at) => pushed(`b${at}`));
  const short = formatDotenv(runOf(many));
  assert.equal(readDotenv(short.text).size, 20);
  assert.deepEqual(
    short.left,
    many.slice(19).map(({ build }) => build),
  );
  const long = formatDotenv(runOf(many.map(({ build }) => pushed(build, `ghcr.io/acme/${'a'.repeat(220)}`))));
  assert.equal(readDotenv(long.text).size + long.left.length, 31);
  assert.ok(long.text.length > 4_700);
});

test('builds of one variable name do not take the place of one another', () => {
  const { text, left } = formatDotenv(
    runOf([pushed('a-b', 'x.io/one'), pushed('a.b', 'x.io/two'), pushed('A_B', 'x.io/three')]),
  );
  assert.equal(readDotenv(text).get('IMAGE_A_B'), `x.io/one@${fakeDigest('ab')}`);
  assert.deepEqual(left, ['a.b', 'A_B']);
});

test('sections carry the times of their builds and are closed, but for what failed', () => {
  const groups = createGitlabGroups();
  const body = (build: string, kind: Outcome['kind']): readonly EventBody[] => [
    { type: 'node-phase', build, phase: 'checking' },
    { type: 'node-finished', build, outcome: { build, kind, tags: [], durationMs: 1 } },
  ];
  const events: readonly BakeEvent[] = recordEvents(
    [...body('api-3.13', 'built'), ...body('web', 'failed')],
    2_000,
  );
  for (const event of events) groups.onEvent(event);
  const start = Math.floor(RUN_STARTED_MS / 1000);
  // GitLab: section_((?:start)|(?:end)):(\d+):([a-zA-Z0-9_.-]+)(\[.*\])?\r (lib/gitlab/regex.rb).
  assert.equal(
    groups.open('api-3.13', 'api-3.13 built'),
    `\u001b[0Ksection_start:${start}:bake_ts_api-3.13[collapsed=true]\r\u001b[0Kapi-3.13 built`,
  );
  assert.equal(groups.close('api-3.13'), `\u001b[0Ksection_end:${start + 2}:bake_ts_api-3.13\r\u001b[0K`);
  assert.match(groups.open('web', 'x'), /section_start:\d+:bake_ts_web\r/);
});
