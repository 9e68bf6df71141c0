/** A scheduler of a pool whose time passes when the test says so. */
import { type Lease, type Member, type Placement, Scheduler } from '../../lib/pool/mod.ts';

export interface PoolClock {
  readonly scheduler: Scheduler;
  readonly now: () => number;
  /** Time passes, and what the scheduler wanted to be woken for happens in between. */
  readonly pass: (ms: number) => Promise<void>;
  /** All that is decided by now has come about. */
  readonly settle: () => Promise<void>;
}

export function startPoolClock(members: readonly Member[]): PoolClock {
  let nowMs = 1000;
  const wakes: { readonly atMs: number; readonly fn: () => void }[] = [];
  const scheduler = new Scheduler(members, {
    now: () => nowMs,
    wake: (atMs, fn) => {
      wakes.push({ atMs, fn });
      wakes.sort((one, other) => one.atMs - other.atMs);
    },
  });
  const settle = async () => {
    for (let turn = 0; turn < 4; turn++) await undefined;
  };
  const pass = async (ms: number) => {
    const end = nowMs + ms;
    await settle();
    for (let next = wakes[0]; next !== undefined && next.atMs <= end; next = wakes[0]) {
      wakes.shift();
      nowMs = Math.max(nowMs, next.atMs);
      next.fn();
      await settle();
    }
    nowMs = end;
  };
  return { scheduler, now: () => nowMs, pass, settle };
}

/** A member for any platform. */
export function makeMember(id: string, given: Partial<Member> = {}): Member {
  return { id, jobs: 1, platforms: [], labels: [], ...given };
}

/** A build that nothing is known of but what is given; where nothing is said of it, its identity is its name. */
export function makePlacement(build: string, given: Partial<Placement> = {}): Placement {
  return {
    build,
    identity: build,
    platforms: [],
    labels: [],
    priority: 0,
    parents: [],
    avoid: new Set(),
    ...given,
  };
}

/** A build that asked for a slot. */
export interface Asked {
  /** The id of its member, `waiting`, or `refused`. */
  readonly where: () => string;
  /** The number of its slot; undefined: it has none. */
  readonly slot: () => number | undefined;
  readonly release: () => void;
  /** It was told that it has to wait. */
  readonly hasWaited: () => boolean;
}

/** Asks for a slot. */
export function request(scheduler: Scheduler, placement: Placement, signal?: AbortSignal): Asked {
  let lease: Lease | undefined;
  let isOver = false;
  let hasWaited = false;
  const onWait = () => {
    hasWaited = true;
  };
  scheduler.acquire(placement, { onWait, ...(signal === undefined ? {} : { signal }) }).then((got) => {
    lease = got;
    isOver = true;
  });
  return {
    where: () => (isOver ? (lease?.member ?? 'refused') : 'waiting'),
    slot: () => lease?.slot,
    release: () => lease?.release(),
    hasWaited: () => hasWaited,
  };
}
