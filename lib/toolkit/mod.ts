/** The public functions for scripts. Settings that a script omits come from its process. */
export {
  type BuildPlan,
  type Builds,
  type PlannedOptions,
  type PlanOptions,
  plan,
  print,
  readBuilds,
  type SelectOptions,
  type SourceOptions,
} from './builds.ts';
export type { CallSettings } from './call-settings.ts';
export { type ImportSource, importBuilds, type ProposeOptions, propose } from './convert.ts';
export {
  downEngine,
  type EngineCallOptions,
  type EngineClient,
  type EngineDoctorOptions,
  type EngineStatusOptions,
  engineDoctor,
  engineStatus,
  type InstallEngineOptions,
  installEngine,
  type OpenEngineOptions,
  openEngine,
  type UpEngineOptions,
  type UpgradeEngineOptions,
  upEngine,
  upgradeEngine,
} from './engine.ts';
export type { Running } from './events.ts';
export { type KeptRunsOptions, keptEvents, keptRuns } from './history.ts';
export {
  type AffectedOptions,
  affected,
  type ExplainOptions,
  explain,
  type LintOptions,
  lint,
} from './inspect.ts';
export { checkLocked, type LockOptions, lock, outdated, type UpdateOptions, update } from './lock.ts';
export {
  type MergeOptions,
  merge,
  type PromoteOptions,
  type PushOptions,
  type PushResult,
  promote,
  push,
} from './publish.ts';
export { createRegistryClient, openLayout, type RegistryOptions } from './registry.ts';
export { createReporter, type EventReporter, type ReporterOptions } from './reporter.ts';
export {
  type BuildOptions,
  type BuildResult,
  type BuildSettings,
  build,
  type RunOptions,
  type RunResult,
  type RunSettings,
  run,
} from './run.ts';
export {
  type EngineUsageOptions,
  engineUsage,
  type PruneEngineOptions,
  pruneEngine,
} from './storage.ts';
export type { SurroundingsOptions } from './surroundings.ts';
export { type AnyResult, BakeError, unwrap } from './unwrap.ts';
export { type VerifyOptions, verify } from './verify.ts';
