/** Engines of a pool, the builds to be placed on them, and which engine can run which build. */

/** One engine of a pool. */
export interface Member {
  /** Its address: unique in the pool, and the same for every client. */
  readonly id: string;
  /** How many of our builds run at a time; less than 1 is read as 1. */
  readonly jobs: number;
  /** Platforms that it builds, normalised; empty: any. */
  readonly platforms: readonly string[];
  readonly labels: readonly string[];
}

/** A build to be placed. */
export interface Placement {
  /** The build's name. */
  readonly build: string;
  /** Identity of its cache, see `cacheIdentity`. */
  readonly identity: string;
  /** Normalised; a member must have all of them. Empty: any member. */
  readonly platforms: readonly string[];
  /** A member must have all of them. */
  readonly labels: readonly string[];
  /** Length of the longest path from here to the end of the plan (ms); higher values run first. */
  readonly priority: number;
  /** Duration without its cache; absent: not known. */
  readonly coldMs?: number;
  /** Duration with its cache; absent: not known. */
  readonly warmMs?: number;
  /**
   * Ids of members where it was built before, the latest first. The first of them that is still in the pool has its cache; if
   * none is, no member has it. Absent: not known; then the first choice by hash is assumed to have it.
   */
  readonly builtOn?: readonly string[];
  /** Ids of members that have results which the build reads, the one with the largest first. */
  readonly parents: readonly string[];
  /** Ids of members where it has just failed; used only if no other is left. */
  readonly avoid: ReadonlySet<string>;
}

/** What a member must have. */
export type Demands = Pick<Placement, 'platforms' | 'labels'>;

/** Returns the members that have the platforms and labels of a build, in the given order. */
export function whoCan(demands: Demands, members: readonly Member[]): readonly Member[] {
  return members.filter(
    (member) =>
      demands.labels.every((label) => member.labels.includes(label)) &&
      (member.platforms.length === 0 ||
        demands.platforms.every((platform) => member.platforms.includes(platform))),
  );
}

/** How many builds run at a time; an invalid number is read as 1. */
export function slotsOf(member: Member): number {
  return Math.max(1, Math.floor(member.jobs) || 1);
}
