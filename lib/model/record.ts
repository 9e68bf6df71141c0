/**
 * What is stored about a successful build, under its key, so that returning to an earlier state of the files finds the
 * earlier result. The layout is versioned: a record of another version is ignored.
 */
import type { Digest } from './image-ref.ts';

/** Version of the key's canonical form and of the record. Raise it whenever either changes its meaning. */
export const KEY_VERSION = 1;

/** sha256 (hexadecimal) of the canonical form of a build's inputs. */
export type BuildKey = string;

/** One file of a context, as part of the key. */
export interface FilePart {
  /** Relative to the context, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'other';
  /** Permission bits incl. setuid, setgid and sticky. */
  readonly mode: number;
  /** File: sha256 of its content; symlink: its target; otherwise empty. */
  readonly content: string;
}

/**
 * Everything that can change the image, in parts, so that two keys can be compared part by part. Keys of every map are
 * sorted. Paths are relative to their context, with `/`.
 */
export interface KeyParts {
  readonly version: number;
  readonly dockerfile: string;
  readonly target: string;
  readonly platforms: readonly string[];
  readonly args: Readonly<Record<string, string>>;
  /** Context name (`context` for the main one) → its files, sorted by path. */
  readonly files: Readonly<Record<string, readonly FilePart[]>>;
  /** External image as written → digest to which it was resolved in this run, and to which the build is pinned. */
  readonly images: Readonly<Record<string, string>>;
  /**
   * Context name or reference of another build → digest of its result or, if only files are copied from it (COPY,
   * mounts), the digest that identifies its layers.
   */
  readonly parents: Readonly<Record<string, string>>;
  /** Every other option that changes bytes: labels, annotations, attest, compression, network, … */
  readonly options: Readonly<Record<string, string>>;
  /**
   * It contains seals in place of sensitive values, so the key is valid only on this machine. Not part of the key itself.
   */
  readonly sealed?: true;
}

/** The manifest of one platform in the result. */
export interface PlatformManifest {
  /** Normalised: `linux/amd64`. */
  readonly platform: string;
  /** Of its manifest. */
  readonly digest: Digest;
  /** Identifies its layers in order: equal for equal files, regardless of the config. Undefined: not read. */
  readonly layers?: Digest;
}

/** A successful build, remembered. */
export interface BuildRecord {
  /** Version of the record's layout. */
  readonly version: number;
  /** The build's key. */
  readonly key: BuildKey;
  /** Name of the build. */
  readonly build: string;
  /** Digest that tags point at: of a manifest, or of an index for several platforms or attestations. */
  readonly digest: Digest;
  /** Media type of that manifest or index. */
  readonly mediaType: string;
  /** Compressed size of config and layers of all platforms, in bytes; undefined if it could not be read. */
  readonly sizeBytes?: number;
  /** The manifests in it, one for each platform. */
  readonly platforms: readonly PlatformManifest[];
  /** References that pointed at the result after its push. */
  readonly refs: readonly string[];
  /** ISO 8601. */
  readonly finishedAt: string;
  /** How long the build took (milliseconds). */
  readonly durationMs: number;
  /** Steps of the Dockerfile, without FROM: how many there are, and how many came from the cache. */
  readonly steps: { readonly total: number; readonly cached: number };
  /** Its key contains sealed parts, which no other machine can reproduce, so the record is not shared. */
  readonly local?: true;
  /**
   * Another machine made it, and the only evidence are the records in these repositories (`HOST/REPOSITORY:TAG`).
   * Undefined: made here, or signed with the key. Only on this machine; never shared.
   */
  readonly vouchedBy?: readonly string[];
  /** Where it was found among the shared records, or stored there. Only on this machine; never shared. */
  readonly sharedWith?: readonly string[];
}
