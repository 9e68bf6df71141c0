/** Gives builds a slot of a member of a pool, each as soon as it is its turn. */
import type { Member, Placement } from './member.ts';
import type { MemberState, Running, Waiting } from './member-state.ts';
import { Placing } from './placing.ts';

/** A slot that a build has. */
export interface Lease {
  /** The id of the member. */
  readonly member: string;
  /** From 0; no two leases of the pool have the same at one time, and the lowest free one is given first. */
  readonly slot: number;
  /** Gives the slot back; again: nothing happens. */
  readonly release: () => void;
}

/** The environment of a scheduler. */
export interface SchedulerOptions {
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /**
   * Calls back at a time of `now`, or somewhat later; calls that are not needed any more are not taken back. Default: a timer that does not
   * keep the process alive.
   */
  readonly wake?: (atMs: number, fn: () => void) => void;
}

/** What a member has to do. */
export interface MemberLoad {
  readonly member: Member;
  /** Our builds that run there. */
  readonly running: number;
  /** Our builds that wait for it. */
  readonly waiting: number;
  /** It is paused. */
  readonly aside: boolean;
}

interface Request {
  readonly resolve: (lease: Lease | undefined) => void;
  readonly onWait: (() => void) | undefined;
}

/** The scheduler of a pool. */
export class Scheduler {
  readonly #placing: Placing;
  readonly #now: () => number;
  readonly #wake: (atMs: number, fn: () => void) => void;
  readonly #requests = new Map<Waiting, Request>();
  /** Asked since the last decision. */
  readonly #new = new Set<Waiting>();
  /** Slots that were used and are free, the lowest last. */
  readonly #returned: number[] = [];
  #used = 0;
  #isDeciding = false;
  /** The earliest wake that was requested and has not come. */
  #wakesAt = Infinity;

  constructor(members: readonly Member[], options: SchedulerOptions) {
    this.#placing = new Placing(members);
    this.#now = options.now;
    this.#wake = options.wake ?? ((atMs, fn) => wakeByTimer(atMs - options.now(), fn));
  }

  /**
   * Waits for a slot.
   *
   * @returns undefined: no member can take it, from the start or because all that could have left; or `signal` was aborted
   */
  acquire(
    placement: Placement,
    options: { readonly onWait?: () => void; readonly signal?: AbortSignal } = {},
  ): Promise<Lease | undefined> {
    const { signal, onWait } = options;
    return new Promise((settle) => {
      if (signal?.aborted === true) {
        settle(undefined);
        return;
      }
      const build = this.#placing.enter(placement);
      const abort = () => {
        this.#placing.withdraw(build);
        this.#requests.get(build)?.resolve(undefined);
        this.#requests.delete(build);
        this.#decideSoon();
      };
      const resolve = (lease: Lease | undefined) => {
        signal?.removeEventListener('abort', abort);
        settle(lease);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#requests.set(build, { resolve, onWait });
      this.#new.add(build);
      this.#decideSoon();
    });
  }

  /** A member gets no new builds until then, or until `restore`; those that wait for it go elsewhere at once. */
  setAside(id: string, untilMs: number): void {
    this.#placing.setAside(id, untilMs);
    this.#decideSoon();
  }

  /** A member that was paused gets builds again. */
  restore(id: string): void {
    this.#placing.restore(id);
    this.#decideSoon();
  }

  /** How many builds of other clients run on a member. */
  setLoad(id: string, others: number): void {
    this.#placing.setLoad(id, others);
    this.#decideSoon();
  }

  /** A member joins; one whose id is in the pool already changes nothing. */
  add(member: Member): void {
    this.#placing.add(member);
    this.#decideSoon();
  }

  /** A member leaves. What runs there keeps its lease; what waits for it goes elsewhere. */
  remove(id: string): void {
    this.#placing.remove(id);
    this.#decideSoon();
  }

  /** All members, in the order in which they came. */
  get state(): readonly MemberLoad[] {
    return this.#placing.members.map((state: MemberState) => ({
      member: state.member,
      running: state.running.size,
      waiting: state.queue.length,
      aside: state.asideUntilMs !== undefined,
    }));
  }

  /** What happens in one turn is decided together, so that of builds that come together those go first that have their cache there. */
  #decideSoon(): void {
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    queueMicrotask(() => {
      this.#isDeciding = false;
      this.#decide();
    });
  }

  #decide(): void {
    const { started, refused } = this.#placing.decide(this.#now());
    for (const running of started) this.#take(running.build)?.resolve(this.#lease(running));
    for (const build of refused) this.#take(build)?.resolve(undefined);
    const waiting = [...this.#new].flatMap((build) => this.#requests.get(build) ?? []);
    this.#new.clear();
    for (const { onWait } of waiting) onWait?.();
    const next = this.#placing.nextMs;
    if (next === undefined || next >= this.#wakesAt) return;
    this.#wakesAt = next;
    this.#wake(next, () => {
      this.#wakesAt = Infinity;
      this.#decideSoon();
    });
  }

  #take(build: Waiting): Request | undefined {
    const request = this.#requests.get(build);
    this.#requests.delete(build);
    return request;
  }

  #lease(running: Running): Lease {
    const slot = this.#returned.pop() ?? this.#used++;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      const at = this.#returned.findLastIndex((other) => other > slot);
      this.#returned.splice(at + 1, 0, slot);
      this.#placing.end(running, this.#now());
      this.#decideSoon();
    };
    return { member: running.at.member.id, slot, release };
  }
}

/** Timers cannot be set for longer, and one that comes too early does no harm. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function wakeByTimer(inMs: number, fn: () => void): void {
  setTimeout(fn, Math.min(inMs, LONGEST_TIMER_MS)).unref();
}
