/**
 * External images, resolved once in a run: the digest is part of the key and the build is pinned to it, so the two cannot
 * differ if a tag moves meanwhile. An image's config (its ENV and ONBUILD affect what a Dockerfile based on it reads) is
 * read only once for each digest, since it cannot change.
 */
import type { Digest, ImageRef, Pin, PlanNode } from '../model/mod.ts';
import { formatPlatform, parseImageRef, parsePlatform, withDefaultTag } from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import { CONFIG_LIMIT, configOf, isIndex, platformManifests } from '../registry/mod.ts';
import type { ImageConfigFacts, StateStore } from '../state/mod.ts';
import { parseJson } from '../util/json.ts';
import { isObject } from './image-json.ts';

/** The result of resolving an external image. `image-name`: its reference is not valid. */
export type ImageLookup =
  | { readonly kind: 'known'; readonly digest: Digest }
  | { readonly kind: 'image' | 'image-name'; readonly why: string };

/** Resolves images; every result is cached for the whole run. */
export class ExternalImages {
  readonly #client: RegistryClient;
  readonly #state: StateStore;
  readonly #lockedDigest: (ref: ImageRef) => Digest | undefined;
  readonly #refs = new Map<string, ImageRef | undefined>();
  readonly #lookups = new Map<string, Promise<ImageLookup>>();
  readonly #facts = new Map<string, Promise<ImageConfigFacts | undefined>>();

  /** @param lockedDigest digests of builds.lock; images that it pins need no registry */
  constructor(
    client: RegistryClient,
    state: StateStore,
    lockedDigest: (ref: ImageRef) => Digest | undefined,
  ) {
    this.#client = client;
    this.#state = state;
    this.#lockedDigest = lockedDigest;
  }

  /** The locked digest of an image, otherwise the current one. */
  lookUp(written: string): Promise<ImageLookup> {
    const known = this.#lookups.get(written) ?? this.#lookUp(written);
    this.#lookups.set(written, known);
    return known;
  }

  /** ENV and ONBUILD of an image for a platform (`os/arch[/variant]`); undefined if they cannot be read. */
  factsOf(written: string, digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const key = `${digest} ${platform}`;
    const known = this.#facts.get(key) ?? this.#factsOf(written, digest, platform);
    this.#facts.set(key, known);
    return known;
  }

  /** The external images that a build reads by tag, with the digests to which it is pinned, without unknown ones. */
  async pinsOf(node: PlanNode): Promise<readonly Pin[]> {
    const pins: Pin[] = [];
    for (const { written, ref } of taggedImages(node)) {
      const lookup = await this.lookUp(written);
      if (lookup.kind === 'known') pins.push({ ref: withDefaultTag(ref), digest: lookup.digest });
    }
    return pins;
  }

  /**
   * Locked images of a build that are certainly gone from their registries: an old digest may have been deleted while the
   * lock still contains it. Queries the registries, so it is only used for builds that failed.
   */
  async findGone(node: PlanNode): Promise<readonly { readonly written: string; readonly digest: Digest }[]> {
    const gone: { readonly written: string; readonly digest: Digest }[] = [];
    for (const { written, ref } of taggedImages(node)) {
      const digest = this.#lockedDigest(ref);
      if (digest === undefined) continue;
      const { registry, repository } = ref;
      const presence = await this.#client.head({ registry, repository, digest }, { mirrors: true });
      if (presence.kind === 'absent') gone.push({ written, digest });
    }
    return gone;
  }

  /**
   * Whether any of a build's external images selected by `isMeant` certainly exists for our own client and its mirrors.
   * Queries the registries, so it is only used for builds that failed.
   */
  async isAnyThere(node: PlanNode, isMeant: (ref: ImageRef) => boolean): Promise<boolean> {
    for (const { ref } of node.externalImages) {
      if (ref === undefined || !isMeant(ref)) continue;
      const { kind } = await this.#client.head(withDefaultTag(ref), { mirrors: true });
      if (kind === 'present') return true;
    }
    return false;
  }

  #refOf(written: string): ImageRef | undefined {
    if (!this.#refs.has(written)) this.#refs.set(written, parseImageRef(written));
    return this.#refs.get(written);
  }

  async #lookUp(written: string): Promise<ImageLookup> {
    const ref = this.#refOf(written);
    if (ref === undefined)
      return { kind: 'image-name', why: `\`${written}\` is not a valid image reference` };
    if (ref.digest !== undefined) return { kind: 'known', digest: ref.digest };
    const locked = this.#lockedDigest(ref);
    if (locked !== undefined) return { kind: 'known', digest: locked };
    const presence = await this.#client.head(withDefaultTag(ref), { mirrors: true });
    switch (presence.kind) {
      case 'present':
        return { kind: 'known', digest: presence.digest };
      case 'absent':
        return { kind: 'image', why: `${written} is not in its registry` };
      case 'unknown':
        return { kind: 'image', why: `${written} cannot be resolved: ${presence.problem.message}` };
    }
  }

  async #factsOf(written: string, digest: Digest, platform: string): Promise<ImageConfigFacts | undefined> {
    const remembered = await this.#state.readImageFacts(digest, platform);
    // Earlier versions did not store the platform.
    if (remembered?.platforms !== undefined) return remembered;
    const ref = this.#refOf(written);
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

/** Distinct external images of a build that are not pinned where they are written. */
export function taggedImages(
  node: PlanNode,
): readonly { readonly written: string; readonly ref: ImageRef }[] {
  const found = new Map<string, { readonly written: string; readonly ref: ImageRef }>();
  for (const { written, ref } of node.externalImages)
    if (ref !== undefined && ref.digest === undefined) found.set(written, { written, ref });
  return [...found.values()];
}

/** `config.Env`, `config.OnBuild` and the platform of an image config (OCI image-spec, config.md; OnBuild is Docker's). */
function parseConfig(bytes: Uint8Array): ImageConfigFacts | undefined {
  const image = parseJson(bytes);
  if (!isObject(image)) return undefined;
  const config = isObject(image['config']) ? image['config'] : {};
  const [env, onbuild] = [textsOf(config['Env']), textsOf(config['OnBuild'])];
  if (env === undefined || onbuild === undefined) return undefined;
  const named = [
    image['os'],
    image['architecture'],
    ...(image['variant'] === undefined ? [] : [image['variant']]),
  ];
  const platform = parsePlatform(named.map((one) => (typeof one === 'string' ? one : '')).join('/'));
  return { env, onbuild, platforms: platform === undefined ? [] : [formatPlatform(platform)] };
}

/** A list of texts; undefined if the value is anything else. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
}
