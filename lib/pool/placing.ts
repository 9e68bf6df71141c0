/**
 * The decisions of a pool, as a state machine: it is notified of builds and members that come and go, and `decide` returns which
 * builds start where. It has no clock and never waits, so that a simulation can run the same code.
 */
import { type Demands, type Member, type Placement, whoCan } from './member.ts';
import { type Group, MemberState, type Offer, type Running, type Waiting } from './member-state.ts';
import { distance, hashName } from './rank.ts';
import { UsualDurations } from './usual-durations.ts';

/** The result of a decision. */
export interface Decisions {
  readonly started: readonly Running[];
  /** Builds that no member of the pool can run. */
  readonly refused: readonly Waiting[];
}

/** Which builds run and wait where in a pool. */
export class Placing {
  readonly #members = new Map<string, MemberState>();
  readonly #groups = new Map<string, Group>();
  /** Builds that arrived or lost their place since the last decision. */
  #unplaced = new Set<Waiting>();
  /** Builds for which all suitable members are paused. */
  readonly #parked = new Set<Waiting>();
  readonly #aside = new Set<MemberState>();
  /** Members with free slots. */
  readonly #idle = new Set<MemberState>();
  /** Members with a queue. */
  readonly #crowded = new Set<MemberState>();
  /** Members with a slot that became free since the last decision. */
  readonly #freed = new Set<MemberState>();
  #order = 0;
  #decidedMs = -Infinity;
  readonly #usual = new UsualDurations();

  constructor(members: readonly Member[]) {
    for (const member of members) this.add(member);
  }

  /** All members, including paused ones. */
  get members(): readonly MemberState[] {
    return [...this.#members.values()].filter(({ hasLeft }) => !hasLeft);
  }

  /** Adds a build that is to run; `decide` starts it. */
  enter(placement: Placement): Waiting {
    const group = this.#groupOf(placement);
    group.waiting++;
    const build: Waiting = {
      placement,
      group,
      order: this.#order++,
      nameHash: undefined,
      ...this.#usual.expect(placement),
      home: undefined,
      isCached: false,
      queuedAt: undefined,
    };
    this.#unplaced.add(build);
    return build;
  }

  /** Removes a waiting build. */
  withdraw(build: Waiting): void {
    this.#unplaced.delete(build);
    this.#parked.delete(build);
    this.#dequeue(build);
    this.#waitsNoMore(build);
  }

  /** Frees the slot of a build. */
  end(running: Running, nowMs: number): void {
    const { at, build } = running;
    if (!at.running.delete(running)) return;
    this.#usual.learn(build.placement, nowMs - running.sinceMs);
    this.#touch(at);
  }

  add(member: Member): void {
    const known = this.#members.get(member.id);
    if (known?.hasLeft === false) return;
    // A member that comes back may still run our builds.
    const state = known ?? new MemberState(member);
    state.join(member);
    this.#members.set(member.id, state);
    this.#changeMembers();
    this.#returns(state);
  }

  remove(id: string): void {
    const state = this.#members.get(id);
    if (state === undefined) return;
    state.hasLeft = true;
    state.asideUntilMs = undefined;
    this.#aside.delete(state);
    this.#clear(state);
    this.#changeMembers();
  }

  setAside(id: string, untilMs: number): void {
    const state = this.#members.get(id);
    if (state === undefined || state.hasLeft) return;
    state.asideUntilMs = untilMs;
    this.#aside.add(state);
    this.#clear(state);
  }

  restore(id: string): void {
    const state = this.#members.get(id);
    if (state?.asideUntilMs === undefined) return;
    state.asideUntilMs = undefined;
    this.#aside.delete(state);
    this.#returns(state);
  }

  setLoad(id: string, others: number): void {
    const state = this.#members.get(id);
    if (state === undefined || state.others === others) return;
    state.others = others;
    this.#touch(state);
  }

  /** When to decide again even if nothing arrives or ends; undefined: no earlier than that. */
  get nextMs(): number | undefined {
    let next = Infinity;
    for (const { asideUntilMs } of this.#aside) next = Math.min(next, asideUntilMs ?? next);
    if (this.#idle.size === 0) return next === Infinity ? undefined : next;
    // Times that have passed were checked already.
    for (const { lateFromMs } of this.#crowded)
      if (lateFromMs > this.#decidedMs) next = Math.min(next, lateFromMs);
    return next === Infinity ? undefined : next;
  }

  /** Returns the builds that start now. */
  decide(nowMs: number): Decisions {
    const started: Running[] = [];
    const refused: Waiting[] = [];
    this.#decidedMs = nowMs;
    for (const { member, asideUntilMs } of this.#aside)
      if (asideUntilMs !== undefined && asideUntilMs <= nowMs) this.restore(member.id);
    for (const build of this.#unplaced) this.#place(build, refused);
    this.#unplaced.clear();
    for (const state of this.#freed) this.#fill(state, nowMs, started);
    this.#freed.clear();
    this.#share(nowMs, started);
    return { started, refused };
  }

  /** Puts a build into the queue of the member that has its cache, or else of the next suitable member by hash. */
  #place(build: Waiting, refused: Waiting[]): void {
    const { group } = build;
    if (group.members.size === 0) {
      refused.push(build);
      this.#waitsNoMore(build);
      return;
    }
    this.#findHome(build);
    const state = mayTake(build.home, group) ? build.home : nearest(build, (one) => mayTake(one, group));
    if (state === undefined) {
      this.#parked.add(build);
      return;
    }
    state.enqueue(build);
    this.#crowded.add(state);
    if (state.hasFreeSlot) this.#freed.add(state);
  }

  /** Fills the free slots of a member from its own queue. */
  #fill(state: MemberState, nowMs: number, started: Running[]): void {
    while (state.hasFreeSlot) {
      const build = state.queue.at(-1);
      if (build === undefined) break;
      started.push(this.#start(build, this.#betterThan(state, build) ?? state, nowMs));
    }
  }

  /** A free member where the build ends sooner than on its own, or, if its cache is nowhere, that has its largest parent. */
  #betterThan(own: MemberState, build: Waiting): MemberState | undefined {
    const hasReason = own.pace > 1 || (!build.isCached && build.placement.parents.length > 0);
    const other = hasReason ? this.#bestIdle(build) : undefined;
    if (other === undefined) return undefined;
    const gainMs = own.expectedMs(build) - other.expectedMs(build);
    return gainMs > 0 || (gainMs === 0 && parentRank(build, other) < parentRank(build, own))
      ? other
      : undefined;
  }

  /** Fills the remaining free slots with builds that wait elsewhere and would end sooner there, those first that delay the plan most. */
  #share(nowMs: number, started: Running[]): void {
    while (this.#idle.size > 0 && this.#crowded.size > 0) {
      let best: Offer | undefined;
      for (const group of this.#groups.values()) {
        const pace = group.waiting === 0 ? undefined : this.#bestPace(group);
        if (pace === undefined) continue;
        for (const state of this.#crowded) {
          const offer = state.offer(group, pace, nowMs);
          if (offer !== undefined && (best === undefined || offer.planEndMs > best.planEndMs)) best = offer;
        }
      }
      const to = best === undefined ? undefined : this.#bestIdle(best.build);
      if (best === undefined || to === undefined) return;
      started.push(this.#start(best.build, to, nowMs));
    }
  }

  /** The pace of the fastest member of a group that has a free slot; undefined: there is none. */
  #bestPace(group: Group): number | undefined {
    let best: number | undefined;
    for (const state of this.#idle) {
      if (!mayTake(state, group)) continue;
      const { pace } = state;
      if (pace === 1) return 1;
      if (best === undefined || pace < best) best = pace;
    }
    return best;
  }

  /** The best member with a free slot: where the build ends soonest, then the one with its largest parent, then by the hash of its name. */
  #bestIdle(build: Waiting): MemberState | undefined {
    build.nameHash ??= hashName(build.placement.build);
    const name = build.nameHash;
    let best: { state: MemberState; ms: number; parent: number; far: number } | undefined;
    for (const state of this.#idle) {
      if (!mayTake(state, build.group)) continue;
      const ms = state.expectedMs(build);
      if (best !== undefined && ms > best.ms) continue;
      const parent = parentRank(build, state);
      if (best !== undefined && ms === best.ms && parent > best.parent) continue;
      const far = distance(name, state.hash, state.slots);
      if (best === undefined || ms < best.ms || parent < best.parent || far < best.far)
        best = { state, ms, parent, far };
    }
    return best?.state;
  }

  #start(build: Waiting, at: MemberState, nowMs: number): Running {
    this.#dequeue(build);
    this.#waitsNoMore(build);
    const running = { build, at, sinceMs: nowMs, endMs: nowMs + at.expectedMs(build) };
    at.running.add(running);
    at.forget();
    if (!at.hasFreeSlot) this.#idle.delete(at);
    return running;
  }

  #dequeue(build: Waiting): void {
    const from = build.queuedAt;
    from?.dequeue(build);
    if (from?.queue.length === 0) this.#crowded.delete(from);
  }

  /** Sets the preferred member of a build: where it was built last, or else its first choice by hash. */
  #findHome(build: Waiting): void {
    const { builtOn } = build.placement;
    const states = builtOn?.map((id) => this.#members.get(id));
    const last = states?.find((state) => state !== undefined && build.group.members.has(state));
    build.home = last ?? nearest(build);
    build.isCached = builtOn === undefined || last !== undefined;
  }

  #groupOf({ platforms, labels, avoid }: Placement): Group {
    const key = JSON.stringify([platforms, labels, [...avoid].sort()]);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const demands = { platforms, labels };
    const group: Group = { key, demands, avoid, members: this.#whoCan(demands), waiting: 0 };
    this.#groups.set(key, group);
    return group;
  }

  #whoCan(demands: Demands): ReadonlySet<MemberState> {
    return new Set(this.members.filter(({ member }) => whoCan(demands, [member]).length > 0));
  }

  #waitsNoMore({ group }: Waiting): void {
    group.waiting--;
    // Groups without members to avoid are few, and are kept.
    if (group.waiting === 0 && group.avoid.size > 0) this.#groups.delete(group.key);
  }

  /** A member came or left. */
  #changeMembers(): void {
    for (const group of this.#groups.values()) group.members = this.#whoCan(group.demands);
  }

  /**
   * A member is available again. Places again the builds that prefer it, and those that wait where they have failed for lack of
   * another member.
   */
  #returns(state: MemberState): void {
    const { id } = state.member;
    this.#touch(state);
    this.#placeAgain(
      ({ home, placement: { avoid, builtOn }, queuedAt }) =>
        home === state ||
        builtOn?.includes(id) === true ||
        (queuedAt !== undefined && avoid.has(queuedAt.member.id)),
    );
  }

  /** Places parked builds again, and queued builds for which `isWanted` returns true. */
  #placeAgain(isWanted: (build: Waiting) => boolean): void {
    for (const build of this.#parked) this.#unplaced.add(build);
    this.#parked.clear();
    for (const { queue } of this.#crowded) {
      for (const build of queue.filter(isWanted)) {
        this.#dequeue(build);
        this.#unplaced.add(build);
      }
    }
  }

  /** Moves the builds that wait for a member elsewhere. */
  #clear(state: MemberState): void {
    this.#idle.delete(state);
    this.#freed.delete(state);
    this.#placeAgain((build) => build.queuedAt === state);
  }

  #touch(state: MemberState): void {
    state.forget();
    if (!state.hasFreeSlot) return;
    this.#idle.add(state);
    this.#freed.add(state);
  }
}

/** 0 for the member that has the largest parent of a build; Infinity for members that have none. */
function parentRank({ placement }: Waiting, state: MemberState): number {
  const at = placement.parents.indexOf(state.member.id);
  return at < 0 ? Infinity : at;
}

function mayTake(state: MemberState | undefined, group: Group): state is MemberState {
  if (state === undefined || !state.takesBuilds || !group.members.has(state)) return false;
  const { avoid } = group;
  if (!avoid.has(state.member.id)) return true;
  for (const other of group.members) if (other.takesBuilds && !avoid.has(other.member.id)) return false;
  return true;
}

/** The first choice by hash of the build's identity, among the wanted members that can run it. */
function nearest(build: Waiting, isWanted?: (state: MemberState) => boolean): MemberState | undefined {
  const identity = hashName(build.placement.identity);
  let best: MemberState | undefined;
  let least = Infinity;
  for (const state of build.group.members) {
    const far = distance(identity, state.hash, state.slots);
    if (far > least || (far === least && best !== undefined && best.member.id < state.member.id)) continue;
    if (isWanted?.(state) === false) continue;
    best = state;
    least = far;
  }
  return best;
}
