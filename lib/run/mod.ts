/** Running plans: inputs, decisions, builds, publishing. Joins the rooms below into one run. */

export {
  type AffectedBuild,
  type AffectedOptions,
  type AffectedReason,
  findAffected,
} from './affected.ts';
export { type AuditRequest, type AuditSize, drawSample, parseAuditSize } from './audit.ts';
export { bake } from './bake.ts';
export { type Decision, decide, type Evidence, type StoreState, type TagState } from './decide.ts';
export {
  type ExplainedInputs,
  type ExplainedTag,
  type ExplainOptions,
  type ExplainReport,
  type Explanation,
  explainBuilds,
  type NamedValue,
} from './explain.ts';
export { type LintOptions, type LintReport, lintPlan } from './lint.ts';
export {
  compareLock,
  type Locked,
  type LockedImage,
  type LockOptions,
  lockImages,
  type UpdatedImage,
  updateLock,
} from './lock.ts';
export { formatLock, LOCK_NAME, type Lock, parseLock } from './lock-file.ts';
export { type Graph, heights, type NodeEnd, runGraph, Semaphore } from './scheduler.ts';
export type { BakeOptions } from './session.ts';
export { type Verification, type VerifyReport, verifyBuilds } from './verify.ts';
