/** The current state of all engines of a pool: properties, running builds, cache. Changes nothing. */
import { fail, type PoolEntry, type Problem, type Result } from '../model/mod.ts';
import { listCache } from './cache.ts';
import { findBuildctl } from './find-buildctl.ts';
import { countRunningBuilds } from './history.ts';
import { readInstallation } from './installation.ts';
import type { EngineOptions } from './notice.ts';
import { enginePaths } from './paths.ts';
import { askMember, type ListOptions, listMembers, type MemberAddress, type MemberState } from './pool.ts';

/** State of a member. */
export interface MemberReport {
  /** The member. */
  readonly member: MemberAddress;
  /** Its state, or why it is not known. */
  readonly state: Result<MemberState>;
  /** Builds that run there now, of any client; absent if not known. */
  readonly runningBuilds?: number;
  /** Size of its cache (bytes); absent if not known. */
  readonly cacheBytes?: number;
}

/** State of a pool. */
export interface PoolStatus {
  /** In the order of the configuration. */
  readonly members: readonly MemberReport[];
  /** Problems of entries that are not valid members. */
  readonly problems: readonly Problem[];
}

/** How many are queried at a time; each query starts a program. */
const AT_A_TIME = 16;
/** Time limit for details that are only shown (milliseconds). */
const DETAIL_MS = 15_000;

/** Queries all members. Problems of members are in their reports; others: those of {@link listMembers}, `engine/no-buildctl`. */
export async function poolStatus(entries: readonly PoolEntry[], options: ListOptions): Promise<PoolStatus> {
  const { env, signal } = options;
  const buildctl = await findBuildctl(env, await readInstallation(enginePaths(env)));
  if (!buildctl.ok) return { members: [], problems: [buildctl.error] };
  const { members, problems } = await listMembers(entries, options);
  const asking = { env, ...(signal === undefined ? {} : { signal }), buildctl: buildctl.value };
  const reports = new Map<MemberAddress, MemberReport>();
  const waiting = [...members];
  const work = async (): Promise<void> => {
    for (let member = waiting.shift(); member !== undefined; member = waiting.shift())
      reports.set(member, await report(member, asking));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { members: members.flatMap((member) => reports.get(member) ?? []), problems };
}

async function report(
  member: MemberAddress,
  options: EngineOptions & { readonly buildctl: string },
): Promise<MemberReport> {
  const state = await askMember(member, options);
  if (!state.ok) return { member, state };
  const engine = { ...member, buildctl: options.buildctl };
  const limit = AbortSignal.timeout(DETAIL_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  const [running, cache] = await Promise.all([
    countRunningBuilds(engine, { ...options, signal }),
    listCache(engine, { ...options, signal }),
  ]);
  if (options.signal?.aborted === true) return { member, state: cache.ok ? state : fail(cache.error) };
  return {
    member,
    state,
    ...(running.ok ? { runningBuilds: running.value } : {}),
    ...(cache.ok ? { cacheBytes: cache.value.reduce((sum, one) => sum + one.sizeBytes, 0) } : {}),
  };
}
