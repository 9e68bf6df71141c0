/** The blobs of one image on their way into a repository. */
import { type Digest, type ImageRef, ok, type Result } from '../model/mod.ts';
import { type BlobSource, uploadBlob } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import type { Descriptor } from './manifest.ts';

/** What a transfer works with. */
export interface TransferOptions {
  readonly exchange: Exchange;
  readonly to: ImageRef;
  /** Where the bytes of a blob are. */
  readonly sourceOf: (blob: Descriptor) => BlobSource;
  /** Called after each blob that went through us, with its size. */
  readonly onBlob?: ((digest: Digest, sizeBytes: number) => void) | undefined;
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
    const { exchange, to, sourceOf, onBlob } = this.#options;
    const uploaded = await uploadBlob(exchange, { to, blob, source: sourceOf(blob) });
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
