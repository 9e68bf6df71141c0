/** Which engine of a pool builds what: who can, in what order they are tried, and when which build begins. Pure. */
export { cacheIdentity } from './identity.ts';
export { type Demands, type Member, type Placement, whoCan } from './member.ts';
export { rankMembers } from './rank.ts';
export { type Lease, Scheduler, type SchedulerOptions } from './scheduler.ts';
