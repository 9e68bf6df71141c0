/** Streams blobs of any size, for reading layers. Spec: "Pulling blobs". */
import { createHash } from 'node:crypto';
import { type Digest, fail, type ImageRef, ok, type Problem, problem, type Result } from '../model/mod.ts';
import type { Exchange } from './exchange.ts';
import type { Descriptor } from './manifest.ts';
import { badDigest, strangeAnswer } from './problems.ts';
import { pullScope } from './scope.ts';

/** Requests a blob as a stream that is not verified. The caller must read or end the stream. */
export async function requestBlob(
  exchange: Exchange,
  from: ImageRef,
  digest: Digest,
): Promise<Result<{ readonly stream: AsyncIterable<Uint8Array>; readonly url: URL }>> {
  const reply = await exchange.call({
    method: 'GET',
    host: from.registry,
    target: `/v2/${from.repository}/blobs/${digest}`,
    repository: from.repository,
    scopes: [pullScope(from.repository)],
    stream: true,
    accept: [200],
  });
  if (!reply.ok) return reply;
  const { stream, url } = reply.value;
  if (stream === undefined) {
    return fail([strangeAnswer(from.registry, { method: 'GET', url }, 'no bytes of the blob')]);
  }
  return ok({ stream, url });
}

/**
 * Streams the bytes of a blob. Size and digest are checked at the end, so the bytes are verified only then. Throws an error with
 * the message of a problem if they cannot be read or are wrong.
 */
export async function* readBlob(
  exchange: Exchange,
  from: ImageRef,
  blob: Pick<Descriptor, 'digest' | 'sizeBytes'>,
): AsyncGenerator<Uint8Array> {
  const reply = await requestBlob(exchange, from, blob.digest);
  if (!reply.ok) throw asError(exchange, reply.error[0]);
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of reply.value.stream) {
    hash.update(piece);
    length += piece.length;
    if (length > blob.sizeBytes) break;
    yield piece;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (length !== blob.sizeBytes || actual !== blob.digest) {
    const asked = { method: 'GET', url: reply.value.url };
    throw asError(exchange, badDigest(from.registry, asked, blob.digest, actual));
  }
}

function asError(exchange: Exchange, found: Problem | undefined): Error {
  const { message } = found ?? problem('registry/unexpected-answer', 'a request failed without a reason');
  return new Error(exchange.hide(message));
}
