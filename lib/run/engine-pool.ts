/**
 * Several engines as one: which of them answer, which are set aside, and a slot of one of them for each call. Who builds where is
 * decided by `lib/pool`; here is what that takes of the world.
 */
import { performance } from 'node:perf_hooks';
import { type Buildctl, queryWorker, type Worker } from '../buildctl/mod.ts';
import type { Engine } from '../engine/mod.ts';
import {
  type Build,
  type EngineSettings,
  type EngineTarget,
  fail,
  ok,
  type Plan,
  type PoolEntry,
  type Problem,
  problem,
  problemToJson,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { cacheIdentity, type Lease, type Placement, Scheduler } from '../pool/mod.ts';
import type { RunProgram } from '../system/mod.ts';
import { formatDuration } from '../util/duration.ts';
import type { ReadyEngine } from './context.ts';
import type { Emit } from './emitter.ts';
import type { StoreListing } from './engine-access.ts';
import { type EngineSlots, isEngineAway, type SlotRequest, type Turn } from './engine-slots.ts';
import { Semaphore } from './scheduler.ts';
import type { RunEngine } from './session-engine.ts';

/** An engine of a pool, as it is named. */
export interface MemberAddress extends EngineTarget {
  /** The same for every client of the pool: its address, or namespace and name of a pod. */
  readonly id: string;
  /** What is built there, as somebody said it; empty: what its own architecture runs. */
  readonly platforms: readonly string[];
  /** Builds at a time. */
  readonly jobs: number;
  readonly labels: readonly string[];
}

/** What an engine of a pool says of itself. */
export interface MemberState {
  readonly version?: string;
  /** Normalised: what is built there. */
  readonly platforms: readonly string[];
  /** Its worker's platforms, its own first. */
  readonly worker: { readonly platforms: readonly string[] };
}

/** How the engines of a pool are got at; tests put others in their place. */
export interface PoolAccess {
  /** Which they are now. */
  readonly list: (
    entries: readonly PoolEntry[],
    options: PoolQuestion,
  ) => Promise<{ readonly members: readonly MemberAddress[]; readonly problems: readonly Problem[] }>;
  /** Asks one what it is; bounded in time. */
  readonly ask: (
    member: MemberAddress,
    options: PoolQuestion & { readonly buildctl: string; readonly timeoutMs?: number },
  ) => Promise<Result<MemberState>>;
  /** The buildctl to use. */
  readonly findBuildctl: (env: PoolQuestion['env']) => Promise<Result<string, Problem>>;
}

/** What questions to engines go by. */
export interface PoolQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings?: EngineSettings;
  readonly signal?: AbortSignal;
}

/** What a pool goes by. */
export interface EnginePoolOptions {
  readonly access: PoolAccess;
  readonly entries: readonly PoolEntry[];
  readonly plan: Plan;
  readonly env: PoolQuestion['env'];
  /** As many builds at a time in all; undefined: as many as its members take. */
  readonly jobs?: number;
  /** Said when it is first used. */
  readonly warnings?: readonly Problem[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** How long a build waits where no engine is left that can build it (milliseconds). */
  readonly waitMs: number;
  /** Waits, but not beyond the signal. */
  readonly sleep: (ms: number) => Promise<void>;
  /** What runs buildctl; where absent, it is really run. */
  readonly run?: RunProgram;
  /** Called for each `buildctl build` that was really started. */
  readonly onBuild: () => void;
  /** What is known of a build from earlier runs. */
  readonly figuresOf: (
    build: string,
  ) => Promise<Pick<Placement, 'coldMs' | 'warmMs' | 'builtOn'> | undefined>;
  /** How large the image of a build is that was built in this run (bytes). */
  readonly sizeOf: (build: string) => number | undefined;
}

/** How long an engine may take to answer a question; ways over ssh and kubectl take a second or two. */
const ANSWER_MS = 10_000;
/** The same while it is waited for. */
const RETURN_MS = 5_000;
/** How long an engine is set aside the first time; twice as long each time after that. */
const ASIDE_MS = 10_000;
const LONGEST_ASIDE_MS = 5 * 60_000;
/** Between two questions to the engines that are set aside while a build has no other. */
const ASK_MS = 1_000;

/** One engine of the pool. */
interface Engaged {
  readonly address: MemberAddress;
  readonly buildctl: Buildctl;
  /** Undefined: it has not answered yet. */
  state: MemberState | undefined;
  /** Why it gets no builds; undefined: it gets some. */
  aside: Problem | undefined;
  /** As often it was set aside. */
  strikes: number;
  /** Before that it is asked again only where a build has no other (`performance.now`). */
  untilMs: number;
  isAsked: boolean;
}

/** A build that waits for a slot. */
interface Waiting {
  readonly placement: Placement;
  readonly stopper: AbortController;
  /** Since when no engine is left that can build it (`performance.now`). */
  aloneSince: number | undefined;
  /** Ends the wait after that. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The engines of a session that has a pool. */
export class EnginePool implements RunEngine {
  readonly slots: EngineSlots;
  /** Engines do not share their stores, so no image is kept in one: what a build reads comes to it from elsewhere. */
  readonly worker = 'oci';
  readonly isListed = false;
  readonly #options: EnginePoolOptions;
  readonly #members = new Map<string, Engaged>();
  readonly #scheduler: Scheduler;
  readonly #permits: Semaphore | undefined;
  readonly #waiting = new Set<Waiting>();
  /** Called when an engine answers for the first time. */
  readonly #onJoin = new Set<() => void>();
  /** Build → the member that built it in this run. */
  readonly #builtBy = new Map<string, string>();
  #opened: Promise<Result<void>> | undefined;
  #ready: Promise<Result<ReadyEngine>> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** Since when a build waits that no engine is left for. */
  #aloneSince: number | undefined;
  #isAnnounced = false;
  #isClosed = false;

  constructor(options: EnginePoolOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler([], { now: () => performance.now() });
    this.#permits = options.jobs === undefined ? undefined : new Semaphore(options.jobs);
    this.slots = { with: (request, task, onWait) => this.#with(request, task, onWait) };
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
        {
          hint: 'Push with the run itself (`bake-ts run --push`), or name one engine.',
        },
      ),
    ]);
  }

  /**
   * The platform that all engines have. Where they differ, that of the first one: builds that name no platform are refused then, and of others
   * it only says where `FROM --platform=$BUILDPLATFORM` runs.
   */
  async platform(): Promise<string> {
    await this.#open();
    const [first] = this.#known().map(({ state }) => ownPlatform(state));
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
    const able = this.#known().filter(({ address }) =>
      engineLabels.every((label) => address.labels.includes(label)),
    );
    const has = (one: Engaged, platform: string) => one.state?.platforms.includes(platform) === true;
    const hasAll = (one: Engaged) => platforms.every((platform) => has(one, platform));
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
    this.#isClosed = true;
    clearTimeout(this.#watch);
  }

  /** Finds out which engines there are, and asks all of them at once. */
  #open(): Promise<Result<void>> {
    this.#opened ??= this.#openOnce();
    return this.#opened;
  }

  async #openOnce(): Promise<Result<void>> {
    const { access, entries, env, signal, emit } = this.#options;
    const program = await access.findBuildctl(env);
    if (!program.ok) return fail([program.error]);
    const { members, problems } = await access.list(entries, this.#question());
    for (const address of members) this.#members.set(address.id, this.#engage(address, program.value));
    await Promise.all([...this.#members.values()].map((one) => this.#ask(one, ANSWER_MS)));
    if (signal.aborted) return fail([wasCancelled()]);
    if (this.#known().length === 0) return fail([this.#noneLeft(undefined, problems)]);
    for (const one of problems)
      emit({ type: 'warning', problem: problemToJson({ ...one, severity: 'warning' }) });
    return ok(undefined);
  }

  async #prepare(): Promise<Result<ReadyEngine>> {
    const opened = await this.#open();
    if (!opened.ok) return opened;
    const { plan, emit, warnings = [] } = this.#options;
    for (const one of warnings) emit({ type: 'warning', problem: problemToJson(one) });
    const [first] = this.#known();
    if (first === undefined) return fail([this.#noneLeft(undefined, [])]);
    for (const { address, buildctl, state, aside } of this.#members.values()) {
      if (state !== undefined) {
        const version = state.version === undefined ? {} : { version: state.version };
        const source = `a pool of ${this.#members.size}`;
        emit({ type: 'engine-ready', address: address.id, source, buildctl: buildctl.program, ...version });
      } else if (aside !== undefined) emit({ type: 'engine-aside', address: address.id, why: aside.message });
    }
    this.#isAnnounced = true;
    this.#look();
    return ok(this.#readyOf(first, plan));
  }

  #readyOf({ buildctl }: Engaged, plan: Plan): ReadyEngine {
    const mirrored = [...plan.set.registries].filter(([, { mirrors = [] }]) => mirrors.length > 0);
    return { buildctl, mirrored: new Set(mirrored.map(([host]) => host)) };
  }

  #engage(address: MemberAddress, program: string): Engaged {
    const { env, signal, onBuild, run } = this.#options;
    const { address: at, tls } = address;
    const buildctl: Buildctl = {
      program,
      address: at,
      env,
      signal,
      onBuild,
      ...(tls === undefined ? {} : { tls }),
      ...(run === undefined ? {} : { run }),
    };
    return { address, buildctl, state: undefined, aside: undefined, strikes: 0, untilMs: 0, isAsked: false };
  }

  #question(): PoolQuestion {
    const { env, signal, plan } = this.#options;
    const { engine: settings } = plan.set;
    return { env, signal, ...(settings === undefined ? {} : { settings }) };
  }

  /** Those that have answered, in the order of the pool. */
  #known(): readonly (Engaged & { readonly state: MemberState })[] {
    return [...this.#members.values()].flatMap((one) =>
      one.state === undefined ? [] : [one as Engaged & { readonly state: MemberState }],
    );
  }

  /** Asks one that gets no builds, or has not been asked; it gets some where it answers. */
  async #ask(one: Engaged, timeoutMs: number): Promise<void> {
    if (one.isAsked) return;
    one.isAsked = true;
    const { access } = this.#options;
    const options = { ...this.#question(), buildctl: one.buildctl.program, timeoutMs };
    const answer = await access.ask(one.address, options);
    one.isAsked = false;
    if (this.#isClosed) return;
    if (!answer.ok) {
      one.aside = answer.error[0] ?? one.aside ?? noAnswer(one.address.id);
      return;
    }
    const { id, jobs, labels } = one.address;
    const isNew = one.state === undefined;
    one.state = answer.value;
    const wasAside = one.aside !== undefined;
    one.aside = undefined;
    const own = ownLabel(ownPlatform(answer.value));
    if (isNew) {
      this.#scheduler.add({ id, jobs, platforms: answer.value.platforms, labels: [...labels, own] });
      for (const resolve of this.#onJoin) resolve();
    } else this.#scheduler.restore(id);
    if (wasAside && this.#isAnnounced) this.#options.emit({ type: 'engine-returned', address: id });
    this.#review();
  }

  /** A build's engine went away, or cannot go on: its builds go to others. */
  #setAside(one: Engaged, why: Problem): void {
    const { emit } = this.#options;
    if (one.aside === undefined) {
      const asideMs = Math.min(LONGEST_ASIDE_MS, ASIDE_MS * 2 ** one.strikes);
      one.strikes++;
      one.untilMs = performance.now() + asideMs;
      one.aside = why;
      this.#scheduler.setAside(one.address.id, Number.POSITIVE_INFINITY);
      emit({ type: 'engine-aside', address: one.address.id, why: why.message });
    }
    this.#review();
  }

  /** Asks those that are set aside when it is time, and at once where a build has no other; goes on while there are some. */
  #look(): void {
    clearTimeout(this.#watch);
    if (this.#isClosed || this.#options.signal.aborted) return;
    const away = [...this.#members.values()].filter(({ aside }) => aside !== undefined);
    if (away.length === 0) return;
    const isAlone = [...this.#waiting].some(({ aloneSince }) => aloneSince !== undefined);
    const now = performance.now();
    for (const one of away) {
      if (!isAlone && now < one.untilMs) continue;
      one.untilMs = now + ASIDE_MS;
      void this.#ask(one, RETURN_MS);
    }
    this.#watch = setTimeout(() => this.#look(), ASK_MS);
    // Nobody waits for that alone.
    (this.#watch as { unref?: () => void }).unref?.();
  }

  /** Finds the builds that wait and have no engine left, and ends the wait of those that waited long enough. */
  #review(): void {
    const now = performance.now();
    const { waitMs } = this.#options;
    for (const one of this.#waiting) {
      const isLeft = [...this.#members.values()].some(
        (member) => member.aside === undefined && canTake(member, one.placement),
      );
      if (isLeft) {
        one.aloneSince = undefined;
        clearTimeout(one.timer);
      } else if (one.aloneSince === undefined) {
        one.aloneSince = now;
        one.timer = setTimeout(() => one.stopper.abort('none-left'), waitMs);
      }
    }
    this.#tellWait(now);
    this.#look();
  }

  /** Says that builds wait for engines to come back, and how that ended. */
  #tellWait(now: number): void {
    const { emit, waitMs } = this.#options;
    const alone = [...this.#waiting].filter(({ aloneSince }) => aloneSince !== undefined);
    const away = [...this.#members.values()].filter(({ aside }) => aside !== undefined);
    const address = away.map((one) => one.address.id).join(', ');
    if (alone.length > 0 && this.#aloneSince === undefined) {
      this.#aloneSince = now;
      emit({ type: 'engine-waiting', address, why: 'no engine of the pool is left for what waits', waitMs });
    } else if (alone.length === 0 && this.#aloneSince !== undefined) {
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
    if (!ready.ok) return fail(ready.error[0] ?? noAnswer(''));
    const refused = this.#findRefused(request.build);
    if (refused !== undefined) return fail(refused);
    const run = async (): Promise<Result<T, Problem>> => {
      const placement = await this.#place(request);
      const lease = await this.#acquire(placement, onWait);
      if (this.#options.signal.aborted) {
        if (lease.ok) lease.value.release();
        return fail(wasCancelled());
      }
      if (!lease.ok) return lease;
      return ok(await this.#use(lease.value, request.build, task));
    };
    if (this.#permits === undefined) return run();
    return this.#permits.with(request.priority, run, onWait);
  }

  async #use<T>(lease: Lease, build: Build, task: (turn: Turn) => Promise<T>): Promise<T> {
    const member = this.#members.get(lease.member);
    if (member === undefined) throw new Error(`there is no member \`${lease.member}\``);
    try {
      const done = await task({
        slot: lease.slot,
        giveBack: lease.release,
        engine: this.#readyOf(member, this.#options.plan),
        member: member.address.id,
        settled: async () => undefined,
        answers: async () => (await queryWorker(member.buildctl, RETURN_MS)) !== undefined,
        isLeft: true,
        lost: (failure) => {
          if (!isEngineAway(failure) && failure.code !== 'engine/disk-full') return undefined;
          this.#setAside(member, failure);
          return Promise.resolve({ kind: 'elsewhere' });
        },
      });
      this.#builtBy.set(build.name, lease.member);
      return done;
    } finally {
      lease.release();
    }
  }

  async #acquire(placement: Placement, onWait: () => void): Promise<Result<Lease, Problem>> {
    const { signal } = this.#options;
    const stopper = new AbortController();
    const cancel = () => stopper.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const waiting: Waiting = { placement, stopper, aloneSince: undefined, timer: undefined };
    this.#waiting.add(waiting);
    this.#review();
    try {
      for (;;) {
        const lease = await this.#scheduler.acquire(placement, { onWait, signal: stopper.signal });
        if (lease !== undefined) return ok(lease);
        if (signal.aborted) return fail(wasCancelled());
        if (stopper.signal.aborted) return fail(this.#noneLeft(placement, []));
        // None that has answered so far can build it.
        if (![...this.#members.values()].some((one) => mayTake(one, placement)))
          return fail(this.#noneLeft(placement, []));
        await this.#nextJoin(stopper.signal);
      }
    } finally {
      this.#waiting.delete(waiting);
      clearTimeout(waiting.timer);
      signal.removeEventListener('abort', cancel);
      this.#tellWait(performance.now());
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
    const { plan, figuresOf, sizeOf } = this.#options;
    const node = plan.nodes.get(build.name);
    const parents = [...new Set(node?.edges.map(({ to }) => to) ?? [])]
      .flatMap((to) => {
        const member = this.#builtBy.get(to);
        return member === undefined ? [] : [{ member, size: sizeOf(to) ?? 0 }];
      })
      .sort((one, other) => other.size - one.size);
    const ids = [...this.#members.values()].filter(({ buildctl }) => avoid.has(buildctl.address));
    const isPlain = build.platforms.length === 0;
    const { coldMs, warmMs, builtOn } = (await figuresOf(build.name)) ?? {};
    return {
      build: build.name,
      identity: cacheIdentity(build, plan.set.root, []),
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
  #findRefused(build: Build): Problem | undefined {
    if (build.platforms.length > 0) return undefined;
    const own = new Set(this.#known().map(({ state }) => ownPlatform(state)));
    if (own.size < 2) return undefined;
    return problem(
      'engine/several-platforms',
      `\`${build.name}\` names no platform, and the engines of the pool have several: ${[...own].join(', ')}`,
      { build: build.name, hint: 'Say which it is built for: `platforms:` of the build.' },
    );
  }

  /** @param placement undefined: nothing can be built at all */
  #noneLeft(placement: Placement | undefined, problems: readonly Problem[]): Problem {
    const lines = [...this.#members.values()].map(({ address, aside, state }) => {
      if (aside !== undefined) return `${address.id}: ${aside.message}`;
      const platforms = state?.platforms.join(', ') ?? '';
      const labels = address.labels.length === 0 ? 'no labels' : `labels ${address.labels.join(', ')}`;
      return `${address.id}: builds for ${platforms}, ${labels}`;
    });
    const detail = [...lines, ...problems.map(({ message }) => message)].join('\n');
    if (placement !== undefined && ![...this.#members.values()].some((one) => mayTake(one, placement))) {
      const { build } = placement;
      return problem(
        'engine/no-member',
        `no engine of the pool has the platforms and labels of \`${build}\``,
        {
          build,
          hint: 'Add an engine that has them to `engine.pool`; emulated platforms count where `platforms` names them there.',
          detail,
        },
      );
    }
    const waited = formatDuration(this.#options.waitMs);
    const whom = placement === undefined ? '' : ` that can build \`${placement.build}\``;
    return problem('engine/none-left', `no engine of the pool is left${whom}`, {
      ...(placement === undefined ? {} : { build: placement.build }),
      hint: `\`bake-ts engine status\` asks each of them.${placement === undefined ? '' : ` They were waited for (${waited}).`}`,
      detail,
      temporary: true,
    });
  }
}

/** Whether an engine can build it, or may once it answers. */
function mayTake(one: Engaged, placement: Placement): boolean {
  const { address, state } = one;
  if (state !== undefined) return canTake(one, placement);
  return (
    placement.labels.every((label) => isOwnLabel(label) || address.labels.includes(label)) &&
    (address.platforms.length === 0 ||
      placement.platforms.every((platform) => address.platforms.includes(platform)))
  );
}

function canTake({ address, state }: Engaged, { platforms, labels }: Placement): boolean {
  // Of one that never answered nobody knows.
  if (state === undefined) return false;
  const own = ownLabel(ownPlatform(state));
  return (
    labels.every((label) => label === own || address.labels.includes(label)) &&
    platforms.every((platform) => state.platforms.includes(platform))
  );
}

/** Stands for the platform that an engine builds for where none is named; no label of a user has a blank. */
function ownLabel(platform: string): string {
  return `own ${platform}`;
}

function isOwnLabel(label: string): boolean {
  return label.startsWith('own ');
}

function ownPlatform({ worker }: MemberState): string {
  return worker.platforms[0] ?? 'unknown';
}

function noAnswer(id: string): Problem {
  return problem('engine/unreachable', `${id} does not answer`, { temporary: true });
}
