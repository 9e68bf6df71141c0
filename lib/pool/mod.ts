/** Decides which engine of a pool runs which build and when. Pure. */
export { cacheIdentity } from './identity.ts';
export { type Demands, type Member, type Placement, whoCan } from './member.ts';
export { rankMembers } from './rank.ts';
export { type Lease, Scheduler, type SchedulerOptions } from './scheduler.ts';
