/**
 * What a fake registry keeps: repositories with blobs, manifests by digest, tags, and uploads under way. Knows nothing
 * of HTTP. Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Digest } from '../../lib/model/mod.ts';

/** A manifest or index as it was pushed. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What a manifest names, as far as a registry cares. */
interface Named {
  readonly blobs: readonly string[];
  readonly manifests: readonly string[];
}

interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, Digest>;
}

/** An upload that was begun. */
export interface Upload {
  readonly id: string;
  readonly repository: string;
  bytes: Buffer;
}

/** The sha256 digest of some bytes. */
export function digestOfBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The storage of one registry. */
export class FakeRegistryStore {
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, Upload>();

  /** A blob of a repository; undefined where it has none of that digest. */
  blob(repository: string, digest: string): Buffer | undefined {
    return this.#repositories.get(repository)?.blobs.get(digest);
  }

  /** @param claimed what whoever pushed says that its digest is, for registries that believe it */
  putBlob(repository: string, bytes: Buffer, claimed?: Digest): Digest {
    const digest = claimed ?? digestOfBytes(bytes);
    this.#repository(repository).blobs.set(digest, bytes);
    return digest;
  }

  deleteBlob(repository: string, digest: string): boolean {
    return this.#repositories.get(repository)?.blobs.delete(digest) === true;
  }

  /** Takes a blob over from another repository; false where that has none. */
  mount(repository: string, from: string, digest: string): boolean {
    const bytes = this.blob(from, digest);
    if (bytes !== undefined) this.putBlob(repository, bytes);
    return bytes !== undefined;
  }

  /** A manifest by tag or digest. */
  manifest(repository: string, reference: string): StoredManifest | undefined {
    const known = this.#repositories.get(repository);
    return known?.manifests.get(known.tags.get(reference) ?? reference);
  }

  /** Digests of all manifests of a repository. */
  manifestsOf(repository: string): readonly string[] {
    return [...(this.#repositories.get(repository)?.manifests.keys() ?? [])];
  }

  putManifest(
    repository: string,
    reference: string,
    given: Pick<StoredManifest, 'mediaType' | 'bytes'>,
  ): StoredManifest {
    const manifest = { ...given, digest: digestOfBytes(given.bytes) };
    const into = this.#repository(repository);
    into.manifests.set(manifest.digest, manifest);
    if (!reference.startsWith('sha256:')) into.tags.set(reference, manifest.digest);
    return manifest;
  }

  /** By digest: the manifest and all tags that point at it. By tag: the tag. */
  deleteManifest(repository: string, reference: string): boolean {
    const known = this.#repositories.get(repository);
    if (known === undefined) return false;
    if (!reference.startsWith('sha256:')) return known.tags.delete(reference);
    for (const [tag, digest] of known.tags) if (digest === reference) known.tags.delete(tag);
    return known.manifests.delete(reference);
  }

  /** What is named and not there: digests. Empty: the manifest is wholly there. */
  missingBelow(repository: string, manifest: Pick<StoredManifest, 'bytes'>): readonly string[] {
    const { blobs, manifests } = namedBy(manifest.bytes);
    return [
      ...blobs.filter((digest) => this.blob(repository, digest) === undefined),
      ...manifests.flatMap((digest) => {
        const child = this.manifest(repository, digest);
        return child === undefined ? [digest] : this.missingBelow(repository, child);
      }),
    ];
  }

  /** Loses a repository; default: all of them. */
  clear(repository?: string): void {
    if (repository === undefined) this.#repositories.clear();
    else this.#repositories.delete(repository);
  }

  beginUpload(repository: string): Upload {
    const upload: Upload = { id: randomUUID(), repository, bytes: Buffer.alloc(0) };
    this.#uploads.set(upload.id, upload);
    return upload;
  }

  upload(id: string): Upload | undefined {
    return this.#uploads.get(id);
  }

  endUpload(id: string): void {
    this.#uploads.delete(id);
  }

  /** Uploads that were begun and neither ended nor cancelled. */
  get openUploads(): number {
    return this.#uploads.size;
  }

  /** `repository:tag` → digest, sorted. */
  tags(): Readonly<Record<string, Digest>> {
    const all = [...this.#repositories].flatMap(([name, { tags }]) =>
      [...tags].map(([tag, digest]) => [`${name}:${tag}`, digest] as const),
    );
    return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Tags of one repository, sorted; undefined where there is no such repository. */
  tagsOf(repository: string): readonly string[] | undefined {
    const known = this.#repositories.get(repository);
    return known === undefined ? undefined : [...known.tags.keys()].sort();
  }

  /** Blobs that are not what their digest says: `repository@digest`. */
  wrongBlobs(): readonly string[] {
    return [...this.#repositories].flatMap(([name, { blobs }]) =>
      [...blobs].flatMap(([digest, bytes]) => (digestOfBytes(bytes) === digest ? [] : [`${name}@${digest}`])),
    );
  }

  /** Tags that point at something that is not wholly there: `repository:tag: digest …`. */
  brokenTags(): readonly string[] {
    return Object.entries(this.tags()).flatMap(([name, digest]) => {
      const repository = name.slice(0, name.lastIndexOf(':'));
      const manifest = this.manifest(repository, digest);
      const missing = manifest === undefined ? [digest] : this.missingBelow(repository, manifest);
      return missing.length === 0 ? [] : [`${name}: ${missing.join(' ')}`];
    });
  }

  #repository(name: string): Repository {
    const known = this.#repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, known);
    return known;
  }
}

function namedBy(bytes: Buffer): Named {
  const json = JSON.parse(bytes.toString()) as {
    readonly config?: { readonly digest: string };
    readonly layers?: readonly { readonly digest: string }[];
    readonly manifests?: readonly { readonly digest: string }[];
  };
  const digests = (list: readonly { readonly digest: string }[] = []) => list.map(({ digest }) => digest);
  return {
    blobs: digests([...(json.config === undefined ? [] : [json.config]), ...(json.layers ?? [])]),
    manifests: digests(json.manifests),
  };
}
