/**
 * Layers-only images of parents (see `lib/registry/layers-only.ts`), each is created at most once in a run and beside its parent:
 * in the parent's repository, or in the engine's store. Without one, a build reads the parent itself, which only costs time if
 * just the parent's config changed.
 */
import { rm } from 'node:fs/promises';
import { type Link, readContent, storeLayersOnly } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import {
  attestsProvenance,
  type Build,
  type DigestRef,
  fail,
  formatImageRef,
  type ImageLocation,
  ok,
  type Problem,
  problem,
  problemToJson,
  type Result,
} from '../model/mod.ts';
import {
  CONFIG_LIMIT,
  type LayersOnly,
  layersOnly,
  parseManifest,
  type RegistryClient,
} from '../registry/mod.ts';
import type { Calling, OnWait } from './context.ts';
import type { ReadyEngine } from './engine-slots.ts';
import type { KnownEngines } from './known-engines.ts';

/** Busy registries answer 500 now and then, and doing without the image would cost more than waiting. */
const RETRY_MS = [1_000, 4_000];

/** What creating them needs of a run. */
export interface LayersOnlyNeeds {
  readonly registry: RegistryClient;
  readonly calling: Pick<Calling, 'emit' | 'signal' | 'sleep' | 'engine' | 'permits' | 'newWorkDir'>;
  /** Those that earlier runs of the process put into the engine's store. */
  readonly known?: KnownEngines | undefined;
}

/** One that is being created or was created. */
interface Made {
  readonly image: Promise<DigestRef | undefined>;
  /** Waiting for permits to create it. */
  readonly queue: Queue;
}

/** Listeners that are notified of waiting for a permit. */
class Queue {
  readonly #heard = new Set<OnWait>();
  #isWaiting = false;

  /** Notifies all listeners. */
  readonly set = (isWaiting: boolean): void => {
    this.#isWaiting = isWaiting;
    for (const onWait of this.#heard) onWait(isWaiting);
  };

  /** Awaits a result and meanwhile reports waiting for the permit. */
  async during<T>(wanted: Promise<T>, onWait: OnWait): Promise<T> {
    this.#heard.add(onWait);
    if (this.#isWaiting) onWait(true);
    try {
      return await wanted;
    } finally {
      this.#heard.delete(onWait);
    }
  }
}

/**
 * Whether the steps of a build may be based on layers-only images. Not with provenance, which would list these internal images,
 * and not with foreign frontends, which may look up images differently.
 */
export function mayUseLayersOnly(build: Build, { untracked }: Pick<NodeInputs, 'untracked'>): boolean {
  const isForeign = untracked.some(({ kind }) => kind === 'frontend' || kind === 'remote-dockerfile');
  return !isForeign && !attestsProvenance(build);
}

/** The layers-only images of a run; see `LayersOnlySource`. */
export class LayersOnlyImages {
  readonly #needs: LayersOnlyNeeds;
  readonly #images = new Map<string, Made>();
  /** Address of the engine; empty: not known yet. */
  #address = '';
  #isOff = false;
  #hasWarned = false;

  constructor(needs: LayersOnlyNeeds) {
    this.#needs = needs;
  }

  async of(
    location: ImageLocation,
    mayPut: boolean,
    onWait: OnWait = () => undefined,
  ): Promise<DigestRef | undefined> {
    if (this.#isOff || location.kind === 'layout') return undefined;
    const name = formatImageRef(location.ref);
    let made = this.#images.get(name);
    if (made === undefined) {
      const queue = new Queue();
      const image =
        location.kind === 'registry'
          ? this.#inRegistry(location.ref, mayPut)
          : this.#inStore(location.ref, mayPut, queue);
      made = { image, queue };
      this.#images.set(name, made);
    }
    const ref = await made.queue.during(made.image, onWait);
    // It may have been turned off in the meantime.
    return this.#isOff ? undefined : ref;
  }

  forget(links: readonly Link[]): void {
    for (const link of links) {
      if (link.kind !== 'image') continue;
      this.#images.delete(formatImageRef(link.ref));
      this.#needs.known?.forgetLayers(this.#address, link.ref);
      if (link.layersOnly !== undefined) this.#needs.registry.forget(link.layersOnly);
    }
  }

  turnOff(why: Problem): void {
    this.#isOff = true;
    this.#warn(why);
  }

  async #inRegistry(ref: DigestRef, mayPut: boolean): Promise<DigestRef | undefined> {
    const { registry, calling } = this.#needs;
    for (let attempt = 0; ; attempt++) {
      const made = await putBeside(registry, ref, mayPut);
      if (made.ok) return made.value;
      const [first] = made.error;
      const delayMs = RETRY_MS[attempt];
      if (first?.temporary !== true || delayMs === undefined || calling.signal.aborted) {
        if (!calling.signal.aborted) this.#warn(notMade(ref, made.error));
        return undefined;
      }
      await calling.sleep(delayMs);
    }
  }

  async #inStore(ref: DigestRef, mayPut: boolean, queue: Queue): Promise<DigestRef | undefined> {
    const { calling, known } = this.#needs;
    const engine = await calling.engine();
    if (!engine.ok) return undefined;
    const { address } = engine.value.buildctl;
    this.#address = address;
    const before = known?.layersOf(address, ref);
    if (before !== undefined) return before;
    const read = await readStored(engine.value, ref);
    // Gone from the store (which the build will report), without layers, or with triggers, which would run.
    if (read === undefined || read.images.some(({ hasTriggers }) => hasTriggers)) return undefined;
    const tag = `${ref.tag ?? 'latest'}-layers`;
    const name = { registry: ref.registry, repository: ref.repository, tag };
    if (!mayPut) {
      const known = await readContent(engine.value.buildctl, read.top.digest);
      return known === undefined ? undefined : { ...name, digest: read.top.digest };
    }
    const configs = new Map<string, string>();
    for (const { platform, config } of read.images) {
      if (platform === undefined) return undefined;
      configs.set(platform, new TextDecoder().decode(config));
    }
    const workDir = calling.newWorkDir();
    const digest = await calling.permits.with(
      Number.POSITIVE_INFINITY,
      () => {
        queue.set(false);
        const { signal } = calling;
        return storeLayersOnly(engine.value.buildctl, { image: ref, name, configs, workDir, signal });
      },
      () => queue.set(true),
    );
    await rm(workDir, { recursive: true, force: true });
    if (digest === read.top.digest) {
      known?.keepLayers(address, ref, { ...name, digest });
      return { ...name, digest };
    }
    // If nothing was created, the image is mostly gone from the store, which the build will report.
    if (digest !== undefined) this.#warn(notMade(ref, []));
    return undefined;
  }

  #warn(why: Problem): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#needs.calling.emit({ type: 'warning', problem: problemToJson({ ...why, severity: 'warning' }) });
  }
}

/** Failures that layers-only images may cause. */
export type LayersOnlyFault =
  /** The engine does not distinguish what the frontend reads from what steps are based on. */
  | 'not-split'
  /** One of them is gone. */
  | 'lost';

/** How layers-only images among the links of an attempt caused its failure; undefined: they did not. */
export function layersOnlyFault(failure: Problem, links: readonly Link[]): LayersOnlyFault | undefined {
  const digests = links.flatMap((link) =>
    link.kind === 'image' && link.layersOnly !== undefined ? [link.layersOnly.digest] : [],
  );
  if (digests.length === 0) return undefined;
  if (failure.code === 'build/links-not-split') return 'not-split';
  const isLost =
    failure.code === 'build/image-lost' && digests.some((digest) => failure.message.includes(digest));
  return isLost ? 'lost' : undefined;
}

/** Puts the layers-only image of an image into its repository, unless it is there; undefined if there is none. */
async function putBeside(
  registry: RegistryClient,
  ref: DigestRef,
  mayPut: boolean,
): Promise<Result<DigestRef | undefined>> {
  // Remembered if it was built in this run.
  const top = await registry.getManifest(ref);
  if (!top.ok) return top;
  const read = await layersOnly(top.value, {
    manifest: (digest) => registry.getManifest({ ...ref, digest }),
    config: (digest) => registry.getBlob(ref, digest, CONFIG_LIMIT),
  });
  if (!read.ok || read.value === undefined) return read.ok ? ok(undefined) : read;
  const target = { registry: ref.registry, repository: ref.repository, digest: read.value.top.digest };
  const presence = await registry.head(target);
  if (presence.kind === 'present') return ok(target);
  if (!mayPut) return ok(undefined);
  if (presence.kind === 'unknown') return fail([presence.problem]);
  const put = await putAll(registry, ref, read.value);
  return put.ok ? ok(target) : put;
}

async function putAll(
  registry: RegistryClient,
  { registry: host, repository }: DigestRef,
  { top, images }: LayersOnly,
): Promise<Result<void>> {
  for (const { manifest, config } of images) {
    const blob = await registry.putBlob({ registry: host, repository }, config);
    if (!blob.ok) return blob;
    const put = await registry.putManifest({ registry: host, repository, digest: manifest.digest }, manifest);
    if (!put.ok) return put;
  }
  if (images.some(({ manifest }) => manifest.digest === top.digest)) return ok(undefined);
  const put = await registry.putManifest({ registry: host, repository, digest: top.digest }, top);
  return put.ok ? ok(undefined) : put;
}

async function readStored({ buildctl }: ReadyEngine, { digest }: DigestRef): Promise<LayersOnly | undefined> {
  const gone = fail([problem('build/parent-lost', 'the engine no longer has it')]);
  const bytes = await readContent(buildctl, digest);
  const top = bytes === undefined ? undefined : parseManifest(bytes, digest);
  if (top === undefined) return undefined;
  const read = await layersOnly(top, {
    manifest: async (wanted) => {
      const found = await readContent(buildctl, wanted);
      const manifest = found === undefined ? undefined : parseManifest(found, wanted);
      return manifest === undefined ? gone : ok(manifest);
    },
    config: async (wanted) => {
      const found = await readContent(buildctl, wanted);
      return found === undefined ? gone : ok(found);
    },
  });
  return read.ok ? read.value : undefined;
}

function notMade(ref: DigestRef, [cause]: readonly Problem[]): Problem {
  const why = cause === undefined ? 'the engine made a different one' : cause.message;
  return problem(
    'run/no-layers-only',
    `\`${ref.registry}/${ref.repository}\` gets no layers-only image (${why})`,
    {
      hint: 'Images are the same. But when only labels, commands or the like of a parent change, the steps of builds based on it run again.',
      ...(cause?.detail === undefined ? {} : { detail: cause.detail }),
    },
  );
}
