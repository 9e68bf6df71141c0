/** Engines of a pool, what is to be placed on them, and who can take it. */

/** One engine of a pool. */
export interface Member {
  /** Unique in the pool, and the same for every client of it: its address. */
  readonly id: string;
  /** Our builds at a time; below 1 counts as 1. */
  readonly jobs: number;
  /** What is built there, normalised; empty: anything. */
  readonly platforms: readonly string[];
  readonly labels: readonly string[];
}

/** A build that is to be placed. */
export interface Placement {
  /** Its name. */
  readonly build: string;
  /** What its cache is about, see `cacheIdentity`. */
  readonly identity: string;
  /** Normalised; a member must have all of them. Empty: any member. */
  readonly platforms: readonly string[];
  /** A member must have all of them. */
  readonly labels: readonly string[];
  /** Higher first: how long the longest way is from here to the end of the plan (ms). */
  readonly priority: number;
  /** How long it takes without its cache; absent: not known. */
  readonly coldMs?: number;
  /** How long it takes with its cache; absent: not known. */
  readonly warmMs?: number;
  /**
   * Ids of members where it was built before, the last one first: the first of them that is in the pool has its cache, and where none is,
   * no member has. Absent: not known; then its first choice by hash is taken to have it.
   */
  readonly builtOn?: readonly string[];
  /** Ids of members that have results it reads, that with the largest first. */
  readonly parents: readonly string[];
  /** Ids of members where it failed just now: used only where no other is left. */
  readonly avoid: ReadonlySet<string>;
}

/** What a member must have. */
export type Demands = Pick<Placement, 'platforms' | 'labels'>;

/** The members that have the platforms and the labels of a build, in the order given. */
export function whoCan(demands: Demands, members: readonly Member[]): readonly Member[] {
  return members.filter(
    (member) =>
      demands.labels.every((label) => member.labels.includes(label)) &&
      (member.platforms.length === 0 ||
        demands.platforms.every((platform) => member.platforms.includes(platform))),
  );
}

/** Builds at a time; what is no number of builds is one. */
export function slotsOf(member: Member): number {
  return Math.max(1, Math.floor(member.jobs) || 1);
}
