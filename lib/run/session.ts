/** The shared side of a run: what is opened once, and closed at its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWorker, forgetLocalSources } from '../buildctl/mod.ts';
import type { Engine } from '../engine/mod.ts';
import { ContextHasher, SentLedger } from '../fingerprint/mod.ts';
import {
  createHider,
  type Digest,
  type EventSink,
  type ImageRef,
  ok,
  type Plan,
  problemToJson,
  type Result,
} from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import { createRegistryClient, type RegistryClient } from '../registry/mod.ts';
import { StateStore, stateDirectory } from '../state/mod.ts';
import { defaultJobs, goArchitecture } from '../system/mod.ts';
import type { AuditRequest } from './audit.ts';
import type { NodeResult, ReadyEngine, RunContext } from './context.ts';
import type { Emit } from './emitter.ts';
import { ImageDirectory } from './images.ts';
import type { Lock } from './lock-file.ts';
import { Memory } from './memory.ts';
import { runNode } from './node.ts';
import { wantedTags } from './publish.ts';
import { immutableTags, Publisher } from './publisher.ts';
import { heights, Semaphore } from './scheduler.ts';

/** How to run a plan. */
export interface BakeOptions {
  readonly plan: Plan;
  /** The library that the plan was made with. */
  readonly dockerfiles: DockerfileLibrary;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr`: an engine that is to be used and no other. */
  readonly address?: string;
  /** Builds at a time; default: `defaultJobs`, two for each processor. */
  readonly jobs?: number;
  /** Build even what is unchanged. */
  readonly force?: boolean;
  /** Decide and say why, but run nothing and write nothing. */
  readonly dryRun?: boolean;
  /** Build some of what was left alone all the same, and compare; not in a dry run. */
  readonly audit?: AuditRequest;
  /** Move tags only when all builds succeeded, whatever `publish` says. */
  readonly atomic?: boolean;
  /** Stop everything at the first failure; else what does not depend on it goes on. */
  readonly failFast?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventSink;
  /** Said in `run-started`: bake-ts's version, and the runtime's name and version. */
  readonly version?: string;
  readonly runtime?: string;
  /** Processor architecture of this machine in Go's words; default: what the runtime says it is. */
  readonly hostArchitecture?: string;
}

/** What a run did towards the outside. */
export interface Counts {
  buildctlCalls: number;
  readonly registryRequests: { reads: number; writes: number };
}

/** What is read before a session is opened. */
export interface SessionFiles {
  /** Where results are remembered besides this machine. */
  readonly records?: ImageRef | undefined;
  /** builds.lock, if there is one. */
  readonly lock?: Lock | undefined;
}

/** Everything that is opened once in a run. */
export class Session {
  readonly counts: Counts = { buildctlCalls: 0, registryRequests: { reads: 0, writes: 0 } };
  readonly registry: RegistryClient;
  readonly state: StateStore;
  readonly memory: Memory;
  readonly hasher: ContextHasher;
  readonly workDir: string;
  readonly #options: BakeOptions;
  readonly #emit: Emit;
  readonly #stopper: AbortController;
  readonly #images: ImageDirectory;
  readonly #permits: Semaphore;
  readonly #priorities: ReadonlyMap<string, number>;
  readonly #cancel: () => void;
  #worker: 'containerd' | 'oci' = 'containerd';
  #found: Promise<Result<Engine>> | undefined;
  #ready: Promise<Result<ReadyEngine>> | undefined;
  #stored: Promise<ReadonlyMap<string, Digest> | undefined> | undefined;
  #platform = '';
  #ids = 0;

  private constructor(options: BakeOptions, emit: Emit, workDir: string, given: SessionFiles) {
    const { plan, env } = options;
    this.#options = options;
    this.#emit = emit;
    this.workDir = workDir;
    this.#stopper = new AbortController();
    this.#cancel = () => this.#stopper.abort(options.signal?.reason);
    if (options.signal?.aborted === true) this.#cancel();
    options.signal?.addEventListener('abort', this.#cancel, { once: true });
    this.registry = createRegistryClient({
      registries: plan.set.registries,
      env,
      signal: this.#stopper.signal,
      onRequest: (seen) => {
        if (seen.method === 'GET' || seen.method === 'HEAD') this.counts.registryRequests.reads++;
        else if (seen.purpose === 'registry') this.counts.registryRequests.writes++;
      },
    });
    this.state = new StateStore(stateDirectory(env), plan.set.root);
    this.memory = new Memory(this.state, this.registry, given.records);
    this.hasher = new ContextHasher({ stateDirectory: this.state.statDir });
    this.#images = new ImageDirectory(this.registry, this.state, given.lock);
    this.#permits = new Semaphore(options.jobs ?? defaultJobs());
    this.#priorities = heights(needsOf(plan));
  }

  /** Opens a session; to be closed. */
  static async open(options: BakeOptions, emit: Emit, given: SessionFiles): Promise<Session> {
    const session = new Session(options, emit, await mkdtemp(path.join(tmpdir(), 'bake-ts-')), given);
    // One token for many repositories instead of one for each.
    const pushed = [...options.plan.nodes.values()].filter((node) => node.pushes);
    session.registry.expect(pushed.flatMap(wantedTags));
    await session.#learnPlatform();
    return session;
  }

  /**
   * An engine behind a local socket is of this machine's architecture, so nobody has to be asked. Another one is asked,
   * in each run: the same address may lead to another machine. Where it does not answer, its address stands for it, which
   * no earlier key has.
   */
  async #learnPlatform(): Promise<void> {
    const { address, env, plan, hostArchitecture } = this.#options;
    this.#platform = `linux/${hostArchitecture ?? goArchitecture(arch())}`;
    const named = address ?? (env['BUILDKIT_HOST'] || plan.set.engineAddress);
    if (named === undefined || named === '' || named.startsWith('unix://')) return;
    const engine = await this.#findEngine();
    const worker = engine.ok
      ? await describeWorker({ program: engine.value.buildctl, address: engine.value.address, env })
      : undefined;
    this.#platform = worker?.platform ?? `unknown/${named}`;
  }

  /**
   * Asks the registries about every tag at once, before the nodes get to it: a chain would ask for one after the other.
   * The client keeps the answers, so nothing is asked twice.
   */
  askAhead(): void {
    for (const node of this.#options.plan.nodes.values()) {
      if (!node.pushes) continue;
      for (const ref of wantedTags(node)) this.registry.head(ref).catch(() => undefined);
    }
  }

  /**
   * To be called when no build runs: where the engine's copies of directories misled it about one (which was built
   * past them), it is made to forget them, so that later builds need not go past them too.
   */
  async refreshEngine(): Promise<void> {
    const engine = await this.#ready;
    if (engine?.ok !== true || !engine.value.sent.wantsForgetting) return;
    if (await forgetLocalSources(engine.value.buildctl)) await engine.value.sent.forget();
  }

  /** Ends everything that runs, closes connections and threads, removes temporary files. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#cancel);
    await this.hasher.close();
    await this.registry.close();
    await rm(this.workDir, { recursive: true, force: true });
  }

  /** Cancels what runs; `why` is for debugging only. */
  stop(why: string): void {
    this.#stopper.abort(why);
  }

  /**
   * What nodes work with, and the results they leave. A dry one decides, and runs and writes nothing; its events go
   * where `emit` says.
   */
  createContext(
    dryRun: boolean,
    emit: Emit,
  ): { readonly context: RunContext; readonly results: Map<string, NodeResult> } {
    const { plan, env, dockerfiles } = this.#options;
    const results = new Map<string, NodeResult>();
    const rebuilt = new Map<string, Promise<NodeResult>>();
    const rebuild = async (build: string): Promise<NodeResult> => {
      const node = plan.nodes.get(build);
      if (node === undefined) throw new Error(`\`${build}\` is not in the plan`);
      const result = await runNode(context, node, {
        code: 'parent-lost',
        text: 'a build that needs it runs, and its image is gone',
      });
      results.set(build, result);
      return result;
    };
    const workerOf = () => this.#worker;
    const context: RunContext = {
      root: plan.set.root,
      env,
      emit,
      signal: this.#stopper.signal,
      clock: Date.now,
      sleep: (ms) => delay(ms, undefined, { signal: this.#stopper.signal }).catch(() => undefined),
      force: this.#options.force === true,
      dryRun,
      workDir: this.workDir,
      nextId: () => this.#ids++,
      dockerfiles,
      hasher: this.hasher,
      images: this.#images,
      registry: this.registry,
      publisher: new Publisher(
        this.registry,
        emit,
        this.#options.atomic === true || plan.set.publish === 'together',
        immutableTags(plan.set.immutable ?? []),
      ),
      memory: this.memory,
      permits: this.#permits,
      priorityOf: (build) => this.#priorities.get(build) ?? 0,
      countBuild: () => this.counts.buildctlCalls++,
      engine: () => {
        this.#ready ??= this.#prepareEngine(plan);
        return this.#ready;
      },
      get worker() {
        return workerOf();
      },
      enginePlatform: this.#platform,
      storedImages: () => {
        this.#stored ??= this.#listImages(env);
        return this.#stored;
      },
      isInsecure: (registry) => {
        const settings = plan.set.registries.get(registry);
        return settings?.http === true || settings?.insecure === true;
      },
      isSecret: createHider(plan.set.variables).holds,
      resultOf: (build) => results.get(build),
      rebuild: (build) => {
        const running = rebuilt.get(build) ?? rebuild(build);
        rebuilt.set(build, running);
        return running;
      },
    };
    return { context, results };
  }

  #findEngine(): Promise<Result<Engine>> {
    this.#found ??= this.#lookForEngine();
    return this.#found;
  }

  /** A run in which nothing has changed needs no engine, so its room is not even loaded before somebody asks. */
  async #lookForEngine(): Promise<Result<Engine>> {
    const { findEngine } = await import('../engine/mod.ts');
    const { address, env, plan } = this.#options;
    return findEngine({
      env,
      autoStart: true,
      registries: plan.set.registries,
      signal: this.#stopper.signal,
      notify: (notice) => this.#emit({ type: 'engine-starting', text: notice.text }),
      ...(address === undefined ? {} : { flagAddress: address }),
      ...(plan.set.engineAddress === undefined ? {} : { fileAddress: plan.set.engineAddress }),
    });
  }

  async #prepareEngine(plan: Plan): Promise<Result<ReadyEngine>> {
    const engine = await this.#findEngine();
    if (!engine.ok) return engine;
    const { address, source, buildctl: program } = engine.value;
    const buildctl = { program, address, env: this.#options.env };
    this.#emit({ type: 'engine-ready', address, source, buildctl: program });
    for (const one of engine.value.warnings) this.#emit({ type: 'warning', problem: problemToJson(one) });
    // Only results that are not pushed depend on how the worker keeps images; the embedded engine is known.
    const needsStore = [...plan.nodes.values()].some((node) => !node.pushes);
    if (needsStore && engine.value.containerd === undefined) {
      this.#worker = (await describeWorker(buildctl))?.executor ?? 'containerd';
    }
    const { registryHint } = engine.value;
    return ok({
      buildctl,
      sent: new SentLedger(this.state.sentDir, address),
      ...(registryHint === undefined ? {} : { registryHint }),
    });
  }

  async #listImages(env: BakeOptions['env']): Promise<ReadonlyMap<string, Digest> | undefined> {
    const engine = await this.#findEngine();
    if (!engine.ok) return undefined;
    const { resolveLocalImages } = await import('../engine/mod.ts');
    const local = await resolveLocalImages(engine.value, { env });
    return local.ok ? local.value : undefined;
  }
}

/** Build → names of what it needs, in the order of the plan. */
export function needsOf(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([...plan.nodes].map(([name, node]) => [name, new Set(node.edges.map((edge) => edge.to))]));
}
