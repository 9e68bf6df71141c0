/** Data of builds in an engine and on this machine: how much there is, its owners, and pruning. */
export type { CacheKind, KindUsage } from './kinds.ts';
export { isReclaimable, sumBytes } from './kinds.ts';
export type { OwnedImage } from './owners.ts';
export { type PruneChoice, type PruneReport, pruneStorage, surveyForPrune } from './prune.ts';
export {
  type BuildUsage,
  type Leftovers,
  type OwnedRecord,
  type Repository,
  type StateLeftover,
  type StorageUsage,
  type SurveyOptions,
  surveyEngine,
} from './survey.ts';
