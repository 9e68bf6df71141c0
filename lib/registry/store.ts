/** Manifests by reference: what the client offers to the parts that copy and inspect images. */
import type { Digest, ImageRef, Problem, Result } from '../model/mod.ts';
import type { Manifest } from './manifest.ts';

/** What a registry knows of a reference. Whatever is not certain is `unknown`, and never treated as one of the others. */
export type Presence =
  | {
      /** It is there. */
      readonly kind: 'present';
      /** Of the manifest or index that it points at. */
      readonly digest: Digest;
      /** Media type of that manifest or index. */
      readonly mediaType: string;
      /** Size of that manifest or index itself (bytes), not of its layers. */
      readonly sizeBytes: number;
    }
  | {
      /** The registry says that it is not there. */
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

/** A repository's image by digest. */
export function byDigest(ref: ImageRef, digest: Digest): ImageRef & { readonly digest: Digest } {
  return { registry: ref.registry, repository: ref.repository, digest };
}
