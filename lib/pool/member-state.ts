/** The state of one member while builds are placed: what runs there, what waits for it, and how long that takes. */
import { type Demands, type Member, type Placement, slotsOf } from './member.ts';
import { hashName, type NameHash } from './rank.ts';

/** Builds that can run on the same members. */
export interface Group {
  readonly key: string;
  readonly demands: Demands;
  /** Ids of members that are used only if no other member is left. */
  readonly avoid: ReadonlySet<string>;
  /** All members that can run them. */
  members: ReadonlySet<MemberState>;
  /** How many builds of the group wait. */
  waiting: number;
}

/** A build that waits for a slot. */
export interface Waiting {
  readonly placement: Placement;
  readonly group: Group;
  /** Order of arrival; decides between equal priorities. */
  readonly order: number;
  /** Hash of the build's name; computed on first use. */
  nameHash: NameHash | undefined;
  /** Expected durations without and with its cache. */
  readonly coldMs: number;
  readonly warmMs: number;
  /** The preferred member; undefined: there is none. */
  home: MemberState | undefined;
  /** Whether its cache is on `home`. */
  isCached: boolean;
  /** The member in whose queue it waits. */
  queuedAt: MemberState | undefined;
}

/** A build that runs. */
export interface Running {
  readonly build: Waiting;
  readonly at: MemberState;
  readonly sinceMs: number;
  /** When it is expected to end. */
  readonly endMs: number;
}

/** A build that would end sooner on another member. */
export interface Offer {
  readonly build: Waiting;
  /** When the whole plan is expected to end if the build stays. */
  readonly planEndMs: number;
  /** Until when moving pays off; later the rest of the wait is too short. */
  readonly untilMs: number;
}

/** So many builds of a queue are simulated one by one. Those behind them are only added up, and only if necessary. */
const PLAYED = 64;

/** One member. */
export class MemberState {
  member: Member;
  slots: number;
  readonly hash: NameHash;
  readonly running: Set<Running> = new Set();
  /** Sorted by priority; the next build is last. */
  readonly queue: Waiting[] = [];
  /** Builds of other clients. */
  others = 0;
  /** It gets no new builds until then; undefined: it is not paused. */
  asideUntilMs: number | undefined;
  hasLeft = false;
  /**
   * From then on a queued build may be better off elsewhere although nothing changed here, because running builds take longer
   * than expected.
   */
  lateFromMs: number = Infinity;
  /** The last results of `offer`. */
  readonly #offers = new Map<Group, { readonly pace: number; readonly offer: Offer | undefined }>();

  constructor(member: Member) {
    this.member = member;
    this.slots = slotsOf(member);
    this.hash = hashName(member.id);
  }

  /** Joins the pool again, possibly with other platforms, labels and jobs. */
  join(member: Member): void {
    this.member = member;
    this.slots = slotsOf(member);
    this.others = 0;
    this.asideUntilMs = undefined;
    this.hasLeft = false;
  }

  get takesBuilds(): boolean {
    return !this.hasLeft && this.asideUntilMs === undefined;
  }

  get hasFreeSlot(): boolean {
    return this.takesBuilds && this.running.size < this.slots;
  }

  /** The factor by which the next build is slowed down: above 1 if builds of other clients use the machine beyond its slots. */
  get pace(): number {
    return this.others === 0 ? 1 : Math.max(1, (this.running.size + 1 + this.others) / this.slots);
  }

  /** How long the build takes here. */
  expectedMs(build: Waiting): number {
    return (build.isCached && build.home === this ? build.warmMs : build.coldMs) * this.pace;
  }

  enqueue(build: Waiting): void {
    this.queue.splice(placeOf(this.queue, build), 0, build);
    build.queuedAt = this;
    this.forget();
  }

  dequeue(build: Waiting): void {
    this.queue.splice(placeOf(this.queue, build), 1);
    build.queuedAt = undefined;
    this.forget();
  }

  /** Discards cached offers after a change of anything that they depend on. */
  forget(): void {
    this.#offers.clear();
    this.lateFromMs = Infinity;
  }

  /**
   * Considers the waiting builds of a group that would end sooner on another member, even without their cache. Returns the one
   * that delays the plan most.
   *
   * @param pace of the other member
   */
  offer(group: Group, pace: number, nowMs: number): Offer | undefined {
    if (nowMs >= this.lateFromMs) this.forget();
    const known = this.#offers.get(group);
    // A build that was better off here still is, since its remaining wait only gets shorter.
    if (known?.pace === pace && (known.offer === undefined || nowMs <= known.offer.untilMs))
      return known.offer;
    const offer = this.#findOffer(group, pace, nowMs);
    this.#offers.set(group, { pace, offer });
    return offer;
  }

  #findOffer(group: Group, pace: number, nowMs: number): Offer | undefined {
    let best: Offer | undefined;
    let leastSavedMs = Infinity;
    this.#forecast(nowMs, (build, waitMs, at) => {
      if (build.group !== group) return at < PLAYED || best === undefined;
      const savedMs = build.coldMs * pace - this.expectedMs(build);
      const planEndMs = nowMs + waitMs + build.placement.priority;
      if (waitMs < savedMs) leastSavedMs = Math.min(leastSavedMs, savedMs);
      else if (best === undefined || planEndMs > best.planEndMs) {
        best = { build, planEndMs, untilMs: nowMs + waitMs - savedMs };
      }
      return at < PLAYED || best === undefined;
    });
    if (best === undefined) this.lateFromMs = Math.min(this.lateFromMs, this.#lateFrom(leastSavedMs, nowMs));
    return best;
  }

  /**
   * Simulates the queue, the next build first, and passes each build's wait to `visit` until that returns false. A build that is
   * late is assumed to need as much time again as it is late.
   */
  #forecast(nowMs: number, visit: (build: Waiting, waitMs: number, at: number) => boolean): void {
    const free = Array.from(this.running, ({ endMs }) => Math.abs(endMs - nowMs));
    while (free.length < this.slots) free.push(0);
    let beyondMs = 0;
    for (let at = 0; at < this.queue.length; at++) {
      const build = this.queue[this.queue.length - 1 - at];
      const next = leastOf(free);
      const waitMs = (free[next] ?? 0) + beyondMs;
      if (build === undefined || !visit(build, waitMs, at)) return;
      if (at < PLAYED) free[next] = waitMs + this.expectedMs(build);
      else beyondMs += this.expectedMs(build) / this.slots;
    }
  }

  /** From when on no slot here is expected to become free within that time, if nothing ends until then. */
  #lateFrom(withinMs: number, nowMs: number): number {
    let lateMs = nowMs;
    const ends = Array.from(this.running, ({ endMs }) => endMs).sort((one, other) => one - other);
    for (const endMs of ends) if (Math.abs(lateMs - endMs) < withinMs) lateMs = endMs + withinMs + 1;
    return lateMs > nowMs ? lateMs : Infinity;
  }
}

function leastOf(numbers: readonly number[]): number {
  let least = 0;
  for (let at = 1; at < numbers.length; at++) if ((numbers[at] ?? 0) < (numbers[least] ?? 0)) least = at;
  return least;
}

/** The index of a build in a sorted queue, or where it would be inserted. */
function placeOf(queue: readonly Waiting[], build: Waiting): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = queue[middle];
    if (other !== undefined && isBefore(build, other)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a build runs before another one. */
function isBefore(one: Waiting, other: Waiting): boolean {
  const difference = one.placement.priority - other.placement.priority;
  return difference === 0 ? one.order < other.order : difference > 0;
}
