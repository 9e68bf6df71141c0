/** What is known of one member while builds are placed: what runs there, what waits for it, and how long that takes. */
import { type Member, type Placement, slotsOf } from './member.ts';
import { hashName, type NameHash } from './rank.ts';

/** A build that waits for a slot. */
export interface Waiting {
  readonly placement: Placement;
  /** Of equal priorities the one that came first is first. */
  readonly order: number;
  /** Hash of the build's name. */
  readonly name: NameHash;
  /** Hash of its identity. */
  readonly identity: NameHash;
  /** Expected without and with its cache. */
  readonly coldMs: number;
  readonly warmMs: number;
  /** The member that has its cache, or is to have it. */
  home: MemberState | undefined;
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

/** How many builds of a queue are played through one by one; of those behind them only the sum counts. */
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
  /** No new builds until then; 0: it takes builds. */
  asideUntilMs = 0;
  hasLeft = false;
  /** What `forecast` says may have changed since it was last looked at. */
  isStale = true;
  /** From then on one of its queue may be better off elsewhere though nothing changed: what runs takes longer than expected. */
  lateFromMs: number = Infinity;

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
    this.asideUntilMs = 0;
    this.hasLeft = false;
  }

  get takesBuilds(): boolean {
    return !this.hasLeft && this.asideUntilMs === 0;
  }

  get hasFreeSlot(): boolean {
    return this.takesBuilds && this.running.size < this.slots;
  }

  /** How long the build takes here: longer where builds of other clients share the machine beyond its slots. */
  expectedMs(build: Waiting): number {
    const own = build.home === this ? build.warmMs : build.coldMs;
    return this.others === 0 ? own : own * Math.max(1, (this.running.size + 1 + this.others) / this.slots);
  }

  enqueue(build: Waiting): void {
    this.queue.splice(placeOf(this.queue, build), 0, build);
    build.queuedAt = this;
    this.isStale = true;
  }

  dequeue(build: Waiting): void {
    this.queue.splice(placeOf(this.queue, build), 1);
    build.queuedAt = undefined;
    this.isStale = true;
  }

  /**
   * Plays the queue through, the next build first, and calls back with how long each waits.
   * What takes longer than expected is taken to last as long again as it is late.
   */
  forecast(nowMs: number, visit: (build: Waiting, waitMs: number) => void): void {
    const free = Array.from(this.running, ({ endMs }) => Math.abs(endMs - nowMs));
    while (free.length < this.slots) free.push(0);
    let beyondMs = 0;
    for (let at = this.queue.length - 1; at >= 0; at--) {
      const build = this.queue[at];
      if (build === undefined) continue;
      const next = leastOf(free);
      const waitMs = (free[next] ?? 0) + beyondMs;
      visit(build, waitMs);
      if (this.queue.length - at <= PLAYED) free[next] = waitMs + this.expectedMs(build);
      else beyondMs += this.expectedMs(build) / this.slots;
    }
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
export function isBefore(one: Waiting, other: Waiting): boolean {
  const difference = one.placement.priority - other.placement.priority;
  return difference === 0 ? one.order < other.order : difference > 0;
}
