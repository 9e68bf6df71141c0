/**
 * Several engines used as one: each call gets a slot of one of them. `lib/pool` decides which engine runs which build; this
 * module connects it to real engines.
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

/** Options of a pool. */
export interface EnginePoolOptions {
  readonly access: PoolAccess;
  readonly entries: readonly PoolEntry[];
  readonly plan: Plan;
  readonly env: PoolQuestion['env'];
  /** Total number of concurrent builds. */
  readonly jobs: number;
  /** Reported when the pool is first used. */
  readonly warnings?: readonly Problem[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** How long a build waits if no engine is left that can run it (milliseconds). */
  readonly waitMs: number;
  /** Replaces running buildctl. */
  readonly run?: RunProgram;
  /** Called for each `buildctl build` that was started. */
  readonly onBuild: () => void;
  /** What earlier runs recorded about a build. */
  readonly figuresOf: (
    build: string,
  ) => Promise<Pick<Placement, 'coldMs' | 'warmMs' | 'builtOn'> | undefined>;
  /** Ids of the cache mounts of a build's Dockerfile. */
  readonly cacheMountsOf: (build: Build) => readonly string[];
  /** Size of an image that was built in this run (bytes). */
  readonly sizeOf: (build: string) => number | undefined;
}

/** A build that waits for a slot. */
interface Waiting {
  readonly placement: Placement;
  readonly stopper: AbortController;
  /** Ends the wait if no engine is left that can run it. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The engines of a session that has a pool. */
export class EnginePool implements RunEngine {
  readonly slots: EngineSlots;
  /** Engines do not share their stores, so no image is kept in one, and builds read images from elsewhere. */
  readonly worker = 'oci';
  readonly isListed = false;
  readonly isPool = true;
  readonly #options: EnginePoolOptions;
  readonly #members: PoolMembers;
  readonly #scheduler: Scheduler;
  readonly #permits: Semaphore;
  readonly #waiting = new Set<Waiting>();
  /** Waiting builds that no engine can run now. */
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
  /** Since when a build waits without an engine. */
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

  /** Returns an engine that answers, and makes sure that there is one. */
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
      problem('engine/pool-keeps-no-images', 'images of engines of a pool cannot be read from here', {
        hint: 'Push with the run itself (`bake-ts run --push`), or name one engine.',
      }),
    ]);
  }

  /**
   * The native platform of the first engine when the engines were queried. If others have another one, builds without `platforms`
   * are refused; for all other builds this only determines where `FROM --platform=$BUILDPLATFORM` runs.
   */
  async platform(): Promise<string> {
    const [first] = await this.#ownPlatforms();
    // A value that no earlier key contains.
    return first ?? `unknown/${this.#options.entries.map(({ address = '' }) => address).join(' ')}`;
  }

  /**
   * Groups the platforms of a build if no single engine has all of them. Each group is built on engines that have all platforms
   * of the group.
   *
   * @returns undefined: one engine has all of them, or no engine has one of them, which the call will report
   */
  async split({ platforms, engineLabels = [] }: Build): Promise<readonly (readonly string[])[] | undefined> {
    if (platforms.length < 2 || !(await this.ready()).ok) return undefined;
    const able = this.#members.known.filter(({ address }) =>
      engineLabels.every((label) => address.labels.includes(label)),
    );
    const has = (one: PoolMember, platform: string) => one.state?.platforms.includes(platform) === true;
    const hasAll = (one: PoolMember) => platforms.every((platform) => has(one, platform));
    const present = able.filter(({ aside }) => aside === undefined);
    // Engines that are present are preferred to those that may come back.
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

  /** Sends no more queries. */
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

  /** Native platforms of the engines that answered first, in the order of the pool. */
  #ownPlatforms(): Promise<readonly string[]> {
    const ask = async () => {
      await this.#members.open();
      return [...new Set(this.#members.known.map(({ state }) => ownPlatform(state)))];
    };
    this.#own ??= ask();
    return this.#own;
  }

  /** Adds an engine that answers. */
  #take(one: KnownMember, isNew: boolean): void {
    if (isNew) {
      this.#scheduler.add(asMember(one));
      for (const resolve of this.#onJoin) resolve();
    } else this.#scheduler.restore(one.address.id);
    this.#review();
  }

  /** Pauses an engine and moves its builds to others. */
  #setAside(id: string, why: Problem): void {
    this.#members.setAside(id, why);
    this.#scheduler.setAside(id, Number.POSITIVE_INFINITY);
    this.#review();
  }

  /** Checks the waiting builds after a change of engines. */
  #review(): void {
    for (const one of this.#waiting) this.#check(one);
    this.#tellWait();
    this.#members.look();
  }

  /** Starts or cancels the time limit of a build that has no engine. */
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

  /** Reports that builds wait for engines to come back, and how that ended. */
  #tellWait(): void {
    const { emit, waitMs } = this.#options;
    const isWaiting = this.#alone.size > 0;
    if (isWaiting === (this.#aloneSince !== undefined)) return;
    const away = this.#members.all.filter(({ aside }) => aside !== undefined);
    const address = away.map((one) => one.address.id).join(', ');
    const now = performance.now();
    if (this.#aloneSince === undefined) {
      this.#aloneSince = now;
      emit({
        type: 'engine-waiting',
        address,
        why: 'no engine of the pool is left for the waiting builds',
        waitMs,
      });
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
    // Taken last, so that builds that wait for a rare engine do not block others.
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
    // New pods could help.
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
    // Waiting would not help.
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
        // None of the engines that had answered can run it; others may have arrived since.
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

  /** Resolves when another engine answers, or when the signal is aborted. */
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

  /** A build without platforms is built for its engine's platform, which would be random in a pool with different ones. */
  async #findRefused(build: Build): Promise<Problem | undefined> {
    const own = await this.#ownPlatforms();
    if (build.platforms.length > 0 || own.length < 2) return undefined;
    return problem(
      'engine/several-platforms',
      `\`${build.name}\` names no platform, and the engines of the pool have different ones: ${own.join(', ')}`,
      { build: build.name, hint: 'Set `platforms:` of the build.' },
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
          hint: 'Add an engine that has them to `engine.pool`; list emulated platforms in its `platforms`.',
          detail,
        },
      );
    }
    const waited = formatDuration(this.#options.waitMs);
    return problem('engine/none-left', `no engine of the pool is left that can build \`${build}\``, {
      build,
      hint: `bake-ts waited for them (${waited}). Check each with \`bake-ts engine status\`.`,
      detail,
      temporary: true,
    });
  }
}
