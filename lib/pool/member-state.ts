/** What is known of one member while builds are placed: what runs there, what waits for it, and how long that takes. */
import { type Demands, type Member, type Placement, slotsOf } from './member.ts';
import { hashName, type NameHash } from './rank.ts';

/** Builds that the same members can take. */
export interface Group {
  readonly key: string;
  readonly demands: Demands;
  /** Ids of members that take them only where no other is left. */
  readonly avoid: ReadonlySet<string>;
  /** All that can take them. */
  members: ReadonlySet<MemberState>;
  /** How many builds of it wait. */
  waiting: number;
}

/** A build that waits for a slot. */
export interface Waiting {
  readonly placement: Placement;
  readonly group: Group;
  /** Of equal priorities the one that came first is first. */
  readonly order: number;
  /** Of the build's name; undefined: it was not needed yet. */
  nameHash: NameHash | undefined;
  /** Expected without and with its cache. */
  readonly coldMs: number;
  readonly warmMs: number;
  /** The member that it goes to where nothing speaks against it; undefined: there is none. */
  home: MemberState | undefined;
  /** Whether its cache is there. */
  isCached: boolean;
  /** The member in whose queue it waits; undefined: in none. */
  queuedAt: MemberState | undefined;
}

/** A build that runs. */
export interface Running {
  readonly build: Waiting;
  readonly at: MemberState;
  readonly sinceMs: number;
  /** When it is expected to be over. */
  readonly endMs: number;
}

/** A build that would be done sooner elsewhere. */
export interface Offer {
  readonly build: Waiting;
  /** When the plan would be over, by what is known, if the build stayed. */
  readonly planEndMs: number;
  /** It would be done sooner until then; later the rest of the wait is too short. */
  readonly untilMs: number;
}

/** As many builds of a queue are played through one by one; of those behind them only the sum counts, and only if need be. */
const PLAYED = 64;

/** One member. */
export class MemberState {
  member: Member;
  slots: number;
  readonly hash: NameHash;
  readonly running: Set<Running> = new Set();
  /** Sorted: the next one is last. */
  readonly queue: Waiting[] = [];
  /** Builds of other clients. */
  others = 0;
  /** No new builds until then; undefined: it takes builds. */
  asideUntilMs: number | undefined;
  hasLeft = false;
  /** From then on one of the queue may be better off elsewhere though nothing changed here: what runs takes longer than expected. */
  lateFromMs: number = Infinity;
  /** What `offer` said last. */
  readonly #offers = new Map<Group, { readonly pace: number; readonly offer: Offer | undefined }>();

  constructor(member: Member) {
    this.member = member;
    this.slots = slotsOf(member);
    this.hash = hashName(member.id);
  }

  /** It is a member again, maybe with other platforms, labels and jobs. */
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

  /** How many times as long the next build takes here: more than once where builds of other clients share the machine beyond its slots. */
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

  /** Something changed that offers are made of. */
  forget(): void {
    this.#offers.clear();
    this.lateFromMs = Infinity;
  }

  /**
   * Of the builds of a group that wait here, the one that holds the plan up longest of those that would be done sooner on
   * another member, without their cache.
   *
   * @param pace of that member
   */
  offer(group: Group, pace: number, nowMs: number): Offer | undefined {
    if (nowMs >= this.lateFromMs) this.forget();
    const known = this.#offers.get(group);
    // What was better off here stays so, since it waits ever shorter.
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
   * Plays the queue through, the next build first, and says how long each waits, for as long as the answer is true.
   * What takes longer than expected is taken to last as long again as it is late.
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

  /** When no slot here is expected to come free within that time any more, if nothing ends until then. */
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

/** Where a build is in a sorted queue, or would be put. */
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

/** Whether a build comes before another one. */
function isBefore(one: Waiting, other: Waiting): boolean {
  const difference = one.placement.priority - other.placement.priority;
  return difference === 0 ? one.order < other.order : difference > 0;
}
