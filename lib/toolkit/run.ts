/** Running builds from a script. */
import path from 'node:path';
import { type BuildDefinition, overridableKeys } from '../config/mod.ts';
import {
  type EventSink,
  fail,
  type Outcome,
  problem,
  type Result,
  type RunSummary,
  wasCancelled,
} from '../model/mod.ts';
import type { AnyProblem } from '../report/mod.ts';
import type { BakeOptions } from '../run/mod.ts';
import { runtimeName } from '../system/mod.ts';
import { checkOptions, type KnownOptions, noSuchOption } from '../util/check-options.ts';
import { orDenied } from '../util/permission.ts';
import { VERSION } from '../util/version.ts';
import {
  type BuildPlan,
  cwdOf,
  originOf,
  PLANNED_OPTIONS,
  type PlannedOptions,
  planOf,
  preparedOf,
  SOURCE_OPTIONS,
  type SourceOptions,
  toResult,
  workOf,
} from './builds.ts';
import { type Running, startWork } from './events.ts';
import { directoryOf } from './surroundings.ts';
import { BakeError } from './unwrap.ts';

/** How to run builds. */
export interface RunSettings {
  /** Address of an engine, as with `--addr`, or several for a pool; no other is used. Default: the engine that is found. */
  readonly address?: string | readonly string[];
  /** How many builds run at the same time, at least 1. Default: two for each processor. */
  readonly jobs?: number;
  /** Build even if up to date. */
  readonly force?: boolean;
  /** Only decide and say why; do nothing. */
  readonly dryRun?: boolean;
  /** Stop everything at the first failure. Default: builds that do not depend on it continue. */
  readonly failFast?: boolean;
  /** How long to wait in total for an engine that goes away, in milliseconds. Default: 30,000. */
  readonly engineWaitMs?: number;
  /** Stop a build that makes no progress for this time, in milliseconds. Default: only report it. */
  readonly stallTimeoutMs?: number;
  /** Cancels the run: running builds are stopped, and no others start. */
  readonly signal?: AbortSignal;
  /** Gets every event as it happens. If it throws, the run is stopped and rejects with that error. */
  readonly onEvent?: EventSink;
}

/** What to run, and how. */
export interface RunOptions extends PlannedOptions, RunSettings {
  /** Move tags only when all builds have succeeded, whatever the value of `publish`. */
  readonly atomic?: boolean;
  /** Push by digest and move no tags: for platforms that are built separately and joined by `merge()`. */
  readonly byDigest?: boolean;
  /**
   * Only builds that are affected by changes since a commit, and their dependents. The commit may have any form that git accepts;
   * `main...` is where this branch left `main`. Without patterns, all builds are considered.
   */
  readonly since?: string;
  /** Also build some builds that are up to date, and compare the results: `5%`, or a number of builds. */
  readonly audit?: string;
  /** Choose the same builds for an audit again. Default: random. */
  readonly auditSeed?: number;
}

/** How a run ended: `ok` if everything that was requested is done. */
export type RunResult =
  | {
      /** Everything that was requested is done. */
      readonly ok: true;
      /** The result of each build, and totals. */
      readonly value: RunSummary;
      /** The same as `value`; it is there whether or not the run is `ok`. */
      readonly summary: RunSummary;
    }
  | {
      /** Something is not done, or the run could not begin. */
      readonly ok: false;
      /** Problems of reading and planning, of the run, and of each failed build. Never empty. */
      readonly error: readonly AnyProblem[];
      /** The results of the builds; absent if the run could not begin. */
      readonly summary?: RunSummary;
    };

const RUN_SETTINGS: KnownOptions<RunSettings> = {
  address: 'text or texts',
  jobs: 'count',
  force: 'flag',
  dryRun: 'flag',
  failFast: 'flag',
  engineWaitMs: 'number',
  stallTimeoutMs: 'number',
  signal: 'signal',
  onEvent: 'function',
};

const RUN_OPTIONS: KnownOptions<RunOptions> = {
  ...PLANNED_OPTIONS,
  ...RUN_SETTINGS,
  atomic: 'flag',
  byDigest: 'flag',
  since: 'text',
  audit: 'text',
  auditSeed: 'number',
};

/**
 * Runs builds. Builds that are up to date are skipped; all others are built and pushed, each as soon as its dependencies are done. The
 * same as `bake-ts run`, except that it prints nothing and keeps no run.
 *
 * @returns a promise of the result, which is also the stream of events: `for await (const event of run())`. The
 *   promise rejects only with what `onEvent` throws, or for a bug of bake-ts. The loop throws a {@link BakeError} at its end if not
 *   everything is done.
 * @throws TypeError for unknown options or invalid values
 * @example
 * ```ts
 * const { outcomes } = unwrap(await run({ patterns: ['api'], vars: { TAG: '1.2' } }));
 * for (const { build, kind, digest } of outcomes) console.log(build, kind, digest);
 * ```
 * @example
 * ```ts
 * for await (const event of run({ signal: AbortSignal.timeout(600_000) })) {
 *   if (event.type === 'node-finished') console.log(event.build, event.outcome.kind);
 * }
 * ```
 */
export function run(options: RunOptions = {}): Running<RunResult> {
  return startWork<RunResult>({
    ...heard(options),
    start: async (sink, stop) => {
      checkOptions('run', options, RUN_OPTIONS);
      return runPlanned({ ...options, onEvent: sink, signal: stop });
    },
    failureOf,
  });
}

/** Checks the options for starting work; invalid ones are rejected together with the others, so that each call rejects for them. */
export function heard(
  options: Pick<RunSettings, 'signal' | 'onEvent'> | undefined,
): Pick<RunSettings, 'signal' | 'onEvent'> {
  const { signal, onEvent } = options ?? {};
  return {
    ...(signal instanceof AbortSignal ? { signal } : {}),
    ...(typeof onEvent === 'function' ? { onEvent } : {}),
  };
}

/** A loop over events must not end as if the run was ok, because a script that only loops gets no other error. */
function failureOf(result: RunResult | BuildResult): BakeError | undefined {
  return result.ok ? undefined : new BakeError(result.error, result.summary);
}

function runPlanned(options: RunOptions): Promise<RunResult> {
  return orDenied(
    () => runNow(options),
    (denied): RunResult => fail([denied]),
  ).then((result) => (result.ok || result.summary !== undefined ? result : stopped(result, options.signal)));
}

/** A run that was stopped before its start reports that, and not which part noticed it. */
function stopped(result: RunResult, signal: AbortSignal | undefined): RunResult {
  return signal?.aborted === true ? fail([wasCancelled()]) : result;
}

async function runNow(options: RunOptions): Promise<RunResult> {
  const { since } = options;
  const planned = await planOf(options, since === undefined ? [] : ['*']);
  if (!planned.ok) return planned;
  const audit = await readAudit(options);
  const chosen = since === undefined ? planned : await narrow(planned.value, since, options.signal);
  if (!chosen.ok) return chosen;
  if (chosen.value.missing.length > 0) return fail(chosen.value.missing);
  const { bake, pushedByDigest } = await import('../run/mod.ts');
  const work = workOf(chosen.value);
  const summary = await bake({
    ...work,
    ...(options.byDigest === true ? { plan: pushedByDigest(work.plan) } : {}),
    version: VERSION,
    runtime: runtimeName(),
    ...settingsOf(options),
    ...(options.atomic === undefined ? {} : { atomic: options.atomic }),
    ...audit,
  });
  return summary.ok
    ? { ok: true, value: summary, summary }
    : { ok: false, error: problemsOf(summary), summary };
}

function settingsOf(options: RunSettings): RunSettings {
  const entries = Object.keys(RUN_SETTINGS).map((name) => [name, options[name as keyof RunSettings]]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Narrows a plan to the builds affected since a commit. */
async function narrow(
  whole: BuildPlan,
  revision: string,
  signal: AbortSignal | undefined,
): Promise<Result<BuildPlan>> {
  const { findAffectedSince, planAffected } = await import('../since/mod.ts');
  const { builds } = whole;
  const prepared = preparedOf(whole);
  const affected = await findAffectedSince({
    revision,
    plan: prepared.plan,
    dockerfiles: prepared.dockerfiles,
    reading: originOf(builds).reading,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!affected.ok) return affected;
  return toResult(builds, planAffected(prepared, affected.value.builds, cwdOf(builds)));
}

async function readAudit({ audit, auditSeed }: RunOptions): Promise<Pick<BakeOptions, 'audit'>> {
  if (audit === undefined) return {};
  const { createAudit, parseAuditSize } = await import('../verify/mod.ts');
  const size = parseAuditSize(audit);
  if (size === undefined)
    throw new TypeError(
      'the option "audit" of run() takes a part such as 5%, or a number of builds such as 3',
    );
  return { audit: createAudit({ size, ...(auditSeed === undefined ? {} : { seed: auditSeed }) }) };
}

/** Why a run is not done. */
function problemsOf({ problems, outcomes, cancelled }: RunSummary): readonly AnyProblem[] {
  const found = [...problems, ...outcomes.flatMap((one) => one.problem ?? [])];
  if (cancelled) return [...found, wasCancelled()];
  if (found.length > 0) return found;
  const open = outcomes.filter(({ kind }) => kind === 'blocked' || kind === 'cancelled');
  return [
    problem('run/cancelled', `The run ended before ${open.map(({ build }) => build).join(', ')} was done`),
  ];
}

/** Options of {@link build} besides the keys of a build. */
export interface BuildSettings
  extends Pick<SourceOptions, 'cwd' | 'env' | 'allow' | 'untrusted'>,
    RunSettings {}

const BUILD_SETTINGS: KnownOptions<BuildSettings> = {
  cwd: SOURCE_OPTIONS.cwd,
  env: SOURCE_OPTIONS.env,
  allow: SOURCE_OPTIONS.allow,
  untrusted: SOURCE_OPTIONS.untrusted,
  ...RUN_SETTINGS,
};

/** One image and how to build it, with the keys of a build in builds.yaml. */
export interface BuildOptions
  extends Omit<BuildDefinition, 'matrix' | 'name' | 'extends' | 'needs'>,
    BuildSettings {
  /** Its name in events and messages. Default: the name of the context's directory. */
  readonly name?: string;
}

/** How a build ended. */
export type BuildResult =
  | { readonly ok: true; readonly value: Outcome }
  | Extract<RunResult, { readonly ok: false }>;

/**
 * Builds one image, unless it is up to date. With `push: true` its tags are pushed.
 *
 * @returns a promise of the result, which is also the stream of events, as for {@link run}. An invalid value of a key of builds is
 *   a problem (`config/…`)
 * @throws TypeError for unknown options and invalid values of settings
 * @example
 * ```ts
 * const { digest, kind } = unwrap(await build({ context: 'api', tags: ['registry.example.com/api:1.2'], push: true }));
 * console.log(kind, digest);
 * ```
 */
export function build(options: BuildOptions): Running<BuildResult> {
  return startWork<BuildResult>({
    ...heard(options),
    start: async (sink, stop) => {
      const { name, keys, settings } = readBuildOptions(options);
      const definition = { builds: { [name]: keys } };
      const patterns = [name];
      const result = await runPlanned({ ...settings, definition, patterns, onEvent: sink, signal: stop });
      if (!result.ok) return result;
      const outcome = result.value.outcomes.find((one) => one.build === name);
      if (outcome === undefined) throw new Error(`the run has no outcome of ${name}`);
      return { ok: true, value: outcome };
    },
    failureOf,
  });
}

/** Keys of builds.yaml that make no sense for one image. */
const NOT_OF_ONE = ['matrix', 'extends', 'needs'];

const BUILD_KEYS = ['description', ...Object.keys(overridableKeys)].filter(
  (key) => !NOT_OF_ONE.includes(key),
);

/** Splits options into settings and keys of builds.yaml. */
function readBuildOptions(options: BuildOptions): {
  readonly name: string;
  readonly keys: BuildDefinition;
  readonly settings: BuildSettings;
} {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('build() takes an object with options');
  const other = NOT_OF_ONE.find((key) => Object.hasOwn(options, key));
  if (other !== undefined) throw new TypeError(`build() has no option "${other}": it builds one image`);
  const { name, ...rest } = options;
  if (name !== undefined) checkOptions('build', { name }, { name: 'text' });
  const known = [...Object.keys(BUILD_SETTINGS), ...BUILD_KEYS];
  const unknown = Object.keys(rest).find((key) => !known.includes(key));
  if (unknown !== undefined) throw noSuchOption('build', unknown, ['name', ...known]);
  const isSetting = ([key]: readonly [string, unknown]): boolean => Object.hasOwn(BUILD_SETTINGS, key);
  const settings: BuildSettings = Object.fromEntries(Object.entries(rest).filter(isSetting));
  checkOptions('build', settings, BUILD_SETTINGS);
  return {
    name: name ?? nameOf(options),
    settings,
    keys: Object.fromEntries(Object.entries(rest).filter((one) => !isSetting(one))),
  };
}

/** The directory's name, with only the letters allowed in names of builds. */
function nameOf(options: BuildOptions): string {
  const { context } = options;
  const dir = typeof context === 'string' && !/[:$]/.test(context) ? context : '.';
  const base = path.basename(path.resolve(directoryOf(options.cwd), dir)).toLowerCase();
  const name = base.replaceAll(/[^a-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'image' : name;
}
