/** The interface by which images are copied and inspected. */
import type { Digest, ImageRef, Problem, Result } from '../model/mod.ts';
import type { Manifest } from './manifest.ts';

/** What a registry knows about a reference. Anything uncertain is `unknown`, and never treated as present or absent. */
export type Presence =
  | {
      /** It exists. */
      readonly kind: 'present';
      /** Digest of the manifest or index that it points at. */
      readonly digest: Digest;
      /** Media type of that manifest or index. */
      readonly mediaType: string;
      /** Size of that manifest or index itself (bytes), not of its layers. */
      readonly sizeBytes: number;
    }
  | {
      /** The registry reports that it does not exist. */
      readonly kind: 'absent';
    }
  | {
      /** It is not known: no answer, no access, an invalid answer. */
      readonly kind: 'unknown';
      /** Why. */
      readonly problem: Problem;
    };

/** Reads and writes manifests, and reads small blobs. */
export interface ManifestStore {
  head(ref: ImageRef): Promise<Presence>;
  resolveDigest(ref: ImageRef): Promise<Result<Digest>>;
  getManifest(ref: ImageRef): Promise<Result<Manifest>>;
  getBlob(repository: ImageRef, digest: Digest, limitBytes: number): Promise<Result<Uint8Array>>;
  putManifest(
    ref: ImageRef,
    manifest: Pick<Manifest, 'mediaType' | 'bytes'>,
  ): Promise<Result<{ readonly digest: Digest }>>;
}

/** The reference with only repository and digest. */
export function byDigest(ref: ImageRef, digest: Digest): ImageRef & { readonly digest: Digest } {
  return { registry: ref.registry, repository: ref.repository, digest };
}
