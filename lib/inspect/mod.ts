/** Examines builds without running them: why they would run, which ones a change affects, findings in their Dockerfiles. */
export {
  type AffectedBuild,
  type AffectedOptions,
  type AffectedReason,
  findAffected,
} from './affected.ts';
export type { Differences, LastBuilt } from './explain.ts';
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
  areNested,
  type DiskLocation,
  isRead,
  linkTarget,
  locateOnDisk,
  mayReadIn,
} from './touches.ts';
