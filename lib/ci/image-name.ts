/** How later steps name what a build made. */
import { formatImageRef, type Outcome, parseImageRef } from '../model/mod.ts';

/** `ghcr.io/acme/api@sha256:…` of its first tag; undefined where it has none or made nothing. */
export function imageOf({ digest, tags }: Outcome): string | undefined {
  const ref = tags[0] === undefined ? undefined : parseImageRef(tags[0].ref);
  if (digest === undefined || ref === undefined) return undefined;
  return formatImageRef({ registry: ref.registry, repository: ref.repository, digest });
}
