/**
 * Copies an image to another name with the same bytes, and so the same digest. Blobs are copied first, then the manifests below
 * an index, then the tag, so that a name never points at something incomplete.
 */
import {
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  isSameRepository,
  ok,
  problem,
  type Result,
  withTagOf,
} from '../model/mod.ts';
import { BlobTransfer, type BroughtBlobs, type OnBlob, type TransferCounts } from './blob-transfer.ts';
import { blobOfRepository } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import { childManifests, type Manifest, manifestBlobs } from './manifest.ts';
import { linkReferrers, listReferrers } from './referrers.ts';
import { forEachUntilRefused } from './refusal.ts';
import { byDigest, type ManifestStore, type Presence } from './store.ts';

/** What to copy in addition to the image. */
export interface CopyOptions {
  /** Signatures, SBOMs and other manifests whose `subject` is the image or one of its platforms. */
  readonly referrers?: boolean;
  /** Receives the progress of each blob. */
  readonly onBlob?: OnBlob;
}

/** The result of a copy. */
export interface Copied extends TransferCounts {
  /** The full name of the copy, `latest` included. */
  readonly ref: string;
  /** Of the manifest or index that was put. */
  readonly digest: Digest;
  /** Its media type. */
  readonly mediaType: string;
  /** `there`: the name already pointed at it, nothing was sent. */
  readonly action: 'there' | 'put';
  /** What the name pointed at before, so that you can restore it. */
  readonly previous: Presence;
  /** How many manifests that refer to it were copied. */
  readonly referrers: number;
}

/** The environment of a copy. */
export interface CopyContext {
  readonly store: ManifestStore;
  readonly exchange: Exchange;
  /** Shared by concurrent copies. */
  readonly brought?: BroughtBlobs;
}

const MANIFESTS_AT_ONCE = 4;
const BLOBS_AT_ONCE = 4;

/** Copies an image. If the target's name already points at it, only that name is looked up. */
export async function copyImage(
  context: CopyContext,
  from: ImageRef,
  to: ImageRef,
  options: CopyOptions,
): Promise<Result<Copied>> {
  const { store } = context;
  const target = withTagOf(to, from);
  const previous = await store.head(target);
  const resolved = from.digest === undefined ? await store.resolveDigest(from) : ok(from.digest);
  if (!resolved.ok) return resolved;
  const digest = resolved.value;
  if (target.tag === undefined && target.digest !== digest) {
    return fail([
      problem(
        'registry/bad-digest',
        `${formatImageRef(from)} is ${digest} and cannot be pushed as ${formatImageRef(target)}`,
        { hint: 'Use a tag or the same digest' },
      ),
    ]);
  }
  const copier = new Copier(context, from, target, options);
  const there = previous.kind === 'present' && previous.digest === digest;
  let mediaType = there ? previous.mediaType : '';
  if (!there) {
    const manifest = await store.getManifest(byDigest(from, digest));
    if (!manifest.ok) return manifest;
    mediaType = manifest.value.mediaType;
    const below = await copier.copyBelow(manifest.value);
    if (!below.ok) return below;
    const { registry, repository, tag } = target;
    const name = tag === undefined ? byDigest(target, digest) : { registry, repository, tag };
    const put = await store.putManifest(name, manifest.value);
    if (!put.ok) return put;
  }
  const referrers = options.referrers === true ? await copier.copyReferrers(digest) : ok(0);
  if (!referrers.ok) return referrers;
  return ok({
    ref: formatImageRef(target),
    digest,
    mediaType,
    action: there ? 'there' : 'put',
    previous,
    ...copier.blobs.counts(),
    referrers: referrers.value,
  });
}

class Copier {
  readonly blobs: BlobTransfer;
  readonly #context: CopyContext;
  readonly #from: ImageRef;
  readonly #to: ImageRef;
  readonly #sameRepository: boolean;
  readonly #referred = new Set<Digest>();

  constructor(context: CopyContext, from: ImageRef, to: ImageRef, options: CopyOptions) {
    this.#context = context;
    this.#from = from;
    this.#to = to;
    this.#sameRepository = isSameRepository(from, to);
    const { exchange, brought } = context;
    this.blobs = new BlobTransfer({
      exchange,
      to,
      brought,
      sourceOf: (blob) => blobOfRepository(exchange, from, blob.digest),
      onBlob: options.onBlob,
    });
  }

  /** Copies everything that a manifest refers to. */
  async copyBelow(manifest: Manifest): Promise<Result<void>> {
    if (this.#sameRepository) return ok(undefined);
    const named = manifestBlobs(manifest).filter((blob) => !blob.foreign);
    const blobs = [...new Map(named.map((blob) => [blob.digest, blob])).values()];
    this.blobs.announce(blobs);
    const problems = await forEachUntilRefused(blobs, BLOBS_AT_ONCE, (blob) => this.blobs.upload(blob));
    if (problems.length > 0) return fail(problems);
    const below = await forEachUntilRefused(childManifests(manifest), MANIFESTS_AT_ONCE, (child) =>
      this.copyManifest(child.digest),
    );
    return below.length === 0 ? ok(undefined) : fail(below);
  }

  /** Copies a manifest and everything it refers to, by digest, unless the target has it. */
  async copyManifest(digest: Digest): Promise<Result<void>> {
    const { store } = this.#context;
    const target = byDigest(this.#to, digest);
    // `unknown` is no reason to stop: the PUT will show.
    if ((await store.head(target)).kind === 'present') return ok(undefined);
    const manifest = await store.getManifest(byDigest(this.#from, digest));
    if (!manifest.ok) return manifest;
    const below = await this.copyBelow(manifest.value);
    if (!below.ok) return below;
    const put = await store.putManifest(target, manifest.value);
    return put.ok ? ok(undefined) : put;
  }

  /** Copies the referrers of a manifest, of its children, and of those referrers in turn. Returns how many there were. */
  async copyReferrers(digest: Digest): Promise<Result<number>> {
    if (this.#sameRepository || this.#referred.has(digest)) return ok(0);
    this.#referred.add(digest);
    const found = await listReferrers(this.#context, byDigest(this.#from, digest));
    if (!found.ok) return found;
    let count = found.value.descriptors.length;
    for (const referrer of found.value.descriptors) {
      const copied = await this.copyManifest(referrer.digest);
      if (!copied.ok) return copied;
    }
    if (count > 0) {
      const linked = await linkReferrers(this.#context, byDigest(this.#to, digest), found.value);
      if (!linked.ok) return linked;
    }
    const manifest = await this.#context.store.getManifest(byDigest(this.#from, digest));
    if (!manifest.ok) return manifest;
    for (const next of [...childManifests(manifest.value), ...found.value.descriptors]) {
      const more = await this.copyReferrers(next.digest);
      if (!more.ok) return more;
      count += more.value;
    }
    return ok(count);
  }
}
