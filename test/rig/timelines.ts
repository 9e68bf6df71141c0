/**
 * Runs of made-up repositories as a {@link RunTimeline}, with logs: what the report page shows, in any size. The same
 * options make the same run.
 */
import type { Outcome, ProblemJson, Reason } from '../../lib/model/mod.ts';
import type { LogPart } from '../../lib/page/mod.ts';
import type { BuildTimeline, PhaseSpan, RunTimeline, StepSpan, WaitSpan } from '../../lib/timeline/mod.ts';
import { type Random, seededRandom } from './random.ts';
import { fakeDigest, RUN_STARTED_MS } from './recorded-runs.ts';

/** How large a run is, and what went wrong in it. */
export interface TimelineOptions {
  readonly builds: number;
  /** Default: 4. */
  readonly slots?: number;
  /** How many builds fail; what needs them is blocked. Default: 1 in 60, at least 1. */
  readonly failures?: number;
  readonly seed?: number;
}

/** A run, and the log of each of its builds by its name. */
export interface MadeRun {
  readonly timeline: RunTimeline;
  readonly logs: ReadonlyMap<string, readonly LogPart[]>;
}

/** What a build is in the plan, and what the random numbers decided for it. */
interface Draft {
  readonly build: string;
  readonly level: number;
  readonly needs: readonly string[];
  readonly fate: 'built' | 'unchanged' | 'retagged' | 'failed';
  readonly stepCount: number;
}

interface Made {
  readonly build: BuildTimeline;
  readonly log: readonly LogPart[];
  readonly endMs: number;
}

const AREAS = ['api', 'web', 'billing', 'search', 'mail', 'auth', 'media', 'jobs', 'admin', 'ledger'];
const PARTS = ['server', 'worker', 'migrations', 'cron', 'proxy', 'tests', 'docs', 'assets', 'gateway'];
/** Share of the builds on each level. */
const LEVELS = [0.04, 0.12, 0.4, 0.3, 0.14];

/** Makes a run: builds in levels, of which each needs some of the level below, on a few slots. */
export function makeTimeline(options: TimelineOptions): MadeRun {
  const random = seededRandom(options.seed ?? 1);
  const slots = options.slots ?? 4;
  const failures = options.failures ?? Math.max(1, Math.floor(options.builds / 60));
  const drafts = draftBuilds(options.builds, failures, random);
  const made = schedule(drafts, slots, random);
  const durationMs = Math.max(...made.map(({ endMs }) => endMs)) + 120;
  const builds = markCritical(
    made.map(({ build }) => build),
    durationMs,
  );
  const outcomes = builds.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const failed = outcomes.some(({ kind }) => kind === 'failed');
  return {
    logs: new Map(made.map(({ build, log }) => [build.build, log])),
    timeline: {
      runId: '01JGEXAMPLE',
      criticalPath: builds.filter(({ critical }) => critical).map(({ build }) => ({ build })),
      version: '0.1.0',
      runtime: 'node 24.21.0',
      root: '/home/me/shop',
      command: ['run', '-j', String(slots), '--report', 'report.html'],
      files: ['builds.yaml'],
      concurrency: slots,
      dryRun: false,
      startedAtMs: RUN_STARTED_MS,
      durationMs,
      finished: true,
      engine: {
        address: 'unix:///run/bake-ts/buildkitd.sock',
        source: 'the embedded engine',
        buildctl: '/opt/bake-ts/bin/buildctl',
        version: 'v0.26.3',
      },
      builds,
      waits:
        options.builds > 20
          ? [
              {
                kind: 'registry',
                text: 'registry.example:5000 answered 503; asked again in 2 s',
                fromMs: durationMs * 0.4,
                toMs: durationMs * 0.4 + 2000,
              },
            ]
          : [],
      warnings: [
        {
          atMs: 0,
          build: drafts[0]?.build ?? '',
          problem: {
            severity: 'warning',
            code: 'lint/frontend',
            message: 'JSONArgsRecommended: JSON arguments recommended for CMD',
            place: { file: 'base/Dockerfile', line: 12, column: 1, endLine: 12, endColumn: 20 },
          },
        },
      ],
      summary: {
        ok: !failed,
        cancelled: false,
        problems: [],
        durationMs,
        buildctlCalls: outcomes.filter(({ kind }) => kind === 'built' || kind === 'failed').length,
        registryRequests: { reads: options.builds * 3, writes: options.builds },
      },
    },
  };
}

function draftBuilds(count: number, failures: number, random: Random): readonly Draft[] {
  const levels: Draft[][] = [];
  let number = 0;
  for (const [level, share] of LEVELS.entries()) {
    const left = count - number;
    const here = level === LEVELS.length - 1 ? left : Math.min(left, Math.max(1, Math.round(count * share)));
    const below = levels[level - 1] ?? [];
    const own: Draft[] = [];
    for (let at = 0; at < here; at += 1, number += 1) {
      const needs = new Set<string>();
      const wanted = level === 0 ? 0 : 1 + random.below(2);
      for (let one = 0; one < wanted; one += 1) needs.add(random.pick(below).build);
      if (level > 1 && random.below(6) === 0) needs.add(random.pick(levels[0] ?? []).build);
      own.push({
        build: nameOf(number, level),
        level,
        needs: [...needs],
        fate: pickFate(random),
        stepCount: 3 + random.below(7),
      });
    }
    levels.push(own);
  }
  const all = levels.flat();
  // Late ones, so that a failure does not block everything.
  const failing = new Set<number>();
  while (failing.size < Math.min(failures, count - 1)) {
    failing.add(Math.floor(count / 3) + random.below(Math.ceil((count * 2) / 3)));
  }
  return all.map((one, at) => (failing.has(at) ? { ...one, fate: 'failed' as const } : one));
}

function nameOf(number: number, level: number): string {
  if (level === 0) return number === 0 ? 'base' : `base-${number}`;
  const area = AREAS[number % AREAS.length] ?? '';
  const part = PARTS[Math.floor(number / AREAS.length) % PARTS.length] ?? '';
  const round = Math.floor(number / (AREAS.length * PARTS.length));
  return `${area}-${part}${round === 0 ? '' : `-${round + 1}`}`;
}

function pickFate(random: Random): Draft['fate'] {
  const dice = random.below(10);
  return dice < 4 ? 'unchanged' : dice < 5 ? 'retagged' : 'built';
}

function schedule(drafts: readonly Draft[], slots: number, random: Random): readonly Made[] {
  const made = new Map<string, Made>();
  const free = Array.from({ length: slots }, () => 400);
  for (const draft of drafts) {
    const parents = draft.needs.map((name) => made.get(name));
    const readyMs = Math.max(300, ...parents.map((one) => one?.endMs ?? 0));
    const lost = parents.find(
      (one) => one?.build.outcome?.kind === 'failed' || one?.build.outcome?.kind === 'blocked',
    );
    if (lost !== undefined) made.set(draft.build, blocked(draft, lost, readyMs));
    else if (draft.fate === 'unchanged' || draft.fate === 'retagged')
      made.set(draft.build, skipped(draft, readyMs, random));
    else {
      const slot = free.indexOf(Math.min(...free));
      const one = built(draft, readyMs, free[slot] ?? 0, slot, random);
      free[slot] = one.endMs;
      made.set(draft.build, one);
    }
  }
  return [...made.values()];
}

function planned({ build, level, needs }: Draft) {
  return {
    build,
    role: level === 0 ? ('needed' as const) : ('asked' as const),
    level,
    needs,
    tags: [`registry.example:5000/shop/${build}:dev`],
    pushes: true,
    usualMs: 8000,
    critical: false,
    costMs: 0,
  };
}

function blocked(draft: Draft, by: Made, atMs: number): Made {
  const cause = by.build.outcome?.blockedBy ?? by.build.build;
  return {
    endMs: atMs,
    log: [],
    build: {
      ...planned(draft),
      phases: [],
      steps: [],
      waits: [],
      outcome: { build: draft.build, kind: 'blocked', tags: [], durationMs: 0, blockedBy: cause },
    },
  };
}

function skipped(draft: Draft, readyMs: number, random: Random): Made {
  const checkedMs = readyMs + 40 + random.below(300);
  const isRetag = draft.fate === 'retagged';
  const endMs = isRetag ? checkedMs + 150 : checkedMs;
  const reason: Reason = isRetag
    ? {
        code: 'tags-missing',
        text: 'nothing changed; a tag is missing',
        items: [`${draft.build}:dev is missing`],
      }
    : { code: 'inputs-same', text: 'nothing changed' };
  const tagging: readonly PhaseSpan[] = isRetag ? [{ phase: 'tagging', fromMs: checkedMs, toMs: endMs }] : [];
  const outcome: Outcome = {
    build: draft.build,
    kind: isRetag ? 'retagged' : 'unchanged',
    reason,
    digest: fakeDigest('2f'),
    sizeBytes: 20_000_000 + random.below(90_000_000),
    platforms: ['linux/amd64'],
    tags: [
      {
        ref: `registry.example:5000/shop/${draft.build}:dev`,
        digest: fakeDigest('2f'),
        action: isRetag ? 'retagged' : 'there',
      },
    ],
    durationMs: endMs - readyMs,
  };
  return {
    endMs,
    log: [],
    build: {
      ...planned(draft),
      phases: [{ phase: 'checking', fromMs: readyMs, toMs: checkedMs }, ...tagging],
      steps: [],
      waits: [],
      decision: { kind: isRetag ? 'retag' : 'unchanged', reason },
      inputs: { files: 10 + random.below(200), bytes: 40_000, untracked: [] },
      outcome,
    },
  };
}

function built(draft: Draft, readyMs: number, freeMs: number, slot: number, random: Random): Made {
  const checkedMs = readyMs + 60 + random.below(400);
  const startMs = Math.max(checkedMs, freeMs);
  const failed = draft.fate === 'failed';
  const { steps, log, endMs: stepsMs } = makeSteps(draft, startMs, failed, random);
  const phases: PhaseSpan[] = [{ phase: 'checking', fromMs: readyMs, toMs: checkedMs }];
  if (startMs > checkedMs) phases.push({ phase: 'queued', fromMs: checkedMs, toMs: startMs });
  phases.push({ phase: 'building', fromMs: startMs, toMs: stepsMs, slot });
  let endMs = stepsMs;
  const after = failed ? [] : (['exporting', 'pushing', 'tagging'] as const);
  for (const phase of after) {
    const took = phase === 'tagging' ? 80 : 200 + random.below(2500);
    phases.push({ phase, fromMs: endMs, toMs: endMs + took });
    endMs += took;
  }
  const cached = steps.filter(({ state }) => state === 'cached').length;
  const reason = makeReason(draft, random);
  const outcome: Outcome = {
    build: draft.build,
    kind: failed ? 'failed' : 'built',
    reason,
    tags: [],
    durationMs: endMs - readyMs - (startMs - checkedMs),
    queuedMs: startMs - checkedMs,
    steps: { total: steps.length, cached },
    ...(failed ? { problem: makeProblem(draft, steps, log) } : makeResult(draft, random)),
  };
  const waits: WaitSpan[] =
    random.below(12) === 0
      ? [
          {
            kind: 'retry',
            text: 'connection reset by peer; tried again',
            fromMs: startMs + 200,
            toMs: startMs + 1200,
          },
        ]
      : [];
  return {
    endMs,
    log,
    build: {
      ...planned(draft),
      phases,
      steps,
      waits,
      decision: { kind: 'build', reason },
      inputs: { files: 10 + random.below(400), bytes: 90_000, untracked: [] },
      outcome,
    },
  };
}

function makeReason(draft: Draft, random: Random): Reason {
  if (random.below(4) === 0) return { code: 'first-build', text: 'not built before' };
  return {
    code: 'changed',
    text: '3 of its inputs changed',
    items: [
      `context: ${draft.build}/src/main.c changed`,
      'arg VERSION: 1.4.1 → 1.4.2',
      `image of ${draft.needs[0] ?? 'docker.io/library/debian:12'} changed`,
    ],
  };
}

function makeResult(draft: Draft, random: Random): Partial<Outcome> {
  const sizes = Array.from({ length: 3 + random.below(6) }, () => 200_000 + random.below(30_000_000));
  const sizeBytes = sizes.reduce((sum, one) => sum + one, 0);
  return {
    digest: fakeDigest('3f'),
    sizeBytes,
    platforms: ['linux/amd64'],
    layers: [{ platform: 'linux/amd64', sizes }],
    ...(random.below(4) === 0
      ? {}
      : { lastSizeBytes: Math.round(sizeBytes * (0.8 + random.below(40) / 100)) }),
    tags: [
      { ref: `registry.example:5000/shop/${draft.build}:dev`, digest: fakeDigest('3f'), action: 'pushed' },
    ],
  };
}

const COMMANDS = [
  'RUN apt-get update && apt-get install -y --no-install-recommends build-essential ca-certificates',
  'COPY . /src',
  'WORKDIR /src',
  'RUN --mount=type=cache,target=/root/.npm npm ci',
  'RUN npm run build',
  'RUN npm test',
  'COPY --from=deps /src/node_modules ./node_modules',
  'RUN make -j4 all',
];

function makeSteps(draft: Draft, startMs: number, failed: boolean, random: Random) {
  const steps: StepSpan[] = [];
  const log: LogPart[] = [];
  let atMs = startMs;
  const cachedUntil = random.below(draft.stepCount);
  for (let at = 0; at < draft.stepCount; at += 1) {
    const isLast = at === draft.stepCount - 1;
    const state = failed && isLast ? 'failed' : at < cachedUntil ? 'cached' : 'done';
    const command =
      failed && isLast
        ? 'RUN npm test'
        : at === 0
          ? 'FROM docker.io/library/debian:12'
          : (COMMANDS[(at - 1 + draft.level) % COMMANDS.length] ?? '');
    const toMs = atMs + (state === 'cached' ? 15 : 150 + random.below(4000));
    const digest = `${fakeDigest('4f').slice(0, 60)}${draft.build}${at}`;
    steps.push({
      digest,
      name: `[${at + 1}/${draft.stepCount}] ${command}`,
      state,
      attempt: 1,
      fromMs: atMs,
      toMs,
      ...(state === 'failed'
        ? { error: 'process "/bin/sh -c npm test" did not complete successfully: exit code: 1' }
        : {}),
    });
    if (state !== 'cached' && command.startsWith('RUN'))
      log.push(makeLog(digest, state === 'failed', random));
    atMs = toMs;
  }
  return { steps, log, endMs: atMs };
}

function makeLog(step: string, failed: boolean, random: Random): LogPart {
  const lines = Array.from(
    { length: 5 + random.below(60) },
    (_, at) => `\u001b[32m✓\u001b[0m test ${at + 1} \u001b[2m(${random.below(90)} ms)\u001b[0m`,
  );
  if (failed) {
    lines.push(
      '\u001b[31m✗ the total of an order has its tax in it\u001b[0m',
      '  expected \u001b[32m119.00\u001b[0m, got \u001b[31m100.00\u001b[0m',
      '    at total (/src/order.js:41:11)',
      '',
      '\u001b[1;31m1 of 412 tests failed\u001b[0m',
    );
  }
  return { step, attempt: 1, text: `${lines.join('\n')}\n` };
}

function makeProblem(draft: Draft, steps: readonly StepSpan[], log: readonly LogPart[]): ProblemJson {
  const step = steps.at(-1);
  return {
    severity: 'error',
    code: 'build/step-failed',
    message: `${step?.name ?? 'a step'} failed: exit code 1`,
    hint: 'Read the end of the log above',
    build: draft.build,
    place: { file: `${draft.build}/Dockerfile`, line: 7, column: 1, endLine: 7, endColumn: 14 },
    detail: (log.at(-1)?.text ?? '').split('\n').slice(-12).join('\n'),
  };
}

/** From the build that ended last back to the start, each time by what was there last. */
function markCritical(builds: readonly BuildTimeline[], durationMs: number): readonly BuildTimeline[] {
  const endOf = (one: BuildTimeline): number => Math.max(0, ...one.phases.map(({ toMs }) => toMs));
  const byName = new Map(builds.map((one) => [one.build, one]));
  const critical = new Set<string>();
  let at = builds.reduce<BuildTimeline | undefined>(
    (last, one) => (last === undefined || endOf(one) > endOf(last) ? one : last),
    undefined,
  );
  while (at !== undefined) {
    critical.add(at.build);
    const parents: readonly BuildTimeline[] = at.needs.flatMap((name) => byName.get(name) ?? []);
    at =
      parents.length === 0
        ? undefined
        : parents.reduce((last, one) => (endOf(one) > endOf(last) ? one : last));
  }
  return builds.map((one) =>
    critical.has(one.build)
      ? { ...one, critical: true, costMs: Math.min(durationMs / 4, (one.outcome?.durationMs ?? 0) * 0.7) }
      : one,
  );
}
