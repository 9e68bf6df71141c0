/** Reading a blob of any size as it comes, for whoever looks into layers. Spec: "Pulling blobs". */
import { createHash } from 'node:crypto';
import { type ImageRef, type Problem, problem } from '../model/mod.ts';
import type { Exchange } from './exchange.ts';
import type { Descriptor } from './manifest.ts';
import { badDigest } from './problems.ts';
import { pullScope } from './scope.ts';

/**
 * The bytes of a blob. They are checked against size and digest at their end, so whoever reads them knows that they are
 * right only then. Throws an error with the words of a problem where they cannot be read or are wrong.
 */
export async function* readBlob(
  exchange: Exchange,
  from: ImageRef,
  blob: Pick<Descriptor, 'digest' | 'sizeBytes'>,
): AsyncGenerator<Uint8Array> {
  const reply = await exchange.call({
    method: 'GET',
    host: from.registry,
    target: `/v2/${from.repository}/blobs/${blob.digest}`,
    repository: from.repository,
    scopes: [pullScope(from.repository)],
    stream: true,
    accept: [200],
  });
  if (!reply.ok) throw asError(reply.error[0]);
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of reply.value.stream ?? []) {
    hash.update(piece);
    length += piece.length;
    if (length > blob.sizeBytes) break;
    yield piece;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (length !== blob.sizeBytes || actual !== blob.digest) {
    const asked = { method: 'GET', url: reply.value.url };
    throw asError(badDigest(from.registry, asked, blob.digest, actual));
  }
}

function asError(found: Problem | undefined): Error {
  const { message } = found ?? problem('registry/unexpected-answer', 'a request failed without a reason');
  return new Error(message);
}
