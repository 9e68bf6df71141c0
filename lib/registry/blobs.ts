/**
 * Carries blobs from one repository to another: mounted where the registry can do that by itself, else streamed through
 * us without being stored. Spec: "Mounting a blob from another repository", "POST then PUT".
 */
import { createHash } from 'node:crypto';
import { type Digest, fail, type ImageRef, ok, type Problem, type Result } from '../model/mod.ts';
import type { Exchange } from './exchange.ts';
import type { Descriptor } from './manifest.ts';
import { badDigest, connectionProblem, strangeAnswer } from './problems.ts';
import { pullScope, pushScope } from './scope.ts';
import type { Reply } from './wire.ts';

const ATTEMPTS = 3;

/** Carries blobs between two repositories and counts them. */
export class BlobCarrier {
  readonly #exchange: Exchange;
  readonly #from: ImageRef;
  readonly #to: ImageRef;
  readonly #onBlob: ((digest: Digest, sizeBytes: number) => void) | undefined;
  readonly #underWay = new Map<Digest, Promise<Result<void>>>();
  #mounted = 0;
  #copied = 0;
  #there = 0;
  #copiedBytes = 0;

  constructor(
    exchange: Exchange,
    from: ImageRef,
    to: ImageRef,
    onBlob: ((digest: Digest, sizeBytes: number) => void) | undefined,
  ) {
    this.#exchange = exchange;
    this.#from = from;
    this.#to = to;
    this.#onBlob = onBlob;
  }

  /** What was done so far. */
  counts(): {
    readonly blobs: { readonly mounted: number; readonly copied: number; readonly there: number };
    readonly copiedBytes: number;
  } {
    const blobs = { mounted: this.#mounted, copied: this.#copied, there: this.#there };
    return { blobs, copiedBytes: this.#copiedBytes };
  }

  /** Makes sure that the target has a blob; once for each, though many platforms may share it. */
  carry(blob: Descriptor): Promise<Result<void>> {
    let carrying = this.#underWay.get(blob.digest);
    if (carrying === undefined) {
      carrying = this.#carry(blob);
      this.#underWay.set(blob.digest, carrying);
    }
    return carrying;
  }

  async #carry(blob: Descriptor): Promise<Result<void>> {
    let upload: Reply | undefined;
    if (this.#from.registry === this.#to.registry) {
      const query = `?mount=${blob.digest}&from=${encodeURIComponent(this.#from.repository)}`;
      const mounted = await this.#begin(query, [201, 202]);
      if (!mounted.ok) return mounted;
      if (mounted.value.status === 201) {
        this.#mounted += 1;
        return ok(undefined);
      }
      // The registry does not mount, and has begun an upload in place of it.
      upload = mounted.value;
    } else {
      const known = await this.#exchange.call({
        method: 'HEAD',
        host: this.#to.registry,
        target: `/v2/${this.#to.repository}/blobs/${blob.digest}`,
        repository: this.#to.repository,
        scopes: [pushScope(this.#to.repository)],
        accept: [200, 404],
      });
      if (!known.ok) return known;
      if (known.value.status === 200) {
        this.#there += 1;
        return ok(undefined);
      }
    }
    for (let attempt = 1; ; attempt += 1) {
      const sent = await this.#stream(blob, upload);
      if (sent.ok) {
        this.#copied += 1;
        this.#copiedBytes += blob.sizeBytes;
        this.#onBlob?.(blob.digest, blob.sizeBytes);
        return sent;
      }
      if (attempt >= ATTEMPTS || sent.error[0]?.temporary !== true) return sent;
      upload = undefined;
    }
  }

  async #begin(query: string, accept: readonly number[]): Promise<Result<Reply>> {
    return await this.#exchange.call({
      method: 'POST',
      host: this.#to.registry,
      target: `/v2/${this.#to.repository}/blobs/uploads/${query}`,
      repository: this.#to.repository,
      scopes:
        query === ''
          ? [pushScope(this.#to.repository)]
          : [pushScope(this.#to.repository), pullScope(this.#from.repository)],
      accept,
    });
  }

  async #stream(blob: Descriptor, begun: Reply | undefined): Promise<Result<void>> {
    const source = await this.#exchange.call({
      method: 'GET',
      host: this.#from.registry,
      target: `/v2/${this.#from.repository}/blobs/${blob.digest}`,
      repository: this.#from.repository,
      scopes: [pullScope(this.#from.repository)],
      stream: true,
      accept: [200],
    });
    if (!source.ok) return source;
    const { stream, url } = source.value;
    if (stream === undefined) return ok(undefined);
    const asked = { method: 'GET', url };
    let cause: Problem | undefined;
    const checked = check(stream, blob, (found, error) => {
      cause =
        found === undefined
          ? connectionProblem(this.#from.registry, asked, error, 1)
          : badDigest(this.#from.registry, asked, blob.digest, found);
    });
    try {
      const upload = begun === undefined ? await this.#begin('', [202]) : ok(begun);
      if (!upload.ok) return upload;
      const target = uploadTarget(upload.value, blob.digest);
      if (target === undefined) {
        const { url: at } = upload.value;
        return fail([strangeAnswer(this.#to.registry, { method: 'POST', url: at }, 'no place to upload to')]);
      }
      const put = await this.#exchange.call({
        method: 'PUT',
        host: this.#to.registry,
        target,
        repository: this.#to.repository,
        scopes: [pushScope(this.#to.repository)],
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.sizeBytes) },
        body: checked,
        upload: true,
        accept: [201, 204],
      });
      if (put.ok) return ok(undefined);
      return cause === undefined ? put : fail([cause]);
    } finally {
      await letGo(stream);
    }
  }
}

/**
 * Uploads a small blob that is in memory, unless the repository has it.
 * Spec: "Checking if content exists", "POST then PUT".
 */
export async function putBlob(
  exchange: Exchange,
  to: ImageRef,
  bytes: Uint8Array,
  digest: Digest,
): Promise<Result<void>> {
  const place = { host: to.registry, repository: to.repository, scopes: [pushScope(to.repository)] };
  const known = await exchange.call({
    ...place,
    method: 'HEAD',
    target: `/v2/${to.repository}/blobs/${digest}`,
    accept: [200, 404],
  });
  if (!known.ok) return known;
  if (known.value.status === 200) return ok(undefined);
  const upload = await exchange.call({
    ...place,
    method: 'POST',
    target: `/v2/${to.repository}/blobs/uploads/`,
    accept: [202],
  });
  if (!upload.ok) return upload;
  const target = uploadTarget(upload.value, digest);
  if (target === undefined) {
    return fail([
      strangeAnswer(to.registry, { method: 'POST', url: upload.value.url }, 'no place to upload to'),
    ]);
  }
  const put = await exchange.call({
    ...place,
    method: 'PUT',
    target,
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
    upload: true,
    accept: [201, 204],
  });
  return put.ok ? ok(undefined) : put;
}

/** What became of an upload. */
export type Uploaded = 'there' | 'sent';

/**
 * Uploads a blob that is read from somewhere else than a registry, unless the repository has it. `open` starts reading
 * it from its beginning; it is called again where an attempt failed that another one may mend.
 *
 * @param onUnreadable what to say where reading failed, or gave other bytes than the digest's
 */
export async function uploadBlob(
  exchange: Exchange,
  to: ImageRef,
  blob: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  onUnreadable: (actual: string | undefined, error: unknown) => Problem,
): Promise<Result<Uploaded>> {
  const place = { host: to.registry, repository: to.repository, scopes: [pushScope(to.repository)] };
  const target = `/v2/${to.repository}/blobs/${blob.digest}`;
  const known = await exchange.call({ ...place, method: 'HEAD', target, accept: [200, 404] });
  if (!known.ok) return known;
  if (known.value.status === 200) return ok('there');
  for (let attempt = 1; ; attempt += 1) {
    let cause: Problem | undefined;
    const body = check(open(), blob, (actual, error) => {
      cause = onUnreadable(actual, error);
    });
    const sent = await sendBlob(exchange, to, blob, body);
    if (sent.ok) return ok('sent');
    if (cause !== undefined) return fail([cause]);
    if (attempt >= ATTEMPTS || sent.error[0]?.temporary !== true) return sent;
  }
}

async function sendBlob(
  exchange: Exchange,
  to: ImageRef,
  { digest, sizeBytes }: Descriptor,
  body: AsyncIterable<Uint8Array>,
): Promise<Result<void>> {
  const place = { host: to.registry, repository: to.repository, scopes: [pushScope(to.repository)] };
  const begun = await exchange.call({
    ...place,
    method: 'POST',
    target: `/v2/${to.repository}/blobs/uploads/`,
    accept: [202],
  });
  if (!begun.ok) return begun;
  const target = uploadTarget(begun.value, digest);
  if (target === undefined) {
    const asked = { method: 'POST', url: begun.value.url };
    return fail([strangeAnswer(to.registry, asked, 'no place to upload to')]);
  }
  const put = await exchange.call({
    ...place,
    method: 'PUT',
    target,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) },
    body,
    upload: true,
    accept: [201, 204],
  });
  return put.ok ? ok(undefined) : put;
}

/** Where the bytes go: `Location`, with the digest added and everything else left as it is. */
function uploadTarget(begun: Reply, digest: Digest): URL | undefined {
  const location = begun.header('location');
  if (location === undefined || !URL.canParse(location, begun.url.href)) return undefined;
  const target = new URL(location, begun.url);
  // Registries behind a TLS proxy often do not know that they are spoken to by https.
  if (
    begun.url.protocol === 'https:' &&
    target.protocol === 'http:' &&
    target.hostname === begun.url.hostname
  ) {
    target.protocol = 'https:';
  }
  target.search = `${target.search === '' ? '?' : `${target.search}&`}digest=${encodeURIComponent(digest)}`;
  return target;
}

/** Passes bytes on; the last piece only when the whole is known to be right, so that a wrong blob is never complete. */
async function* check(
  stream: AsyncIterable<Uint8Array>,
  blob: Descriptor,
  onFailure: (actual: string | undefined, error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let length = 0;
  let held: Uint8Array | undefined;
  try {
    for await (const piece of stream) {
      hash.update(piece);
      length += piece.length;
      if (length > blob.sizeBytes) break;
      if (held !== undefined) yield held;
      held = piece;
    }
  } catch (error) {
    onFailure(undefined, error);
    throw error;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (length !== blob.sizeBytes || actual !== blob.digest) {
    onFailure(
      length === blob.sizeBytes ? actual : `${length > blob.sizeBytes ? 'more than ' : ''}${length} bytes`,
      undefined,
    );
    throw new Error('the blob is not what its digest says');
  }
  if (held !== undefined) yield held;
}

/** Frees the connection of a stream that was not read to its end. */
async function letGo(stream: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of stream) break;
  } catch {
    // It was cut or destroyed already, which is what was wanted.
  }
}
