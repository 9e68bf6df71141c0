/** How later steps name the image of a build. */
import { formatImageRef, type Outcome, parseImageRef } from '../model/mod.ts';

/** `ghcr.io/acme/api@sha256:…`, from the first tag; undefined without tag or image. */
export function imageOf({ digest, tags }: Outcome): string | undefined {
  const ref = tags[0] === undefined ? undefined : parseImageRef(tags[0].ref);
  if (digest === undefined || ref === undefined) return undefined;
  return formatImageRef({ registry: ref.registry, repository: ref.repository, digest });
}
