/** Runs of many builds, half way and at their end, as events: for whatever shows a run. */
import type { EventBody, Outcome, PlannedNode, Reason } from '../../lib/model/mod.ts';
import { fakeDigest } from './recorded-runs.ts';

const CHANGED: Reason = { code: 'changed', text: 'inputs changed', items: ['context: src/main.ts changed'] };
const SAME: Reason = { code: 'inputs-same', text: 'inputs unchanged, its tag is up to date' };

/** What becomes of a build until the middle of the run. */
export type MidWay =
  | 'unchanged'
  | 'built'
  | 'failed'
  | 'waiting'
  | 'queued'
  | 'checking'
  | 'building'
  | 'exporting'
  | 'pushing'
  | 'tagging';

/** A build of a run: what it needs, and where it is. */
export interface Member {
  readonly build: string;
  readonly needs: readonly string[];
  readonly is: MidWay;
}

/** A run of so many builds: two bases, of which one is still built, and services on them in all states. */
export function membersOf(count: number): readonly Member[] {
  const bases: readonly Member[] = [
    { build: 'base', needs: [], is: 'built' },
    { build: 'base-python', needs: [], is: 'building' },
  ];
  const states: readonly MidWay[] = ['building', 'exporting', 'pushing', 'checking', 'queued', 'tagging'];
  const services = Array.from({ length: count - bases.length }, (_, at): Member => {
    const build = `service-${String(at + 1).padStart(3, '0')}`;
    if (at % 5 === 4) return { build, needs: ['base-python'], is: 'waiting' };
    if (at % (count > 10 ? 9 : 1) === 0)
      return { build, needs: ['base'], is: states[(at / (count > 10 ? 9 : 1)) % states.length] ?? 'queued' };
    return { build, needs: ['base'], is: 'unchanged' };
  });
  return [...bases, ...services];
}

/** Events from the start of a run until its builds are where they are said to be. */
export function eventsUntil(
  members: readonly Member[],
  usualMs: number | undefined = 100_000,
): readonly EventBody[] {
  return [
    {
      type: 'run-started',
      runId: '01JGMANY',
      version: '0.1.0',
      runtime: 'node 24.0.0',
      files: ['builds.yaml'],
      // All slots are taken.
      concurrency: members.filter(({ is }) => is === 'building').length,
    },
    {
      type: 'planned',
      nodes: members.map(
        ({ build, needs }): PlannedNode => ({
          build,
          role: 'asked',
          level: needs.length === 0 ? 0 : 1,
          needs,
          tags: [`registry.example/${build}:1`],
          pushes: true,
          ...(usualMs === undefined ? {} : { usualMs }),
        }),
      ),
    },
    ...members.flatMap((member, at) => eventsOf(member, at)),
  ];
}

function eventsOf({ build, is }: Member, slot: number): readonly EventBody[] {
  const phase = (name: 'checking' | 'queued' | 'exporting' | 'pushing' | 'tagging'): EventBody => ({
    type: 'node-phase',
    build,
    phase: name,
  });
  if (is === 'waiting') return [];
  if (is === 'checking') return [phase('checking')];
  if (is === 'unchanged') {
    return [
      phase('checking'),
      { type: 'node-decided', build, decision: 'unchanged', reason: SAME },
      { type: 'node-finished', build, outcome: outcomeOf({ build, needs: [], is }) },
    ];
  }
  const before: readonly EventBody[] = [
    phase('checking'),
    { type: 'node-decided', build, decision: 'build', reason: CHANGED },
    phase('queued'),
  ];
  if (is === 'queued') return before;
  const step = (digest: string, name: string, state: 'running' | 'done'): EventBody => ({
    type: 'vertex',
    build,
    digest,
    name,
    state,
  });
  const building: readonly EventBody[] = [
    ...before,
    { type: 'node-phase', build, phase: 'building', slot },
    { type: 'node-started', build, attempt: 1, argv: ['buildctl', 'build'] },
    step('sha256:1', '[2/4] COPY package.json .', 'running'),
    step('sha256:1', '[2/4] COPY package.json .', 'done'),
    { type: 'vertex', build, digest: 'sha256:3', name: '[4/4] COPY src src', state: 'pending' },
    step('sha256:2', '[3/4] RUN npm ci --omit=dev', 'running'),
    { type: 'log', build, vertex: 'sha256:2', stream: 'stdout', text: `added ${slot + 100} packages\n` },
  ];
  if (is === 'building') return building;
  if (is === 'failed') {
    return [
      ...building,
      ...['npm error code E404', 'npm error 404 Not Found - GET https://npm.example/left-pad'].map(
        (text): EventBody => ({
          type: 'log',
          build,
          vertex: 'sha256:2',
          stream: 'stderr',
          text: `${text}\n`,
        }),
      ),
      {
        type: 'vertex',
        build,
        digest: 'sha256:2',
        name: '[3/4] RUN npm ci --omit=dev',
        state: 'failed',
        error: 'process "/bin/sh -c npm ci --omit=dev" did not complete successfully: exit code: 1',
      },
      { type: 'node-finished', build, outcome: outcomeOf({ build, needs: [], is }) },
    ];
  }
  const exporting: readonly EventBody[] = [
    ...building,
    step('sha256:2', '[3/4] RUN npm ci', 'done'),
    phase('exporting'),
  ];
  if (is === 'exporting') return exporting;
  if (is === 'pushing') return [...exporting, phase('pushing')];
  if (is === 'tagging') return [...exporting, phase('pushing'), phase('tagging')];
  return [...exporting, { type: 'node-finished', build, outcome: outcomeOf({ build, needs: [], is }) }];
}

/** How a build ends. */
export function outcomeOf({ build, needs, is }: Member): Outcome {
  if (is === 'failed') {
    return {
      build,
      kind: 'failed',
      reason: CHANGED,
      tags: [],
      durationMs: 3_100,
      steps: { total: 3, cached: 0 },
      problem: {
        severity: 'error',
        code: 'build/step-failed',
        message: 'a step ended with exit code 1 ([3/4] RUN npm ci --omit=dev)',
        build,
        detail: [
          ...Array.from(
            { length: 30 },
            (_, at) => `npm http fetch GET 200 https://npm.example/package-${at}`,
          ),
          'npm error code E404',
          'npm error 404 Not Found - GET https://npm.example/left-pad',
        ].join('\n'),
        place: { file: `services/${build}/Dockerfile`, line: 3, column: 1, endLine: 3, endColumn: 22 },
      },
    };
  }
  if (is === 'waiting' && needs[0] !== undefined)
    return { build, kind: 'blocked', blockedBy: needs[0], tags: [], durationMs: 0 };
  const digest = fakeDigest((build.length % 10).toString().repeat(2));
  const ref = `registry.example/${build}:1`;
  if (is === 'unchanged') {
    return {
      build,
      kind: 'unchanged',
      reason: SAME,
      digest,
      sizeBytes: 21_000_000,
      tags: [{ ref, digest, action: 'there' }],
      durationMs: 21,
    };
  }
  return {
    build,
    kind: 'built',
    reason: CHANGED,
    digest,
    sizeBytes: 48_000_000,
    tags: [{ ref, digest, action: 'pushed' }],
    durationMs: 12_300,
    steps: { total: 3, cached: 1 },
  };
}

/** A Dockerfile that the failures are about. */
export const FAILED_DOCKERFILE = `FROM node:24
COPY package.json .
RUN npm ci --omit=dev
COPY src src
`;

/** The end: what was not finished is, blocked where what it needs failed. */
export function endOf(members: readonly Member[]): readonly EventBody[] {
  const failed = new Set(members.flatMap((one) => (one.is === 'failed' ? [one.build] : [])));
  const isBlocked = (one: Member): boolean => one.needs.some((need) => failed.has(need));
  const outcomes = members.map((one) =>
    outcomeOf(
      one.is === 'unchanged' || one.is === 'failed'
        ? one
        : { ...one, is: isBlocked(one) ? 'waiting' : 'built' },
    ),
  );
  const open = outcomes.filter(({ build }) => {
    const is = members.find((one) => one.build === build)?.is;
    return is !== 'unchanged' && is !== 'failed' && is !== 'built';
  });
  return [
    ...open.map((outcome): EventBody => ({ type: 'node-finished', build: outcome.build, outcome })),
    {
      type: 'run-finished',
      summary: {
        ok: failed.size === 0,
        cancelled: false,
        outcomes,
        problems: [],
        durationMs: 83_000,
        buildctlCalls: outcomes.filter((one) => one.kind === 'built' || one.kind === 'failed').length,
        registryRequests: { reads: 2 * members.length, writes: 0 },
      },
    },
  ];
}
