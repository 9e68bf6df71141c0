/** The engine of a session: found once, when somebody first needs it, and queried once. */
import { arch } from 'node:os';
import { type Buildctl, queryWorker, type Worker } from '../buildctl/mod.ts';
import type { Engine } from '../engine/mod.ts';
import {
  namedEngine,
  ok,
  type Plan,
  type Problem,
  problemToJson,
  type Result,
  targetOf,
} from '../model/mod.ts';
import { goArchitecture, type System, thisSystem } from '../system/mod.ts';
import type { Emit } from './emitter.ts';
import type { EngineAccess, StoreListing } from './engine-access.ts';
import { EngineReturn } from './engine-return.ts';
import { mirroredHosts, type ReadyEngine } from './engine-slots.ts';

/** Options for finding an engine. */
export interface SessionEngineOptions {
  readonly access: EngineAccess;
  readonly plan: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr` */
  readonly address?: string | readonly string[];
  /** Said when it is first used. */
  readonly warnings?: readonly Problem[];
  /** Go's name of this machine's processor architecture; default: what the runtime says it is. */
  readonly hostArchitecture?: string;
  /** Instead of the system below us. */
  readonly system?: System;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Total time to wait for an engine that goes away. */
  readonly waitMs: number;
  /** Waits, but not beyond the signal. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Called for each `buildctl build` that was really started. */
  readonly onBuild: () => void;
}

/** How long a returning engine may take to answer; connections over ssh and kubectl take a second or two. */
const ANSWER_MS = 5_000;

/** The engine or the pool of a session. */
export interface RunEngine {
  /** Whether it is a pool, whose engines do not share their stores. */
  readonly isPool?: boolean;
  /** How it keeps images; settled when it is ready. */
  readonly worker: 'containerd' | 'oci';
  /** Whether its store can be listed; settled when it is ready, and when that was tried. */
  readonly isListed: boolean;
  /** Finds it, starts it if need be, and makes sure of what builds need to know of it. */
  readonly ready: () => Promise<Result<ReadyEngine>>;
  /** Whether it has a store from which builds can read images. */
  readonly keepsImages: () => Promise<boolean>;
  /** What its store has; undefined where it cannot be read. */
  readonly storedImages: () => Promise<StoreListing | undefined>;
  /** What it says of its worker; undefined where it does not answer. */
  readonly askWorker: () => Promise<Worker | undefined>;
  /** How to ask it; undefined where there is none. */
  readonly buildctl: () => Promise<Buildctl | undefined>;
  /** `os/arch` that it builds for where a build names no platform. */
  readonly platform: () => Promise<string>;
  /** Finds it, and starts the embedded one if need be. */
  readonly find: () => Promise<Result<Engine>>;
}

/** The engine of one session. */
export class SessionEngine implements RunEngine {
  /** Where it goes away in the middle of the run. */
  readonly return: EngineReturn;
  readonly #options: SessionEngineOptions;
  #address = '';
  #worker: 'containerd' | 'oci' = 'containerd';
  #isListed = true;
  #found: Promise<Result<Engine>> | undefined;
  #ready: Promise<Result<ReadyEngine>> | undefined;
  #stored: Promise<StoreListing | undefined> | undefined;
  #platform: Promise<string> | undefined;
  #asked: Promise<Worker | undefined> | undefined;

  constructor(options: SessionEngineOptions) {
    this.#options = options;
    const { waitMs, sleep, emit, signal } = options;
    this.return = new EngineReturn({
      ask: () => this.#answers(),
      askOrStart: () => this.#answersOrStarts(),
      address: () => this.#address,
      waitMs,
      sleep,
      emit,
      signal,
    });
  }

  /** How it keeps images; settled when it is ready. */
  get worker(): 'containerd' | 'oci' {
    return this.#worker;
  }

  /** Whether its store can be listed; settled when it is ready, and when that was tried. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** Finds it, starts it if need be, and makes sure of what builds need to know of it. */
  ready(): Promise<Result<ReadyEngine>> {
    this.#ready ??= this.#prepare();
    return this.#ready;
  }

  /** Whether it has a store from which builds can read images. The embedded engine is known to have one. */
  async keepsImages(): Promise<boolean> {
    const engine = await this.#find();
    if (!engine.ok) return false;
    return (
      engine.value.containerd !== undefined ||
      (await this.#askWorker(engine.value))?.executor === 'containerd'
    );
  }

  /** What its store has; undefined where it cannot be read. */
  storedImages(): Promise<StoreListing | undefined> {
    this.#stored ??= this.#listImages();
    return this.#stored;
  }

  /** What it says of its worker; undefined where it does not answer. */
  async askWorker(): Promise<Worker | undefined> {
    const engine = await this.#find();
    return engine.ok ? this.#askWorker(engine.value) : undefined;
  }

  /** How to ask it; undefined where there is none. */
  async buildctl(): Promise<Buildctl | undefined> {
    const engine = await this.#find();
    return engine.ok ? this.#buildctlOf(engine.value) : undefined;
  }

  /** `os/arch` that it builds for where a build names no platform. */
  platform(): Promise<string> {
    this.#platform ??= this.#learnPlatform();
    return this.#platform;
  }

  /**
   * An engine behind a local socket on Linux has this machine's architecture, so no query is needed. Any other engine is queried
   * in each run: the same address may lead to another machine, and engines on macOS or Windows run in virtual machines. If it
   * does not answer, its address is used instead, which no earlier key contains.
   */
  async #learnPlatform(): Promise<string> {
    const { address, env, plan, hostArchitecture } = this.#options;
    const named = namedEngine({ flagAddresses: address, env, settings: plan.set.engine })?.address;
    const isSocket = named === undefined || named.startsWith('unix://');
    if (isSocket && (this.#options.system ?? thisSystem()) === 'linux')
      return `linux/${hostArchitecture ?? goArchitecture(arch())}`;
    const engine = await this.#find();
    const worker = engine.ok ? await this.#askWorker(engine.value) : undefined;
    return worker?.platform ?? `unknown/${named ?? ''}`;
  }

  /** Finds it, and starts the embedded one if need be. */
  find(): Promise<Result<Engine>> {
    return this.#find();
  }

  #find(): Promise<Result<Engine>> {
    this.#found ??= this.#search().then((found) => {
      if (found.ok) this.#address = found.value.address;
      return found;
    });
    return this.#found;
  }

  #search(): Promise<Result<Engine>> {
    const { access, address, env, plan, signal, emit } = this.#options;
    return access.find({
      env,
      autoStart: true,
      registries: plan.set.registries,
      signal,
      notify: (notice) => emit({ type: 'engine-starting', text: notice.text }),
      ...(address === undefined ? {} : { flagAddress: address }),
      ...(plan.set.engine === undefined ? {} : { settings: plan.set.engine }),
    });
  }

  /** What it says of its worker, queried once. */
  #askWorker(engine: Engine): Promise<Worker | undefined> {
    const { known } = this.#options.access;
    const ask = () => queryWorker(this.#buildctlOf(engine));
    this.#asked ??= (known === undefined ? ask() : known.worker(engine.address, ask)).then((worker) => {
      this.#worker = worker?.executor ?? 'containerd';
      return worker;
    });
    return this.#asked;
  }

  #buildctlOf(engine: Engine): Buildctl {
    const { env, access, signal, onBuild } = this.#options;
    return {
      program: engine.buildctl,
      ...targetOf(engine),
      env,
      signal,
      onBuild,
      ...(access.run === undefined ? {} : { run: access.run }),
    };
  }

  /** Asks again whether it answers. */
  async #answers(): Promise<boolean> {
    const engine = await this.#find();
    return engine.ok && (await queryWorker(this.#buildctlOf(engine.value), ANSWER_MS)) !== undefined;
  }

  /** Restarts the embedded engine if it no longer runs. */
  async #answersOrStarts(): Promise<boolean> {
    const engine = await this.#find();
    if (engine.ok && engine.value.kind === 'embedded' && !(await this.#search()).ok) return false;
    return this.#answers();
  }

  async #prepare(): Promise<Result<ReadyEngine>> {
    const { plan, emit, warnings = [] } = this.#options;
    const engine = await this.#find();
    if (!engine.ok) return engine;
    const { address, source, buildctl: program, registryHint } = engine.value;
    const buildctl = this.#buildctlOf(engine.value);
    // Only results that are not pushed depend on how the worker keeps images; the embedded engine is known.
    const needsStore = [...plan.nodes.values()].some((node) => !node.pushes);
    const isAsked = needsStore && engine.value.containerd === undefined;
    const worker = isAsked ? await this.#askWorker(engine.value) : undefined;
    const version = worker?.version === undefined ? {} : { version: worker.version };
    emit({ type: 'engine-ready', address, source, buildctl: program, ...version });
    for (const one of [...engine.value.warnings, ...warnings])
      emit({ type: 'warning', problem: problemToJson(one) });
    if (isAsked && this.#worker === 'containerd') await this.storedImages();
    return ok({
      buildctl,
      mirrored: mirroredHosts(plan),
      ...(registryHint === undefined ? {} : { registryHint }),
    });
  }

  async #listImages(): Promise<StoreListing | undefined> {
    const engine = await this.#find();
    if (!engine.ok) return undefined;
    const { access, env, signal } = this.#options;
    const images = await access.listImages(engine.value, env, signal);
    this.#isListed = images !== undefined;
    return images;
  }
}
