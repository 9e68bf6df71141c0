/** The life of a run and of each of its builds: decisions, building, publishing, remembering. */
export type { Audit, Audited, DoneRun } from './audit.ts';
export { bake, bakeWith } from './bake.ts';
export { callUntilDone, type NotBuilt } from './buildctl-calls.ts';
export type { Building, Calling, LayersOnlySource, NodeContext, NodeResult, NodeRun } from './context.ts';
export { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
export { createEmitter, KEPT_WORDS } from './emitter.ts';
export { ENGINES, type EngineAccess } from './engine-access.ts';
export type { Weighed } from './evidence.ts';
export { layersOnlyFault, mayUseLayersOnly } from './layers-only.ts';
export { linkTo } from './links.ts';
export { type Observer, runNode } from './node.ts';
export { checkPlan } from './preflight.ts';
export { askTags, repositoriesOf, wantedTags } from './publish.ts';
export { type EarlyEnd, type Graph, longestPaths, type NodeEnd, runGraph, Semaphore } from './scheduler.ts';
export { findMissingSecrets } from './secrets.ts';
export { type BakeOptions, needsOf, type Session, type SessionOptions, withSession } from './session.ts';
export { withoutCredentials } from './untrusted.ts';
export { changesBut, changesElsewhere, untrackedBut, type Waiting, waitingFor } from './waiting.ts';
