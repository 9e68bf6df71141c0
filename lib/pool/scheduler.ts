/** Gives each build a slot of a pool's member as soon as it is its turn. */
import type { Member, Placement } from './member.ts';
import type { MemberState, Running, Waiting } from './member-state.ts';
import { Placing } from './placing.ts';

/** A slot that a build has. */
export interface Lease {
  /** The id of the member. */
  readonly member: string;
  /** From 0; unique among the current leases of the pool. The lowest free number is used first. */
  readonly slot: number;
  /** Frees the slot; further calls do nothing. */
  readonly release: () => void;
}

/** The environment of a scheduler. */
export interface SchedulerOptions {
  /** Milliseconds; only differences are used. */
  readonly now: () => number;
  /**
   * Calls back when `now` reaches that time, or somewhat later. Calls that are no longer needed are not cancelled. Default: a
   * timer that does not keep the process alive.
   */
  readonly wake?: (atMs: number, fn: () => void) => void;
}

/** The load of a member. */
export interface MemberLoad {
  readonly member: Member;
  /** Our builds that run there. */
  readonly running: number;
  /** Our builds that wait for it. */
  readonly waiting: number;
  /** Whether it is paused. */
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
  /** Requested since the last decision. */
  readonly #new = new Set<Waiting>();
  /** Slots that were used and are free again, the lowest last. */
  readonly #returned: number[] = [];
  #used = 0;
  #isDeciding = false;
  /** The earliest pending wake-up. */
  #wakesAt = Infinity;

  constructor(members: readonly Member[], options: SchedulerOptions) {
    this.#placing = new Placing(members);
    this.#now = options.now;
    this.#wake = options.wake ?? ((atMs, fn) => wakeByTimer(atMs - options.now(), fn));
  }

  /**
   * Waits for a slot.
   *
   * @returns undefined if no member can run the build (any more), or if `signal` was aborted
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

  /** Pauses a member until then, or until `restore`: it gets no new builds, and those that wait for it move elsewhere at once. */
  setAside(id: string, untilMs: number): void {
    this.#placing.setAside(id, untilMs);
    this.#decideSoon();
  }

  /** Ends the pause of a member. */
  restore(id: string): void {
    this.#placing.restore(id);
    this.#decideSoon();
  }

  /** Sets how many builds of other clients run on a member. */
  setLoad(id: string, others: number): void {
    this.#placing.setLoad(id, others);
    this.#decideSoon();
  }

  /** Adds a member; does nothing if its id is in the pool already. */
  add(member: Member): void {
    this.#placing.add(member);
    this.#decideSoon();
  }

  /** Removes a member. Builds that run there keep their lease; those that wait for it move elsewhere. */
  remove(id: string): void {
    this.#placing.remove(id);
    this.#decideSoon();
  }

  /** All members, in the order of arrival. */
  get state(): readonly MemberLoad[] {
    return this.#placing.members.map((state: MemberState) => ({
      member: state.member,
      running: state.running.size,
      waiting: state.queue.length,
      aside: state.asideUntilMs !== undefined,
    }));
  }

  /**
   * Decides once for everything that happens in one turn, so that of builds that arrive together those run first that have their
   * cache there.
   */
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

/** The longest possible timer. One that fires too early does no harm. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function wakeByTimer(inMs: number, fn: () => void): void {
  setTimeout(fn, Math.min(inMs, LONGEST_TIMER_MS)).unref();
}
