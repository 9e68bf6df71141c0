/**
 * Several engines as one: a slot of one of them for each call. Who builds where is decided by `lib/pool`; here is what that takes of
 * the world.
 */
import { performance } from 'node:perf_hooks';
import { type Buildctl, queryWorker, type Worker } from '../buildctl/mod.ts';
import type { Engine } from '../engine/mod.ts';
import {
  type Build,
  fail,
  ok,
  type Plan,
  type PoolEntry,
  type Problem,
  problem,
  problemToJson,
  type Result,
  targetOf,
  wasCancelled,
} from '../model/mod.ts';
import { cacheIdentity, type Lease, type Placement, Scheduler } from '../pool/mod.ts';
import type { RunProgram } from '../system/mod.ts';
import { formatDuration } from '../util/duration.ts';
import type { Emit } from './emitter.ts';
import type { StoreListing } from './engine-access.ts';
import {
  type EngineSlots,
  mirroredHosts,
  type ReadyEngine,
  type SlotRequest,
  type Turn,
} from './engine-slots.ts';
import type { PoolAccess, PoolQuestion } from './pool-access.ts';
import { PoolLoad } from './pool-load.ts';
import {
  asMember,
  canTake,
  type KnownMember,
  mayTake,
  ownLabel,
  ownPlatform,
  type PoolMember,
  PoolMembers,
  RETURN_MS,
} from './pool-members.ts';
import { Semaphore } from './scheduler.ts';
import type { RunEngine } from './session-engine.ts';
import { SlowEngines } from './slow-engines.ts';

/** What a pool goes by. */
export interface EnginePoolOptions {
  readonly access: PoolAccess;
  readonly entries: readonly PoolEntry[];
  readonly plan: Plan;
  readonly env: PoolQuestion['env'];
  /** As many builds at a time in all. */
  readonly jobs: number;
  /** Said when it is first used. */
  readonly warnings?: readonly Problem[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** How long a build waits where no engine is left that can build it (milliseconds). */
  readonly waitMs: number;
  /** What runs buildctl; where absent, it is really run. */
  readonly run?: RunProgram;
  /** Called for each `buildctl build` that was really started. */
  readonly onBuild: () => void;
  /** What is known of a build from earlier runs. */
  readonly figuresOf: (
    build: string,
  ) => Promise<Pick<Placement, 'coldMs' | 'warmMs' | 'builtOn'> | undefined>;
  /** Ids of the cache mounts of a build's Dockerfile. */
  readonly cacheMountsOf: (build: Build) => readonly string[];
  /** How large the image of a build is that was built in this run (bytes). */
  readonly sizeOf: (build: string) => number | undefined;
}

/** A build that waits for a slot. */
interface Waiting {
  readonly placement: Placement;
  readonly stopper: AbortController;
  /** Ends the wait where no engine is left that can build it. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The engines of a session that has a pool. */
export class EnginePool implements RunEngine {
  readonly slots: EngineSlots;
  /** Engines do not share their stores, so no image is kept in one: what a build reads comes to it from elsewhere. */
  readonly worker = 'oci';
  readonly isListed = false;
  readonly isPool = true;
  readonly #options: EnginePoolOptions;
  readonly #members: PoolMembers;
  readonly #scheduler: Scheduler;
  readonly #permits: Semaphore;
  readonly #waiting = new Set<Waiting>();
  /** Those of them that no engine is left for. */
  readonly #alone = new Set<Waiting>();
  /** Called when an engine answers for the first time. */
  readonly #onJoin = new Set<() => void>();
  /** Build → the member that built it in this run. */
  readonly #builtBy = new Map<string, string>();
  readonly #slow = new SlowEngines();
  readonly #load: PoolLoad;
  #ready: Promise<Result<ReadyEngine>> | undefined;
  #own: Promise<readonly string[]> | undefined;
  #registryHint: string | undefined;
  /** Since when a build waits that no engine is left for. */
  #aloneSince: number | undefined;

  constructor(options: EnginePoolOptions) {
    const { access, entries, env, signal, emit, plan, jobs } = options;
    const { engine: settings } = plan.set;
    this.#options = options;
    this.#scheduler = new Scheduler([], { now: () => performance.now() });
    this.#permits = new Semaphore(jobs);
    this.slots = { with: (request, task, onWait) => this.#with(request, task, onWait) };
    const question = { env, signal, ...(settings === undefined ? {} : { settings }) };
    this.#members = new PoolMembers({
      access,
      entries,
      question,
      buildctlOf: (program, target) => ({
        program,
        ...targetOf(target),
        env,
        signal,
        onBuild: options.onBuild,
        ...(options.run === undefined ? {} : { run: options.run }),
      }),
      emit,
      onAnswer: (member, isNew) => this.#take(member, isNew),
      onLeave: (id) => {
        this.#scheduler.remove(id);
        this.#review();
      },
      isUrgent: () => this.#alone.size > 0,
    });
    this.#load = new PoolLoad({
      running: access.running,
      question,
      members: () => this.#members.known.filter(({ aside }) => aside === undefined),
      scheduler: this.#scheduler,
      isNeeded: () => this.#waiting.size > 0,
    });
  }

  /** One that answers, for questions; makes sure that there is one. */
  ready(): Promise<Result<ReadyEngine>> {
    this.#ready ??= this.#prepare();
    return this.#ready;
  }

  async keepsImages(): Promise<boolean> {
    return false;
  }

  async storedImages(): Promise<StoreListing | undefined> {
    return undefined;
  }

  async askWorker(): Promise<Worker | undefined> {
    const platform = await this.platform();
    return { executor: 'oci', platform };
  }

  async buildctl(): Promise<Buildctl | undefined> {
    const ready = await this.ready();
    return ready.ok ? ready.value.buildctl : undefined;
  }

  async find(): Promise<Result<Engine>> {
    return fail([
      problem(
        'engine/pool-keeps-no-images',
        'engines of a pool keep no images that could be read from here',
        { hint: 'Push with the run itself (`bake-ts run --push`), or name one engine.' },
      ),
    ]);
  }

  /**
   * The platform of its own that the first engine has, as it was when they were asked. Where others have another one, builds that name no
   * platform are refused, and of those that do it only says where `FROM --platform=$BUILDPLATFORM` runs.
   */
  async platform(): Promise<string> {
    const [first] = await this.#ownPlatforms();
    // No earlier key has that.
    return first ?? `unknown/${this.#options.entries.map(({ address = '' }) => address).join(' ')}`;
  }

  /**
   * Which platforms of a build go together, each group to engines that have all of it, where no single one has them all.
   *
   * @returns undefined: one has all of them, or nobody has one of them, as its call will say
   */
  async split({ platforms, engineLabels = [] }: Build): Promise<readonly (readonly string[])[] | undefined> {
    if (platforms.length < 2 || !(await this.ready()).ok) return undefined;
    const able = this.#members.known.filter(({ address }) =>
      engineLabels.every((label) => address.labels.includes(label)),
    );
    const has = (one: PoolMember, platform: string) => one.state?.platforms.includes(platform) === true;
    const hasAll = (one: PoolMember) => platforms.every((platform) => has(one, platform));
    const present = able.filter(({ aside }) => aside === undefined);
    // Better one that is there than one that may come back.
    const isWhole = present.some(hasAll) || able.some(hasAll);
    const isCovered = platforms.every((platform) => present.some((one) => has(one, platform)));
    if (present.some(hasAll) || (isWhole && !isCovered)) return undefined;
    const groups = new Map<string, string[]>();
    for (const platform of platforms) {
      const members = able.filter((one) => has(one, platform)).map(({ address }) => address.id);
      if (members.length === 0) return undefined;
      const key = members.join(' ');
      groups.set(key, [...(groups.get(key) ?? []), platform]);
    }
    return [...groups.values()];
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#members.close();
    this.#load.close();
  }

  async #prepare(): Promise<Result<ReadyEngine>> {
    const opened = await this.#members.open();
    if (!opened.ok) return opened;
    const { access, emit, plan, warnings = [] } = this.#options;
    this.#registryHint = await access.registryHint?.(plan.set.registries);
    for (const one of [...warnings, ...opened.value])
      emit({ type: 'warning', problem: problemToJson({ ...one, severity: 'warning' }) });
    const [first] = this.#members.known;
    if (first === undefined) throw new Error('a pool is open that no engine of answers');
    this.#members.announce();
    await this.#load.watch();
    return ok(this.#readyOf(first));
  }

  #readyOf({ address, buildctl }: PoolMember): ReadyEngine {
    return {
      buildctl,
      member: address.id,
      mirrored: mirroredHosts(this.#options.plan),
      ...(this.#registryHint === undefined ? {} : { registryHint: this.#registryHint }),
    };
  }

  /** Those of the engines that answered first, in the order of the pool. */
  #ownPlatforms(): Promise<readonly string[]> {
    const ask = async () => {
      await this.#members.open();
      return [...new Set(this.#members.known.map(({ state }) => ownPlatform(state)))];
    };
    this.#own ??= ask();
    return this.#own;
  }

  /** An engine answers: it gets builds. */
  #take(one: KnownMember, isNew: boolean): void {
    if (isNew) {
      this.#scheduler.add(asMember(one));
      for (const resolve of this.#onJoin) resolve();
    } else this.#scheduler.restore(one.address.id);
    this.#review();
  }

  /** What an engine was building goes to others. */
  #setAside(id: string, why: Problem): void {
    this.#members.setAside(id, why);
    this.#scheduler.setAside(id, Number.POSITIVE_INFINITY);
    this.#review();
  }

  /** An engine came, went or came back: who waits may have none left, or one again. */
  #review(): void {
    for (const one of this.#waiting) this.#check(one);
    this.#tellWait();
    this.#members.look();
  }

  /** Begins the wait of a build that has no engine left, which ends it after a while; or ends that wait. */
  #check(one: Waiting): void {
    const isLeft = this.#members.all.some(
      (member) => member.aside === undefined && canTake(member, one.placement),
    );
    if (isLeft === !this.#alone.has(one)) return;
    if (isLeft) this.#leave(one);
    else {
      this.#alone.add(one);
      one.timer = setTimeout(() => one.stopper.abort('none-left'), this.#options.waitMs);
    }
  }

  #leave(one: Waiting): void {
    this.#alone.delete(one);
    clearTimeout(one.timer);
  }

  /** Says that builds wait for engines to come back, and how that ended. */
  #tellWait(): void {
    const { emit, waitMs } = this.#options;
    const isWaiting = this.#alone.size > 0;
    if (isWaiting === (this.#aloneSince !== undefined)) return;
    const away = this.#members.all.filter(({ aside }) => aside !== undefined);
    const address = away.map((one) => one.address.id).join(', ');
    const now = performance.now();
    if (this.#aloneSince === undefined) {
      this.#aloneSince = now;
      emit({ type: 'engine-waiting', address, why: 'no engine of the pool is left for what waits', waitMs });
    } else {
      const waitedMs = Math.round(now - this.#aloneSince);
      this.#aloneSince = undefined;
      emit({ type: 'engine-waited', address, waitedMs, back: this.#waiting.size > 0 });
    }
  }

  async #with<T>(
    request: SlotRequest,
    task: (turn: Turn) => Promise<T>,
    onWait: () => void,
  ): Promise<Result<T, Problem>> {
    const ready = await this.ready();
    if (!ready.ok) return fail(ready.error[0] ?? wasCancelled());
    const refused = await this.#findRefused(request.build);
    if (refused !== undefined) return fail(refused);
    const lease = await this.#acquire(await this.#place(request), onWait);
    if (!lease.ok) return lease;
    // Last: what waits for an engine that few have must not keep others from running.
    return this.#permits.with(
      request.priority,
      async () => {
        if (!this.#options.signal.aborted) return ok(await this.#use(lease.value, request.build, task));
        lease.value.release();
        return fail(wasCancelled());
      },
      onWait,
    );
  }

  async #use<T>(lease: Lease, build: Build, task: (turn: Turn) => Promise<T>): Promise<T> {
    const member = this.#members.get(lease.member);
    if (member === undefined) throw new Error(`there is no member \`${lease.member}\``);
    // New pods would be of use.
    if (this.#waiting.size > 0) void this.#members.listPods(false);
    const begunAt = performance.now();
    try {
      const done = await task({
        slot: lease.slot,
        giveBack: lease.release,
        engine: this.#readyOf(member),
        settled: async () => undefined,
        answers: async () => (await queryWorker(member.buildctl, RETURN_MS)) !== undefined,
        isLeft: true,
        lost: (failure) => {
          const fault = this.#members.faultOf(lease.member, build.name, failure);
          if (fault === undefined) return undefined;
          if (fault === 'certain') this.#setAside(lease.member, failure);
          return Promise.resolve({ kind: 'elsewhere' });
        },
      });
      this.#builtBy.set(build.name, lease.member);
      await this.#noteTime(lease.member, build.name, performance.now() - begunAt);
      return done;
    } finally {
      lease.release();
    }
  }

  async #noteTime(member: string, build: string, ranMs: number): Promise<void> {
    const before = await this.#options.figuresOf(build);
    const slow = this.#slow.note(member, ranMs, before?.coldMs ?? before?.warmMs);
    if (slow !== undefined) this.#options.emit({ type: 'warning', problem: problemToJson(slow) });
  }

  async #acquire(placement: Placement, onWait: () => void): Promise<Result<Lease, Problem>> {
    const { signal } = this.#options;
    // Waiting helps nobody then.
    if (!this.#members.all.some((one) => mayTake(one, placement))) return fail(this.#noneLeft(placement));
    const stopper = new AbortController();
    const cancel = () => stopper.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const waiting: Waiting = { placement, stopper, timer: undefined };
    this.#waiting.add(waiting);
    this.#check(waiting);
    if (this.#alone.has(waiting)) {
      this.#tellWait();
      this.#members.look();
    }
    try {
      for (;;) {
        const lease = await this.#scheduler.acquire(placement, { onWait, signal: stopper.signal });
        if (lease !== undefined) return ok(lease);
        if (signal.aborted) return fail(wasCancelled());
        if (stopper.signal.aborted) return fail(this.#noneLeft(placement));
        // None that had answered then can build it; one may have come meanwhile.
        const all = this.#members.all;
        if (all.some((one) => one.aside === undefined && canTake(one, placement))) continue;
        if (!all.some((one) => mayTake(one, placement))) return fail(this.#noneLeft(placement));
        await this.#nextJoin(stopper.signal);
      }
    } finally {
      this.#waiting.delete(waiting);
      this.#leave(waiting);
      signal.removeEventListener('abort', cancel);
      this.#tellWait();
    }
  }

  /** Resolves when one more engine answers, or with the signal. */
  #nextJoin(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#onJoin.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#onJoin.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  async #place({ build, priority, avoid }: SlotRequest): Promise<Placement> {
    const { plan, figuresOf, sizeOf, cacheMountsOf } = this.#options;
    const node = plan.nodes.get(build.name);
    const parents = [...new Set(node?.edges.map(({ to }) => to) ?? [])]
      .flatMap((to) => {
        const member = this.#builtBy.get(to);
        return member === undefined ? [] : [{ member, size: sizeOf(to) ?? 0 }];
      })
      .sort((one, other) => other.size - one.size);
    const ids = this.#members.all.filter(({ buildctl }) => avoid.has(buildctl.address));
    const isPlain = build.platforms.length === 0;
    const { coldMs, warmMs, builtOn } = (await figuresOf(build.name)) ?? {};
    return {
      build: build.name,
      identity: cacheIdentity(build, plan.set.root, cacheMountsOf(build)),
      platforms: build.platforms,
      labels: [...(build.engineLabels ?? []), ...(isPlain ? [ownLabel(await this.platform())] : [])],
      priority: await priority(),
      ...(coldMs === undefined ? {} : { coldMs }),
      ...(warmMs === undefined ? {} : { warmMs }),
      ...(builtOn === undefined ? {} : { builtOn }),
      parents: [...new Set(parents.map(({ member }) => member))],
      avoid: new Set(ids.map(({ address }) => address.id)),
    };
  }

  /** A build that names no platform is built for that of its engine, so engines of several would make it a matter of chance. */
  async #findRefused(build: Build): Promise<Problem | undefined> {
    const own = await this.#ownPlatforms();
    if (build.platforms.length > 0 || own.length < 2) return undefined;
    return problem(
      'engine/several-platforms',
      `\`${build.name}\` names no platform, and the engines of the pool have several: ${own.join(', ')}`,
      { build: build.name, hint: 'Say which it is built for: `platforms:` of the build.' },
    );
  }

  #noneLeft(placement: Placement): Problem {
    const { build, platforms } = placement;
    const detail = this.#members.describe();
    if (!this.#members.all.some((one) => mayTake(one, placement))) {
      return problem(
        'engine/no-member',
        `no ${platforms.length > 1 ? 'single ' : ''}engine of the pool has the platforms and labels of \`${build}\``,
        {
          build,
          hint: 'Add an engine that has them to `engine.pool`; emulated platforms count where `platforms` names them there.',
          detail,
        },
      );
    }
    const waited = formatDuration(this.#options.waitMs);
    return problem('engine/none-left', `no engine of the pool is left that can build \`${build}\``, {
      build,
      hint: `They were waited for (${waited}). \`bake-ts engine status\` asks each of them.`,
      detail,
      temporary: true,
    });
  }
}
