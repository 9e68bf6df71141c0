/**
 * bake-ts as a library, in three layers.
 *
 * **Calls** do a whole job each: {@link run}, {@link build}, {@link plan}, {@link explain}, {@link affected}, {@link lint},
 * {@link verify}, {@link lock}, {@link checkLocked}, {@link outdated}, {@link update}, {@link promote}, {@link merge}, {@link push}, {@link print},
 * {@link importBuilds}, {@link propose}, {@link keptRuns}, {@link keptEvents}. Working directory and environment default to those of the process.
 *
 * ```ts
 * import { run, unwrap } from 'bake-ts';
 *
 * const { outcomes } = unwrap(await run({ patterns: ['api'] }));
 * for (const { build, kind, digest } of outcomes) console.log(build, kind, digest);
 * ```
 *
 * **Stages** are the same calls one after the other, so that nothing is read twice: {@link readBuilds} returns what `plan` takes as
 * `builds`, and {@link plan} returns what all others take as `plan`.
 *
 * **Parts** work without builds: {@link createRegistryClient} for the distribution API, {@link openLayout} for images
 * on disk, {@link readImageRef} and {@link formatImageRef} for references; {@link openEngine} for an engine and its buildctl, {@link installEngine}, {@link upgradeEngine}, {@link upEngine},
 * {@link downEngine}, {@link engineStatus} and {@link engineDoctor} for the embedded one; {@link engineUsage} and {@link pruneEngine}
 * for what an engine keeps.
 *
 * **Builds as data**: {@link defineBuilds} gives a `builds.ts` its types, {@link buildsSchema} is the JSON Schema of builds.yaml.
 *
 * **Results**: expected failures are values, a `Result` with all problems at once. {@link unwrap} turns a failure into an exception,
 * {@link BakeError}. {@link formatProblems} and {@link createReporter} show problems and events as the command line does. Apart from them
 * the library prints nothing, and it keeps nothing between calls except in the state directory.
 *
 * @module
 */

export type { ConfigChange, FileChange, ImageComparison, LayerComparison, Verdict } from './compare/mod.ts';
export type {
  Expression,
  PoolDefinition,
  PrintedSet,
  TemplateDefinition,
  Text,
  TextList,
  TextMap,
  TypedText,
  VariableDefinition,
} from './config/mod.ts';
export {
  type BuildDefinition,
  type BuildsDefinition,
  type BuildsModule,
  buildsSchema,
  defineBuilds,
  type ModuleContext,
} from './config/mod.ts';
export type { Imported, Proposal } from './convert/mod.ts';
export type {
  BuiltImage,
  CacheRecord,
  ContainerdAccess,
  DaemonName,
  DaemonRecord,
  DaemonStatus,
  Diagnosis,
  DoctorCheck,
  DownReport,
  Engine,
  EngineNotice,
  EngineOptions,
  EnginePackage,
  EnginePart,
  EnginePaths,
  EngineSource,
  EngineStatus,
  FindOptions,
  InstallAttempt,
  Installation,
  InstalledPart,
  InstallOptions,
  InstallReport,
  LocalImage,
  MemberAddress,
  MemberReport,
  MemberState,
  NotifyEngine,
  OutdatedPackage,
  PoolStatus,
  PruneLimits,
  Registries,
  RunningEngine,
  ServingEngine,
  UpgradeOptions,
  UpgradeReport,
  UpOptions,
} from './engine/mod.ts';
export type { CommitState, KeptBuild, KeptResult, KeptRun, RunHead } from './history/mod.ts';
export type {
  AffectedBuild,
  AffectedReason,
  Differences,
  ExplainedInputs,
  ExplainedTag,
  ExplainReport,
  Explanation,
  LastBuilt,
  LintReport,
  NamedValue,
} from './inspect/mod.ts';
export type { Locked, LockedImage, LockedRef, UpdatedImage } from './lock/mod.ts';
export type { Merged, MergedBuild, MergedTag, PartResult } from './merge/mod.ts';
export type {
  AuditResult,
  AuditSummary,
  BakeEvent,
  Build,
  BuildctlOption,
  BuildKey,
  BuildRecord,
  BuildSet,
  ChangedFiles,
  ContextRef,
  ContextSource,
  DecisionKind,
  Digest,
  DockerfileSource,
  Edge,
  EdgeReason,
  EngineSettings,
  EngineTarget,
  EngineTls,
  Environment,
  EventBody,
  EventSink,
  ExternalImage,
  FrontendImage,
  Grants,
  Group,
  ImageRef,
  Json,
  KubernetesPods,
  Outcome,
  Phase,
  PlaceJson,
  Plan,
  PlanNode,
  PlannedNode,
  PlatformLayers,
  PlatformManifest,
  PoolEntry,
  Position,
  Problem,
  ProblemArea,
  ProblemCode,
  ProblemJson,
  ProcessIdentity,
  PushMode,
  Reason,
  RegistrySettings,
  RelatedPlace,
  Result,
  RunSummary,
  SecretSource,
  SourceFile,
  Span,
  SshSource,
  Tag,
  TagResult,
  TypedAttributes,
  Ulimit,
  UnknownInput,
  UnknownKind,
  UnusedContext,
  Variable,
  VariableOrigin,
  WorkerInfo,
} from './model/mod.ts';
export { formatImageRef, readImageRef } from './model/mod.ts';
export type { PlanDocument, PlannedBuild, PlannedVariable } from './plan/mod.ts';
export type { Brought, PassedOver, PromotedTag, Promotion } from './promote/mod.ts';
export type {
  AttestationDescription,
  BlobProgress,
  Copied,
  CopyOptions,
  Descriptor,
  ImageDescription,
  Layout,
  LayoutFault,
  LayoutPart,
  Manifest,
  OnBlob,
  PlatformDescription,
  Presence,
  PushLayoutOptions,
  RegistryClient,
  RegistryReadOptions,
  SignIn,
  TransferCounts,
} from './registry/mod.ts';
export type { ProblemStyle, ProgressMode, Writer } from './report/mod.ts';
export { type AnyProblem, formatProblems } from './report/mod.ts';
export type { PushedBuild } from './run/mod.ts';
export type {
  BuildUsage,
  CacheKind,
  KindUsage,
  Leftovers,
  OwnedImage,
  OwnedRecord,
  PruneChoice,
  PruneReport,
  StateLeftover,
  StorageUsage,
} from './storage/mod.ts';
export type { ProgramEnd } from './system/mod.ts';
export type { BuildSettings, EventReporter, RegistryOptions, ReporterOptions } from './toolkit/mod.ts';
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
  createReporter,
  downEngine,
  type EngineCallOptions,
  type EngineClient,
  type EngineDoctorOptions,
  type EngineStatusOptions,
  type EngineUsageOptions,
  type ExplainOptions,
  engineDoctor,
  engineStatus,
  engineUsage,
  explain,
  type ImportSource,
  type InstallEngineOptions,
  importBuilds,
  installEngine,
  type KeptRunsOptions,
  keptEvents,
  keptRuns,
  type LintOptions,
  type LockOptions,
  lint,
  lock,
  type MergeOptions,
  merge,
  type OpenEngineOptions,
  openEngine,
  openLayout,
  outdated,
  type PlannedOptions,
  type PlanOptions,
  type PromoteOptions,
  type ProposeOptions,
  type PruneEngineOptions,
  type PushOptions,
  type PushResult,
  plan,
  print,
  promote,
  propose,
  pruneEngine,
  push,
  type Running,
  type RunOptions,
  type RunResult,
  type RunSettings,
  readBuilds,
  run,
  type SelectOptions,
  type SourceOptions,
  type SurroundingsOptions,
  type UpdateOptions,
  type UpEngineOptions,
  type UpgradeEngineOptions,
  unwrap,
  update,
  upEngine,
  upgradeEngine,
  type VerifyOptions,
  verify,
} from './toolkit/mod.ts';
export type { PermissionProblem } from './util/permission.ts';
export type { NotCounted, PlatformComparison, Verification } from './verify/mod.ts';
