/** Pushes an image from a layout: blobs, then the manifests below an index, then the name. */
import { fail, formatImageRef, type ImageRef, isUnnamed, ok, problem, type Result } from '../model/mod.ts';
import { BlobTransfer } from './blob-transfer.ts';
import type { BlobSource } from './blobs.ts';
import type { Copied, CopyContext, CopyOptions } from './copy.ts';
import { badLayout, type Layout, type LayoutPart } from './layout.ts';
import { childManifests, type Descriptor, type Manifest, manifestBlobs, parseManifest } from './manifest.ts';
import { noTag } from './problems.ts';
import { forEachUntilRefused } from './refusal.ts';
import { byDigest } from './store.ts';

/** How to push. */
export type PushLayoutOptions = Pick<CopyOptions, 'onBlob'>;

const BLOBS_AT_ONCE = 4;
const MANIFEST_LIMIT = 4 * 1024 * 1024;
/** Annotations with the name of an image in a layout: OCI image-spec (annotations.md), and the one of containerd and buildkit. */
const NAME_ANNOTATIONS = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];

/** Pushes the image of a layout. If it has several, the one with the name or tag of `to` is pushed. */
export async function pushLayout(
  context: CopyContext,
  layout: Layout,
  target: ImageRef,
  options: PushLayoutOptions,
): Promise<Result<Copied>> {
  if (isUnnamed(target)) return fail([noTag(target)]);
  const chosen = chooseImage(layout, target);
  if (!chosen.ok) return chosen;
  const { digest } = chosen.value;
  if (target.tag === undefined && target.digest !== digest) {
    return fail([
      problem(
        'registry/bad-digest',
        `${layout.written} is ${digest} and cannot be pushed as ${formatImageRef(target)}`,
        {
          hint: 'Use a tag or the same digest',
        },
      ),
    ]);
  }
  const previous = await context.store.head(target);
  const pusher = new Pusher(context, layout, target, options);
  const top = await pusher.manifest({ digest });
  if (!top.ok) return top;
  const there = previous.kind === 'present' && previous.digest === digest;
  if (!there) {
    const below = await pusher.pushBelow(top.value);
    if (!below.ok) return below;
    const { registry, repository, tag } = target;
    const name = tag === undefined ? byDigest(target, digest) : { registry, repository, tag };
    const put = await context.store.putManifest(name, top.value);
    if (!put.ok) return put;
  }
  return ok({
    ref: formatImageRef(target),
    digest,
    mediaType: top.value.mediaType,
    action: there ? 'there' : 'put',
    previous,
    ...pusher.blobs.counts(),
    referrers: 0,
  });
}

/** Exporters write an entry for each name, so entries with the same digest are one image. */
function chooseImage(layout: Layout, target: ImageRef): Result<Descriptor> {
  const images = new Map(layout.images.map((image) => [image.digest, image]));
  const [only] = images.values();
  if (only !== undefined && images.size === 1) return ok(only);
  const { digest: _, ...tagged } = target;
  const wanted = new Set([target.tag, formatImageRef(tagged)]);
  const named = layout.images.filter((image) =>
    NAME_ANNOTATIONS.some((name) => {
      const text = image.annotations.get(name);
      return text !== undefined && wanted.has(text);
    }),
  );
  const [first] = named;
  const matching = new Set(named.map((image) => image.digest));
  if (first !== undefined && matching.size === 1) return ok(first);
  const byOwnDigest = target.digest === undefined ? undefined : images.get(target.digest);
  if (byOwnDigest !== undefined) return ok(byOwnDigest);
  const list = layout.images.map((image) => {
    const names = NAME_ANNOTATIONS.flatMap((name) => image.annotations.get(name) ?? []);
    return `${image.digest}  ${names.join(', ')}`.trim();
  });
  return fail([
    {
      ...badLayout(
        layout.written,
        `it holds ${images.size} images, and none or several of them have the name`,
      ),
      hint: 'Use the name or tag of one of its images, or a digest (REPOSITORY@sha256:…)',
      detail: list.join('\n'),
    },
  ]);
}

class Pusher {
  readonly blobs: BlobTransfer;
  readonly #context: CopyContext;
  readonly #layout: Layout;
  readonly #to: ImageRef;

  constructor(context: CopyContext, layout: Layout, to: ImageRef, options: PushLayoutOptions) {
    this.#context = context;
    this.#layout = layout;
    this.#to = to;
    this.blobs = new BlobTransfer({
      exchange: context.exchange,
      to,
      brought: context.brought,
      sourceOf: (blob) => blobOfLayout(layout, blob),
      onBlob: options.onBlob,
    });
  }

  /** A manifest of the layout, checked against its digest. */
  async manifest(part: LayoutPart): Promise<Result<Manifest>> {
    const bytes = await this.#layout.read(part, MANIFEST_LIMIT);
    if (!bytes.ok) return bytes;
    const manifest = parseManifest(bytes.value, part.digest);
    if (manifest !== undefined) return ok(manifest);
    return fail([this.#layout.explain(part, 'no-manifest')]);
  }

  /**
   * Pushes everything that a manifest refers to. Manifests are pushed one after another, the blobs of each concurrently.
   *
   * @param platform the manifest's platform, if known
   */
  async pushBelow(manifest: Manifest, platform?: string): Promise<Result<void>> {
    const of = platform === undefined ? {} : { platform };
    const blobs = manifestBlobs(manifest).filter((blob) => !blob.foreign);
    this.blobs.announce(blobs);
    const problems = await forEachUntilRefused(blobs, BLOBS_AT_ONCE, (blob) =>
      this.blobs.upload({ ...blob, ...of }),
    );
    if (problems.length > 0) return fail(problems);
    for (const child of childManifests(manifest)) {
      const done = await this.#pushManifest(child);
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  async #pushManifest(part: LayoutPart): Promise<Result<void>> {
    const target = byDigest(this.#to, part.digest);
    if ((await this.#context.store.head(target)).kind === 'present') return ok(undefined);
    const manifest = await this.manifest(part);
    if (!manifest.ok) return manifest;
    const below = await this.pushBelow(manifest.value, part.platform);
    if (!below.ok) return below;
    const put = await this.#context.store.putManifest(target, manifest.value);
    return put.ok ? ok(undefined) : put;
  }
}

function blobOfLayout(layout: Layout, part: LayoutPart): BlobSource {
  const explain = (actual: string | undefined, error: unknown) =>
    layout.explain(part, actual === undefined ? { error } : { actual });
  return { open: () => Promise.resolve(ok({ explain, stream: layout.stream(part.digest) })) };
}
