/** The image that a build produced, and where it can be read. */
import type { Digest, ImageRef } from './image-ref.ts';
import type { PlatformManifest } from './record.ts';

/** A reference pinned to a digest. */
export type DigestRef = ImageRef & { readonly digest: Digest };

/** Where an image can be read from. */
export type ImageLocation =
  /** A repository of a registry. */
  | { readonly kind: 'registry'; readonly ref: DigestRef }
  /**
   * The engine's own image store. `confirmed`: stored in this run; otherwise by an earlier run, and it may have been
   * removed since.
   */
  | { readonly kind: 'store'; readonly ref: DigestRef; readonly confirmed: boolean }
  /** An OCI image layout in a directory of this machine. */
  | { readonly kind: 'layout'; readonly dir: string };

/** The image of a build, which other builds can read. */
export interface ImageResult {
  /** Of the manifest, or of the index for several platforms or attestations. */
  readonly digest: Digest;
  readonly platforms: readonly PlatformManifest[];
  /** Undefined: only its digest is known (the build was up to date); it is rebuilt if another build reads it. */
  readonly location?: ImageLocation;
  /** References that an earlier run published it under. */
  readonly published?: readonly ImageRef[];
}

/** An external image that builds read by its tag, and the digest that is used in this run. */
export interface Pin {
  /** With a tag and without a digest. */
  readonly ref: ImageRef;
  readonly digest: Digest;
}
