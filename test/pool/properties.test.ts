/** Whatever comes in whatever order: what must always be true of a pool. A seed that fails is named, and can be run again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member, Placement } from '../../lib/pool/mod.ts';
import { whoCan } from '../../lib/pool/mod.ts';
import { changeBuilds, POOL_SHAPES, simulateBuilds } from '../rig/pool-builds.ts';
import {
  type Asked,
  makeMember,
  makePlacement,
  type PoolClock,
  request,
  startPoolClock,
} from '../rig/pool-clock.ts';
import { type Death, simulatePool, simulateRun } from '../rig/pool-simulation.ts';
import { type Random, seededRandom } from '../rig/random.ts';

/** The last ones once found a timer without end. */
const FIXED = [...Array.from({ length: 40 }, (_, at) => at + 1), 1274, 1308];
const SEEDS = [...FIXED, ...Array.from({ length: 20 }, () => Math.floor(Math.random() * 2 ** 31))];

interface Known {
  readonly placement: Placement;
  readonly asked: Asked;
  readonly stop: AbortController;
  isOver: boolean;
}

/** Does random things to a pool of up to six members, and checks all that must be true after each of them. */
class RandomPool {
  readonly #random: Random;
  readonly #all: readonly Member[];
  readonly #present: Set<Member>;
  readonly #aside = new Map<Member, number>();
  readonly #clock: PoolClock;
  readonly #builds: Known[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#all = Array.from({ length: 6 }, (_, at) => this.#member(at));
    this.#present = new Set(this.#all.slice(0, 4));
    this.#clock = startPoolClock([...this.#present]);
  }

  #member(at: number): Member {
    const platforms = this.#random.pick([
      [],
      ['linux/amd64'],
      ['linux/arm64'],
      ['linux/amd64', 'linux/arm64'],
    ]);
    const labels = this.#random.pick([[], [], ['big']]);
    return makeMember(`m${at}`, { jobs: 1 + this.#random.below(3), platforms, labels });
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#act();
      await this.#clock.settle();
      this.#check();
    }
    await this.#finish();
  }

  async #act(): Promise<void> {
    const { scheduler } = this.#clock;
    const kind = this.#random.below(20);
    const member = this.#random.pick(this.#all);
    if (kind < 8) for (let left = 1 + this.#random.below(4); left > 0; left--) this.#ask();
    else if (kind < 13) this.#endOne();
    else if (kind < 16) await this.#pass();
    else if (kind === 16) {
      const waiting = this.#builds.filter(({ asked }) => asked.where() === 'waiting');
      if (waiting.length > 0) this.#random.pick(waiting).stop.abort();
    } else if (kind === 17 && this.#present.has(member)) {
      const untilMs = this.#clock.now() + 1 + this.#random.below(200);
      this.#aside.set(member, untilMs);
      scheduler.setAside(member.id, untilMs);
    } else if (kind === 18) {
      this.#aside.delete(member);
      scheduler.restore(member.id);
    } else if (this.#present.delete(member)) {
      this.#aside.delete(member);
      scheduler.remove(member.id);
    } else {
      this.#present.add(member);
      scheduler.add(member);
    }
  }

  #ask(): void {
    const random = this.#random;
    const stop = new AbortController();
    const coldMs = 1 + random.below(300);
    const placement = makePlacement(`b${this.#builds.length}`, {
      platforms: random.pick([[], [], ['linux/amd64'], ['linux/arm64'], ['linux/amd64', 'linux/arm64']]),
      labels: random.pick([[], [], [], ['big']]),
      priority: random.below(1000),
      coldMs,
      warmMs: random.below(coldMs + 1),
      builtOn: random.pick([[], ['m9'], [random.pick(this.#all).id], ['m9', random.pick(this.#all).id]]),
      parents: random.pick([[], [random.pick(this.#all).id]]),
      avoid: new Set(random.pick([[], [], [], [random.pick(this.#all).id]])),
    });
    const asked = request(this.#clock.scheduler, placement, stop.signal, this.#clock.now);
    this.#builds.push({ placement, asked, stop, isOver: false });
  }

  #endOne(): void {
    const running = this.#running();
    if (running.length > 0) this.#end(this.#random.pick(running));
  }

  #end(build: Known): void {
    build.isOver = true;
    build.asked.release();
  }

  async #pass(): Promise<void> {
    await this.#clock.pass(this.#random.below(200));
    for (const [member, untilMs] of this.#aside) if (untilMs <= this.#clock.now()) this.#aside.delete(member);
  }

  #running(): readonly Known[] {
    return this.#builds.filter(
      ({ asked, isOver }) => !isOver && asked.where() !== 'waiting' && asked.where() !== 'refused',
    );
  }

  #waiting(): readonly Known[] {
    return this.#builds.filter(({ asked }) => asked.where() === 'waiting');
  }

  #on(member: Member): readonly Known[] {
    return this.#running().filter(({ asked }) => asked.where() === member.id);
  }

  #check(): void {
    const slots = this.#running().map(({ asked }) => asked.slot());
    assert.equal(new Set(slots).size, slots.length, 'no two builds have one slot');
    for (const member of this.#present)
      assert(this.#on(member).length <= member.jobs, `${member.id} runs more than it may`);
    for (const { placement, asked, stop } of this.#builds) {
      if (asked.where() === 'waiting') assert(asked.hasWaited(), 'who waits was told so');
      const nobodyCan = whoCan(placement, [...this.#present]).length === 0;
      if (asked.where() === 'waiting') assert(!nobodyCan, `${placement.build} waits for nobody`);
      if (stop.signal.aborted) assert.notEqual(asked.where(), 'waiting');
    }
    for (const build of this.#waiting()) this.#checkWaiting(build.placement);
    this.#checkState();
  }

  /** A slot is left empty only for a build that is done sooner where its cache is. */
  #checkWaiting(placement: Placement): void {
    const able = whoCan(placement, [...this.#present]);
    const taking = able.filter((member) => !this.#aside.has(member));
    const wanted = taking.filter(({ id }) => !placement.avoid.has(id));
    const free = (wanted.length > 0 ? wanted : taking).filter(
      (member) => this.#on(member).length < member.jobs,
    );
    if (free.length === 0) return;
    const last = placement.builtOn?.find((id) => able.some((member) => member.id === id));
    const home = taking.find(({ id }) => id === last);
    assert(home !== undefined, `${placement.build} waits for a cache that is nowhere`);
    assert.equal(this.#on(home).length, home.jobs, `${placement.build} waits for a member with a free slot`);
    const saved = (placement.coldMs ?? 0) - (placement.warmMs ?? 0);
    const waits = Math.min(
      ...this.#on(home).map((build) => Math.abs(this.#expectedEnd(build) - this.#clock.now())),
    );
    // A clock of whole milliseconds.
    assert(waits < saved + 2, `${placement.build} waits ${waits} ms for a cache that saves ${saved} ms`);
  }

  #expectedEnd({ placement, asked }: Known): number {
    const isWarm = placement.builtOn?.includes(asked.where()) === true;
    return asked.sinceMs() + ((isWarm ? placement.warmMs : placement.coldMs) ?? 0);
  }

  #checkState(): void {
    const state = this.#clock.scheduler.state;
    assert.deepEqual(
      state.map(({ member }) => member.id).sort(),
      [...this.#present].map(({ id }) => id).sort(),
    );
    for (const { member, running, aside } of state) {
      assert.equal(running, this.#on(member).length);
      assert.equal(aside, this.#aside.has(member), `${member.id} is set aside`);
    }
    const waiting = state.reduce((sum, one) => sum + one.waiting, 0);
    // Those whose members are all set aside are in no queue.
    assert(waiting <= this.#waiting().length);
  }

  /** All members take builds again: everything that was asked for comes to an end. */
  async #finish(): Promise<void> {
    for (const member of this.#present) this.#clock.scheduler.restore(member.id);
    for (let left = this.#builds.length; left >= 0; left--) {
      await this.#clock.settle();
      for (const build of this.#running()) this.#end(build);
    }
    await this.#clock.settle();
    assert.equal(this.#waiting().length, 0, 'no build is lost');
    assert(this.#builds.every(({ asked, isOver }) => isOver || asked.where() === 'refused'));
    assert(this.#clock.scheduler.state.every(({ running, waiting }) => running === 0 && waiting === 0));
  }
}

test('random sequences: no member runs too much, no slot is left empty without need, no build is lost', async () => {
  for (const seed of SEEDS) {
    try {
      await new RandomPool(seed).play(120);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test('simulated runs, each engine dying now and then: each build is done once, none runs twice at a time', async () => {
  for (const [at, shape] of POOL_SHAPES.entries()) {
    for (const seed of [at, Math.floor(Math.random() * 2 ** 31)]) {
      const random = seededRandom(seed);
      const members = Array.from({ length: 8 }, (_, number) => makeMember(`m${number}`, { jobs: 3 }));
      const pool = simulatePool(simulateBuilds(shape, 200, random), members, true);
      const deaths: readonly Death[] = members.slice(1).map(({ id }, number) => ({
        member: id,
        atMs: random.below(600_000),
        leaves: number % 2 === 0,
        forMs: 1 + random.below(600_000),
      }));
      const all = new Set(pool.builds.keys());
      // The simulation itself throws where a build is lost, or runs twice, or where a member runs too many.
      const run = await simulateRun(pool, all, random, deaths);
      assert.equal(run.builds, 200);
      assert(run.lost > 0, `seed ${seed}: nothing died`);
    }
  }
});

test('the same pool makes the same decisions', async () => {
  const play = async () => {
    const random = seededRandom(7);
    const members = Array.from({ length: 5 }, (_, number) => makeMember(`m${number}`, { jobs: 2 }));
    const pool = simulatePool(simulateBuilds('layers', 150, random), members, true);
    const runs = [];
    for (const share of [1, 0.3, 1])
      runs.push(await simulateRun(pool, changeBuilds(pool.builds, share, random), random));
    return { runs, records: [...pool.records] };
  };
  assert.deepEqual(await play(), await play());
});

test('a pool keeps within its goals: time near what no schedule beats, and most caches found', async () => {
  const random = seededRandom(3);
  const ratios: number[] = [];
  let [hits, possible] = [0, 0];
  for (const shape of POOL_SHAPES) {
    for (const [engines, builds] of [
      [10, 100],
      [10, 1000],
      [50, 400],
    ] as const) {
      const members = Array.from({ length: engines }, (_, number) => makeMember(`m${number}`, { jobs: 4 }));
      const pool = simulatePool(simulateBuilds(shape, builds, random), members, true);
      await simulateRun(pool, new Set(pool.builds.keys()), random);
      for (const share of [0.2, 0.2, 1]) {
        const run = await simulateRun(pool, changeBuilds(pool.builds, share, random), random);
        ratios.push(run.makespanMs / run.boundMs);
        hits += run.hits;
        possible += run.possibleHits;
      }
    }
  }
  const within = ratios.filter((ratio) => ratio <= 1.3).length;
  assert(within >= 0.95 * ratios.length, `${within} of ${ratios.length} runs are near the bound`);
  assert(hits >= 0.9 * possible, `${hits} of ${possible} caches are found`);
});
