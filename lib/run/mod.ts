/** The life of a run and of each of its builds: decisions, building, publishing, remembering. */

export type { Audit, Audited, DoneRun } from './audit.ts';
export { announceRun, bake, bakeWith, checkJobs } from './bake.ts';
export { callUntilDone, type NotBuilt } from './buildctl-calls.ts';
export type { Building, Calling, LayersOnlySource, NodeContext, NodeResult, NodeRun } from './context.ts';
export { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
export { KEPT_WORDS, tellInterruption, withEmitter } from './emitter.ts';
export { ENGINES, type EngineAccess, engineAccess } from './engine-access.ts';
export type { Weighed } from './evidence.ts';
export type { EarlierResult } from './given.ts';
export { KnownEngines } from './known-engines.ts';
export { layersOnlyFault, mayUseLayersOnly } from './layers-only.ts';
export { linkTo } from './links.ts';
export { type Observer, runNode } from './node.ts';
export { findNotPermitted } from './permissions.ts';
export { checkPlan, checkTags } from './preflight.ts';
export { findProxies, type RunProxies } from './proxies.ts';
export { askTags, immutableProblem, newOnesLast, repositoriesOf, wantedTags } from './publish.ts';
export { immutableTags, Publisher } from './publisher.ts';
export { type PushedBuild, type PushedBuilds, pushBuilds } from './push-builds.ts';
export { type EarlyEnd, type Graph, longestPaths, type NodeEnd, runGraph, Semaphore } from './scheduler.ts';
export { findMissingSecrets } from './secrets.ts';
export { type BakeOptions, needsOf, type Session, type SessionOptions, withSession } from './session.ts';
export { storeName, storeProject } from './store-names.ts';
export { findStoredRef } from './stored-ref.ts';
export { withoutCredentials } from './untrusted.ts';
export { changesBut, changesElsewhere, untrackedBut, type Waiting, waitingFor } from './waiting.ts';
export { tempProblem, withWorkDir } from './work-dir.ts';
