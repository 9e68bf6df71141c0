/**
 * What is remembered of a successful build. Stored under its key, so that going back to an earlier state of the files
 * finds the earlier result. Layout is versioned: a record of another version is as good as none.
 */
import type { Digest } from './image-ref.ts';

/** Version of the key's canonical form and of the record. Raise it whenever either changes its meaning. */
export const KEY_VERSION = 1;

/** sha256 (hexadecimal) of the canonical form of a build's inputs. */
export type BuildKey = string;

/** One file of a context as it counts for the key. */
export interface FilePart {
  /** Relative to the context, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'other';
  /** Permission bits incl. setuid, setgid and sticky. */
  readonly mode: number;
  /** sha256 of the content of a file; text of a symlink; empty for the rest. */
  readonly content: string;
}

/**
 * Everything that can change the image, spelled out so that two keys can be compared part by part. Every map is
 * written in sorted order of its keys. Paths are relative to their context, with `/`.
 */
export interface KeyParts {
  readonly version: number;
  readonly dockerfile: string;
  readonly target: string;
  readonly platforms: readonly string[];
  readonly args: Readonly<Record<string, string>>;
  /** Context name (`context` for the main one) → its files, sorted by path. */
  readonly files: Readonly<Record<string, readonly FilePart[]>>;
  /** External image as written → digest it was resolved to in this run (and is pinned to in the build). */
  readonly images: Readonly<Record<string, string>>;
  /**
   * Context name or reference of another build → digest of its result; where only files are copied from it (COPY, mounts),
   * the digest that names its layers.
   */
  readonly parents: Readonly<Record<string, string>>;
  /** Every other option that changes bytes: labels, annotations, attest, compression, network, … */
  readonly options: Readonly<Record<string, string>>;
  /** Sensitive values stand in it as seals, so its key holds on this machine alone. Not a part of the key itself. */
  readonly sealed?: true;
}

/** A platform's own manifest inside the result. */
export interface PlatformManifest {
  /** Normalised: `linux/amd64`. */
  readonly platform: string;
  /** Of its manifest. */
  readonly digest: Digest;
  /** Names its layers in their order: equal where the files are, whatever the config says. Undefined: not read. */
  readonly layers?: Digest;
}

/** A successful build, remembered. */
export interface BuildRecord {
  /** Version of the record's layout. */
  readonly version: number;
  /** The key that the build had. */
  readonly key: BuildKey;
  /** Name of the build. */
  readonly build: string;
  /** Digest of what tags point at: a manifest, or an index for several platforms or attestations. */
  readonly digest: Digest;
  /** Media type of that manifest or index. */
  readonly mediaType: string;
  /** Sum of config and layers (all platforms), in bytes, compressed; undefined where it could not be read. */
  readonly sizeBytes?: number;
  /** The manifests in it, one for each platform. */
  readonly platforms: readonly PlatformManifest[];
  /** References the result was seen under, after its push. */
  readonly refs: readonly string[];
  /** ISO 8601. */
  readonly finishedAt: string;
  /** How long the build took (milliseconds). */
  readonly durationMs: number;
  /** Steps of the Dockerfile, without FROM: how many there are, and how many came from the cache. */
  readonly steps: { readonly total: number; readonly cached: number };
  /** Its key was made of sealed parts: no other machine can come to it, so it is shared with none. */
  readonly local?: true;
  /**
   * Another machine made it, and nothing proves it but that the records in these repositories (`HOST/REPOSITORY:TAG`) said
   * so. Undefined: made here, or signed by whoever has the key. On this machine only; never shared.
   */
  readonly vouchedBy?: readonly string[];
  /** Where it was seen among the shared records, or put there. On this machine only; never shared. */
  readonly sharedWith?: readonly string[];
}
