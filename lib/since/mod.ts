/** Changes since a git revision, and the builds that they affect. */
export { type Definition, findDefinition } from './builds-before.ts';
export { defaultBranch } from './git.ts';
export { type AffectedSince, findAffectedSince, planAffected, type SinceOptions } from './since.ts';
