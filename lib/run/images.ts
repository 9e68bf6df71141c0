/**
 * Outside images, looked up once in a run: the digest goes into the key and is pinned into the build, so the two
 * cannot disagree when a tag moves in between. An image's config (its ENV and ONBUILD decide what a Dockerfile on top of
 * it reads) is read once for each digest, ever: digests do not change their meaning.
 */
import type { Digest, ImageRef, PlanNode } from '../model/mod.ts';
import { formatPlatform, parseImageRef, parsePlatform, withDefaultTag } from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import { configOf, isIndex, platformManifests } from '../registry/mod.ts';
import type { ImageConfigFacts, StateStore } from '../state/mod.ts';
import type { Lock } from './lock-file.ts';

/** What is known of an outside image. */
export type ImageLookup =
  | { readonly kind: 'known'; readonly digest: Digest }
  | { readonly kind: 'unknown'; readonly why: string };

/** Largest image config that is read, in bytes. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/** Looks up images; every answer is kept for the whole run. */
export class ImageDirectory {
  readonly #client: RegistryClient;
  readonly #state: StateStore;
  readonly #lock: Lock | undefined;
  readonly #lookups = new Map<string, Promise<ImageLookup>>();
  readonly #facts = new Map<string, Promise<ImageConfigFacts | undefined>>();

  /** @param lock what builds.lock says; its images are taken from it, and no registry is asked for them */
  constructor(client: RegistryClient, state: StateStore, lock: Lock | undefined) {
    this.#client = client;
    this.#state = state;
    this.#lock = lock;
  }

  /** The digest an image is locked to, else the one it stands for now. */
  lookUp(written: string): Promise<ImageLookup> {
    const known = this.#lookups.get(written) ?? this.#lookUp(written);
    this.#lookups.set(written, known);
    return known;
  }

  /** ENV and ONBUILD of an image for a platform (`os/arch[/variant]`); undefined where they cannot be read. */
  factsOf(written: string, digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const key = `${digest} ${platform}`;
    const known = this.#facts.get(key) ?? this.#factsOf(written, digest, platform);
    this.#facts.set(key, known);
    return known;
  }

  /** Outside images of a build → digest that the build is held to; those that are not known stay as they are. */
  async pinsOf(node: PlanNode): Promise<ReadonlyMap<string, Digest>> {
    const pins = new Map<string, Digest>();
    for (const { written } of node.externalImages) {
      const lookup = await this.lookUp(written);
      if (lookup.kind === 'known') pins.set(written, lookup.digest);
    }
    return pins;
  }

  /**
   * Locked images of a build that are surely gone from their registries: an old digest may be cleared away there while
   * the lock still names it. Asks the registries, so it is for builds that failed.
   */
  async findGone(node: PlanNode): Promise<readonly { readonly written: string; readonly digest: Digest }[]> {
    const gone: { readonly written: string; readonly digest: Digest }[] = [];
    for (const written of new Set(node.externalImages.map((image) => image.written))) {
      const digest = this.#lock?.digestOf(written);
      const ref = parseImageRef(written);
      if (digest === undefined || ref === undefined || ref.digest !== undefined) continue;
      const { registry, repository } = ref;
      const presence = await this.#client.head({ registry, repository, digest }, { mirrors: true });
      if (presence.kind === 'absent') gone.push({ written, digest });
    }
    return gone;
  }

  async #lookUp(written: string): Promise<ImageLookup> {
    const ref = parseImageRef(written);
    if (ref === undefined) return { kind: 'unknown', why: `\`${written}\` is no image reference` };
    if (ref.digest !== undefined) return { kind: 'known', digest: ref.digest };
    const locked = this.#lock?.digestOf(written);
    if (locked !== undefined) return { kind: 'known', digest: locked };
    const presence = await this.#client.head(withDefaultTag(ref), { mirrors: true });
    switch (presence.kind) {
      case 'present':
        return { kind: 'known', digest: presence.digest };
      case 'absent':
        return { kind: 'unknown', why: `${written} is not in its registry` };
      case 'unknown':
        return { kind: 'unknown', why: `${written} cannot be looked up: ${presence.problem.message}` };
    }
  }

  async #factsOf(written: string, digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const remembered = await this.#state.readImageFacts(digest, platform);
    // Earlier versions did not note the platform.
    if (remembered?.platforms !== undefined) return remembered;
    const ref = parseImageRef(written);
    if (ref === undefined) return undefined;
    const { tag: _, ...repository } = ref;
    const facts = await this.#readConfig({ ...repository, digest }, platform);
    if (facts !== undefined) await this.#state.writeImageFacts(digest, platform, facts);
    return facts;
  }

  async #readConfig(ref: ImageRef, platform: string): Promise<ImageConfigFacts | undefined> {
    let manifest = await this.#client.getManifest(ref, { mirrors: true });
    if (!manifest.ok) return undefined;
    if (isIndex(manifest.value)) {
      const child = platformManifests(manifest.value).find((one) => one.platform === platform);
      if (child === undefined) return undefined;
      manifest = await this.#client.getManifest({ ...ref, digest: child.digest }, { mirrors: true });
      if (!manifest.ok) return undefined;
    }
    const config = configOf(manifest.value);
    if (config === undefined) return undefined;
    const blob = await this.#client.getBlob(ref, config.digest, CONFIG_LIMIT, { mirrors: true });
    return blob.ok ? parseConfig(blob.value) : undefined;
  }
}

/** `config.Env`, `config.OnBuild` and the platform of an image config (OCI image-spec, config.md; OnBuild is Docker's). */
function parseConfig(bytes: Uint8Array): ImageConfigFacts | undefined {
  try {
    const image = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly os?: string;
      readonly architecture?: string;
      readonly variant?: string;
      readonly config?: {
        readonly Env?: readonly string[] | null;
        readonly OnBuild?: readonly string[] | null;
      };
    };
    const { os = '', architecture = '', variant } = image;
    const platform = parsePlatform([os, architecture, ...(variant === undefined ? [] : [variant])].join('/'));
    return {
      env: image.config?.Env ?? [],
      onbuild: image.config?.OnBuild ?? [],
      platforms: platform === undefined ? [] : [formatPlatform(platform)],
    };
  } catch {
    return undefined;
  }
}
