/**
 * What the engine's image store has of the builds of a run. It is listed once where that can be done from here; else the names
 * of the builds are looked up through the engine: all that were built before in one call, and where one of them is gone, each
 * build by itself.
 */
import { type Buildctl, lookUpNames, type StoredName, type Worker } from '../buildctl/mod.ts';
import { type Digest, type PlanNode, problem, problemToJson } from '../model/mod.ts';
import type { StoredImages, StoreNaming } from './context.ts';
import type { Emit } from './emitter.ts';
import type { StoreListing } from './engine-access.ts';
import { Semaphore } from './scheduler.ts';
import { storeNames } from './store-names.ts';

/** What a view goes by. */
export interface StoreViewOptions {
  readonly engine: {
    /** What its store has; undefined where it cannot be listed. */
    readonly storedImages: () => Promise<StoreListing | undefined>;
    readonly askWorker: () => Promise<Worker | undefined>;
    readonly buildctl: () => Promise<Buildctl | undefined>;
    /** It is several, none of which keeps images. */
    readonly isPool?: boolean;
  };
  readonly naming: StoreNaming;
  readonly nodes: Iterable<PlanNode>;
  /** Whether anything is remembered of a build. */
  readonly wasBuilt: (build: string) => Promise<boolean>;
  /** The path of a directory that nobody else uses. */
  readonly newWorkDir: () => string;
  readonly emit: Emit;
}

const CALLS_AT_ONCE = 4;

/** The store as decisions see it. */
export class StoreView {
  readonly #options: StoreViewOptions;
  readonly #permits = new Semaphore(CALLS_AT_ONCE);
  #all: Promise<ReadonlyMap<string, Digest> | undefined> | undefined;
  #isSaid = false;

  constructor(options: StoreViewOptions) {
    this.#options = options;
  }

  /** What the store has of the names of a build, and maybe of others; undefined where that is not known. */
  async of(node: PlanNode): Promise<StoredImages | undefined> {
    const { engine } = this.#options;
    const listing = await engine.storedImages();
    if (listing !== undefined) return { kind: 'known', ...listing };
    const worker = await engine.askWorker();
    if (worker === undefined) return undefined;
    if (worker.executor === 'oci') {
      this.#sayThatNoneAreKept();
      return { kind: 'keeps-none' };
    }
    this.#all ??= this.#lookUpAll();
    const known = await this.#all;
    const own = this.#namesOf(node);
    if (own.every(({ name }) => known?.has(name) === true))
      return { kind: 'known', digests: known ?? new Map() };
    return { kind: 'known', digests: (await this.#lookUp(own)) ?? new Map() };
  }

  /** One call for all of which something is remembered: names that never were in the store would make it fail. */
  async #lookUpAll(): Promise<ReadonlyMap<string, Digest> | undefined> {
    const { nodes, wasBuilt } = this.#options;
    const asked = [...nodes].filter((node) => !node.pushes && node.role === 'asked');
    const names = await Promise.all(
      asked.map(async (node) => ((await wasBuilt(node.build.name)) ? this.#namesOf(node) : [])),
    );
    return this.#lookUp(names.flat());
  }

  async #lookUp(names: readonly StoredName[]): Promise<ReadonlyMap<string, Digest> | undefined> {
    if (names.length === 0) return undefined;
    const buildctl = await this.#options.engine.buildctl();
    if (buildctl === undefined) return undefined;
    return this.#permits.with(0, () => lookUpNames(buildctl, names, this.#options.newWorkDir()));
  }

  #namesOf(node: PlanNode): readonly StoredName[] {
    const [platform] = node.build.platforms;
    return storeNames(this.#options.naming, node).map((name) => ({ name, platform }));
  }

  #sayThatNoneAreKept(): void {
    if (this.#isSaid) return;
    this.#isSaid = true;
    const isPool = this.#options.engine.isPool === true;
    const who = isPool
      ? 'engines of a pool keep no images'
      : 'the engine keeps no images (its worker is an OCI worker)';
    const way = isPool ? 'Push it.' : 'Push it, or use a buildkitd with a containerd worker.';
    const said = problem('run/keeps-no-images', `${who}: builds that are not pushed leave only their cache`, {
      severity: 'warning',
      hint: `${way} Otherwise such a build is up to date as long as its inputs are the same.`,
    });
    this.#options.emit({ type: 'warning', problem: problemToJson(said) });
  }
}
