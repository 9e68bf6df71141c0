/** Runs on a pool of engines that are not there: the real scheduler, with time that passes as fast as it can be counted. */
import { type Lease, type Member, type Placement, Scheduler } from '../../lib/pool/mod.ts';
import { normal, type SimulatedBuild } from './pool-builds.ts';
import type { Random } from './random.ts';

/** What is left of a build when a run is over. */
interface BuildRecord {
  coldMs?: number;
  warmMs?: number;
  builtOn: readonly string[];
}

/** A pool and what is built on it, from run to run. */
export interface SimulatedPool {
  readonly builds: readonly SimulatedBuild[];
  readonly members: readonly Member[];
  /** The scheduler is told where builds were built before. */
  readonly knowsPlaces: boolean;
  /** Id of a member → builds whose cache it has. */
  readonly caches: Map<string, Set<number>>;
  readonly records: Map<number, BuildRecord>;
}

/** A member that dies: what it builds is lost, its cache is not; it gets builds again after a while. */
export interface Death {
  readonly atMs: number;
  readonly member: string;
  /** It leaves the pool and joins it again, where others are set aside. */
  readonly leaves: boolean;
  readonly forMs: number;
}

/** What came of a run. */
export interface SimulatedRun {
  readonly builds: number;
  readonly makespanMs: number;
  /** No schedule is shorter: the longest way, and the work divided by the slots, with each cache that there is at hand everywhere. */
  readonly boundMs: number;
  /** Builds that found their cache. */
  readonly hits: number;
  /** Builds that would have, on one engine for all of them. */
  readonly possibleHits: number;
  /** Attempts that died with their member. */
  readonly lost: number;
}

/** A pool without records and caches. */
export function simulatePool(
  builds: readonly SimulatedBuild[],
  members: readonly Member[],
  knowsPlaces: boolean,
): SimulatedPool {
  const caches = new Map(members.map(({ id }) => [id, new Set<number>()]));
  return { builds, members, knowsPlaces, caches, records: new Map() };
}

/** Runs those of the builds, and keeps caches and records for the next run. */
export async function simulateRun(
  pool: SimulatedPool,
  wanted: ReadonlySet<number>,
  random: Random,
  deaths: readonly Death[] = [],
): Promise<SimulatedRun> {
  return new RunSimulation(pool, wanted, random).play(deaths);
}

/** How far what a build takes is from what it took before (of the logarithm). */
const NOISE = 0.15;

interface Attempt {
  readonly lease: Lease;
  readonly isHit: boolean;
  readonly ms: number;
}

class RunSimulation {
  readonly #pool: SimulatedPool;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #wanted: readonly number[];
  readonly #scheduler: Scheduler;
  readonly #events = new EventQueue();
  readonly #noise = new Map<number, number>();
  readonly #priorities: ReadonlyMap<number, number>;
  readonly #waitingFor = new Map<number, number>();
  readonly #readers = new Map<number, number[]>();
  readonly #running = new Map<number, Attempt>();
  readonly #load = new Map<string, number>();
  readonly #ranOn = new Map<number, string>();
  readonly #done = new Map<number, Attempt>();
  #nowMs = 0;
  #lost = 0;

  constructor(pool: SimulatedPool, wanted: ReadonlySet<number>, random: Random) {
    this.#pool = pool;
    this.#members = new Map(pool.members.map((member) => [member.id, member]));
    this.#wanted = [...wanted].sort((one, other) => one - other);
    for (const at of this.#wanted) {
      this.#noise.set(at, Math.exp(NOISE * normal(random)));
      const needs = this.#build(at).needs.filter((need) => wanted.has(need));
      this.#waitingFor.set(at, needs.length);
      for (const need of needs) {
        const known = this.#readers.get(need);
        if (known === undefined) this.#readers.set(need, [at]);
        else known.push(at);
      }
    }
    this.#priorities = this.#longestWays();
    this.#scheduler = new Scheduler(pool.members, {
      now: () => this.#nowMs,
      wake: (atMs, fn) => this.#events.push(atMs, fn),
    });
  }

  async play(deaths: readonly Death[]): Promise<SimulatedRun> {
    const bound = this.#bound();
    for (const death of deaths) this.#events.push(death.atMs, () => this.#die(death));
    await this.#decide(() => {
      for (const at of this.#wanted) if (this.#waitingFor.get(at) === 0) this.#acquire(at, new Set());
    });
    while (this.#done.size < this.#wanted.length) {
      const events = this.#events.pop();
      if (events === undefined) throw new Error(`${this.#wanted.length - this.#done.size} builds were lost`);
      this.#nowMs = Math.max(this.#nowMs, events.atMs);
      await this.#decide(() => {
        for (const event of events.all) event();
      });
    }
    return this.#close(bound);
  }

  /** Lets the scheduler decide on what happened. */
  async #decide(happen: () => void): Promise<void> {
    happen();
    // It decides in one turn and hands out leases in the next one.
    await undefined;
    await undefined;
  }

  #acquire(at: number, avoid: ReadonlySet<string>): void {
    const got = this.#scheduler.acquire(this.#placement(at, avoid));
    got.then((lease) => this.#begin(at, lease));
  }

  #placement(at: number, avoid: ReadonlySet<string>): Placement {
    const build = this.#build(at);
    const { coldMs, warmMs, builtOn } = this.#pool.records.get(at) ?? { builtOn: [] };
    const placeOf = (need: number) => this.#ranOn.get(need) ?? this.#pool.records.get(need)?.builtOn[0];
    const bySize = [...build.needs].sort(
      (one, other) => this.#build(other).sizeBytes - this.#build(one).sizeBytes,
    );
    return {
      build: build.name,
      identity: build.identity,
      platforms: [],
      labels: [],
      priority: this.#priorities.get(at) ?? 0,
      ...(coldMs === undefined ? {} : { coldMs }),
      ...(warmMs === undefined ? {} : { warmMs }),
      ...(this.#pool.knowsPlaces ? { builtOn } : {}),
      parents: [...new Set(bySize.flatMap((need) => placeOf(need) ?? []))],
      avoid,
    };
  }

  #begin(at: number, lease: Lease | undefined): void {
    const { name } = this.#build(at);
    if (lease === undefined) throw new Error(`${name} was refused`);
    if (this.#running.has(at) || this.#done.has(at)) throw new Error(`${name} runs twice`);
    const load = (this.#load.get(lease.member) ?? 0) + 1;
    if (load > (this.#members.get(lease.member)?.jobs ?? 0))
      throw new Error(`${load} builds run on ${lease.member}`);
    this.#load.set(lease.member, load);
    const isHit = this.#pool.caches.get(lease.member)?.has(at) === true;
    const attempt = { lease, isHit, ms: this.#msOf(at, isHit) };
    this.#running.set(at, attempt);
    this.#events.push(this.#nowMs + attempt.ms, () => this.#end(at, attempt));
  }

  #end(at: number, attempt: Attempt): void {
    if (this.#running.get(at) !== attempt) return;
    this.#giveBack(at, attempt);
    this.#done.set(at, attempt);
    this.#ranOn.set(at, attempt.lease.member);
    for (const reader of this.#readers.get(at) ?? []) {
      const left = (this.#waitingFor.get(reader) ?? 0) - 1;
      this.#waitingFor.set(reader, left);
      if (left === 0) this.#acquire(reader, new Set());
    }
  }

  #giveBack(at: number, { lease }: Attempt): void {
    this.#running.delete(at);
    this.#load.set(lease.member, (this.#load.get(lease.member) ?? 0) - 1);
    lease.release();
  }

  #die({ member, leaves, forMs }: Death): void {
    const backMs = this.#nowMs + forMs;
    if (leaves) this.#scheduler.remove(member);
    else this.#scheduler.setAside(member, backMs);
    const known = this.#members.get(member);
    if (leaves && known !== undefined) this.#events.push(backMs, () => this.#scheduler.add(known));
    for (const [at, attempt] of [...this.#running]) {
      if (attempt.lease.member !== member) continue;
      this.#giveBack(at, attempt);
      this.#lost++;
      this.#acquire(at, new Set([member]));
    }
  }

  #close(boundMs: number): SimulatedRun {
    const { records, caches } = this.#pool;
    const wasBuilt = (at: number) => records.has(at);
    const possibleHits = this.#wanted.filter(wasBuilt).length;
    let hits = 0;
    for (const [at, { lease, isHit, ms }] of this.#done) {
      if (isHit) hits++;
      const known = records.get(at) ?? { builtOn: [] };
      const builtOn = [lease.member, ...known.builtOn.filter((id) => id !== lease.member)];
      records.set(at, { ...known, ...(isHit ? { warmMs: ms } : { coldMs: ms }), builtOn });
      caches.get(lease.member)?.add(at);
    }
    return {
      builds: this.#wanted.length,
      makespanMs: this.#nowMs,
      boundMs,
      hits,
      possibleHits,
      lost: this.#lost,
    };
  }

  #bound(): number {
    const ends = new Map<number, number>();
    let workMs = 0;
    for (const at of this.#wanted) {
      const ms = this.#msOf(at, this.#pool.records.has(at));
      workMs += ms;
      ends.set(at, ms + Math.max(0, ...this.#build(at).needs.map((need) => ends.get(need) ?? 0)));
    }
    const slots = this.#pool.members.reduce((sum, { jobs }) => sum + jobs, 0);
    return Math.max(workMs / slots, ...ends.values());
  }

  /** As a run knows them: by what builds took before, and for others the average of these. */
  #longestWays(): ReadonlyMap<number, number> {
    const lengthOf = (at: number) => this.#pool.records.get(at)?.warmMs ?? this.#pool.records.get(at)?.coldMs;
    const known = this.#wanted.flatMap((at) => lengthOf(at) ?? []);
    const usual = known.reduce((sum, ms) => sum + ms, 0) / known.length || 1;
    const ways = new Map<number, number>();
    for (const at of [...this.#wanted].reverse()) {
      const beyond = (this.#readers.get(at) ?? []).map((reader) => ways.get(reader) ?? 0);
      ways.set(at, (lengthOf(at) ?? usual) + beyond.reduce((most, one) => Math.max(most, one), 0));
    }
    return ways;
  }

  #msOf(at: number, isHit: boolean): number {
    const { coldMs, warmMs } = this.#build(at);
    return (isHit ? warmMs : coldMs) * (this.#noise.get(at) ?? 1);
  }

  #build(at: number): SimulatedBuild {
    const build = this.#pool.builds[at];
    if (build === undefined) throw new Error(`there is no build ${at}`);
    return build;
  }
}

/** What happens when, the earliest first: a binary heap. */
class EventQueue {
  readonly #heap: { readonly atMs: number; readonly event: () => void }[] = [];

  push(atMs: number, event: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, event });
    for (let at = heap.length - 1; at > 0 && this.#swap(at, (at - 1) >> 1); ) at = (at - 1) >> 1;
  }

  /** All events of the earliest time. */
  pop(): { readonly atMs: number; readonly all: readonly (() => void)[] } | undefined {
    const atMs = this.#heap[0]?.atMs;
    if (atMs === undefined) return undefined;
    const all: (() => void)[] = [];
    while (this.#heap[0]?.atMs === atMs) all.push(this.#popOne());
    return { atMs, all };
  }

  #popOne(): () => void {
    const heap = this.#heap;
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined) throw new Error('nothing is left');
    if (heap.length === 0) return top.event;
    heap[0] = last;
    for (let at = 0; ; ) {
      const least = this.#time(2 * at + 2) < this.#time(2 * at + 1) ? 2 * at + 2 : 2 * at + 1;
      if (!this.#swap(least, at)) return top.event;
      at = least;
    }
  }

  #time(at: number): number {
    return this.#heap[at]?.atMs ?? Infinity;
  }

  /** Puts the lower of two in order; whether that was needed. */
  #swap(lower: number, upper: number): boolean {
    const [one, other] = [this.#heap[lower], this.#heap[upper]];
    if (one === undefined || other === undefined || one.atMs >= other.atMs) return false;
    this.#heap[lower] = other;
    this.#heap[upper] = one;
    return true;
  }
}
