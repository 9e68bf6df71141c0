/** A repository, registries and a home of its own for tests that bake with the real engine. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { readBuilds } from '../../lib/config/mod.ts';
import type { BakeEvent, Outcome, RunSummary } from '../../lib/model/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { type BakeOptions, bake } from '../../lib/run/mod.ts';
import { type AuditRequest, createAudit } from '../../lib/verify/mod.ts';
import { type CommandOptions, type CommandResult, runBakeTs } from '../rig/command.ts';
import { type CountingBuildctl, makeCountingBuildctl } from '../rig/counting-buildctl.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

/** What a run did. */
export interface Baked {
  readonly summary: RunSummary;
  readonly events: readonly BakeEvent[];
  /** Build → how it ended: `built`, `unchanged`, … */
  readonly kinds: Readonly<Record<string, Outcome['kind']>>;
  readonly outcome: (build: string) => Outcome;
}

/** Where one test works. */
export interface Workspace {
  /** The repository. */
  readonly dir: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly buildctl: CountingBuildctl;
  readonly write: (tree: Readonly<Record<string, TreeEntry>>) => Promise<void>;
  /** Bakes within this process. */
  readonly bake: (options?: BakeHere) => Promise<Baked>;
  /** Runs `bake-ts` as a process of this runtime. */
  readonly run: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
}

/** How to bake. */
export interface BakeHere
  extends Partial<Pick<BakeOptions, 'force' | 'dryRun' | 'failFast' | 'signal' | 'jobs'>> {
  readonly builds?: readonly string[];
  readonly audit?: AuditRequest;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onEvent?: (event: BakeEvent) => void;
}

/** Makes a workspace; `env` is added to what bake-ts and buildctl see. */
export async function makeWorkspace(
  t: Cleanup,
  tree: Readonly<Record<string, TreeEntry>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Workspace> {
  const dir = await makeTempDir(t, 'e2e-');
  const home = await makeTempDir(t, 'e2e-home-');
  await writeTree(dir, tree);
  const buildctl = await makeCountingBuildctl(t, path.join(realEngine.binDir, 'buildctl'));
  const own: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: path.join(home, 'docker'),
    BUILDKIT_HOST: realEngine.address,
    BUILDCTL: buildctl.path,
    // Deno keeps packages below HOME, and would fetch them again for each home of a test.
    DENO_DIR: process.env['DENO_DIR'] ?? path.join(process.env['HOME'] ?? '/', '.cache/deno'),
    ...env,
  };
  return {
    dir,
    home,
    env: own,
    buildctl,
    write: (more) => writeTree(dir, more),
    bake: (options = {}) => bakeHere(dir, { ...own, ...options.env }, options),
    run: (args, options = {}) => runBakeTs(args, { cwd: dir, ...options, env: { ...own, ...options.env } }),
  };
}

async function bakeHere(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  options: BakeHere,
): Promise<Baked> {
  const read = await readBuilds({ cwd, env });
  assert(read.ok, read.ok ? '' : read.error.map((one) => one.message).join('\n'));
  const prepared = preparePlan(read.value.set, { patterns: options.builds ?? [] }, cwd);
  assert(prepared.ok, prepared.ok ? '' : prepared.error.map((one) => one.message).join('\n'));
  const events: BakeEvent[] = [];
  const { builds: _, env: __, onEvent, audit, ...rest } = options;
  const summary = await bake({
    plan: prepared.value.plan,
    dockerfiles: prepared.value.dockerfiles,
    env,
    jobs: 4,
    version: '0',
    runtime: 'test',
    hostArchitecture: process.arch === 'x64' ? 'amd64' : process.arch,
    ...rest,
    ...(audit === undefined ? {} : { audit: createAudit(audit) }),
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
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

/** Fails with what went wrong where a run was not a success. */
export function assertOk(baked: Baked): void {
  const problems = [
    ...baked.summary.problems,
    ...baked.summary.outcomes.flatMap((outcome) => outcome.problem ?? []),
  ];
  assert(baked.summary.ok, JSON.stringify(problems, undefined, 2));
}

/** Names of the builds that ended in one way, sorted. */
export function named(baked: Baked, kind: Outcome['kind']): readonly string[] {
  return baked.summary.outcomes
    .filter((outcome) => outcome.kind === kind)
    .map((outcome) => outcome.build)
    .sort();
}
