/**
 * The engine: finds a buildkitd to use, or installs and runs an embedded one (containerd, buildkitd with its containerd worker,
 * buildctl, runc, and a registry for tests).
 */
export { type CacheRecord, LONGEST_KEPT_MS, listCache, type PruneLimits, pruneCache } from './cache.ts';
export type { DaemonName, DaemonRecord } from './daemon.ts';
export { keepRoom, makeRoom } from './disk-space.ts';
export { type Diagnosis, engineDoctor } from './doctor.ts';
export type { DoctorCheck } from './doctor-engines.ts';
export { type DownReport, downEngine } from './down.ts';
export { type Engine, type FindOptions, findEngine } from './find.ts';
export { findBuildctl } from './find-buildctl.ts';
export { type BuiltImage, countRunningBuilds, listHistory } from './history.ts';
export { type ContainerdAccess, type LocalImage, listContent, listImages, removeImages } from './images.ts';
export {
  formatSource,
  type InstallAttempt,
  type InstallOptions,
  type InstallReport,
  installEngine,
} from './install.ts';
export {
  type Installation,
  type InstalledPart,
  readInstallation,
} from './installation.ts';
export type { EngineNotice, EngineOptions, NotifyEngine } from './notice.ts';
export { findOutdated, type OutdatedPackage, tellOutdated } from './outdated.ts';
export { livesOwner, type Owner, ownerNow, readOwner } from './owner.ts';
export { type EnginePaths, enginePaths } from './paths.ts';
export {
  type AskOptions,
  askMember,
  type ListOptions,
  listMembers,
  type MemberAddress,
  type MemberState,
  type Members,
  nativePlatforms,
} from './pool.ts';
export { type MemberReport, type PoolStatus, poolStatus } from './pool-status.ts';
export { identifyProcess, isAlive, ownPid } from './process-identity.ts';
export { type Registries, registriesHint } from './registries.ts';
export { findRemovable, type RemoveOptions, removeEngine } from './rm.ts';
export { isRootless, neededParts } from './rootless.ts';
export { kubernetesObjects, type ServiceKind, systemdUnit } from './service.ts';
export { type ServingEngine, servingEngine } from './serving.ts';
export { type DaemonStatus, type EngineStatus, engineStatus } from './status.ts';
export { type EngineStore, openStore } from './store.ts';
export { type RunningEngine, type UpOptions, upEngine } from './up.ts';
export { type UpgradeOptions, type UpgradeReport, upgradeEngine } from './upgrade.ts';
export {
  ENGINE_PARTS,
  type EnginePackage,
  type EnginePart,
  type EngineSource,
  PACKAGES,
  type PackageSpec,
  REQUIRED_PARTS,
} from './versions.ts';
