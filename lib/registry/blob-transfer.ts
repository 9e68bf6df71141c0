/** Uploads the blobs of one image to a repository. */
import {
  type Digest,
  formatImageRef,
  type ImageRef,
  isSameRepository,
  ok,
  type Result,
} from '../model/mod.ts';
import { type BlobSource, type Uploaded, uploadBlob } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import { createGate } from './gate.ts';
import type { Descriptor } from './manifest.ts';

/** Progress of one blob of a transfer. */
export interface BlobProgress {
  /** The target repository: `REGISTRY/PATH`. */
  readonly repository: string;
  /** Digest of the blob. */
  readonly digest: Digest;
  /** Bytes sent; 0 again if sending restarts. Some of them may not have arrived yet. */
  readonly sentBytes: number;
  /** Size of the blob, which `sentBytes` never exceeds. */
  readonly totalBytes: number;
  /**
   * `waiting`: it may have to be sent. `sending`: it is being sent. The other states are final: `there` and `mounted` needed no
   * bytes, `sent` was confirmed by the registry.
   */
  readonly state: 'waiting' | 'sending' | 'there' | 'mounted' | 'sent' | 'failed';
}

/** Receives the progress of blobs: the bytes of each at most ten times a second, the other states once. */
export type OnBlob = (progress: BlobProgress) => void;

/** The input of a transfer. */
export interface TransferOptions {
  readonly exchange: Exchange;
  readonly to: ImageRef;
  /** Returns the source of a blob's bytes. */
  readonly sourceOf: (blob: Descriptor) => BlobSource;
  readonly onBlob?: OnBlob | undefined;
  /** Shared by concurrent transfers. */
  readonly brought?: BroughtBlobs | undefined;
}

/** More transfers would only wait at the registries' limits and keep their sources open. */
const BLOBS_AT_ONCE = 8;
/** Interval between two reports of a blob's bytes. */
const PROGRESS_MS = 100;

/**
 * Remembers which repositories have which blobs after the transfers of one client. Images of one plan share layers: these are
 * sent once to each registry, and mounted into its other repositories from there.
 */
export class BroughtBlobs {
  readonly #holders = new Map<string, Promise<ImageRef | undefined>>();
  readonly #gate = createGate(BLOBS_AT_ONCE);

  /** @param upload is passed another repository of the target's registry that has the blob, if one is known */
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

/** Counts of a transfer. */
export interface TransferCounts {
  /** Blobs that were mounted from another repository of the registry, that were sent, and that were there already. */
  readonly blobs: { readonly mounted: number; readonly copied: number; readonly there: number };
  /** Bytes that this process sent. */
  readonly copiedBytes: number;
}

/** Uploads blobs and counts them. A blob that several platforms share is uploaded once. */
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

  /** The counts so far. */
  counts(): TransferCounts {
    const blobs = { mounted: this.#mounted, copied: this.#copied, there: this.#there };
    return { blobs, copiedBytes: this.#copiedBytes };
  }

  /** Reports blobs as `waiting` before it is known which of them must be sent. */
  announce(blobs: readonly Descriptor[]): void {
    for (const blob of blobs) if (!this.#underWay.has(blob.digest)) this.#tell(blob, 'waiting', 0);
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
    const { exchange, to, sourceOf, brought } = this.#options;
    const source = sourceOf(blob);
    const meter = new Meter(blob.sizeBytes, (sentBytes) => this.#tell(blob, 'sending', sentBytes));
    const onBytes = (sentBytes: number) => meter.take(sentBytes);
    const upload = (near?: ImageRef) => uploadBlob(exchange, { to, blob, source, near, onBytes });
    const uploaded = await (brought === undefined ? upload() : brought.bring(to, blob.digest, upload));
    meter.stop();
    const isSent = uploaded.ok && uploaded.value === 'sent';
    this.#tell(blob, uploaded.ok ? uploaded.value : 'failed', isSent ? blob.sizeBytes : 0);
    if (!uploaded.ok) return uploaded;
    if (uploaded.value === 'there') this.#there += 1;
    else if (uploaded.value === 'mounted') this.#mounted += 1;
    else {
      this.#copied += 1;
      this.#copiedBytes += blob.sizeBytes;
    }
    return ok(undefined);
  }

  #tell(
    { digest, sizeBytes: totalBytes }: Descriptor,
    state: BlobProgress['state'],
    sentBytes: number,
  ): void {
    const { registry, repository } = this.#options.to;
    this.#options.onBlob?.({
      repository: formatImageRef({ registry, repository }),
      digest,
      sentBytes,
      totalBytes,
      state,
    });
  }
}

/** Reports sent bytes at intervals. The first and the last byte are reported at once. */
class Meter {
  readonly #totalBytes: number;
  readonly #tell: (sentBytes: number) => void;
  #sentBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(totalBytes: number, tell: (sentBytes: number) => void) {
    this.#totalBytes = totalBytes;
    this.#tell = tell;
  }

  take(sentBytes: number): void {
    this.#sentBytes = sentBytes;
    if (sentBytes === 0 || sentBytes === this.#totalBytes) this.#tellNow();
    else this.#timer ??= setTimeout(() => this.#tellNow(), PROGRESS_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tellNow(): void {
    this.stop();
    this.#tell(this.#sentBytes);
  }
}
