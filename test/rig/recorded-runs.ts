/**
 * Event streams as runs of a small repository send them, for tests of whatever reads events. Times are fixed.
 */
import type { BakeEvent, Digest, EventBody, Outcome, RunSummary } from '../../lib/model/mod.ts';

/** When recorded runs start: 2026-01-02T03:04:05Z. */
export const RUN_STARTED_MS: number = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A digest made of one repeated pair of digits. */
export function fakeDigest(pair: string): Digest {
  return `sha256:${pair.repeat(32)}`;
}

/** Numbers events and puts them `stepMs` apart. */
export function recordEvents(bodies: readonly EventBody[], stepMs = 100): readonly BakeEvent[] {
  return bodies.map((body, at) => ({ ...body, seq: at + 1, atMs: RUN_STARTED_MS + at * stepMs }));
}

const STARTED: EventBody = {
  type: 'run-started',
  runId: '01JGEXAMPLE',
  version: '0.1.0',
  runtime: 'node 20.19.0',
  files: ['builds.yaml'],
  concurrency: 4,
};

const READY: EventBody = {
  type: 'engine-ready',
  address: 'unix:///run/bake-ts/buildkitd.sock',
  source: 'the embedded engine',
  buildctl: '/opt/bake-ts/bin/buildctl',
};

function planned(...builds: readonly (readonly [string, number, ...string[]])[]): EventBody {
  return {
    type: 'planned',
    nodes: builds.map(([build, level, ...needs]) => ({
      build,
      role: build === 'base' ? 'needed' : 'asked',
      level,
      needs,
      tags: [`localhost:5000/${build}:dev`],
      pushes: true,
    })),
  };
}

function step(build: string, digest: string, name: string, state: 'running' | 'cached'): EventBody;
function step(build: string, digest: string, name: string, state: 'done', durationMs: number): EventBody;
function step(
  build: string,
  digest: string,
  name: string,
  state: 'running' | 'cached' | 'done',
  durationMs?: number,
): EventBody {
  return { type: 'vertex', build, digest, name, state, ...(durationMs === undefined ? {} : { durationMs }) };
}

function log(build: string, vertex: string, text: string): EventBody {
  return { type: 'log', build, vertex, stream: 'stdout', text };
}

function end(summary: Omit<RunSummary, 'problems' | 'cancelled'> & Partial<RunSummary>): EventBody {
  return { type: 'run-finished', summary: { problems: [], cancelled: false, ...summary } };
}

const BASE: Outcome = {
  build: 'base',
  kind: 'built',
  reason: { code: 'first-build', text: 'not built before' },
  digest: fakeDigest('1f'),
  sizeBytes: 2_134_567,
  platforms: ['linux/amd64'],
  tags: [{ ref: 'localhost:5000/base:dev', digest: fakeDigest('1f'), action: 'pushed' }],
  key: 'aa'.repeat(32),
  durationMs: 4200,
  steps: { total: 3, cached: 0 },
};

const API: Outcome = {
  build: 'api',
  kind: 'built',
  reason: {
    code: 'changed',
    text: 'inputs changed',
    items: ['context: src/server.ts changed', 'arg VERSION: 1.9 → 1.10'],
  },
  digest: fakeDigest('7c'),
  sizeBytes: 48_012_345,
  platforms: ['linux/amd64'],
  tags: [
    { ref: 'localhost:5000/api:dev', digest: fakeDigest('7c'), action: 'pushed' },
    { ref: 'localhost:5000/api:1.10', digest: fakeDigest('7c'), action: 'there' },
  ],
  key: 'bb'.repeat(32),
  durationMs: 12_300,
  steps: { total: 5, cached: 2 },
};

const WORKER: Outcome = {
  build: 'worker-python3.13',
  kind: 'retagged',
  reason: {
    code: 'tags-missing',
    text: 'the inputs are the same, a tag is missing',
    items: ['localhost:5000/worker:dev'],
  },
  digest: fakeDigest('9e'),
  sizeBytes: 112_900_000,
  tags: [{ ref: 'localhost:5000/worker:dev', digest: fakeDigest('9e'), action: 'retagged' }],
  durationMs: 120,
};

const WEB: Outcome = {
  build: 'web',
  kind: 'unchanged',
  reason: { code: 'inputs-same', text: 'the inputs are the same and its tag is up to date' },
  digest: fakeDigest('3b'),
  sizeBytes: 9_800_000,
  tags: [{ ref: 'localhost:5000/web:dev', digest: fakeDigest('3b'), action: 'there' }],
  durationMs: 35,
};

/** Two builds run, one after the other; one tag is put back; one build is unchanged. */
export function mixedRun(): readonly BakeEvent[] {
  return recordEvents([
    STARTED,
    planned(['base', 0], ['api', 1, 'base'], ['worker-python3.13', 0], ['web', 0]),
    { type: 'engine-starting', text: 'starting the embedded engine' },
    READY,
    { type: 'node-phase', build: 'base', phase: 'checking' },
    {
      type: 'registry-waiting',
      registry: 'localhost:5000',
      why: 'it answered 503 Service Unavailable',
      attempt: 1,
      delayMs: 250,
    },
    { type: 'node-keyed', build: 'base', key: 'aa'.repeat(32), files: 3, bytes: 1200, untracked: [] },
    {
      type: 'node-decided',
      build: 'base',
      decision: 'build',
      reason: { code: 'first-build', text: 'not built before' },
    },
    { type: 'node-started', build: 'base', attempt: 1, argv: ['buildctl', 'build', '--progress=rawjson'] },
    { type: 'node-keyed', build: 'web', key: 'cc'.repeat(32), files: 40, bytes: 81_200, untracked: [] },
    {
      type: 'node-decided',
      build: 'web',
      decision: 'unchanged',
      reason: { code: 'inputs-same', text: 'the inputs are the same and its tag is up to date' },
    },
    { type: 'node-finished', build: 'web', outcome: WEB },
    step('base', 'sha256:b0', '[internal] load build definition from Dockerfile', 'running'),
    step('base', 'sha256:b0', '[internal] load build definition from Dockerfile', 'done', 20),
    step('base', 'sha256:b1', '[1/4] FROM localhost:5000/busybox:1', 'running'),
    {
      type: 'transfer',
      build: 'base',
      vertex: 'sha256:b1',
      id: 'sha256:cafe',
      current: 1_000_000,
      total: 2_100_000,
      done: false,
    },
    {
      type: 'transfer',
      build: 'base',
      vertex: 'sha256:b1',
      id: 'sha256:cafe',
      current: 2_100_000,
      total: 2_100_000,
      done: true,
    },
    step('base', 'sha256:b1', '[1/4] FROM localhost:5000/busybox:1', 'done', 300),
    step('base', 'sha256:b2', '[2/4] RUN adduser -D app', 'running'),
    log('base', 'sha256:b2', 'adding group'),
    log('base', 'sha256:b2', ' app\nadding user app\n'),
    {
      type: 'engine-waiting',
      address: 'unix:///run/bake-ts/buildkitd.sock',
      why: 'buildkitd cannot be reached',
      waitMs: 30_000,
    },
    { type: 'engine-waited', address: 'unix:///run/bake-ts/buildkitd.sock', waitedMs: 1_200, back: true },
    { type: 'engine-aside', address: 'tcp://b2.example.com:1234', why: 'buildkitd cannot be reached' },
    { type: 'engine-returned', address: 'tcp://b2.example.com:1234' },
    {
      type: 'stalled',
      build: 'base',
      quietMs: 30_000,
      waitsFor: '[2/4] RUN adduser -D app (for 31.0s)',
      engineAnswers: true,
    },
    { type: 'resumed', build: 'base', quietMs: 31_200 },
    step('base', 'sha256:b2', '[2/4] RUN adduser -D app', 'done', 900),
    {
      type: 'tag',
      build: 'base',
      tag: { ref: 'localhost:5000/base:dev', digest: fakeDigest('1f'), action: 'pushed' },
    },
    { type: 'node-finished', build: 'base', outcome: BASE },
    {
      type: 'node-decided',
      build: 'worker-python3.13',
      decision: 'retag',
      reason: {
        code: 'tags-missing',
        text: 'the inputs are the same, a tag is missing',
        items: ['localhost:5000/worker:dev'],
      },
    },
    {
      type: 'tag',
      build: 'worker-python3.13',
      tag: { ref: 'localhost:5000/worker:dev', digest: fakeDigest('9e'), action: 'retagged' },
    },
    { type: 'node-finished', build: 'worker-python3.13', outcome: WORKER },
    {
      type: 'early-started',
      build: 'api',
      waitsFor: ['base'],
      reason: { code: 'first-build', text: 'not built before' },
    },
    { type: 'early-finished', build: 'api', steps: { total: 3, cached: 0 } },
    {
      type: 'node-decided',
      build: 'api',
      decision: 'build',
      reason: {
        code: 'changed',
        text: 'inputs changed',
        items: ['context: src/server.ts changed', 'arg VERSION: 1.9 → 1.10'],
      },
    },
    { type: 'node-started', build: 'api', attempt: 1, argv: ['buildctl', 'build', '--progress=rawjson'] },
    step('api', 'sha256:a1', '[build 2/4] COPY package.json .', 'cached'),
    step('api', 'sha256:a2', '[build 3/4] RUN npm ci', 'cached'),
    step('api', 'sha256:a3', '[build 4/4] RUN npm run build', 'running'),
    step('api', 'sha256:a4', '[stage-1 2/3] RUN apk add tini', 'running'),
    log('api', 'sha256:a3', 'compiling 41 files\n'),
    log('api', 'sha256:a4', 'fetch tini\n'),
    log('api', 'sha256:a3', '\u001b[32mdone\u001b[0m\n'),
    {
      type: 'warning',
      build: 'api',
      problem: {
        severity: 'warning',
        code: 'build/dockerfile-check',
        message: 'FromAsCasing: "as" and "FROM" differ in case',
        build: 'api',
        place: { file: 'services/api/Dockerfile', line: 1, column: 1, endLine: 1, endColumn: 1 },
      },
    },
    step('api', 'sha256:a3', '[build 4/4] RUN npm run build', 'done', 8100),
    step('api', 'sha256:a4', '[stage-1 2/3] RUN apk add tini', 'done', 2100),
    { type: 'retry', build: 'api', attempt: 2, delayMs: 2000, why: 'registry localhost:5000 answered 503' },
    { type: 'node-started', build: 'api', attempt: 2, argv: ['buildctl', 'build', '--progress=rawjson'] },
    step('api', 'sha256:a5', 'exporting to image', 'running'),
    { type: 'transfer', build: 'api', vertex: 'sha256:a5', id: 'pushing layers', current: 0, done: false },
    { type: 'transfer', build: 'api', vertex: 'sha256:a5', id: 'pushing layers', current: 0, done: true },
    step('api', 'sha256:a5', 'exporting to image', 'done', 1200),
    {
      type: 'tag',
      build: 'api',
      tag: { ref: 'localhost:5000/api:dev', digest: fakeDigest('7c'), action: 'pushed' },
    },
    {
      type: 'tag',
      build: 'api',
      tag: { ref: 'localhost:5000/api:1.10', digest: fakeDigest('7c'), action: 'there' },
    },
    { type: 'node-finished', build: 'api', outcome: API },
    end({
      ok: true,
      outcomes: [BASE, API, WORKER, WEB],
      durationMs: 16_800,
      buildctlCalls: 3,
      registryRequests: { reads: 9, writes: 1 },
    }),
  ]);
}

/** Nothing has changed. */
export function unchangedRun(): readonly BakeEvent[] {
  const outcomes: readonly Outcome[] = [
    {
      ...BASE,
      kind: 'unchanged',
      steps: { total: 3, cached: 0 },
      durationMs: 22,
      reason: { code: 'inputs-same', text: 'the inputs are the same and its tag is up to date' },
      tags: BASE.tags.map((tag) => ({ ...tag, action: 'there' })),
    },
    {
      ...API,
      kind: 'unchanged',
      durationMs: 31,
      reason: { code: 'inputs-same', text: 'the inputs are the same and both tags are up to date' },
      tags: API.tags.map((tag) => ({ ...tag, action: 'there' })),
    },
    {
      ...WORKER,
      kind: 'unchanged',
      durationMs: 18,
      reason: { code: 'inputs-same', text: 'the inputs are the same and its tag is up to date' },
      tags: WORKER.tags.map((tag) => ({ ...tag, action: 'there' })),
    },
    WEB,
  ];
  return recordEvents(
    [
      STARTED,
      planned(['base', 0], ['api', 1, 'base'], ['worker-python3.13', 0], ['web', 0]),
      READY,
      ...outcomes.flatMap((outcome): EventBody[] => [
        {
          type: 'node-keyed',
          build: outcome.build,
          key: 'aa'.repeat(32),
          files: 3,
          bytes: 1200,
          untracked: [],
        },
        {
          type: 'node-decided',
          build: outcome.build,
          decision: 'unchanged',
          reason: outcome.reason ?? { code: 'inputs-same', text: '' },
        },
        { type: 'node-finished', build: outcome.build, outcome },
      ]),
      end({
        ok: true,
        outcomes,
        durationMs: 210,
        buildctlCalls: 0,
        registryRequests: { reads: 5, writes: 0 },
      }),
    ],
    10,
  );
}

/** A step fails; a build that needs it is blocked; another one is cancelled by Ctrl-C. */
export function failingRun(): readonly BakeEvent[] {
  const failed: Outcome = {
    build: 'base',
    kind: 'failed',
    reason: { code: 'first-build', text: 'not built before' },
    tags: [],
    durationMs: 3100,
    steps: { total: 3, cached: 1 },
    problem: {
      severity: 'error',
      code: 'build/step-failed',
      message: '[2/4] RUN make install ended with exit code 2',
      hint: 'run it again with --progress plain to see all of its output',
      build: 'base',
      place: { file: 'images/base/Dockerfile', line: 2, column: 1, endLine: 2, endColumn: 17 },
    },
  };
  const blocked: Outcome = { build: 'api', kind: 'blocked', blockedBy: 'base', tags: [], durationMs: 0 };
  const cancelled: Outcome = { build: 'web', kind: 'cancelled', tags: [], durationMs: 2600 };
  return recordEvents([
    STARTED,
    planned(['base', 0], ['api', 1, 'base'], ['web', 0]),
    READY,
    {
      type: 'node-keyed',
      build: 'base',
      files: 3,
      bytes: 1200,
      untracked: ['ADD https://example.com/x.tgz'],
    },
    {
      type: 'node-decided',
      build: 'base',
      decision: 'build',
      reason: {
        code: 'untracked',
        text: 'its inputs cannot be known',
        items: ['ADD https://example.com/x.tgz'],
      },
    },
    { type: 'node-started', build: 'base', attempt: 1, argv: ['buildctl', 'build'] },
    { type: 'node-started', build: 'web', attempt: 1, argv: ['buildctl', 'build'] },
    step('base', 'sha256:b2', '[2/4] RUN make install', 'running'),
    ...['cc -c main.c', 'main.c:3: error: expected ;', 'make: *** [main.o] Error 1'].map((line) =>
      log('base', 'sha256:b2', `${line}\n`),
    ),
    {
      type: 'vertex',
      build: 'base',
      digest: 'sha256:b2',
      name: '[2/4] RUN make install',
      state: 'failed',
      durationMs: 700,
      error: 'process "/bin/sh -c make install" did not complete successfully: exit code: 2',
    },
    { type: 'node-finished', build: 'base', outcome: failed },
    { type: 'node-finished', build: 'api', outcome: blocked },
    { type: 'interrupted', signal: 'SIGINT' },
    { type: 'node-finished', build: 'web', outcome: cancelled },
    end({
      ok: false,
      cancelled: true,
      outcomes: [failed, blocked, cancelled],
      durationMs: 3200,
      buildctlCalls: 2,
      registryRequests: { reads: 2, writes: 0 },
    }),
  ]);
}
