/**
 * Uploads or mounts blobs into a repository. Spec: "Checking if content exists", "Mounting a blob from another repository", "POST
 * then PUT".
 */
import { createHash } from 'node:crypto';
import { type Digest, fail, type ImageRef, ok, type Problem, type Result } from '../model/mod.ts';
import type { Exchange } from './exchange.ts';
import type { Descriptor } from './manifest.ts';
import { badDigest, connectionProblem, strangeAnswer } from './problems.ts';
import { requestBlob } from './read-blob.ts';
import { pullScope, pushScope } from './scope.ts';
import { freeConnection, type Reply } from './wire.ts';

const ATTEMPTS = 3;

/** Refusals of a mount after which the blob is sent. If the registry does not answer, the upload fails. */
const REFUSALS: ReadonlySet<string> = new Set([
  'registry/denied',
  'registry/not-found',
  'registry/rejected',
  'registry/unauthorized',
  'registry/unavailable',
  'registry/unexpected-answer',
]);

/** The source of a blob's bytes: verified bytes in memory, or a reader. */
export type BlobSource =
  | Uint8Array
  | {
      /** Starts reading from the beginning. Called again to retry after a temporary failure. */
      readonly open: () => Promise<Result<BlobReading>>;
      /** A repository that has the blob. If it is in the target's registry, mounting is tried first. */
      readonly repository?: ImageRef;
    };

/** A blob that is being read. */
export interface BlobReading {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Returns the problem if reading failed or the bytes do not match the digest. */
  readonly explain: (actual: string | undefined, error: unknown) => Problem;
  /** Call it at the end, even if nothing was read. */
  readonly close?: () => Promise<void>;
}

/** A blob to upload into a repository. */
export interface BlobUpload {
  readonly to: ImageRef;
  readonly blob: Pick<Descriptor, 'digest' | 'sizeBytes'>;
  readonly source: BlobSource;
  /** Another repository of the target's registry that has the blob, to mount it from there. */
  readonly near?: ImageRef | undefined;
  /** Called with the bytes sent in the current attempt: 0 when it starts, never more than the blob's size. */
  readonly onBytes?: ((sentBytes: number) => void) | undefined;
}

/** How the blob got into the repository. */
export type Uploaded = 'there' | 'mounted' | 'sent';

/** Makes sure that a repository has a blob: mounts it if the registry can, and sends it only if necessary. */
export async function uploadBlob(exchange: Exchange, upload: BlobUpload): Promise<Result<Uploaded>> {
  const { to, blob, source } = upload;
  let begun: Reply | undefined;
  const repository = source instanceof Uint8Array ? undefined : source.repository;
  if (repository?.registry === to.registry) {
    const mounted = await mountBlob(exchange, upload, repository);
    if (mounted.ok && mounted.value.status === 201) return ok('mounted');
    const isRefused = !mounted.ok && mounted.error.every(({ code }) => REFUSALS.has(code));
    // If it was not mounted it is sent. Permission is checked before the source is read.
    const sending = isRefused ? await beginUpload(exchange, to) : mounted;
    if (!sending.ok) return sending;
    begun = sending.value;
  } else if (!(source instanceof Uint8Array)) {
    // Bytes in memory are few: a check would take as long as sending them.
    const known = await exchange.call({
      ...pushingTo(to),
      method: 'HEAD',
      target: `/v2/${to.repository}/blobs/${blob.digest}`,
      accept: [200, 404],
    });
    if (!known.ok) return known;
    if (known.value.status === 200) return ok('there');
    const mounted = upload.near === undefined ? undefined : await mountBlob(exchange, upload, upload.near);
    if (mounted?.ok === true && mounted.value.status === 201) return ok('mounted');
    // If mounting is refused, the blob is sent.
    if (mounted?.ok === true) begun = mounted.value;
  }
  if (source instanceof Uint8Array) return await sendBlob(exchange, { to, blob, body: source });
  for (let attempt = 1; ; attempt += 1) {
    const opened = await source.open();
    const sent = opened.ok ? await sendReading(exchange, upload, opened.value, begun) : opened;
    if (sent.ok || attempt >= ATTEMPTS || sent.error[0]?.temporary !== true) return sent;
    begun = undefined;
  }
}

/** Starts an upload; its `Location` is where the bytes are sent. */
export async function beginUpload(exchange: Exchange, to: ImageRef): Promise<Result<Reply>> {
  return await exchange.call({
    ...pushingTo(to),
    method: 'POST',
    target: `/v2/${to.repository}/blobs/uploads/`,
    accept: [202],
  });
}

/** A blob of another repository: mounted from there, or streamed through this process without being stored. */
export function blobOfRepository(exchange: Exchange, from: ImageRef, digest: Digest): BlobSource {
  const open = async (): Promise<Result<BlobReading>> => {
    const reply = await requestBlob(exchange, from, digest);
    if (!reply.ok) return reply;
    const { stream, url } = reply.value;
    const asked = { method: 'GET', url };
    return ok({
      stream,
      explain: (actual, error) =>
        actual === undefined
          ? connectionProblem(from.registry, asked, error, 1)
          : badDigest(from.registry, asked, digest, actual),
      close: () => freeConnection(stream),
    });
  };
  return { open, repository: from };
}

function pushingTo({ registry, repository }: ImageRef) {
  return { host: registry, repository, scopes: [pushScope(repository)] };
}

async function mountBlob(
  exchange: Exchange,
  { to, blob }: BlobUpload,
  from: ImageRef,
): Promise<Result<Reply>> {
  const query = `mount=${blob.digest}&from=${encodeURIComponent(from.repository)}`;
  return await exchange.call({
    ...pushingTo(to),
    method: 'POST',
    target: `/v2/${to.repository}/blobs/uploads/?${query}`,
    scopes: [pushScope(to.repository), pullScope(from.repository)],
    accept: [201, 202],
  });
}

/** One attempt to send bytes as they are read, with verification on the way. */
async function sendReading(
  exchange: Exchange,
  { to, blob, onBytes }: BlobUpload,
  reading: BlobReading,
  begun: Reply | undefined,
): Promise<Result<'sent'>> {
  let cause: Problem | undefined;
  const checked = checkBytes(reading.stream, blob, (actual, error) => {
    cause = reading.explain(actual, error);
  });
  onBytes?.(0);
  const body = onBytes === undefined ? checked : countBytes(checked, onBytes);
  try {
    const sent = await sendBlob(exchange, { to, blob, body, begun });
    return cause === undefined || sent.ok ? sent : fail([cause]);
  } finally {
    await reading.close?.();
  }
}

interface Sending extends Pick<BlobUpload, 'to' | 'blob'> {
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The answer to the request that started the upload, if there was one. */
  readonly begun?: Reply | undefined;
}

async function sendBlob(exchange: Exchange, { to, blob, body, begun }: Sending): Promise<Result<'sent'>> {
  const upload = begun === undefined ? await beginUpload(exchange, to) : ok(begun);
  if (!upload.ok) return upload;
  const target = uploadTarget(upload.value, blob.digest);
  if (target === undefined) {
    const asked = { method: 'POST', url: upload.value.url };
    return fail([strangeAnswer(to.registry, asked, 'no address to upload to')]);
  }
  const put = await exchange.call({
    ...pushingTo(to),
    method: 'PUT',
    target,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.sizeBytes) },
    body,
    upload: true,
    accept: [201, 204],
  });
  return put.ok ? ok('sent') : put;
}

/** The upload URL: `Location` with the digest added and everything else unchanged. */
function uploadTarget(begun: Reply, digest: Digest): URL | undefined {
  const location = begun.header('location');
  if (location === undefined || !URL.canParse(location, begun.url.href)) return undefined;
  const target = new URL(location, begun.url);
  // Registries behind a TLS proxy often do not know that they are reached by https.
  if (
    begun.url.protocol === 'https:' &&
    target.protocol === 'http:' &&
    target.hostname === begun.url.hostname
  ) {
    target.protocol = 'https:';
  }
  const query = `digest=${encodeURIComponent(digest)}`;
  target.search = target.search === '' ? query : `${target.search}&${query}`;
  return target;
}

/** Passes bytes on and counts them: a request for the next piece means that the previous one was sent. */
async function* countBytes(
  stream: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of stream) {
    yield piece;
    bytes += piece.length;
    onBytes(bytes);
  }
}

/** Passes bytes on, the last piece only after the whole blob was verified, so that an invalid blob is never complete. */
async function* checkBytes(
  stream: AsyncIterable<Uint8Array>,
  blob: BlobUpload['blob'],
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
    throw new Error('the content of the blob does not match its digest');
  }
  if (held !== undefined) yield held;
}
