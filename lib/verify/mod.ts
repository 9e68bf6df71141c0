/** Building again what is already there, into nothing, and comparing: verification of tags, audits of runs. */
export { type AuditRequest, type AuditSize, createAudit, drawSample, parseAuditSize } from './audit.ts';
export { type Verification, type VerifyReport, verifyBuilds } from './verify.ts';
