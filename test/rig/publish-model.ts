/**
 * What publishing has to come to, said as simply as it can be: a map of tags, the images that are pushed, the images that
 * are remembered. No digests, no requests, no order but that of the plan.
 */

/** A build of a random plan. */
export interface ModelBuild {
  /** Index of the build that it is FROM; undefined: none. */
  readonly parent: number | undefined;
  /** From 1 to 3. The third one is in another repository. */
  readonly tags: number;
}

/** Something that goes wrong in one run, the first time it is come to. */
export type ModelFault =
  /** The build itself, or its push. */
  | { readonly build: number; readonly kind: 'build' | 'push' }
  /** A tag may not be put; `after`: it moves all the same. */
  | { readonly build: number; readonly kind: 'tag'; readonly tag: number; readonly after: boolean };

/** A run of a random plan. */
export interface ModelRun {
  /** Whose memory: two machines work on the same registry. */
  readonly machine: 0 | 1;
  /** Build → version of its file from now on. */
  readonly edits: readonly { readonly build: number; readonly version: number }[];
  readonly together: boolean;
  readonly faults: readonly ModelFault[];
}

/** The tags of a build, as `REPOSITORY:TAG`. */
export function tagNames(build: number, { tags }: ModelBuild): readonly string[] {
  return [`app/b${build}:t0`, `app/b${build}:t1`, `more/b${build}:t0`].slice(0, tags);
}

/** How a build ended; as outcomes have it. */
export type ModelKind = 'built' | 'retagged' | 'unchanged' | 'failed' | 'blocked';

/** Everything there is. */
export class PublishModel {
  readonly tags: Map<string, string> = new Map();
  readonly #builds: readonly ModelBuild[];
  readonly #versions: number[];
  readonly #pushed = new Set<string>();
  readonly #remembered: readonly [Set<string>, Set<string>] = [new Set(), new Set()];
  /** What lies in the registry for all machines; undefined: nothing is shared. */
  readonly #shared: Set<string> | undefined;

  constructor(builds: readonly ModelBuild[], shares: boolean) {
    this.#builds = builds;
    this.#versions = builds.map(() => 0);
    this.#shared = shares ? new Set() : undefined;
  }

  /** Files change. */
  edit(edits: ModelRun['edits']): void {
    for (const { build, version } of edits) this.#versions[build] = version;
  }

  /** Takes over what a run left that was cancelled: nobody can say how far it came. */
  resume(machine: 0 | 1, tags: ReadonlyMap<string, string>, remembered: ReadonlySet<string>): void {
    this.tags.clear();
    for (const [tag, image] of tags) this.tags.set(tag, image);
    this.#remembered[machine].clear();
    for (const image of remembered) this.#remembered[machine].add(image);
  }

  /** The image that a build gives now. */
  imageOf(build: number): string {
    const parent = this.#builds[build]?.parent;
    return `b${build}.${this.#versions[build]}${parent === undefined ? '' : ` on ${this.imageOf(parent)}`}`;
  }

  /**
   * Plays a run.
   *
   * @param order the builds in the order of the plan
   * @returns how each build ends, and whether the run is a success
   */
  run(
    { machine, together, faults }: Pick<ModelRun, 'machine' | 'together' | 'faults'>,
    order: readonly number[],
  ): { readonly kinds: ReadonlyMap<number, ModelKind>; readonly ok: boolean } {
    const own = this.#remembered[machine];
    const remember = (image: string) => {
      own.add(image);
      // Shared at the end of the run; within it each image is asked for once.
      this.#shared?.add(image);
    };
    const kinds = new Map<number, ModelKind>();
    const isBad = (kind: ModelKind | undefined) => kind === 'failed' || kind === 'blocked';
    const waiting: number[] = [];
    for (const build of order) {
      const parent = this.#builds[build]?.parent;
      if (parent !== undefined && isBad(kinds.get(parent))) {
        kinds.set(build, 'blocked');
        continue;
      }
      const image = this.imageOf(build);
      // A registry's word that another machine made it is enough to put a tag, and not enough to move one.
      const isKnown = own.has(image) || (this.#shared?.has(image) === true && !this.#isMoved(build, image));
      if (own.has(image)) remember(image);
      const isInPlace = this.#tagsOf(build).every((tag) => this.tags.get(tag) === image);
      if (isKnown && isInPlace) kinds.set(build, 'unchanged');
      else if (!isKnown && !this.#build(build, image, faults)) kinds.set(build, 'failed');
      else if (together) {
        kinds.set(build, isKnown ? 'retagged' : 'built');
        if (!isKnown) remember(image);
        waiting.push(build);
      } else if (this.#putTags(build, image, faults).length > 0) kinds.set(build, 'failed');
      else {
        kinds.set(build, isKnown ? 'retagged' : 'built');
        if (!isKnown) remember(image);
      }
    }
    const allGood = ![...kinds.values()].some(isBad);
    if (!allGood) {
      // What waited for its tags only stays where it is.
      for (const build of waiting) if (kinds.get(build) === 'retagged') kinds.set(build, 'unchanged');
      return { kinds, ok: false };
    }
    const before = new Map(this.tags);
    for (const build of waiting) {
      if (this.#putTags(build, this.imageOf(build), faults).length === 0) continue;
      // All of them go back; what was not there before cannot be taken away.
      for (const [tag, image] of before) this.tags.set(tag, image);
      return { kinds, ok: false };
    }
    return { kinds, ok: true };
  }

  /** Builds and pushes; false where that fails. */
  #build(build: number, image: string, faults: readonly ModelFault[]): boolean {
    const fails = (kind: ModelFault['kind']) =>
      faults.some((one) => one.build === build && one.kind === kind);
    if (fails('build')) return false;
    if (!this.#pushed.has(image) && fails('push')) return false;
    this.#pushed.add(image);
    return true;
  }

  /** @returns tags that the registry says it did not take */
  #putTags(build: number, image: string, faults: readonly ModelFault[]): readonly string[] {
    return this.#tagsOf(build).filter((tag, at) => {
      if (this.tags.get(tag) === image) return false;
      const fault = faults.find((one) => one.build === build && one.kind === 'tag' && one.tag === at);
      if (fault === undefined || (fault.kind === 'tag' && fault.after)) this.tags.set(tag, image);
      return fault !== undefined;
    });
  }

  /** Whether a tag points at another image. */
  #isMoved(build: number, image: string): boolean {
    return this.#tagsOf(build).some((tag) => (this.tags.get(tag) ?? image) !== image);
  }

  #tagsOf(build: number): readonly string[] {
    return tagNames(build, this.#builds[build] ?? { parent: undefined, tags: 0 });
  }
}
