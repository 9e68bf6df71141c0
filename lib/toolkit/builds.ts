/** Reading builds and planning them: what every other call begins with. */
import {
  type BuildsDefinition,
  type PrintedSet,
  printBuilds,
  type ReadBuildsOptions,
  readBuilds as readSet,
  readUserGrants,
} from '../config/mod.ts';
import {
  type BuildSet,
  createHider,
  fail,
  type Json,
  ok,
  type Plan,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import { describePlan, type PlanDocument, selectBuilds } from '../plan/mod.ts';
import { findUnnamed, type PreparedPlan, prepareNothing, preparePlan } from '../prepare/mod.ts';
import { directoryFault } from '../system/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import { permitted } from './permitted.ts';
import { type Surroundings, type SurroundingsOptions, surroundingsOf } from './surroundings.ts';

/** Where builds come from, and what their values depend on. */
export interface SourceOptions extends SurroundingsOptions {
  /**
   * Files to read, merged in order: builds.yaml, `builds.ts`, bake and Compose files; paths relative to `cwd`. Default: the
   * builds.yaml of `cwd` or of a directory above it, else the bake and Compose files there.
   */
  readonly files?: readonly string[];
  /** Builds as data, instead of files. Their paths are relative to `cwd`. */
  readonly definition?: BuildsDefinition;
  /** Values of variables, as with `--var`. Lists and maps are written as JSON. */
  readonly vars?: Readonly<Record<string, Json | undefined>>;
  /** Files with values of variables, as with `--var-file`. */
  readonly varFiles?: readonly string[];
  /** Overrides of single values, as with `--set`: `api.tags=x`, `*.push=true`. */
  readonly set?: readonly string[];
  /** What the builds may do outside their repository, as with `--allow`: `read:PATH`, `network.host`, … */
  readonly allow?: readonly string[];
  /** The files come from somebody you do not trust: nothing is pushed, exported or recorded. */
  readonly untrusted?: boolean;
}

/** Which builds to select. */
export interface SelectOptions {
  /**
   * Names of builds, groups and matrices, or patterns with `*`; with `!` at the start they exclude builds. Default: the group
   * `default` if there is one, otherwise every build. An empty list selects nothing.
   */
  readonly patterns?: readonly string[];
  /** `axis=value`: only rows of matrices with that value on that axis. Several values of one axis are alternatives. */
  readonly filters?: readonly string[];
  /** Also every build that depends on a selected one. */
  readonly dependents?: boolean;
}

/** What to plan: where the builds come from, and which to select. */
export interface PlanOptions extends SourceOptions, SelectOptions {
  /** The result of {@link readBuilds}, instead of the options of sources. */
  readonly builds?: Builds;
}

/** Options of every call that works on a plan: a plan, or the options to make one. */
export interface PlannedOptions extends PlanOptions {
  /** The result of {@link plan}, instead of the options of sources and selection. */
  readonly plan?: BuildPlan;
}

/** Builds that were read, with their final values. */
export interface Builds {
  /** Every build, group and variable. */
  readonly set: BuildSet;
  /** Warnings. */
  readonly warnings: readonly Problem[];
  /** Bake and Compose files that were read by default, because there is no builds.yaml. */
  readonly foundBake?: readonly string[];
}

/** A plan: which builds run, in which order, and why. */
export interface BuildPlan {
  /** The nodes in an order in which they can run, with their edges. */
  readonly plan: Plan;
  /** The same as plain data, as `bake-ts plan --json` prints it. Contains no secrets. */
  readonly document: PlanDocument;
  /** Warnings, also those of reading. */
  readonly warnings: readonly Problem[];
  /** Dockerfiles that cannot be read. You can inspect the plan without them, but not run it. */
  readonly missing: readonly Problem[];
  /** The builds that it was made from. */
  readonly builds: Builds;
}

/** Internal data of plans and sets that is not in their public types, because the environment holds secrets. */
interface Origin {
  readonly surroundings: Surroundings;
  readonly reading: ReadBuildsOptions;
}

const origins = new WeakMap<Builds, Origin>();
const prepared = new WeakMap<BuildPlan, PreparedPlan>();

const SURROUNDINGS_OPTIONS: KnownOptions<SurroundingsOptions> = { cwd: 'directory', env: 'object' };

/** The options of {@link SourceOptions}, for the checks of calls. */
export const SOURCE_OPTIONS: KnownOptions<SourceOptions> = {
  ...SURROUNDINGS_OPTIONS,
  files: 'texts',
  definition: 'object',
  vars: 'object',
  varFiles: 'texts',
  set: 'texts',
  allow: 'texts',
  untrusted: 'flag',
};

const SELECT_OPTIONS: KnownOptions<SelectOptions> = {
  patterns: 'texts',
  filters: 'texts',
  dependents: 'flag',
};
const PLAN_OPTIONS: KnownOptions<PlanOptions> = { ...SOURCE_OPTIONS, ...SELECT_OPTIONS, builds: 'object' };

/** The options of {@link PlannedOptions}, for the checks of calls. */
export const PLANNED_OPTIONS: KnownOptions<PlannedOptions> = { ...PLAN_OPTIONS, plan: 'object' };

/**
 * Reads builds, with all files, variables, templates and matrices, and computes their final values. Runs nothing and uses no
 * engine or registry.
 *
 * @returns the builds, or all problems at once, each with its place (`config/…`, `bake/…`)
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { set } = unwrap(await readBuilds({ vars: { TAG: '1.2' } }));
 * console.log([...set.builds.keys()]);
 * ```
 */
export async function readBuilds(options: SourceOptions = {}): Promise<Result<Builds>> {
  checkOptions('readBuilds', options, SOURCE_OPTIONS);
  return readFrom(options);
}

/** The runtime may permit only parts of the environment. */
function readFrom(options: SourceOptions): Promise<Result<Builds>> {
  return permitted(() => readNow(options));
}

async function readNow(options: SourceOptions): Promise<Result<Builds>> {
  if (options.definition !== undefined && (options.files ?? []).length > 0)
    throw new TypeError('the options "definition" and "files" exclude one another');
  const surroundings = surroundingsOf(options);
  const { cwd, env } = surroundings;
  const fault = await directoryFault(cwd);
  if (fault !== undefined) return fail([missingDirectory(fault)]);
  const own = options.untrusted === true ? ok([]) : await readUserGrants(cwd, env);
  if (!own.ok) return own;
  const { files, definition, vars = {}, varFiles, set, allow = [], untrusted } = options;
  const reading: ReadBuildsOptions = {
    cwd,
    env,
    vars: readVars(vars),
    overrides: set ?? [],
    allow: [...own.value, ...allow],
    ...(files === undefined ? {} : { files }),
    ...(definition === undefined ? {} : { definition }),
    ...(varFiles === undefined ? {} : { varFiles }),
    ...(untrusted === undefined ? {} : { untrusted }),
  };
  const read = await readSet(reading);
  if (!read.ok) return read;
  const builds: Builds = read.value;
  origins.set(builds, { surroundings, reading });
  return ok(builds);
}

/** A problem for a missing or unreadable working directory, which would otherwise look like an empty one. */
export function missingDirectory(fault: string): Problem {
  return problem('config/missing-file', fault, {
    hint: 'Set `cwd` to an existing, readable directory.',
  });
}

/** Variables with the value undefined are treated as not given. */
function readVars(vars: Readonly<Record<string, Json | undefined>>): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(vars)) {
    if (value === undefined) continue;
    if (!isJson(value))
      throw new TypeError(
        `the variable "${name}" takes text, a number, true, false, null, a list or a plain object`,
      );
    given.set(name, textOf(value));
  }
  return given;
}

function isJson(value: unknown): boolean {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return true;
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson);
}

function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Plans the selected builds. Reads their Dockerfiles to find dependencies. Uses no engine, registry or secrets.
 *
 * @returns the plan, or all problems (`config/…`, `bake/…`, `plan/…`)
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { document } = unwrap(await plan({ patterns: ['web*'] }));
 * for (const build of document.builds) console.log(build.level, build.name);
 * ```
 */
export async function plan(options: PlanOptions = {}): Promise<Result<BuildPlan>> {
  checkOptions('plan', options, PLAN_OPTIONS);
  return planFrom(options);
}

/** Plans, for calls that have checked their options. */
export async function planFrom(
  options: PlanOptions,
  /** The default selection if nothing is named; default: as {@link SelectOptions} says. */
  unnamed: readonly string[] = [],
): Promise<Result<BuildPlan>> {
  const read = await buildsOf(options);
  if (!read.ok) return read;
  const { patterns = [], filters, dependents } = options;
  // An empty list of a script selects nothing, not everything.
  if (options.patterns?.length === 0)
    return toResult(read.value, ok(prepareNothing(read.value.set, cwdOf(read.value))));
  const isOpen = patterns.every((one) => one.startsWith('!'));
  return select(read.value, {
    patterns: isOpen ? [...unnamed, ...patterns] : patterns,
    ...(filters === undefined ? {} : { filters }),
    ...(dependents === undefined ? {} : { dependents }),
  });
}

/** Plans a selection of builds. */
export function select(builds: Builds, selection: SelectOptions): Result<BuildPlan> {
  const { patterns = [] } = selection;
  return toResult(builds, preparePlan(builds.set, { ...selection, patterns }, cwdOf(builds)));
}

/** Converts a prepared plan to the result of a call. */
export function toResult(builds: Builds, made: Result<PreparedPlan>): Result<BuildPlan> {
  return made.ok ? ok(toBuildPlan(builds, made.value)) : fail([...builds.warnings, ...made.error]);
}

/** The working directory of the call that read the builds. */
export function cwdOf(builds: Builds): string {
  return originOf(builds).surroundings.cwd;
}

function toBuildPlan(builds: Builds, made: PreparedPlan): BuildPlan {
  const isError = ({ severity }: Problem): boolean => severity === 'error';
  let document: PlanDocument | undefined;
  const result: BuildPlan = {
    plan: made.plan,
    get document() {
      document ??= describePlan(made.plan);
      return document;
    },
    warnings: [...builds.warnings, ...made.missing.filter((one) => !isError(one)), ...findUnnamed(made.plan)],
    missing: made.missing.filter(isError),
    builds,
  };
  prepared.set(result, made);
  return result;
}

/** The builds of a call: passed in, or read with its other options. */
export async function buildsOf(options: PlanOptions): Promise<Result<Builds>> {
  const { builds: given } = options;
  if (given === undefined) return readFrom(options);
  refuseBeside('builds', options, SOURCE_OPTIONS);
  return ok(given);
}

/** The plan of a call: passed in, or made with its other options. */
export async function planOf(
  options: PlannedOptions,
  unnamed?: readonly string[],
): Promise<Result<BuildPlan>> {
  const { plan: given } = options;
  if (given === undefined) return planFrom(options, unnamed);
  refuseBeside('plan', options, PLAN_OPTIONS);
  preparedOf(given);
  return ok(given);
}

/** @throws TypeError if an option is combined with another one that would have no effect */
function refuseBeside(given: string, options: object, others: Readonly<Record<string, unknown>>): void {
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  const other = set.find(([name]) => name !== given && Object.hasOwn(others, name));
  if (other !== undefined)
    throw new TypeError(
      `the options "${given}" and "${other[0]}" exclude one another: ${given} already contains it`,
    );
}

/** How builds were read. @throws TypeError unless they are the result of {@link readBuilds} */
export function originOf(builds: Builds): Origin {
  const origin = origins.get(builds);
  if (origin === undefined) throw new TypeError('builds must be the unchanged result of readBuilds()');
  return origin;
}

/** The prepared plan. @throws TypeError unless it is the result of {@link plan} */
export function preparedOf(given: BuildPlan): PreparedPlan {
  const made = prepared.get(given);
  if (made === undefined) throw new TypeError('plan must be the unchanged result of plan()');
  return made;
}

/** What goes through a plan needs of it, and of where it was made. */
export function workOf(
  given: BuildPlan,
): Pick<PreparedPlan, 'plan' | 'dockerfiles'> & Pick<Surroundings, 'env'> {
  const { plan, dockerfiles } = preparedOf(given);
  return { plan, dockerfiles, env: originOf(given.builds).surroundings.env };
}

/**
 * Returns the selected builds as if written by hand, with final values and without variables, templates and matrices.
 *
 * @returns a builds file as data, with sensitive values hidden; or all problems
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * const { builds } = unwrap(await print({ patterns: ['api'] }));
 * console.log(JSON.stringify(builds, undefined, 2));
 * ```
 */
export async function print(options: PlanOptions = {}): Promise<Result<PrintedSet>> {
  checkOptions('print', options, PLAN_OPTIONS);
  const read = await buildsOf(options);
  if (!read.ok) return read;
  const { set } = read.value;
  const { patterns, filters = [] } = options;
  const isOpen = patterns === undefined && filters.length === 0;
  const selected =
    patterns?.length === 0
      ? ok(new Set<string>())
      : selectBuilds(set, { ...options, filters, patterns: isOpen ? ['*'] : (patterns ?? []) });
  if (!selected.ok) return selected;
  return ok(createHider(set.variables).hide(printBuilds(set, selected.value)));
}
