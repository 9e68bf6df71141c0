/**
 * bake-ts as a library, in three layers.
 *
 * **Calls** do everything at once: {@link run}, {@link build}, {@link plan}, {@link explain}, {@link affected}, {@link lint},
 * {@link verify}, {@link lock}, {@link outdated}, {@link update}, {@link promote}, {@link push}, {@link print}, {@link importBuilds},
 * {@link propose}. What a call does not say is taken from the process: the working directory, the environment.
 *
 * ```ts
 * import { run, unwrap } from 'bake-ts';
 *
 * const { outcomes } = unwrap(await run({ patterns: ['api'] }));
 * for (const { build, kind, digest } of outcomes) console.log(build, kind, digest);
 * ```
 *
 * **Stages** are the same calls, one after the other: {@link readBuilds} gives what `plan` takes as `builds`, and {@link plan}
 * what all others take as `plan`, so that nothing is read twice.
 *
 * **Parts** stand by themselves: {@link createRegistryClient} for the distribution API, {@link openEngine} for an engine and its buildctl,
 * {@link readImageRef} for references.
 *
 * Expected failures are values: a `Result` with every problem at once, which {@link unwrap} makes an exception of. Nothing is
 * printed, and nothing is kept between calls but what the state directory holds.
 *
 * @module
 */
export {
  type BuildDefinition,
  type BuildsDefinition,
  type BuildsModule,
  buildsSchema,
  defineBuilds,
  type ModuleContext,
} from './config/mod.ts';
export { downEngine, engineDoctor, engineStatus, installEngine, upEngine } from './engine/mod.ts';
export type {
  BakeEvent,
  Digest,
  EventSink,
  ImageRef,
  Outcome,
  Problem,
  ProblemJson,
  Result,
  RunSummary,
} from './model/mod.ts';
export { formatImageRef, readImageRef } from './model/mod.ts';
export { type AnyProblem, createReporter, formatProblems } from './report/mod.ts';
export {
  type AffectedOptions,
  type AnyResult,
  affected,
  BakeError,
  type BuildOptions,
  type BuildPlan,
  type BuildResult,
  type Builds,
  build,
  type CallSettings,
  checkLocked,
  createRegistryClient,
  type EngineClient,
  type Environment,
  type ExplainOptions,
  explain,
  type ImportSource,
  importBuilds,
  type LintOptions,
  type LockOptions,
  lint,
  lock,
  type OpenEngineOptions,
  openEngine,
  outdated,
  type PlannedOptions,
  type PlanOptions,
  type PromoteOptions,
  type ProposeOptions,
  type PushOptions,
  plan,
  print,
  promote,
  propose,
  push,
  type RunOptions,
  type RunResult,
  type RunSettings,
  readBuilds,
  run,
  type SelectOptions,
  type SourceOptions,
  type SurroundingsOptions,
  type UpdateOptions,
  unwrap,
  update,
  type VerifyOptions,
  verify,
  type Working,
} from './toolkit/mod.ts';
