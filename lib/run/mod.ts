/** Running plans: inputs, decisions, builds, publishing. Joins the rooms below into one run. */
export { bake } from './bake.ts';
export { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
export { DockerfileLibrary } from './dockerfiles.ts';
export {
  compareLock,
  type Locked,
  type LockedImage,
  type LockOptions,
  lockImages,
  type UpdatedImage,
  updateLock,
} from './lock.ts';
export { formatLock, LOCK_NAME, type Lock, parseLock, readLock } from './lock-file.ts';
export { type PreparedPlan, preparePlan } from './prepare.ts';
export { type Graph, heights, type NodeEnd, runGraph, Semaphore } from './scheduler.ts';
export type { BakeOptions } from './session.ts';
