/** Baking within the test's process: from builds.yaml to what became of it. */
import assert from 'node:assert/strict';
import { readBuilds } from '../../lib/config/mod.ts';
import type { BakeEvent, Outcome, RunSummary } from '../../lib/model/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { type BakeOptions, bakeWith, ENGINES, type EngineAccess, pushedByDigest } from '../../lib/run/mod.ts';
import { type AuditRequest, createAudit } from '../../lib/verify/mod.ts';

/** What a run did. */
export interface Baked {
  readonly summary: RunSummary;
  readonly events: readonly BakeEvent[];
  /** Build → how it ended: `built`, `unchanged`, … */
  readonly kinds: Readonly<Record<string, Outcome['kind']>>;
  readonly outcome: (build: string) => Outcome;
}

/** How to bake. */
export interface BakeHere
  extends Partial<
    Pick<
      BakeOptions,
      | 'parents'
      | 'atomic'
      | 'force'
      | 'dryRun'
      | 'failFast'
      | 'signal'
      | 'jobs'
      | 'engineWaitMs'
      | 'stallTimeoutMs'
    >
  > {
  readonly audit?: AuditRequest;
  readonly builds?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onEvent?: (event: BakeEvent) => void;
  /** How long a push may take until it counts as a slow one. */
  readonly slowPushMs?: number;
  /** As `--allow` and `--untrusted`. */
  readonly allow?: readonly string[];
  readonly untrusted?: boolean;
  /** As `--set`. */
  readonly overrides?: readonly string[];
  /** As `--by-digest`. */
  readonly byDigest?: boolean;

  /** How long nothing may move in a build until that is said. */
  readonly stallNoticeMs?: number;
}

/** Bakes what a directory's builds.yaml says; with `engines`, nobody waits before a retry. */
export async function bakeIn(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  options: BakeHere,
  hostArchitecture: string,
  engines?: EngineAccess,
): Promise<Baked> {
  const { allow = [], untrusted = false, overrides = [], byDigest = false } = options;
  const read = await readBuilds({ cwd, env, allow, untrusted, overrides });
  assert(read.ok, read.ok ? '' : read.error.map((one) => one.message).join('\n'));
  const prepared = preparePlan(read.value.set, { patterns: options.builds ?? [] }, cwd);
  assert(prepared.ok, prepared.ok ? '' : prepared.error.map((one) => one.message).join('\n'));
  const events: BakeEvent[] = [];
  const {
    builds: _,
    env: __,
    allow: ___,
    untrusted: ____,
    overrides: _____,
    byDigest: ______,
    onEvent,
    audit,
    slowPushMs,
    stallNoticeMs,
    ...rest
  } = options;
  const all: BakeOptions = {
    plan: byDigest ? pushedByDigest(prepared.value.plan) : prepared.value.plan,
    dockerfiles: prepared.value.dockerfiles,
    env,
    jobs: 4,
    version: '0',
    runtime: 'test',
    hostArchitecture,
    ...rest,
    ...(audit === undefined ? {} : { audit: createAudit(audit) }),
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  };
  const summary = await bakeWith(engines ?? ENGINES, {
    ...all,
    ...(engines === undefined ? {} : { sleep: async () => undefined }),
    ...(slowPushMs === undefined ? {} : { slowPushMs }),
    ...(stallNoticeMs === undefined ? {} : { stallNoticeMs }),
  });
  const byName = new Map(summary.outcomes.map((one) => [one.build, one]));
  return {
    summary,
    events,
    kinds: Object.fromEntries(summary.outcomes.map((one) => [one.build, one.kind])),
    outcome: (build) => {
      const found = byName.get(build);
      assert(found !== undefined, `${build} was not in the run`);
      return found;
    },
  };
}

/** Every problem and warning of a run: `code`, or `code of build`. */
export function codesOf({ summary, events }: Baked): readonly string[] {
  return [
    ...summary.problems.map(({ code }) => code),
    ...summary.outcomes.flatMap(({ build, problem }) =>
      problem === undefined ? [] : [`${problem.code} of ${build}`],
    ),
    ...events.flatMap((event) =>
      event.type === 'warning' ? [`warning ${event.problem.code}${of(event.build)}`] : [],
    ),
  ];
}

function of(build: string | undefined): string {
  return build === undefined ? '' : ` of ${build}`;
}

/** Fails with what went wrong where a run was not a success. */
export function assertOk(baked: Baked): void {
  const problems = [
    ...baked.summary.problems,
    ...baked.summary.outcomes.flatMap((outcome) => outcome.problem ?? []),
  ];
  assert(baked.summary.ok, JSON.stringify(problems, undefined, 2));
}
