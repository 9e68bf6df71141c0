/** What an engine and this machine keep of builds: how much it is, whose, and letting go of it. */
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
