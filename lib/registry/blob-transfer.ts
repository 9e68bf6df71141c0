/** The blobs of one image on their way into a repository. */
import { type Digest, type ImageRef, isSameRepository, ok, type Result } from '../model/mod.ts';
import { type BlobSource, type Uploaded, uploadBlob } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import { createGate } from './gate.ts';
import type { Descriptor } from './manifest.ts';

/** What a transfer works with. */
export interface TransferOptions {
  readonly exchange: Exchange;
  readonly to: ImageRef;
  /** Where the bytes of a blob are. */
  readonly sourceOf: (blob: Descriptor) => BlobSource;
  /** Called after each blob that went through us, with its size. */
  readonly onBlob?: ((digest: Digest, sizeBytes: number) => void) | undefined;
  /** Shared by transfers that go on at the same time. */
  readonly brought?: BroughtBlobs | undefined;
}

/** More would only wait for one another at the registries' own limits, with their sources held open. */
const BLOBS_AT_ONCE = 8;

/**
 * What the transfers of one client brought where. Images of one plan have layers in common: these go over the line once for
 * each registry, and are mounted from there into other repositories of it.
 */
export class BroughtBlobs {
  readonly #holders = new Map<string, Promise<ImageRef | undefined>>();
  readonly #gate = createGate(BLOBS_AT_ONCE);

  /** @param upload gets another repository of the target's registry that has the blob, if one is known */
  async bring(
    to: ImageRef,
    digest: Digest,
    upload: (near: ImageRef | undefined) => Promise<Result<Uploaded>>,
  ): Promise<Result<Uploaded>> {
    const key = `${to.registry} ${digest}`;
    const known = this.#holders.get(key);
    if (known !== undefined) {
      const near = await known;
      return this.#pass(() => upload(near === undefined || isSameRepository(near, to) ? undefined : near));
    }
    const uploading = this.#pass(() => upload(undefined));
    const holder = uploading.then(
      (one) => (one.ok ? to : undefined),
      () => undefined,
    );
    this.#holders.set(key, holder);
    if ((await holder) === undefined) this.#holders.delete(key);
    return uploading;
  }

  async #pass<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#gate.enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }
}

/** What a transfer did. */
export interface TransferCounts {
  readonly blobs: { readonly mounted: number; readonly copied: number; readonly there: number };
  /** Bytes that went through us. */
  readonly copiedBytes: number;
}

/** Uploads blobs, each once though many platforms may share it, and counts them. */
export class BlobTransfer {
  readonly #options: TransferOptions;
  readonly #underWay = new Map<Digest, Promise<Result<void>>>();
  #mounted = 0;
  #copied = 0;
  #there = 0;
  #copiedBytes = 0;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** What was done so far. */
  counts(): TransferCounts {
    const blobs = { mounted: this.#mounted, copied: this.#copied, there: this.#there };
    return { blobs, copiedBytes: this.#copiedBytes };
  }

  /** Makes sure that the target has a blob. */
  upload(blob: Descriptor): Promise<Result<void>> {
    let uploading = this.#underWay.get(blob.digest);
    if (uploading === undefined) {
      uploading = this.#upload(blob);
      this.#underWay.set(blob.digest, uploading);
    }
    return uploading;
  }

  async #upload(blob: Descriptor): Promise<Result<void>> {
    const { exchange, to, sourceOf, onBlob, brought } = this.#options;
    const source = sourceOf(blob);
    const upload = (near?: ImageRef) => uploadBlob(exchange, { to, blob, source, near });
    const uploaded = await (brought === undefined ? upload() : brought.bring(to, blob.digest, upload));
    if (!uploaded.ok) return uploaded;
    if (uploaded.value === 'there') this.#there += 1;
    else if (uploaded.value === 'mounted') this.#mounted += 1;
    else {
      this.#copied += 1;
      this.#copiedBytes += blob.sizeBytes;
      onBlob?.(blob.digest, blob.sizeBytes);
    }
    return ok(undefined);
  }
}
