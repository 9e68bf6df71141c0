/** Resources of commands that process a whole plan: opened once, and always closed at the end. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ContextHasher } from '../fingerprint/mod.ts';
import { type ConfigReader, ExternalImages, type LayerReader } from '../inputs/mod.ts';
import { type Lock, readLock } from '../lock/mod.ts';
import { createHider, isUnnamed, type Plan, type Problem, problemToJson, type Result } from '../model/mod.ts';
import { findRefusedNow } from '../prepare/mod.ts';
import { createRegistryClient, type RegistryClient } from '../registry/mod.ts';
import { PublishIntents, type SealParts, StateStore, stateDirectory } from '../state/mod.ts';
import { defaultJobs, isPermitted } from '../system/mod.ts';
import { allowListeners } from '../util/follow-signal.ts';
import { permissionProblem, useOfDirectory } from '../util/permission.ts';
import type { Building, Calling, NodeContext, NodeResult, NodeRun, StoreNaming } from './context.ts';
import type { Emit } from './emitter.ts';
import { ENGINES } from './engine-access.ts';
import type { EngineSlots } from './engine-slots.ts';
import { createGiven } from './given.ts';
import { noteMoves } from './interrupted.ts';
import { LayersOnlyImages } from './layers-only.ts';
import { Memory } from './memory.ts';
import { rebuildNode } from './node.ts';
import { openEngine } from './open-engine.ts';
import { Phases } from './phases.ts';
import { findProxies, type RunProxies } from './proxies.ts';
import { wantedTags } from './publish.ts';
import { immutableTags, Publisher } from './publisher.ts';
import { KEY_VARIABLE, readRecordKeys } from './record-keys.ts';
import { type RecordPlaces, recordPlaces } from './record-places.ts';
import { longestPaths, Semaphore } from './scheduler.ts';
import { ScratchRepository } from './scratch-repository.ts';
import { findMissingSecrets } from './secrets.ts';
import type { RunEngine } from './session-engine.ts';
import type { SessionOptions } from './session-options.ts';
import { StoreView } from './store-view.ts';
import { Turns } from './turns.ts';
import { withoutCredentials } from './untrusted.ts';
import { withSpareWorkDir, withWorkDir } from './work-dir.ts';

/** A session's options with where it keeps its state, and what its steps get. */
type OpenedSession = SessionOptions & { readonly stateDir: string; readonly proxies: RunProxies };

/** Longer than a supervisor needs to restart buildkitd. */
const ENGINE_WAIT_MS = 30_000;

/** Many steps print nothing for some seconds. */
const STALL_NOTICE_MS = 30_000;

/** Short enough to save time, but longer than pushes to a nearby registry, which early starts would not speed up. */
const SLOW_PUSH_MS = 1_000;

/** Counts of a run's calls and requests. */
export interface Counts {
  buildctlCalls: number;
  readonly registryRequests: { reads: number; writes: number };
}

/**
 * Opens a session, works with it, and closes it: everything that runs ends, connections and threads close, temporary
 * files go. What was learned of files is kept where the work succeeds.
 *
 * @returns what the work gives; problem: `run/no-temp`
 */
export async function withSession<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<Result<T, Problem>> {
  const withDirectory = options.dryRun === true ? withSpareWorkDir : withWorkDir;
  return withDirectory(async (workDir) => {
    let session: Session | undefined;
    try {
      const lock = await readLock(options.plan.set);
      const { untrusted } = options.plan.set.grants;
      const env = untrusted ? withoutCredentials(options.env, workDir) : options.env;
      // Results of untrusted builds must not be used later.
      const stateDir = untrusted ? path.join(workDir, 'state') : stateDirectory(env);
      const proxies = options.proxies ?? (await findProxies(options));
      session = new Session({ ...options, env, stateDir, proxies }, workDir, lock);
      await session.state.shut();
      const result = await work(session);
      await session.hasher.save();
      const withheld = untrusted ? [] : findWithheld(stateDir, options.dryRun === true);
      for (const one of [...withheld, ...session.state.warnings()])
        options.emit?.({ type: 'warning', problem: problemToJson(one) });
      return result;
    } finally {
      await session?.close();
    }
  });
}

/** A warning where the runtime does not permit to keep state, or to read it: the run continues without. */
function findWithheld(stateDir: string, isDry: boolean): readonly Problem[] {
  const wanted = useOfDirectory(stateDir).filter(({ kind }) => !isDry || kind === 'read');
  const missing = wanted.filter((one) => !isPermitted(one));
  if (missing.length === 0) return [];
  const { message, ...rest } = permissionProblem(missing);
  return [
    {
      ...rest,
      severity: 'warning',
      message: `results are neither remembered nor recalled: ${message}`,
    },
  ];
}

/** Everything that is opened once; see {@link withSession}. */
export class Session {
  readonly counts: Counts = { buildctlCalls: 0, registryRequests: { reads: 0, writes: 0 } };
  readonly workDir: string;
  /** builds.lock, if there is one, or what is wrong with it. */
  readonly lock: Result<Lock | undefined>;
  /** Where results are remembered besides this machine, or what is wrong with that. */
  readonly records: Result<RecordPlaces | undefined, Problem>;
  /** The keys that records are signed with, or what is wrong with them. */
  readonly recordKeys: Result<readonly string[], Problem>;
  readonly registry: RegistryClient;
  readonly state: StateStore;
  readonly memory: Memory;
  /** Tags that runs of this project were about to move together. */
  readonly intents: PublishIntents;
  readonly hasher: ContextHasher;
  readonly engine: RunEngine;
  readonly #slots: EngineSlots;
  readonly #closeEngine: () => void;
  readonly #split: Building['split'];
  readonly #scratch: ScratchRepository | undefined;
  readonly #options: OpenedSession;
  readonly #emit: Emit;
  readonly #stopper = new AbortController();
  readonly #images: ExternalImages;
  readonly #layers: LayerReader;
  readonly #configs: ConfigReader;
  readonly #permits: Semaphore;
  readonly #foreign = new Turns();
  readonly #seal: SealParts;
  readonly #cancel: () => void;
  #rollback: RegistryClient | undefined;
  #workDirs = 0;
  #view: StoreView | undefined;
  #priorities: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(options: OpenedSession, workDir: string, lock: Result<Lock | undefined>) {
    const { plan, env, signal, address, hostArchitecture } = options;
    this.recordKeys = readRecordKeys(env);
    const keys = this.recordKeys.ok ? this.recordKeys.value : [];
    // The key is not passed on to programs.
    const { [KEY_VARIABLE]: _, ...handedDown } = env;
    this.#options = { ...options, env: handedDown };
    this.#emit = options.emit ?? (() => undefined);
    this.workDir = workDir;
    this.lock = lock;
    this.records = recordPlaces(plan);
    allowListeners(this.#stopper.signal);
    this.#cancel = () => this.#stopper.abort(signal?.reason);
    if (signal?.aborted === true) this.#cancel();
    signal?.addEventListener('abort', this.#cancel, { once: true });
    this.registry = this.#createClient(this.#stopper.signal);
    this.state = new StateStore(options.stateDir, plan.set.root);
    this.intents = new PublishIntents(options.stateDir, plan.set.root);
    this.memory = new Memory({
      state: this.state,
      registry: this.registry,
      places: this.records.ok ? this.records.value : undefined,
      keys,
      isSecret: createHider(plan.set.variables, keys).holds,
    });
    this.#seal = this.state.sealer(plan.set.variables);
    this.hasher = new ContextHasher({
      stateDirectory: this.state.statDir,
      onStrange: (file) => this.state.noteStrange(file),
    });
    const pinned = lock.ok ? lock.value : undefined;
    this.#images = new ExternalImages(this.registry, this.state, (ref) => pinned?.digestOf(ref));
    this.#layers = { registry: this.registry, trees: new Map() };
    this.#configs = {
      registry: this.registry,
      configs: new Map(),
      made: new Map(),
      remembered: (build) => this.state.readImage(build),
    };
    // One at a time where files are not trusted: what a build writes must not move what another one was checked for.
    this.#permits = new Semaphore(plan.set.grants.untrusted ? 1 : (options.jobs ?? defaultJobs()));
    const opened = openEngine({
      access: options.engines ?? ENGINES,
      address,
      permits: this.#permits,
      memory: this.memory,
      dockerfiles: options.dockerfiles,
      hide: (text) => this.registry.hideCredentials(text),
      plan,
      env: handedDown,
      warnings: options.proxies.warnings,
      emit: this.#emit,
      signal: this.#stopper.signal,
      waitMs: options.engineWaitMs ?? ENGINE_WAIT_MS,
      sleep: (ms) => (options.sleep ?? sleepFor)(ms, this.#stopper.signal),
      onBuild: () => this.counts.buildctlCalls++,
      ...(plan.set.grants.untrusted ? { jobs: 1 } : options.jobs === undefined ? {} : { jobs: options.jobs }),
      ...(hostArchitecture === undefined ? {} : { hostArchitecture }),
    });
    this.engine = opened.engine;
    this.#slots = opened.slots;
    this.#closeEngine = opened.close;
    this.#split = opened.split;
    const { scratch } = plan.set.engine ?? {};
    if (opened.split !== undefined && scratch !== undefined)
      this.#scratch = new ScratchRepository(scratch, () => this.#openRollback(), this.#emit);
    // One token for many repositories instead of one for each.
    const pushed = [...plan.nodes.values()].filter((node) => node.pushes);
    this.registry.expect(pushed.flatMap(wantedTags));
  }

  /**
   * Asks the registries about every tag, and for the records that are needed, at once, before the nodes get to it: a chain
   * would ask for one after the other.
   * The client keeps the answers, so nothing is queried twice.
   */
  askAhead(): void {
    for (const node of this.#options.plan.nodes.values()) {
      if (!node.pushes) continue;
      for (const ref of wantedTags(node)) if (!isUnnamed(ref)) this.registry.head(ref).catch(() => undefined);
    }
    this.memory.askAhead(this.#options.plan.nodes.keys()).catch(() => undefined);
  }

  /** Cancels what runs; `why` is for debugging only. */
  stop(why: string): void {
    this.#stopper.abort(why);
  }

  /** Closes connections and threads. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#cancel);
    this.#closeEngine();
    await this.#scratch?.clear();
    await this.hasher.close();
    await this.registry.close();
    await this.#rollback?.close();
  }

  /** What the engine's store has, as it was when that was asked first. */
  #storeView(naming: StoreNaming, newWorkDir: () => string): StoreView {
    this.#view ??= new StoreView({
      engine: this.engine,
      naming,
      nodes: this.#options.plan.nodes.values(),
      wasBuilt: async (build) => (await this.state.readLastKey(build)) !== undefined,
      newWorkDir,
      emit: this.#emit,
    });
    return this.#view;
  }

  /** Build → milliseconds to the end of the longest way on from it. */
  #prioritize(): Promise<ReadonlyMap<string, number>> {
    const measure = async () => {
      const needs = needsOf(this.#options.plan);
      const durations = await Promise.all(
        [...needs.keys()].map(async (build) => [build, await this.memory.lastDuration(build)] as const),
      );
      const known = new Map(durations);
      return longestPaths(needs, (build) => known.get(build));
    };
    this.#priorities ??= measure();
    return this.#priorities;
  }

  /** A client without a cache, which works after the run was cancelled. */
  #openRollback(): RegistryClient {
    this.#rollback ??= this.#createClient();
    return this.#rollback;
  }

  #createClient(signal?: AbortSignal): RegistryClient {
    const { plan, env, sleep, offline, signIn } = this.#options;
    return createRegistryClient({
      registries: plan.set.registries,
      env,
      ...(signal === undefined ? {} : { signal }),
      ...(sleep === undefined ? {} : { sleep }),
      ...(offline === undefined ? {} : { offline }),
      ...(signIn === undefined ? {} : { signIn }),
      onRetry: ({ host, attempt, delayMs, why }) =>
        this.#emit({ type: 'registry-waiting', registry: host, why, attempt, delayMs }),
      onRequest: (seen) => {
        if (seen.method === 'GET' || seen.method === 'HEAD') this.counts.registryRequests.reads++;
        else if (seen.purpose === 'registry') this.counts.registryRequests.writes++;
      },
    });
  }

  /**
   * Starts a pass over the plan.
   *
   * @param dryRun decides, and runs and writes nothing
   * @param emit gets the events of the pass; default: whoever gets those of the session
   */
  async startPass(dryRun: boolean, emit: Emit = this.#emit): Promise<NodeRun> {
    const enginePlatform = await this.engine.platform();
    const { plan, dockerfiles, force, atomic, stallTimeoutMs, sleep = sleepFor } = this.#options;
    const { signal } = this.#stopper;
    const { registry, memory, hasher, engine } = this;
    const results = new Map<string, NodeResult>();
    const resultOf = (build: string) => results.get(build);
    const { root, grants } = plan.set;
    const naming = {
      root,
      isolated: grants.untrusted,
      worker: () => engine.worker,
      isListed: () => engine.isListed,
    };
    const newWorkDir = () => path.join(this.workDir, `${this.#workDirs++}`);
    const keying = {
      dockerfiles,
      hasher,
      images: this.#images,
      enginePlatform,
      proxies: this.#options.proxies.proxies,
      signal,
      resultOf,
      isSecret: createHider(plan.set.variables).holds,
      seal: this.#seal,
    };
    const phases = new Phases(emit);
    const rebuilt = new Map<string, Promise<NodeResult>>();
    const calling: Calling = {
      root: plan.set.root,
      emit,
      signal,
      sleep: (ms) => sleep(ms, signal),
      engine: () => engine.ready(),
      slots: this.#slots,
      stallNoticeMs: this.#options.stallNoticeMs ?? STALL_NOTICE_MS,
      ...(stallTimeoutMs === undefined ? {} : { stallTimeoutMs }),
      credentials: registry,
      phases,
      permits: this.#permits,
      foreign: this.#foreign,
      priorityOf: async (build) => (await this.#prioritize()).get(build) ?? 0,
      slowPushMs: this.#options.slowPushMs ?? SLOW_PUSH_MS,
      onSlowPush: () => undefined,
      onPushed: async () => undefined,
      newWorkDir,
      dockerfiles,
      images: this.#images,
      missingSecrets: (build) => findMissingSecrets(build, this.#options.env),
      findRefused: (build) => findRefusedNow(plan, build.name, dockerfiles.cwd),
    };
    const context: NodeContext = {
      emit,
      signal,
      clock: Date.now,
      phases,
      dryRun,
      keying,
      memory,
      resultOf,
      given: createGiven({
        plan,
        parents: this.#options.parents ?? new Map(),
        registry,
        enginePlatform,
        warn: (build, found) => emit({ type: 'warning', build, problem: problemToJson(found) }),
      }),
      earlyOf: () => undefined,
      deciding: {
        force: force === true,
        keying,
        memory,
        registry,
        layers: this.#layers,
        configs: this.#configs,
        naming,
        storedImages: (node) => this.#storeView(naming, newWorkDir).of(node),
      },
      building: {
        calling,
        naming,
        registry,
        enginePlatform,
        isInsecure: (host) => {
          const settings = plan.set.registries.get(host);
          return settings?.http === true || settings?.insecure === true;
        },
        resultOf,
        layersOnly: new LayersOnlyImages({
          registry,
          calling,
          known: this.#options.engines?.known,
        }),
        ...(this.#scratch === undefined ? {} : { scratch: this.#scratch }),
        ...(this.#split === undefined ? {} : { split: this.#split }),
        rebuild: (build) => {
          const running = rebuilt.get(build) ?? rebuildLost(context, plan, build, results);
          rebuilt.set(build, running);
          return running;
        },
      },
      publisher: new Publisher({
        registry,
        openRollback: () => this.#openRollback(),
        emit,
        together: atomic === true || plan.set.publish === 'together',
        isImmutable: immutableTags(plan.set.immutable ?? []),
        note: (moves) => noteMoves(this.intents, moves, { emit, isSecret: keying.isSecret }),
      }),
    };
    return { context, results };
  }
}

async function rebuildLost(
  context: NodeContext,
  plan: Plan,
  build: string,
  results: Map<string, NodeResult>,
): Promise<NodeResult> {
  const node = plan.nodes.get(build);
  if (node === undefined) throw new Error(`\`${build}\` is not in the plan`);
  const result = await rebuildNode(context, node, {
    code: 'parent-lost',
    text: 'a build that needs it must run, and its image is gone',
  });
  results.set(build, result);
  return result;
}

async function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** Build → names of what it needs, in the order of the plan. */
export function needsOf(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([...plan.nodes].map(([name, node]) => [name, new Set(node.edges.map((edge) => edge.to))]));
}
