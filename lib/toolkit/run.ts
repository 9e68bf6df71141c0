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

/** How builds are run. */
export interface RunSettings {
  /** An engine by its address, as `--addr` takes it, or several as a pool: these and no others are used; default: what is found. */
  readonly address?: string | readonly string[];
  /** Builds at a time, from 1 on; default: two for each processor. */
  readonly jobs?: number;
  /** Build even what is up to date. */
  readonly force?: boolean;
  /** Decide and say why, and do nothing. */
  readonly dryRun?: boolean;
  /** Stop everything at the first failure; default: what does not depend on it continues. */
  readonly failFast?: boolean;
  /** How long to wait, in all, for an engine that goes away (milliseconds); default: 30,000. */
  readonly engineWaitMs?: number;
  /** Ends a build in which nothing moves for so long (milliseconds); default: it is only said. */
  readonly stallTimeoutMs?: number;
  /** Cancels the run: builds are stopped, and nothing more begins. */
  readonly signal?: AbortSignal;
  /** Gets every event as it happens. Where it throws, the run is stopped, and rejects with what it threw. */
  readonly onEvent?: EventSink;
}

/** What to run, and how. */
export interface RunOptions extends PlannedOptions, RunSettings {
  /** Move tags only when all builds succeeded, whatever `publish` says. */
  readonly atomic?: boolean;
  /** Push by digest and move no tag: for platforms that are built apart, which `merge()` joins. */
  readonly byDigest?: boolean;
  /**
   * Only what changed since a commit, by any name that git knows, and what depends on it; `main...` is where this branch left
   * `main`. Where no patterns are given, that is taken from every build.
   */
  readonly since?: string;
  /** Builds some of what is up to date all the same and compares it: `5%`, or a number of builds. */
  readonly audit?: string;
  /** Draws the same builds for an audit again; default: left to chance. */
  readonly auditSeed?: number;
}

/** How a run ended: `ok` where everything is done that was requested. */
export type RunResult =
  | {
      /** Everything is done that was requested. */
      readonly ok: true;
      /** What became of each build, and totals. */
      readonly value: RunSummary;
      /** The same, whichever way it went. */
      readonly summary: RunSummary;
    }
  | {
      /** Something is not done, or the run could not begin. */
      readonly ok: false;
      /** Why: of reading and planning, of the run, of each build that failed. Never empty. */
      readonly error: readonly AnyProblem[];
      /** What became of the builds; absent where the run could not begin. */
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
 * Runs builds: what is up to date is skipped, everything else is built and pushed, each as soon as what it needs is done. The
 * same as `bake-ts run`, but that nothing is printed and no run is kept.
 *
 * @returns a promise of how it ended, which is also its events: `for await (const event of run())`. The
 *   promise rejects only with what `onEvent` throws, and for a bug of bake-ts; the loop throws a {@link BakeError} at its end where not
 *   everything is done.
 * @throws TypeError for options that there are not, or values that they do not take
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

/** What work is started with; what is none of it is refused with the other options, so that each call rejects for them. */
export function heard(
  options: Pick<RunSettings, 'signal' | 'onEvent'> | undefined,
): Pick<RunSettings, 'signal' | 'onEvent'> {
  const { signal, onEvent } = options ?? {};
  return {
    ...(signal instanceof AbortSignal ? { signal } : {}),
    ...(typeof onEvent === 'function' ? { onEvent } : {}),
  };
}

/** A loop over events is not to end as if all was well: who only loops has nothing else that says so. */
function failureOf(result: RunResult | BuildResult): BakeError | undefined {
  return result.ok ? undefined : new BakeError(result.error, result.summary);
}

function runPlanned(options: RunOptions): Promise<RunResult> {
  return orDenied(
    () => runNow(options),
    (denied): RunResult => fail([denied]),
  ).then((result) => (result.ok || result.summary !== undefined ? result : stopped(result, options.signal)));
}

/** One that was stopped before it began says so, and not what of its parts noticed it. */
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

/** The builds of a plan that changes since a commit touch. */
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

/** What {@link build} takes besides the keys of a build. */
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

/** One image, and how it is built; the keys of a build in builds.yaml. */
export interface BuildOptions
  extends Omit<BuildDefinition, 'matrix' | 'name' | 'extends' | 'needs'>,
    BuildSettings {
  /** What events and messages call it; default: the name of the context's directory. */
  readonly name?: string;
}

/** How a build ended. */
export type BuildResult =
  | { readonly ok: true; readonly value: Outcome }
  | Extract<RunResult, { readonly ok: false }>;

/**
 * Builds one image, or finds that it is up to date; with `push: true` its tags are pushed.
 *
 * @returns a promise of what became of it, which is also its events, as for {@link run}. A value that a key of builds does not take is
 *   a problem (`config/…`)
 * @throws TypeError for options that there are not, and for values that settings do not take
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

/** Keys of builds.yaml that one image has no use for. */
const NOT_OF_ONE = ['matrix', 'extends', 'needs'];

const BUILD_KEYS = ['description', ...Object.keys(overridableKeys)].filter(
  (key) => !NOT_OF_ONE.includes(key),
);

/** What is no setting is a key of builds.yaml. */
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

/** The directory's name, in the letters that names of builds have. */
function nameOf(options: BuildOptions): string {
  const { context } = options;
  const dir = typeof context === 'string' && !/[:$]/.test(context) ? context : '.';
  const base = path.basename(path.resolve(directoryOf(options.cwd), dir)).toLowerCase();
  const name = base.replaceAll(/[^a-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'image' : name;
}
