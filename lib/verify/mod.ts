/** Scratch builds of existing images, for comparison: verification of tags, and audits of runs. */
export { type AuditRequest, type AuditSize, createAudit, drawSample, parseAuditSize } from './audit.ts';
export type { PlatformComparison } from './image-source.ts';
export {
  CUT_OTHERWISE,
  describeChange,
  describeConfigChange,
  describeLayer,
  describeOnly,
} from './image-source.ts';
export {
  type NotCounted,
  type Verification,
  type VerifyOptions,
  type VerifyReport,
  verifyBuilds,
} from './verify.ts';
