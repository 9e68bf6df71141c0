/** The image that a build gave: what it is, and where others find it. */
import type { Digest, ImageRef } from './image-ref.ts';
import type { PlatformManifest } from './record.ts';

/** A reference that names one image for good. */
export type DigestRef = ImageRef & { readonly digest: Digest };

/** Where an image can be read from. */
export type ImageLocation =
  /** A repository of a registry. */
  | { readonly kind: 'registry'; readonly ref: DigestRef }
  /**
   * The engine's own image store. `confirmed`: it was put there in this run; else an earlier run put it there, and
   * somebody may have removed it since.
   */
  | { readonly kind: 'store'; readonly ref: DigestRef; readonly confirmed: boolean }
  /** An OCI image layout in a directory of this machine. */
  | { readonly kind: 'layout'; readonly dir: string };

/** The image of a build, which other builds can read. */
export interface ImageResult {
  /** Of the manifest, or of the index for several platforms or attestations. */
  readonly digest: Digest;
  readonly platforms: readonly PlatformManifest[];
  /** Undefined: only its digest is known (the build was up to date), and it is built if another build reads it. */
  readonly location?: ImageLocation;
  /** References that an earlier run published it under. */
  readonly published?: readonly ImageRef[];
}

/** An external image that builds read by its tag, and the digest that they get in this run. */
export interface Pin {
  /** With a tag and without a digest. */
  readonly ref: ImageRef;
  readonly digest: Digest;
}
